"""Reduced echelon bases of sparse polynomials with exact scalars."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opcompiler.planning.polynomial import Key, Polynomial, key_degree, order_key
from opcompiler.planning.scalars import Scalar, content, difference, is_unit, quotient

__all__ = ["Echelon", "PivotRule", "leading_first", "primitive", "rational_first"]

PivotRule = Callable[[Polynomial], Key]


class Echelon:
    """Independent polynomials, each with a pivot monomial at which all later reductions make the others vanish.

    `fixed` rows come first and are never changed: they must vanish at each other's pivots, but may be nonzero at
    the pivots of other rows. All other rows vanish at every pivot but their own.
    """

    def __init__(self, fixed: Sequence[tuple[Polynomial, Key]] = ()) -> None:
        """Start with the fixed rows."""
        self.rows: list[Polynomial] = []
        self.pivots: list[Key] = []
        self._row_of: dict[Key, int] = {}
        self._holders: dict[Key, set[int]] = {}
        self._fixed = len(fixed)
        for row, pivot in fixed:
            self._append(row, pivot)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def split(self, polynomial: Polynomial) -> tuple[dict[int, Scalar], Polynomial]:
        """Return the coordinates along the rows and what is left, which vanishes at every pivot.

        Raises:
            NotDivisible: a coordinate is no polynomial in the run-time scalars.
        """
        rest = dict(polynomial)
        coordinates: dict[int, Scalar] = {}
        for fixed in (True, False) if self._fixed else (False,):
            found = [self._row_of[key] for key in rest if key in self._row_of]
            for number in sorted(n for n in found if (n < self._fixed) == fixed):
                row, pivot = self.rows[number], self.pivots[number]
                factor = quotient(rest[pivot], row[pivot])
                coordinates[number] = factor
                _subtract(rest, factor, row)
        return coordinates, rest

    def reduce(self, polynomial: Polynomial) -> Polynomial:
        """Return the polynomial modulo the rows."""
        return self.split(polynomial)[1]

    def insert(self, reduced: Polynomial, rule: PivotRule) -> Polynomial:
        """Add a nonzero polynomial that is already reduced; return the row, scaled to pivot 1 where one may divide.

        Raises:
            NotDivisible: another row cannot be reduced modulo the new one.
        """
        pivot = rule(reduced)
        if is_unit(reduced[pivot]):
            scale = reduced[pivot]
            reduced = {key: quotient(value, scale) for key, value in reduced.items()}
        for number in sorted(n for n in self._holders.get(pivot, ()) if n >= self._fixed):
            row = self.rows[number]
            before = set(row)
            _subtract(row, quotient(row[pivot], reduced[pivot]), reduced)
            for key in before - row.keys():
                self._holders[key].discard(number)
            for key in row.keys() - before:
                self._holders.setdefault(key, set()).add(number)
        self._append(dict(reduced), pivot)
        return reduced

    def _append(self, row: Polynomial, pivot: Key) -> None:
        number = len(self.rows)
        self.rows.append(row)
        self.pivots.append(pivot)
        self._row_of[pivot] = number
        for key in row:
            self._holders.setdefault(key, set()).add(number)


def leading_first(polynomial: Polynomial) -> Key:
    """Choose a monomial of highest degree, one with a rational coefficient if there is one."""
    return min(polynomial, key=lambda key: (-key_degree(key), not is_unit(polynomial[key]), order_key(key)))


def rational_first(polynomial: Polynomial) -> Key:
    """Choose a monomial with a rational coefficient if there is one, of highest degree among those."""
    return min(polynomial, key=lambda key: (not is_unit(polynomial[key]), order_key(key)))


def primitive(polynomial: Polynomial) -> Polynomial:
    """Divide common factors in run-time scalars out of a nonzero polynomial."""
    if any(is_unit(value) for value in polynomial.values()):
        return polynomial
    divisor = content(polynomial.values())
    return {key: quotient(value, divisor) for key, value in polynomial.items()}


def _subtract(target: Polynomial, factor: Scalar, row: Polynomial) -> None:
    for key, value in row.items():
        old = target.get(key)
        new = -(factor * value) if old is None else difference(old, factor * value)
        if new:
            target[key] = new
        else:
            target.pop(key, None)
