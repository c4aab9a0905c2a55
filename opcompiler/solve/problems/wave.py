"""The wave equation □u = 0 with a superposition of standing waves, in the cone that its initial values determine."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from opcompiler.errors import ArgumentTypeError
from opcompiler.solve.domains import directions
from opcompiler.solve.statement import Condition, Points, Problem

__all__ = ["wave"]

HORIZON = 1.0
RADIUS = 2.0


def wave(dim: int, seed: int = 0) -> Problem:
    """Return u_tt = Δu in the cone |x| < 2 − t, 0 < t < 1, with u and u_t given at t = 0.

    Each term of u(x, t) = cos(√2 t) Σ_i c_i cos(x_i + x_{i+1})/√d, c_i ~ N(0, 1), solves it: ∂_t² and Δ both
    multiply by −2. Signals have speed 1, so that the initial values in |x| < 2 determine u in the cone.
    """
    if dim < 2:
        raise ArgumentTypeError("the standing waves need at least 2 dimensions")
    c = jax.random.normal(jax.random.key(seed), (dim - 1,), jnp.float32) / dim**0.5

    def initial(x: jax.Array) -> jax.Array:
        return jnp.sum(c * jnp.cos(x[:-1] + x[1:]))

    def sample(key: jax.Array, count: int) -> Points:
        time_key, direction_key, radius_key = jax.random.split(key, 3)
        t = jax.random.uniform(time_key, (count,), maxval=HORIZON)
        radii = (RADIUS - t) * jax.random.uniform(radius_key, (count,))
        return radii[:, None] * directions(direction_key, count, dim), t

    def at_start(key: jax.Array, count: int) -> Points:
        direction_key, radius_key = jax.random.split(key)
        radii = jax.random.uniform(radius_key, (count, 1), maxval=RADIUS)
        return radii * directions(direction_key, count, dim), jnp.zeros(count)

    return Problem(
        name="wave",
        text="□u = 0",
        spaces={"x": dim, "t": None},
        sample=sample,
        summary="wave equation in the cone |x| < 2 - t, standing waves",
        exact=lambda x, t: jnp.cos(2**0.5 * t) * initial(x),
        hard=lambda network: lambda x, t: initial(x) + t**2 * network(x, t),
        enforced=(
            Condition("start", "u", at_start, lambda x, t: initial(x)),
            Condition("speed", "u_t", at_start, lambda x, t: jnp.zeros((), x.dtype)),
        ),
        sizes=(RADIUS, HORIZON),
    )
