"""Three operators from text to numbers: a mixed fourth-order one, a Laplacian in 10⁵ dimensions, the KdV equation.

Each prints its plan, its certificate, the comparison with an independent answer, and times. Takes about a minute on
two cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

import opcompiler as oc

STARTED = time.perf_counter()


def say(text: str) -> None:
    """Print a line of progress with the seconds since the start."""
    print(f"[{time.perf_counter() - STARTED:5.1f} s] {text}", flush=True)


def title(text: str) -> None:
    """Print a heading."""
    print(f"\n{text}\n{'─' * len(text)}", flush=True)


def show(plan: oc.Plan) -> None:
    """Print a plan, indented."""
    print("\n".join(f"    {line}" for line in str(plan).splitlines()), flush=True)


def network(key: jax.Array, dim: int, width: int = 128, depth: int = 4, dtype: Any = jnp.float32) -> list[Any]:
    """Return the layers of a tanh network of one vector."""
    sizes = [dim, *[width] * depth, 1]
    keys = jax.random.split(key, depth + 1)
    return [
        (jax.random.normal(k, (n, m), dtype) / n**0.5, 0.1 * jax.random.normal(jax.random.fold_in(k, 1), (m,), dtype))
        for k, n, m in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]


def after_first_layer(layers: list[Any], z: jax.Array) -> jax.Array:
    """Return g(z), the network behind its first linear map z = xW + b."""
    for weight, bias in layers[1:]:
        z = jnp.tanh(z) @ weight + bias
    return z[0]


def apply(layers: list[Any], x: jax.Array) -> jax.Array:
    """Return u(x) = g(xW + b)."""
    weight, bias = layers[0]
    return after_first_layer(layers, x @ weight + bias)


def measured(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Compile, run and return the value; print the best of ten times and the flops that XLA counts."""
    compiled = jax.jit(function).lower(*arguments).compile()
    value = jax.block_until_ready(compiled(*arguments))
    times = []
    for _ in range(10):
        start = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        times.append(time.perf_counter() - start)
    flops = (compiled.cost_analysis() or {}).get("flops", 0.0)
    say(f"{name}: {1e3 * min(times):.2f} ms, {flops / 1e6:,.1f} Mflop")
    return value


def relative_error(value: jax.Array, expected: jax.Array) -> float:
    """Return the largest difference, relative to the largest expected value."""
    return float(jnp.max(jnp.abs(value - expected)) / jnp.max(jnp.abs(expected)))


def mixed_operator() -> None:
    """Compare Δu + ∂⁴u/∂x1²∂x2² in five dimensions with nested forward differentiation."""
    text = "Δu + ∂⁴u/∂x1²∂x2²"
    title(f"(a) {text} of a network of 5 variables")
    operator = oc.compile(text, spaces={"x": 5})
    show(operator.plan)

    with jax.enable_x64(True):
        layers = network(jax.random.key(0), 5, dtype=jnp.float64)
        points = jax.random.normal(jax.random.key(1), (64, 5), jnp.float64)

        def u(x: jax.Array) -> jax.Array:
            return apply(layers, x)

        def along(f: Callable[..., Any], i: int) -> Callable[..., Any]:
            return lambda x: jax.jvp(f, (x,), (jnp.zeros_like(x).at[i].set(1),))[1]

        def nested(x: jax.Array) -> jax.Array:
            mixed = along(along(along(along(u, 0), 0), 1), 1)
            return sum((along(along(u, i), i)(x) for i in range(5)), mixed(x))

        value = measured("compiled operator, 64 points", lambda x: operator(u, x), points)
        expected = measured("nested differentiation", jax.vmap(nested), points)
        error = relative_error(value, expected)
        say(f"relative difference {error:.1e} (float64)")
        assert error < 1e-11


def large_laplacian() -> None:
    """Compute the exact Laplacian of a network of 100 000 variables."""
    dim = 100_000
    title(f"(b) the exact Laplacian in {dim:,} dimensions")
    operator = oc.compile("Δu", spaces={"x": dim})
    layers = network(jax.random.key(2), dim)
    points = jax.random.normal(jax.random.key(3), (16, dim))

    def u(x: jax.Array) -> jax.Array:
        return apply(layers, x)

    show(operator.plan_for(u, points))
    value = measured("compiled operator, 16 points", lambda x: operator(u, x), points)

    weight, bias = layers[0]
    gram = weight.T @ weight

    def by_hessian(x: jax.Array) -> jax.Array:
        """Return tr(WᵀW ∇²g), with the Hessian of g by reverse and forward differentiation."""
        hessian = jax.hessian(lambda z: after_first_layer(layers, z))(x @ weight + bias)
        return jnp.sum(gram * hessian)

    expected = measured("tr(WᵀW ∇²g) by hand, WᵀW not counted", jax.vmap(by_hessian), points)
    error = relative_error(value, expected)
    say(f"relative difference {error:.1e} (float32)")
    assert error < 1e-5


def soliton() -> None:
    """Put the soliton into the Korteweg–de Vries equation."""
    text = "u_t + 6 u u_x + u_xxx = 0"
    title(f"(c) {text} on the soliton 2κ² sech²(κ(x − 4κ²t))")
    operator = oc.compile(text, spaces=("x", "t"))
    show(operator.plan)

    with jax.enable_x64(True):
        kappa = 0.8

        def u(x: jax.Array, t: jax.Array) -> jax.Array:
            return 2 * kappa**2 / jnp.cosh(kappa * (x - 4 * kappa**2 * t)) ** 2

        x, t = (jax.random.uniform(jax.random.key(n), (1000,), jnp.float64, -2, 2) for n in (4, 5))
        residual = measured("compiled operator, 1000 points", lambda x, t: operator(u, x, t), x, t)
        say(f"largest residual {float(jnp.max(jnp.abs(residual))):.1e}")
        assert float(jnp.max(jnp.abs(residual))) < 1e-12
        other = operator(lambda x, t: 1.1 * u(x, t), x, t)
        say(f"largest residual of 1.1 times the soliton, which is no solution: {float(jnp.max(jnp.abs(other))):.2f}")


if __name__ == "__main__":
    mixed_operator()
    large_laplacian()
    soliton()
    print()
    say("all comparisons hold")
