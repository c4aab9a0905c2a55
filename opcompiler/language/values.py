"""What the resolver works with: finished expressions, and operators or functions that still wait for an operand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from opcompiler.errors import Span
from opcompiler.ir.expression import Expr, Operator
from opcompiler.language.vocabulary import OperatorKind

__all__ = ["FunctionValue", "OperatorValue", "Value", "Waiting", "WordValue"]


@dataclass(frozen=True, slots=True)
class OperatorValue:
    """A linear operator on scalars and, entrywise, on tensors: Δ, ∂_x, v·∇, (1+Δ)²."""

    operator: Operator
    span: Span


@dataclass(frozen=True, slots=True)
class WordValue:
    """An operator that changes the rank, or a word such as tr: ∇, ∇·, ∇×, Hess, tr, det."""

    kind: OperatorKind
    space: str | None
    written: str
    span: Span


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A built-in function without its argument, possibly raised to a power: cos²."""

    name: str
    exponent: Expr | None
    span: Span


Waiting: TypeAlias = OperatorValue | WordValue | FunctionValue
Value: TypeAlias = Expr | Waiting
