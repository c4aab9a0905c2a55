"""Functions that solve an equation over the algebra, coefficient by coefficient in the order of the degrees.

With Σ' for the part Σ T^k_lr a_l b_r of a product without the values:

    q b = a:          b₀ q_k  = a_k − q₀ b_k − Σ' q b
    x Dy = c y Dx:    x₀ y_k  = c y₀ x_k + Σ' (c d_l − d_r)/d_k x_l y_r             (y = x^c)
    x Dy = Dx:        x₀ y_k  = x_k − Σ' d_r/d_k x_l y_r                            (y = log x)
    Dy = y Dx:        y_k     = y₀ x_k + Σ' d_l/d_k x_l y_r                         (y = eˣ)

D multiplies a coefficient by its degree d; it is a derivation where every product has the degree of its factors
together. Composition would add up f⁽ʲ⁾(x₀) nʲ/j!, which for these functions are large numbers with a small sum: the
derivatives of 1/x grow like j!/x₀ʲ. Here a coefficient is rounded a few times, relative to what it is made of.

A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed. (2008), chapter 13, for the univariate algebra.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.taylor import blocks
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.composition import Recurrence
from opcompiler.taylor.series import Series, product_blocks
from opcompiler.taylor.structure import Structure

__all__ = ["exponential", "logarithm_of", "power_of", "quotient"]

Elements = frozenset[int]


def _solved(
    structure: Structure, primal: jax.Array, needed: Elements, known: Callable[[int, list[Block]], list[Block]]
) -> Series:
    """Return the series whose coefficient k is the sum of what `known` tells from those of lower degree."""
    shape, dtype = np.shape(primal), jnp.result_type(primal)
    result: list[Block] = [None] * (structure.size - 1)
    for k in structure.by_degree(needed):
        result[k - 1] = blocks.total(known(k, result), shape, dtype)
    return Series(primal, tuple(block if k in needed else None for k, block in enumerate(result, 1)))


def quotient(structure: Structure, a: Series | None, b: Series, primal: jax.Array, needed: Elements) -> Series:
    """Return a/b from its value; a is a series of the same shape, or None if it is constant."""
    shape, dtype = np.shape(primal), jnp.result_type(primal)

    def known(k: int, q: list[Block]) -> list[Block]:
        lower = [blocks.scale(b.block(k), primal)]
        lower += product_blocks(structure, structure.products[k], q, b.blocks, k, shape, dtype)
        own = None if a is None else a.block(k)
        rest = blocks.total([own, blocks.scale(blocks.total(lower, shape, dtype), -1.0)], shape, dtype)
        return [blocks.divide(rest, b.primal)]

    return _solved(structure, primal, needed, known)


def power_of(exponent: float) -> Recurrence:
    """Return x ↦ x^c as a recurrence, for c < 1, not 0.

    Where c > 1, x^c may vanish, or be too small a number, at an x at which its derivatives are not.
    """

    def power(structure: Structure, x: Series, primal: jax.Array, slope: Any, needed: Elements) -> Series:
        """Return x^c from its value and its derivative."""

        def known(k: int, y: list[Block]) -> list[Block]:
            lower = _weighted(structure, k, x, y, lambda left, right: exponent * left - right)
            return [blocks.scale(x.block(k), slope), blocks.divide(lower, x.primal)]

        return _solved(structure, primal, needed, known)

    return power


def logarithm_of(shift: float) -> Recurrence:
    """Return x ↦ log(c + x) as a recurrence."""

    def logarithm(structure: Structure, x: Series, primal: jax.Array, slope: Any, needed: Elements) -> Series:
        """Return log(c + x) from its value."""
        del slope
        divisor = x.primal + shift if shift else x.primal

        def known(k: int, y: list[Block]) -> list[Block]:
            rest = [x.block(k), _weighted(structure, k, x, y, lambda left, right: -right)]
            return [blocks.divide(blocks.total(rest, x.shape, x.dtype), divisor)]

        return _solved(structure, primal, needed, known)

    return logarithm


def exponential(structure: Structure, x: Series, primal: jax.Array, slope: Any, needed: Elements) -> Series:
    """Return eˣ from its value, or eˣ − 1 from its value and the derivative."""

    def known(k: int, y: list[Block]) -> list[Block]:
        return [blocks.scale(x.block(k), slope), _weighted(structure, k, x, y, lambda left, right: left)]

    return _solved(structure, primal, needed, known)


def _weighted(structure: Structure, k: int, x: Series, y: list[Block], weight: Callable[[int, int], float]) -> Block:
    """Return Σ' w(d_l, d_r)/d_k x_l y_r."""
    degrees = structure.degrees

    def factor(left: int, right: int) -> float:
        return weight(degrees[left], degrees[right]) / degrees[k]

    terms = structure.products[k]
    return blocks.total(product_blocks(structure, terms, x.blocks, y, k, x.shape, x.dtype, factor), x.shape, x.dtype)
