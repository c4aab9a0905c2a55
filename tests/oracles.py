"""Independent answers: nested forward automatic differentiation in float64. Imports nothing from opcompiler."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp


def partial(u: Callable, orders: Sequence[tuple[int, int]]) -> Callable:
    """Return ∂^orders u of a function of one flat vector; `orders` lists (coordinate, times)."""
    for coordinate, times in orders:
        for _ in range(times):
            u = _partial(u, coordinate)
    return u


def _partial(u: Callable, coordinate: int) -> Callable:
    def derivative(x):
        direction = jnp.zeros_like(x).at[coordinate].set(1)
        return jax.jvp(u, (x,), (direction,))[1]

    return derivative


def polynomial_operator(u: Callable, terms: dict[tuple[int, ...], float]) -> Callable:
    """Return Σ c_α ∂^α u for {multi-index α: c_α}, every term by nested jvp."""

    def value(x):
        return sum(
            coefficient * partial(u, [(i, k) for i, k in enumerate(alpha) if k])(x)
            for alpha, coefficient in terms.items()
        )

    return value


def laplacian(u: Callable) -> Callable:
    """Return Δu of a function of one flat vector, by forward over forward, coordinate by coordinate."""

    def value(x):
        return sum(partial(u, [(i, 2)])(x) for i in range(x.shape[0]))

    return value


def tanh_mlp(key: jax.Array, sizes: Sequence[int], dtype=jnp.float64) -> Callable:
    """Return a scalar tanh network of one flat vector with weights drawn from `key`."""
    keys = jax.random.split(key, len(sizes) - 1)
    layers = [
        (
            jax.random.normal(k, (n, m), dtype) / jnp.sqrt(jnp.asarray(n, dtype)),
            0.1 * jax.random.normal(jax.random.fold_in(k, 1), (m,), dtype),
        )
        for k, n, m in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]

    def u(x):
        for weight, bias in layers[:-1]:
            x = jnp.tanh(x @ weight + bias)
        weight, bias = layers[-1]
        return (x @ weight + bias)[0]

    return u


def attention_block(key: jax.Array, dim: int, width: int = 8, heads: int = 2, dtype=jnp.float64) -> Callable:
    """Return a scalar function of one flat vector: embedding, softmax attention, layer norm, gelu, readout."""
    names = ("embed", "query", "key", "value", "out", "up", "down", "read")
    shapes = ((1, width), *(((width, width),) * 4), (width, 2 * width), (2 * width, width), (width,))
    weights = {
        name: jax.random.normal(jax.random.fold_in(key, n), shape, dtype) / jnp.sqrt(jnp.asarray(shape[0], dtype))
        for n, (name, shape) in enumerate(zip(names, shapes, strict=True))
    }
    position = 0.3 * jax.random.normal(jax.random.fold_in(key, 99), (dim, width), dtype)

    def norm(h):
        centred = h - h.mean(-1, keepdims=True)
        return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-2)

    def u(x):
        h = jnp.sin(x[:, None] * weights["embed"] + position)
        q, k, v = ((h @ weights[n]).reshape(dim, heads, -1) for n in ("query", "key", "value"))
        score = jax.nn.softmax(jnp.einsum("ihc,jhc->hij", q, k) / 2.0, axis=-1)
        h = norm(h + jnp.einsum("hij,jhc->ihc", score, v).reshape(dim, width) @ weights["out"])
        h = h + jax.nn.gelu(h @ weights["up"]) @ weights["down"]
        return jnp.tanh(h.mean(0)) @ weights["read"]

    return u
