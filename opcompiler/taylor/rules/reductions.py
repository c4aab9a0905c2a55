"""Reductions along axes."""

from __future__ import annotations

from math import prod
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks, demand
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.rules.structural import joined
from opcompiler.taylor.seeds import Seed, by_direction, scale_by_position
from opcompiler.taylor.series import Series, map_blocks, multiply_series
from opcompiler.taylor.sparse import Sparse, entries_summed

FAMILY = "reductions"


@taylor_rule("reduce_sum", family=FAMILY, demand=demand.linear)
def reduce_sum(application: Application, a: Series) -> Any:
    """(Σa)_w = Σ a_w; an axis along which a_w is constant contributes its length, a seed one number per direction."""
    axes = tuple(application.params["axes"])
    primal = application.bind(a.primal)
    result: list[Block] = []
    for block in a.blocks:
        summed = _summed_seed(block, a, axes) if isinstance(block, Seed) else None
        if isinstance(block, Sparse) and axes == tuple(range(a.ndim - len(block.point), a.ndim)):
            summed = entries_summed(block)
        if summed is None and block is not None:
            summed = _summed(blocks.densify(block, a.shape, a.dtype), a.shape, axes)
        result.append(summed)
    return Series(primal, tuple(result))


def _summed(array: jax.Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> jax.Array:
    constant = prod(shape[axis] for axis in axes if array.shape[axis + 1] == 1 and shape[axis] != 1)
    total = jnp.sum(array, axis=tuple(axis + 1 for axis in axes))
    return total if constant == 1 else total * float(constant)


def _summed_seed(seed: Seed, a: Series, axes: tuple[int, ...]) -> Block:
    """Summed over the whole point a seed is its scale, direction by direction; over other axes it stays a seed."""
    point = {axis for axis in seed.axes if a.shape[axis] != 1}
    if not point & set(axes):
        kept = [axis for axis in range(a.ndim) if axis not in axes]
        length = prod(a.shape[axis] for axis in axes)
        scale = seed.scale
        if np.ndim(scale):
            scale = _summed(scale[None], a.shape, axes)[0]
        else:
            scale = scale * float(length) if length != 1 else scale
        return Seed(seed.runs, scale, tuple(kept.index(axis) for axis in seed.axes if axis in kept), seed.directions)
    if not point <= set(axes):
        return None
    if np.ndim(seed.scale):
        rows = scale_by_position(seed, a.shape, a.dtype)
    else:
        rows = jnp.full((prod(seed.point(a.shape)), *(1,) * a.ndim), seed.scale, a.dtype)
    values = by_direction(seed, rows)
    shape = tuple(1 if axis in seed.axes else n for axis, n in enumerate(a.shape))
    return _summed(values, shape, axes)


@taylor_rule("cumsum", family=FAMILY, demand=demand.linear)
def cumsum(application: Application, a: Series) -> Series:
    """Running sums of every coefficient."""
    axis = application.params["axis"]
    result = []
    for k in range(1, len(a.blocks) + 1):
        array = a.dense(k)
        if array is not None:
            array = application.apply(blocks.expand(array, a.shape, (axis,)), axis=axis + 1)
        result.append(array)
    return Series(application.bind(a.primal), tuple(result))


@taylor_rule("cumprod", family=FAMILY)
def cumprod(application: Application, a: Series) -> Series:
    """Running products as a parallel scan of products."""
    params = application.params

    def scan(x: jax.Array) -> jax.Array:
        return lax.associative_scan(jnp.multiply, x, reverse=params["reverse"], axis=params["axis"])

    return application.interpreter.through(scan, [a], application.needed, [application.bind(a.primal)])[0]


@taylor_rule("reduce_prod", family=FAMILY)
def reduce_prod(application: Application, a: Series) -> Series:
    """A product is a tree of binary products, which also differentiates at zeros."""
    axes, needed = application.params["axes"], application.wanted
    kept = [axis for axis in range(a.ndim) if axis not in axes]
    primal = application.bind(a.primal)
    series = _flattened(a, tuple(axes), kept)
    structure = application.structure
    while series.shape[0] > 1:
        half = series.shape[0] // 2
        low, high, rest = (_rows(series, *bounds) for bounds in ((0, half), (half, 2 * half), (2 * half, None)))
        product = multiply_series(structure, low, high, low.primal * high.primal, structure.closure(needed))
        series = _appended(product, rest) if rest.shape[0] else product
    return map_blocks(series, lambda b: b[:, 0], primal)


def _flattened(a: Series, axes: tuple[int, ...], kept: list[int]) -> Series:
    def moved(array: jax.Array) -> jax.Array:
        array = jnp.transpose(array, (0, *(axis + 1 for axis in (*axes, *kept))))
        return array.reshape((array.shape[0], -1, *array.shape[1 + len(axes) :]))

    dense = (a.dense(k) for k in range(1, len(a.blocks) + 1))
    return Series(
        moved(a.primal[None])[0], tuple(None if d is None else moved(blocks.expand(d, a.shape)) for d in dense)
    )


def _rows(a: Series, start: int, stop: int | None) -> Series:
    return map_blocks(a, lambda b: b[:, start:stop], a.primal[start:stop])


def _appended(a: Series, b: Series) -> Series:
    return joined([a, b], 0, lax.concatenate([a.primal, b.primal], 0))
