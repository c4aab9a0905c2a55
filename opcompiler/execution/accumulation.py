"""Sums over many points, a chunk at a time, whose gradient is accumulated chunk by chunk.

Reverse differentiation of a plain sum keeps the intermediate values of all points until the backward pass. Here each
chunk is differentiated as soon as it is evaluated and only the sum of the gradients stays, so that the memory is that
of one chunk and nothing is evaluated twice. What all chunks compute alike is computed before them, and the gradient by
it goes back once, behind them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.custom_derivatives import SymbolicZero

from opcompiler.execution.invariants import invariants_of
from opcompiler.taylor import jaxpr

__all__ = ["padded_length", "sum_over_chunks"]


def sum_over_chunks(function: Callable[[Any, Any], jax.Array], shared: Any, rows: Any, chunk: int) -> jax.Array:
    """Return Σ_c function(shared, rows of chunk c), differentiable in reverse with the memory of one chunk.

    Gradients reach `shared`, `rows` and all that `function` closes over; what is not differentiated costs nothing.
    With more than one chunk the result has no forward derivative (`jax.jvp`); its gradient has one.

    Args:
        function: (shared, a chunk of the rows) → real scalar; traced once.
        shared: a pytree that all chunks see whole.
        rows: a pytree of arrays with equal leading axes, a multiple of `chunk` long.
        chunk: number of rows in a chunk.
    """
    leaves, row_tree = jax.tree.flatten(rows)
    chunks = leaves[0].shape[0] // chunk
    if chunks == 1:
        return function(shared, rows)
    stacked = [jnp.reshape(leaf, (chunks, chunk, *leaf.shape[1:])) for leaf in leaves]
    common, shared_tree = jax.tree.flatten(shared)

    def on_leaves(common: Sequence[Any], own: Sequence[Any]) -> jax.Array:
        return function(jax.tree.unflatten(shared_tree, common), jax.tree.unflatten(row_tree, own))

    closed, _ = jaxpr.trace(on_leaves, common, [leaf[0] for leaf in stacked])
    constants = list(jaxpr.constants(closed))
    parts = invariants_of(closed, len(common))
    once = parts.first(*constants, *common)
    # A custom derivative must be handed every value that may be differentiated; only tracers can be.
    handed = [number for number, value in enumerate(constants) if isinstance(value, Tracer)]

    def evaluate(fixed: Sequence[Any], own: Sequence[Any]) -> jax.Array:
        values = _with(constants, handed, fixed[: len(handed)])
        (result,) = parts.rest(*values, *fixed[len(handed) :], *own)
        return result

    return _accumulated(evaluate)([*(constants[number] for number in handed), *common, *once], stacked)


def padded_length(count: int, chunk: int) -> tuple[int, int]:
    """Return (length, chunk) of the shortest padding of `count` rows to equal chunks of at most `chunk` rows."""
    chunks = max(1, math.ceil(count / chunk))
    size = math.ceil(count / chunks)
    return chunks * size, size


def _accumulated(evaluate: Callable[[Sequence[Any], Sequence[Any]], jax.Array]) -> Callable[..., jax.Array]:
    """Return (fixed, stacked) → Σ_c evaluate(fixed, stacked[c]) with its derivative rule."""

    @jax.custom_vjp
    def total(fixed: list[Any], stacked: list[Any]) -> jax.Array:
        def step(so_far: jax.Array, own: list[Any]) -> tuple[jax.Array, None]:
            return so_far + evaluate(fixed, own), None

        zero = _zero_like(evaluate, fixed, stacked)
        return jax.lax.scan(step, zero, stacked)[0]

    def forward(fixed: list[Any], stacked: list[Any]) -> tuple[jax.Array, Any]:
        fixed_values, stacked_values = [leaf.value for leaf in fixed], [leaf.value for leaf in stacked]
        fixed_wanted = [number for number, leaf in enumerate(fixed) if leaf.perturbed]
        own_wanted = [number for number, leaf in enumerate(stacked) if leaf.perturbed]

        def of_wanted(fixed_part: list[Any], own_part: list[Any], own: list[Any]) -> jax.Array:
            return evaluate(
                _with(fixed_values, fixed_wanted, fixed_part),
                _with(own, own_wanted, own_part),
            )

        fixed_part = [fixed_values[number] for number in fixed_wanted]

        def step(so_far: tuple[jax.Array, list[Any]], own: list[Any]) -> tuple[Any, list[Any]]:
            value, (common, per_row) = jax.value_and_grad(of_wanted, argnums=(0, 1))(
                fixed_part, [own[number] for number in own_wanted], own
            )
            return jax.tree.map(jnp.add, so_far, (value, common)), per_row

        start = (_zero_like(evaluate, fixed_values, stacked_values), jax.tree.map(jnp.zeros_like, fixed_part))
        (value, common), per_row = jax.lax.scan(step, start, stacked_values)
        return value, (
            _with([None] * len(fixed), fixed_wanted, common),
            _with([None] * len(stacked), own_wanted, per_row),
        )

    def backward(gradients: tuple[list[Any], list[Any]], cotangent: Any) -> tuple[list[Any], list[Any]]:
        if isinstance(cotangent, SymbolicZero):
            return jax.tree.map(lambda _: None, gradients)
        return jax.tree.map(lambda gradient: (gradient * cotangent).astype(gradient.dtype), gradients)

    total.defvjp(forward, backward, symbolic_zeros=True)
    return total


def _with(values: Sequence[Any], numbers: Sequence[int], replacements: Sequence[Any]) -> list[Any]:
    result = list(values)
    for number, value in zip(numbers, replacements, strict=True):
        result[number] = value
    return result


def _zero_like(
    evaluate: Callable[[Sequence[Any], Sequence[Any]], jax.Array], fixed: Sequence[Any], stacked: Sequence[Any]
) -> jax.Array:
    result = jax.eval_shape(lambda fixed, stacked: evaluate(fixed, [leaf[0] for leaf in stacked]), fixed, stacked)
    return jnp.zeros(result.shape, result.dtype)
