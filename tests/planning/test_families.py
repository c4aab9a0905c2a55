"""Coordinates that enter alike share one array axis, whatever their number."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from planning.exact import derivative, evaluate, hilbert_function
from planning.forms import (
    IDENTITY,
    coordinates,
    gradient,
    laplacian,
    normal_form,
    of,
    polynomials,
    power_sum,
    quadric,
    runtime,
    scalars,
    smallest,
    times,
    xi,
)

from opcompiler.errors import LimitError
from opcompiler.ir.algebra import CoordinateSeed
from opcompiler.ir.space import CoordinateRange
from opcompiler.ir.symbol import Symbol
from opcompiler.planning import plan

t = xi("t")

OPERATORS = {
    "Δ": (of(laplacian()),),
    "Δ and ∇": (of(laplacian()), gradient()),
    "∂_tΔ": (of(t * laplacian()),),
    "∂_tΔ and ∇": (of(t * laplacian()), gradient()),
    "heat": (of(t + times(laplacian(), "-1/7")),),
    "Σ∂ᵢ⁴ + Δ": (of(power_sum("x", 4) + laplacian()),),
    "Σ∂ᵢ³ and diagonal of the Hessian": (of(power_sum("x", 3)), of(IDENTITY, free=(("x", 2),))),
    "∂₁⁴ + Δ": (of(xi("x", 4, 0) + laplacian()),),
    "∂₁²∂₂² + Δ": (of(xi("x", 2, 0) * xi("x", 2, 1) + laplacian()),),
    "∂_tΣ∂ᵢ + Δ": (of(t * power_sum("x", 1) + laplacian()),),
    "∂_t³Σ∂ᵢ + Δ": (of(t * t * t * power_sum("x", 1) + laplacian()),),
    "transport": (of(t + power_sum("x", 1)),),
    "∂_t∇": (of(t, free=("x",)), of(t * t)),
    "Δ²": (of(laplacian("x", 2)),),
    "∇Δ": (of(laplacian(), free=("x",)),),
    "Hessian": (of(IDENTITY, free=("x", "x")),),
    "rank two": (of(laplacian() + times(laplacian("x", 2), "1/3") + t),),
}


@pytest.mark.parametrize("dim", [2, 3, 4])
@pytest.mark.parametrize("name", OPERATORS)
def test_families_span_what_the_written_out_operator_spans(name, dim):
    form = normal_form({"x": dim, "t": None}, *OPERATORS[name], time="t")
    symbols = [symbol for contraction in form.contractions for symbol in polynomials(form, contraction)]
    certificate = smallest(form).certificate
    assert certificate.by_order == hilbert_function(symbols)
    assert certificate.carried == certificate.minimum == certificate.hankel_rank


def elements(form):
    algebra = smallest(form).joint.algebra
    return [(element.degree, algebra.size(element)) for element in algebra.elements]


def test_the_number_of_elements_does_not_depend_on_the_dimension():
    small, large = (normal_form({"x": d, "t": None}, of(t * laplacian()), gradient(), time="t") for d in (5, 10**6))
    assert elements(small) == [(0, 1), (1, 5), (1, 1), (2, 5), (2, 1), (3, 1)]
    assert elements(large) == [(0, 1), (1, 10**6), (1, 1), (2, 10**6), (2, 1), (3, 1)]


def test_a_million_dimensions_take_no_time():
    start = time.process_time()
    planned = plan(normal_form({"x": 10**6}, of(laplacian())))
    text = planned.to_json() + str(planned)
    assert time.process_time() - start < 1
    assert len(text) < 10_000


def test_coordinates_that_occur_singly_are_left_out_of_the_axis():
    form = normal_form({"x": 10**5}, of(laplacian() + xi("x", 4, 3)), gradient())
    joint = smallest(form).joint
    assert joint.algebra.axes[0].ranges == (CoordinateRange("x", 0, 3), CoordinateRange("x", 4, 10**5))
    assert joint.algebra.by_order == (1, 10**5, 1, 1, 1)
    family, single = joint.readouts[1].parts
    assert family.positions == ((0, 0, 3), (3, 4, 10**5 - 4))
    assert single.positions == ((0, 3, 1),)


def test_single_coordinates_that_enter_alike_share_an_axis():
    x, y, z = xi("x"), xi("y"), xi("z")
    algebra = smallest(normal_form(scalars("x", "y", "z", "t"), of(t + x * x + y * y + z * z), time="t")).joint.algebra
    assert algebra.axes[0].ranges == tuple(CoordinateRange(name, 0, 1) for name in "xyz")
    assert algebra.axes[0].invariant
    assert algebra.by_order == (1, 3, 1)


def test_spaces_of_different_diffusivity_have_their_own_axes():
    form = normal_form({"x": 10**5, "y": 10**4}, of(laplacian("x") + times(laplacian("y"), "1/3")))
    algebra = smallest(form).joint.algebra
    assert [axis.size for axis in algebra.axes] == [10**5, 10**4]
    assert [str(term.coefficient) for term in algebra.table] == ["1", "1/3"]


def test_the_smaller_of_two_entangled_spaces_is_written_out():
    form = normal_form({"x": 10**5, "y": 2}, of(laplacian("x") * laplacian("y")))
    algebra = smallest(form).joint.algebra
    assert algebra.by_order == (1, 10**5 + 2, 2 * 10**5 + 2, 10**5 + 2, 1)
    assert len(algebra.elements) == 12


def test_a_mixed_derivative_tensor_places_its_directions():
    form = normal_form({"x": 3, "y": 2}, of(IDENTITY, free=("x", "y")))
    joint = smallest(form).joint
    assert joint.readouts[0].shape == (3, 2)
    assert joint.algebra.by_order == (1, 5, 6)


def test_a_constant_quadric_carries_its_rank():
    matrix = [[2, 1, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, -1]]
    joint = smallest(normal_form({"x": 4, "t": None}, of(quadric("x", matrix) + t), time="t")).joint
    assert joint.algebra.by_order == (1, 3, 1)
    (term,) = joint.algebra.table
    assert term.weights is not None
    assert sum(weight > 0 for weight in term.weights) == 2
    assert not joint.algebra.axes[0].invariant


def test_a_diagonal_quadric_keeps_coordinate_directions():
    joint = smallest(normal_form({"x": 3}, of(quadric("x", [[3, 0, 0], [0, 0, 0], [0, 0, 3]])))).joint
    (axis,) = joint.algebra.axes
    assert axis.matrix is None
    assert axis.ranges == (CoordinateRange("x", 0, 1), CoordinateRange("x", 2, 3))
    assert axis.invariant
    assert joint.algebra.table[0].weights is None


def test_a_hyperbolic_quadric_keeps_its_zero_diagonal():
    joint = smallest(normal_form({"x": 2}, of(quadric("x", [[0, 1], [1, 0]])))).joint
    assert joint.algebra.by_order == (1, 2, 1)
    assert sorted(joint.algebra.table[0].weights) == [-0.5, 0.5]


@pytest.mark.parametrize(
    ("dim", "symbol"),
    [(10**5, laplacian("x", 2)), (200, laplacian("x", 2)), (60, laplacian("x", 3)), (3000, laplacian("x", 2))],
)
def test_an_algebra_that_cannot_be_listed_is_refused_with_numbers(dim, symbol: Symbol):
    start = time.process_time()
    with pytest.raises(LimitError, match=r"\d{4}") as caught:
        smallest(normal_form({"x": dim}, of(symbol)))
    assert time.process_time() - start < 2
    assert caught.value.hint


def test_the_biharmonic_operator_in_twelve_dimensions_is_planned_quickly():
    start = time.process_time()
    assert plan(normal_form({"x": 12}, of(laplacian("x", 2)))).certificate.minimum == 104
    assert time.process_time() - start < 2


def drift(dim):
    return sum((times(xi("x", 1, i), Fraction(i + 1, 7)) for i in range(dim)), Symbol())


def test_a_drift_is_seeded_into_the_top_element():
    joint = smallest(normal_form({"x": 300, "t": None}, of(t - laplacian() + drift(300)), time="t")).joint
    assert joint.algebra.by_order == (1, 300, 1)
    assert len(joint.algebra.table) == 1
    assert joint.algebra.axes[0].ranges == (CoordinateRange("x", 0, 300),)
    assert joint.algebra.axes[0].invariant
    assert sum(isinstance(seed, CoordinateSeed) for seed in joint.seeds) == 301


def test_a_drift_beside_a_constant_quadric_keeps_the_rank():
    form = normal_form({"x": 3}, of(quadric("x", [[1, 1, 0], [1, 1, 0], [0, 0, 0]]) + drift(3)))
    assert smallest(form).certificate.by_order == (1, 1, 1)


def test_operators_with_and_without_drift_share_what_they_can():
    certificate = smallest(normal_form({"x": 5}, of(laplacian() + drift(5)), of(laplacian()))).certificate
    assert certificate.carried == certificate.minimum == 7


def test_operators_with_and_without_drift_share_one_family_in_large_dimensions():
    form = normal_form({"x": 1000, "t": None}, of(t + laplacian() + drift(1000)), of(laplacian()), time="t")
    joint = smallest(form).joint
    assert [element.label for element in joint.algebra.elements] == ["u", "∂ᵢu", "u_t", "1/2·Σᵢ∂ᵢ²u"]
    assert joint.algebra.by_order == (1, 1001, 1)


def test_drifts_that_no_seed_serves_are_read_from_the_first_derivatives():
    first = t + laplacian() * runtime(0) + xi("x", 1, 2) * runtime(1) + times(xi("x", 1, 3), 2)
    form = normal_form({"x": 5, "t": None}, of(first), of(laplacian() + xi("x", 1, 1)), gradient(), time="t")
    (values, point) = (3, -2), [1, 2, -1, 3, 1, 2]
    u = {(2, 0, 1, 0, 1, 0): Fraction(2), (0, 1, 0, 1, 0, 1): Fraction(3), (0, 0, 2, 0, 0, 0): Fraction(1)}
    joint = smallest(form).joint
    assert len(joint.algebra.elements) == 4
    got = evaluate(joint, u, coordinates(form), point, values)
    for number, contraction in enumerate(form.contractions):
        assert got[number] == [derivative(symbol, u, point) for symbol in polynomials(form, contraction, values)]


def test_a_drift_beside_a_divergence_that_carries_no_first_derivatives():
    divergence = t * power_sum("x", 1)
    form = normal_form({"x": 4, "t": None}, of(divergence + times(xi("x", 1, 1), 3)), of(divergence), time="t")
    assert smallest(form).certificate.by_order == (1, 3, 1)


def test_a_written_out_quadric_gets_a_diagonal_table():
    matrix = [[4, 1, 0], [1, 2, "1/2"], [0, "1/2", 1]]
    joint = smallest(normal_form({"x": 3}, of(quadric("x", matrix)), gradient())).joint
    assert joint.algebra.by_order == (1, 3, 1)
    assert [term.left == term.right for term in joint.algebra.table] == [True] * 3


def test_a_mixed_derivative_keeps_its_single_product():
    algebra = smallest(normal_form(scalars("x", "y"), of(xi("x") * xi("y")))).joint.algebra
    assert [(term.left, term.right) for term in algebra.table] == [(1, 2)]
