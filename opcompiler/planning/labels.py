"""Readable names of basis elements: `u_xxx + 6·u_t`, `∂ᵢu`, `1/2·Σᵢ∂ᵢ²u`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import factorial, prod

from opcompiler.ir.coefficient import Coefficient, ScalarMonomial
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.head import Head, ParameterValue
from opcompiler.planning.polynomial import Key, Polynomial, order_key
from opcompiler.planning.requests import Coordinate, Problem
from opcompiler.planning.scalars import Scalar, as_coefficient

__all__ = ["Labels", "combination_text", "derivative_text", "scalar_names", "superscript"]

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SHOWN = 4
"""Terms of a long polynomial that are written before `…`."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Writes the derivative w(∂)u that an element carries.

    Attributes:
        problem: gives the coordinates and groups their numbers.
        declarations: give them their names.
        field: None where several fields share the algebra.
        scalars: names of the run-time scalars.
    """

    problem: Problem
    declarations: Declarations
    field: str | None
    scalars: tuple[str, ...] = ()

    def text(self, polynomial: Polynomial, group: int | None, tail: Sequence[tuple[Coordinate, Scalar]] = ()) -> str:
        """Return the derivative of a polynomial in divided powers, a family when `group` is given, plus a tail."""
        terms = [
            (self._ordinary(key, value), self._derivative(key, group))
            for key, value in sorted(polynomial.items(), key=lambda term: order_key(term[0]))
        ]
        terms += [(as_coefficient(value), self._operator([self._name(i)], "")) for i, value in tail]
        text = _sum([self._term(value, name) for value, name in terms[:_SHOWN]])
        return text if len(terms) <= _SHOWN else f"{text} + … ({len(terms) - _SHOWN} more)"

    def _ordinary(self, key: Key, value: Scalar) -> Coefficient:
        coordinates, _, power = key
        multiplicities = [len(list(same)) for _, same in groupby(coordinates)]
        return as_coefficient(value) * Fraction(1, factorial(power) * prod(map(factorial, multiplicities)))

    def _term(self, ordinary: Coefficient, text: str) -> str:
        if ordinary.is_rational:
            factor = ordinary.rational
            return text if factor == 1 else f"-{text}" if factor == -1 else f"{factor}·{text}"
        parts = [self._scalar_term(monomial, q) for monomial, q in ordinary.terms]
        return f"({_sum(parts)})·{text}" if len(parts) > 1 else f"{parts[0]}·{text}"

    def _scalar_term(self, monomial: ScalarMonomial, factor: Fraction) -> str:
        names = [self.scalars[n] if n < len(self.scalars) else f"s{n}" for n, _ in monomial]
        powers = [f"{name}{superscript(power)}" for name, (_, power) in zip(names, monomial, strict=True)]
        if abs(factor) != 1 or not powers:
            powers.insert(0, str(abs(factor)))
        return ("-" if factor < 0 else "") + "·".join(powers)

    def _derivative(self, key: Key, group: int | None) -> str:
        coordinates, g, power = key
        names = [self._name(self.problem.coordinates[number]) for number in coordinates]
        if not power:
            return self._operator(names, "")
        weighted = self.problem.groups[g].weights is not None
        direction = "∂ᵢ" if self.problem.groups[g].matrix is None else "(aᵢ·∇)"
        total = "" if group is not None else "Σᵢdᵢ" if weighted else "Σᵢ"
        return self._operator(names, f"{total}{direction}{superscript(power)}")

    def _operator(self, names: Sequence[str], behind: str) -> str:
        return derivative_text(names, self.field, behind)

    def _name(self, coordinate: Coordinate) -> str:
        space, index = coordinate
        return self.declarations.space(space).coordinate_name(index)


def derivative_text(names: Sequence[str], field: str | None, behind: str = "") -> str:
    """Return e.g. `u_xxy`, or `∂_x1²Σᵢ∂ᵢ²u` where a coordinate has a longer name or more operators stand `behind`."""
    if not behind and field is not None and all(len(name) == 1 for name in names):
        return f"{field}_{''.join(names)}" if names else field
    operator = "".join(f"∂_{name}{superscript(len(list(same)))}" for name, same in groupby(names))
    return f"{operator}{behind}{field or ''}" or "1"


def combination_text(terms: Sequence[tuple[Fraction, str]]) -> str:
    """Return Σ factor·text, cut where it is long."""
    shown = [text if q == 1 else f"-{text}" if q == -1 else f"{q}·{text}" for q, text in terms[:_SHOWN]]
    return _sum(shown) + ("" if len(terms) <= _SHOWN else f" + … ({len(terms) - _SHOWN} more)")


def scalar_names(scalars: Sequence[Head]) -> tuple[str, ...]:
    """Return short names of run-time scalars: a parameter's own name, else its number."""
    return tuple(
        head.name if isinstance(head, ParameterValue) and not head.indices else f"s{number}"
        for number, head in enumerate(scalars)
    )


def _sum(terms: Sequence[str]) -> str:
    return " + ".join(terms).replace("+ -", "− ")


def superscript(power: int) -> str:
    """Return the exponent of a power, nothing for 1."""
    return "" if power == 1 else str(power).translate(_SUPERSCRIPTS)
