"""Directions given at call: the rows of directed spaces, evaluated where the operator is."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from opcompiler.errors import UnsupportedError
from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.directions import Drawn
from opcompiler.execution.heads import Argument, Environment, evaluate_head
from opcompiler.execution.labelled import BATCH, broadcast_to_labels
from opcompiler.ir.directing import COORDINATE, DIRECTION, DirectedSpace, Directing

__all__ = ["directed_call", "name_of"]


def name_of(space: DirectedSpace) -> str:
    """Return the name of the directions of a directed space that lie in one space, among those of a call."""
    return f"{space.space} in {space.of}"


def directed_call(call: BoundCall, directing: Directing, environment: Environment) -> BoundCall:
    """Return the call with the directions of all directed spaces.

    Where they differ from point to point all points of u carry the batch axis, as their directions do.

    Raises:
        UnsupportedError: a direction is complex.
    """
    shapes = {space.name: space.shape for space in directing.normal_form.declarations.spaces}
    directions = {name_of(own): _rows(own, math.prod(shapes[own.of]), environment) for own in directing.spaces}
    call = replace(call, directions=directions)
    if call.batch is None or all(drawn.rows.shape[0] == 1 for drawn in directions.values()):
        return call
    return replace(call, points=tuple(_at_every_point(point, call.batch) for point in call.points))


def _rows(space: DirectedSpace, dim: int, environment: Environment) -> Drawn:
    """Return the rows shaped (points or 1, 1, directions, dim of the space that they lie in)."""
    sizes = {DIRECTION: space.directions, COORDINATE: dim}
    value = evaluate_head(space.rows, replace(environment, sizes={**environment.sizes, **sizes}))
    if jnp.iscomplexobj(value.value):
        raise UnsupportedError(
            "the second derivatives have complex coefficients, and so no real directions",
            hint='ask for the plan in coordinates: scheme=oc.Exact(strategy="minimal algebra")',
        )
    labels: tuple[str, ...] = (DIRECTION, COORDINATE)
    if environment.batch is not None and BATCH in value.labels:
        labels, sizes = (BATCH, *labels), {**sizes, BATCH: environment.batch}
    rows = broadcast_to_labels(value, labels, sizes)
    points = rows.shape[:-2] or (1,)
    return Drawn(rows=jnp.reshape(rows, (*points, 1, space.directions, dim)))


def _at_every_point(point: Argument, batch: int) -> Argument:
    if point.batched:
        return point
    value: Any = jnp.broadcast_to(point.value, (batch, *jnp.shape(point.value)))
    return Argument(value, True)
