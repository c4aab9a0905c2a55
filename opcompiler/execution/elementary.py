"""The built-in pointwise functions of the language as JAX functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.scipy.special import erf, erfc

__all__ = ["ELEMENTARY", "power"]


def _reciprocal_of(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: 1 / function(x)


def _folded(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda *arguments: reduce(function, arguments)


def _cube_root(x: Any) -> Any:
    # The principal branch of a complex number; the real root of a negative real one.
    return x ** (1 / 3) if jnp.iscomplexobj(x) else jnp.cbrt(x)


def _log2(x: Any) -> Any:
    return jnp.log(x) / math.log(2) if jnp.iscomplexobj(x) else jnp.log2(x)


def _log10(x: Any) -> Any:
    return jnp.log(x) / math.log(10) if jnp.iscomplexobj(x) else jnp.log10(x)


def _heaviside(x: Any) -> Any:
    return jnp.heaviside(x, 0.5)


ELEMENTARY: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        "sin": jnp.sin,
        "cos": jnp.cos,
        "tan": jnp.tan,
        "cot": _reciprocal_of(jnp.tan),
        "sec": _reciprocal_of(jnp.cos),
        "csc": _reciprocal_of(jnp.sin),
        "asin": jnp.arcsin,
        "acos": jnp.arccos,
        "atan": jnp.arctan,
        "sinh": jnp.sinh,
        "cosh": jnp.cosh,
        "tanh": jnp.tanh,
        "coth": _reciprocal_of(jnp.tanh),
        "sech": _reciprocal_of(jnp.cosh),
        "csch": _reciprocal_of(jnp.sinh),
        "asinh": jnp.arcsinh,
        "acosh": jnp.arccosh,
        "atanh": jnp.arctanh,
        "exp": jnp.exp,
        "log": jnp.log,
        "log2": _log2,
        "log10": _log10,
        "sqrt": jnp.sqrt,
        "cbrt": _cube_root,
        "erf": erf,
        "erfc": erfc,
        "abs": jnp.abs,
        "sign": jnp.sign,
        "heaviside": _heaviside,
        "conj": jnp.conj,
        "re": jnp.real,
        "im": jnp.imag,
        "atan2": jnp.arctan2,
        "min": _folded(jnp.minimum),
        "max": _folded(jnp.maximum),
    }
)


def power(base: Any, exponent: Any) -> Any:
    """Return base ** exponent: integer exponents exactly for every sign of the base, ±1/2 by square roots."""
    if isinstance(exponent, int):
        if exponent == 1:
            return base
        return lax.integer_pow(jnp.asarray(base), exponent)
    if isinstance(exponent, float) and exponent == 0.5:
        return jnp.sqrt(base)
    if isinstance(exponent, float) and exponent == -0.5:
        return 1 / jnp.sqrt(base)
    return jnp.power(base, exponent)
