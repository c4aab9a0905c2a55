"""Backward demand analysis: which coefficients of every intermediate value are used downstream.

The last linear layer needs only the readouts, the nonlinearity before it only what they are made of; so most of the
last nonlinearity's coefficients are never computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from opcompiler.taylor.interpreter import Interpreter


__all__ = ["Demand", "Elements", "bilinear", "linear", "nonlinear", "quotient"]

Elements: TypeAlias = frozenset[int]
Demand: TypeAlias = Callable[["Interpreter", Any, Sequence[bool], Sequence[Elements]], Sequence[Elements]]
"""(interpreter, equation, which inputs are active, needed of each result) → needed of each input."""


def linear(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> list[Elements]:
    """A linear map takes each coefficient to the same coefficient."""
    del interpreter, equation
    return [frozenset().union(*needed)] * len(active)


def nonlinear(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> list[Elements]:
    """A smooth function needs every factor of the wanted coefficients."""
    del equation
    return [interpreter.structure.closure(frozenset().union(*needed))] * len(active)


def bilinear(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> list[Elements]:
    """A product is linear while only one factor depends on the variables."""
    return (nonlinear if sum(active) > 1 else linear)(interpreter, equation, active, needed)


def quotient(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> list[Elements]:
    """a/b is linear in a while b is constant."""
    return (nonlinear if active[1] else linear)(interpreter, equation, active, needed)
