"""Points in sequence: a call on a batch as a loop over chunks, with the memory of one chunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.heads import Argument
from opcompiler.execution.invariants import with_invariants
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.plan import Plan, Propagation
from opcompiler.planning.blocks import in_blocks
from opcompiler.planning.schedule import Load, schedule_of

__all__ = ["in_chunks", "over_blocks", "points_per_chunk"]


def points_per_chunk(
    plan: Plan, profile: NetworkProfile, dtype: Any, batch: int, budget_bytes: int, *, gradient: bool = False
) -> int:
    """Return how many points fit into a budget at once: the batch cut evenly into as few chunks as possible.

    Args:
        plan: what is evaluated on all fields at once (`plan.joint`).
        profile: of u, as in `plan.profile`.
        dtype: floating type of the points.
        batch: number of points.
        budget_bytes: bytes for coefficients, temporaries and results.
        gradient: whether each chunk is differentiated in reverse as soon as it is evaluated.

    Raises:
        LimitError: not even one point fits.
    """
    itemsize = jnp.dtype(dtype).itemsize
    load = Load(((plan.joint, profile),), plan.normal_form, itemsize, batch, gradient, plan.directing)
    return schedule_of(load, budget_bytes).points


def in_chunks(run: Callable[[BoundCall], Any], call: BoundCall, points: int) -> Any:
    """Return run(call) for a call with one flat batch axis, `points` points at a time.

    A batch that is no multiple is filled up with copies of its last point, whose results are dropped. Reverse
    differentiation evaluates a chunk a second time instead of remembering it.
    """
    batch = call.batch
    if batch is None or batch <= points:
        return run(call)
    chunks = -(-batch // points)
    rows = (
        tuple(point.value for point in call.points if point.batched),
        call.aux,
        {name: parameter.value for name, parameter in call.parameters.items() if parameter.batched},
    )

    def at_once(rows: tuple[tuple[Any, ...], Any, dict[str, Any]]) -> Any:
        values, aux, parameters = rows
        own = iter(values)
        return run(
            replace(
                call,
                points=tuple(Argument(next(own), True) if point.batched else point for point in call.points),
                aux=aux,
                parameters={
                    name: Argument(parameters[name], True) if name in parameters else parameter
                    for name, parameter in call.parameters.items()
                },
                batch_shape=(points,),
            )
        )

    missing = chunks * points - batch
    stacked = jax.tree.map(lambda rows: _stacked(rows, chunks, points, missing), rows)
    step = with_invariants(at_once, jax.tree.map(lambda leaf: leaf[0], stacked))
    results = jax.lax.map(jax.checkpoint(step), stacked)
    return jax.tree.map(lambda leaf: jnp.reshape(leaf, (chunks * points, *leaf.shape[2:]))[:batch], results)


def over_blocks(
    evaluate: Callable[[Propagation, BoundCall], Any], plan: Plan, propagation: Propagation, call: BoundCall
) -> Any:
    """Return evaluate(propagation, call), directions in blocks where the plan's schedule says so.

    The blocks are evaluated one after the other, each in the program by itself, and their values added.
    """
    parts = in_blocks(propagation, None if plan.schedule is None else plan.schedule.blocks)
    if len(parts) == 1:
        return evaluate(propagation, call)
    points = tuple(point.value for point in call.points)
    total: Any = None
    for part in parts:
        if total is not None:
            # Nothing of a block may be computed before the block in front of it has been added.
            points, total = jax.lax.optimization_barrier((points, total))
        value = jax.checkpoint(partial(_at_points, evaluate, part, call))(points)
        total = value if total is None else jax.tree.map(jnp.add, total, value)
    return total


def _at_points(
    evaluate: Callable[[Propagation, BoundCall], Any], part: Propagation, call: BoundCall, points: tuple[Any, ...]
) -> Any:
    arguments = tuple(Argument(value, point.batched) for value, point in zip(points, call.points, strict=True))
    return evaluate(part, replace(call, points=arguments))


def _stacked(rows: jax.Array, chunks: int, points: int, missing: int) -> jax.Array:
    if missing:
        rows = jnp.concatenate([rows, jnp.broadcast_to(rows[-1:], (missing, *rows.shape[1:]))])
    return jnp.reshape(rows, (chunks, points, *rows.shape[1:]))
