"""Functions that solve an equation over the algebra, coefficient by coefficient in the order of the degrees.

With Σ' for the part Σ T^k_lr a_l b_r of a product without the values:

    q b = a:          b₀ q_k  = a_k − q₀ b_k − Σ' q_l b_r
    y² = x:           2y₀ y_k = x_k − Σ' y_l y_r                                    (y = √x)
    x Dy = c y Dx:    x₀ y_k  = c y₀ x_k + Σ' (c d_l − d_r)/d_k x_l y_r             (y = x^c)
    x Dy = Dx:        x₀ y_k  = x_k − Σ' d_r/d_k x_l y_r                            (y = log x)
    Dy = y Dx:        y_k     = y₀ x_k + Σ' d_l/d_k x_l y_r                         (y = eˣ, in powers)

D multiplies a coefficient by its degree d; it is a derivation of graded algebras, whose products have the degree of
their factors together. Composition adds up f⁽ʲ⁾(x₀) nʲ/j!, for these functions often large numbers with a small sum:
the derivatives of 1/x grow like j!/x₀ʲ. Here the products contain coefficients of the result, after that cancellation.
To second order both have the same products, and those of composition do not wait for each other.

A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed. (2008), chapter 13, for the univariate algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.taylor import blocks
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.composition import Recurrence
from opcompiler.taylor.series import Series, product_blocks
from opcompiler.taylor.structure import Structure

__all__ = ["EXPONENTIAL", "SQUARE_ROOT", "logarithm_of", "power_of", "quotient"]

Elements = frozenset[int]


def quotient(structure: Structure, a: Series | None, b: Series, primal: jax.Array, needed: Elements) -> Series:
    """Return a/b from its value; a is a series of the same shape, or None if it is constant."""

    def known(k: int, q: list[Block]) -> Block:
        lower = [blocks.scale(b.block(k), primal), *_products(structure, k, q, b.blocks, primal)]
        return _difference(None if a is None else a.block(k), lower, primal)

    return _solved(structure, primal, needed, known, b.primal)


def _square_root(structure: Structure, x: Series, primal: jax.Array, slope: Any, needed: Elements) -> Series:
    del slope

    def known(k: int, y: list[Block]) -> Block:
        return _difference(x.block(k), _products(structure, k, y, y, primal), primal)

    return _solved(structure, primal, needed, known, 2.0 * primal)


SQUARE_ROOT = Recurrence(_square_root, is_graded=False)


def power_of(exponent: float) -> Recurrence:
    """Return x ↦ x^c as a recurrence, for c < 1, not 0.

    Where c > 1, x^c may vanish, or be too small a number, at an x at which its derivatives are not.
    """

    def power(structure: Structure, x: Series, primal: jax.Array, slope: Any, needed: Elements) -> Series:
        inverse = 1.0 / x.primal

        def known(k: int, y: list[Block]) -> Block:
            lower = _weighted(structure, k, x, y, lambda left, right: exponent * left - right)
            # c x₀^(c−1) is infinite where c x₀^c / x₀ would be no number.
            parts = [blocks.scale(x.block(k), slope), blocks.scale(lower, inverse)]
            return blocks.total(parts, x.shape, x.dtype)

        return _solved(structure, primal, needed, known)

    return Recurrence(power)


def logarithm_of(shift: float) -> Recurrence:
    """Return x ↦ log(c + x) as a recurrence."""

    def logarithm(structure: Structure, x: Series, primal: jax.Array, slope: Any, needed: Elements) -> Series:
        del slope

        def known(k: int, y: list[Block]) -> Block:
            lower = _weighted(structure, k, x, y, lambda left, right: right)
            return _difference(x.block(k), [lower], primal)

        return _solved(structure, primal, needed, known, x.primal + shift if shift else x.primal)

    return Recurrence(logarithm)


def _exponential(structure: Structure, x: Series, primal: jax.Array, slope: Any, needed: Elements) -> Series:
    del slope

    def known(k: int, y: list[Block]) -> Block:
        lower = _weighted(structure, k, x, y, lambda left, right: left)
        return blocks.total([blocks.scale(x.block(k), primal), lower], x.shape, x.dtype)

    return _solved(structure, primal, needed, known)


EXPONENTIAL = Recurrence(_exponential)


def _solved(
    structure: Structure,
    primal: jax.Array,
    needed: Elements,
    known: Callable[[int, list[Block]], Block],
    divisor: jax.Array | None = None,
) -> Series:
    """Return the series whose coefficient k is what `known` makes of those of lower degree, over the divisor.

    There is one division: the divisor is often smaller than the coefficients, which may be many.
    """
    inverse = 1.0 if divisor is None else 1.0 / divisor
    result: list[Block] = [None] * (structure.size - 1)
    for k in structure.by_degree(needed):
        result[k - 1] = blocks.scale(known(k, result), inverse)
    return Series(primal, tuple(block if k in needed else None for k, block in enumerate(result, 1)))


def _products(
    structure: Structure,
    k: int,
    a: Sequence[Block],
    b: Sequence[Block],
    like: jax.Array,
    weight: Callable[[int, int], float] | None = None,
) -> list[Block]:
    """Return the contributions to Σ' w a_l b_r."""
    return product_blocks(structure, structure.products[k], a, b, k, np.shape(like), jnp.result_type(like), weight)


def _difference(own: Block, lower: Sequence[Block], like: jax.Array) -> Block:
    """Return own − Σ lower."""
    shape, dtype = np.shape(like), jnp.result_type(like)
    return blocks.subtract(own, blocks.total(lower, shape, dtype), shape, dtype)


def _weighted(structure: Structure, k: int, x: Series, y: list[Block], weight: Callable[[int, int], float]) -> Block:
    """Return Σ' w(d_l, d_r)/d_k x_l y_r."""
    degrees = structure.degrees

    def factor(left: int, right: int) -> float:
        return weight(degrees[left], degrees[right]) / degrees[k]

    return blocks.total(_products(structure, k, x.blocks, y, x.primal, factor), x.shape, x.dtype)
