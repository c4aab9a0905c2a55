"""Fewer directions that do the same: factors of Gram matrices, and two directions for |x|².

If u(x) = g(Wx + b), then Σ_r ∂_r ∂_r u depends on the rows W[:, r] only through G = W Wᵀ. Any L with LLᵀ = G does
instead of W, and G has as many rows as Wx has entries, however many directions there are.

If u(x) = g(Wx + b, |x|²), the gradient of every value is a combination Σ_j a_j W_j + α x, and with τ = Σ_j a_j (Wx)_j

    ∇v·∇w = Σ_jk a_j G_jk a'_k + α τ' + τ α' + |x|² α α'.

The form of the last three terms has one positive and one negative direction: with β = τ + |x|² α / 2 and any t > 0

    α τ' + τ α' + |x|² α α' = α β' + β α' = P P' − M M',   P, M = (t α ± β/t) / √2.

So two directions more than W has rows carry everything, exactly, for W of any rank. t² = |x|²/2 balances the two.
"""

from __future__ import annotations

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

__all__ = ["RADIAL", "gram_factor", "radial_pair", "signs"]

RADIAL = 2
"""Directions that |x|² takes beside those of Wx."""


def signs(directions: int) -> np.ndarray:
    """Return the signs of the directions in a sum over them, where the last two are those of |x|²."""
    return np.concatenate([np.ones(directions - 1), [-1.0]])


def radial_pair(along: jax.Array, tau: jax.Array, square: jax.Array) -> jax.Array:
    """Return P and M, stacked.

    Args:
        along: α, the part of the gradient along x.
        tau: the inner product of x with the other part, of the shape of `along`.
        square: |x|², a scalar.
    """
    balance = _balance(square)
    beta = (tau + 0.5 * square * along) / balance
    return jnp.stack([balance * along + beta, balance * along - beta]) * np.sqrt(0.5).astype(square.dtype)


def _balance(square: jax.Array) -> jax.Array:
    """t, which no result depends on: so it is not differentiated either."""
    square = lax.stop_gradient(square)
    return jnp.sqrt(jnp.where(square > 0, 0.5 * square, 1.0))


@jax.custom_jvp
def gram_factor(gram: jax.Array) -> jax.Array:
    """Return a square R with RᵀR = G for a positive semidefinite G, of any rank.

    Cholesky's factor, which is many times cheaper, where G has full rank numerically; else √Λ Vᵀ.
    """
    cholesky, is_regular = _cholesky(gram)
    return lax.cond(is_regular, lambda _: cholesky, lambda g: _spectral(g)[0], gram)


@gram_factor.defjvp
def _gram_factor_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Ṙᵀ = (Ġ − ½ P Ġ) R⁺ with P the projector on the range: then ṘᵀR + RᵀṘ = Ġ, at every rank.

    For a regular R this is Ṙ = ½ R⁻ᵀ Ġ.
    """
    (gram,), (change,) = primals, tangents
    cholesky, is_regular = _cholesky(gram)
    inverse = _inverse_of_upper(cholesky)  # of the parameters only: loops over chunks of points compute it once

    def regular(change: jax.Array) -> jax.Array:
        return 0.5 * inverse.T @ change

    def singular(change: jax.Array) -> jax.Array:
        _, vectors, root, projector = _spectral(gram)
        range_vectors = vectors * projector
        half = change - 0.5 * range_vectors @ (range_vectors.T @ change)
        return ((half @ range_vectors) / root).T

    return gram_factor(gram), lax.cond(is_regular, regular, singular, change)


def _cholesky(gram: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return Cholesky's upper factor and whether it is one, of full rank numerically; the unit matrix otherwise."""
    factor = lax.linalg.cholesky(gram, symmetrize_input=False).T
    pivots = jnp.square(jnp.diagonal(factor))
    smallest, largest = jnp.min(pivots, initial=jnp.inf), jnp.max(pivots, initial=0.0)
    is_regular = smallest > largest * gram.shape[0] * jnp.finfo(gram.dtype).eps  # False for NaN
    return jnp.where(is_regular, factor, jnp.eye(gram.shape[0], dtype=gram.dtype)), is_regular


def _inverse_of_upper(factor: jax.Array) -> jax.Array:
    """Return the inverse of an upper triangular matrix, from blocks on its diagonal that double in size.

    [[A, C], [0, B]]⁻¹ = [[A⁻¹, −A⁻¹ C B⁻¹], [0, B⁻¹]]. These are matrix products only: between those of a network, a
    triangular solve of LAPACK on a CPU waits for its own threads, for longer than all products of a small network take.
    """
    size = factor.shape[0]
    levels = max(size - 1, 0).bit_length()
    padding = 2**levels - size
    unit = np.diag(np.concatenate([np.zeros(size), np.ones(padding)])).astype(factor.dtype)
    padded = jnp.pad(factor, (0, padding)) + unit
    inverse = 1.0 / jnp.diagonal(padded)[:, None, None]
    for level in range(levels):
        width = 2**level
        pairs = 2 ** (levels - level - 1)
        numbers = np.arange(pairs)
        corner = padded.reshape(pairs, 2, width, pairs, 2, width)[numbers, 0, :, numbers, 1, :]
        upper, lower = inverse[0::2], inverse[1::2]
        inverse = jnp.concatenate(
            [
                jnp.concatenate([upper, -upper @ corner @ lower], axis=2),
                jnp.concatenate([jnp.zeros_like(corner), lower], axis=2),
            ],
            axis=1,
        )
    return inverse[0, :size, :size]


def _spectral(gram: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Return √Λ Vᵀ, V, the square roots (1 where they vanish numerically) and which of them do not."""
    values, vectors = jnp.linalg.eigh(gram)
    kept = values > values[-1] * gram.shape[0] * jnp.finfo(gram.dtype).eps
    root = jnp.sqrt(jnp.where(kept, values, 1.0))
    factor = jnp.sqrt(jnp.maximum(values, 0.0))[:, None] * vectors.T
    return factor, vectors, root, jnp.where(kept, 1.0, 0.0)
