"""Derivatives of a residual with respect to the points: all of them in reverse, or along random directions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.heads import Argument

__all__ = ["slopes"]


def slopes(
    values: Callable[[BoundCall], Any], call: BoundCall, keys: jax.Array | None, directions: int | None
) -> tuple[list[Any], float]:
    """Return pytrees of derivatives and a factor c with E c·Σ over the pytrees of |derivative|² = |∇ values|².

    Args:
        values: the residuals of a call; the residuals of one point depend on that point only.
        call: where; at most one batch axis.
        keys: of the directions, one per point; None for all coordinates.
        directions: how many random directions; None for all coordinates.

    Returns:
        For random directions one pytree per direction, shaped as the values. For all coordinates one pytree per space,
        whose leaves have one more axis: the coordinates of the space.
    """
    points = [_per_point(point, call) for point in call.points]

    def at(points: list[jax.Array]) -> Any:
        batched = call.batch is not None
        return values(replace(call, points=tuple(Argument(point, batched) for point in points)))

    if directions is None or keys is None:
        return _along_all_coordinates(at, points, call.batch is not None), 1.0

    def along(number: int) -> Any:
        tangents = [_signs(keys, number, space, point, call) for space, point in enumerate(points)]
        return jax.jvp(at, (points,), (tangents,))[1]

    return [along(number) for number in range(directions)], 1.0 / directions


def _per_point(point: Argument, call: BoundCall) -> jax.Array:
    """Return the point with a row for every point of the batch: what is shared would add up the slopes of all."""
    if call.batch is None or point.batched:
        return point.value
    return jnp.broadcast_to(point.value, (call.batch, *point.value.shape))


def _signs(keys: jax.Array, number: int, space: int, point: jax.Array, call: BoundCall) -> jax.Array:
    shape = point.shape if call.batch is None else point.shape[1:]

    def of_point(key: jax.Array) -> jax.Array:
        own = jax.random.fold_in(jax.random.fold_in(key, number), space)
        return jax.random.rademacher(own, shape, point.dtype)

    return of_point(keys[0]) if call.batch is None else jax.vmap(of_point)(keys)


def _along_all_coordinates(at: Callable[..., Any], points: list[jax.Array], batched: bool) -> list[Any]:
    """Return ∂ values/∂ coordinate for all coordinates, by space; one reverse pass per entry of the values."""
    results, pull = jax.vjp(at, points)
    leaves, structure = jax.tree.flatten(results)
    by_leaf = [_of_leaf(number, leaves, structure, pull, batched) for number in range(len(leaves))]
    return [jax.tree.unflatten(structure, [own[space] for own in by_leaf]) for space in range(len(points))]


def _of_leaf(number: int, leaves: list[Any], structure: Any, pull: Callable[..., Any], batched: bool) -> list[Any]:
    """Return the slopes of one array of values by space, shaped as the array and the coordinates of the space."""
    leaf = leaves[number]
    replicates, per_point = leaf.shape[0], leaf.shape[2:] if batched else leaf.shape[1:]
    entries = replicates * math.prod(per_point)

    def pulled(entry: jax.Array, factor: complex) -> list[jax.Array]:
        """Return the gradient of the sum over points of one entry: at each point that of its own entry."""
        one = jnp.reshape(jnp.arange(entries) == entry, (replicates, *(1,) * batched, *per_point))
        cotangents = [jnp.zeros_like(other) for other in leaves]
        cotangents[number] = (jnp.broadcast_to(one, leaf.shape) * factor).astype(leaf.dtype)
        (gradients,) = pull(jax.tree.unflatten(structure, cotangents))
        return gradients

    gradients = jax.vmap(lambda entry: pulled(entry, 1))(jnp.arange(entries))
    if jnp.iscomplexobj(leaf):
        # The cotangent w of a complex z contributes Re(w·dz): w = −i picks the imaginary part.
        imaginary = jax.vmap(lambda entry: pulled(entry, -1j))(jnp.arange(entries))
        gradients = [real + 1j * imag for real, imag in zip(gradients, imaginary, strict=True)]
    return [_placed(gradient, replicates, per_point, batched) for gradient in gradients]


def _placed(gradient: jax.Array, replicates: int, per_point: tuple[int, ...], batched: bool) -> jax.Array:
    """Bring (entries, batch, coordinates) to (replicates, batch, entries of one point, coordinates)."""
    rows = gradient.shape[1:2] if batched else ()
    entries = math.prod(per_point)
    own = jnp.reshape(gradient, (replicates, entries, *rows, -1))
    return jnp.moveaxis(own, 1, 1 + batched)
