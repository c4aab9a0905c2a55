"""Every strategy computes the same derivatives: its propagation, evaluated on polynomials in exact numbers.

`OPCOMPILER_DRAWS=300` (`make operators`) draws as many operators instead of the few of a usual run.
"""

from __future__ import annotations

import os
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from planning.exact import derivative, evaluate
from planning.forms import coordinates, gradient, laplacian, normal_form, of, polynomials, scalars, times, xi
from planning.tangents.test_table import OPERATORS, TABLE
from planning.test_algebra_laws import explicit_forms, forms_with_scalars, functions, quadratic_forms, spatial_forms

from opcompiler.errors import UnsupportedError
from opcompiler.ir.plan import Propagation
from opcompiler.planning.listing import listed_entries
from opcompiler.planning.slot_algebra import one_slot_jet
from opcompiler.planning.strategies import STRATEGIES, candidates, forced, weigh

DRAWS = int(os.environ.get("OPCOMPILER_DRAWS", "30"))
TOLERANCE = 1e-9

x, y, t = xi("x"), xi("y"), xi("t")


def all_fields(form):
    return tuple(field.name for field in form.declarations.fields)


def weighed(form):
    return candidates(form, all_fields(form))


def by_name(form) -> dict[str, Propagation]:
    return {candidate.strategy: candidate.propagation for candidate in weighed(form)}


def agrees(got, want) -> bool:
    return len(got) == len(want) and all(
        abs(a - b) <= TOLERANCE * max(1, abs(b)) for a, b in zip(got, want, strict=True)
    )


def check(form, u, point, values=()):
    """Compare every strategy with the derivatives of u, monomial by monomial; return the names of those that ran."""
    names = coordinates(form)
    want = {
        number: [derivative(symbol, u, point) for symbol in polynomials(form, contraction, values)]
        for number, contraction in enumerate(form.contractions)
    }
    ran = []
    for candidate in weighed(form):
        if candidate.propagation.gradients:
            continue  # reverse sweeps are executed in tests/execution/test_strategies.py
        got = evaluate(candidate.propagation, u, names, point, values)
        assert set(got) == set(want), candidate.strategy
        assert all(agrees(got[number], want[number]) for number in want), candidate.strategy
        ran.append(candidate.strategy)
    return ran


def check_drawn(form, data, values=()):
    names = coordinates(form)
    symbols = [symbol for contraction in form.contractions for symbol in polynomials(form, contraction, values)]
    # Monomials that the operator certainly sees, besides random ones.
    seen = {max(symbol): Fraction(1) for symbol in symbols[:2] if symbol}
    order = max(contraction.order for contraction in form.contractions)
    u = {**seen, **data.draw(functions(len(names), order))}
    point = data.draw(st.lists(st.integers(-2, 2), min_size=len(names), max_size=len(names)))
    return check(form, u, point, values)


def drawn(count):
    return settings(
        max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate, Phase.explicit]
    )


def test_random_operators_in_one_to_four_variables():
    ran = Counter()

    @drawn(DRAWS)
    @given(explicit_forms(), st.data())
    def every_strategy_agrees(form, data):
        ran.update(check_drawn(form, data))
        first, *others = weighed(form)
        assert first.certificate.minimum == first.certificate.carried
        assert first.certificate.hankel_rank in (None, first.certificate.minimum)
        for other in others:
            # Theorem 1: no evaluation over an algebra carries fewer.
            assert other.propagation.carried >= first.certificate.minimum
            assert other.certificate.carried == other.propagation.carried == other.alternative.coefficients

    every_strategy_agrees()
    assert all(ran[name] >= DRAWS // 4 for name in STRATEGIES[:-1])


@drawn(DRAWS // 4)
@given(spatial_forms(), st.data())
def test_random_operators_with_open_indices(form, data):
    check_drawn(form, data)


@drawn(DRAWS // 4)
@given(quadratic_forms(), st.data())
def test_random_second_order_operators_with_drift(form_and_matrix, data):
    check_drawn(form_and_matrix[0], data)


@drawn(DRAWS // 4)
@given(forms_with_scalars(), st.data())
def test_factors_known_at_call(form, data):
    check_drawn(form, data, data.draw(st.lists(st.integers(-2, 2), min_size=2, max_size=2)))


@pytest.mark.parametrize("name", TABLE)
def test_propagations_carry_what_the_table_says(name):
    algebra, nested, _, collapsed, slots, partials = TABLE[name]
    form = OPERATORS[name]
    found = {strategy: propagation.carried for strategy, propagation in by_name(form).items()}
    refused = {alternative.strategy: alternative.coefficients for alternative in weigh(form, all_fields(form)).refused}
    assert found["minimal algebra"] == algebra
    assert found["nested differentiation"] == nested
    assert found["collapsed jets"] == collapsed
    assert (found | refused)["all partial derivatives"] == partials
    if slots is not None:
        # The search within planning is shorter than the one behind the table: it may find nothing, but nothing else.
        assert found.get("one multi-slot jet", slots) == slots


def test_the_biharmonic_operator_in_eight_dimensions():
    found = by_name(normal_form({"x": 8}, of(laplacian("x", 2))))
    assert found["collapsed jets"].carried == 137
    assert found["univariate jets"].carried == 181
    assert sum(axis.size for axis in found["collapsed jets"].algebra.axes) == 45


def test_lower_orders_of_irrational_directions_are_exact():
    form = normal_form({"x": 3}, of(laplacian("x", 2)), of(laplacian()), of(laplacian(), free=("x",)), gradient())
    u = {(4, 0, 0): Fraction(1), (2, 2, 0): Fraction(3), (1, 1, 2): Fraction(-2), (0, 3, 0): Fraction(1, 2)}
    assert "collapsed jets" in check(form, u, [1, 2, -1])
    (axis,) = by_name(form)["collapsed jets"].algebra.axes
    assert axis.size == 6
    assert {str(entry) for row in axis.matrix for entry in row} == {"0", "1", "1/2 + 1/2·√5", "-1/2 - 1/2·√5"}


def test_heat_equation_with_drift_collapses_to_the_forward_laplacian():
    form = normal_form({"x": 4, "t": None}, of(t - laplacian() + times(xi("x", 1, 2), 3)), time="t")
    collapsed = by_name(form)["collapsed jets"]
    assert collapsed.carried == 6
    (axis,) = collapsed.algebra.axes
    assert axis.matrix is None


# --- one multi-slot jet -------------------------------------------------------------------------------------------

KDV = [t * y + x * x * x * y - x * x + times(y * y, 2), x, y, x * x, x * y]
KDV_2D = normal_form(scalars("x", "y", "t"), *map(of, KDV), time="t")


def kdv_with_slots(*slots):
    listing = listed_entries(tuple(enumerate(KDV_2D.contractions)), KDV_2D.declarations)
    assert listing is not None
    return one_slot_jet(listing, slots, ("u",), KDV_2D.declarations)


def test_published_slots_of_the_kdv_equation_are_refused_with_the_derivatives_that_collide():
    with pytest.raises(UnsupportedError) as refused:
        kdv_with_slots(3, 4, 7)
    message = str(refused.value)
    assert "order 7 is 35·u_xy + u_t" in message
    assert "order 11 is 330·u_yt + 5775·u_xyy" in message
    assert "order 13 is 200200·u_xxxy + 17160·u_xxt" in message
    assert refused.value.hint


def test_valid_slots_of_the_kdv_equation_compute_it():
    propagation = kdv_with_slots(5, 6, 13)
    assert propagation.carried == 22
    u = {(3, 1, 0): Fraction(2), (0, 1, 1): Fraction(1, 3), (2, 0, 1): Fraction(5), (1, 2, 0): Fraction(-1)}
    point = [2, -1, 3]
    got = evaluate(propagation, u, coordinates(KDV_2D), point)
    for number, contraction in enumerate(KDV_2D.contractions):
        (symbol,) = polynomials(KDV_2D, contraction)
        assert got[number] == [derivative(symbol, u, point)]


def test_a_drift_rides_in_the_last_slot():
    form = normal_form(scalars("x", "t"), of(times(t, 3) + times(x * x * x * x, 2) + x * x), time="t")
    assert by_name(form)["one multi-slot jet"].carried == 5
    check(form, {(4, 1): Fraction(1), (2, 0): Fraction(1), (0, 2): Fraction(2)}, [1, -2])


# --- asking for a strategy ----------------------------------------------------------------------------------------


def test_a_strategy_can_be_asked_for():
    form = normal_form(scalars("x", "y"), of(x * x * y))
    for name in STRATEGIES[:-1]:
        assert forced(form, ("u",), name).propagation.strategy == name


def test_what_does_not_apply_is_refused_with_what_does():
    form = normal_form({"x": 100}, of(laplacian()))
    with pytest.raises(UnsupportedError, match="reverse over forward") as refused:
        forced(form, ("u",), "reverse over forward")
    assert refused.value.hint == 'there are "minimal algebra"'
    with pytest.raises(UnsupportedError, match="no strategy 'magic'"):
        forced(form, ("u",), "magic")


def test_more_symbols_than_are_searched_say_so():
    form = normal_form({"x": 7}, of(laplacian(), free=("x", "x")))
    reasons = {alternative.strategy: alternative.reason for alternative in weigh(form, ("u",)).refused}
    assert "different symbols" in reasons["univariate jets"]


def test_a_search_finds_fewer_directions_when_it_is_asked_for():
    symbol = x * x * x + times(x * y * xi("z"), 2) + y * y * xi("z")
    form = normal_form(scalars("x", "y", "z"), of(symbol))
    quick = forced(form, ("u",), "univariate jets")
    searched = forced(form, ("u",), "univariate jets", search_nodes=20)
    assert searched.alternative.directions < quick.alternative.directions
    u = {(3, 0, 0): Fraction(1), (0, 2, 1): Fraction(2), (1, 1, 1): Fraction(5)}
    got = evaluate(searched.propagation, u, coordinates(form), [1, 2, 3])
    assert agrees(got[0], [derivative(polynomials(form, form.contractions[0])[0], u, [1, 2, 3])])


def test_the_gradient_of_a_laplacian_is_offered_as_a_reverse_sweep():
    form = normal_form({"x": 50}, of(laplacian(), free=("x",)), of(laplacian()))
    reverse = by_name(form)["reverse over forward"]
    assert reverse.carried == 52
    assert [gradient.readout.contraction for gradient in reverse.gradients] == [0]
    assert [readout.contraction for readout in reverse.readouts] == [1]
