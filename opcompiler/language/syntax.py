"""The syntax tree: what the grammar saw, before ranks and operators are sorted out.

A `Chain` is a flat run of factors with the sign that stands between each two of them ("" for none); only the resolver
knows which of them are operators.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from opcompiler.errors import Span
from opcompiler.language.tokens import (
    BuiltinFunction,
    CoefficientCall,
    NameMeaning,
    OperatorSymbol,
    PartialSymbol,
    SubscriptItem,
    SumBounds,
)

__all__ = [
    "Accented",
    "Bars",
    "Call",
    "Callee",
    "Chain",
    "Equation",
    "Function",
    "Group",
    "Leibniz",
    "Link",
    "Literal",
    "Name",
    "OperatorNode",
    "Primed",
    "Raised",
    "Subscripted",
    "Summation",
    "Syntax",
    "Terms",
    "Transposed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    span: Span = field(default=Span(0, 0), compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Literal(_Node):
    """A number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name(_Node):
    """A name and what it means."""

    meaning: NameMeaning


@dataclass(frozen=True, slots=True)
class OperatorNode(_Node):
    """An operator that waits for its operand."""

    symbol: OperatorSymbol | PartialSymbol


@dataclass(frozen=True, slots=True)
class Function(_Node):
    """A built-in function without a bracket."""

    function: BuiltinFunction


@dataclass(frozen=True, slots=True)
class Summation(_Node):
    """∑, which takes the rest of its chain."""

    bounds: SumBounds


@dataclass(frozen=True, slots=True)
class Group(_Node):
    """A bracket; several entries are a vector."""

    entries: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Bars(_Node):
    """|…| or ‖…‖, with the p of ‖…‖_p."""

    inner: Syntax
    order: Syntax | None = None


Callee: TypeAlias = BuiltinFunction | OperatorSymbol | PartialSymbol | CoefficientCall


@dataclass(frozen=True, slots=True)
class Call(_Node):
    """A function or word operator with its arguments."""

    callee: Callee
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Leibniz(_Node):
    """∂ⁿ numerator / ∂x…; without numerator an operator."""

    order: int
    numerator: Syntax | None
    denominator: tuple[SubscriptItem, ...]
    order_span: Span = field(compare=False)
    denominator_span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Subscripted(_Node):
    """base_items."""

    base: Syntax
    items: tuple[SubscriptItem, ...]


@dataclass(frozen=True, slots=True)
class Primed(_Node):
    """base″."""

    base: Syntax
    count: int


@dataclass(frozen=True, slots=True)
class Accented(_Node):
    """u̇, ü: time derivatives."""

    base: Syntax
    count: int


@dataclass(frozen=True, slots=True)
class Transposed(_Node):
    """Aᵀ."""

    base: Syntax


@dataclass(frozen=True, slots=True)
class Raised(_Node):
    """base ^ exponent."""

    base: Syntax
    exponent: Syntax


@dataclass(frozen=True, slots=True)
class Link(_Node):
    """A factor of a chain with the connector before it and its signs."""

    connector: str
    negations: int
    factor: Syntax


@dataclass(frozen=True, slots=True)
class Chain(_Node):
    """Factors in a row."""

    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Terms(_Node):
    """A sum: (number of minus signs, term) each."""

    terms: tuple[tuple[int, Syntax], ...]


@dataclass(frozen=True, slots=True)
class Equation(_Node):
    """left = right."""

    left: Syntax
    right: Syntax


Syntax: TypeAlias = (
    Literal
    | Name
    | OperatorNode
    | Function
    | Summation
    | Group
    | Bars
    | Call
    | Leibniz
    | Subscripted
    | Primed
    | Accented
    | Transposed
    | Raised
    | Chain
    | Terms
    | Equation
)
