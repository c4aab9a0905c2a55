"""Poisson, Allen–Cahn and sine-Gordon equations on the unit ball, u = 0 on the sphere.

The solutions u = (1 − |x|²) S(x) have no structure that separates coordinates; with R = x·∇,

    Δu = (1 − |x|²) ΔS − 4 R S − 2d S.

Shi, Hu, Lin and Kawaguchi 2024 (arXiv 2412.00088), section on inseparable high-dimensional equations.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from opcompiler.solve.domains import Ball
from opcompiler.solve.problems.sums import InseparableSum
from opcompiler.solve.statement import Condition, Problem

__all__ = ["EQUATIONS", "houman", "inseparable"]

EQUATIONS: dict[str, tuple[str, Callable[[jax.Array], jax.Array]]] = {
    "poisson": ("Δu = g", jnp.zeros_like),
    "allen-cahn": ("Δu + u - u³ = g", lambda u: u - u**3),
    "sine-gordon": ("Δu + sin(u) = g", jnp.sin),
}
"""Name → text, and what is added to Δu."""


def inseparable(equation: str, total: InseparableSum, dim: int, gradient_weight: float = 0.0) -> Problem:
    """Return one of `EQUATIONS` with the solution (1 − |x|²) S(x).

    Args:
        equation: its name.
        total: S.
        dim: number of coordinates.
        gradient_weight: above 0 for gradient-enhanced training (Yu, Lu, Meng and Karniadakis 2022).
    """
    text, reaction = EQUATIONS[equation]
    ball = Ball(dim)

    def exact(x: jax.Array) -> jax.Array:
        return (1 - jnp.sum(x * x)) * total.value(x)

    def source(x: jax.Array) -> jax.Array:
        radius = 1 - jnp.sum(x * x)
        value = total.value(x)
        laplacian = radius * total.laplacian(x) - 4 * total.radial(x) - 2 * dim * value
        return laplacian + reaction(radius * value)

    return Problem(
        name=f"{equation}-{total.name}{'-gradient' if gradient_weight else ''}",
        text=text,
        spaces={"x": dim},
        sample=_inside(ball),
        summary=f"{text} on the unit ball, {total.name} solution{', gradient-enhanced' if gradient_weight else ''}",
        functions={"g(x)": source},
        exact=exact,
        hard=lambda network: lambda x: (1 - jnp.sum(x * x)) * network(x),
        enforced=(Condition("sphere", "u", _on_sphere(ball), lambda x: jnp.zeros((), x.dtype)),),
        gradient_weight=gradient_weight,
        sizes=(ball.size,),
        amplitude=total.amplitude,
    )


def houman(dim: int) -> Problem:
    """Return Δu = g with u = exp(sin w), w = Σ_i cos x_i, whose values on the sphere are no constant.

    Δu = u ((cos² w − sin w) Σ_i sin² x_i − w cos w).
    """
    ball = Ball(dim)

    def wave(x: jax.Array) -> jax.Array:
        # Σ cos x_i = d − 2 Σ sin²(x_i/2); a multiple of 2π is left out, which single precision could not hold.
        return dim % (2 * jnp.pi) - 2 * jnp.sum(jnp.sin(x / 2) ** 2)

    def exact(x: jax.Array) -> jax.Array:
        return jnp.exp(jnp.sin(wave(x)))

    def source(x: jax.Array) -> jax.Array:
        w = wave(x)
        second = (jnp.cos(w) ** 2 - jnp.sin(w)) * jnp.sum(jnp.sin(x) ** 2)
        return jnp.exp(jnp.sin(w)) * (second - jnp.cos(w) * jnp.sum(jnp.cos(x)))

    return Problem(
        name="poisson-houman",
        text="Δu = g",
        spaces={"x": dim},
        sample=_inside(ball),
        summary="Δu = g on the unit ball, u = exp(sin Σ cos xᵢ)",
        functions={"g(x)": source},
        exact=exact,
        conditions=(Condition("sphere", "u", _on_sphere(ball), exact, weight=float(dim)),),
        sizes=(ball.size,),
    )


def _inside(ball: Ball) -> Callable[[jax.Array, int], tuple[jax.Array]]:
    return lambda key, count: (ball.sample(key, count),)


def _on_sphere(ball: Ball) -> Callable[[jax.Array, int], tuple[jax.Array]]:
    return lambda key, count: (ball.boundary(key, count),)
