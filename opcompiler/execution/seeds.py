"""Points as jets: the seeds of a plan, symbolic wherever a direction is one coordinate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from opcompiler import taylor
from opcompiler.execution.heads import Argument
from opcompiler.execution.scalars import coefficient_value, rational_value
from opcompiler.ir.algebra import Algebra, Axis, AxisSeed, CoordinateSeed, Seed
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.space import Space

__all__ = ["seeded"]


def seeded(point: Argument, space: Space, algebra: Algebra, seeds: Sequence[Seed], scalars: Sequence[Any]) -> Any:
    """Return the jet of one space: its point with the coefficients that the seeds give its coordinates.

    Args:
        point: shaped (batch,) + `space.shape`, or `space.shape`.
        space: the space.
        algebra: what is carried.
        seeds: of all spaces.
        scalars: run-time values of the scalars in seed coefficients.
    """
    by_element: dict[int, list[Seed]] = {}
    for seed in seeds:
        if _touches(seed, space, algebra):
            by_element.setdefault(seed.element, []).append(seed)
    values = {
        element: _coefficient(element, own, point, space, algebra, scalars) for element, own in by_element.items()
    }
    return taylor.variable(point.value, algebra, values)


def _touches(seed: Seed, space: Space, algebra: Algebra) -> bool:
    match seed:
        case CoordinateSeed():
            return seed.space == space.name
        case AxisSeed():
            return any(r.space == space.name for r in _axis(seed.element, algebra).ranges)


def _axis(element: int, algebra: Algebra) -> Axis:
    number = algebra.elements[element].axis
    if number is None:
        raise AssertionError(f"element {element} is no family but has an axis seed")
    return algebra.axes[number]


def _coefficient(
    element: int, seeds: Sequence[Seed], point: Argument, space: Space, algebra: Algebra, scalars: Sequence[Any]
) -> Any:
    """Return the seed of one element: symbolic where each direction is one coordinate, else dense."""
    family = algebra.elements[element].axis is not None
    merged = _merged(seeds)
    if len(merged) == 1 and space.shape:
        seed, factor = merged[0]
        symbolic = None
        if isinstance(seed, CoordinateSeed) and not family:
            symbolic = ((0, seed.index, 1),)
        elif isinstance(seed, AxisSeed) and _axis(element, algebra).matrix is None:
            symbolic = _runs(_axis(element, algebra), space)
        if symbolic is not None:
            return taylor.OneHot(symbolic, _scale(coefficient_value(factor, scalars), point), len(space.shape))
    directions = algebra.size(algebra.elements[element])
    total: Any = None
    for seed, factor in merged:
        rows = _dense(seed, space, algebra, directions).astype(point.value.dtype)
        value = coefficient_value(factor, scalars)
        term = rows if isinstance(value, float) and value == 1 else rows * jnp.asarray(value, point.value.dtype)
        total = term if total is None else total + term
    batch_axes = (1,) if point.batched else ()
    leading = (directions,) if family else ()
    return jnp.reshape(total, (*leading, *batch_axes, *space.shape))


def _merged(seeds: Sequence[Seed]) -> list[tuple[Seed, Coefficient]]:
    """Add the coefficients of seeds of the same coordinate or axis."""
    sums: dict[tuple[Any, ...], tuple[Seed, Coefficient]] = {}
    for seed in seeds:
        key = (seed.space, seed.index) if isinstance(seed, CoordinateSeed) else ()
        known = sums.get(key)
        sums[key] = (seed, seed.coefficient if known is None else known[1] + seed.coefficient)
    return list(sums.values())


def _scale(value: Any, point: Argument) -> Any:
    if isinstance(value, float):
        return value
    return jnp.reshape(jnp.asarray(value, point.value.dtype), (1,) * point.value.ndim)


def _runs(axis: Axis, space: Space) -> tuple[tuple[int, int, int], ...]:
    runs, direction = [], 0
    for piece in axis.ranges:
        if piece.space == space.name:
            runs.append((direction, piece.start, piece.size))
        direction += piece.size
    return tuple(runs)


def _dense(seed: Seed, space: Space, algebra: Algebra, directions: int) -> Any:
    """Return the directions as rows over the flat coordinates of the space, without the coefficient."""
    match seed:
        case CoordinateSeed():
            row = (jnp.arange(space.dim) == seed.index)[None]
            return jnp.broadcast_to(row, (directions, space.dim))
        case AxisSeed():
            axis = _axis(seed.element, algebra)
    if axis.matrix is None:
        total = jnp.zeros((directions, space.dim))
        for direction, start, size in _runs(axis, space):
            total = total.at[direction : direction + size, start : start + size].set(jnp.eye(size))
        return total
    matrix = np.array([[rational_value(number) for number in row] for row in axis.matrix])
    columns = np.zeros((directions, space.dim))
    column = 0
    for piece in axis.ranges:
        if piece.space == space.name:
            columns[:, piece.start : piece.stop] = matrix[:, column : column + piece.size]
        column += piece.size
    return jnp.asarray(columns)
