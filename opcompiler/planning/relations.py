"""Sums that are carried: as few vectors as possible from which given vectors are rational combinations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias, TypeVar

from opcompiler.ir.surd import Number, Surd

__all__ = ["independent"]

_Row: TypeAlias = dict[Hashable, Fraction]

_Key = TypeVar("_Key", bound=Hashable)


_Reduced: TypeAlias = tuple[Hashable, _Row, dict[int, Fraction]]
"""Pivot, row with entry 1 there, and the combination of the chosen vectors that the row is."""


@dataclass(slots=True)
class _Echelon:
    rows: list[_Reduced] = field(default_factory=list[_Reduced])

    def split(self, row: _Row) -> tuple[_Row, dict[int, Fraction]]:
        """Return what is left of a row, and minus the combination that was subtracted."""
        left, combination = dict(row), dict[int, Fraction]()
        for pivot, known, of_chosen in self.rows:
            factor = left.get(pivot)
            if factor:
                _subtract(left, known, factor)
                _subtract(combination, of_chosen, factor)
        return left, combination


def independent(vectors: Sequence[Mapping[_Key, Number]]) -> tuple[list[int], list[dict[int, Fraction]]]:
    """Choose vectors that are independent over ℚ and span all.

    Returns:
        The places of the chosen vectors, and every given vector as {number of a chosen one: rational factor}.
    """
    chosen: list[int] = []
    combinations: list[dict[int, Fraction]] = []
    echelon = _Echelon()
    for place, vector in enumerate(vectors):
        left, combination = echelon.split(_over_rationals(vector))
        if left:
            number = len(chosen)
            chosen.append(place)
            pivot = next(iter(left))
            lead = left[pivot]
            combination[number] = Fraction(1)
            echelon.rows.append(
                (pivot, {k: v / lead for k, v in left.items()}, {n: q / lead for n, q in combination.items()})
            )
            combinations.append({number: Fraction(1)})
        else:
            combinations.append({number: -value for number, value in combination.items()})
    return chosen, combinations


def _over_rationals(vector: Mapping[_Key, Number]) -> _Row:
    """Return a + b√n as two entries: then rational relations between vectors are those of their rows."""
    row: _Row = {}
    for key, value in vector.items():
        rational = value.rational if isinstance(value, Surd) else value
        if rational:
            row[(key, 1)] = rational
        if isinstance(value, Surd):
            row[(key, value.radicand)] = value.factor
    return row


def _subtract(left: dict[_Key, Fraction], row: Mapping[_Key, Fraction], factor: Fraction) -> None:
    for key, value in row.items():
        rest = left.get(key, Fraction(0)) - factor * value
        if rest:
            left[key] = rest
        else:
            left.pop(key, None)
