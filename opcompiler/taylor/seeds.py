"""Coordinate seeds without their zeros: every direction touches at most one position of the point.

The block of a coordinate function x is an identity matrix over (direction, position). It stays symbolic, with a scale
per position, through everything that keeps each direction at one position; a dense layer turns it into a gather of
columns, a sum over the point into one number per direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.errors import LimitError
from opcompiler.taylor.jet import OneHot, Runs

__all__ = ["MATERIALISED_BYTES", "Seed", "by_direction", "merge_runs", "seed_of", "written_out"]

MATERIALISED_BYTES = 2 * 1024**3
"""Largest coordinate seed that is written out where a primitive has no symbolic rule for it."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Seed:
    """One-hot directions over some axes of the primal.

    Attributes:
        runs: (first direction, first flat position, length), disjoint in directions and positions.
        scale: a number, or an array of the primal's rank that broadcasts against it.
        axes: the primal's axes that make up the point, in the order of its flat positions.
        directions: number of directions, those outside the runs (zero) included.
    """

    runs: Runs
    scale: Any
    axes: tuple[int, ...]
    directions: int

    @property
    def is_unit(self) -> bool:
        """Whether the scale is the number 1."""
        return isinstance(self.scale, int | float) and self.scale == 1

    def scaled(self, scale: Any) -> Seed:
        """Return the same directions with another scale."""
        return Seed(self.runs, scale, self.axes, self.directions)

    def same_directions(self, other: Seed) -> bool:
        """Whether direction r touches the same position in both."""
        return (self.runs, self.axes, self.directions) == (other.runs, other.axes, other.directions)

    def point(self, shape: Shape) -> Shape:
        """Return the lengths of the point's axes."""
        return tuple(shape[axis] for axis in self.axes)

    def overlaps(self, other: Seed) -> bool:
        """Whether some position is touched by both."""
        if self.axes != other.axes:
            return True
        return any(p < q + m and q < p + n for _, p, n in self.runs for _, q, m in other.runs)


def _flattened(seed: Seed) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """A scale that is a number stays one: rules look at it."""
    known = isinstance(seed.scale, int | float)
    static = (seed.runs, seed.scale if known else None, seed.axes, seed.directions)
    return (() if known else (seed.scale,)), static


def _unflattened(static: tuple[Any, ...], children: tuple[Any, ...]) -> Seed:
    runs, scale, *rest = static
    return Seed(runs, children[0] if children else scale, *rest)


jax.tree_util.register_pytree_node(Seed, _flattened, _unflattened)


def seed_of(one_hot: OneHot, directions: int, ndim: int) -> Seed:
    """Return the public seed in the interpreter's form."""
    axes = tuple(range(ndim - one_hot.point_ndim, ndim))
    return Seed(merge_runs(one_hot.runs), one_hot.scale, axes, directions)


def written_out(seed: Seed, shape: Shape, dtype: Any) -> jax.Array:
    """Write the seed out with its zeros, as a block: (directions, *broadcastable to shape).

    Raises:
        LimitError: it would take more than `MATERIALISED_BYTES`.
    """
    point = seed.point(shape)
    others = 1
    if np.ndim(seed.scale):
        others = prod(n for axis, n in enumerate(np.shape(seed.scale)) if axis not in seed.axes)
    size = seed.directions * prod(point) * others * np.dtype(dtype).itemsize
    if size > MATERIALISED_BYTES:
        raise LimitError(
            f"{seed.directions} coordinate directions over {prod(point)} coordinates need {size / 1e9:.1f} GB",
            hint="let the coordinates enter through a dense layer, a sum of elementwise functions, or slices",
        )
    eye = by_direction(seed, jnp.eye(prod(point), dtype=dtype))
    dense = with_point(eye.reshape(eye.shape[0], *point), seed.axes, len(shape))
    if seed.is_unit:
        return dense
    scale = jnp.asarray(seed.scale, dtype)
    return dense * (scale if scale.ndim == 0 else scale[None])


def by_direction(seed: Seed, rows: jax.Array) -> jax.Array:
    """Return row p(r) of an array of rows by position for every direction r, zero for directions outside the runs."""
    pieces, direction = [], 0
    for first, position, length in sorted(seed.runs):
        if first > direction:
            pieces.append(jnp.zeros((first - direction, *rows.shape[1:]), rows.dtype))
        pieces.append(lax.slice_in_dim(rows, position, position + length, axis=0))
        direction = first + length
    if direction < seed.directions:
        pieces.append(jnp.zeros((seed.directions - direction, *rows.shape[1:]), rows.dtype))
    return pieces[0] if len(pieces) == 1 else lax.concatenate(pieces, 0)


def by_position(seed: Seed, rows: jax.Array, positions: int) -> jax.Array:
    """Return the row of the direction that touches it for every position, zero for untouched ones."""
    mirrored = Seed(tuple((p, r, n) for r, p, n in seed.runs), 1.0, seed.axes, positions)
    return by_direction(mirrored, rows)


def with_point(array: jax.Array, axes: tuple[int, ...], ndim: int) -> jax.Array:
    """Place (directions, *point) as a block of rank `ndim` + 1 with the point at `axes`, ones elsewhere."""
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    array = jnp.transpose(array, (0, *(i + 1 for i in order)))
    lengths = dict(zip(sorted(axes), array.shape[1:], strict=True))
    return array.reshape((array.shape[0], *(lengths.get(axis, 1) for axis in range(ndim))))


def scale_by_position(seed: Seed, shape: Shape, dtype: Any) -> jax.Array:
    """Return the scale array as (positions, *other axes with the point's axes of length one)."""
    scale = jnp.asarray(seed.scale, dtype)
    full = tuple(n if axis in seed.axes else scale.shape[axis] for axis, n in enumerate(shape))
    scale = jnp.broadcast_to(scale, full)
    moved = jnp.moveaxis(scale, seed.axes, range(len(seed.axes)))
    rest = tuple(1 if axis in seed.axes else n for axis, n in enumerate(full))
    return moved.reshape((prod(seed.point(shape)), *rest))


def merge_runs(runs: Iterable[tuple[int, int, int]]) -> Runs:
    """Return the runs sorted by direction, neighbours joined."""
    merged: list[tuple[int, int, int]] = []
    for direction, position, length in sorted(runs):
        if length == 0:
            continue
        if merged:
            last_direction, last_position, last_length = merged[-1]
            if last_direction + last_length == direction and last_position + last_length == position:
                merged[-1] = (last_direction, last_position, last_length + length)
                continue
        merged.append((direction, position, length))
    return tuple(merged)


def moved_runs(runs: Runs, positions: np.ndarray) -> Runs | None:
    """Return the runs after a selection: `positions` lists the old flat position at every new one, −1 for none.

    None if a direction would touch two positions.
    """
    size = int(positions.max(initial=-1)) + 1
    old = np.full(max(size, max((p + n for _, p, n in runs), default=0)), -1)
    for direction, position, length in runs:
        old[position : position + length] = np.arange(direction, direction + length)
    directions = np.where(positions >= 0, old[positions], -1)
    new = np.flatnonzero(directions >= 0)
    touched = directions[new]
    if len(np.unique(touched)) != len(touched):
        return None
    order = np.argsort(touched, kind="stable")
    touched, new = touched[order], new[order]
    if len(touched) == 0:
        return ()
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(touched) != 1) | (np.diff(new) != 1)]))
    stops = np.append(starts[1:], len(touched))
    return tuple((int(touched[i]), int(new[i]), int(j - i)) for i, j in zip(starts, stops, strict=True))
