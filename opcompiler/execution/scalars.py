"""Exact coefficients as numbers at run time: rationals as Python floats, so that they stay weakly typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opcompiler.errors import LimitError
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.surd import Number, Surd

__all__ = ["coefficient_value", "rational_value"]


def rational_value(value: Number) -> float:
    """Return the nearest float.

    Raises:
        LimitError: the number is beyond the range of floats.
    """
    if isinstance(value, Surd):
        return float(value)
    try:
        return value.numerator / value.denominator
    except OverflowError:
        digits = len(str(abs(value.numerator) // value.denominator)) if value.numerator.bit_length() < 10**4 else 3000
        raise LimitError(
            f"a coefficient of the operator has about {digits} digits and does not fit a floating-point number",
            hint="scale the equation or its parameters",
        ) from None


def coefficient_value(coefficient: Coefficient, scalars: Sequence[Any]) -> Any:
    """Return Σ q·Π s_k^p with the run-time values s of the scalars."""
    if coefficient.is_rational:
        return rational_value(coefficient.rational)
    total: Any = None
    for monomial, factor in coefficient.terms:
        term: Any = None if factor == 1 and monomial else rational_value(factor)
        for number, power in monomial:
            value = scalars[number] ** power
            term = value if term is None else term * value
        total = term if total is None else total + term
    return total
