"""Calls and control flow: the inner jaxpr is interpreted in place; loops stay loops and carry series.

A loop's carry must have one shape, so a coefficient that becomes nonzero anywhere in the loop is carried from the
start. Conditions see values only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor.demand import Elements
from opcompiler.taylor.jaxpr import scan_operands
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.series import Series, constant, is_series

if TYPE_CHECKING:
    from opcompiler.taylor.interpreter import Interpreter

FAMILY = "control flow"

Template = tuple[tuple[int, ...] | None, ...] | None
"""Shapes of the blocks of a series, None for a plain array."""


def _body(params: dict[str, Any]) -> Any:
    return next(params[name] for name in ("jaxpr", "call_jaxpr", "fun_jaxpr") if name in params)


# calls --------------------------------------------------------------------------------------------------------------


def call_demand(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> Sequence[Elements]:
    """What the body needs of its inputs."""
    return interpreter.demands(_body(equation.params), active, needed)[1]


@taylor_rule("jit", "custom_vjp_call", family=FAMILY, demand=call_demand)
def call(application: Application, *inputs: Any) -> list[Any]:
    """A call is its body. A custom reverse rule says nothing about forward derivatives: the function itself counts."""
    return application.interpreter.run(_body(application.params), inputs, application.needed)


@taylor_rule("remat2", family=FAMILY, demand=call_demand)
def checkpoint(application: Application, *inputs: Any) -> list[Any]:
    """A call whose intermediate values, coefficients included, are computed again in the reverse pass."""
    interpreter, params = application.interpreter, application.params

    def body(*values: Any) -> list[Any]:
        return interpreter.run(_body(params), values, application.needed)

    return jax.checkpoint(body, prevent_cse=params["prevent_cse"], policy=params["policy"])(*inputs)


# templates ----------------------------------------------------------------------------------------------------------


def template_of(value: Any) -> Template:
    """Return the block shapes of a value, seeds counted as arrays."""
    if not is_series(value):
        return None
    dense = (value.dense(k) for k in range(1, len(value.blocks) + 1))
    return tuple(None if d is None else d.shape for d in dense)


def joined(a: Template, b: Template) -> Template:
    """Return the smallest template that both fit into."""
    if a is None or b is None:
        return b if a is None else a
    return tuple(q if p is None else p if q is None else np.broadcast_shapes(p, q) for p, q in zip(a, b, strict=True))


def fitted(value: Any, template: Template) -> Any:
    """Return the value with exactly the blocks of the template, zeros where it has none."""
    if template is None:
        return jnp.asarray(value)
    primal = jnp.asarray(constant(value))
    blocks = []
    for k, shape in enumerate(template, 1):
        block = value.dense(k) if is_series(value) else None
        if shape is None:
            blocks.append(None)
        else:
            blocks.append(jnp.zeros(shape, primal.dtype) if block is None else jnp.broadcast_to(block, shape))
    return Series(primal, tuple(blocks))


def written_out(value: Any) -> Any:
    """Return the value with seeds written out: their templates can be read off shapes alone."""
    return fitted(value, template_of(value))


def stable_templates(step: Callable[[Sequence[Any]], Sequence[Any]], carry: Sequence[Any]) -> list[Template]:
    """Return templates of the carry that one step maps into themselves."""
    templates = [template_of(v) for v in carry]
    while True:
        following = jax.eval_shape(
            lambda t=tuple(templates): [
                written_out(v) for v in step([fitted(v, s) for v, s in zip(carry, t, strict=True)])
            ]
        )
        larger = [joined(t, template_of(v)) for t, v in zip(templates, following, strict=True)]
        if larger == templates:
            return templates
        templates = larger


# scan ---------------------------------------------------------------------------------------------------------------


def scan_demand(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> Sequence[Elements]:
    """The least demand that one step of the loop maps into itself."""
    consts, carries = scan_operands(equation)
    closed = equation.params["jaxpr"]
    flags = _loop_activity(active, consts, carries)
    carry = list(needed[:carries])
    while True:
        inputs = interpreter.demands(closed, flags, [*carry, *needed[carries:]])[1]
        larger = [c | i for c, i in zip(carry, inputs[consts : consts + carries], strict=True)]
        if larger == carry:
            return [*inputs[:consts], *carry, *inputs[consts + carries :]]
        carry = larger


def _loop_activity(active: Sequence[bool], consts: int, carries: int) -> list[bool]:
    """Every carry may come to depend on the variables as soon as one input does."""
    return [*active[:consts], *[any(active)] * carries, *active[consts + carries :]]


@taylor_rule("scan", family=FAMILY, demand=scan_demand)
def scan(application: Application, *inputs: Any) -> list[Any]:
    """A scan over series: carry, constants and scanned values may all depend on the variables."""
    params, interpreter = application.params, application.interpreter
    consts, carries = scan_operands(application.equation)
    constants, carry, scanned = inputs[:consts], inputs[consts : consts + carries], inputs[consts + carries :]
    flags = _loop_activity([is_series(v) for v in inputs], consts, carries)
    demanded = scan_demand(interpreter, application.equation, flags, application.needed)
    needed = [*demanded[consts : consts + carries], *application.needed[carries:]]

    def step(state: Sequence[Any], slices: Sequence[Any]) -> list[Any]:
        return interpreter.run(params["jaxpr"], [*constants, *state, *slices], needed)

    along = [_along(v) for v in scanned]
    first = (
        [
            _slice_of(v, jax.tree_util.tree_map(lambda leaf: leaf[0], moving))
            for v, moving in zip(scanned, along, strict=True)
        ]
        if params["length"]
        else []
    )
    if not params["length"]:
        return [*carry, *application.bind(*map(constant, inputs))[carries:]]
    templates = stable_templates(lambda state: step(state, first)[:carries], carry)

    def body(state: Sequence[Any], moving: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        results = step(state, [_slice_of(v, m) for v, m in zip(scanned, moving, strict=True)])
        following = [fitted(v, t) for v, t in zip(results[:carries], templates, strict=True)]
        return following, [written_out(v) for v in results[carries:]]

    start = [fitted(v, t) for v, t in zip(carry, templates, strict=True)]
    final, outputs = lax.scan(
        body, start, along, length=params["length"], reverse=params["reverse"], unroll=params["unroll"]
    )
    return [*final, *(_stacked(v) for v in outputs)]


def _along(value: Any) -> Any:
    """What moves with the scan: the scanned axis first, blocks that are constant along it left out."""
    if not is_series(value):
        return value
    dense = (value.dense(k) for k in range(1, len(value.blocks) + 1))
    return value.primal, tuple(None if d is None or d.shape[1] == 1 else jnp.moveaxis(d, 1, 0) for d in dense)


def _slice_of(value: Any, moving: Any) -> Any:
    """One step's slice of a scanned value, from what moves and what stays."""
    if not is_series(value):
        return moving
    primal, parts = moving
    blocks = []
    for k, part in enumerate(parts, 1):
        block = value.dense(k)
        blocks.append(part if part is not None or block is None else block[:, 0])
    return Series(primal, tuple(blocks))


def _stacked(value: Any) -> Any:
    if not is_series(value):
        return value
    return Series(value.primal, tuple(None if b is None else jnp.moveaxis(b, 0, 1) for b in value.blocks))


# while and cond -----------------------------------------------------------------------------------------------------


def while_demand(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> Sequence[Elements]:
    """The least demand that one step maps into itself; the condition needs values only."""
    first, second = equation.params["cond_nconsts"], equation.params["body_nconsts"]
    flags = _loop_activity(active[first:], second, len(needed))
    carry = list(needed)
    while True:
        inputs = interpreter.demands(equation.params["body_jaxpr"], flags, carry)[1]
        larger = [c | i for c, i in zip(carry, inputs[second:], strict=True)]
        if larger == carry:
            return [*[frozenset({0})] * first, *inputs[:second], *carry]
        carry = larger


def _where(running: Any, new: Any, old: Any) -> Any:
    """A loop with a batch of conditions goes on for some members only; theirs are the leading axes."""

    def chosen(a: Any, b: Any, offset: int) -> Any:
        mask = jnp.reshape(running, (1,) * offset + running.shape + (1,) * (np.ndim(a) - offset - running.ndim))
        return jnp.where(mask, a, b)

    primal = chosen(jnp.asarray(constant(new)), constant(old), 0)
    template = joined(template_of(new), template_of(old))
    if template is None:
        return primal
    pairs = zip(fitted(new, template).blocks, fitted(old, template).blocks, strict=True)
    return Series(primal, tuple(None if a is None else chosen(a, b, 1) for a, b in pairs))


@taylor_rule("while", family=FAMILY, demand=while_demand)
def while_loop(application: Application, *inputs: Any) -> list[Any]:
    """A loop whose condition looks at values only."""
    params, interpreter = application.params, application.interpreter
    first, second = params["cond_nconsts"], params["body_nconsts"]
    tests, constants, carry = inputs[:first], inputs[first : first + second], inputs[first + second :]
    demanded = while_demand(interpreter, application.equation, [is_series(v) for v in inputs], application.needed)
    needed = demanded[first + second :]

    def goes_on(state: Sequence[Any]) -> Any:
        values = [*map(constant, tests), *map(constant, state)]
        return interpreter.run(params["cond_jaxpr"], values, [frozenset({0})])[0]

    def step(state: Sequence[Any]) -> list[Any]:
        following = interpreter.run(params["body_jaxpr"], [*constants, *state], needed)
        running = goes_on(state)
        if not np.ndim(running):
            return following
        return [_where(running, new, old) for new, old in zip(following, state, strict=True)]

    templates = stable_templates(step, carry)

    def condition(state: Sequence[Any]) -> Any:
        return jnp.any(goes_on(state))

    def body(state: Sequence[Any]) -> list[Any]:
        return [fitted(v, t) for v, t in zip(step(state), templates, strict=True)]

    return lax.while_loop(condition, body, [fitted(v, t) for v, t in zip(carry, templates, strict=True)])


def cond_demand(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> Sequence[Elements]:
    """What any of the branches needs; the index is a value."""
    demands = [interpreter.demands(b, active[1:], needed)[1] for b in equation.params["branches"]]
    return [frozenset({0}), *(frozenset().union(*each) for each in zip(*demands, strict=True))]


@taylor_rule("cond", family=FAMILY, demand=cond_demand)
def cond(application: Application, index: Any, *inputs: Any) -> list[Any]:
    """The chosen branch, on series."""

    def on(branch: Any) -> Callable[..., list[Any]]:
        return lambda *values: application.interpreter.run(branch, values, application.needed)

    operands = [fitted(v, template_of(v)) for v in inputs]
    branches = [on(b) for b in application.params["branches"]]
    shapes = [
        [template_of(v) for v in jax.eval_shape(lambda *values, b=b: [written_out(v) for v in b(*values)], *operands)]
        for b in branches
    ]
    templates = list(shapes[0])
    for other in shapes[1:]:
        templates = [joined(t, o) for t, o in zip(templates, other, strict=True)]

    def fit(branch: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        return lambda *values: [fitted(v, t) for v, t in zip(branch(*values), templates, strict=True)]

    return lax.switch(constant(index), [fit(b) for b in branches], *operands)
