"""Calls of random normal forms: every point as often as it is repeated, and the mean over the repeats."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.directions import Directions, Drawn
from opcompiler.execution.given import name_of
from opcompiler.execution.heads import Argument
from opcompiler.ir.plan import Plan
from opcompiler.ir.sampling import Sampling
from opcompiler.ir.space import Space

__all__ = ["averaged", "directions_in", "drawn_parameters", "repeated_call"]


def repeated_call(call: BoundCall, sampling: Sampling) -> BoundCall:
    """Return the call in which every repeat of every point is a point of its own, with its own directions.

    The batch axis runs over points, then repeats. All points of u carry it, because their directions do; a call of
    one point that is not repeated has none.
    """
    if call.batch is None and sampling.repeats == 1:
        return call
    batch, repeats = call.point_count, sampling.repeats

    def spread(array: Any, batched: bool) -> Any:
        array = array if batched else jnp.broadcast_to(array, (batch, *jnp.shape(array)))
        return array if repeats == 1 else jnp.repeat(array, repeats, axis=0)

    return replace(
        call,
        points=tuple(Argument(spread(point.value, point.batched), True) for point in call.points),
        aux=jax.tree.map(lambda leaf: spread(leaf, call.batch is not None), call.aux),
        batch_shape=(batch * repeats,),
        directions={name: drawn.flattened(batch, repeats) for name, drawn in call.directions.items()},
    )


def directions_in(space: Space, plan: Plan, call: BoundCall) -> dict[str, Drawn]:
    """Return the directions that lie in one space, by drawn or directed space.

    The call is one that `repeated_call` or `given.directed_call` returned.
    """
    if plan.directing is not None:
        return {own.space: call.directions[name_of(own)] for own in plan.directing.spaces if own.of == space.name}
    if plan.sampling is None:
        return {}
    return {draw.space: call.directions[draw.space] for draw in plan.sampling.draws if draw.of == space.name}


def averaged(value: Any, number: int, call: BoundCall, sampling: Sampling) -> Any:
    """Return the mean over the repeats of a contraction's values, each times the weight of its drawn term.

    Args:
        value: of contraction `number` in the repeated call, its batch axis in front if that has one.
        number: of the contraction.
        call: the call as it was made.
        sampling: how it is repeated.
    """
    if call.batch is None and sampling.repeats == 1:
        weight = _weight(number, call.directions, sampling)
        return value if weight is None else value * weight[0, 0].astype(value.dtype)
    value = jnp.reshape(value, (call.point_count, sampling.repeats, *value.shape[1:]))
    weight = _weight(number, call.directions, sampling)
    if weight is not None:
        value = value * jnp.reshape(weight, (*weight.shape, *(1,) * (value.ndim - 2))).astype(value.dtype)
    value = value[:, 0] if sampling.repeats == 1 else jnp.mean(value, axis=1)
    return value if call.batch is not None else value[0]


def drawn_parameters(call: BoundCall, sampling: Sampling) -> dict[str, Argument]:
    """Return the matrices of directions that stand in heads, [directions, dim of the space]."""
    declarations = sampling.normal_form.declarations
    values: dict[str, Argument] = {}
    for name, space in sampling.parameters:
        dim = declarations.parameter(name).shape[1]
        rows = call.directions[space].dense(dim, call.dtype)[:, 0]
        batched = call.batch is not None and rows.shape[0] > 1
        values[name] = Argument(rows if batched else rows[0], batched)
    return values


def _weight(number: int, directions: Directions, sampling: Sampling) -> Any:
    space = dict(sampling.weighted).get(number)
    return None if space is None else directions[space].weight
