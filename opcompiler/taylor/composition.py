"""f(a) for a function f of one variable, with a derivative that is one product: d f(a) = f'(a) · da in the algebra.

Left to itself, automatic differentiation goes back through every power of the nilpotent part. The product of the
algebra with f'(a) has as many terms as one multiplication, and its transpose too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax import numpy as jnp

from opcompiler.taylor.blocks import expand
from opcompiler.taylor.seeds import Seed
from opcompiler.taylor.series import Series, compose, map_blocks, multiply_series
from opcompiler.taylor.sparse import Sparse
from opcompiler.taylor.structure import Structure

__all__ = ["COMPOSITION", "Recurrence", "composed"]


@dataclass(frozen=True)
class Recurrence:
    """How f(a) follows, coefficient by coefficient, from an equation that f solves.

    Attributes:
        solve: (structure, a, f(a₀), f'(a₀), needed) → f(a).
        is_graded: whether that is only so over graded algebras.
    """

    solve: Callable[[Structure, Series, jax.Array, Any, frozenset[int]], Series]
    is_graded: bool = True

    def applies(self, structure: Structure, order: int) -> bool:
        """Whether the equation holds over the algebra, and is of use: to second order composition sums up the same."""
        return order > 2 and (structure.is_graded or not self.is_graded)


COMPOSITION = "_composition"
"""Name of the function that carries the derivative rule; the interpreter looks into it instead of using the rule."""


def composed(
    structure: Structure,
    argument: Series,
    value: Callable[[jax.Array], jax.Array],
    derivatives: Callable[[jax.Array, jax.Array, int], list[Any]],
    needed: frozenset[int],
    recurrence: Recurrence | None = None,
) -> Series:
    """Return f(argument).

    Args:
        structure: the algebra.
        argument: the series a.
        value: f, of arrays.
        derivatives: (x, f(x), order) → [f'(x), f''(x), …], trailing zeros left out.
        needed: elements of the result that are used.
        recurrence: used instead of the derivatives where it applies.
    """
    order = max((structure.degrees[k] for k in needed), default=0)

    def _composition(a: Series) -> Series:
        y = value(a.primal)
        if recurrence is not None and recurrence.applies(structure, order):
            return recurrence.solve(structure, a, y, derivatives(a.primal, y, 1)[0], needed)
        return compose(structure, a, y, derivatives(a.primal, y, order), needed)

    def tangent(primals: tuple[Series], tangents: tuple[Series]) -> tuple[Series, Series]:
        (a,), (change,) = primals, tangents
        # In full, so that the reverse pass adds up what belongs to a coefficient before it sums over the batch.
        change = map_blocks(change, lambda block: expand(block, a.shape), change.primal)
        result = with_rule(a)
        slopes = derivatives(a.primal, value(a.primal), order + 1)
        first = jnp.asarray(slopes[0], result.dtype) if slopes else jnp.zeros((), result.dtype)
        first = jnp.broadcast_to(first, result.shape)
        slope = compose(structure, a, first, slopes[1:], structure.closure(needed))
        product = multiply_series(structure, slope, change, first * change.primal, needed)
        pairs = zip(result.blocks, product.blocks, strict=True)
        return result, Series(product.primal, tuple(None if r is None else _like(p, r) for r, p in pairs))

    if not structure.is_numeric or any(isinstance(block, Seed | Sparse) for block in argument.blocks):
        return _composition(argument)
    with_rule = jax.custom_jvp(_composition)
    with_rule.defjvp(tangent)
    return with_rule(argument)


def _like(tangent: Any, block: Any) -> jax.Array:
    """The tangent of a block, with its shape; what the block does not depend on, its tangent does not either."""
    if tangent is None:
        return jnp.zeros_like(block)
    kept = tuple(slice(0, 1) if n == 1 else slice(None) for n in block.shape)
    return jnp.broadcast_to(tangent[kept], block.shape)
