"""Scalar derivatives f, f', f'', … of an elementwise function, by the interpreter itself over univariate jets."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import comb
from typing import Any

import jax
from jax import numpy as jnp

from opcompiler.ir.algebra import Algebra, Element, Term
from opcompiler.ir.coefficient import Coefficient
from opcompiler.taylor.jaxpr import trace
from opcompiler.taylor.series import Series, is_series
from opcompiler.taylor.structure import structure_of

__all__ = ["derivatives_of", "univariate_algebra"]


@lru_cache(maxsize=32)
def univariate_algebra(order: int) -> Algebra:
    """Return the algebra of f, f', …, f⁽ᵒʳᵈᵉʳ⁾: (fg)⁽ᵏ⁾ = Σ C(k, j) f⁽ʲ⁾ g⁽ᵏ⁻ʲ⁾."""
    elements = tuple(Element(f"∂^{k}", k) for k in range(order + 1))
    table = tuple(
        Term(j, k - j, k, Coefficient.of(comb(k, j))) for k in range(2, order + 1) for j in range(1, k // 2 + 1)
    )
    return Algebra(elements, (), table)


def derivatives_of(function: Callable[..., Any], x: jax.Array, order: int) -> list[Any]:
    """Return [f(x), f'(x), …, f⁽ᵒʳᵈᵉʳ⁾(x)] of an elementwise function; empty for a negative order."""
    from opcompiler.taylor.interpreter import Interpreter

    if order < 0:
        return []
    if order == 0:
        return [function(x)]
    structure = structure_of(univariate_algebra(order))
    closed, _ = trace(function, x)
    seed = jnp.ones((1,) * (jnp.ndim(x) + 1), jnp.result_type(x))
    (result,) = Interpreter(structure).run(
        closed, [Series(x, (seed, *(None,) * (order - 1)))], [structure.everything] * len(closed.jaxpr.outvars)
    )
    if not is_series(result):
        return [result]
    return [result.primal, *(0.0 if b is None else result.dense(k)[0] for k, b in enumerate(result.blocks, 1))]
