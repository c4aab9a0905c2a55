"""Amplification against the nuclear norm: values of the least mass, from both sides."""

from __future__ import annotations

from fractions import Fraction

import pytest
from planning.tangents.expansion import laplacian_power

from opcompiler.planning.tangents import amplification, decompose
from opcompiler.planning.tangents.conditioning import nuclear_norm_bounds
from opcompiler.planning.tangents.forms import mass
from opcompiler.planning.tangents.laplacians import nuclear_norm
from opcompiler.planning.tangents.monomials import central_differences


def monomial(*alpha):
    return {alpha: Fraction(1)}


# multi-index: (lower bound, upper bound) of the least mass
NORMS = {
    (1, 1): (1.0, 1.0),
    (2, 1): (1.0, 1.0),
    (2, 2): (1.0, 1.0),
    (3, 1): (1.0, 1.0),
    (1, 1, 1): (0.866, 0.866),
    (2, 1, 1): (0.802, 0.817),
    (2, 2, 2): (0.575, 0.600),
}


@pytest.mark.parametrize("alpha", NORMS)
def test_least_mass_of_monomials(alpha):
    lower, upper = NORMS[alpha]
    norm = nuclear_norm_bounds(monomial(*alpha))
    assert norm.lower <= norm.upper
    assert norm.lower == pytest.approx(lower, abs=1e-3)
    assert norm.upper == pytest.approx(upper, abs=1e-3)


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [((1, 1), 1.0), ((2, 2), 1.0), ((3, 1), 1.1667), ((1, 1, 1), 0.866), ((2, 1, 1), 0.8333), ((2, 2, 2), 0.6)],
)
def test_mass_of_the_grid(alpha, expected):
    assert mass(*central_differences(alpha), sum(alpha)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("dimension", "power"), [(2, 1), (2, 2), (3, 1), (3, 2), (2, 3), (3, 3), (4, 2)])
def test_least_mass_of_laplacians(dimension, power):
    exact = float(nuclear_norm(dimension, power))
    norm = nuclear_norm_bounds(laplacian_power(dimension, power))
    assert norm.lower <= exact * (1 + 1e-9)
    assert norm.upper >= exact * (1 - 1e-9)
    assert norm.upper == pytest.approx(exact, rel=1e-3)


def test_amplification_is_enclosed():
    form = monomial(3, 1)
    bounds = amplification(decompose(form), form)
    assert 1 <= bounds.lower <= bounds.upper
    assert bounds.lower == pytest.approx(7 / 6, abs=1e-3)


def test_more_than_four_variables_are_refused():
    with pytest.raises(ValueError, match="2 to 4 variables"):
        nuclear_norm_bounds(monomial(1, 1, 1, 1, 1))


def test_a_lattice_too_small_is_refused():
    with pytest.raises(ValueError, match="larger lattice"):
        nuclear_norm_bounds(monomial(5, 3), size=1)
