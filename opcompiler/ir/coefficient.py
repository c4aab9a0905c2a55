"""Exact coefficients: polynomials over ℚ in the scalars of a normal form.

A *scalar* is a number that is known only at call (a run-time parameter ε, sin ε) or is irrational (π). Its value is an
expression in `NormalForm.scalars`; here it is an indeterminate, so the planner works over the field ℚ(s₀, s₁, …):
what it proves holds for all values outside a null set, what it computes holds for all values.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

__all__ = ["ONE", "ZERO", "Coefficient", "ScalarMonomial"]

ScalarMonomial: TypeAlias = tuple[tuple[int, int], ...]
"""(scalar number, power ≥ 1), sorted by scalar number; () is 1."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """Σ q·Π s_k^p, sorted, without zero terms; the zero polynomial has no terms."""

    terms: tuple[tuple[ScalarMonomial, Fraction], ...] = ()

    @classmethod
    def of(cls, value: int | Fraction) -> Coefficient:
        """Return the constant `value`."""
        return cls((((), Fraction(value)),)) if value else ZERO

    @classmethod
    def scalar(cls, number: int) -> Coefficient:
        """Return the indeterminate s_number."""
        return cls(((((number, 1),), Fraction(1)),))

    @classmethod
    def from_terms(cls, terms: dict[ScalarMonomial, Fraction]) -> Coefficient:
        """Return the polynomial with these terms, zeros dropped."""
        return cls(tuple(sorted((m, q) for m, q in terms.items() if q)))

    @property
    def is_rational(self) -> bool:
        """Whether no scalar occurs."""
        return all(monomial == () for monomial, _ in self.terms)

    @property
    def rational(self) -> Fraction:
        """The value, when no scalar occurs.

        Raises:
            ValueError: a scalar occurs.
        """
        if not self.is_rational:
            raise ValueError(f"{self} is not a rational number")
        return self.terms[0][1] if self.terms else Fraction(0)

    def __bool__(self) -> bool:
        """Whether this is not zero."""
        return bool(self.terms)

    def __add__(self, other: Coefficient) -> Coefficient:
        """Return the sum."""
        terms = dict(self.terms)
        for monomial, value in other.terms:
            terms[monomial] = terms.get(monomial, Fraction(0)) + value
        return Coefficient.from_terms(terms)

    def __neg__(self) -> Coefficient:
        """Return the negative."""
        return Coefficient(tuple((m, -q) for m, q in self.terms))

    def __sub__(self, other: Coefficient) -> Coefficient:
        """Return the difference."""
        return self + (-other)

    def __mul__(self, other: Coefficient | Fraction | int) -> Coefficient:
        """Return the product."""
        # A symbol on the right answers by itself.
        if not isinstance(other, Coefficient | Fraction | int):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        if not isinstance(other, Coefficient):
            other = Coefficient.of(other)
        terms: dict[ScalarMonomial, Fraction] = {}
        for m, q in self.terms:
            for n, r in other.terms:
                powers = dict(m)
                for number, power in n:
                    powers[number] = powers.get(number, 0) + power
                monomial = tuple(sorted(powers.items()))
                terms[monomial] = terms.get(monomial, Fraction(0)) + q * r
        return Coefficient.from_terms(terms)

    __rmul__ = __mul__

    def __str__(self) -> str:
        """Return e.g. `2·s0² + 1/3`."""
        if not self.terms:
            return "0"
        return " + ".join(_term_text(monomial, value) for monomial, value in self.terms)


def _term_text(monomial: ScalarMonomial, value: Fraction) -> str:
    factors = [f"s{n}" if p == 1 else f"s{n}^{p}" for n, p in monomial]
    if value != 1 or not factors:
        factors.insert(0, str(value))
    return "·".join(factors)


ZERO = Coefficient()
ONE = Coefficient.of(1)
