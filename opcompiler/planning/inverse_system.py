"""The smallest derivative-closed space W that contains given symbols (Macaulay's inverse system), as a basis.

dim W is the fewest coefficients any scheme can carry that evaluates u over a finite-dimensional commutative algebra
(docs/mathematics.md, theorem 1). Coordinates that enter alike form *groups*: W is then spanned by single
polynomials and by families {w(ξ_i)}_{i∈G}, and its basis is found without ever writing a group out:

    W = S ⊕ ⊕_G ⊕_{i∈G} F_G(ξ_i).

Why this is exact: let F be all family polynomials of G that occur, F₀ ⊂ F those free of ξ_i and F₊ a complement. If
Σ_i f_i(ξ_i) is free of every ξ_i, then each f_i is; hence the F₊(ξ_i) and F₀ form a direct sum of dimension
|G|·dim F₊ + dim F₀. A single polynomial lies in it only as Σ_i f(ξ_i) + f₀ with ONE f ∈ F₊, so the singles are
reduced modulo the direction sums Σ_i f(ξ_i), and what remains is the number of single elements.
The basis is adapted to the degree if leading forms stay independent; for a family this asks that every leading form
depends on ξ_i. Where it does not (`NotAdapted`), splitting one coordinate off the group mends it: subtracting
f(ξ_*) from f(ξ_i) removes the part that is common to all directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from opcompiler.errors import LimitError
from opcompiler.planning.echelon import Echelon, PivotRule, leading_first, primitive
from opcompiler.planning.limits import MAX_COEFFICIENTS
from opcompiler.planning.polynomial import (
    UNIT,
    Key,
    Polynomial,
    along_coordinate,
    along_group,
    degree,
    direction_sum,
    groups_of,
    key_degree,
    order_key,
)
from opcompiler.planning.scalars import Scalar, plus

__all__ = ["BasisChange", "InverseSystem", "NotAdapted", "closure"]


class NotAdapted(Exception):
    """A family of this group has a leading form that is common to all its directions."""

    def __init__(self, group: int) -> None:
        """Remember the group."""
        self.group = group
        super().__init__(group)


@dataclass(frozen=True, slots=True)
class BasisChange:
    """New single elements w'_r = Σ_a forward[r][a]·w_a in place of old ones, and w_a = Σ_r backward[a][r]·w'_r."""

    forward: dict[int, dict[int, Fraction]]
    backward: dict[int, dict[int, Fraction]]


@dataclass(frozen=True, slots=True)
class InverseSystem:
    """A basis of W: families first, then single polynomials, numbered through.

    Attributes:
        family_groups: the group of each family.
        singles: the direction sums of the families (fixed rows), then the single basis polynomials; 1 is among them.
        families: the families by group.
        family_numbers: the number of each row of `families`.
        change: replaces some single elements by combinations of them.
    """

    family_groups: tuple[int, ...]
    singles: Echelon
    families: dict[int, Echelon]
    family_numbers: dict[int, tuple[int, ...]]
    change: BasisChange | None = None

    @property
    def size(self) -> int:
        """Number of basis elements, a family counted once."""
        return len(self.singles)

    def group_of(self, number: int) -> int | None:
        """Return the group of a basis element, None for a single one."""
        return self.family_groups[number] if number < len(self.family_groups) else None

    def polynomial(self, number: int) -> Polynomial:
        """Return a basis element."""
        group = self.group_of(number)
        if self.change is not None and number in self.change.forward:
            total: Polynomial = {}
            for old, factor in self.change.forward[number].items():
                for key, value in self.singles.rows[old].items():
                    total[key] = plus(total.get(key, Fraction(0)), value * factor)
            return {key: value for key, value in total.items() if value}
        if group is None:
            return self.singles.rows[number]
        return self.families[group].rows[self.family_numbers[group].index(number)]

    def pivot(self, number: int) -> Key:
        """Return the pivot monomial of a basis element."""
        return self.singles.pivots[number]

    def coordinates(self, polynomial: Polynomial, group: int | None = None) -> dict[int, Scalar]:
        """Return the coordinates of an element of W, zeros left out.

        For a single polynomial a family stands for its sum over the directions. With `group` the polynomial is a
        family of that group, and its coordinates are families and single elements without group factors.

        Raises:
            NotDivisible: over the run-time scalars some coordinate is no polynomial.
            RuntimeError: the polynomial is not in W (an internal error).
        """
        if group is None:
            result, rest = self.singles.split(polynomial)
        else:
            result, rest = {}, polynomial
            if group in self.families:
                local, rest = self.families[group].split(polynomial)
                result = {self.family_numbers[group][number]: value for number, value in local.items()}
            if any(power for _, _, power in rest):
                raise RuntimeError("internal error: a derivative left the inverse system")
            pure, rest = self.singles.split(rest)
            if any(number < len(self.family_groups) for number in pure):
                raise RuntimeError("internal error: a direction sum occurs inside a family")
            result |= pure
        if rest:
            raise RuntimeError("internal error: a polynomial is not in the inverse system")
        if self.change is not None:
            result = self._changed(self.change, result)
        return {number: value for number, value in result.items() if value}

    def _changed(self, change: BasisChange, coordinates: dict[int, Scalar]) -> dict[int, Scalar]:
        result: dict[int, Scalar] = {}
        for old, value in coordinates.items():
            for new, factor in change.backward.get(old, {old: Fraction(1)}).items():
                result[new] = plus(result.get(new, Fraction(0)), value * factor)
        return result


def closure(
    singles: Sequence[Polynomial],
    families: Sequence[tuple[int, Polynomial]],
    sizes: Sequence[int],
    rule: PivotRule = leading_first,
) -> InverseSystem:
    """Return the smallest derivative-closed space with 1 that contains the given polynomials.

    Args:
        singles: single polynomials.
        families: (group, family polynomial).
        sizes: number of coordinates of each group.
        rule: how pivots are chosen.

    Raises:
        NotAdapted: a coordinate has to be split off a group.
        NotDivisible: elimination over the run-time scalars would divide by a polynomial.
        LimitError: more basis elements than the planner lists.
    """
    span = _Span(sizes, rule)
    for polynomial in sorted(singles, key=_complexity):
        span.close(polynomial, None)
    for group, polynomial in families:
        span.close(polynomial, group)
    return _adapted_basis(span, sizes, rule)


class _Span:
    """Grows W by depth-first differentiation: a polynomial is added after all its derivatives."""

    def __init__(self, sizes: Sequence[int], rule: PivotRule) -> None:
        self.sizes = sizes
        self.rule = rule
        self.singles = Echelon()
        self.families: dict[int, Echelon] = {}
        self.singles.insert({UNIT: Fraction(1)}, rule)

    def close(self, polynomial: Polynomial, group: int | None) -> None:
        pending: list[tuple[Polynomial, int | None, bool]] = [(polynomial, group, False)]
        while pending:
            polynomial, group, ready = pending.pop()
            polynomial, group = self._reduce(polynomial, group)
            if not polynomial:
                continue
            polynomial = primitive(polynomial)
            if ready:
                self._add(polynomial, group)
            else:
                pending.append((polynomial, group, True))
                pending += [(p, g, False) for p, g in _derivatives(polynomial, group)]

    def _reduce(self, polynomial: Polynomial, group: int | None) -> tuple[Polynomial, int | None]:
        if group is not None:
            if group in self.families:
                polynomial = self.families[group].reduce(polynomial)
            if any(power for _, _, power in polynomial):
                return polynomial, group
        return self.singles.reduce(polynomial), None

    def _add(self, polynomial: Polynomial, group: int | None) -> None:
        if group is None:
            self.singles.insert(polynomial, self.rule)
        else:
            basis = self.families.setdefault(group, Echelon())
            row = basis.insert(polynomial, _along_directions(self.rule))
            total = self.singles.reduce(direction_sum(row, self.sizes[group]))
            if total:
                self.singles.insert(total, self.rule)
        count = len(self.singles)
        if count > MAX_COEFFICIENTS:
            raise LimitError(
                f"the operator needs an algebra of more than {MAX_COEFFICIENTS} coefficients that have to be listed",
                hint="reduce the dimension or the order; Δ and other second-order operators have no such limit",
            )


def _derivatives(polynomial: Polynomial, group: int | None) -> list[tuple[Polynomial, int | None]]:
    coordinates = sorted({variable for key in polynomial for variable in key[0]})
    result: list[tuple[Polynomial, int | None]] = [(along_coordinate(polynomial, v), group) for v in coordinates]
    return result + [(along_group(polynomial, g), g) for g in groups_of(polynomial)]


def _adapted_basis(span: _Span, sizes: Sequence[int], rule: PivotRule) -> InverseSystem:
    common = _common_part(span)
    groups = sorted(span.families)
    families: dict[int, Echelon] = {}
    for group in groups:
        families[group] = basis = Echelon()
        for row in sorted(span.families[group].rows, key=_complexity):
            reduced = basis.reduce(common.reduce(row) if common is not None else row)
            inserted = basis.insert(reduced, _along_directions(rule))
            if rule is leading_first and degree(inserted) > max(key_degree(key) for key in inserted if key[2]):
                raise NotAdapted(group)
    listed = [(group, row, pivot) for group in groups for row, pivot in _rows(families[group])]
    numbers = {group: tuple(n for n, (g, _, _) in enumerate(listed) if g == group) for group in groups}
    singles = Echelon([(direction_sum(row, sizes[group]), pivot) for group, row, pivot in listed])
    for row in sorted(span.singles.rows, key=_complexity):
        reduced = singles.reduce(row)
        if reduced:
            singles.insert(primitive(reduced), rule)
    return InverseSystem(tuple(group for group, _, _ in listed), singles, families, numbers)


def _common_part(span: _Span) -> Echelon | None:
    """Return a basis of the polynomials of W without group factors, where a family has such terms at all."""
    if not any(key[2] == 0 for basis in span.families.values() for row in basis.rows for key in row):
        return None
    without_first = Echelon()
    for row in span.singles.rows:
        reduced = without_first.reduce(row)
        if reduced:
            without_first.insert(primitive(reduced), _group_factors_first)
    result = Echelon()
    for row in without_first.rows:
        if not groups_of(row):
            result.insert(result.reduce(row), span.rule)
    return result


def _rows(basis: Echelon) -> list[tuple[Polynomial, Key]]:
    return list(zip(basis.rows, basis.pivots, strict=True))


def _along_directions(rule: PivotRule) -> PivotRule:
    """Restrict a rule to monomials that depend on the family's own coordinate."""
    return lambda polynomial: rule({key: value for key, value in polynomial.items() if key[2]})


def _group_factors_first(polynomial: Polynomial) -> Key:
    return leading_first({k: v for k, v in polynomial.items() if k[2]} or polynomial)


def _complexity(polynomial: Polynomial) -> tuple[object, ...]:
    """Sort by degree, then by monomials: low degrees first keeps later rows short."""
    keys = sorted(map(order_key, polynomial)) if polynomial else []
    irrational = sum(not isinstance(value, Fraction) and not value.is_rational for value in polynomial.values())
    return (irrational, degree(polynomial) if polynomial else 0, len(keys), keys)
