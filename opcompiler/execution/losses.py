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
from opcompiler.execution.cache import points_of_gradient
from opcompiler.execution.control import Control
from opcompiler.execution.draws import key_per_point
from opcompiler.execution.heads import Argument
from opcompiler.execution.operator import CompiledOperator, require_operator
from opcompiler.execution.replicates import divided, keys_of, replicated
from opcompiler.execution.slopes import slopes
from opcompiler.ir.plan import Plan
from opcompiler.planning.schedule import Load

__all__ = ["Squared", "mean_squared", "squared"]

Fields = Callable[..., Any] | Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Squared:
    """(u, points) ↦ |P u|², entry by entry; see `squared`."""

    operator: CompiledOperator
    plug_in: bool = False
    replicates: int = 2

    def __call__(
        self,
        u: Fields,
        *points: Any,
        aux: Any = None,
        parameters: Mapping[str, Any] | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        key: jax.Array | None = None,
        control: Control | None = None,
    ) -> Any:
        """Evaluate at points; arguments, result and errors as of the operator, but the result is real."""
        count = 1 if self.plug_in else self.replicates
        operator = _divided(self.operator, count)
        call = operator.bound(u, *points, aux=aux, parameters=parameters, functions=functions, control=control)
        keys = keys_of(operator.plan, call, key)
        values = replicated(operator.plan_of(call), call, keys, count)
        return jax.tree.map(
            lambda leaf: jnp.reshape(_square(leaf), call.batch_shape + leaf.shape[1 + bool(call.batch_shape) :]), values
        )


jax.tree_util.register_static(Squared)


def squared(operator: CompiledOperator, *, plug_in: bool = False, replicates: int = 2) -> Squared:
    """Return the operator (u, points) ↦ |P u|², entry by entry of the result of P; for complex values |·|².

    The square of an estimate has the mean r² + Var r̂. Therefore the samples of a stochastic operator are divided into m
    independent estimates r_1 … r_m of the residual r, and what is returned is the U-statistic

        (|Σ_i r_i|² − Σ_i |r_i|²) / (m(m−1)),

    whose mean is |r|² (W. Hoeffding, Annals of Mathematical Statistics 19, 1948); it may be negative. An exact operator
    is squared.

    Args:
        operator: P.
        plug_in: square one estimate from all samples instead: never negative, of smaller variance, and too large by the
            variance of the estimate on average. With m samples that bias is of order 1/m.
        replicates: m.

    Raises:
        opcompiler.errors.ArgumentTypeError: fewer samples than replicates, or fewer than two replicates.
    """
    _check_replicates(replicates)
    _divided(operator, 1 if plug_in else replicates)
    return Squared(operator, plug_in, replicates)


def mean_squared(
    operator: CompiledOperator,
    u: Fields,
    *points: Any,
    weights: Any = None,
    chunk: int | Literal["auto"] | None = "auto",
    plug_in: bool = False,
    replicates: int = 2,
    gradient_weight: Any = 0.0,
    gradient_directions: int | None = None,
    aux: Any = None,
    parameters: Mapping[str, Any] | None = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    key: jax.Array | None = None,
    control: Control | None = None,
) -> jax.Array:
    """Return (1/N) Σ_i w_i |P u(x_i)|², |·|² summed over all entries of the result: the training loss of P u = 0.

    Unbiased, with its gradients, for every scheme (see `squared`).

    The points are worked off in chunks. In reverse differentiation, of whatever u closes over and of every argument,
    the gradients of the chunks are added up as they arise, so that memory does not grow with N. With more than one
    chunk, there is no forward derivative (`jax.jvp`) but that of the gradient; `chunk=None` has all.

    With a `gradient_weight` λ the loss is gradient-enhanced: λ·|∇r|² is added to every |r|², where ∇ differentiates the
    residual r = P u with respect to all coordinates of all spaces (J. Yu, L. Lu, X. Meng and G. Karniadakis, Computer
    Methods in Applied Mechanics and Engineering 393, 2022). All ∂_j r of a point come from one reverse pass, or |∇r|²
    is estimated without bias from derivatives along random directions of entries ±1.

    Args:
        operator: P; several outputs add up.
        u: as for the operator.
        points: as for the operator.
        weights: w, one real number per point (an array of the batch shape) or one for all; for an operator of several
            outputs also a tuple or dict of these, one per output. They are not normalised. All 1 by default.
        chunk: points evaluated at once; "auto" chooses by what the plan carries through the network, None takes all.
        plug_in: take the square of one estimate, as in `squared`.
        replicates: independent estimates, as in `squared`.
        gradient_weight: λ.
        gradient_directions: random directions per point that |∇r|² is estimated with; None is exact.
        aux: as for the operator.
        parameters: as for the operator.
        functions: as for the operator.
        key: as for the operator; an exact one needs it for `gradient_directions`.
        control: as for the operator; slopes of the residual have none.

    Returns:
        A real scalar.

    Raises:
        opcompiler.errors.ShapeError: no points, or weights that fit neither the batch nor the outputs.
        opcompiler.errors.ArgumentTypeError: `chunk`, `replicates` or `gradient_directions` is no such number, or
            weights are not real; a key is missing; `operator` is none.
    """
    _check_replicates(replicates)
    if gradient_directions is not None and (type(gradient_directions) is not int or gradient_directions < 1):
        raise ArgumentTypeError(f"gradient_directions={gradient_directions!r}", hint="a number of directions, or None")
    count = 1 if plug_in else replicates
    operator = _divided(operator, count)
    call = operator.bound(u, *points, aux=aux, parameters=parameters, functions=functions, control=control)
    enhanced = not (isinstance(gradient_weight, (int, float)) and gradient_weight == 0)
    gradient_weight = _real_array("gradient_weight", gradient_weight, call.dtype)
    if gradient_weight.shape:
        raise ShapeError(f"gradient_weight has shape {gradient_weight.shape}", hint="one number for all points")
    keys = keys_of(operator.plan, call, key)
    slope_keys = key_per_point(key, call.batch_shape) if enhanced and gradient_directions is not None else None
    weighted = _weights(weights, operator.plan, call)
    if call.batch == 0:
        raise ShapeError("there are no points to take a mean over", hint=f"the batch shape is {call.batch_shape}")
    plan = operator.plan_of(call, undivided=True)

    def total(call: BoundCall, keys: Any, slope_keys: Any, weights: Sequence[jax.Array], weight: Any) -> jax.Array:
        def values(moved: BoundCall) -> Any:
            return replicated(plan, moved, keys, count)

        result = _total(values(call), weights)
        if not enhanced:
            return result
        # The keys of the directions are none of those that the replicates draw with.
        apart = (
            None
            if slope_keys is None
            else jax.vmap(lambda k: jax.random.fold_in(k, count))(jnp.reshape(slope_keys, (-1,)))
        )
        along, share = slopes(values, call, apart, gradient_directions)
        return result + weight * share * sum(_total(one, weights) for one in along)

    if call.batch is None:
        return total(call, keys, slope_keys, weighted, gradient_weight)
    size = _chunk_size(chunk, plan, call)
    length, size = padded_length(call.batch, size)
    own, shared = _split(call)
    # Padding repeats the last point with weight zero: nothing is evaluated where the caller did not ask for a value.
    rows = jax.tree.map(
        lambda leaf: _padded(leaf, length), (own, slope_keys, keys if keys is not None and keys.shape else None)
    )
    whole = (shared, keys if keys is not None and not keys.shape else None, gradient_weight)

    def of_chunk(whole: Any, rows: Any) -> jax.Array:
        (own, slope_keys, own_keys), own_weights = rows
        shared, common_key, weight = whole
        part = _joined(call, shared, own, size)
        return total(part, common_key if own_keys is None else own_keys, slope_keys, own_weights, weight)

    padded_weights = [jnp.pad(weight, (0, length - call.batch)) for weight in weighted]
    return sum_over_chunks(of_chunk, whole, (rows, padded_weights), size) / call.batch


def _divided(operator: CompiledOperator, count: int) -> CompiledOperator:
    """Return the operator of one of `count` independent estimates."""
    require_operator(operator)
    plan = divided(operator.plan, count)
    return operator if plan is operator.plan else replace(operator, plan=plan)


def _check_replicates(replicates: int) -> None:
    if type(replicates) is not int or replicates < 2:
        raise ArgumentTypeError(
            f"replicates={replicates!r}", hint="an unbiased square takes at least two independent estimates"
        )


@dataclass(frozen=True, slots=True)
class _Arrays:
    """The arrays of a call: those that differ from point to point, or those shared by all."""

    points: dict[int, Any]
    aux: Any
    parameters: dict[str, Any]
    control: Any


jax.tree_util.register_dataclass(_Arrays, ["points", "aux", "parameters", "control"], [])


def _split(call: BoundCall) -> tuple[_Arrays, _Arrays]:
    """Return (arrays with one row per point, shared arrays)."""

    def part(batched: bool) -> _Arrays:
        return _Arrays(
            {number: point.value for number, point in enumerate(call.points) if point.batched == batched},
            call.aux if batched else None,
            {name: parameter.value for name, parameter in call.parameters.items() if parameter.batched == batched},
            call.control.value if batched and call.control is not None else None,
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
        control=None if call.control is None else replace(call.control, value=own.control),
    )


def _padded(rows: jax.Array, length: int) -> jax.Array:
    missing = length - rows.shape[0]
    return jnp.concatenate([rows, jnp.repeat(rows[-1:], missing, axis=0)]) if missing else rows


def _square(values: jax.Array) -> jax.Array:
    """Return the U-statistic of |·|² over the leading axis; the square of a single value."""
    count = values.shape[0]
    if count == 1:
        return _absolute_square(values[0])
    return (_absolute_square(jnp.sum(values, 0)) - jnp.sum(_absolute_square(values), 0)) / (count * (count - 1))


def _absolute_square(value: jax.Array) -> jax.Array:
    return jnp.square(value.real) + jnp.square(value.imag) if jnp.iscomplexobj(value) else jnp.square(value)


def _total(values: Any, weights: Sequence[jax.Array]) -> jax.Array:
    """Return Σ over outputs and points of weight × the sum of the squares of the entries."""
    squares = [_square(leaf) for leaf in jax.tree.leaves(values)]
    own = weights if len(weights) == len(squares) else list(weights) * len(squares)
    terms = [
        jnp.vdot(weight, jnp.sum(leaf, axis=tuple(range(weight.ndim, leaf.ndim))))
        for leaf, weight in zip(squares, own, strict=True)
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
    array = _real_array("weights", weight, call.dtype)
    if array.shape not in ((), call.batch_shape):
        raise ShapeError(
            f"weights have shape {array.shape}, the points have batch shape {call.batch_shape}",
            hint="one weight per point, or one number for all",
        )
    flat = () if call.batch is None else (call.batch,)
    return jnp.broadcast_to(array, flat) if array.ndim == 0 else jnp.reshape(array, flat)


def _real_array(name: str, value: Any, dtype: Any) -> jax.Array:
    """Return real numbers as an array of at least the precision of the points.

    Raises:
        ArgumentTypeError: something else.
    """
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError):
        array = None
    if array is None or jnp.issubdtype(array.dtype, jax.dtypes.extended) or jnp.iscomplexobj(array):
        raise ArgumentTypeError(
            f"{name} is {type(value).__name__}, not a real number or an array of them", hint=f"{name}=1.0"
        )
    return array.astype(jnp.result_type(dtype, array))


def _chunk_size(chunk: int | str | None, plan: Plan, call: BoundCall) -> int:
    batch = call.batch or 1
    match chunk:
        case None:
            return batch
        case int() if chunk > 0 and not isinstance(chunk, bool):
            return min(chunk, batch)
        case "auto":
            return min(_points_at_once(plan, call), batch)
        case _:
            raise ArgumentTypeError(f"chunk is {chunk!r}", hint='a positive number of points, "auto" or None')


def _points_at_once(plan: Plan, call: BoundCall) -> int:
    propagations = plan.separate if isinstance(call.u, Mapping) else (plan.joint,)
    evaluated = tuple((propagation, plan.profile) for propagation in propagations)
    repeats = 1 if plan.sampling is None else plan.sampling.repeats
    load = Load(evaluated, plan.normal_form, jnp.dtype(call.dtype).itemsize, 1, gradient=True)
    points = points_of_gradient(load, repeats)
    return points if plan.schedule is None else min(points, plan.schedule.points)
