"""Inseparable sums over the coordinates, with the derivatives that right-hand sides need in closed form.

Each is S(x) of one point x in d dimensions with random coefficients c_i ~ N(0, 1). With R = x·∇:

    two-body     S = Σ_{i<d}   c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)
    three-body   S = Σ_{i<d-1} c_i exp(x_i x_{i+1} x_{i+2})
    exponential  S = exp(Σ_i c_i x_i)

Two- and three-body sums: Shi, Hu, Lin and Kawaguchi 2024 (arXiv 2412.00088), the problems on the unit ball.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from opcompiler.errors import ArgumentTypeError
from opcompiler.solve.statement import Field

__all__ = ["InseparableSum", "ThreeBody", "exponential", "three_body", "two_body"]


@dataclass(frozen=True, slots=True)
class InseparableSum:
    """A function with derivatives in closed form.

    Attributes:
        name: how problems call it.
        value: S.
        radial: R S = x·∇S.
        laplacian: ΔS.
        amplitude: typical magnitude of S near the origin.
    """

    name: str
    value: Field
    radial: Field
    laplacian: Field
    amplitude: float


@dataclass(frozen=True, slots=True)
class ThreeBody(InseparableSum):
    """The three-body sum, with what Δ² of a radial function times it needs.

    Attributes:
        radial_twice: R R S.
        radial_laplacian: R ΔS.
        bilaplacian: Δ²S.
    """

    radial_twice: Field
    radial_laplacian: Field
    bilaplacian: Field


def two_body(dim: int, seed: int = 0) -> InseparableSum:
    """Return the sum of sin(x_i + cos x_{i+1} + x_{i+1} cos x_i) over neighbours."""
    c = _coefficients(dim, 2, seed)

    def parts(x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        a, b = x[:-1], x[1:]
        return a, b, a + jnp.cos(b) + b * jnp.cos(a), 1 - b * jnp.sin(a)

    def value(x: jax.Array) -> jax.Array:
        return jnp.sum(c * jnp.sin(parts(x)[2]))

    def radial(x: jax.Array) -> jax.Array:
        a, b, phase, by_a = parts(x)
        return jnp.sum(c * jnp.cos(phase) * (a * by_a + b * (jnp.cos(a) - jnp.sin(b))))

    def laplacian(x: jax.Array) -> jax.Array:
        a, b, phase, by_a = parts(x)
        by_b = jnp.cos(a) - jnp.sin(b)
        second = -b * jnp.cos(a) - jnp.cos(b)
        return jnp.sum(c * (jnp.cos(phase) * second - jnp.sin(phase) * (by_a**2 + by_b**2)))

    return InseparableSum("two-body", value, radial, laplacian, amplitude=dim**0.5)


def three_body(dim: int, seed: int = 0) -> ThreeBody:
    """Return the sum of exp(x_i x_{i+1} x_{i+2}) over triples of neighbours.

    With m = xyz, Q = (yz)² + (xz)² + (xy)² and P = x² + y² + z² for one triple: R eᵐ = 3m eᵐ, Δ eᵐ = Q eᵐ,
    R(Q eᵐ) = (4 + 3m) Q eᵐ and Δ(Q eᵐ) = (4P + 8mP + Q²) eᵐ.
    """
    c = _coefficients(dim, 3, seed)

    def triples(x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        squares = x * x
        a, b, e = squares[:-2], squares[1:-1], squares[2:]
        return x[:-2] * x[1:-1] * x[2:], b * e + a * e + a * b, a + b + e

    def summed(factor: Field) -> Field:
        def value(x: jax.Array) -> jax.Array:
            m, q, p = triples(x)
            return jnp.sum(c * jnp.exp(m) * factor(m, q, p))

        return value

    return ThreeBody(
        "three-body",
        value=summed(lambda m, q, p: jnp.ones_like(m)),
        radial=summed(lambda m, q, p: 3 * m),
        laplacian=summed(lambda m, q, p: q),
        amplitude=dim**0.5,
        radial_twice=summed(lambda m, q, p: 9 * m * (1 + m)),
        radial_laplacian=summed(lambda m, q, p: (4 + 3 * m) * q),
        bilaplacian=summed(lambda m, q, p: 4 * p + 8 * m * p + q * q),
    )


def exponential(dim: int, seed: int = 0) -> InseparableSum:
    """Return exp(c·x)."""
    c = _coefficients(dim, 1, seed)

    def value(x: jax.Array) -> jax.Array:
        return jnp.exp(jnp.sum(c * x))

    return InseparableSum(
        "exp",
        value,
        radial=lambda x: jnp.sum(c * x) * value(x),
        laplacian=lambda x: jnp.sum(c.astype(x.dtype) ** 2) * value(x),
        amplitude=1.0,
    )


def _coefficients(dim: int, bodies: int, seed: int) -> jax.Array:
    if dim < bodies:
        raise ArgumentTypeError(f"a sum over {bodies} neighbouring coordinates needs at least as many, got {dim}")
    # In single precision whatever the default is: one seed, one problem.
    return jax.random.normal(jax.random.key(seed), (dim - bodies + 1,), jnp.float32)
