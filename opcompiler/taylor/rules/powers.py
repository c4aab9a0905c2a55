"""Functions of two arguments that are not products: powers, angles, remainders."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks, demand
from opcompiler.taylor.composition import composed
from opcompiler.taylor.recurrences import EXPONENTIAL, power_of
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.rules.piecewise import weighted_sum
from opcompiler.taylor.series import Series, aligned, compose, constant, is_series

FAMILY = "powers"


@taylor_rule("integer_pow", family=FAMILY)
def integer_power(application: Application, a: Series) -> Series:
    """xⁿ for an integer n."""
    return _fixed_power(application, a, application.bind, application.params["y"])


@taylor_rule("pow", family=FAMILY)
def general_power(application: Application, a: Any, b: Any) -> Series:
    """x^c by its equation or falling factorials, c^x by powers of log c, x^y = e^(y log x)."""
    primal = application.bind(constant(a), constant(b))
    structure, needed = application.structure, application.wanted
    a, b = (v if np.ndim(v) == 0 and isinstance(v, np.ndarray) else aligned(v, primal.shape) for v in (a, b))
    order = max(structure.degrees[k] for k in needed)
    if is_series(a) and is_series(b):
        (product,) = application.interpreter.through(
            lambda x, y: y * jnp.log(x), [a, b], [structure.closure(needed)], [primal]
        )
        return _exponential(application, product, primal)
    if is_series(a):
        if np.ndim(b) == 0 and not isinstance(b, jax.Array):
            return _fixed_power(application, a, lambda x: application.bind(x, b), np.asarray(b).item())
        return compose(structure, a, primal, _array_exponent(a.primal, jnp.asarray(b), order), needed)
    base = aligned(jnp.asarray(a), primal.shape)
    logarithm = jnp.log(jnp.where(base == 0, jnp.ones_like(base), base))
    scaled = Series(primal, tuple(blocks.scale(block, logarithm) for block in b.blocks))
    return _exponential(application, scaled, primal)


def _exponential(application: Application, exponent: Series, primal: jax.Array) -> Series:
    """Return e^exponent from its value, which is more precise than the exponential of a rounded product."""
    structure, needed = application.structure, application.wanted
    order = max((structure.degrees[k] for k in needed), default=0)
    if EXPONENTIAL.applies(structure, order):
        return EXPONENTIAL.solve(structure, exponent, primal, primal, needed)
    return compose(structure, exponent, primal, [primal] * order, needed)


def _fixed_power(application: Application, a: Series, value: Callable[[jax.Array], jax.Array], exponent: Any) -> Series:
    """Return x^c: from x y' = c x' y for real c < 1, which is singular at 0 anyway."""
    real = not isinstance(exponent, complex)
    integral = real and float(exponent).is_integer() and abs(exponent) < 2**31
    derivatives = partial(_powers, exponent=exponent, integral=integral)
    recurrence = power_of(float(exponent)) if real and exponent < 1 and exponent != 0 else None
    return composed(application.structure, a, value, derivatives, application.wanted, recurrence)


def _powers(x: jax.Array, y: Any, order: int, *, exponent: Any, integral: bool) -> list[Any]:
    """f⁽ᵏ⁾ = c(c − 1)…(c − k + 1) x^(c−k); integer powers where c is an integer, so that x ≤ 0 is no exception."""
    del y
    result: list[Any] = []
    falling = 1.0
    for k in range(1, order + 1):
        falling *= exponent - k + 1
        if falling == 0:
            break
        if integral:
            value = falling if exponent == k else lax.integer_pow(x, round(exponent) - k) * falling
        else:
            value = lax.pow(x, jnp.asarray(exponent - k, x.dtype)) * falling
        result.append(value)
    return result


def _array_exponent(x: jax.Array, exponent: jax.Array, order: int) -> list[Any]:
    """The same for an array of exponents; where the factorial vanishes nothing is raised to a power."""
    exponent = exponent.astype(x.dtype)
    result: list[Any] = []
    falling = jnp.ones_like(exponent)
    for k in range(1, order + 1):
        falling = falling * (exponent - (k - 1))
        ended = falling == 0
        raised = lax.pow(*jnp.broadcast_arrays(x, jnp.where(ended, jnp.ones_like(exponent), exponent - k)))
        result.append(jnp.where(ended, jnp.zeros_like(raised), falling * raised))
    return result


@taylor_rule("atan2", family=FAMILY)
def atan2(application: Application, y: Any, x: Any) -> Series:
    """θ − θ₀ = atan((cy − sx)/(cx + sy)), (c, s) = (x₀, y₀)/r₀²: the angle from the value's own direction.

    With this length the divisor has the value 1, and the higher coefficients are not rounded by powers of r₀².
    """
    primal = application.bind(constant(y), constant(x))
    y, x = aligned(y, primal.shape), aligned(x, primal.shape)
    y0, x0 = constant(y), constant(x)

    square = x0 * x0 + y0 * y0
    cosine, sine = x0 / square, y0 / square

    def turned(y: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.arctan((cosine * y - sine * x) / (cosine * x + sine * y))

    return application.interpreter.through(turned, [y, x], application.needed, [primal])[0]


@taylor_rule("rem", family=FAMILY, demand=demand.linear)
def remainder(application: Application, a: Any, b: Any) -> Series:
    """A − b·trunc(a/b), the truncated quotient being locally constant."""
    primal = application.bind(constant(a), constant(b))
    a, b = aligned(a, primal.shape), aligned(b, primal.shape)
    quotient = jnp.trunc(constant(a) / constant(b))
    return weighted_sum(application, [(a, jnp.ones_like(primal)), (b, -quotient)], primal)
