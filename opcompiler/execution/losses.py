"""Squared residuals and their mean, the loss that networks are trained with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp

from opcompiler.errors import ArgumentTypeError, ShapeError
from opcompiler.execution.accumulation import padded_length, sum_over_chunks
from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.heads import Argument
from opcompiler.execution.operator import CompiledOperator
from opcompiler.execution.run import run
from opcompiler.ir.plan import Plan

__all__ = ["Squared", "mean_squared", "squared"]

Fields = Callable[..., Any] | Mapping[str, Callable[..., Any]]

_CACHED_BYTES = 2**21
"""A chunk is fastest when what it carries through the network stays in the cache of one core."""

_FEWEST_POINTS = 64
"""Smaller chunks lose more to the loop than they gain in memory."""


@dataclass(frozen=True)
class Squared:
    """(u, points) ↦ |P u|², entry by entry; see `squared`."""

    operator: CompiledOperator

    def __call__(
        self,
        u: Fields,
        *points: Any,
        aux: Any = None,
        parameters: Mapping[str, Any] | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        key: jax.Array | None = None,
    ) -> Any:
        """Evaluate at points; arguments, result and errors as of the operator, but the result is real."""
        value = self.operator(u, *points, aux=aux, parameters=parameters, functions=functions, key=key)
        return jax.tree.map(_square, value)


jax.tree_util.register_static(Squared)


def squared(operator: CompiledOperator) -> Squared:
    """Return the operator (u, points) ↦ |P u|², entry by entry of the result of P; for complex values |·|².

    Args:
        operator: P.
    """
    return Squared(operator)


def mean_squared(
    operator: CompiledOperator,
    u: Fields,
    *points: Any,
    weights: Any = None,
    chunk: int | Literal["auto"] | None = "auto",
    aux: Any = None,
    parameters: Mapping[str, Any] | None = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    key: jax.Array | None = None,
) -> jax.Array:
    """Return (1/N) Σ_i w_i |P u(x_i)|², |·|² summed over all entries of the result: the training loss of P u = 0.

    The points are worked off in chunks. In reverse differentiation, of whatever u closes over and of every argument,
    the gradients of the chunks are added up as they arise, so that memory does not grow with N. With more than one
    chunk, there is no forward derivative (`jax.jvp`) but that of the gradient; `chunk=None` has all.

    Args:
        operator: P; several outputs add up.
        u: as for the operator.
        points: as for the operator.
        weights: w, one real number per point (an array of the batch shape) or one for all; for an operator of several
            outputs also a tuple or dict of these, one per output. They are not normalised. All 1 by default.
        chunk: points evaluated at once; "auto" chooses by what the plan carries through the network, None takes all.
        aux: as for the operator.
        parameters: as for the operator.
        functions: as for the operator.
        key: as for the operator.

    Returns:
        A real scalar.

    Raises:
        opcompiler.errors.ShapeError: no points, or weights that fit neither the batch nor the outputs.
        opcompiler.errors.ArgumentTypeError: `chunk` is no positive number.
    """
    del key
    call = operator.bound(u, *points, aux=aux, parameters=parameters, functions=functions)
    plan = operator.plan_of(call)
    batch_shape, count = call.batch_shape, call.batch
    weighted = _weights(weights, plan, call)
    if count is None:
        return _total(run(plan, call), weighted)
    if count == 0:
        raise ShapeError("there are no points to take a mean over", hint=f"the batch shape is {batch_shape}")
    size = _chunk_size(chunk, plan, call)
    length, size = padded_length(count, size)
    rows, shared = _split(call)
    # Padding repeats the last point with weight zero: nothing is evaluated where the caller did not ask for a value.
    padded = jax.tree.map(lambda leaf: _padded(leaf, length), rows)
    padded_weights = [jnp.pad(weight, (0, length - count)) for weight in weighted]

    def of_chunk(shared: _Arrays, own: tuple[_Arrays, list[jax.Array]]) -> jax.Array:
        own_arrays, own_weights = own
        return _total(run(plan, _joined(call, shared, own_arrays, size)), own_weights)

    return sum_over_chunks(of_chunk, shared, (padded, padded_weights), size) / count


@dataclass(frozen=True, slots=True)
class _Arrays:
    """The arrays of a call: those that differ from point to point, or those shared by all."""

    points: dict[int, Any]
    aux: Any
    parameters: dict[str, Any]


jax.tree_util.register_dataclass(_Arrays, ["points", "aux", "parameters"], [])


def _split(call: BoundCall) -> tuple[_Arrays, _Arrays]:
    """Return (arrays with one row per point, shared arrays)."""

    def part(batched: bool) -> _Arrays:
        return _Arrays(
            {number: point.value for number, point in enumerate(call.points) if point.batched == batched},
            call.aux if batched else None,
            {name: parameter.value for name, parameter in call.parameters.items() if parameter.batched == batched},
        )

    return part(True), part(False)


def _joined(call: BoundCall, shared: _Arrays, own: _Arrays, size: int) -> BoundCall:
    """Return the call at `size` points with these arrays in the place of its own."""
    points, parameters = shared.points | own.points, shared.parameters | own.parameters
    return replace(
        call,
        points=tuple(Argument(points[number], point.batched) for number, point in enumerate(call.points)),
        aux=own.aux,
        parameters={name: Argument(parameters[name], given.batched) for name, given in call.parameters.items()},
        batch_shape=(size,),
    )


def _padded(rows: jax.Array, length: int) -> jax.Array:
    missing = length - rows.shape[0]
    return jnp.concatenate([rows, jnp.repeat(rows[-1:], missing, axis=0)]) if missing else rows


def _square(value: jax.Array) -> jax.Array:
    return jnp.square(value.real) + jnp.square(value.imag) if jnp.iscomplexobj(value) else jnp.square(value)


def _total(value: Any, weights: Sequence[jax.Array]) -> jax.Array:
    """Return Σ over outputs and points of weight × the sum of squares of the entries."""
    leaves = jax.tree.leaves(value)
    own = weights if len(weights) == len(leaves) else list(weights) * len(leaves)
    terms = [
        jnp.vdot(weight, jnp.sum(_square(leaf), axis=tuple(range(weight.ndim, leaf.ndim))))
        for leaf, weight in zip(leaves, own, strict=True)
    ]
    return jnp.sum(jnp.stack(terms))


def _weights(weights: Any, plan: Plan, call: BoundCall) -> list[jax.Array]:
    """Return one array of weights per output, or one for all outputs, each with the flat batch shape."""
    labels = plan.normal_form.labels
    match weights:
        case Mapping():
            if labels is None or set(weights) != set(labels):
                expected = f"the keys {', '.join(labels)}" if labels else "no keys"
                raise ShapeError(f"weights have the keys {', '.join(map(str, weights))}, the outputs have {expected}")
            # A dict of results is flattened in the order of its sorted keys.
            given = [weights[label] for label in sorted(labels)]
        case tuple() | list():
            outputs = 1 if labels is None else len(plan.normal_form.outputs)
            if labels is None or labels or len(weights) != outputs:
                raise ShapeError(
                    f"{len(weights)} weights were given for {outputs} outputs",
                    hint="pass one array, or a tuple or dict with the structure of the operator's result",
                )
            given = list(weights)
        case None:
            given = [1.0]
        case _:
            given = [weights]
    return [_flat_weights(weight, call) for weight in given]


def _flat_weights(weight: Any, call: BoundCall) -> jax.Array:
    array = jnp.asarray(weight, jnp.result_type(call.dtype, weight))
    if array.shape not in ((), call.batch_shape):
        raise ShapeError(
            f"weights have shape {array.shape}, the points have batch shape {call.batch_shape}",
            hint="one weight per point, or one number for all",
        )
    flat = () if call.batch is None else (call.batch,)
    return jnp.broadcast_to(array, flat) if array.ndim == 0 else jnp.reshape(array, flat)


def _chunk_size(chunk: int | str | None, plan: Plan, call: BoundCall) -> int:
    count = call.batch or 1
    match chunk:
        case None:
            return count
        case int() if chunk > 0 and not isinstance(chunk, bool):
            return min(chunk, count)
        case "auto":
            return min(_points_in_cache(plan, call), count)
        case _:
            raise ArgumentTypeError(f"chunk is {chunk!r}", hint='a positive number of points, "auto" or None')


def _points_in_cache(plan: Plan, call: BoundCall) -> int:
    propagations = plan.separate if isinstance(call.u, Mapping) else (plan.joint,)
    carried = sum(propagation.carried for propagation in propagations)
    per_point = carried * max(plan.profile.elementwise_outputs, 1) * jnp.dtype(call.dtype).itemsize
    return max(_FEWEST_POINTS, _CACHED_BYTES // per_point)
