"""Elementwise linear primitives: applied to every coefficient as they are."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks, demand
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.registry import Application, locally_constant, taylor_rule
from opcompiler.taylor.seeds import Seed
from opcompiler.taylor.series import Series, aligned, constant, is_series
from opcompiler.taylor.sparse import Sparse

FAMILY = "linear"


@taylor_rule("neg", "copy", "reduce_precision", "name", family=FAMILY, demand=demand.linear)
def each(application: Application, a: Series) -> Series:
    """(La)_w = L a_w for an elementwise linear map L that also acts on the numbers of a coordinate seed."""
    return Series(_first(application.bind(a.primal)), tuple(_on_block(application, block, a) for block in a.blocks))


def _on_block(application: Application, block: Block, a: Series) -> Block:
    if block is None:
        return None
    if isinstance(block, Seed):
        if isinstance(block.scale, int | float):
            sign = -1.0 if application.name == "neg" else 1.0
            return block.scaled(sign * block.scale)
        return block.scaled(_first(application.bind(jnp.asarray(block.scale, a.dtype))))
    if isinstance(block, Sparse):
        return block.with_values(_first(application.bind(block.values)))
    return _first(application.bind(block))


def _first(result: Any) -> Any:
    return result[0] if isinstance(result, list) else result


@taylor_rule("optimization_barrier", "device_put", family=FAMILY, demand=demand.linear)
def optimization_barrier(application: Application, *inputs: Any) -> list[Any]:
    """The identity; where values live and how the compiler groups them does not concern the coefficients."""
    primals = application.bind(*map(constant, inputs))
    return [Series(p, a.blocks) if is_series(a) else p for a, p in zip(inputs, primals, strict=True)]


@taylor_rule("convert_element_type", family=FAMILY, demand=demand.linear)
def convert_element_type(application: Application, a: Series) -> Series | jax.Array:
    """The coefficients change dtype with the value; an integer carries none."""
    primal = application.bind(a.primal)
    if not jnp.issubdtype(primal.dtype, jnp.inexact):
        return primal

    def convert(block: Block) -> Block:
        if isinstance(block, Seed):
            numeric = isinstance(block.scale, int | float)
            return block if numeric else block.scaled(lax.convert_element_type(block.scale, primal.dtype))
        if isinstance(block, Sparse):
            return block.with_values(lax.convert_element_type(block.values, primal.dtype))
        return None if block is None else lax.convert_element_type(block, primal.dtype)

    return Series(primal, tuple(map(convert, a.blocks)))


@taylor_rule("real", "imag", "conj", family=FAMILY, demand=demand.linear)
def complex_part(application: Application, a: Series) -> Series:
    """Real-linear maps of a complex value (the variables are real)."""
    from opcompiler.taylor.series import map_blocks

    return map_blocks(a, application.bind, application.bind(a.primal))


@taylor_rule("complex", family=FAMILY, demand=demand.linear)
def complex_from_parts(application: Application, a: Any, b: Any) -> Series:
    """(a + ib)_w = a_w + i b_w."""
    primal = application.bind(constant(a), constant(b))
    parts = []
    for value, unit in ((aligned(a, primal.shape), 1.0), (aligned(b, primal.shape), 1j)):
        if is_series(value):
            dense = [value.dense(k) for k in range(1, len(value.blocks) + 1)]
            parts.append([None if d is None else d.astype(primal.dtype) * unit for d in dense])
    if len(parts) == 1:
        return Series(primal, tuple(parts[0]))
    shape, dtype = primal.shape, primal.dtype
    return Series(primal, tuple(blocks.add(p, q, shape, dtype) for p, q in zip(*parts, strict=True)))


@taylor_rule("add", "add_any", "sub", family=FAMILY, demand=demand.linear)
def add(application: Application, a: Any, b: Any) -> Series:
    """(a ± b)_w = a_w ± b_w."""
    primal = application.bind(constant(a), constant(b))
    shape, dtype = np.shape(primal), jnp.result_type(primal)
    a, b = (aligned(v, shape) if is_series(v) else v for v in (a, b))
    if application.name == "sub" and is_series(b):
        b = Series(b.primal, tuple(blocks.scale(block, -1.0) for block in b.blocks))
    if not is_series(a) or not is_series(b):
        return Series(primal, a.blocks if is_series(a) else b.blocks)
    return Series(primal, tuple(blocks.add(p, q, shape, dtype) for p, q in zip(a.blocks, b.blocks, strict=True)))


locally_constant(
    "stop_gradient",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "is_finite",
    "sign",
    "floor",
    "ceil",
    "round",
    "argmax",
    "argmin",
)
