"""Symbols form a commutative algebra; multiplication composes the operators."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.symbol import PowerSum, Quadric, Symbol, Xi, monomial, monomial_order

MATRIX = ((Fraction(1), Fraction(2)), (Fraction(2), Fraction(0)))
GENERATORS = st.sampled_from(
    [Xi("x", 0), Xi("x", 1), Xi("t", 0), PowerSum("x", 2), PowerSum("y", 3), Quadric("z", MATRIX)]
)
FACTORS = st.lists(st.tuples(GENERATORS, st.integers(0, 2)), max_size=3).map(tuple)
NUMBERS = st.sampled_from([ONE, Coefficient.of(Fraction(-2, 3)), Coefficient.scalar(0), Coefficient.scalar(1) + ONE])
SYMBOLS = st.dictionaries(FACTORS.map(monomial), NUMBERS, max_size=3).map(Symbol.from_terms)
laws = settings(max_examples=80, deadline=None, derandomize=True)


@laws
@given(SYMBOLS, SYMBOLS, SYMBOLS)
def test_the_laws_of_a_commutative_algebra(p, q, r):
    assert p + q == q + p
    assert (p + q) + r == p + (q + r)
    assert p * q == q * p
    assert (p * q) * r == p * (q * r)
    assert p * (q + r) == p * q + p * r
    assert p * Symbol.one() == p
    assert p - p == Symbol()


@laws
@given(SYMBOLS, NUMBERS)
def test_numbers_multiply_from_both_sides(p, c):
    assert p * c == c * p


@laws
@given(FACTORS, FACTORS)
def test_the_order_of_a_product_is_the_sum_of_the_orders(a, b):
    assert monomial_order(monomial(a + b)) == monomial_order(monomial(a)) + monomial_order(monomial(b))


@laws
@given(FACTORS, st.randoms(use_true_random=False))
def test_monomials_are_canonical(factors, random):
    shuffled = list(factors)
    random.shuffle(shuffled)
    assert monomial(tuple(shuffled)) == monomial(factors)
    assert all(power > 0 for _, power in monomial(factors))


def test_orders_count_derivatives():
    assert Symbol().order == 0
    assert Symbol.one().order == 0
    assert Symbol.generator(PowerSum("x", 2), 3).order == 6
    assert (Symbol.generator(Xi("t")) * Symbol.generator(Quadric("z", MATRIX))).order == 3
