"""Arithmetic in real quadratic fields."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opcompiler.ir.surd import Surd, square_root

NUMBERS = st.fractions(min_value=-5, max_value=5, max_denominator=6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.sampled_from([2, 3, 5, 6]))
def test_the_field_operations(a, b, c, d, n):
    left, right = Surd.of(a, b, n), Surd.of(c, d, n)
    x, y = float(a) + float(b) * sqrt(n), float(c) + float(d) * sqrt(n)
    for found, expected in ((left + right, x + y), (left - right, x - y), (left * right, x * y)):
        assert float(found) == pytest.approx(expected, abs=1e-12)
    if right:
        quotient = left / right
        assert quotient * right == left
    assert not (left - left)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(9, 4), Fraction(3, 2)),
        (0, Fraction(0)),
        (8, Surd(Fraction(0), Fraction(2), 2)),
        (Fraction(1, 3), Surd(Fraction(0), Fraction(1, 3), 3)),
    ],
)
def test_square_roots(value, expected):
    assert square_root(value) == expected


def test_refusals():
    with pytest.raises(ValueError, match="no real square root"):
        square_root(-1)
    with pytest.raises(ValueError, match="no quadratic field in common"):
        square_root(2) + square_root(3)
    with pytest.raises(ZeroDivisionError):
        square_root(2) / 0


def test_text():
    assert str(square_root(5) / 4 + Fraction(1, 2)) == "1/2 + 1/4·√5"
    assert str(-square_root(2)) == "-√2"


def test_cancellation_does_not_spoil_the_nearest_float():
    tiny = (square_root(2) - 1) ** 20
    assert float(tiny) == pytest.approx((1 / (1 + sqrt(2))) ** 20, rel=1e-12)
