"""Powers of the Laplacian: sizes, bounds, what is proved, exact identities, conditioning."""

from __future__ import annotations

from fractions import Fraction

import pytest
from planning.tangents.expansion import is_identity, laplacian_power, largest_error

from opcompiler.planning.tangents.bounds import inertia, laplacian_bound, tight_design_exists
from opcompiler.planning.tangents.forms import mass
from opcompiler.planning.tangents.laplacians import collapsed_taylor_set, laplacian_set, nuclear_norm

# (dimension, power): (directions, lower bound, proved)
EXACT = {
    (2, 1): (2, 2, True),
    (9, 1): (9, 9, True),
    (2, 2): (3, 3, True),
    (3, 2): (6, 6, True),
    (4, 2): (11, 11, True),
    (5, 2): (16, 16, True),
    (6, 2): (22, 22, True),
    (7, 2): (28, 28, True),
    (8, 2): (45, 37, False),
    (9, 2): (55, 46, False),
    (10, 2): (66, 56, False),
    (12, 2): (91, 79, False),
    (2, 3): (4, 4, True),
    (5, 3): (45, 36, False),
    (8, 3): (120, 120, True),
    (3, 4): (16, 16, True),
    (2, 5): (6, 6, True),
}


@pytest.mark.parametrize(("dimension", "power"), EXACT)
def test_exact_sets(dimension, power):
    directions, bound, proved = EXACT[dimension, power]
    tangents = laplacian_set(dimension, power)
    assert (tangents.size, tangents.lower_bound) == (directions, bound)
    assert tangents.status == ("proved" if proved else "bracketed")
    assert tangents.residual == 0
    assert is_identity(laplacian_power(dimension, power), tangents)


@pytest.mark.parametrize(
    ("dimension", "power", "directions", "bound"), [(3, 3, 11, 11), (4, 3, 23, 21), (2, 4, 5, 5), (2, 6, 7, 7)]
)
def test_rounded_sets(dimension, power, directions, bound):
    tangents = laplacian_set(dimension, power)
    assert (tangents.size, tangents.lower_bound) == (directions, bound)
    assert tangents.status == ("proved" if directions == bound else "bracketed")
    assert largest_error(laplacian_power(dimension, power), tangents) <= tangents.residual <= Fraction(1, 10**20)


@pytest.mark.parametrize(
    ("dimension", "power", "directions", "status"),
    [(2, 2, 4, "proved"), (3, 2, 7, "proved"), (4, 2, 12, "bracketed"), (6, 2, 22, "proved"), (4, 3, 24, "bracketed")],
)
def test_rational_sets(dimension, power, directions, status):
    tangents = laplacian_set(dimension, power, rational=True)
    assert (tangents.size, tangents.status) == (directions, status)
    assert all(isinstance(entry, Fraction) for direction in tangents.directions for entry in direction)
    assert is_identity(laplacian_power(dimension, power), tangents)


def test_tight_designs_decide_whether_the_rank_can_be_attained():
    assert [d for d in range(2, 24) if tight_design_exists(d, 2)] == [2, 3, 7, 23]
    assert tight_design_exists(8, 3)
    assert tight_design_exists(47, 2) is None
    assert [laplacian_bound(d, 2) for d in (2, 3, 4, 5, 6, 7, 8)] == [3, 6, 11, 16, 22, 28, 37]
    assert [laplacian_bound(d, 3) for d in (2, 3, 4, 8)] == [4, 11, 21, 120]


@pytest.mark.parametrize(("dimension", "power"), [(2, 2), (3, 2), (5, 2), (3, 3)])
def test_the_middle_catalecticant_is_positive_definite(dimension, power):
    size = {(2, 2): 3, (3, 2): 6, (5, 2): 15, (3, 3): 10}[dimension, power]
    assert inertia(laplacian_power(dimension, power)) == (size, 0)


@pytest.mark.parametrize(("dimension", "power"), [(2, 2), (3, 2), (5, 2), (7, 2), (3, 3), (4, 3), (8, 3), (3, 4)])
def test_positive_sets_have_the_least_mass(dimension, power):
    tangents = laplacian_set(dimension, power)
    assert all(float(weight) > 0 for weight in tangents.coefficients)
    own = mass(tangents.directions, tangents.coefficients, tangents.order)
    assert own == pytest.approx(float(nuclear_norm(dimension, power)), rel=1e-12)


@pytest.mark.parametrize(("dimension", "expected"), [(8, 1.1778), (9, 1.3273), (10, 1.4545)])
def test_amplification_of_the_simplex(dimension, expected):
    tangents = laplacian_set(dimension, 2)
    own = mass(tangents.directions, tangents.coefficients, 4) / float(nuclear_norm(dimension, 2))
    assert own == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("dimension", "directions", "expected"), [(3, 12, 7.7), (5, 35, 10.5)])
def test_the_published_set_amplifies_much_more(dimension, directions, expected):
    tangents = collapsed_taylor_set(dimension)
    assert tangents.size == directions
    assert is_identity(laplacian_power(dimension, 2), tangents)
    own = mass(tangents.directions, tangents.coefficients, 4) / float(nuclear_norm(dimension, 2))
    assert own == pytest.approx(expected, abs=0.05)
