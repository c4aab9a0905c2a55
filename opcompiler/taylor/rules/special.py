"""Special functions whose derivatives need more than their first derivative says.

The others (incomplete gamma and beta functions, polygamma) are recursions on their first derivative; lgamma, digamma
and the inverse error function stand with the elementary functions.
"""

from __future__ import annotations

from math import comb, factorial
from typing import Any

import jax
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor.rules.elementwise import unary

_SERIES_BELOW = 8.0
_TERMS = 27
"""Terms of the power series that reach double precision below that."""


def _bessel_orders(x: jax.Array, highest: int) -> list[jax.Array]:
    """Return e^(−|x|) I_n(|x|) for n = 0 … highest.

    Near 0 by the power series Σ (x/2)^(2k+n) / (k! (k+n)!), all of whose terms are positive; further out by
    I_{n+1} = I_{n−1} − 2n/x I_n, which loses nothing there for the few orders that are used.
    """
    size = jnp.abs(x)
    near = jnp.minimum(size, _SERIES_BELOW)
    far = jnp.maximum(size, _SERIES_BELOW)
    half, decay = near / 2, jnp.exp(-near)
    square = half * half
    result = [lax.bessel_i0e(x), jnp.abs(lax.bessel_i1e(x))]
    beyond = [lax.bessel_i0e(far), lax.bessel_i1e(far)]
    for n in range(2, highest + 1):
        beyond.append(beyond[n - 2] - (2 * (n - 1)) / far * beyond[n - 1])
        total = jnp.zeros_like(x)
        for k in reversed(range(_TERMS)):
            total = total * square + 1.0 / (factorial(k) * factorial(k + n))
        result.append(jnp.where(size < _SERIES_BELOW, total * half**n * decay, beyond[n]))
    return result


def _scaled_bessel(x: jax.Array, nu: int, order: int) -> list[Any]:
    """Derivatives of e^(−|x|) I_ν(x), with sign 0 = 0 as for |x|: I_ν⁽ʲ⁾ = 2⁻ʲ Σ C(j, m) I_{ν−j+2m}, I_{−n} = I_n."""
    sign = jnp.sign(x)
    odd = jnp.where(x < 0, -1.0, 1.0).astype(x.dtype)
    sizes = _bessel_orders(x, nu + order)
    values = [s if n % 2 == 0 else s * odd for n, s in enumerate(sizes)]
    plain = [sum(values[abs(nu - j + 2 * m)] * (comb(j, m) / 2**j) for m in range(j + 1)) for j in range(order + 1)]
    return [
        sum(plain[j] * (-sign) ** (k - j) * float(comb(k, j)) if k > j else plain[j] for j in range(k + 1))
        for k in range(1, order + 1)
    ]


@unary("bessel_i0e")
def bessel_i0e(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y = e^(−|x|) I₀(x)."""
    return _scaled_bessel(x, 0, order)


@unary("bessel_i1e")
def bessel_i1e(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y = e^(−|x|) I₁(x)."""
    return _scaled_bessel(x, 1, order)
