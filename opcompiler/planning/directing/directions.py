"""The directions of a rewriting: linear forms Σ_i b_i ξ_i with run-time b as coordinates of directed spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from opcompiler.ir.declarations import Declarations
from opcompiler.ir.directing import COORDINATE, DIRECTION, DirectedSpace
from opcompiler.ir.head import Components, FunctionValue, Head, HeadSum, ParameterValue, Rational
from opcompiler.ir.reindexing import reindexed
from opcompiler.ir.space import Space
from opcompiler.ir.symbol import PowerSum, Xi
from opcompiler.planning.directing.terms import Atoms, Powers
from opcompiler.planning.requests import Coordinate

__all__ = ["Direction", "Directions", "LinearForm"]

LinearForm: TypeAlias = Mapping[Coordinate, Mapping[Powers, Fraction]]
"""Polynomials in atoms by coordinate."""

Direction: TypeAlias = tuple[tuple[str, Head], ...]
"""Sorted (space, entries along `COORDINATE`); the entries of all other spaces are zero."""


@dataclass
class Directions:
    """Collects directions: single ones in one directed space, those of a long index in a space for themselves."""

    declarations: Declarations
    atoms: Atoms
    single: dict[Direction, int] = field(default_factory=dict[Direction, int])
    long: dict[tuple[str, Head], tuple[str, int]] = field(default_factory=dict[tuple[str, Head], tuple[str, int]])

    def coordinate(self, direction: Direction) -> Xi:
        """Return the coordinate of a direction."""
        return Xi(self._name(0), self.single.setdefault(direction, len(self.single)))

    def whole(self, of: str, rows: Head, count: int) -> PowerSum:
        """Return Σ_k η_k² of the directions along `DIRECTION`."""
        if (of, rows) not in self.long:
            self.long[of, rows] = (self._name(len(self.long) + 1), count)
        return PowerSum(self.long[of, rows][0], 2)

    def direction(self, form: LinearForm) -> Direction:
        """Return the direction of a linear form that is written out."""
        found: list[tuple[str, Head]] = []
        for space in self.declarations.spaces:
            entries = [form.get((space.name, index), {}) for index in range(space.dim)]
            if any(entries):
                heads = [self._entry(entry) for entry in entries]
                found.append((space.name, self._gathered(COORDINATE, heads)))
        return tuple(sorted(found, key=lambda item: item[0]))

    def spaces(self) -> tuple[tuple[Space, ...], tuple[DirectedSpace, ...]]:
        """Return the declarations of the directed spaces, and what they are."""
        declared: list[Space] = []
        directed: list[DirectedSpace] = []
        if self.single:
            name = self._name(0)
            declared.append(Space(name, (len(self.single),)))
            for of in sorted({space for direction in self.single for space, _ in direction}):
                entries = [dict(direction).get(of, Rational(Fraction(0))) for direction in self.single]
                rows = self._gathered(DIRECTION, entries)
                directed.append(DirectedSpace(name, of, len(self.single), rows))
        for (of, rows), (name, count) in self.long.items():
            declared.append(Space(name, (count,)))
            directed.append(DirectedSpace(name, of, count, rows))
        return tuple(declared), tuple(directed)

    def _name(self, number: int) -> str:
        """Return the name of a directed space, which is not declared."""
        known = self.declarations
        taken = {own.name.rstrip("′") for own in (*known.spaces, *known.fields, *known.parameters, *known.functions)}
        stems = ("v", "w", "η", *(f"v{n}" for n in range(len(taken) + 1)))
        return next(stem for stem in stems if stem not in taken) + "′" * number

    def _entry(self, polynomial: Mapping[Powers, Fraction]) -> Head:
        terms = [self.atoms.head(factor, powers) for powers, factor in polynomial.items()]
        return Rational(Fraction(0)) if not terms else terms[0] if len(terms) == 1 else HeadSum(tuple(terms))

    def _gathered(self, label: str, entries: Sequence[Head]) -> Head:
        """Return the vector of heads along a label: σ[label, k] for σ[1, k], σ[2, k], …, if these are all."""
        first = entries[0]
        if isinstance(first, ParameterValue | FunctionValue) and len(entries) > 1:
            shape = self._shape(first)
            for place, index in enumerate(first.indices):
                if index != 0 or shape[place] != len(entries):
                    continue
                indices = (*first.indices[:place], label, *first.indices[place + 1 :])
                whole = (
                    ParameterValue(first.name, indices)
                    if isinstance(first, ParameterValue)
                    else FunctionValue(first.name, first.arguments, first.derivatives, indices)
                )
                if all(reindexed(whole, label, n) == entry for n, entry in enumerate(entries)):
                    return whole
        return Components(label, tuple(entries))

    def _shape(self, head: ParameterValue | FunctionValue) -> tuple[int, ...]:
        if isinstance(head, ParameterValue):
            return self.declarations.parameter(head.name).shape
        return self.declarations.function(head.name).shape
