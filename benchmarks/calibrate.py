"""Measure the rates of this machine that the cost model divides by: `python -m benchmarks.calibrate`.

Prints an entry for `opcompiler/ir/cost.py`. Every program runs many times and the fastest run counts, since other work
on the machine only ever makes it slower.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp

REPEATS = 30


def fastest(program: Callable, *arguments: jax.Array) -> float:
    """Return the seconds of the fastest run of a jitted program."""
    compiled = jax.jit(program).lower(*arguments).compile()
    jax.block_until_ready(compiled(*arguments))
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        best = min(best, time.perf_counter() - start)
    return best


def matmul_rate(rows: int = 12_000, width: int = 128) -> float:
    """Return flops per second of the layers of a hidden width of 128, three of them."""
    weights = jnp.ones((3, width, width), jnp.float32) / width

    def layers(x: jax.Array) -> jax.Array:
        for weight in weights:
            x = x @ weight
        return x

    return 3 * 2 * rows * width**2 / fastest(layers, jnp.ones((rows, width), jnp.float32))


def elementwise_rate(size: int = 1_000 * 128, terms: int = 12) -> float:
    """Return flops per second of sums of products of coefficients, as the Leibniz rule writes them."""

    def products(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.stack([sum(a[i] * b[(i + shift) % terms] for i in range(terms)) for shift in range(terms)])

    arrays = jnp.ones((terms, size), jnp.float32)
    return 2 * terms**2 * size / fastest(products, arrays, arrays)


def bandwidth(size: int = 10 * 1_000 * 128) -> float:
    """Return bytes per second of a sum of two arrays as large as the coefficients between two layers."""
    arrays = jnp.ones(size, jnp.float32)
    return 3 * 4 * size / fastest(jnp.add, arrays, 2 * arrays)


def overhead(operations: int = 200) -> float:
    """Return seconds per operation that is too small to take time of its own."""

    def chain(x: jax.Array, matrix: jax.Array) -> jax.Array:
        for _ in range(operations):
            x = x @ matrix
        return x

    return fastest(chain, jnp.ones((2, 8), jnp.float32), jnp.eye(8, dtype=jnp.float32)) / operations


def main() -> None:
    """Print the rates."""
    device = jax.devices()[0]
    print(f"kind={device.platform!r}  # {device.device_kind}")
    print(f"matmul={matmul_rate() / 1e9:.1f}e9")
    print(f"elementwise={elementwise_rate() / 1e9:.2f}e9")
    print(f"bandwidth={bandwidth() / 1e9:.1f}e9")
    print(f"overhead={overhead() * 1e9:.0f}")


if __name__ == "__main__":
    main()
