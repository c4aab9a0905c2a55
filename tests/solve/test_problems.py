"""Every problem is what it says: its solution solves it, its conditions hold, closed forms equal the operator."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

import opcompiler as oc
from opcompiler.solve import Settings, network, problem, train
from opcompiler.solve.problems import PROBLEMS, generated_source

DIM = 3
COUNT = 6
KEY = jax.random.key(3)


def small(name: str):
    family = PROBLEMS[name]
    return problem(name, family.dim if family.fixed else DIM)


SOLVED = [name for name in PROBLEMS if small(name).exact is not None]
CONSTRAINED = [name for name in PROBLEMS if small(name).hard is not None and not name.endswith("-gradient")]


def size(values) -> float:
    return max(float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(values))


def violation(given, condition, u, places) -> float:
    """The largest difference between a condition and what u has there."""
    operator = given.compile(condition.text)
    return size(jax.jit(lambda *at: operator(u, *at) - jax.vmap(condition.value)(*at))(*places))


@pytest.mark.parametrize("name", SOLVED)
def test_the_residual_vanishes_on_the_solution(name: str):
    given = small(name)
    points = given.sample(KEY, COUNT)
    operator = given.operator()
    both = jax.jit(lambda *points: (operator(given.exact, *points), jax.vmap(given.exact)(*points)))
    residual, values = both(*points)
    assert size(residual) <= 1e-10 * max(1.0, size(values))


@pytest.mark.parametrize("name", SOLVED)
def test_the_solution_satisfies_every_condition(name: str):
    given = small(name)
    for condition in given.conditions + given.enforced:
        places = condition.sample(KEY, COUNT)
        assert violation(given, condition, given.exact, places) <= 1e-10, condition.name


@pytest.mark.parametrize("name", CONSTRAINED)
def test_hard_constraints_hold_for_any_network(name: str):
    given = small(name)
    u = given.hard(lambda *point: sum(jnp.sum(jnp.sin(1 + part)) for part in point))
    assert given.enforced
    for condition in given.enforced:
        places = condition.sample(KEY, COUNT)
        assert violation(given, condition, u, places) <= 1e-12, condition.name


@pytest.mark.parametrize(
    ("name", "dim"),
    [("sine-gordon-two-body", 100), ("allen-cahn-three-body", 100), ("poisson-exp", 100), ("poisson-houman", 100)],
)
def test_a_closed_right_hand_side_equals_the_generated_one(name: str, dim: int):
    given = problem(name, dim)
    points = given.sample(KEY, 2)
    closed = jax.jit(jax.vmap(given.functions["g(x)"]))(*points)
    generated = jax.jit(jax.vmap(generated_source(given)))(*points)
    assert size(closed - generated) <= 1e-11 * size(closed)


def test_right_hand_sides_are_generated_in_a_thousand_dimensions_at_most():
    with pytest.raises(oc.LimitError, match="closed form"):
        generated_source(problem("poisson-two-body", 1001))


def test_a_seed_is_a_solution():
    x = jnp.full(DIM, 0.1)
    values = [float(problem("poisson-two-body", DIM, seed).exact(x)) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("name", PROBLEMS)
def test_points_belong_to_the_spaces(name: str):
    given = small(name)
    points = given.sample(KEY, COUNT)
    assert [part.shape for part in points] == [(COUNT, n) if n else (COUNT,) for n in given.spaces.values()]
    assert len(given.sizes) == len(points)
    assert all(bool(jnp.all(jnp.isfinite(part))) for part in points)


def test_gradient_enhanced_residuals_vanish_with_all_their_derivatives():
    given = small("sine-gordon-two-body-gradient")
    (points,) = given.sample(KEY, COUNT)
    operator = given.operator()
    assert given.gradient_weight > 0
    assert size(jax.jit(jax.jacfwd(lambda x: operator(given.exact, x)))(points[0])) <= 1e-10


@pytest.mark.parametrize(("dim", "kind"), [(0, oc.OpCompilerError), (1, TypeError)])
def test_a_sum_over_neighbours_needs_neighbours(dim: int, kind: type):
    with pytest.raises(kind):
        problem("poisson-two-body", dim)


def test_unknown_names_and_dimensions_are_refused():
    with pytest.raises(oc.OperatorNameError, match="kdv-2d"):
        problem("navier-stokes")
    with pytest.raises(oc.ArgumentTypeError, match="1 spatial dimension"):
        problem("kdv", 3)


@pytest.mark.parametrize("name", PROBLEMS)
def test_twenty_steps(name: str):
    given = small(name)
    tiny = network(given, jax.random.key(0), width=4, depth=1)
    settings = Settings(steps=20, points=8, boundary_points=4, test_points=4, log_every=10)
    result = train(given, settings, tiny)
    assert [row["step"] for row in result.rows] == [10, 20]
    assert result.loss >= 0
    found = (result.judgement.relative_l2, result.judgement.reference)
    assert given.exact is None or found[0] is not None


@pytest.mark.parametrize(
    ("name", "coefficients"), [("kdv", 4), ("kdv-2d", 8), ("kp", 6), ("kdv-gradient", 9), ("sine-gordon-1d", 4)]
)
def test_solitons_are_trained_with_as_few_coefficients_as_possible(name: str, coefficients: int):
    certificate = problem(name).operator().plan.certificate
    assert (certificate.carried, certificate.minimum) == (coefficients, coefficients)


NARROWED = sorted(name for name in PROBLEMS if name.startswith(("poisson", "allen", "sine-gordon-t", "heat")))


@pytest.mark.parametrize("kind", ["mlp", "modified"])
@pytest.mark.parametrize("name", NARROWED)
def test_a_laplacian_in_a_thousand_dimensions_is_exact_with_the_coefficients_of_the_first_layers(name, kind):
    stated = problem(name, 1000)
    shapes = jax.eval_shape(lambda key: network(stated, key, kind=kind), jax.random.key(0))
    zeros = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
    points = jax.eval_shape(lambda key: stated.sample(key, 2), jax.random.key(0))
    u = zeros if stated.hard is None else stated.hard(zeros)
    plan = stated.operator().plan_for(u, *(jnp.zeros(point.shape, point.dtype) for point in points))
    outputs = {"mlp": 128, "modified": 3 * 128}[kind]
    assert outputs + 2 <= plan.certificate.carried <= outputs + 4
