"""Rules of one's own: `register_rule` and `deregister_rule`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opcompiler.taylor.demand import nonlinear
from opcompiler.taylor.registry import CONSTANT, RULES, Application, Rule, add_rules

__all__ = ["deregister_rule", "register_rule"]


def register_rule(primitive: Any, function: Callable[..., Any]) -> None:
    """Say how a primitive is differentiated, by an ordinary JAX function.

    The derivatives of the primitive are those of `function`, at every order; its value stays that of the primitive.
    For example, a custom softplus primitive:

        register_rule(softplus_p, lambda x: jnp.logaddexp(x, 0.0))

    Args:
        primitive: the JAX primitive, or its name.
        function: called as function(*operands, **parameters of the primitive); returns the result, or a list with as
            many results as the primitive has.

    Raises:
        ValueError: the primitive has a rule already; `deregister_rule` it first.
    """

    def apply(application: Application, *inputs: Any) -> list[Any]:
        values = application.bind(*(getattr(v, "primal", v) for v in inputs))
        values = list(values) if isinstance(values, list | tuple) else [values]

        def implementation(*operands: Any) -> list[Any]:
            results = function(*operands, **application.params)
            return list(results) if isinstance(results, list | tuple) else [results]

        return application.interpreter.through(implementation, inputs, application.needed, values)

    add_rules([_name(primitive)], Rule(apply, nonlinear, "registered"))


def deregister_rule(primitive: Any) -> None:
    """Remove the rule of a primitive, built in or registered; without one, recursion on `jax.jvp` takes over.

    Raises:
        KeyError: the primitive has no rule.
    """
    name = _name(primitive)
    if name in CONSTANT:
        CONSTANT.remove(name)
    else:
        del RULES[name]


def _name(primitive: Any) -> str:
    return primitive if isinstance(primitive, str) else primitive.name
