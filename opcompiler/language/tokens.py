"""What the lexer hands to the grammar: a terminal, what it stands for, and its place in the source."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from opcompiler.errors import Span
from opcompiler.language.scope import CoordinateName, Entry, FunctionName, SpaceName
from opcompiler.language.vocabulary import OperatorKind

__all__ = [
    "ArgumentItem",
    "BuiltinFunction",
    "CoefficientCall",
    "ConstantName",
    "DimensionName",
    "ImaginaryName",
    "IndexItem",
    "IndexLetter",
    "Lexeme",
    "NameMeaning",
    "OperatorSymbol",
    "PartialSymbol",
    "SubscriptItem",
    "SumBounds",
    "UnitVectorName",
]


@dataclass(frozen=True, slots=True)
class ConstantName:
    """pi or e."""

    name: str


@dataclass(frozen=True, slots=True)
class ImaginaryName:
    """i."""


@dataclass(frozen=True, slots=True)
class DimensionName:
    """d, the number of spatial coordinates."""


@dataclass(frozen=True, slots=True)
class IndexLetter:
    """A summation letter standing alone."""

    letter: str


@dataclass(frozen=True, slots=True)
class UnitVectorName:
    """e_y, e_1 or e_i."""

    item: SubscriptItem


NameMeaning: TypeAlias = Entry | ConstantName | ImaginaryName | DimensionName | IndexLetter | UnitVectorName


@dataclass(frozen=True, slots=True)
class IndexItem:
    """Digits or a summation letter in a subscript; digits are kept as written, `12` may be one index or two."""

    text: str


@dataclass(frozen=True, slots=True)
class ArgumentItem:
    """An argument of a coefficient function in a subscript: F_s."""

    name: str


@dataclass(frozen=True, slots=True)
class SubscriptItem:
    """One entry of a subscript or of a denominator, `count` times."""

    target: CoordinateName | SpaceName | IndexItem | ArgumentItem
    count: int
    span: Span


@dataclass(frozen=True, slots=True)
class OperatorSymbol:
    """An operator that is not a partial derivative, over one space if a subscript says so."""

    kind: OperatorKind
    space: CoordinateName | SpaceName | None = None
    written: str = ""


@dataclass(frozen=True, slots=True)
class PartialSymbol:
    """∂_x, ∂²_x, d_xx, Dxx."""

    items: tuple[SubscriptItem, ...]


@dataclass(frozen=True, slots=True)
class BuiltinFunction:
    """The name of sin, exp and the like."""

    name: str


@dataclass(frozen=True, slots=True)
class CoefficientCall:
    """A declared function about to be applied, with the primes written after its name."""

    function: FunctionName
    primes: int


@dataclass(frozen=True, slots=True)
class SumBounds:
    """The letters of ∑_{i,j=1}^{d} and their bounds as written; None means 1 … d."""

    letters: tuple[str, ...]
    lower: str | None
    upper: str | None


Payload: TypeAlias = (
    int
    | str
    | Fraction
    | NameMeaning
    | OperatorSymbol
    | PartialSymbol
    | BuiltinFunction
    | CoefficientCall
    | SumBounds
    | tuple[SubscriptItem, ...]
    | None
)


class Lexeme:
    """One terminal. Lark reads `type` and the place; the syntax tree reads `payload` and `span`."""

    __slots__ = ("column", "end_column", "end_line", "end_pos", "line", "payload", "span", "start_pos", "type")

    def __init__(self, type_: str, payload: Payload, span: Span) -> None:
        """Keep the place in the form that Lark expects as well."""
        self.type = type_
        self.payload = payload
        self.span = span
        self.start_pos = span.start
        self.end_pos = span.stop
        self.line = self.end_line = 1
        self.column = span.start + 1
        self.end_column = span.stop + 1
