"""Coefficients form the polynomial ring over ℚ."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opcompiler.ir.coefficient import ONE, ZERO, Coefficient

FRACTIONS = st.fractions(min_value=-5, max_value=5, max_denominator=6)
MONOMIALS = st.dictionaries(st.integers(0, 3), st.integers(1, 3), max_size=3).map(lambda m: tuple(sorted(m.items())))
COEFFICIENTS = st.dictionaries(MONOMIALS, FRACTIONS, max_size=4).map(Coefficient.from_terms)
laws = settings(max_examples=100, deadline=None, derandomize=True)


def value(coefficient: Coefficient, point=(Fraction(2, 3), Fraction(-5), Fraction(7, 2), Fraction(11))) -> Fraction:
    total = Fraction(0)
    for monomial, factor in coefficient.terms:
        for number, power in monomial:
            factor *= point[number] ** power
        total += factor
    return total


@laws
@given(COEFFICIENTS, COEFFICIENTS, COEFFICIENTS)
def test_the_laws_of_a_commutative_ring(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a * b == b * a
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a + ZERO == a
    assert a * ONE == a
    assert a - a == ZERO
    assert a + (-a) == ZERO


@laws
@given(COEFFICIENTS, COEFFICIENTS)
def test_evaluation_is_a_homomorphism(a, b):
    assert value(a + b) == value(a) + value(b)
    assert value(a * b) == value(a) * value(b)


@laws
@given(COEFFICIENTS)
def test_terms_are_sorted_and_not_zero(a):
    assert list(a.terms) == sorted(a.terms)
    assert all(factor for _, factor in a.terms)
    assert bool(a) == bool(a.terms)


@laws
@given(COEFFICIENTS, FRACTIONS)
def test_numbers_multiply_from_both_sides(a, q):
    assert a * q == q * a == a * Coefficient.of(q)


def test_a_rational_coefficient_knows_its_value():
    assert Coefficient.of(Fraction(3, 4)).rational == Fraction(3, 4)
    assert ZERO.rational == 0
    assert not Coefficient.scalar(0).is_rational
    with pytest.raises(ValueError, match="s0"):
        _ = Coefficient.scalar(0).rational


def test_a_coefficient_reads_as_a_sum():
    text = str(Coefficient.scalar(0) * Coefficient.scalar(0) * 2 + Coefficient.of(Fraction(1, 3)))
    assert text == "1/3 + 2·s0^2"
    assert str(ZERO) == "0"
