"""Constants as exact coefficients: polynomials over ℚ in the scalars of the normal form, split into re + i·im.

A scalar is a maximal constant that is no polynomial of others: a run-time parameter, π, sin ε, 1/ε, ε^½.
"""

from __future__ import annotations

import sympy

from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.symbolic.atoms import Scalar
from opcompiler.symbolic.linear import UNIT, Complex
from opcompiler.symbolic.pointwise import Pointwise, exact_fraction

__all__ = ["Coefficients"]

_LONGEST_POLYNOMIAL_POWER = 8
"""Higher powers of a sum of constants become one scalar instead of a long polynomial."""


class Coefficients:
    """Reads constants and numbers the scalars that they need."""

    def __init__(self, pointwise: Pointwise) -> None:
        """Start without scalars."""
        self.pointwise = pointwise
        self.scalars: dict[Scalar, int] = {}

    def number(self, e: Scalar) -> Complex:
        """Return a constant expression as an exact coefficient."""
        if e.is_Rational:
            return Complex(Coefficient.of(exact_fraction(e)))
        if e == sympy.I:
            return Complex(im=ONE)
        if e.is_Add:
            total = Complex()
            for term in e.args:
                total = total + self.number(term)
            return total
        if e.is_Mul:
            value = UNIT
            for factor in e.args:
                value = value * self.number(factor)
            return value
        if e.is_Pow:
            base, exponent = e.args[0], int(e.args[1])
            if exponent < 0:
                return self._power(self._reciprocal(base), -exponent)
            if base.is_Symbol or exponent <= _LONGEST_POLYNOMIAL_POWER:
                return self._power(self.number(base), exponent)
        return Complex(self._indeterminate(e))

    def _power(self, value: Complex, exponent: int) -> Complex:
        result = UNIT
        for _ in range(exponent):
            result = result * value
        return result

    def _reciprocal(self, base: Scalar) -> Complex:
        """Return 1/base; of a complex number (p − iq)/(p² + q²)."""
        if not base.has(sympy.I):
            return Complex(self._indeterminate(self.pointwise.quotient(sympy.S.One, base)))
        p, q = (self._sympy_parts(base)[n] for n in (0, 1))
        square = sympy.expand(p**2 + q**2)
        return self.number(p - sympy.I * q) * self.number(self.pointwise.quotient(sympy.S.One, square))

    def _sympy_parts(self, e: Scalar) -> tuple[Scalar, Scalar]:
        """Return (p, q) with e = p + iq, where all symbols count as real."""
        expanded = sympy.expand(e)
        imaginary = expanded.coeff(sympy.I)
        return expanded - sympy.expand(sympy.I * imaginary), imaginary

    def _indeterminate(self, e: Scalar) -> Coefficient:
        return Coefficient.scalar(self.scalars.setdefault(e, len(self.scalars)))
