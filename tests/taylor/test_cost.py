"""Work is counted, not timed: XLA's flops and the equations of the jaxpr."""

import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from taylor import algebras
from usual import compiled, flops

from opcompiler.ir.algebra import Algebra, Axis, Element, Term
from opcompiler.ir.coefficient import Coefficient
from opcompiler.taylor import OneHot, Recombination, evaluate, pulled_back, variable
from opcompiler.taylor.laplacian import laplacian_algebra
from opcompiler.taylor.univariate import univariate_algebra

BATCH, WIDTH, DEPTH = 64, 256, 4


def network(dim, width=WIDTH, depth=DEPTH):
    random = np.random.default_rng(0)
    sizes = [dim, *[width] * depth, 1]
    weights = [jnp.asarray(random.normal(size=(n, m)) / np.sqrt(n), jnp.float32) for n, m in itertools.pairwise(sizes)]

    def u(weights, x):
        for weight in weights[:-1]:
            x = jnp.tanh(x @ weight)
        return (x @ weights[-1])[..., 0]

    return u, weights


def propagation(algebra, seeds, wanted, dim):
    u, weights = network(dim)
    xs = jnp.ones((BATCH, dim), jnp.float32)

    def value(weights, xs):
        jet = evaluate(lambda x: u(weights, x), (variable(xs, algebra, seeds),), algebra, wanted=wanted)
        return [jet.coefficient(k) for k in sorted(wanted)]

    return value, weights, xs


def kdv_in_two_dimensions():
    """Basis 1, x, y, xx, xy, xxx, xxy, xxxy with y·y = (2/3) xxxy and t = xxx/6 of Taylor coefficients: eight rows."""
    example = algebras.closed_algebra(
        "KdV-2D",
        [
            {(1, 0, 0): 1}, {(0, 1, 0): 1}, {(2, 0, 0): 1}, {(1, 1, 0): 1}, {(3, 0, 0): 1, (0, 0, 1): 1},
            {(2, 1, 0): 1}, {(3, 1, 0): 1, (0, 1, 1): 1, (2, 0, 0): -1, (0, 2, 0): 2},
        ],
    )  # fmt: skip
    return example.algebra, {1: OneHot(((0, 0, 1),)), 2: OneHot(((0, 1, 1),)), 5: OneHot(((0, 2, 1),))}


def test_kdv_lumped_costs_eight_matmuls_and_little_more():
    algebra, seeds = kdv_in_two_dimensions()
    value, weights, xs = propagation(algebra, seeds, {1, 2, 3, 4, 7}, 3)
    matmuls = 2 * BATCH * WIDTH**2 * (DEPTH - 1) * 8
    assert flops(value, weights, xs) <= 1.05 * matmuls


def test_work_of_the_laplacian_is_d_plus_two_rows():
    algebra = laplacian_algebra(10)
    value, weights, xs = propagation(algebra, {1: OneHot(((0, 0, 10),))}, {2}, 10)
    matmuls = 2 * BATCH * WIDTH**2 * (DEPTH - 1) * 12
    assert flops(value, weights, xs) <= 1.03 * matmuls


def test_the_norm_of_a_point_costs_one_number_per_coordinate():
    dim = 4000
    algebra = laplacian_algebra(dim)
    xs = jnp.ones((8, dim))

    def value(xs):
        jet = evaluate(
            lambda x: jnp.exp(-(x**2).sum(-1)), (variable(xs, algebra, {1: OneHot(((0, 0, dim),))}),), algebra
        )
        return jet.coefficient(2)

    program = compiled(value, xs)
    assert program.cost_analysis()["flops"] <= 40 * xs.size
    assert program.memory_analysis().temp_size_in_bytes <= 8 * 8 * xs.size
    np.testing.assert_allclose(value(0.01 * xs), np.exp(-0.0001 * dim) * (4 * 0.0001 * dim - 2 * dim) * np.ones(8))


def test_recombined_directions_cost_the_width_not_the_dimension():
    dim, width = 2000, 16
    algebra = laplacian_algebra(dim)
    u, weights = network(dim, width, 2)
    xs = jnp.asarray(np.random.default_rng(1).normal(size=(BATCH, dim)), jnp.float32)

    def value(weights, xs, places):
        seeds = {1: OneHot(((0, 0, dim),))}
        function = jax.vmap(pulled_back(lambda x: u(weights, x), places))
        signs = {place.axis: place.signs for place in places.values()}
        jet = evaluate(function, (variable(xs, algebra, seeds),), algebra, wanted={2}, recombined=signs)
        return jet.coefficient(2)

    few = {0: Recombination(0, width, False, ((1, 1.0),))}
    plain, recombined = (lambda w, x, places=places: value(w, x, places) for places in ({}, few))
    values = [jax.jit(f)(weights, xs) for f in (plain, recombined)]
    np.testing.assert_allclose(values[1], values[0], rtol=2e-4, atol=2e-4)
    assert flops(recombined, weights, xs) <= 0.1 * flops(plain, weights, xs)
    gradients = [jax.jit(jax.grad(lambda w, f=f: (f(w, xs) ** 2).sum()))(weights) for f in (plain, recombined)]
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3 * float(jnp.abs(a).max()))


def test_the_last_layer_computes_only_what_is_read():
    example = algebras.univariate(4)
    counts = []
    for wanted in ({4}, {1, 2, 3, 4}):
        value, weights, xs = propagation(example.algebra, {1: OneHot(((0, 0, 1),))}, wanted, 1)
        counts.append(flops(value, weights, xs))
    assert counts[0] < counts[1]


def test_equations_grow_linearly_with_depth():
    example = algebras.mixed(2, 2)
    seeds = {1: OneHot(((0, 0, 1),)), 2: OneHot(((0, 1, 1),))}

    def equations(depth):
        u, weights = network(2, 8, depth)
        xs = jnp.ones((4, 2), jnp.float32)
        closed = jax.make_jaxpr(
            lambda x: evaluate(lambda y: u(weights, y), (variable(x, example.algebra, seeds),), example.algebra)
        )(xs)
        return len(closed.jaxpr.eqns)

    three, six, nine = (equations(depth) for depth in (3, 6, 9))
    assert nine - six == six - three


def equations_in(jaxpr):
    """Equations of a jaxpr, those of inner calls counted instead of the call."""
    inner = [[v.jaxpr for v in e.params.values() if hasattr(v, "jaxpr")] for e in jaxpr.eqns]
    return sum(sum(map(equations_in, bodies)) if bodies else 1 for bodies in inner)


def table_work(algebra):
    """Products that one nonlinearity needs: every power n², …, nᴷ takes the terms of its degrees and above."""
    degrees = [element.degree for element in algebra.elements]
    return sum(
        1 + (t.left != t.right) for j in range(2, max(degrees) + 1) for t in algebra.table if degrees[t.out] >= j
    )


def test_work_grows_with_the_order_as_the_table_says():
    """Per layer: matmuls by the number of coefficients, elementwise work by the products of the table, at most."""
    width, orders, batch = 32, (2, 4, 6, 8), 16
    equations, elementwise, tables = [], [], []
    for order in orders:
        algebra = univariate_algebra(order)
        counts = []
        for depth in (2, 3):
            u, weights = network(1, width, depth)

            def value(xs, u=u, weights=weights, algebra=algebra):
                seeded = variable(xs, algebra, {1: OneHot(((0, 0, 1),))})
                return evaluate(lambda x: u(weights, x), (seeded,), algebra).coefficient(len(algebra.elements) - 1)

            xs = jnp.ones((batch, 1), jnp.float32)
            counts.append(
                (equations_in(jax.make_jaxpr(value)(xs).jaxpr), jax.jit(value).lower(xs).cost_analysis()["flops"])
            )
        layer = np.subtract(counts[1], counts[0])
        equations.append(layer[0])
        elementwise.append((layer[1] - 2 * batch * width**2 * (order + 1)) / (batch * width))
        tables.append(table_work(algebra))
    for counted in (equations, elementwise):
        slope = np.polyfit(np.log(tables), np.log(counted), 1)[0]
        assert 0.4 < slope < 1.05, (counted, tables)
    assert all(flops <= 6 * work + 12 for flops, work in zip(elementwise, tables, strict=True)), (elementwise, tables)


def test_the_reverse_pass_makes_one_matmul_per_weight():
    """Under an outer vmap every sample would get its own weight gradient; batch axes are interpreted natively."""
    algebra = laplacian_algebra(10)
    value, weights, xs = propagation(algebra, {1: OneHot(((0, 0, 10),))}, {2}, 10)
    forward = flops(value, weights, xs)
    training = flops(jax.grad(lambda w, x: (value(w, x)[0] ** 2).sum()), weights, xs)
    assert training <= 3.2 * forward


def test_families_with_weights_keep_one_axis():
    dim = 50
    axis = Axis(algebras.laplacian(dim).algebra.axes[0].ranges)
    weights = tuple(Fraction(i) for i in range(1, dim + 1))
    algebra = Algebra(
        (Element("u", 0), Element("∂ᵢ", 1, 0), Element("Σ i ∂ᵢ²", 2)),
        (axis,),
        (Term(1, 1, 2, Coefficient.of(2), weights),),
    )
    xs = jnp.linspace(0.1, 1, dim)[None]
    jet = evaluate(jnp.sin, (variable(xs, algebra, {1: OneHot(((0, 0, dim),))}),), algebra)
    np.testing.assert_allclose(jet.coefficient(2), -jnp.sin(xs) * jnp.arange(1, dim + 1))
