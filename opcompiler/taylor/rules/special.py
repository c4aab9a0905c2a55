"""Special functions whose derivatives need more than their first derivative says.

The others (incomplete gamma and beta functions, polygamma) are recursions on their first derivative; lgamma, digamma
and the inverse error function stand with the elementary functions.
"""

from __future__ import annotations

from math import comb
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor.rules.elementwise import unary

_ANGLES = np.pi * (np.arange(64) + 0.5) / 64
"""Of the midpoint rule on (0, π). For integrands of period 2π it errs by e^(−|x|) I₁₂₈(x), < 10⁻³³ for |x| < 100."""

_FAR = 100.0

_ROOTS, _WEIGHTS = (half[32:] for half in np.polynomial.hermite.hermgauss(64))
"""Of Gauss–Hermite quadrature: the positive half of an even integrand."""


def _scaled_bessel(x: jax.Array, nu: int, order: int) -> list[Any]:
    """Derivatives of e^(−|x|) I_ν(x), ν = 0 or 1, of order 1 … `order`, with sign 0 = 0 as for |x|.

    They are (sign x)^(k+ν) (−1)ᵏ/π ∫₀^π cos(νθ) tᵏ e^(−|x|t) dθ with t = 1 − cos θ, from
    I_ν(x) = 1/π ∫₀^π e^(x cos θ) cos(νθ) dθ (NIST Handbook of Mathematical Functions, 10.32.3). Nothing cancels in it,
    as it does in sums of I_n. At 0 what is asked for are the derivatives of I_ν.
    """
    size, sign, ks = jnp.abs(x)[..., None], jnp.sign(x)[..., None], np.arange(1, order + 1)
    values = jnp.where(size < _FAR, _by_angles(size, nu, ks), _by_roots(jnp.maximum(size, _FAR), nu, ks))
    at_zero = np.array([comb(k, (k - nu) // 2) / 2**k if (k - nu) % 2 == 0 else 0.0 for k in ks.tolist()])
    signs = sign ** jnp.asarray((ks + nu) % 2) * jnp.asarray((-1.0) ** ks, x.dtype)
    values = jnp.where(sign == 0, jnp.asarray(at_zero, x.dtype), signs * values)
    return [values[..., k] for k in range(order)]


def _by_angles(size: jax.Array, nu: int, ks: np.ndarray) -> jax.Array:
    """Return the integrals for |x| that is not large."""
    t = 2 * np.sin(_ANGLES / 2) ** 2
    table = np.cos(nu * _ANGLES)[:, None] * t[:, None] ** ks / len(t)
    decay = jnp.exp(-size * jnp.asarray(t, size.dtype))
    return jnp.matmul(decay, jnp.asarray(table, size.dtype), precision=lax.Precision.HIGHEST)


def _by_roots(size: jax.Array, nu: int, ks: np.ndarray) -> jax.Array:
    """Return the integrals for large |x|: by t = w²/|x|, dθ = √(2/|x|) dw / √(1 − t/2)."""
    square = jnp.asarray(_ROOTS**2, size.dtype)
    t = square / size
    weights = jnp.asarray(_WEIGHTS, size.dtype) * jnp.sqrt(2 / size) / (np.pi * jnp.sqrt(1 - t / 2))
    if nu == 1:
        weights = weights * (1 - t)
    return jnp.stack([jnp.sum(weights * t**k, axis=-1) for k in ks.tolist()], axis=-1)


@unary("bessel_i0e")
def bessel_i0e(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y = e^(−|x|) I₀(x)."""
    return _scaled_bessel(x, 0, order)


@unary("bessel_i1e")
def bessel_i1e(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y = e^(−|x|) I₁(x)."""
    return _scaled_bessel(x, 1, order)
