"""Plan + arguments → value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler.errors import UnsupportedError
from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.chunks import in_chunks
from opcompiler.execution.directions import Directions
from opcompiler.execution.estimates import drawn_parameters
from opcompiler.execution.given import directed_call
from opcompiler.execution.heads import Argument, Environment, evaluate_head, evaluate_output
from opcompiler.execution.propagation import contraction_values, plain_value
from opcompiler.ir.head import Head, ParameterValue, operands
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Plan

__all__ = ["run"]


def run(plan: Plan, call: BoundCall, directions: Directions | None = None) -> Any:
    """Return the value of the operator: a bare value, a tuple or a dict, each shaped batch shape + output shape.

    Args:
        plan: what is run.
        call: the arguments.
        directions: of the drawn spaces of `plan.sampling`; None for those that the call has already.
    """
    if directions is not None:
        call = replace(call, directions=directions)
    if plan.schedule is not None and call.u_is_batched:
        value = in_chunks(lambda part: _at_once(plan, part), call, plan.schedule.points)
    else:
        value = _at_once(plan, call)
    if len(call.batch_shape) > 1:
        value = jax.tree.map(lambda leaf: jnp.reshape(leaf, call.batch_shape + leaf.shape[1:]), value)
    return value


def _at_once(plan: Plan, call: BoundCall) -> Any:
    if call.batch is not None and _differ_by_point(plan.propagated, call.parameters):
        return _point_by_point(plan, call)
    return _run_flat(plan, call)


def _run_flat(plan: Plan, call: BoundCall) -> Any:
    """Run with at most one batch axis."""
    normal_form = plan.propagated
    environment = _environment(plan, call)
    if plan.directing is not None:
        call = directed_call(call, plan.directing, environment)
    scalars = _scalar_values(normal_form, environment)
    if normal_form.is_plain:
        return plain_value(plan, call, scalars)
    environment = replace(environment, contractions=contraction_values(plan, call, scalars))
    values = [evaluate_output(output, environment) for output in normal_form.outputs]
    if normal_form.labels is None:
        return values[0]
    return dict(zip(normal_form.labels, values, strict=True)) if normal_form.labels else tuple(values)


def _environment(plan: Plan, call: BoundCall) -> Environment:
    declarations = plan.normal_form.declarations
    return Environment(
        dtype=call.dtype,
        batch=call.batch,
        points={space.name: point for space, point in zip(declarations.spaces, call.points, strict=True)},
        parameters={**call.parameters, **({} if plan.sampling is None else drawn_parameters(call, plan.sampling))},
        contractions={},
        functions={f.name: (call.functions[f.name], f.shape) for f in declarations.functions},
        sizes={},
        cache={},
    )


def _scalar_values(normal_form: NormalForm, environment: Environment) -> list[Any]:
    """Return the values of the indeterminates of the algebra's coefficients.

    Raises:
        UnsupportedError: one of them is complex.
    """
    values = [evaluate_head(scalar, environment).value for scalar in normal_form.scalars]
    if any(jnp.iscomplexobj(value) for value in values):
        raise UnsupportedError(
            "a complex run-time parameter stands in the linear part of the operator",
            hint="declare its real and imaginary parts as two parameters and write a + i b",
        )
    return values


def _differ_by_point(normal_form: NormalForm, parameters: Mapping[str, Argument]) -> bool:
    """Whether a parameter that enters the algebra itself has one value per point."""
    batched = {name for name, parameter in parameters.items() if parameter.batched}
    return bool(batched) and any(_parameters_of(scalar) & batched for scalar in normal_form.scalars)


def _parameters_of(head: Head) -> set[str]:
    own = {head.name} if isinstance(head, ParameterValue) else set()
    return own.union(*map(_parameters_of, operands(head)))


def _point_by_point(plan: Plan, call: BoundCall) -> Any:
    """Map the evaluation of one point over the batch: every point has an algebra of its own."""

    def at_one_point(points: tuple[Any, ...], aux: Any, parameters: dict[str, Any], drawn: Directions) -> Any:
        one = replace(
            call,
            points=tuple(Argument(value) for value in points),
            aux=aux,
            parameters={name: Argument(value) for name, value in parameters.items()},
            batch_shape=(),
            directions=jax.tree.map(lambda array: array[None], drawn),
        )
        return _run_flat(plan, one)

    axes = (
        tuple(0 if point.batched else None for point in call.points),
        None if call.aux is None else 0,
        {name: 0 if parameter.batched else None for name, parameter in call.parameters.items()},
        0,
    )
    batch = math.prod(call.batch_shape)
    values = (
        tuple(point.value for point in call.points),
        call.aux,
        {name: parameter.value for name, parameter in call.parameters.items()},
        jax.tree.map(lambda array: jnp.broadcast_to(array, (batch, *array.shape[1:])), dict(call.directions)),
    )
    return jax.vmap(at_one_point, in_axes=axes, axis_size=batch)(*values)
