"""Calls and control flow: the inner jaxpr is interpreted in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opcompiler.taylor.demand import Elements
from opcompiler.taylor.registry import Application, taylor_rule

if TYPE_CHECKING:
    from opcompiler.taylor.interpreter import Interpreter

FAMILY = "control flow"


def _body(params: dict[str, Any]) -> Any:
    return next(params[name] for name in ("jaxpr", "call_jaxpr", "fun_jaxpr") if name in params)


def inner_demand(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> Sequence[Elements]:
    """What the body needs of its inputs."""
    return interpreter.demands(_body(equation.params), active, needed)[1]


@taylor_rule("jit", "pjit", "closed_call", "core_call", "call", "core_closed_call", family=FAMILY, demand=inner_demand)
def call(application: Application, *inputs: Any) -> list[Any]:
    """A call is its body."""
    return application.interpreter.run(_body(application.params), inputs, application.needed)
