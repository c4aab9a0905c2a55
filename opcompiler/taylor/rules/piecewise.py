"""Piecewise primitives: the branch is chosen by the values, the coefficients follow it.

At a tie JAX's derivative conventions are kept: max and min average the two branches, |x| has derivative 0 at 0.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks, demand
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.series import Series, aligned, constant, is_series

FAMILY = "piecewise"


def weighted_sum(application: Application, parts: list[tuple[Any, jax.Array]], primal: jax.Array) -> Series:
    """Return Σ mask · a_w over the series among the parts."""
    shape, dtype = primal.shape, primal.dtype
    series = [(part, mask) for part, mask in parts if is_series(part)]
    result: list[Block] = []
    for k in range(1, application.structure.size):
        contributions = [blocks.scale(part.block(k), mask) for part, mask in series]
        result.append(blocks.total(contributions, shape, dtype))
    return Series(primal, tuple(result))


@taylor_rule("max", "min", family=FAMILY, demand=demand.linear)
def extremum(application: Application, a: Any, b: Any) -> Series:
    """The coefficients of the larger (smaller) argument; the mean of both where they are equal."""
    primal = application.bind(constant(a), constant(b))
    dtype = primal.dtype
    a, b = aligned(a, primal.shape), aligned(b, primal.shape)
    x, y = constant(a), constant(b)
    first = x > y if application.name == "max" else x < y
    tie = x == y
    mask = jnp.where(tie, jnp.asarray(0.5, dtype), first.astype(dtype))
    return weighted_sum(application, [(a, mask), (b, 1.0 - mask)], primal)


@taylor_rule("abs", family=FAMILY)
def absolute(application: Application, a: Series) -> Series:
    """|a|_w = sign(a) a_w; for complex a, √(Re² + Im²)."""
    primal = application.bind(a.primal)
    if not jnp.iscomplexobj(a.primal):
        return weighted_sum(application, [(a, jnp.sign(a.primal))], primal)
    return application.interpreter.through(
        lambda z: jnp.sqrt(jnp.real(z) ** 2 + jnp.imag(z) ** 2), [a], application.needed, [primal]
    )[0]


@taylor_rule("select_n", family=FAMILY, demand=demand.linear)
def select(application: Application, which: Any, *cases: Any) -> Series:
    """The coefficients of the chosen case."""
    which = constant(which)
    primal = application.bind(which, *map(constant, cases))
    shape, dtype = primal.shape, primal.dtype
    index = which if np.ndim(which) == len(shape) else jnp.reshape(which, (1,) * len(shape))
    result: list[Block] = []
    for k in range(1, application.structure.size):
        dense = [c.dense(k) if is_series(c) else None for c in cases]
        if all(d is None for d in dense):
            result.append(None)
            continue
        rows = max(d.shape[0] for d in dense if d is not None)
        full = [jnp.zeros((rows, *shape), dtype) if d is None else jnp.broadcast_to(d, (rows, *shape)) for d in dense]
        result.append(lax.select_n(jnp.broadcast_to(index[None], (rows, *shape)), *full))
    return Series(primal, tuple(result))


@taylor_rule("clamp", family=FAMILY, demand=demand.linear)
def clamp(application: Application, low: Any, a: Any, high: Any) -> Series:
    """The coefficients of the bound or of the argument, whichever is the value."""
    primal = application.bind(constant(low), constant(a), constant(high))
    dtype = primal.dtype
    low, a, high = (aligned(v, primal.shape) for v in (low, a, high))
    below = (constant(low) > constant(a)).astype(dtype)
    above = (constant(high) < constant(a)).astype(dtype)
    inside = jnp.logical_and(constant(a) > constant(low), constant(a) < constant(high)).astype(dtype)
    return weighted_sum(application, [(low, below), (a, inside), (high, above)], primal)


@taylor_rule("reduce_max", "reduce_min", family=FAMILY, demand=demand.linear)
def reduce_extremum(application: Application, a: Series) -> Series:
    """The coefficients at the extremum; their mean over all entries that attain it."""
    axes = tuple(application.params["axes"])
    primal = application.bind(a.primal)
    attained = (a.primal == jnp.expand_dims(primal, axes)).astype(a.dtype)
    mask = attained / jnp.sum(attained, axis=axes, keepdims=True)
    result: list[Block] = []
    for k in range(1, len(a.blocks) + 1):
        array = a.dense(k)
        result.append(None if array is None else jnp.sum(array * mask[None], axis=tuple(x + 1 for x in axes)))
    return Series(primal, tuple(result))


@taylor_rule("sort", family=FAMILY, demand=demand.linear)
def sort(application: Application, *operands: Any) -> list[Any]:
    """Coefficients are carried along by the permutation that sorts the keys."""
    axis = application.params["dimension"]
    primals = [constant(v) for v in operands]
    iota = lax.broadcasted_iota(jnp.int32, np.shape(primals[0]), axis)
    *values, order = application.apply(*primals, iota)
    return [_permuted(v, p, order, axis) for v, p in zip(operands, values, strict=True)]


def _permuted(value: Any, primal: jax.Array, order: jax.Array, axis: int) -> Any:
    if not is_series(value):
        return primal
    dense = [value.dense(k) for k in range(1, len(value.blocks) + 1)]
    return Series(
        primal,
        tuple(
            None if d is None else jnp.take_along_axis(blocks.expand(d, value.shape), order[None], axis + 1)
            for d in dense
        ),
    )


@taylor_rule("top_k", family=FAMILY, demand=demand.linear)
def top_k(application: Application, a: Series) -> list[Any]:
    """The coefficients of the chosen entries."""
    values, indices = application.bind(a.primal)
    axis = application.params.get("axis", a.ndim - 1) % a.ndim
    return [_permuted(a, values, indices, axis), indices]
