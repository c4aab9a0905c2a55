"""The table of Taylor rules, by primitive name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opcompiler.taylor.demand import Demand, nonlinear
from opcompiler.taylor.jaxpr import Equation, bind, source_line
from opcompiler.taylor.structure import Structure

if TYPE_CHECKING:
    from opcompiler.taylor.interpreter import Interpreter

__all__ = ["CONSTANT", "RULES", "SOURCES", "Application", "Rule", "taylor_rule"]


@dataclass(frozen=True)
class Application:
    """One equation at work: a primitive, its parameters and what is wanted of its results.

    Attributes:
        equation: the jaxpr equation.
        needed: per result the elements that are used downstream.
        interpreter: for rules that evaluate inner jaxprs.
    """

    equation: Equation
    needed: tuple[frozenset[int], ...]
    interpreter: Interpreter

    @property
    def structure(self) -> Structure:
        """The algebra."""
        return self.interpreter.structure

    @property
    def name(self) -> str:
        """Name of the primitive."""
        return self.equation.primitive.name

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of the primitive."""
        return self.equation.params

    @property
    def wanted(self) -> frozenset[int]:
        """Elements that are used of any result."""
        return frozenset().union(*self.needed)

    @property
    def source(self) -> str:
        """The user's source line."""
        return source_line(self.equation)

    def bind(self, *values: Any) -> Any:
        """Apply the primitive itself; a single result is returned bare."""
        results = bind(self.equation, *values)
        return results if self.equation.primitive.multiple_results else results[0]

    def apply(self, *values: Any, **changed: Any) -> Any:
        """Apply the primitive with some parameters changed."""
        return self.equation.primitive.bind(*values, **{**self.params, **changed})


Apply = Callable[..., Any]


@dataclass(frozen=True)
class Rule:
    """How one primitive acts on series.

    Attributes:
        apply: (application, *inputs) → result, or list of results; inputs are series or plain arrays, at least one a
            series.
        demand: which elements of the inputs the wanted elements of the results need.
        family: chapter of the rule book.
        source: where the identity is written down, if anywhere.
    """

    apply: Apply
    demand: Demand
    family: str
    source: str = ""


RULES: dict[str, Rule] = {}
"""Primitive name → rule."""

SOURCES: dict[str, Rule] = {}
"""The engine's own primitives, whose results are series even where no input is one."""

CONSTANT: set[str] = set()
"""Primitives whose results are locally constant or not differentiable: they act on the primal only."""


def taylor_rule(
    *primitives: str, family: str, demand: Demand = nonlinear, source: str = ""
) -> Callable[[Apply], Apply]:
    """Register the decorated function for these primitives; a duplicate is refused.

    Raises:
        ValueError: a primitive already has a rule.
    """

    def register(function: Apply) -> Apply:
        add_rules(primitives, Rule(function, demand, family, source))
        return function

    return register


def add_rules(primitives: Sequence[str], rule: Rule) -> None:
    """Put one rule into the table for several primitives.

    Raises:
        ValueError: a primitive already has a rule.
    """
    for name in primitives:
        if name in RULES or name in CONSTANT:
            raise ValueError(f"primitive {name!r} already has a Taylor rule")
        RULES[name] = rule


def locally_constant(*primitives: str) -> None:
    """Register primitives whose results carry no derivative.

    Raises:
        ValueError: a primitive already has a rule.
    """
    for name in primitives:
        if name in RULES or name in CONSTANT:
            raise ValueError(f"primitive {name!r} already has a Taylor rule")
        CONSTANT.add(name)
