"""Reverse over forward: gradients of what a propagation reads out, by one reverse sweep over its evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.chunks import over_blocks
from opcompiler.execution.heads import Argument
from opcompiler.ir.plan import Plan, Propagation

__all__ = ["contraction_readings"]

ReadOff = Callable[[Propagation, BoundCall], list[Any]]
"""Evaluates the fields over an algebra; returns one pytree of arrays per readout."""


def contraction_readings(
    read_off: ReadOff, plan: Plan, propagation: Propagation, call: BoundCall
) -> list[tuple[int, Any]]:
    """Return (contraction, value) of everything that a propagation computes."""
    numbers = [readout.contraction for readout in propagation.all_readouts]
    if not propagation.gradients:
        return list(zip(numbers, over_blocks(read_off, plan, propagation, call), strict=True))
    plain = replace(propagation, readouts=propagation.all_readouts, gradients=())
    spaces = [space.name for space in plan.normal_form.declarations.spaces]
    owners = [spaces.index(gradient.space) for gradient in propagation.gradients]
    moved = sorted(set(owners))
    points = [_at_every_point(call, point) for point in call.points]

    def forward(chosen: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
        own = list(points)
        for number, value in zip(moved, chosen, strict=True):
            own[number] = Argument(value, points[number].batched)
        found = over_blocks(read_off, plan, plain, replace(call, points=tuple(own)))
        return found[len(propagation.readouts) :], found[: len(propagation.readouts)]

    chosen = tuple(points[number].value for number in moved)
    batch_axes = int(call.u_is_batched)
    gradients, others = _gradients(forward, chosen, [moved.index(owner) for owner in owners], batch_axes)
    return list(zip(numbers, [*others, *gradients], strict=True))


def _at_every_point(call: BoundCall, point: Argument) -> Argument:
    """Repeat a point that the batch shares: a gradient by it would be added up over the batch."""
    if point.batched or not call.u_is_batched:
        return point
    return Argument(jnp.broadcast_to(point.value, (call.point_count, *jnp.shape(point.value))), True)


def _gradients(
    forward: Callable[[tuple[Any, ...]], tuple[list[Any], Any]],
    points: tuple[Any, ...],
    wanted: Sequence[int],
    batch_axes: int,
) -> tuple[list[Any], Any]:
    """Return the gradient of every value of `forward` by one of the points, and what else it returns.

    Args:
        forward: points → (a sequence of pytrees of arrays, anything else). With a batch axis, entry b of a value
            depends on entry b of the points only.
        points: what is differentiated by, shaped batch + point shape.
        wanted: for each value the number of its point.
        batch_axes: 1 with a batch axis, else 0.

    Returns:
        The gradients as pytrees of arrays shaped like the values + (coordinates of the point,), and the rest.
    """
    is_complex: list[bool] = []

    def in_real_parts(points: tuple[Any, ...]) -> tuple[list[Any], Any]:
        found, others = forward(points)
        is_complex[:] = [jnp.iscomplexobj(leaf) for leaf in jax.tree.leaves(found)]
        return jax.tree.map(_real_parts, found), others

    values, pullback, rest = jax.vjp(in_real_parts, points, has_aux=True)
    zeros = jax.tree.map(jnp.zeros_like, values)
    leaves, tree = jax.tree.flatten(zeros)
    owners = [number for number, value in zip(wanted, values, strict=True) for _ in jax.tree.leaves(value)]
    gradients: list[Any] = []
    for place, (leaf, owner) in enumerate(zip(leaves, owners, strict=True)):

        def by_entry(cotangent: Any, place: int = place, owner: int = owner) -> Any:
            (found,) = pullback(jax.tree.unflatten(tree, [*leaves[:place], cotangent, *leaves[place + 1 :]]))
            return found[owner]

        batch, own = leaf.shape[:batch_axes], leaf.shape[batch_axes:]
        size = math.prod(own)
        if size == 1:
            rows = by_entry(jnp.ones_like(leaf))[None]
        else:
            units = jnp.reshape(jnp.eye(size, dtype=leaf.dtype), (size, *(1,) * batch_axes, *own))
            rows = jax.vmap(by_entry)(jnp.broadcast_to(units, (size, *leaf.shape)))
        flat = jnp.reshape(rows, (*own, *batch, math.prod(rows.shape[1 + batch_axes :])))
        gradient = jnp.moveaxis(flat, range(len(own)), range(len(batch), len(batch) + len(own)))
        if is_complex[place]:
            gradient = gradient[..., 0, :] + 1j * gradient[..., 1, :]
        gradients.append(gradient)
    return list(jax.tree.unflatten(tree, gradients)), rest


def _real_parts(value: Any) -> Any:
    return jnp.stack([value.real, value.imag], axis=-1) if jnp.iscomplexobj(value) else value
