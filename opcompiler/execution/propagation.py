"""One evaluation of the fields over an algebra: seeds in, contractions out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler import taylor
from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.estimates import averaged, directions_in, repeated_call
from opcompiler.execution.fields import declared_fields, floating
from opcompiler.execution.gradients import contraction_readings
from opcompiler.execution.heads import Argument
from opcompiler.execution.readout import read
from opcompiler.execution.seeds import axis_coefficients, seeded
from opcompiler.ir.plan import Plan, Propagation
from opcompiler.ir.space import Space

__all__ = ["contraction_values", "plain_value"]


def contraction_values(plan: Plan, call: BoundCall, scalars: Sequence[Any]) -> dict[int, Argument]:
    """Return the value of every contraction, shaped batch + component axes + one axis per free index."""
    normal_form, asked = plan.propagated, call
    if plan.sampling is not None:
        call = repeated_call(call, plan.sampling)
    batched = call.u_is_batched
    values: dict[int, Argument] = {}
    for propagation, fields, function in _evaluations(plan, call):

        def read_off(part: Propagation, call: BoundCall, fields: Any = fields, function: Any = function) -> list[Any]:
            jets = dict(zip(fields, _evaluate(plan, part, function, call, scalars), strict=True))
            contractions = [normal_form.contractions[readout.contraction] for readout in part.readouts]
            return [
                read(jets[contraction.field], readout, contraction.component, scalars, batched)
                for contraction, readout in zip(contractions, part.readouts, strict=True)
            ]

        for number, value in contraction_readings(read_off, plan, propagation, call):
            if plan.sampling is None:
                values[number] = Argument(value, batched)
            else:
                mean = averaged(value, number, asked, plan.sampling)
                values[number] = Argument(mean, asked.batch is not None)
    return values


def plain_value(plan: Plan, call: BoundCall, scalars: Sequence[Any]) -> Any:
    """Return the pytree of values of a plain operator, for whatever pytree u returns."""
    if isinstance(call.u, Mapping):
        propagation, u = plan.separate[0], next(iter(call.u.values()))
    else:
        propagation, u = plan.joint, call.u
    free, shape = len(plan.propagated.contractions[0].free), plan.propagated.outputs[0].shape
    asked = call
    if plan.sampling is not None:
        call = repeated_call(call, plan.sampling)

    def read_off(part: Propagation, call: BoundCall) -> list[Any]:
        (readout,) = part.readouts
        jets = _evaluate(plan, part, floating(u, call.dtype), call, scalars)
        return [jax.tree.map(lambda jet: read(jet, readout, None, scalars, call.u_is_batched), jets, is_leaf=_is_jet)]

    def shaped(value: Any) -> Any:
        if plan.sampling is not None:
            value = averaged(value, 0, asked, plan.sampling)
        value = jnp.reshape(value, value.shape[: value.ndim - free] + shape)
        if plan.sampling is None and call.batch is not None and not call.u_is_batched:
            value = jnp.broadcast_to(value, (call.batch, *value.shape))
        return value

    ((_, value),) = contraction_readings(read_off, plan, propagation, call)
    return jax.tree.map(shaped, value)


def _evaluations(
    plan: Plan, call: BoundCall
) -> list[tuple[Propagation, tuple[str, ...], Callable[..., tuple[Any, ...]]]]:
    """Pair every propagation with the names of the fields it returns and the function that returns them."""
    declarations = plan.normal_form.declarations
    if isinstance(call.u, Mapping):
        return [
            (p, p.fields, declared_fields({name: call.u[name] for name in p.fields}, declarations, call.dtype))
            for p in plan.separate
            if p.all_readouts
        ]
    if not plan.joint.all_readouts:
        return []
    names = tuple(field.name for field in declarations.fields)
    return [(plan.joint, names, declared_fields(call.u, declarations, call.dtype))]


def _evaluate(
    plan: Plan, propagation: Propagation, function: Callable[..., Any], call: BoundCall, scalars: Sequence[Any]
) -> Any:
    """Run the engine on the batched function; the result is a pytree of jets."""
    spaces = plan.normal_form.declarations.spaces
    arguments: list[Any] = [
        seeded(point, space, propagation.algebra, propagation.seeds, scalars, directions_in(space, plan, call))
        for point, space in zip(call.points, spaces, strict=True)
    ]
    recombinations = {
        number: recombination
        for number, space in enumerate(spaces)
        if (recombination := _recombination(propagation, space, scalars)) is not None
    }
    if recombinations:
        function = taylor.pulled_back(function, recombinations)
    axes: list[int | None] = [0 if point.batched else None for point in call.points]
    if call.aux is not None:
        arguments.append(call.aux)
        axes.append(0)
    if call.u_is_batched:
        function = jax.vmap(function, in_axes=tuple(axes))
    return taylor.evaluate(
        function,
        tuple(arguments),
        propagation.algebra,
        scalars=tuple(scalars),
        wanted={part.element for readout in propagation.readouts for part in readout.parts},
        recombined={own.axis: own.signs for own in recombinations.values()},
    )


def _recombination(propagation: Propagation, space: Space, scalars: Sequence[Any]) -> taylor.Recombination | None:
    """Return how the directions of a space are recombined, with the coefficients of the seeds along them."""
    for compression in propagation.compressions:
        axis = propagation.algebra.axes[compression.axis]
        if axis.ranges[0].space == space.name:
            coefficients = axis_coefficients(propagation.algebra, propagation.seeds, compression.axis, scalars)
            return taylor.Recombination(compression.axis, compression.width, compression.radial, coefficients)
    return None


def _is_jet(node: Any) -> bool:
    return isinstance(node, taylor.Jet)
