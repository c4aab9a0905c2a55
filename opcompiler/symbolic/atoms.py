"""The leaves of the symbolic calculus: opaque sympy symbols with a table that says what each stands for.

Every expression of this package is a sympy expression built from rational numbers, i, sums, products and *integer*
powers of such symbols; everything else (derivatives of fields, coordinates, function values, roots, calls, sums over
an index) is an atom of the table. So sympy only does arithmetic that is valid for all values: it collects equal
terms and cancels x/x. That last step fills the hole of u/u at u = 0, and is the only simplification that can widen
a domain.

An index is a 0-based number or a label. Free labels stand for the entries along an axis; bound labels belong to an
`IndexedSum`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import sympy

from opcompiler.ir.head import HeadIndex
from opcompiler.ir.symbol import PowerSum, Xi

__all__ = [
    "Atom",
    "Atoms",
    "Delta",
    "ElementaryCall",
    "Facts",
    "FunctionAt",
    "GeneralPower",
    "IndexedSum",
    "Irrational",
    "Jet",
    "JetGenerator",
    "ParameterEntry",
    "Point",
    "Root",
    "Scalar",
    "Table",
    "TableEntry",
    "TableForm",
    "WholeSpace",
]

Scalar: TypeAlias = Any
"""A scalar expression over the atoms, a sympy.Expr; sympy types the arguments of its nodes too loosely to say so."""


@dataclass(frozen=True, slots=True)
class TableForm:
    """Σ_i a_i ξ_i (degree 1) or Σ_ij a_ij ξ_i ξ_j (degree 2) with a numeric table of coefficients."""

    space: str
    table: int
    degree: int


JetGenerator: TypeAlias = Xi | PowerSum | TableForm


@dataclass(frozen=True, slots=True)
class Jet:
    """A derivative of one entry of a field: Π generator(∂)^power · Π_free ∂_label^power.

    Attributes:
        field: name.
        component: () for a scalar field, else the index of the entry.
        monomial: (generator, power) in canonical order.
        free: (space, label, power) in canonical order: derivatives along an indexed coordinate.
    """

    field: str
    component: tuple[HeadIndex, ...] = ()
    monomial: tuple[tuple[JetGenerator, int], ...] = ()
    free: tuple[tuple[str, str, int], ...] = ()

    @property
    def order(self) -> int:
        """Order of the derivative."""
        return sum(power * _degree(generator) for generator, power in self.monomial) + sum(f[2] for f in self.free)

    def times(self, generator: JetGenerator) -> Jet:
        """Return generator(∂) of this."""
        powers = dict(self.monomial)
        powers[generator] = powers.get(generator, 0) + 1
        return Jet(self.field, self.component, tuple(sorted(powers.items(), key=_generator_key)), self.free)

    def along(self, space: str, index: HeadIndex, power: int = 1) -> Jet:
        """Return ∂^power of this along one coordinate."""
        if isinstance(index, int):
            jet = self
            for _ in range(power):
                jet = jet.times(Xi(space, index))
            return jet
        powers = {(s, label): p for s, label, p in self.free}
        powers[space, index] = powers.get((space, index), 0) + power
        free = tuple(sorted((s, label, p) for (s, label), p in powers.items()))
        return Jet(self.field, self.component, self.monomial, free)


def _degree(generator: JetGenerator) -> int:
    return 1 if isinstance(generator, Xi) else generator.degree


def _generator_key(item: tuple[JetGenerator, int]) -> tuple[int, str, int, int]:
    match item[0]:
        case Xi(space, index):
            return (0, space, index, 0)
        case PowerSum(space, degree):
            return (1, space, degree, 0)
        case TableForm(space, table, degree):
            return (2, space, degree, table)


@dataclass(frozen=True, slots=True)
class Point:
    """A coordinate of the point."""

    space: str
    index: HeadIndex


@dataclass(frozen=True, slots=True)
class ParameterEntry:
    """An entry of a parameter that is given at call."""

    name: str
    indices: tuple[HeadIndex, ...]


@dataclass(frozen=True, slots=True)
class TableEntry:
    """An entry of a numeric table; at least one index is a label."""

    table: int
    indices: tuple[HeadIndex, ...]


@dataclass(frozen=True, slots=True)
class Irrational:
    """π or e."""

    name: str


@dataclass(frozen=True, slots=True)
class WholeSpace:
    """An argument of a coefficient function that is a whole space."""

    space: str


@dataclass(frozen=True, slots=True)
class FunctionAt:
    """An entry of a coefficient function at arguments, with its (argument, index) differentiations sorted."""

    name: str
    arguments: tuple[Scalar | WholeSpace, ...]
    derivatives: tuple[tuple[int, HeadIndex], ...] = ()
    indices: tuple[HeadIndex, ...] = ()


@dataclass(frozen=True, slots=True)
class ElementaryCall:
    """A built-in pointwise function."""

    function: str
    arguments: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Root:
    """The principal value base^(1/degree), degree ≥ 2; rational powers are integer powers of it."""

    base: Scalar
    degree: int


@dataclass(frozen=True, slots=True)
class GeneralPower:
    """base^exponent with an exponent that is no rational number."""

    base: Scalar
    exponent: Scalar


@dataclass(frozen=True, slots=True)
class Delta:
    """Kronecker's delta; at least one index is a label, and they differ."""

    left: HeadIndex
    right: HeadIndex


@dataclass(frozen=True, slots=True)
class IndexedSum:
    """Σ over label = 0 … size−1 of the body."""

    label: str
    size: int
    body: Scalar


Atom: TypeAlias = (
    Jet
    | Point
    | ParameterEntry
    | TableEntry
    | Irrational
    | FunctionAt
    | ElementaryCall
    | Root
    | GeneralPower
    | Delta
    | IndexedSum
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an expression depends on.

    Attributes:
        labels: free labels.
        field: whether a field occurs.
        point: whether the value depends on the point in another way, on a label, or is a constant that is not a
            polynomial of real scalars; an expression with neither is a constant coefficient.
        unreal: whether the value could be complex although the point is real.
        depth: nesting of sums over an index.
    """

    labels: frozenset[str] = frozenset()
    field: bool = False
    point: bool = False
    unreal: bool = False
    depth: int = 0

    def __or__(self, other: Facts) -> Facts:
        """Return what either depends on."""
        return Facts(
            self.labels | other.labels,
            self.field or other.field,
            self.point or other.point,
            self.unreal or other.unreal,
            max(self.depth, other.depth),
        )


@dataclass(frozen=True, slots=True)
class Table:
    """Exact numbers in C order."""

    shape: tuple[int, ...]
    values: tuple[Fraction, ...]


class Atoms:
    """The table of one reduction: atom ⇄ symbol, what each depends on, numeric tables, fresh labels."""

    def __init__(self) -> None:
        """Start empty."""
        self._symbols: dict[Atom, sympy.Symbol] = {}
        self._atoms: dict[sympy.Symbol, Atom] = {}
        self._facts: dict[Scalar, Facts] = {}
        self._table_numbers: dict[Table, int] = {}
        self._tables: list[Table] = []
        self._label_count = 0

    def symbol(self, atom: Atom) -> sympy.Symbol:
        """Return the symbol that stands for the atom, the same one for equal atoms."""
        found = self._symbols.get(atom)
        if found is None:
            # Numbered names order deterministically: atoms are created in an order that no hash decides.
            found = sympy.Symbol(f"a{len(self._symbols):07d}")
            self._symbols[atom] = found
            self._atoms[found] = atom
            self._facts[found] = self._atom_facts(atom)
        return found

    def atom(self, symbol: Scalar) -> Atom:
        """Return what a symbol stands for."""
        return self._atoms[symbol]

    def get(self, expression: Scalar) -> Atom | None:
        """Return what the expression stands for when it is a bare symbol, else None."""
        return self._atoms.get(expression)

    def table(self, table: Table) -> int:
        """Return the number of a numeric table, the same one for equal tables."""
        number = self._table_numbers.get(table)
        if number is None:
            number = self._table_numbers[table] = len(self._tables)
            self._tables.append(table)
        return number

    def table_at(self, number: int) -> Table:
        """Return the numeric table with this number."""
        return self._tables[number]

    def fresh_label(self) -> str:
        """Return a label that occurs nowhere yet."""
        self._label_count += 1
        return f"i{self._label_count}"

    def symbols_of(self, expression: Scalar) -> list[sympy.Symbol]:
        """Return the symbols of an expression in a deterministic order."""
        return sorted(expression.free_symbols, key=lambda symbol: symbol.name)

    def facts(self, expression: Scalar) -> Facts:
        """Return what the expression depends on."""
        found = self._facts.get(expression)
        if found is None:
            found = Facts(unreal=expression.has(sympy.I))
            for symbol in self.symbols_of(expression):
                found |= self._facts[symbol]
            self._facts[expression] = found
        return found

    def is_constant(self, expression: Scalar) -> bool:
        """Whether the expression is a constant that may enter a coefficient."""
        facts = self.facts(expression)
        return not (facts.field or facts.point)

    def _atom_facts(self, atom: Atom) -> Facts:
        match atom:
            case Jet():
                labels = {i for i in atom.component if isinstance(i, str)} | {label for _, label, _ in atom.free}
                return Facts(frozenset(labels), field=True, unreal=True)
            case Point(_, index):
                return Facts(_labels(index), point=True)
            case ParameterEntry(_, indices):
                labels = _labels(*indices)
                return Facts(labels, point=bool(labels), unreal=True)
            case TableEntry(_, indices):
                return Facts(_labels(*indices), point=True)
            case Irrational():
                return Facts()
            case FunctionAt():
                facts = Facts(_labels(*(i for _, i in atom.derivatives), *atom.indices), point=True, unreal=True)
                for argument in atom.arguments:
                    facts |= Facts() if isinstance(argument, WholeSpace) else self.facts(argument)
                return facts
            case ElementaryCall(_, arguments):
                return self._opaque(*arguments)
            case Root(base, _):
                return self._opaque(base)
            case GeneralPower(base, exponent):
                return self._opaque(base, exponent)
            case Delta(left, right):
                return Facts(_labels(left, right), point=True)
            case IndexedSum(label, _, body):
                inner = self.facts(body)
                return Facts(inner.labels - {label}, inner.field, True, inner.unreal, inner.depth + 1)

    def _opaque(self, *arguments: Scalar) -> Facts:
        facts = Facts()
        for argument in arguments:
            # i inside a call must not reach a coefficient: those are real whenever the parameters are.
            facts |= self.facts(argument) | Facts(point=argument.has(sympy.I))
        return facts


def _labels(*indices: HeadIndex) -> frozenset[str]:
    return frozenset(index for index in indices if isinstance(index, str))
