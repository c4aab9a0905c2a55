"""Random fields, points, parameters and coefficient functions for comparisons."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import jax
import jax.numpy as jnp

from opcompiler.ir.declarations import Declarations

__all__ = ["random_function", "random_network", "random_parameters", "random_points"]


def random_network(
    key: jax.Array, declarations: Declarations, width: int, depth: int
) -> Callable[..., jax.Array | dict[str, jax.Array]]:
    """Return a tanh network of one point that computes all fields: one array, or name → array for several.

    Values lie around 1, so that roots, logarithms and quotients of fields are defined.
    """
    fields = declarations.fields
    inputs = sum(space.dim for space in declarations.spaces)
    outputs = sum(prod(field.shape) for field in fields)
    sizes = [inputs, *[width] * depth, outputs]
    layers = [
        (jax.random.normal(k, (n, m)) / jnp.sqrt(float(n)), 0.1 * jax.random.normal(jax.random.fold_in(k, 1), (m,)))
        for k, n, m in zip(jax.random.split(key, depth + 1), sizes[:-1], sizes[1:], strict=True)
    ]

    def network(*point: jax.Array) -> jax.Array | dict[str, jax.Array]:
        h = jnp.concatenate([values.reshape(-1) for values in point])
        for weight, bias in layers[:-1]:
            h = jnp.tanh(h @ weight + bias)
        weight, bias = layers[-1]
        h = 1.0 + 0.5 * (h @ weight + bias)
        values: dict[str, jax.Array] = {}
        start = 0
        for field in fields:
            stop = start + prod(field.shape)
            values[field.name] = h[start:stop].reshape(field.shape)
            start = stop
        return values if len(values) > 1 else next(iter(values.values()))

    return network


def random_points(key: jax.Array, declarations: Declarations, batch: int) -> tuple[jax.Array, ...]:
    """Return one array of `batch` points per space, coordinates between 1/4 and 5/4."""
    return tuple(
        jax.random.uniform(jax.random.fold_in(key, n), (batch, *space.shape), minval=0.25, maxval=1.25)
        for n, space in enumerate(declarations.spaces)
    )


def random_parameters(key: jax.Array, declarations: Declarations) -> dict[str, jax.Array]:
    """Return values between 1/2 and 3/2 for the parameters that are given at call."""
    return {
        parameter.name: jax.random.uniform(jax.random.fold_in(key, n), parameter.shape, minval=0.5, maxval=1.5)
        for n, parameter in enumerate(declarations.parameters)
        if parameter.value is None
    }


def random_function(key: jax.Array, shape: tuple[int, ...]) -> Callable[..., jax.Array]:
    """Return a smooth function of any arguments with values between 1/2 and 3/2."""

    def function(*arguments: jax.Array) -> jax.Array:
        phase = jax.random.uniform(key, shape)
        for n, argument in enumerate(arguments):
            values = jnp.asarray(argument)
            weights = jax.random.normal(jax.random.fold_in(key, n + 1), (*shape, values.size))
            phase = phase + weights @ values.reshape(-1)
        return 1.0 + 0.5 * jnp.sin(phase)

    return function
