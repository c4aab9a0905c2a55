"""Which symbols are means of powers: the necessary condition, and laws that prove existence."""

from __future__ import annotations

from fractions import Fraction as F

import pytest

from opcompiler.planning.sampling.cone import in_moment_cone
from opcompiler.planning.tangents.forms import expansion, laplacian_power


@pytest.mark.parametrize(
    "form",
    [
        laplacian_power(3, 1),
        laplacian_power(2, 2),
        laplacian_power(3, 2),
        laplacian_power(2, 3),
        {(4, 0, 0): F(1), (0, 4, 0): F(2), (0, 0, 4): F(1)},
        {(2, 0): F(1), (1, 1): F(1), (0, 2): F(1)},
    ],
    ids=["Δ", "Δ² in 2", "Δ² in 3", "Δ³ in 2", "Σ∂⁴", "∂xx + ∂xy + ∂yy"],
)
def test_laws_that_are_found_have_the_symbol_as_their_mean(form):
    test = in_moment_cone(form)
    assert test.exists
    assert all(weight > 0 for weight in test.weights)
    order = sum(next(iter(form)))
    assert expansion(test.directions, test.weights, order) == form


@pytest.mark.parametrize(
    "form",
    [
        {(2, 2): F(1)},
        {(1, 1): F(1)},
        {(3, 1): F(1)},
        {(2, 1, 1): F(1)},
        {(2, 0): F(1), (0, 2): F(-1)},
        {(4, 0): F(1), (2, 2): F(-1), (0, 4): F(1)},
    ],
    ids=["xxyy", "xy", "xxxy", "xxyz", "□", "indefinite quartic"],
)
def test_symbols_outside_the_cone(form):
    test = in_moment_cone(form)
    assert test.exists is False
    assert "negative" in test.reason


def test_odd_orders_are_always_inside():
    assert in_moment_cone({(2, 1): F(-1)}).exists


def test_unused_coordinates_do_not_count():
    test = in_moment_cone({(0, 2, 0, 0, 0, 0): F(3)})
    assert test.exists
    assert expansion(test.directions, test.weights, 2) == {(0, 2): F(3)}


def test_where_no_criterion_decides_that_is_said():
    """|ξ|⁴ in six variables is a mean of fourth powers, but six variables are not searched."""
    assert in_moment_cone(laplacian_power(6, 2)).exists is None
