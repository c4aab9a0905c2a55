"""A physics-informed network for an equation written as text, in ten lines."""

import jax.numpy as jnp

from opcompiler.solve import Ball, Settings, equation, train


def solution(x):
    """Return u, from which the right-hand side g is made and by which the network is judged."""
    return (1 - x @ x) * jnp.sin(x[0] + x[1] * x[2])


problem = equation("Δu + sin(u) = g", spaces={"x": 5}, domain=Ball(5), solution=solution)
result = train(problem, Settings(steps=500, points=64, learning_rate=3e-3))
print(f"relative L2 error {result.judgement.relative_l2:.1e}, {1000 * result.seconds_per_step:.1f} ms per step")
print("u at a point:", result.u(jnp.full(5, 0.2)), "exactly:", solution(jnp.full(5, 0.2)))
assert result.judgement.relative_l2 < 0.2
