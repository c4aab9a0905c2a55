"""Functions that solve an equation over the algebra: precise in single precision, over any table, and cheap."""

from itertools import product
from math import comb

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from taylor.coverage.cases import Case, draw
from taylor.coverage.test_single_precision import ULP, coefficients
from taylor.test_cost import equations_in
from taylor.test_large_tables import ALWAYS, NEVER

from opcompiler.ir.algebra import Algebra, Element, Term
from opcompiler.ir.coefficient import Coefficient
from opcompiler.taylor import evaluate, packing, variable
from opcompiler.taylor.univariate import univariate_algebra

SQUARES = lambda x, y: 0.2 + x**2 + y**2

FUNCTIONS = {
    "quotient": lambda x, y: y / SQUARES(x, y),
    "square root": lambda x, y: jnp.sqrt(SQUARES(x, y)),
    "reciprocal root": lambda x, y: lax.rsqrt(SQUARES(x, y)),
    "cube root": lambda x, y: jnp.cbrt(SQUARES(x, y)),
    "negative power": lambda x, y: lax.integer_pow(SQUARES(x, y), -3),
    "fractional power": lambda x, y: SQUARES(x, y) ** -1.3,
    "variable power": lambda x, y: SQUARES(x, y) ** y,
    "logarithm": lambda x, y: jnp.log(SQUARES(x, y)),
    "log1p": lambda x, y: jnp.log1p(SQUARES(x, y)),
    "exponential": lambda x, y: jnp.exp(-SQUARES(x, y)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_single_precision_over_many_curves(name):
    """At a thousand points with random curves the root-mean-square error is that of nested `jax.jvp`, or less."""
    arguments = draw(1000, salt=61), draw(1000, salt=62)
    case = Case(f"recurrences: {name}", "elementwise", FUNCTIONS[name], arguments)
    exact, nested, ours = coefficients(case, 4, np.float32)
    for order, (want, theirs, have) in enumerate(zip(exact[1:], nested[1:], ours[1:], strict=True), 1):
        errors = [np.sqrt(np.mean((value[0] - want[0]) ** 2)) for value in (have, theirs)]
        assert errors[0] <= 1.25 * errors[1] + 0.1 * ULP * np.std(want[0]), (order, errors)


def everything(x):
    """All of them at once, of the coordinates of one point."""
    return sum(f(x[..., 0] * x[..., 1], x[..., 1]) for f in FUNCTIONS.values())


def third_derivatives(function):
    return jax.jacfwd(jax.jacfwd(jax.jacfwd(function)))


def test_stacked_tables_give_the_same(monkeypatch):
    """The table of all derivatives ∂ˣⁱ∂ʸʲ of third order."""
    labels = sorted((label for label in product(range(4), repeat=2) if sum(label) <= 3), key=sum)
    number = {label: n for n, label in enumerate(labels)}
    table = []
    for (i, j), out in number.items():
        for p, q in product(range(i + 1), range(j + 1)):
            left, right = number[p, q], number[i - p, j - q]
            if 0 < left <= right:
                table.append(Term(left, right, out, Coefficient.of(comb(i, p) * comb(j, q))))
    algebra = Algebra(tuple(Element(f"∂ˣ{i}∂ʸ{j}", i + j) for i, j in labels), (), tuple(table))
    seeds = {number[1, 0]: np.array([1.0, 0.0]), number[0, 1]: np.array([0.0, 1.0])}
    points = jnp.asarray([[0.3, -0.8], [0.9, 0.4]])
    seeds = {k: jnp.broadcast_to(v, points.shape) for k, v in seeds.items()}
    third = range(len(labels) - 4, len(labels))
    results = []
    for size in (ALWAYS, NEVER):
        monkeypatch.setattr(packing, "LARGE_TABLE", size)
        monkeypatch.setattr(packing, "LARGE_BASIS", size)
        program = jax.jit(lambda x: evaluate(everything, (variable(x, algebra, seeds),), algebra).stacked(third))
        results.append(program(points))
    np.testing.assert_allclose(*results, rtol=1e-12, atol=1e-12)
    want = jax.jit(jax.vmap(third_derivatives(everything)))(points)
    for n, k in enumerate(third):
        np.testing.assert_allclose(
            results[0][n], want[(slice(None), *(0,) * labels[k][0], *(1,) * labels[k][1])], 1e-10
        )


def test_tables_with_scalars_that_are_known_only_at_run_time():
    """Elements 1, ∂, ∂², s·∂³."""
    plain = univariate_algebra(3)
    low = tuple(term for term in plain.table if term.out < 3)
    algebra = Algebra(plain.elements, (), (*low, Term(1, 2, 3, Coefficient.of(3) * Coefficient.scalar(0))))
    x, along = jnp.asarray([0.3, -0.4]), jnp.ones(2)

    @jax.jit
    def last(s):
        return evaluate(everything, (variable(x, algebra, {1: along}),), algebra, scalars=(s,)).coefficient(3)

    third = jax.jit(third_derivatives(lambda t: everything(x + t * along)))(0.0)
    for s in (2.0, -0.5):
        np.testing.assert_allclose(last(s), s * third, rtol=1e-10)


@pytest.mark.parametrize("function", [jnp.sqrt, jnp.cbrt, lax.rsqrt, lambda x: x**0.3, lambda x: x**-2.0, jnp.log])
def test_first_derivatives_at_zero_are_infinite(function):
    algebra = univariate_algebra(1)
    jet = evaluate(function, (variable(jnp.zeros(1), algebra, {1: jnp.ones(1)}),), algebra)
    value, slope = jax.jvp(function, (jnp.zeros(1),), (jnp.ones(1),))
    np.testing.assert_array_equal(jet.coefficient(0), value)
    np.testing.assert_array_equal(np.abs(jet.coefficient(1)), np.abs(slope))


def test_powers_above_one_are_differentiated_where_they_vanish():
    algebra = univariate_algebra(2)
    jet = evaluate(lambda x: x**2.5, (variable(jnp.zeros(1), algebra, {1: jnp.ones(1)}),), algebra)
    assert [jet.coefficient(k)[0] for k in range(3)] == [0.0, 0.0, 0.0]


def test_a_variable_power_is_differentiated_once_more():
    algebra = univariate_algebra(2)

    def second(x):
        jet = evaluate(lambda x, y: x**y, [variable(v, algebra, {1: jnp.ones(())}) for v in (x, 0.5 * x)], algebra)
        return jet.coefficient(2)

    exact = jax.grad(jax.grad(lambda t, x: (x + t) ** (0.5 * x + t)))
    np.testing.assert_allclose(second(0.7), exact(0.0, 0.7), rtol=1e-12)
    np.testing.assert_allclose(jax.grad(second)(0.7), jax.grad(exact, 1)(0.0, 0.7), rtol=1e-11)


def test_a_quotient_costs_little_more_than_a_product():
    algebra = univariate_algebra(6)
    x = jnp.asarray([0.5, 0.7])

    def equations(function):
        def value(x, y):
            seeded = [variable(v, algebra, {k: jnp.ones(2) for k in range(1, 7)}) for v in (x, y)]
            return evaluate(function, seeded, algebra).coefficient(6)

        return equations_in(jax.make_jaxpr(value)(x, x).jaxpr)

    product = equations(lambda x, y: x * y * y)
    assert equations(lambda x, y: x / y) <= 3 * product
