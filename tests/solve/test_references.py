"""Reference values found again by other means: radial finite differences, branching particles, sampled ends."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from opcompiler.solve import problem
from opcompiler.solve.problems.control import monte_carlo_quadratic
from opcompiler.solve.problems.semilinear import EQUATIONS, HORIZON

REACTIONS = {"heat-time": lambda u: (1 - u**2) / (1 + u**2), "sine-gordon-time": np.sin}


def radial_value(dim: int, reaction, cells: int = 1200) -> float:
    """u(0, 0.3) for u(x, 0) = 5/(10 + 2|x|²): with ρ = |x|², u_t = 4ρ u_ρρ + 2d u_ρ + f(u).

    What arrives at the origin left ρ ≈ 2d·0.3 at the start; the far end of the grid lies several times as far.
    """
    rho = np.linspace(0, 2.4 * dim + 40, cells)
    h = rho[1]

    def slope(_, u):
        first, second = np.zeros_like(u), np.zeros_like(u)
        first[1:-1] = (u[2:] - u[:-2]) / (2 * h)
        second[1:-1] = (u[2:] - 2 * u[1:-1] + u[:-2]) / h**2
        first[0] = (-3 * u[0] + 4 * u[1] - u[2]) / (2 * h)
        first[-1] = (3 * u[-1] - 4 * u[-2] + u[-3]) / (2 * h)
        return 4 * rho * second + 2 * dim * first + reaction(u)

    start = 5 / (10 + 2 * rho)
    return solve_ivp(slope, (0, HORIZON), start, method="LSODA", rtol=1e-8, atol=1e-10, lband=2, uband=2).y[0, -1]


@pytest.mark.parametrize("name", REACTIONS)
@pytest.mark.parametrize("dim", [10, 100, 1000])
def test_values_at_the_origin(name: str, dim: int):
    assert radial_value(dim, REACTIONS[name]) == pytest.approx(EQUATIONS[name].values[dim], rel=2e-3)


def test_the_value_of_the_allen_cahn_equation_by_branching():
    """w = 1 − u satisfies w_t = Δw + 2(F(w) − w), F = (3w² − w³)/2: after a time of rate 2 a particle becomes two with
    weight 2, or with probability 1/4 three with weight −2 (McKean 1975); w is the mean of the product over all
    particles of the initial value where they end, times the weights."""
    random = np.random.default_rng(0)
    dim, roots = 10, 150_000
    product = np.ones(roots)
    owner, left, place = np.arange(roots), np.full(roots, HORIZON), np.zeros((roots, dim))
    while owner.size:
        life = random.exponential(scale=1 / 2, size=owner.size)
        ends = life >= left
        place = place + np.sqrt(2 * np.minimum(life, left))[:, None] * random.normal(size=place.shape)
        np.multiply.at(product, owner[ends], 1 - np.arctan(place[ends].max(axis=1)))
        owner, left, place = owner[~ends], (left - life)[~ends], place[~ends]
        double = random.random(owner.size) < 3 / 4
        np.multiply.at(product, owner, np.where(double, 2.0, -2.0))
        copies = np.where(double, 2, 3)
        owner, left, place = (np.repeat(part, copies, axis=0) for part in (owner, left, place))
    error = product.std() / np.sqrt(roots)
    assert error < 0.001
    assert abs(1 - product.mean() - EQUATIONS["allen-cahn-time"].values[dim]) < 4 * error


@pytest.mark.parametrize("dim", [10, 10_000])
def test_references_belong_to_the_problems(dim: int):
    for name, equation in EQUATIONS.items():
        (reference,) = problem(name, dim).references
        x, t = reference.point
        assert (len(x), t, reference.value) == (dim, HORIZON, equation.values[dim])
    assert problem("heat-time", 7).references == ()


@pytest.mark.parametrize("dim", [3, 100])
def test_the_solution_of_the_quadratic_control_problem_is_its_sampled_mean(dim: int):
    given = problem("hjb-lqg", dim)
    x, t = jnp.full(dim, 0.3), jnp.array(0.2)
    mean, error = monte_carlo_quadratic(jax.random.key(0), x, t, 20_000)
    assert abs(float(given.exact(x, t) - mean)) < 4 * float(error) < 0.1
