"""Several symbols at once: every one is an exact combination of what the jets carry."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from planning.forms import gradient, laplacian, normal_form, of, runtime, scalars, times, xi
from planning.tangents.expansion import plus, points, value_of_form, value_of_powers
from planning.tangents.test_table import OPERATORS

from opcompiler.ir.coefficient import Coefficient
from opcompiler.planning.listing import listed_symbols
from opcompiler.planning.tangents import joint_tangents
from opcompiler.planning.tangents.weights import jet_coefficients

ROUNDED = ("Δ³, d=3", "Δ³, d=4")
TOO_LARGE = ("Δ, d=100000", "Δ², d=12", "Δ², d=8")


def check(symbols, tangents):
    """Every symbol, its constant term apart, is Σ c_(r,k) (v_r·ξ)^k with k at most the order of jet r."""
    for form in (form for symbol in symbols for form in symbol):
        coefficients = jet_coefficients(tangents, form)
        assert coefficients is not None
        constant = form.get((0,) * len(tangents.coordinates), Fraction(0))
        for point in points(len(tangents.coordinates), count=2, size=10**4):
            total = (constant, Fraction(0), 1)
            for (number, order), weight in coefficients.items():
                assert 1 <= order <= tangents.jets[number].order
                total = plus(total, value_of_powers([tangents.jets[number].direction], [weight], order, point))
            assert total[:2] == (value_of_form(form, point), 0)


def check_nearly(symbols, tangents):
    """The same in floating point, for directions that have no common quadratic field or no closed form."""
    for form in (form for symbol in symbols for form in symbol):
        coefficients = jet_coefficients(tangents, form)
        assert coefficients is not None
        for point in points(len(tangents.coordinates), count=2, size=3):
            terms = [float(form.get((0,) * len(tangents.coordinates), 0))]
            for (number, order), weight in coefficients.items():
                inner = sum(float(e) * x for e, x in zip(tangents.jets[number].direction, point, strict=True))
                terms.append(float(weight) * inner**order)
            assert sum(terms) == pytest.approx(float(value_of_form(form, point)), abs=1e-9 * (1 + sum(map(abs, terms))))


@pytest.mark.parametrize("name", [*ROUNDED])
def test_rounded_operators_of_the_table(name):
    listed = listed_symbols(OPERATORS[name])
    check_nearly(listed.symbols, joint_tangents(listed.symbols, listed.coordinates, nodes=0))


@pytest.mark.parametrize("name", [name for name in OPERATORS if name not in (*ROUNDED, *TOO_LARGE)])
def test_operators_of_the_table(name):
    listed = listed_symbols(OPERATORS[name])
    tangents = joint_tangents(listed.symbols, listed.coordinates, nodes=0)
    check(listed.symbols, tangents)
    assert tangents.lower_bound <= tangents.directions
    assert tangents.collapsed <= tangents.separate or len(listed.symbols) > len(tangents.jets)


def test_what_is_proved_of_joint_sets():
    def status(name):
        listed = listed_symbols(OPERATORS[name])
        return joint_tangents(listed.symbols, listed.coordinates, nodes=0).status

    assert status("∇Δ + Δ, d=3") == "proved"
    assert status("∇Δ + Δ, d=5") == "bracketed"
    assert status("KdV-2D lumped") == "bracketed"
    assert status("full Hessian 3-D") == "proved"


def test_a_factor_known_at_call_changes_no_direction():
    viscous = xi("t") + laplacian() * (Coefficient.of(-1) * runtime(0))
    fixed = xi("t") + times(laplacian(), "-1/10")
    counts = []
    for heat in (viscous, fixed):
        listed = listed_symbols(normal_form({"x": 3, "t": None}, of(heat), gradient(), time="t"))
        tangents = joint_tangents(listed.symbols, listed.coordinates, nodes=0)
        check(listed.symbols, tangents)
        counts.append((tangents.directions, tangents.collapsed))
    assert counts == [(3, 5), (3, 5)]


def test_free_directions_save_squares():
    """u_xxxx gives u_xx for nothing, so 2u_xx + u_xy + u_yy needs what is left modulo ξ_x²: two squares."""
    x, y = xi("x"), xi("y")
    mixed = times(x * x, 2) + x * y + y * y
    listed = listed_symbols(normal_form(scalars("x", "y"), of(xi("x", 4)), of(mixed)))
    tangents = joint_tangents(listed.symbols, listed.coordinates, nodes=0)
    check(listed.symbols, tangents)
    assert (tangents.of_order(4), tangents.of_order(2)) == (1, 1)


def test_first_order_symbols_need_one_jet_each():
    listed = listed_symbols(normal_form(scalars("x", "y"), of(xi("x") + times(xi("y"), 3))))
    tangents = joint_tangents(listed.symbols, listed.coordinates)
    assert [jet.direction for jet in tangents.jets] == [(1, 3)]
    assert (tangents.directions, tangents.collapsed) == (0, 2)


@st.composite
def random_symbols(draw):
    variables = draw(st.integers(1, 4))
    highest = {1: 6, 2: 6, 3: 4, 4: 3}[variables]
    exponents = st.lists(st.integers(0, highest), min_size=variables, max_size=variables).filter(
        lambda alpha: 0 < sum(alpha) <= highest
    )
    numbers = st.fractions(min_value=-3, max_value=3, max_denominator=4).filter(bool)
    form = st.dictionaries(exponents.map(tuple), numbers, min_size=1, max_size=4)
    return draw(st.lists(form, min_size=1, max_size=3))


@settings(max_examples=80, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(random_symbols())
def test_random_symbols(forms):
    variables = len(next(iter(forms[0])))
    symbols = [(form,) for form in forms]
    tangents = joint_tangents(symbols, [("x", i) for i in range(variables)], nodes=0)
    assert tangents.lower_bound <= tangents.directions
    fields = {getattr(entry, "radicand", 1) for jet in tangents.jets for entry in jet.direction} - {1}
    rounded = any(getattr(entry, "denominator", 1) > 10**9 for jet in tangents.jets for entry in jet.direction)
    if rounded or len(fields) > 1:
        check_nearly(symbols, tangents)
    else:
        check(symbols, tangents)


def test_directions_in_different_quadratic_fields():
    symbols = [({(3, 0, 0): Fraction(1), (1, 2, 0): Fraction(9)},), ({(3, 0, 0): Fraction(1), (1, 0, 2): Fraction(6)},)]
    tangents = joint_tangents(symbols, [("x", i) for i in range(3)], nodes=0)
    assert {getattr(entry, "radicand", 1) for jet in tangents.jets for entry in jet.direction} == {1, 2, 3}
    check_nearly(symbols, tangents)
