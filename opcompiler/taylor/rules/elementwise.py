"""Smooth functions of one variable, by their derivatives at the primal.

A rule returns [f'(x), f''(x), …] up to the wanted order, given x, y = f(x) and the order; trailing zeros may be left
out. Closed recurrences: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed. (2008), chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial, log, pi, sqrt
from typing import Any

import jax
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor.composition import Recurrence, composed
from opcompiler.taylor.recurrences import SQUARE_ROOT, logarithm_of, power_of
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.series import Series
from opcompiler.taylor.univariate import derivatives_of

FAMILY = "elementwise"
SOURCE = "Griewank & Walther 2008, chapter 13"

Derivatives = Callable[[jax.Array, jax.Array, int], list[Any]]


def unary(*primitives: str, recurrence: Recurrence | None = None) -> Callable[[Derivatives], Derivatives]:
    """Register derivatives (x, y, order) of a function of one variable.

    They are for reverse mode, and for algebras over which `recurrence` does not apply.
    """

    def register(derivatives: Derivatives) -> Derivatives:
        def rule(application: Application, a: Series) -> Series:
            return composed(application.structure, a, application.bind, derivatives, application.wanted, recurrence)

        rule.__doc__ = derivatives.__doc__
        taylor_rule(*primitives, family=FAMILY, source=SOURCE)(rule)
        return derivatives

    return register


def antiderivative(*primitives: str) -> Callable[[Callable], Callable]:
    """Register a function of one variable by its first derivative, an ordinary JAX function of x."""

    def register(first: Callable[[jax.Array], jax.Array]) -> Callable:
        def derivatives(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
            del y
            return derivatives_of(first, x, order - 1)

        derivatives.__doc__ = first.__doc__
        unary(*primitives)(derivatives)
        return first

    return register


def polynomial(coefficients: list[int], x: jax.Array) -> Any:
    """Horner: Σ c_k x^k; a Python number if it is constant."""
    value: Any = float(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = value * x if c == 0 else value * x + float(c)
    return value


def two_phase(order: int, s: jax.Array, ts: jax.Array, step: tuple[int, int, int, int]) -> list[Any]:
    """Derivatives A(s), t·B(s), A(s), … for y' = s, s' = α t s, where t' s-polynomials close up.

    B[k] = α k A[k];  A[k+1] += (β + γ k) B[k], A[k] += δ k B[k].  Both polynomials are divisible by s.
    """
    alpha, beta, gamma, delta = step
    current, result = [0, 1], []
    for j in range(1, order + 1):
        factor = s if j % 2 else ts
        rest = polynomial(current[1:], s)
        result.append(factor if isinstance(rest, float) and rest == 1.0 else factor * rest)
        if j % 2:
            current = [alpha * k * c for k, c in enumerate(current)]
        else:
            following = [0] * (len(current) + 1)
            for k, c in enumerate(current):
                following[k + 1] += (beta + gamma * k) * c
                following[k] += delta * k * c
            current = following
    return result


@unary("tanh")
def tanh(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """With s = 1 − y²: y' = s, s' = −2ys."""
    s = (1.0 + y) * (1.0 - y)
    return two_phase(order, s, y * s, (-2, 1, 2, -2))


@unary("logistic")
def logistic(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """With s = y(1 − y), t = 1 − 2y: y' = s, s' = ts, t² = 1 − 4s."""
    s = y * (1.0 - y)
    return two_phase(order, s, (1.0 - 2.0 * y) * s, (1, -2, -4, 1))


@unary("tan")
def tan(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """With s = 1 + y²: y' = s, s' = 2ys."""
    s = 1.0 + y * y
    return two_phase(order, s, y * s, (2, 1, 2, -2))


@unary("exp")
def exp(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = y."""
    return [y] * order


@unary("exp2")
def exp2(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = y log 2."""
    return [y * log(2) ** k for k in range(1, order + 1)]


@unary("expm1")
def expm1(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = eˣ."""
    return [jnp.exp(x)] * order


def _inverse_powers(x: jax.Array, order: int) -> list[Any]:
    """Derivatives of log x: (−1)^(k−1) (k−1)! x^−k."""
    reciprocal = 1.0 / x
    power, result = reciprocal, [reciprocal]
    for k in range(2, order + 1):
        power = power * reciprocal
        result.append(power * float((-1) ** (k - 1) * factorial(k - 1)))
    return result[:order]


@unary("log", recurrence=logarithm_of(0.0))
def log_(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = 1/x."""
    return _inverse_powers(x, order)


@unary("log1p", recurrence=logarithm_of(1.0))
def log1p(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = 1/(1 + x)."""
    return _inverse_powers(1.0 + x, order)


@taylor_rule("log2", family=FAMILY, source=SOURCE)
def log2(application: Application, a: Series) -> Series:
    """Log x / log 2."""

    def logarithm(x: jax.Array) -> list[jax.Array]:
        return [lax.log(x) / log(2)]

    (result,) = application.interpreter.through(logarithm, [a], application.needed, [application.bind(a.primal)])
    return result


@unary("sin")
def sin(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """Sin' = cos, cos' = −sin."""
    cosine = jnp.cos(x)
    return [(cosine, -y, -cosine, y)[(k - 1) % 4] for k in range(1, order + 1)]


@unary("cos")
def cos(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """Cos' = −sin, sin' = cos."""
    sine = jnp.sin(x)
    return [(-sine, -y, sine, y)[(k - 1) % 4] for k in range(1, order + 1)]


@unary("sinh")
def sinh(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """Sinh' = cosh, cosh' = sinh."""
    other = jnp.cosh(x)
    return [other if k % 2 else y for k in range(1, order + 1)]


@unary("cosh")
def cosh(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """Cosh' = sinh, sinh' = cosh."""
    other = jnp.sinh(x)
    return [other if k % 2 else y for k in range(1, order + 1)]


def _fractional_powers(x: jax.Array, first: jax.Array, exponent: float, order: int) -> list[Any]:
    """Derivatives of x^a from the first: f⁽ᵏ⁺¹⁾ = f⁽ᵏ⁾ (a − k)/x."""
    result, reciprocal = [first], 1.0 / x
    for k in range(1, order):
        result.append(result[-1] * (reciprocal * (exponent - k)))
    return result[:order]


@unary("sqrt", recurrence=SQUARE_ROOT)
def sqrt_(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = 1/(2y)."""
    return _fractional_powers(x, 0.5 / y, 0.5, order)


@unary("rsqrt", recurrence=power_of(-0.5))
def rsqrt(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = −y/(2x)."""
    return _fractional_powers(x, -0.5 * (y / x), -0.5, order)


@unary("cbrt", recurrence=power_of(1.0 / 3.0))
def cbrt(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = 1/(3y²)."""
    return _fractional_powers(x, (1.0 / 3.0) / (y * y), 1.0 / 3.0, order)


@unary("square")
def square(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = 2x, y'' = 2."""
    return [2.0 * x, 2.0][:order]


@unary("one_minus_square")
def one_minus_square(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y = 1 − x²: y' = −2x, y'' = −2."""
    return [-2.0 * x, -2.0][:order]


@antiderivative("atan")
def atan(x: jax.Array) -> jax.Array:
    """y' = 1/(1 + x²)."""
    return 1.0 / (1.0 + x * x)


@antiderivative("asin")
def asin(x: jax.Array) -> jax.Array:
    """y' = 1/√(1 − x²)."""
    return lax.rsqrt((1.0 - x) * (1.0 + x))


@antiderivative("acos")
def acos(x: jax.Array) -> jax.Array:
    """y' = −1/√(1 − x²)."""
    return -lax.rsqrt((1.0 - x) * (1.0 + x))


@antiderivative("asinh")
def asinh(x: jax.Array) -> jax.Array:
    """y' = 1/√(x² + 1)."""
    return lax.rsqrt(x * x + 1.0)


@antiderivative("acosh")
def acosh(x: jax.Array) -> jax.Array:
    """y' = 1/√((x − 1)(x + 1)), the factors apart for complex branches."""
    return lax.rsqrt(x - 1.0) * lax.rsqrt(x + 1.0)


@antiderivative("atanh")
def atanh(x: jax.Array) -> jax.Array:
    """y' = 1/(1 − x²)."""
    return 1.0 / ((1.0 - x) * (1.0 + x))


@antiderivative("erf")
def erf(x: jax.Array) -> jax.Array:
    """y' = 2/√π e^(−x²)."""
    return (2.0 / sqrt(pi)) * jnp.exp(-(x * x))


@antiderivative("erfc")
def erfc(x: jax.Array) -> jax.Array:
    """y' = −2/√π e^(−x²)."""
    return (-2.0 / sqrt(pi)) * jnp.exp(-(x * x))


@unary("erf_inv")
def erf_inv(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y' = √π/2 e^(y²); y⁽ᵏ⁾ = P_k(y) y'ᵏ with P_{k+1} = P_k' + 2k y P_k."""
    first = (sqrt(pi) / 2.0) * jnp.exp(y * y)
    coefficients, power, result = [1], first, []
    for k in range(1, order + 1):
        result.append(power * polynomial(coefficients, y))
        following = [0] * (len(coefficients) + 1)
        for n, c in enumerate(coefficients):
            following[n + 1] += 2 * k * c
            if n:
                following[n - 1] += n * c
        coefficients, power = following, power * first
    return result


@unary("lgamma")
def lgamma(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """y⁽ᵏ⁾ = ψ⁽ᵏ⁻¹⁾(x)."""
    return [lax.digamma(x) if k == 0 else _polygamma(k, x) for k in range(order)]


@unary("digamma")
def digamma(x: jax.Array, y: jax.Array, order: int) -> list[Any]:
    """ψ⁽ᵏ⁾(x)."""
    return [_polygamma(k, x) for k in range(1, order + 1)]


def _polygamma(order: int, x: jax.Array) -> jax.Array:
    return lax.polygamma(jnp.full_like(x, order), x)
