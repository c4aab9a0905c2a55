"""The affine bottleneck: directions that only matter through Σ_r recombined at the first dense layer.

If u(x) = g(Wx + b), then Σ_r ∂_r ∂_r u depends on the rows W[:, r] only through G = W Wᵀ. Any L with LLᵀ = G does
instead of W, and G has as many rows as the layer has outputs, however many directions there are.
"""

from __future__ import annotations

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.taylor.seeds import Seed

__all__ = ["gram_factor", "recombined_rows"]


def recombined_rows(seed: Seed, matrix: jax.Array) -> jax.Array:
    """Return rows R with RᵀR = Σ_r W[p(r)]ᵀ W[p(r)], as many as W has columns; `matrix` is W by position."""
    flat = matrix.reshape(matrix.shape[0], -1)
    mask = np.zeros(matrix.shape[0])
    for _, position, length in seed.runs:
        mask[position : position + length] = 1.0
    touched = flat if np.all(mask == 1) else flat * jnp.asarray(mask, flat.dtype)[:, None]
    factor = gram_factor(touched.T @ touched)
    return factor.reshape((factor.shape[0], *matrix.shape[1:]))


@jax.custom_jvp
def gram_factor(gram: jax.Array) -> jax.Array:
    """Return the square R with RᵀR = G for a positive semidefinite G, of any rank: R = √Λ Vᵀ."""
    values, vectors = jnp.linalg.eigh(gram)
    return jnp.sqrt(jnp.maximum(values, 0.0))[:, None] * vectors.T


@gram_factor.defjvp
def _gram_factor_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Ṙᵀ = (Ġ − ½ P Ġ) R⁺ with P the projector on the range: then ṘᵀR + RᵀṘ = Ġ, at every rank."""
    (gram,), (change,) = primals, tangents
    values, vectors = jnp.linalg.eigh(gram)
    kept = values > values[-1] * gram.shape[0] * jnp.finfo(gram.dtype).eps
    root = jnp.sqrt(jnp.where(kept, values, 1.0))
    projector = jnp.where(kept, 1.0, 0.0)
    range_vectors = vectors * projector
    half = change - 0.5 * range_vectors @ (range_vectors.T @ change)
    tangent = (half @ range_vectors) / root
    return jnp.where(kept, root, 0.0)[:, None] * vectors.T, tangent.T
