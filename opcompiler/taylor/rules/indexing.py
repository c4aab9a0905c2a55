"""Linear primitives with a fixed shape: applied to every coefficient in full, over the stacked coefficients at once.

Index operands carry no derivative. Among these are gather, dynamic slices, padding, the additive scatters, the
convolution with constant kernel, the Fourier transform and the real-linear windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks, demand
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.pairs import Pairs
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.rows import ROWS
from opcompiler.taylor.series import Series, constant, is_series

FAMILY = "indexing"


def stacked_linear(
    application: Application, operands: Sequence[Any], linear: tuple[int, ...], primal: Any = None
) -> Series:
    """Apply a map that is linear in the operands numbered `linear` (jointly) to all coefficients at once.

    A plain array among the linear operands contributes to the primal only.
    """
    primal = application.bind(*map(constant, operands)) if primal is None else primal
    count = len(next(a for a in operands if is_series(a)).blocks)
    members = [
        k for k in range(1, count + 1)
        if any(is_series(operands[i]) and operands[i].block(k) is not None for i in linear)
    ]  # fmt: skip
    if not members:
        return primal
    rows = {k: max(_directions(operands[i], k) for i in linear if is_series(operands[i])) for k in members}
    stacks = [stacked(operands[i], members, rows) for i in linear]

    def apply(*coefficients: jax.Array) -> jax.Array:
        values = [constant(operand) for operand in operands]
        for i, coefficient in zip(linear, coefficients, strict=True):
            values[i] = coefficient
        return application.bind(*values)

    product = jax.vmap(apply)(*stacks)
    sizes = [rows[k] for k in members]
    pieces = [product] if len(sizes) == 1 else lax.split(product, sizes, 0)
    result: list[Block] = [None] * count
    for k, piece in zip(members, pieces, strict=True):
        result[k - 1] = piece
    return Series(primal, tuple(result))


def _directions(operand: Series, k: int) -> int:
    array = operand.dense(k)
    return 0 if array is None else array.shape[0]


def stacked(operand: Any, members: Sequence[int], rows: dict[int, int]) -> jax.Array:
    """Return the coefficients `members` of an operand in full, one after the other; zeros for a plain array."""
    shape, dtype = np.shape(constant(operand)), jnp.result_type(constant(operand))
    pieces = []
    for k in members:
        array = operand.dense(k) if is_series(operand) else None
        target = (rows[k], *shape)
        pieces.append(jnp.zeros(target, dtype) if array is None else jnp.broadcast_to(array, target))
    return pieces[0] if len(pieces) == 1 else lax.concatenate(pieces, 0)


@taylor_rule("gather", "dynamic_slice", "fft", "reduce_window_sum", "tile", ROWS, family=FAMILY, demand=demand.linear)
def first_operand(application: Application, a: Any, *rest: Any) -> Any:
    """(La)_w = L a_w; the other operands are indices."""
    return stacked_linear(application, [a, *map(constant, rest)], (0,))


@taylor_rule("pad", "dynamic_update_slice", family=FAMILY, demand=demand.linear)
def two_operands(application: Application, a: Any, b: Any, *indices: Any) -> Any:
    """Jointly linear in the operand and what is written into it."""
    return stacked_linear(application, [a, b, *map(constant, indices)], (0, 1))


@taylor_rule("scatter-add", "scatter-sub", family=FAMILY, demand=demand.linear)
def scatter_add(application: Application, a: Any, indices: Any, updates: Any) -> Any:
    """Jointly linear in the operand and the updates."""
    return stacked_linear(application, [a, constant(indices), updates], (0, 2))


@taylor_rule("conv_general_dilated", family=FAMILY, demand=demand.bilinear)
def convolution(application: Application, a: Any, b: Any) -> Any:
    """Bilinear: with a constant kernel one convolution over the stacked coefficients."""
    if not is_series(b):
        return stacked_linear(application, [a, b], (0,))
    if not is_series(a):
        return stacked_linear(application, [a, b], (1,))
    return bilinear(application, a, b)


def bilinear(application: Application, a: Series, b: Series) -> Series:
    """Both factors are series: a_w b + a b_w + Σ T^w_lr a_l b_r, product by product."""
    structure, needed = application.structure, application.wanted
    primal = application.bind(a.primal, b.primal)
    left = stacked_linear(application, [a, b.primal], (0,), primal)
    right = stacked_linear(application, [a.primal, b], (1,), primal)
    shape, dtype = primal.shape, primal.dtype
    result: list[Block] = [None] * (structure.size - 1)
    for k in sorted(needed - {0}):
        contributions = [left.block(k), right.block(k)]
        for term in structure.products[k]:
            for p, q, meeting in term.orientations:
                value = _pair(application, a, b, (p, q), term.weights, meeting)
                if value is not None and meeting is None and not structure.is_family(k):
                    value = jnp.sum(value, axis=0, keepdims=True)
                contributions.append(blocks.scale(value, term.constant))
        result[k - 1] = blocks.total(contributions, shape, dtype)
    return Series(primal, tuple(result))


def _pair(
    application: Application, a: Series, b: Series, pair: tuple[int, int], weights: Any, meeting: Pairs | None
) -> jax.Array | None:
    x, y = a.dense(pair[0]), b.dense(pair[1])
    if x is None or y is None:
        return None
    x, y = blocks.expand(x, a.shape), blocks.expand(y, b.shape)
    if meeting is not None:
        return meeting.product(x, y, jax.vmap(application.bind))
    if weights is not None:
        x = x * jnp.asarray(weights, x.dtype).reshape((-1,) + (1,) * (x.ndim - 1))
    rows = max(x.shape[0], y.shape[0])
    x = jnp.broadcast_to(x, (rows, *a.shape))
    y = jnp.broadcast_to(y, (rows, *b.shape))
    return jax.vmap(application.bind)(x, y)
