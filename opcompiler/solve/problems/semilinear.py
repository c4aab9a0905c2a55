"""Semilinear parabolic equations u_t = Δu + f(u) in all of space, 0 < t < 0.3, solved along Brownian paths.

What is asked for is u(0, 0.3), which depends on u at (√2 W_s, 0.3 − s) for a Brownian motion W from the origin; points
are drawn there. Initial values and reference values: Shi, Hu, Lin and Kawaguchi 2024 (arXiv 2412.00088), the
semilinear parabolic equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from opcompiler.solve.domains import brownian_paths
from opcompiler.solve.statement import Condition, Field, Points, Problem, Reference

__all__ = ["EQUATIONS", "HORIZON", "semilinear"]

HORIZON = 0.3

_SOURCE = "arXiv 2412.00088"


def _bump(x: jax.Array) -> jax.Array:
    return 5 / (10 + 2 * jnp.sum(x * x))


def _angle(x: jax.Array) -> jax.Array:
    return jnp.arctan(jnp.max(x))


@dataclass(frozen=True, slots=True)
class _Equation:
    """One equation.

    Attributes:
        text: the equation.
        initial: u(x, 0).
        values: dimension → u(0, 0.3).
        smooth: whether the initial values are twice differentiable. Where they are not, u = initial + t·network would
            miss the part of Δu that sits on the kinks, and the initial condition is part of the loss instead.
    """

    text: str
    initial: Field
    values: dict[int, float]
    smooth: bool


EQUATIONS = {
    "heat-time": _Equation(
        "u_t = Δu + (1 - u²)/(1 + u²)",
        _bump,
        {10: 0.47006, 100: 0.31674, 1000: 0.28753, 10_000: 0.28433},
        smooth=True,
    ),
    "allen-cahn-time": _Equation(
        "u_t = Δu + u - u³",
        _angle,
        {10: 0.89060, 100: 1.04510, 1000: 1.09100, 10_000: 1.11402},
        smooth=False,
    ),
    "sine-gordon-time": _Equation(
        "u_t = Δu + sin(u)",
        _bump,
        {10: 0.3229470, 100: 0.0528368, 1000: 0.0055896, 10_000: 0.0005621},
        smooth=True,
    ),
}


def semilinear(name: str, dim: int) -> Problem:
    """Return one of `EQUATIONS` in `dim` dimensions."""
    equation = EQUATIONS[name]

    def sample(key: jax.Array, count: int) -> Points:
        elapsed, positions = brownian_paths(key, count, dim, HORIZON)
        return 2**0.5 * positions, HORIZON - elapsed

    def at_start(key: jax.Array, count: int) -> Points:
        positions = (2 * HORIZON) ** 0.5 * jax.random.normal(key, (count, dim))
        return positions, jnp.zeros(count)

    start = Condition("start", "u", at_start, lambda x, t: equation.initial(x))
    references = ()
    if dim in equation.values:
        references = (Reference(((0.0,) * dim, HORIZON), equation.values[dim], _SOURCE),)
    return Problem(
        name=name,
        text=equation.text,
        spaces={"x": dim, "t": None},
        sample=sample,
        summary=f"{equation.text} on Brownian paths, value at the origin at time {HORIZON}",
        references=references,
        hard=(lambda network: lambda x, t: equation.initial(x) + t * network(x, t)) if equation.smooth else None,
        enforced=(start,) if equation.smooth else (),
        conditions=() if equation.smooth else (start,),
        sizes=((2 * HORIZON * dim) ** 0.5, HORIZON),
    )
