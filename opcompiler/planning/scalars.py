"""Exact scalars of the planner: rational numbers, or polynomials over ℚ in the indeterminates of a normal form.

A closure works either with `Fraction`s throughout or with `Coefficient`s throughout. Over ℚ[s] there is no division
in general: `quotient` divides exactly or says that it cannot, because a denominator could vanish at run time.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TypeAlias

from opcompiler.ir.coefficient import Coefficient, ScalarMonomial

__all__ = [
    "NotDivisible",
    "Scalar",
    "as_coefficient",
    "content",
    "difference",
    "is_unit",
    "plus",
    "quotient",
    "value_at",
]

Scalar: TypeAlias = Fraction | Coefficient


class NotDivisible(Exception):
    """A quotient of polynomials in run-time scalars is no polynomial."""


def as_coefficient(value: Scalar) -> Coefficient:
    """Return the scalar as a `Coefficient`."""
    return value if isinstance(value, Coefficient) else Coefficient.of(value)


def is_unit(value: Scalar) -> bool:
    """Whether a nonzero scalar is a rational number, so that one may divide by it."""
    return isinstance(value, Fraction) or value.is_rational


def plus(left: Scalar, right: Scalar) -> Scalar:
    """Return the sum."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left + right
    return as_coefficient(left) + as_coefficient(right)


def difference(left: Scalar, right: Scalar) -> Scalar:
    """Return the difference."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left - right
    return as_coefficient(left) - as_coefficient(right)


def quotient(numerator: Scalar, denominator: Scalar) -> Scalar:
    """Return numerator / denominator.

    Raises:
        NotDivisible: the quotient is not a polynomial.
    """
    if isinstance(denominator, Fraction):
        return numerator / denominator if isinstance(numerator, Fraction) else numerator * (1 / denominator)
    numerator = as_coefficient(numerator)
    if denominator.is_rational:
        return numerator * (1 / denominator.rational)
    return _divide(numerator, denominator)


def content(values: Iterable[Scalar]) -> Scalar:
    """Return a common divisor of nonzero polynomials: their monomial content, times one of them if it divides all.

    It need not be the greatest one: what is left over only costs minimality, never correctness.
    """
    values = [as_coefficient(value) for value in values]
    if any(value.is_rational for value in values):
        return Coefficient.of(1)
    powers = _common_powers(values)
    divisor = Coefficient(((powers, Fraction(1)),))
    smallest = quotient(min(values, key=lambda value: (len(value.terms), value.terms)), divisor)
    if isinstance(smallest, Coefficient) and len(smallest.terms) > 1:
        try:
            for value in values:
                quotient(value, smallest)
        except NotDivisible:
            return divisor
        return divisor * smallest
    return divisor


def value_at(value: Scalar, point: dict[int, int]) -> Fraction:
    """Return the value at a point of the indeterminates."""
    if isinstance(value, Fraction):
        return value
    total = Fraction(0)
    for monomial, factor in value.terms:
        for number, power in monomial:
            factor *= point[number] ** power
        total += factor
    return total


def _common_powers(values: list[Coefficient]) -> ScalarMonomial:
    monomials = [dict(monomial) for value in values for monomial, _ in value.terms]
    first, rest = monomials[0], monomials[1:]
    common = {number: min([power, *(m.get(number, 0) for m in rest)]) for number, power in first.items()}
    return tuple(sorted((number, power) for number, power in common.items() if power))


def _divide(numerator: Coefficient, denominator: Coefficient) -> Coefficient:
    """Divide by leading terms in lexicographic order."""
    numbers = sorted({n for c in (numerator, denominator) for monomial, _ in c.terms for n, _ in monomial})

    def exponents(monomial: ScalarMonomial) -> tuple[int, ...]:
        powers = dict(monomial)
        return tuple(powers.get(n, 0) for n in numbers)

    divisor = {exponents(m): q for m, q in denominator.terms}
    rest = {exponents(m): q for m, q in numerator.terms}
    lead = max(divisor)
    result: dict[ScalarMonomial, Fraction] = {}
    while rest:
        top = max(rest)
        shift = tuple(a - b for a, b in zip(top, lead, strict=True))
        if min(shift, default=0) < 0:
            raise NotDivisible
        factor = rest[top] / divisor[lead]
        result[tuple((n, p) for n, p in zip(numbers, shift, strict=True) if p)] = factor
        for powers, q in divisor.items():
            key = tuple(a + b for a, b in zip(powers, shift, strict=True))
            left = rest.get(key, Fraction(0)) - factor * q
            if left:
                rest[key] = left
            else:
                rest.pop(key, None)
    return Coefficient.from_terms(result)
