"""Arithmetic of coefficient blocks.

A block is what one element of the algebra holds inside the interpreter: None (structurally zero), an array of shape
(directions, *broadcastable to the primal's shape), with one direction for a single element, or a `Seed` or `Sparse`
that stands for one. The leading axis is always there, so a single element times a family is ordinary broadcasting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, TypeAlias, overload

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor.seeds import Seed, by_position, with_point, written_out
from opcompiler.taylor.sparse import Sparse, sparse_written_out

__all__ = ["Block", "Shape", "add", "contract", "densify", "expand", "multiply", "scale", "subtract", "total"]

Block: TypeAlias = jax.Array | Seed | Sparse | None
Shape: TypeAlias = tuple[int, ...]


@overload
def densify(block: jax.Array | Seed | Sparse, shape: Shape, dtype: Any) -> jax.Array: ...
@overload
def densify(block: None, shape: Shape, dtype: Any) -> None: ...
@overload
def densify(block: Block, shape: Shape, dtype: Any) -> jax.Array | None: ...
def densify(block: Block, shape: Shape, dtype: Any) -> jax.Array | None:
    """Return the block as an array, coordinate seeds written out with their zeros.

    Raises:
        LimitError: a coordinate seed would be too large.
    """
    if isinstance(block, Sparse):
        return sparse_written_out(block, dtype)
    return written_out(block, shape, dtype) if isinstance(block, Seed) else block


def expand(array: jax.Array, shape: Shape, axes: Iterable[int] | None = None) -> jax.Array:
    """Broadcast the given axes of the primal (all by default) of a dense block to their full length."""
    wanted = set(range(len(shape)) if axes is None else axes)
    target = (array.shape[0], *(n if i in wanted else array.shape[i + 1] for i, n in enumerate(shape)))
    return array if array.shape == target else jnp.broadcast_to(array, target)


def scale(block: Block, factor: Any) -> Block:
    """Return factor × block; the factor is a number or an array of the primal's rank."""
    if block is None or (isinstance(factor, int | float) and factor == 1):
        return block
    if isinstance(factor, int | float) and factor == 0:
        return None
    if isinstance(block, Seed):
        return block.scaled(factor if block.is_unit else _times(block.scale, factor))
    if isinstance(block, Sparse):
        return block.scaled(factor)
    if np.ndim(factor) == 0:
        return block * _typed(factor, block)
    return block * jnp.asarray(factor)[None]


def _times(a: Any, b: Any) -> Any:
    """Product of two scales: numbers, 0-d arrays, arrays of the primal's rank."""
    if np.ndim(a) and not np.ndim(b):
        return a * _typed(b, a)
    if np.ndim(b) and not np.ndim(a):
        return b * _typed(a, b)
    return a * b


def _typed(factor: Any, like: jax.Array) -> Any:
    """Give a 0-d run-time scalar the dtype of its partner; Python numbers are weakly typed already."""
    return factor.astype(like.dtype) if isinstance(factor, jax.Array | np.ndarray) else factor


def add(a: Block, b: Block, shape: Shape, dtype: Any) -> Block:
    """Return a + b."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, Sparse) and isinstance(b, Sparse) and a.same_positions(b):
        return a.with_values(a.values + b.values)
    if isinstance(a, Sparse) and isinstance(b, Sparse) and (a.directions, a.point) == (b.directions, b.point):
        return a.joined(b)
    if isinstance(a, Seed) and isinstance(b, Seed) and a.same_directions(b):
        first, second = a.scale, b.scale
        if np.ndim(first) != np.ndim(second):
            ones = (1,) * len(shape)
            first, second = (jnp.asarray(s, dtype).reshape(np.shape(s) or ones) for s in (first, second))
        return a.scaled(first + second)
    return densify(a, shape, dtype) + densify(b, shape, dtype)


def subtract(a: Block, b: Block, shape: Shape, dtype: Any) -> Block:
    """Return a − b."""
    if a is None or b is None or isinstance(a, Seed | Sparse) or isinstance(b, Seed | Sparse):
        return add(a, scale(b, -1.0), shape, dtype)
    return a - b


def total(blocks: Sequence[Block], shape: Shape, dtype: Any) -> Block:
    """Return the sum of the blocks; None if there are none."""
    result: Block = None
    for block in blocks:
        result = add(result, block, shape, dtype)
    return result


def multiply(a: Block, b: Block, shape: Shape, dtype: Any) -> Block:
    """Return the product direction by direction; one direction times many broadcasts."""
    if a is None or b is None:
        return None
    if isinstance(a, Sparse) and isinstance(b, Sparse) and a.has_places_of(b):
        return a.with_values(a.values * b.values)
    if isinstance(b, Sparse) and not isinstance(a, Sparse):
        a, b = b, a
    if isinstance(a, Sparse):
        other = densify(b, shape, dtype)
        return a.scaled(other[0]) if other.shape[0] == 1 else densify(a, shape, dtype) * other
    if isinstance(a, Seed) and isinstance(b, Seed):
        if a.same_directions(b):
            return a.scaled(_times(a.scale, b.scale))
        if not a.overlaps(b):
            return None
        if a.directions < b.directions:
            a, b = b, a
    if isinstance(b, Seed) and not isinstance(a, Seed):
        a, b = b, a
    if isinstance(a, Seed):
        other = densify(b, shape, dtype)
        if other.shape[0] == 1:
            return a.scaled(_times(a.scale, other[0]))
        return densify(a, shape, dtype) * other
    return densify(a, shape, dtype) * densify(b, shape, dtype)


def contract(a: Block, b: Block, weights: np.ndarray | None, shape: Shape, dtype: Any) -> Block:
    """Return Σ_r weights_r a_r b_r over the directions, as a single element."""
    if a is None or b is None:
        return None
    if isinstance(a, Sparse) and isinstance(b, Sparse) and a.has_places_of(b):
        return a.summed(b, weights)
    a = densify(a, shape, dtype) if isinstance(a, Sparse) else a
    b = densify(b, shape, dtype) if isinstance(b, Sparse) else b
    if isinstance(a, Seed) and isinstance(b, Seed):
        if a.same_directions(b):
            return _at_positions(a, _times(a.scale, b.scale), weights, shape, dtype)
        if not a.overlaps(b):
            return None
    if isinstance(b, Seed):
        a, b = b, a
    if isinstance(a, Seed) and not isinstance(b, Seed):
        constant_over_point = all(b.shape[axis + 1] == 1 for axis in a.axes)
        if b.shape[0] == a.directions and constant_over_point:
            return _spread(a, by_position(a, _weighted(b, weights), prod(a.point(shape))), shape, dtype)
    a, b = densify(a, shape, dtype), densify(b, shape, dtype)
    return sum_of_rows(_weighted(a, weights) * b)


@jax.custom_jvp
def sum_of_rows(rows: jax.Array) -> jax.Array:
    """Return the sum over the leading axis, which stays with length one: a few additions of halves.

    XLA:CPU hands a sum over the leading axis to a library that adds number by number, up to 40 times slower than the
    additions of whole arrays that the rest is fused with. The derivative is a plain sum, whose transpose broadcasts.
    """
    if jax.default_backend() != "cpu":
        return jnp.sum(rows, axis=0, keepdims=True)
    aside: jax.Array | None = None
    while (count := rows.shape[0]) > 1:
        half = count // 2
        first, second, *odd = lax.split(rows, [half, half] + [1] * (count % 2), 0)
        rows = first + second
        if odd:
            aside = odd[0] if aside is None else aside + odd[0]
    return rows if aside is None else rows + aside


@sum_of_rows.defjvp
def _sum_of_rows_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return sum_of_rows(*primals), jnp.sum(*tangents, axis=0, keepdims=True)


def _weighted(block: jax.Array, weights: np.ndarray | None) -> jax.Array:
    if weights is None:
        return block
    return block * jnp.asarray(weights, block.dtype).reshape((-1,) + (1,) * (block.ndim - 1))


def _at_positions(seed: Seed, value: Any, weights: np.ndarray | None, shape: Shape, dtype: Any) -> jax.Array:
    """Σ_r of a diagonal family with itself: its scale, masked to the touched positions."""
    point = seed.point(shape)
    value = jnp.asarray(value, dtype)
    value = value.reshape((1,) * len(shape)) if value.ndim == 0 else value
    mask = np.zeros(prod(point))
    for direction, position, length in seed.runs:
        mask[position : position + length] = 1.0 if weights is None else weights[direction : direction + length]
    if np.all(mask == 1.0):
        return value[None]
    placed = with_point(jnp.asarray(mask, dtype).reshape((1, *point)), seed.axes, len(shape))
    return value[None] * placed


def _spread(seed: Seed, moved: jax.Array, shape: Shape, dtype: Any) -> jax.Array:
    """Put (positions, *others with ones at the point's axes) in place, times the scale."""
    rest = tuple(n for axis, n in enumerate(moved.shape[1:]) if axis not in seed.axes)
    array = moved.reshape((*seed.point(shape), *rest))
    others = [axis for axis in range(len(shape)) if axis not in seed.axes]
    array = jnp.moveaxis(array, range(len(shape)), [*seed.axes, *others])
    scale_ = jnp.asarray(seed.scale, dtype)
    return (array * scale_)[None]
