"""The exact Laplacian in 100 000 dimensions through the first layer of a network, against a sum over all directions.

    python -m benchmarks.bottleneck                a few minutes on two cores
    python -m benchmarks.bottleneck --dim 10000

The oracle knows nothing of the layer: it adds eᵢᵀ∇²u eᵢ by `jax.jvp` of `jax.jvp`, 500 directions at a time, once for u
as it is in single precision, and once with all of u in double precision. The latter tells apart the error of the
operator and that of u: at one point, x @ W alone is a sum of d products in single precision.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise

import jax
import jax.numpy as jnp

import opcompiler as oc

WIDTHS = (128, 128, 128, 128, 1)
CHUNK = 500


def layers(dim: int) -> list[jax.Array]:
    """Return the matrices of a 4×128 network."""
    shapes = list(pairwise((dim, *WIDTHS)))
    keys = jax.random.split(jax.random.key(0), len(shapes))
    return [jax.random.normal(k, shape, "float32") / shape[0] ** 0.5 for k, shape in zip(keys, shapes, strict=True)]


def network(dim: int, dtype: str) -> Callable[[jax.Array], jax.Array]:
    """Return a 4×128 tanh network, the same one in both precisions."""
    weights = [weight.astype(dtype) for weight in layers(dim)]

    def u(x: jax.Array) -> jax.Array:
        for weight in weights[:-1]:
            x = jnp.tanh(x @ weight)
        return (x @ weights[-1])[0]

    return u


def laplacian(u: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """Return the Laplacian of u at x as the sum of the second derivatives along all coordinates."""

    def second(v: jax.Array) -> jax.Array:
        return jax.jvp(lambda z: jax.jvp(u, (z,), (v,))[1], (x,), (v,))[1]

    def chunk(total: jax.Array, start: jax.Array) -> tuple[jax.Array, None]:
        directions = jax.nn.one_hot(start + jnp.arange(CHUNK), x.size, dtype=x.dtype)
        return total + jnp.sum(jax.vmap(second)(directions), dtype=total.dtype), None

    return jax.lax.scan(chunk, jnp.zeros((), "float64"), jnp.arange(0, x.size, CHUNK))[0]


def main() -> None:
    """Print carried coefficients, both values and their relative difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dim", type=int, default=100_000)
    dim = parser.parse_args().dim
    jax.config.update("jax_enable_x64", True)
    x = jax.random.normal(jax.random.key(1), (dim,), "float32")
    op = oc.compile("Δu", spaces={"x": dim})
    single = network(dim, "float32")
    certificate = op.plan_for(single, x).certificate
    print(f"Δu, d = {dim}: carries {certificate.carried}, minimum {certificate.minimum} for {certificate.scope}")
    value = float(jax.jit(lambda x: op(single, x))(x))
    for dtype in ("float32", "float64"):
        start, u = time.perf_counter(), network(dim, dtype)
        exact = float(jax.jit(lambda x, u=u: laplacian(u, x))(x.astype(dtype)))
        seconds = time.perf_counter() - start
        print(f"{value:.8g}, sum over {dim} directions of u in {dtype} {exact:.8g} ({seconds:.0f} s)")
        print(f"relative difference {abs(value - exact) / abs(exact):.1e}", flush=True)
    inside = x @ layers(dim)[0]
    exact = x.astype("float64") @ layers(dim)[0].astype("float64")
    print(f"largest error of x @ W in float32: {jnp.max(jnp.abs(inside - exact)):.1e}")


if __name__ == "__main__":
    main()
