"""Rearrangements: every coefficient moves as the value does; axes along which it is constant stay of length one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks, demand
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.seeds import Seed, merge_runs, moved_runs
from opcompiler.taylor.series import Series, constant, is_series
from opcompiler.taylor.sparse import Sparse

FAMILY = "structural"
Shape = tuple[int, ...]
OnSeed = Callable[[Seed], Seed | None]


def rearranged(a: Series, primal: Any, on_array: Callable[[jax.Array], jax.Array], on_seed: OnSeed | None) -> Series:
    """Apply one function to dense blocks, another to seeds; a seed that it declines is written out."""
    result: list[Block] = []
    for block in a.blocks:
        moved = on_seed(block) if isinstance(block, Seed) and on_seed is not None else None
        if moved is None and block is not None:
            moved = on_array(blocks.densify(block, a.shape, a.dtype))
        result.append(moved)
    return Series(primal, tuple(result))


def _scale(seed: Seed, on_array: Callable[[jax.Array], jax.Array]) -> Any:
    """Move the scale of a seed as a block is moved."""
    return seed.scale if np.ndim(seed.scale) == 0 else on_array(seed.scale[None])[0]


# reshape ------------------------------------------------------------------------------------------------------------


def axis_groups(old: Shape, new: Shape) -> list[tuple[list[int], list[int]]]:
    """Split a reshape into independent groups of axes with equal products."""
    groups, i, j = [], 0, 0
    while i < len(old) or j < len(new):
        left, right, first, second = [], [], 1, 1
        if i < len(old):
            left, first, i = [i], old[i], i + 1
        if j < len(new) and (first != 1 or not left or new[j] == 1):
            right, second, j = [j], new[j], j + 1
        while first != second:
            if (first < second or j >= len(new)) and i < len(old):
                left.append(i)
                first *= old[i]
                i += 1
            else:
                right.append(j)
                second *= new[j]
                j += 1
        groups.append((left, right))
    return groups


def reshape_block(array: jax.Array, old: Shape, new: Shape) -> jax.Array:
    """Reshape a dense block, keeping groups of axes along which it is constant at length one."""
    if prod(old) == 0:
        return jnp.zeros((array.shape[0], *new), array.dtype)
    target: dict[int, int] = {}
    grown: list[int] = []
    for left, right in axis_groups(old, new):
        if all(array.shape[axis + 1] == 1 for axis in left):
            target.update(dict.fromkeys(right, 1))
        else:
            grown += left
            target.update({axis: new[axis] for axis in right})
    array = blocks.expand(array, old, grown)
    return array.reshape((array.shape[0], *(target[axis] for axis in range(len(new)))))


def reshape_seed(seed: Seed, old: Shape, new: Shape) -> Seed | None:
    """A point whose axes are reshaped among themselves keeps its flat positions."""
    if prod(old) == 0:
        return None
    axes: list[int] = []
    point = [axis for axis in seed.axes if old[axis] != 1]
    if point != sorted(point):
        return None
    for left, right in axis_groups(old, new):
        inside = [axis for axis in left if axis in point]
        if not inside:
            continue
        if any(axis not in seed.axes and old[axis] != 1 for axis in left):
            return None
        axes += [axis for axis in right if new[axis] != 1]
    return Seed(seed.runs, _scale(seed, lambda s: reshape_block(s, old, new)), tuple(axes), seed.directions)


def reshaped(a: Series, primal: Any) -> Series:
    """Reshape every coefficient to the primal's new shape."""
    old, new = a.shape, np.shape(primal)
    return rearranged(a, primal, lambda b: reshape_block(b, old, new), lambda s: reshape_seed(s, old, new))


@taylor_rule("reshape", "squeeze", family=FAMILY, demand=demand.linear)
def reshape(application: Application, a: Series) -> Series:
    """(Ra)_w = R a_w; C order is kept."""
    order = application.params["dimensions"] if application.name == "reshape" else None
    if order is None:
        return reshaped(a, application.bind(a.primal))
    return reshaped(transposed(a, tuple(order)), application.bind(a.primal))


@taylor_rule("broadcast_in_dim", family=FAMILY, demand=demand.linear)
def broadcast_in_dim(application: Application, a: Series, *dynamic: Any) -> Series:
    """Coefficients are not broadcast: new axes have length one."""
    places = application.params["broadcast_dimensions"]
    primal = application.bind(a.primal, *dynamic)
    shape = primal.shape

    def on_array(block: jax.Array) -> jax.Array:
        lengths = dict(zip(places, block.shape[1:], strict=True))
        return block.reshape((block.shape[0], *(lengths.get(axis, 1) for axis in range(len(shape)))))

    def on_seed(seed: Seed) -> Seed | None:
        axes = [axis for axis in seed.axes if a.shape[axis] != 1]
        return Seed(seed.runs, _scale(seed, on_array), tuple(places[axis] for axis in axes), seed.directions)

    return rearranged(a, primal, on_array, on_seed)


@taylor_rule("transpose", family=FAMILY, demand=demand.linear)
def transpose(application: Application, a: Series) -> Series:
    """(Pa)_w = P a_w."""
    return transposed(a, application.params["permutation"])


def transposed(a: Series, permutation: tuple[int, ...]) -> Series:
    """Permute the axes of the value and of every coefficient."""

    def on_array(block: jax.Array) -> jax.Array:
        return lax.transpose(block, (0, *(axis + 1 for axis in permutation)))

    def on_seed(seed: Seed) -> Seed:
        axes = tuple(permutation.index(axis) for axis in seed.axes)
        return Seed(seed.runs, _scale(seed, on_array), axes, seed.directions)

    return rearranged(a, lax.transpose(a.primal, permutation), on_array, on_seed)


# selections of positions --------------------------------------------------------------------------------------------


def select_positions(seed: Seed, shape: Shape, move: Callable[[np.ndarray], np.ndarray]) -> Seed | None:
    """Follow the seed through a selection of entries that acts on each axis separately and keeps the rank."""
    point = seed.point(shape)
    order = np.argsort(seed.axes)
    inverse = np.argsort(order)
    flat = np.arange(prod(point)).reshape(point).transpose(order)
    placed = flat.reshape([shape[axis] if axis in seed.axes else 1 for axis in range(len(shape))])
    moved = move(placed)
    moved = moved.reshape([moved.shape[axis] for axis in sorted(seed.axes)]).transpose(inverse)
    runs = moved_runs(seed.runs, moved.reshape(-1))
    return None if runs is None else Seed(merge_runs(runs), seed.scale, seed.axes, seed.directions)


def _sliced(array: Any, starts: Sequence[int], limits: Sequence[int], strides: Sequence[int], offset: int) -> Any:
    """Slice the axes that are not of constant length one."""
    index = [slice(None)] * offset
    for axis, (start, limit, stride) in enumerate(zip(starts, limits, strides, strict=True)):
        index.append(slice(None) if array.shape[axis + offset] == 1 else slice(start, limit, stride))
    return array[tuple(index)]


@taylor_rule("slice", family=FAMILY, demand=demand.linear)
def slice_(application: Application, a: Series) -> Series:
    """(Sa)_w = S a_w; the runs of a seed shift."""
    starts, limits = application.params["start_indices"], application.params["limit_indices"]
    strides = application.params["strides"] or (1,) * a.ndim

    def on_array(block: jax.Array) -> jax.Array:
        lows = [starts[i] if block.shape[i + 1] > 1 else 0 for i in range(a.ndim)]
        highs = [limits[i] if block.shape[i + 1] > 1 else 1 for i in range(a.ndim)]
        steps = [strides[i] if block.shape[i + 1] > 1 else 1 for i in range(a.ndim)]
        if any(limits[i] == starts[i] for i in range(a.ndim)):
            return blocks.expand(block, a.shape)[(slice(None), *map(slice, starts, limits, strides))]
        return lax.slice(block, (0, *lows), (block.shape[0], *highs), (1, *steps))

    def on_seed(seed: Seed) -> Seed | None:
        moved = select_positions(seed, a.shape, lambda p: _sliced(p, starts, limits, strides, 0))
        return None if moved is None else moved.scaled(_scale(seed, on_array))

    return rearranged(a, application.bind(a.primal), on_array, on_seed)


@taylor_rule("rev", family=FAMILY, demand=demand.linear)
def rev(application: Application, a: Series) -> Series:
    """(Ra)_w = R a_w."""
    dimensions = application.params["dimensions"]

    def on_array(block: jax.Array) -> jax.Array:
        return lax.rev(block, tuple(axis + 1 for axis in dimensions))

    def on_seed(seed: Seed) -> Seed | None:
        moved = select_positions(seed, a.shape, lambda p: np.flip(p, tuple(d for d in dimensions if p.shape[d] > 1)))
        return None if moved is None else moved.scaled(_scale(seed, on_array))

    return rearranged(a, application.bind(a.primal), on_array, on_seed)


@taylor_rule("split", family=FAMILY, demand=demand.linear)
def split(application: Application, a: Series) -> list[Any]:
    """Slices along one axis."""
    axis, sizes = application.params["axis"], application.params["sizes"]
    primals = application.bind(a.primal)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    results = []
    for primal, start, stop in zip(primals, offsets[:-1], offsets[1:], strict=True):
        low, high = int(start), int(stop)

        def on_array(block: jax.Array, low: int = low, high: int = high) -> jax.Array:
            return block if block.shape[axis + 1] == 1 else lax.slice_in_dim(block, low, high, axis=axis + 1)

        def on_seed(seed: Seed, low: int = low, high: int = high, on_array: Any = on_array) -> Seed | None:
            index = (slice(None),) * axis + (slice(low, high),)
            moved = select_positions(seed, a.shape, lambda p: p[index] if p.shape[axis] > 1 else p)
            return None if moved is None else moved.scaled(_scale(seed, on_array))

        results.append(rearranged(a, primal, on_array, on_seed))
    return results


# joining ------------------------------------------------------------------------------------------------------------


@taylor_rule("concatenate", family=FAMILY, demand=demand.linear)
def concatenate(application: Application, *operands: Any) -> Series:
    """(a ⊕ b)_w = a_w ⊕ b_w; seeds of different operands join their runs."""
    return joined(operands, application.params["dimension"], application.bind(*map(constant, operands)))


@taylor_rule("stack", family=FAMILY, demand=demand.linear)
def stack(application: Application, *operands: Any) -> Series:
    """Concatenation along a new axis."""
    axis = application.params["axis"]
    shape = np.shape(constant(operands[0]))
    shape = (*shape[:axis], 1, *shape[axis:])
    grown = [reshaped(a, jnp.reshape(a.primal, shape)) if is_series(a) else jnp.reshape(a, shape) for a in operands]
    return joined(grown, axis, application.bind(*map(constant, operands)))


@taylor_rule("unstack", family=FAMILY, demand=demand.linear)
def unstack(application: Application, a: Series) -> list[Series]:
    """Slices along one axis, without it."""
    axis = application.params["axis"]
    primals = application.bind(a.primal)
    results = []
    for i, primal in enumerate(primals):
        kept = (*a.shape[:axis], 1, *a.shape[axis + 1 :])

        def on_array(block: jax.Array, i: int = i) -> jax.Array:
            return block if block.shape[axis + 1] == 1 else lax.slice_in_dim(block, i, i + 1, axis=axis + 1)

        def on_seed(seed: Seed, i: int = i, on_array: Any = on_array) -> Seed | None:
            index = (slice(None),) * axis + (slice(i, i + 1),)
            moved = select_positions(seed, a.shape, lambda p: p[index] if p.shape[axis] > 1 else p)
            return None if moved is None else moved.scaled(_scale(seed, on_array))

        piece = rearranged(a, jnp.reshape(primal, kept), on_array, on_seed)
        results.append(reshaped(piece, primal))
    return results


def joined(operands: Sequence[Any], axis: int, primal: jax.Array) -> Series:
    """Concatenate coefficient by coefficient."""
    count = len(next(a for a in operands if is_series(a)).blocks)
    result = []
    for k in range(1, count + 1):
        pieces = [a.block(k) if is_series(a) else None for a in operands]
        if all(piece is None for piece in pieces):
            result.append(None)
            continue
        shapes = [np.shape(constant(a)) for a in operands]
        block = joined_sparse(pieces, shapes, axis)
        if block is None and not any(isinstance(p, jax.Array | Sparse) for p in pieces):
            block = joined_seeds(pieces, shapes, axis)
        if block is None:
            block = _joined_arrays([a.dense(k) if is_series(a) else None for a in operands], shapes, axis, primal.dtype)
        result.append(block)
    return Series(primal, tuple(result))


def _joined_arrays(pieces: Sequence[jax.Array | None], shapes: Sequence[Shape], axis: int, dtype: Any) -> jax.Array:
    common = np.broadcast_shapes(*((*p.shape[: axis + 1], 1, *p.shape[axis + 2 :]) for p in pieces if p is not None))
    full = []
    for piece, shape in zip(pieces, shapes, strict=True):
        target = (*common[: axis + 1], shape[axis], *common[axis + 2 :])
        full.append(jnp.zeros(target, dtype) if piece is None else jnp.broadcast_to(piece, target))
    return lax.concatenate(full, axis + 1)


def joined_sparse(pieces: Sequence[Block], shapes: Sequence[Shape], axis: int) -> Sparse | None:
    """Join directions at run-time positions along the only axis of the point, if no other piece has directions."""
    found = [n for n, piece in enumerate(pieces) if piece is not None]
    if len(found) != 1 or axis != len(shapes[0]) - 1:
        return None
    piece = pieces[found[0]]
    if not isinstance(piece, Sparse) or len(piece.point) != 1:
        return None
    lengths = [shape[axis] for shape in shapes]
    return piece.shifted(sum(lengths[: found[0]]), sum(lengths))


def joined_seeds(pieces: Sequence[Block], shapes: Sequence[Shape], axis: int) -> Seed | None:
    """Join one-hot seeds along an axis of the point; None if a direction would touch two positions."""
    seeds = [p for p in pieces if isinstance(p, Seed)]
    ndim = len(shapes[0])
    point = {axis, *(x for s in seeds for x in s.axes)}
    if any(sorted(s.axes) != list(s.axes) for s in seeds):
        return None
    for shape in shapes:
        lengths = [shape[x] for x in sorted(point - {axis})]
        if any(x not in s.axes and shapes[0][x] != 1 for s in seeds for x in point - {axis}) and lengths:
            return None
    axes = tuple(sorted(point))
    runs, offset = [], 0
    total = sum(shape[axis] for shape in shapes)
    whole = tuple(total if x == axis else shapes[0][x] for x in axes)
    index = np.arange(prod(whole)).reshape(whole)
    for piece, shape in zip(pieces, shapes, strict=True):
        if isinstance(piece, Seed):
            if axis not in piece.axes and shape[axis] != 1:
                return None
            window = tuple(slice(offset, offset + shape[axis]) if x == axis else slice(None) for x in axes)
            new = index[window].reshape(-1)
            for direction, position, length in piece.runs:
                runs += (
                    [(direction + i, int(new[position + i]), 1) for i in range(length)]
                    if len(axes) > 1
                    else [(direction, int(new[position]), length)]
                )
        offset += shape[axis]
    touched = merge_runs(runs)
    if any(first + n > second for (first, _, n), (second, _, _) in pairwise(touched)):
        return None
    scale = _joined_scale(pieces, shapes, axis, ndim)
    return Seed(touched, scale, axes, max(s.directions for s in seeds))


def _joined_scale(pieces: Sequence[Block], shapes: Sequence[Shape], axis: int, ndim: int) -> Any:
    scales = [p.scale for p in pieces if isinstance(p, Seed)]
    if all(isinstance(s, int | float) and s == scales[0] for s in scales):
        return scales[0]
    dtype = (
        jnp.result_type(*scales, jnp.float32)
        if all(isinstance(s, int | float) for s in scales)
        else next(s.dtype for s in scales if not isinstance(s, int | float))
    )
    arrays = []
    for piece in pieces:
        value = jnp.asarray(piece.scale if isinstance(piece, Seed) else 0.0, dtype)
        arrays.append((value.reshape((1,) * ndim) if value.ndim == 0 else value)[None])
    return _joined_arrays(arrays, shapes, axis, dtype)[0]
