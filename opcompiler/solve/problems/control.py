"""Terminal-value problems of control and finance: Hamilton–Jacobi–Bellman and Black–Scholes–Barenblatt equations.

HJB-LIN: Wang, Li, He and Wang 2022 (arXiv 2206.02016); HJB-LQG and Black–Scholes–Barenblatt: Han,
Jentzen and E 2018 (arXiv 1707.02568) and Raissi 2018 (arXiv 1804.07010).
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.solve.domains import brownian_paths
from opcompiler.solve.statement import Condition, Field, Points, Problem

__all__ = ["black_scholes_barenblatt", "hjb_linear", "hjb_quadratic", "monte_carlo_quadratic"]

HORIZON = 1.0


def _terminal_value_problem(terminal: Field, **described) -> Problem:
    """Return a problem whose network is multiplied by T − t and added to the terminal values."""
    sample = described["sample"]

    def at_end(key: jax.Array, count: int) -> Points:
        x, t = sample(key, count)
        return x, jnp.full_like(t, HORIZON)

    return Problem(
        **described,
        hard=lambda network: lambda x, t: terminal(x) + (HORIZON - t) * network(x, t),
        enforced=(Condition("end", "u", at_end, lambda x, t: terminal(x)),),
    )


def hjb_linear(dim: int) -> Problem:
    """Return u_t + Δu − (1/d) Σ|∂_i u| = −2 with u(x, 1) = Σ x_i and the solution Σ x_i + 1 − t."""

    def sample(key: jax.Array, count: int) -> Points:
        time_key, space_key = jax.random.split(key)
        return jax.random.normal(space_key, (count, dim)), jax.random.uniform(time_key, (count,), maxval=HORIZON)

    return _terminal_value_problem(
        jnp.sum,
        name="hjb-lin",
        text=f"u_t + Δu - 1/{dim} ∑_{{i=1}}^{{{dim}}} |∂u/∂x_i| = -2",
        spaces={"x": dim, "t": None},
        sample=sample,
        summary="Hamilton–Jacobi–Bellman equation with a cost linear in the gradient",
        exact=lambda x, t: jnp.sum(x) + HORIZON - t,
        sizes=(dim**0.5, HORIZON),
    )


def hjb_quadratic(dim: int) -> Problem:
    """Return u_t + Δu − |∇u|² = 0 with u(x, 1) = log((1 + |x|²)/2).

    By the Cole–Hopf transform u(x, t) = −log E exp(−u(x + √(2τ) Z, 1)), τ = 1 − t, Z standard normal. Because
    1/(1 + r²) = ∫ exp(−s(1 + r²)) ds, the mean over Z is a single integral over s > 0,

        u = −log 2 ∫ e^{−s} (1 + 4sτ)^{−d/2} exp(−s|x|²/(1 + 4sτ)) ds,

    which the trapezoidal rule in log s computes to rounding; `monte_carlo_quadratic` checks it by sampling Z.
    """

    def terminal(x: jax.Array) -> jax.Array:
        return jnp.log((1 + jnp.sum(x * x)) / 2)

    # The integrand lives around s ~ 1/d; it falls like s below and like exp(−s) or faster above.
    spacing = 0.05
    nodes = np.arange(-40 - math.log(dim), 4.5, spacing)

    def exact(x: jax.Array, t: jax.Array) -> jax.Array:
        logarithms = jnp.asarray(nodes, x.dtype)
        s = jnp.exp(logarithms)
        widened = 4 * s * (HORIZON - t)
        exponents = logarithms - s - 0.5 * dim * jnp.log1p(widened) - s * jnp.sum(x * x) / (1 + widened)
        return -jax.nn.logsumexp(exponents) - math.log(2 * spacing)

    def sample(key: jax.Array, count: int) -> Points:
        times, positions = brownian_paths(key, count, dim, HORIZON)
        return 2**0.5 * positions, times

    return _terminal_value_problem(
        terminal,
        name="hjb-lqg",
        text="u_t + Δu - |∇u|² = 0",
        spaces={"x": dim, "t": None},
        sample=sample,
        summary="Hamilton–Jacobi–Bellman equation of linear-quadratic-Gaussian control",
        exact=exact,
        sizes=((2 * dim) ** 0.5, HORIZON),
    )


def monte_carlo_quadratic(
    key: jax.Array, x: jax.Array, t: jax.Array, samples: int = 100_000
) -> tuple[jax.Array, jax.Array]:
    """Return the solution of `hjb_quadratic` at one point as a sample mean, and its standard error."""
    ends = x + jnp.sqrt(2 * (HORIZON - t)) * jax.random.normal(key, (samples, x.size))
    values = 2 / (1 + jnp.sum(ends**2, axis=1))
    mean = jnp.mean(values)
    return -jnp.log(mean), jnp.std(values) / (mean * samples**0.5)


def black_scholes_barenblatt(dim: int) -> Problem:
    """Return u_t + σ²/2 Σ x_i² ∂_i²u = r(u − x·∇u), σ = 0.4, r = 0.05, u(x, 1) = |x|².

    Solution exp((r + σ²)(1 − t))|x|². Points lie on the paths of the prices, geometric Brownian motions from
    (1, 1/2, 1, 1/2, …).
    """
    volatility, rate = 0.4, 0.05
    prices = np.where(np.arange(dim) % 2 == 0, 1.0, 0.5)

    def sample(key: jax.Array, count: int) -> Points:
        times, positions = brownian_paths(key, count, dim, HORIZON)
        return jnp.asarray(prices, positions.dtype) * jnp.exp(
            volatility * positions - volatility**2 / 2 * times[:, None]
        ), times

    return _terminal_value_problem(
        lambda x: jnp.sum(x * x),
        name="black-scholes-barenblatt",
        text=f"u_t + σ²/2 ∑_{{i=1}}^{{{dim}}} x_i² ∂²u/∂x_i² = r(u - x·∇u)",
        spaces={"x": dim, "t": None},
        parameters={"σ": volatility, "r": rate},
        sample=sample,
        summary="Black–Scholes–Barenblatt equation on the paths of the prices",
        exact=lambda x, t: jnp.exp((rate + volatility**2) * (HORIZON - t)) * jnp.sum(x * x),
        sizes=(dim**0.5, HORIZON),
        amplitude=float(dim) * (rate + volatility**2),
    )
