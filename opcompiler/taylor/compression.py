"""The affine bottleneck: directions that only matter through Σ_r recombined where the network first mixes them.

If u(x) = g(Wx + b), then Σ_r ∂_r ∂_r u depends on the rows W[:, r] only through G = W Wᵀ. Any L with LLᵀ = G does
instead of W, and G has as many rows as the first layers have outputs, however many directions there are.

If u(x) = g(Wx + b, |x|²), the gradient of every value is a combination Σ_j a_j W_j + α x, and with τ = Σ_j a_j (Wx)_j

    ∇v·∇w = Σ_jk a_j G_jk a'_k + α τ' + τ α' + |x|² α α'.

The form of the last three terms has one positive and one negative direction: with β = τ + |x|² α / 2 and any t > 0

    α τ' + τ α' + |x|² α α' = α β' + β α' = P P' − M M',   P, M = (t α ± β/t) / √2.

So two directions more than W has rows carry everything, exactly, for W of any rank. t² = |x|²/2 balances the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor.seeds import Seed

__all__ = ["RADIAL", "Bottleneck", "gram_factor"]

RADIAL = 2
"""Directions that |x|² takes beside those of the dense layers."""


@dataclass
class Bottleneck:
    """The directions of one axis behind the first layers.

    The network is gone through twice: first to collect the columns of all dense layers that take the coordinates, then
    to evaluate it with their common factor.

    Attributes:
        width: number of directions, those for |x|² included.
        radial: whether |x|² is used beside the dense layers.
        columns: the layers' matrices by position, directions outside the seed zero, in the order in which they come.
        factor: rows R with RᵀR = Gram matrix of all columns; None while collecting.
    """

    width: int
    radial: bool = False
    columns: list[jax.Array] = field(default_factory=list)
    factor: jax.Array | None = None
    _taken: int = 0

    @property
    def collecting(self) -> bool:
        """Whether the layers are still being collected."""
        return self.factor is None

    @property
    def signature(self) -> np.ndarray | None:
        """Signs of the directions in a sum over them; None if all are positive."""
        return np.concatenate([np.ones(self.width - 1), [-1.0]]) if self.radial else None

    def collect(self, seed: Seed, matrix: jax.Array) -> None:
        """Remember the columns of one layer; `matrix` is (positions, lead axes of length one, free axes)."""
        flat = matrix.reshape(matrix.shape[0], -1)
        mask = np.zeros(matrix.shape[0])
        for _, position, length in seed.runs:
            mask[position : position + length] = 1.0
        self.columns.append(flat if np.all(mask == 1) else flat * jnp.asarray(mask, flat.dtype)[:, None])

    def join(self) -> None:
        """Factorise the Gram matrix of all columns."""
        if not self.columns:
            self.factor = jnp.zeros((0, 0))
        else:
            matrix = self.columns[0] if len(self.columns) == 1 else jnp.concatenate(self.columns, axis=1)
            self.factor = gram_factor(matrix.T @ matrix)
        self.width = self.factor.shape[0] + RADIAL * self.radial

    def rows(self, matrix: jax.Array) -> jax.Array:
        """Return the directions of the next layer instead of the rows of `matrix`."""
        if self.factor is None:
            raise AssertionError("the layers have not been joined")
        length = matrix.size // matrix.shape[0]
        rows = self.factor[:, self._taken : self._taken + length]
        self._taken += length
        return rows.reshape((rows.shape[0], *matrix.shape[1:]))

    def with_radial(self, rows: jax.Array, layer: jax.Array, square: jax.Array) -> jax.Array:
        """Append the two directions of |x|² to those of a layer.

        Args:
            rows: (directions, lead axes, free axes), lead axes of length one.
            layer: Wx, (lead axes, free axes).
            square: |x|², (lead axes).
        """
        balance = _balance(square).reshape(square.shape + (1,) * (layer.ndim - square.ndim))
        first = (layer / (balance * np.sqrt(2.0).astype(layer.dtype)))[None]
        return jnp.concatenate([jnp.broadcast_to(rows, (rows.shape[0], *layer.shape)), first, -first])

    def of_square(self, seed: Seed, square: jax.Array) -> jax.Array:
        """Return the directions of |x|², the sum of a value whose seed is `seed.radial` times the point."""
        balance = _balance(square)
        half = square / (2.0 * balance)
        factor = np.asarray(seed.radial / np.sqrt(2.0), square.dtype)
        pair = jnp.stack([(balance + half) * factor, (balance - half) * factor])
        return jnp.concatenate([jnp.zeros((self.width - RADIAL, *square.shape), square.dtype), pair])


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

    def regular(change: jax.Array) -> jax.Array:
        return 0.5 * lax.linalg.triangular_solve(cholesky, change, left_side=True, transpose_a=True)

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


def _spectral(gram: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Return √Λ Vᵀ, V, the square roots (1 where they vanish numerically) and which of them do not."""
    values, vectors = jnp.linalg.eigh(gram)
    kept = values > values[-1] * gram.shape[0] * jnp.finfo(gram.dtype).eps
    root = jnp.sqrt(jnp.where(kept, values, 1.0))
    factor = jnp.sqrt(jnp.maximum(values, 0.0))[:, None] * vectors.T
    return factor, vectors, root, jnp.where(kept, 1.0, 0.0)
