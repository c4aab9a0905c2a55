"""A value with its derivatives: `Jet`, the symbolic coordinate seed `OneHot`, and `variable`.

Normalisation, stated once: coefficient k is w_k(∂)f for the basis element w_k of the algebra; no factorials hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.errors import ShapeError
from opcompiler.ir.algebra import Algebra

__all__ = ["Coefficient", "Jet", "OneHot", "Row", "Runs", "Scattered", "variable"]

Runs: TypeAlias = tuple[tuple[int, int, int], ...]
"""(first direction, first flat position, length): directions and positions that advance together."""


@dataclass(frozen=True)
class OneHot:
    """Coordinate seeds without the zeros: every direction touches at most one position of the point.

    The point is the trailing `point_ndim` axes of the primal, flattened in C order; the axes before it are the batch.
    Coefficient r is `scale` at the position that `runs` assigns to direction r and zero elsewhere; a direction
    outside all runs is zero. A single element has the one direction 0.

    Attributes:
        runs: disjoint (first direction, first flat position, length) triples.
        scale: a number, or an array of the primal's rank that broadcasts against it; only its entries at touched
            positions matter.
        point_ndim: number of trailing axes of the primal that make up the point.
    """

    runs: Runs
    scale: Any = 1.0
    point_ndim: int = 1


@dataclass(frozen=True)
class Scattered:
    """Multiples of unit vectors at positions that are known at run time; a single element has one direction.

    The point is the trailing `point_ndim` axes of the primal, flattened in C order; the axes before it are the batch.

    Attributes:
        positions: integers shaped (directions,) + batch axes, of their lengths or one.
        values: direction r is values[r] at positions[r], of the same shape.
        point_ndim: number of trailing axes of the primal that make up the point.
    """

    positions: Any
    values: Any
    point_ndim: int = 1


@dataclass(frozen=True)
class Row:
    """A coefficient of a large algebra, which stands in one array with others.

    Attributes:
        stack: number of the array among `Jet.stacks`.
        row: where in it.
    """

    stack: int
    row: int


Coefficient: TypeAlias = jax.Array | OneHot | Scattered | Row | None


@dataclass(frozen=True)
class Jet:
    """A value and the coefficients w_k(∂)f of an algebra, k ≥ 1; a pytree.

    Attributes:
        primal: the value f.
        coefficients: one entry per element k ≥ 1 (entry k − 1): None where it is structurally zero; an array that
            broadcasts against the primal, for a family with its directions as an additional leading axis; or a
            `OneHot`, a `Scattered`, or the `Row` of a stack.
        directions: number of directions per element k ≥ 1, None for a single element.
        stacks: coefficients of single elements, stacked: (rows, *broadcastable against the primal).
    """

    primal: Any
    coefficients: tuple[Coefficient, ...]
    directions: tuple[int | None, ...]
    stacks: tuple[jax.Array, ...] = ()

    def coefficient(self, number: int) -> jax.Array:
        """Return w_number(∂)f in full: the primal's shape, with the directions leading for a family."""
        primal = jnp.asarray(self.primal)
        if number == 0:
            return primal
        value, directions = self.coefficients[number - 1], self.directions[number - 1]
        shape = primal.shape if directions is None else (directions, *primal.shape)
        if value is None:
            return jnp.zeros(shape, primal.dtype)
        if isinstance(value, Row):
            value = self.stacks[value.stack][value.row]
        elif isinstance(value, OneHot):
            value = _written_out(value, directions or 1, primal)
            value = value[0] if directions is None else value
        elif isinstance(value, Scattered):
            from opcompiler.taylor.sparse import sparse_of, sparse_written_out

            value = sparse_written_out(sparse_of(value, primal.shape), primal.dtype)
            value = value[0] if directions is None else value
        return jnp.broadcast_to(value, shape).astype(primal.dtype)

    def stacked(self, numbers: Sequence[int]) -> jax.Array:
        """Return the coefficients of single elements in one array, (elements, *primal's shape), in this order.

        The program does not grow with the number of elements where these are rows of `stacks`.
        """
        primal = jnp.asarray(self.primal)
        entries = [self.coefficients[n - 1] if n else None for n in numbers]
        order: list[int] = []
        pieces: list[jax.Array] = []
        for stack, array in enumerate(self.stacks):
            own = [(place, e.row) for place, e in enumerate(entries) if isinstance(e, Row) and e.stack == stack]
            if own:
                places, rows = zip(*own, strict=True)
                order += places
                pieces.append(jnp.broadcast_to(array[np.array(rows)], (len(rows), *primal.shape)).astype(primal.dtype))
        for place, (number, entry) in enumerate(zip(numbers, entries, strict=True)):
            if not isinstance(entry, Row):
                order.append(place)
                pieces.append(self.coefficient(number)[None])
        together = pieces[0] if len(pieces) == 1 else jnp.concatenate(pieces)
        return together if order == sorted(order) else together[np.argsort(order)]


jax.tree_util.register_dataclass(OneHot, data_fields=["scale"], meta_fields=["runs", "point_ndim"])
jax.tree_util.register_dataclass(Scattered, data_fields=["positions", "values"], meta_fields=["point_ndim"])
jax.tree_util.register_dataclass(Row, data_fields=[], meta_fields=["stack", "row"])
jax.tree_util.register_dataclass(Jet, data_fields=["primal", "coefficients", "stacks"], meta_fields=["directions"])


def variable(primal: Any, algebra: Algebra, coefficients: Mapping[int, Any]) -> Jet:
    """Return the jet of an independent variable.

    Args:
        primal: its value, batch axes first.
        algebra: the algebra.
        coefficients: element number → `OneHot`, number or array that broadcasts against the primal (for a family with
            the directions as an additional leading axis); missing elements are zero.

    Raises:
        ShapeError: a coefficient does not fit the primal, or an element does not exist.
    """
    primal = jnp.asarray(primal)
    directions = tuple(None if e.axis is None else algebra.size(e) for e in algebra.elements[1:])
    entries: list[Coefficient] = [None] * len(directions)
    for number, value in coefficients.items():
        if not 1 <= number < len(algebra.elements):
            raise ShapeError(f"the algebra has no nilpotent element {number}", hint=f"1 … {len(algebra.elements) - 1}")
        entries[number - 1] = _seed(value, primal, directions[number - 1])
    return Jet(primal, tuple(entries), directions)


def _seed(value: Any, primal: jax.Array, directions: int | None) -> Coefficient:
    if isinstance(value, OneHot):
        _check_runs(value, primal.shape, directions or 1)
        return value
    if isinstance(value, Scattered):
        return _checked(value, primal.shape, directions or 1)
    value = jnp.asarray(value)
    value = value if value.dtype == primal.dtype else value.astype(primal.dtype)
    leading = () if directions is None else (directions,)
    if value.ndim < len(leading) or value.ndim > primal.ndim + len(leading):
        raise ShapeError(f"a coefficient of shape {value.shape} does not fit a value of shape {primal.shape}")
    if directions is None:
        value = value.reshape((1,) * (primal.ndim - value.ndim) + value.shape)
    else:
        value = value.reshape(value.shape[:1] + (1,) * (primal.ndim + 1 - value.ndim) + value.shape[1:])
    for have, want in zip(value.shape, (*leading, *primal.shape), strict=True):
        if have not in (1, want):
            raise ShapeError(
                f"a coefficient of shape {value.shape} does not fit a value of shape {primal.shape}",
                hint=f"a family needs shape {(directions, *primal.shape)}" if directions is not None else None,
            )
    return value


def _checked(seed: Scattered, shape: tuple[int, ...], directions: int) -> Scattered:
    positions, values = jnp.asarray(seed.positions), jnp.asarray(seed.values)
    batch = shape[: len(shape) - seed.point_ndim]
    fits = len(positions.shape) == 1 + len(batch) and positions.shape[0] == directions
    if not fits or any(n not in (1, m) for n, m in zip(positions.shape[1:], batch, strict=True)):
        raise ShapeError(
            f"positions of shape {positions.shape} do not fit {directions} directions and a value of shape {shape}"
        )
    if values.shape != positions.shape:
        raise ShapeError(f"values of shape {values.shape} do not fit positions of shape {positions.shape}")
    return Scattered(positions, values, seed.point_ndim)


def _check_runs(seed: OneHot, shape: tuple[int, ...], directions: int) -> None:
    if seed.point_ndim > len(shape):
        raise ShapeError(f"a point of {seed.point_ndim} axes in a value of shape {shape}")
    positions = prod(shape[len(shape) - seed.point_ndim :])
    for direction, position, length in seed.runs:
        if min(direction, position) < 0 or direction + length > directions or position + length > positions:
            raise ShapeError(
                f"run {(direction, position, length)} does not fit {directions} directions and {positions} positions"
            )


def _written_out(seed: OneHot, directions: int, primal: jax.Array) -> jax.Array:
    from opcompiler.taylor.seeds import seed_of, written_out

    return written_out(seed_of(seed, directions, primal.ndim), primal.shape, primal.dtype)
