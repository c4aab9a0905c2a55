"""Large algebras: the program does not grow with the table, and the numbers are those of the written-out products."""

from itertools import combinations_with_replacement

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from taylor import algebras
from taylor.test_cost import equations_in

import opcompiler
from opcompiler.ir.algebra import Algebra, Element, Term
from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.taylor import Jet, OneHot, evaluate, packing, variable
from opcompiler.taylor.rows import Segments, rows_of

ALWAYS, NEVER = 1, 10**9


@pytest.fixture
def stacked_from(monkeypatch):
    def choose(size):
        monkeypatch.setattr(packing, "LARGE_TABLE", size)
        monkeypatch.setattr(packing, "LARGE_BASIS", size)

    return choose


def all_second_derivatives(dim):
    """1, ∂_i, and ∂_i∂_j for i ≤ j, the square of ∂_i with its half."""
    pairs = list(combinations_with_replacement(range(1, dim + 1), 2))
    elements = [Element("1", 0), *(Element(f"∂{i}", 1) for i in range(1, dim + 1))]
    elements += [Element(f"∂{i}∂{j}", 2) for i, j in pairs]
    table = tuple(Term(i, j, dim + 1 + n, Coefficient.of(2) if i == j else ONE) for n, (i, j) in enumerate(pairs))
    return Algebra(tuple(elements), (), table), {i: OneHot(((0, i - 1, 1),)) for i in range(1, dim + 1)}


def network(dim):
    random = np.random.default_rng(dim)
    weights = [jnp.asarray(random.normal(size=shape) / np.sqrt(shape[0])) for shape in ((dim, 6), (6, 6), (6,))]
    return lambda w, x: jnp.tanh(jnp.tanh(x @ w[0]) @ w[1]) @ w[2], weights


def second_derivatives(dim, batch=2):
    algebra, seeds = all_second_derivatives(dim)
    u, weights = network(dim)
    points = jnp.asarray(np.random.default_rng(1).uniform(-1, 1, (batch, dim)))
    last = range(dim + 1, len(algebra.elements))

    def rows(weights, points):
        jet = evaluate(lambda x: u(weights, x), (variable(points, algebra, seeds),), algebra, wanted=set(last))
        return jet.stacked(list(last))

    return rows, u, weights, points


def test_programs_do_not_grow_with_the_table():
    forward, backward = [], []
    for dim in (10, 20, 30):
        rows, _, weights, points = second_derivatives(dim)
        forward.append(equations_in(jax.make_jaxpr(rows)(weights, points).jaxpr))
        gradient = jax.grad(lambda w, x, rows=rows: (rows(w, x) ** 2).sum())
        backward.append(equations_in(jax.make_jaxpr(gradient)(weights, points).jaxpr))
    assert max(forward) - min(forward) <= 0.1 * min(forward), forward
    assert max(backward) <= 2 * min(backward), backward


def test_operators_with_large_tables_stay_small_programs():
    counts = []
    for dim in (10, 12):
        operator, (_, u, weights, points) = opcompiler.compile("D²u", spaces={"x": dim}), second_derivatives(dim)
        value = lambda w, x, u=u, operator=operator: operator(lambda z: u(w, z), x)
        counts.append(equations_in(jax.make_jaxpr(value)(weights, points).jaxpr))
        if dim == 10:
            hessian = jax.vmap(jax.hessian(lambda z, u=u, w=weights: u(w, z)))(points)
            np.testing.assert_allclose(jax.jit(value)(weights, points), hessian, rtol=1e-10, atol=1e-13)
    assert abs(counts[1] - counts[0]) <= 0.1 * counts[0], counts


def test_values_gradients_and_batching_agree_with_written_out_products(stacked_from):
    results = []
    for size in (ALWAYS, NEVER):
        stacked_from(size)
        rows, _, weights, points = second_derivatives(4)
        loss = lambda w, x, rows=rows: jnp.sum(jnp.sin(rows(w, x)))
        results.append(
            jax.jit(
                lambda w, x, rows=rows, loss=loss: (
                    rows(w, x),
                    jax.grad(loss)(w, x),
                    jax.vmap(lambda v, w=w: rows(w, v))(x[:, None]),
                )
            )(weights, points)
        )
    for ours, plain in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-12, atol=1e-13)


@jax.custom_jvp
def own_rule(x, y):
    return jnp.sin(x) * y


own_rule.defjvp(lambda p, t: (own_rule(*p), jnp.cos(p[0]) * p[1] * t[0] + jnp.sin(p[0]) * t[1]))

FUNCTIONS = {
    "products, quotients and powers": lambda x: jnp.exp(x[0] * x[1]) / (2.0 + x[2] ** 2) * x**3,
    "product of matrices": lambda x: (jnp.outer(x, x) + jnp.eye(3)) @ jnp.outer(jnp.sin(x), x),
    "solve and singular values": lambda x: jnp.linalg.svd(
        jnp.linalg.inv(jnp.outer(x, jnp.cos(x)) + jnp.diag(jnp.array([1.0, 2.0, 4.0]))), compute_uv=False
    ),
    "convolution": lambda x: jnp.convolve(x * x, x[::-1]),
    "rule of its own": lambda x: own_rule(x, x[::-1]),
    "nothing but the point": lambda x: x,
}
GRADED, UNGRADED, FAMILIES = algebras.mixed(2, 1), algebras.lumped(), algebras.heat_gradient(2)


@pytest.mark.parametrize(
    ("example", "names"),
    [(GRADED, list(FUNCTIONS)), (UNGRADED, ["rule of its own"]), (FAMILIES, ["products, quotients and powers"])],
    ids=["graded", "not graded", "families beside single elements"],
)
def test_stacked_coefficients_are_the_written_out_ones(example, names, stacked_from):
    algebra, functions = example.algebra, [FUNCTIONS[name] for name in names]
    random = np.random.default_rng(5)
    x = jnp.array([0.3, -0.5, 0.7])
    shapes = [(algebra.size(e), 3) if e.axis is not None else (3,) for e in algebra.elements]
    seeds: dict = {k: jnp.asarray(random.uniform(-0.5, 0.5, shape)) for k, shape in enumerate(shapes) if k}
    seeds[1] = seeds[1] if algebra.elements[1].axis is not None else OneHot(((0, 1, 1),), 0.5)

    def coefficients(x):
        jets = [evaluate(f, (variable(x, algebra, seeds),), algebra) for f in functions]
        return [[jet.coefficient(k) for k in range(len(algebra.elements))] for jet in jets]

    results = []
    for size in (ALWAYS, NEVER):
        stacked_from(size)
        results.append(jax.jit(lambda x: coefficients(x))(x))
    for name, ours, plain in zip(names, *results, strict=True):
        for k, (a, b) in enumerate(zip(ours, plain, strict=True)):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=f"{name}, element {k}")


def test_constants_may_be_scalars_of_run_time(stacked_from):
    scalar = Coefficient.of(3) + Coefficient.scalar(0)
    algebra, seeds = all_second_derivatives(2)
    algebra = Algebra(algebra.elements, (), tuple(Term(t.left, t.right, t.out, scalar) for t in algebra.table))
    stacked_from(ALWAYS)
    jet = evaluate(
        lambda x: x[0] * x[1], (variable(jnp.ones(2), algebra, seeds),), algebra, scalars=(jnp.asarray(2.0),)
    )
    np.testing.assert_allclose([jet.coefficient(k) for k in range(1, 6)], [1, 1, 0, 5, 0])


def test_a_stacked_jet_can_be_evaluated_further(stacked_from):
    stacked_from(ALWAYS)
    algebra, seeds = all_second_derivatives(2)
    first = evaluate(jnp.sin, (variable(jnp.array([0.2, 0.4]), algebra, seeds),), algebra)
    assert isinstance(jax.tree.map(lambda leaf: leaf, first), Jet)
    second = evaluate(lambda y: jnp.exp(y[0] * y[1]), (first,), algebra)
    hessian = jax.hessian(lambda x: jnp.exp(jnp.sin(x[0]) * jnp.sin(x[1])))(jnp.array([0.2, 0.4]))
    np.testing.assert_allclose(second.stacked([5, 3, 4]), [hessian[1, 1], hessian[0, 0], hessian[0, 1]], rtol=1e-12)
    assert second.stacked([0, 3]).shape == (2,)


def test_rows_are_a_linear_map_that_knows_its_transpose():
    places = np.array([2, 0, 2, 2, 1, 2])
    array = jnp.asarray(np.random.default_rng(0).normal(size=(4, 3)))
    weights = jnp.arange(18.0).reshape(6, 3)
    ours, plain = (lambda a: rows_of(a, places)), (lambda a: a[places])
    transforms = (
        lambda f: f(array),
        lambda f: jax.vmap(f, in_axes=1, out_axes=1)(array),
        lambda f: jax.jvp(f, (array,), (array**2,))[1],
        lambda f: jax.grad(lambda a: jnp.sum(weights * f(a) ** 2))(array),
        lambda f: jax.hessian(lambda a: jnp.sum(weights * f(a) ** 3))(array),
    )
    have, want = jax.jit(lambda: [[transform(f) for transform in transforms] for f in (ours, plain)])()
    for a, b in zip(have, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_entries_are_added_up_to_rows():
    out = np.repeat([4, 0, 2], [9, 1, 2])
    values = jnp.asarray(np.random.default_rng(0).normal(size=(12, 2)))
    have = Segments(out, 5).summed(lambda entries: rows_of(values, entries), np.arange(12.0))
    want = np.zeros((5, 2))
    np.add.at(want, out, np.arange(12.0)[:, None] * np.asarray(values))
    np.testing.assert_allclose(have, want, rtol=1e-13)
