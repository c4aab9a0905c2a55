"""Exact numbers a + b√n of a real quadratic field, for directions that are not rational."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import TypeAlias

__all__ = ["Number", "Surd", "square_root"]


_TRIED_DIVISORS = 2000
"""Squares of larger numbers are not taken out of a root, unless everything left is a square."""


@dataclass(frozen=True, slots=True)
class Surd:
    """The irrational number rational + factor·√radicand; radicand > 1 is no square and factor is not 0.

    Sums, products and quotients stay in one field ℚ(√radicand); a rational result is a `Fraction`.
    """

    rational: Fraction
    factor: Fraction
    radicand: int

    @staticmethod
    def of(rational: Fraction, factor: Fraction, radicand: int) -> Number:
        """Return rational + factor·√radicand as the simplest type."""
        return Surd(rational, factor, radicand) if factor else rational

    def _parts(self, other: Number | int) -> tuple[Fraction, Fraction]:
        if not isinstance(other, Surd):
            return Fraction(other), Fraction(0)
        if other.radicand != self.radicand:
            raise ValueError(f"√{self.radicand} and √{other.radicand} have no quadratic field in common")
        return other.rational, other.factor

    def __add__(self, other: Number | int) -> Number:
        """Return the sum."""
        a, b = self._parts(other)
        return Surd.of(self.rational + a, self.factor + b, self.radicand)

    __radd__ = __add__

    def __neg__(self) -> Surd:
        """Return the negative."""
        return Surd(-self.rational, -self.factor, self.radicand)

    def __sub__(self, other: Number | int) -> Number:
        """Return the difference."""
        return self + (-other)

    def __rsub__(self, other: Number | int) -> Number:
        """Return other − self."""
        return (-self) + other

    def __mul__(self, other: Number | int) -> Number:
        """Return the product."""
        a, b = self._parts(other)
        return Surd.of(
            self.rational * a + self.factor * b * self.radicand, self.rational * b + self.factor * a, self.radicand
        )

    __rmul__ = __mul__

    def reciprocal(self) -> Number:
        """Return 1/self."""
        norm = self.rational**2 - self.factor**2 * self.radicand
        return Surd.of(self.rational / norm, -self.factor / norm, self.radicand)

    def __truediv__(self, other: Number | int) -> Number:
        """Return the quotient.

        Raises:
            ZeroDivisionError: `other` is 0.
        """
        return self * (other.reciprocal() if isinstance(other, Surd) else 1 / Fraction(other))

    def __rtruediv__(self, other: Number | int) -> Number:
        """Return other / self."""
        return self.reciprocal() * other

    def __pow__(self, exponent: int) -> Number:
        """Return the power with an exponent ≥ 0."""
        result: Number = Fraction(1)
        for _ in range(exponent):
            result = self * result
        return result

    def rounded(self) -> Fraction:
        """Return a rational number within 1e-40·|factor|."""
        scale = 10**40
        return self.rational + self.factor * Fraction(isqrt(self.radicand * scale * scale), scale)

    def __float__(self) -> float:
        """Return the nearest representable value, without cancellation between the two parts."""
        return float(self.rounded())

    def __str__(self) -> str:
        """Return e.g. `1/2 - 3/4·√5`."""
        sign, size = ("-" if self.factor < 0 else "+"), abs(self.factor)
        root = f"√{self.radicand}" if size == 1 else f"{size}·√{self.radicand}"
        if self.rational:
            return f"{self.rational} {sign} {root}"
        return f"-{root}" if self.factor < 0 else root


Number: TypeAlias = Fraction | Surd
"""An exact real number."""


def square_root(value: Fraction | int) -> Number:
    """Return √value exactly.

    Raises:
        ValueError: value is negative.
    """
    value = Fraction(value)
    if value < 0:
        raise ValueError(f"{value} has no real square root")
    # √(p/q) = √(p·q)/q, and squares are taken out of p·q.
    inside, outside, divisor = value.numerator * value.denominator, 1, 2
    while divisor * divisor <= inside and divisor <= _TRIED_DIVISORS:
        while inside % (divisor * divisor) == 0:
            inside //= divisor * divisor
            outside *= divisor
        divisor += 1
    if isqrt(inside) ** 2 == inside:
        inside, outside = inside // max(inside, 1), outside * isqrt(inside)
    root = Fraction(outside, value.denominator)
    return root * inside if inside in (0, 1) else Surd(Fraction(0), root, inside)
