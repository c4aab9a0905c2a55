"""Points as jets: the seeds of a plan, symbolic wherever a direction is one coordinate."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler import taylor
from opcompiler.execution.directions import Drawn
from opcompiler.execution.heads import Argument
from opcompiler.execution.scalars import coefficient_value, rational_value
from opcompiler.ir.algebra import Algebra, Axis, AxisSeed, CoordinateSeed, Seed
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.space import Space

__all__ = ["axis_coefficients", "seeded"]

_NOTHING: Mapping[str, Drawn] = MappingProxyType({})


def seeded(
    point: Argument,
    space: Space,
    algebra: Algebra,
    seeds: Sequence[Seed],
    scalars: Sequence[Any],
    drawn: Mapping[str, Drawn] = _NOTHING,
) -> Any:
    """Return the jet of one space: its point with the coefficients that the seeds give its coordinates.

    Args:
        point: shaped (batch,) + `space.shape`, or `space.shape`.
        space: the space.
        algebra: what is carried.
        seeds: of all spaces.
        scalars: run-time values of the scalars in seed coefficients.
        drawn: the directions of this space, by drawn space: seeds of a drawn coordinate are seeds along its direction.
    """
    names = {space.name, *drawn}
    by_element: dict[int, list[Seed]] = {}
    for seed in seeds:
        if _touches(seed, names, algebra):
            by_element.setdefault(seed.element, []).append(seed)
    values = {
        element: _coefficient(element, own, point, space, algebra, scalars, drawn)
        for element, own in by_element.items()
    }
    return taylor.variable(point.value, algebra, values)


def axis_coefficients(
    algebra: Algebra, seeds: Sequence[Seed], axis: int, scalars: Sequence[Any]
) -> tuple[tuple[int, Any], ...]:
    """Return the families of an axis that have seeds along its directions, with their coefficients."""
    found: dict[int, Coefficient] = {}
    for seed in seeds:
        if isinstance(seed, AxisSeed) and algebra.elements[seed.element].axis == axis:
            known = found.get(seed.element)
            found[seed.element] = seed.coefficient if known is None else known + seed.coefficient
    return tuple((element, coefficient_value(coefficient, scalars)) for element, coefficient in found.items())


def _touches(seed: Seed, names: Collection[str], algebra: Algebra) -> bool:
    match seed:
        case CoordinateSeed():
            return seed.space in names
        case AxisSeed():
            return any(r.space in names for r in _axis(seed.element, algebra).ranges)


def _axis(element: int, algebra: Algebra) -> Axis:
    number = algebra.elements[element].axis
    if number is None:
        raise AssertionError(f"element {element} is no family but has an axis seed")
    return algebra.axes[number]


def _coefficient(
    element: int,
    seeds: Sequence[Seed],
    point: Argument,
    space: Space,
    algebra: Algebra,
    scalars: Sequence[Any],
    drawn: Mapping[str, Drawn],
) -> Any:
    """Return the seed of one element: symbolic where each direction is one coordinate, else dense."""
    family = algebra.elements[element].axis is not None
    merged = _merged(seeds)
    if len(merged) == 1 and space.shape:
        seed, factor = merged[0]
        symbolic = None
        if isinstance(seed, CoordinateSeed):
            symbolic = None if family or seed.space in drawn else ((0, seed.index, 1),)
        elif _axis(element, algebra).matrix is None and not _is_drawn(seed, algebra, drawn):
            symbolic = _runs(_axis(element, algebra), space.name)
        scattered = _scattered(seed, algebra, drawn)
        if scattered is not None:
            lead = (scattered.indices.shape[0],) if point.batched else ()
            return _at_positions(scattered, coefficient_value(factor, scalars), lead, point, space)
        if symbolic is not None:
            return taylor.OneHot(symbolic, _scale(coefficient_value(factor, scalars), point), len(space.shape))
    directions = algebra.size(algebra.elements[element])
    dtype = point.value.dtype
    total: Any = None
    for seed, factor in merged:
        rows = _dense(seed, space, algebra, directions, drawn, dtype)
        value = coefficient_value(factor, scalars)
        term = rows if isinstance(value, float) and value == 1 else rows * jnp.asarray(value, dtype)
        total = term if total is None else total + term
    batch_axes = (total.shape[1],) if point.batched else ()
    leading = (directions,) if family else ()
    return jnp.reshape(total, (*leading, *batch_axes, *space.shape))


def _scattered(seed: Seed, algebra: Algebra, drawn: Mapping[str, Drawn]) -> Drawn | None:
    """Return the directions of a seed that are multiples of unit vectors, all of one drawn space or one of them."""
    match seed:
        case CoordinateSeed(space=name, index=index) if name in drawn:
            first, size = index, 1
        case AxisSeed():
            axis = _axis(seed.element, algebra)
            if axis.matrix is not None or len(axis.ranges) != 1 or axis.ranges[0].space not in drawn:
                return None
            (piece,) = axis.ranges
            name, first, size = piece.space, piece.start, piece.size
        case _:
            return None
    known = drawn[name]
    if known.indices is None:
        return None
    chosen = slice(first, first + size)
    return Drawn(
        indices=known.indices[..., chosen], lengths=None if known.lengths is None else known.lengths[..., chosen]
    )


def _at_positions(drawn: Drawn, factor: Any, lead: tuple[int, ...], point: Argument, space: Space) -> taylor.Scattered:
    positions = jnp.reshape(jnp.moveaxis(drawn.indices[:, 0], 0, 1), (drawn.indices.shape[-1], *lead))
    values = jnp.full(positions.shape, factor, point.value.dtype)
    if drawn.lengths is not None:
        values = values * jnp.reshape(jnp.moveaxis(drawn.lengths[:, 0], 0, 1), positions.shape).astype(values.dtype)
    return taylor.Scattered(positions, values, len(space.shape))


def _is_drawn(seed: AxisSeed, algebra: Algebra, drawn: Mapping[str, Drawn]) -> bool:
    return any(piece.space in drawn for piece in _axis(seed.element, algebra).ranges)


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


def _runs(axis: Axis, name: str) -> tuple[tuple[int, int, int], ...]:
    runs, direction = [], 0
    for piece in axis.ranges:
        if piece.space == name:
            runs.append((direction, piece.start, piece.size))
        direction += piece.size
    return tuple(runs)


def _dense(
    seed: Seed, space: Space, algebra: Algebra, directions: int, drawn: Mapping[str, Drawn], dtype: Any
) -> jax.Array:
    """Return the directions without the coefficient, shaped (directions, batch or 1, flat coordinates)."""
    match seed:
        case CoordinateSeed(space=name, index=index) if name in drawn:
            row = _drawn_rows(drawn[name], space, dtype)[index][None]
            return jnp.broadcast_to(row, (directions, *row.shape[1:]))
        case CoordinateSeed():
            row = (jnp.arange(space.dim) == seed.index)[None, None].astype(dtype)
            return jnp.broadcast_to(row, (directions, *row.shape[1:]))
        case AxisSeed():
            axis = _axis(seed.element, algebra)
    rows = _coordinates_of(axis, space, drawn, dtype)
    if axis.matrix is None:
        return rows
    matrix = np.array([[rational_value(number) for number in row] for row in axis.matrix])
    return jnp.tensordot(jnp.asarray(matrix, dtype), rows, axes=1, precision=jax.lax.Precision.HIGHEST)


def _coordinates_of(axis: Axis, space: Space, drawn: Mapping[str, Drawn], dtype: Any) -> jax.Array:
    """Return what the coordinates of an axis are in the space, one row each, zero for those of other spaces."""
    pieces: list[jax.Array] = []
    for piece in axis.ranges:
        if piece.space in drawn:
            pieces.append(_drawn_rows(drawn[piece.space], space, dtype)[piece.start : piece.stop])
        elif piece.space == space.name:
            unit = jnp.zeros((piece.size, 1, space.dim), dtype)
            pieces.append(unit.at[:, 0, piece.start : piece.stop].set(jnp.eye(piece.size, dtype=dtype)))
        else:
            pieces.append(jnp.zeros((piece.size, 1, space.dim), dtype))
    batch = max(piece.shape[1] for piece in pieces)
    return jnp.concatenate([jnp.broadcast_to(p, (p.shape[0], batch, space.dim)) for p in pieces])


def _drawn_rows(drawn: Drawn, space: Space, dtype: Any) -> jax.Array:
    """Return drawn directions shaped (directions, batch or 1, flat coordinates)."""
    return jnp.moveaxis(drawn.dense(space.dim, dtype)[:, 0], 0, 1)
