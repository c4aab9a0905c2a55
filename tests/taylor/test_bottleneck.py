"""Directions recombined where a function narrows: affine values and |x|² together, exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from opcompiler.errors import UnsupportedError
from opcompiler.taylor import OneHot, Recombination, evaluate, pulled_back, variable
from opcompiler.taylor.laplacian import laplacian_algebra

DIM, WIDTH = 24, 3
RANDOM = np.random.default_rng(0)
W1, W2 = (jnp.asarray(RANDOM.normal(size=(DIM, WIDTH)) / DIM**0.5) for _ in range(2))
POINTS = jnp.asarray(RANDOM.normal(size=(3, DIM)) / DIM**0.5).at[2].set(0.0)


def net(x, w=W1):
    return jnp.tanh(x @ w + 0.3).sum(-1)


def square(x):
    return jnp.sum(x**2, -1)


FUNCTIONS = {
    "(1 − |x|²) net": (lambda x, w: (1 - square(x)) * net(x, w), WIDTH + 2),
    "net + |x|² net2": (lambda x, w: net(x, w) + jnp.sum(x * x) * jnp.cos(net(x, W2)), 2 * WIDTH + 2),
    "sin(|x|²) net": (lambda x, w: jnp.sin(x @ x) * net(x, w), WIDTH + 2),
    "net(W @ x) / (1 + |x|²)": (lambda x, w: jnp.tanh(w.T @ x).sum() / (1 + jnp.square(x).sum()), WIDTH + 2),
    "exp(−|x|²), |x|² twice": (lambda x, w: jnp.exp(-(x @ x)) * net(x, w) + jnp.sqrt(1 + square(x)), WIDTH + 2),
    "equal layers": (lambda x, w: net(x, w) * net(x, w) * (1 - x @ x), WIDTH + 2),
    "|x − c|² and |x|²": (lambda x, w: net(x / 2, w) * square(x - 0.3) + jnp.exp(-x @ x), WIDTH + 1 + 2),
    "|x|² among the inputs": (lambda x, w: net(jnp.append(x, x @ x), jnp.concatenate([w, w[:1]])), WIDTH + 2),
    "|x|² alone": (lambda x, w: jnp.exp(-square(x)), 2),
}


def trace_of_hessian(u):
    return jax.jit(lambda x: jnp.trace(jax.hessian(u)(x)))


def recombined_laplacian(u, xs, directions, radial=True):
    algebra, place = laplacian_algebra(xs.shape[-1]), Recombination(0, directions, radial, ((1, 1.0),))
    seeded = variable(xs, algebra, {1: OneHot(((0, 0, xs.shape[-1]),))})
    function = jax.vmap(pulled_back(u, {0: place}))
    return evaluate(function, [seeded], algebra, wanted={2}, recombined={0: place.signs}).coefficient(2)


def laplacian(u, xs, directions, radial=True):
    return jax.jit(lambda xs: recombined_laplacian(u, xs, directions, radial))(xs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_laplacian_is_that_of_nested_differentiation(name):
    function, width = FUNCTIONS[name]
    ours = lambda w: laplacian(lambda x: function(x, w), POINTS, width)
    exact = lambda w: jax.vmap(trace_of_hessian(lambda x: function(x, w)))(POINTS)
    np.testing.assert_allclose(ours(W1), exact(W1), rtol=1e-12, atol=1e-13)
    if name not in ("(1 − |x|²) net", "net + |x|² net2"):
        return
    slope, expected = (jax.jit(jax.grad(lambda w, f=f: (f(w) ** 2).sum()))(W1) for f in (ours, exact))
    np.testing.assert_allclose(slope, expected, rtol=1e-10, atol=1e-11)


def test_layers_of_any_rank_and_several_layers_have_one_factor():
    deficient = W1.at[:, 1].set(W1[:, 0]).at[:, 2].set(0.0)
    for u, width, radial in [
        (lambda x: net(x, deficient) * (1 - x @ x), WIDTH + 2, True),
        (lambda x: net(x, deficient) * jnp.sin(net(x / 3, W2)) + net(-x, W1), 3 * WIDTH, False),
    ]:
        ours = laplacian(u, POINTS, width, radial)
        np.testing.assert_allclose(ours, jax.vmap(trace_of_hessian(u))(POINTS), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("columns", [[0, 1, 2], [0, 0, 1], [3, 0, 0]])
def test_gram_factors_of_every_rank_and_their_derivatives(columns):
    """RᵀR = WᵀW, and so for the first derivatives: the third column of zeros and equal columns are no exception."""
    from opcompiler.taylor.compression import gram_factor

    matrix = jnp.concatenate([W1, jnp.zeros((DIM, 1))], axis=1)[:, np.array(columns)]
    change = jnp.asarray(np.random.default_rng(1).normal(size=matrix.shape))
    product = lambda w: (lambda r: r.T @ r)(gram_factor(w.T @ w))
    gram, tangent = jax.jit(lambda w, v: jax.jvp(product, (w,), (v,)))(matrix, change)
    np.testing.assert_allclose(gram, matrix.T @ matrix, atol=1e-13)
    np.testing.assert_allclose(tangent, change.T @ matrix + matrix.T @ change, atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 5, 64, 100])
def test_derivatives_of_factors_are_matrix_products_alone(size):
    """Ṙ = ½ R⁻ᵀ Ġ, without a triangular solve, which would wait for threads of its own."""
    from opcompiler.taylor.compression import gram_factor

    matrix = jnp.asarray(np.random.default_rng(size).normal(size=(size + 9, size)))
    gram, change = matrix.T @ matrix, jnp.ones((size, size)) + jnp.eye(size)
    derivative = jax.jit(lambda gram, change: jax.jvp(gram_factor, (gram,), (change,)))
    factor, tangent = derivative(gram, change)
    np.testing.assert_allclose(tangent, 0.5 * np.linalg.solve(np.asarray(factor).T, np.asarray(change)), rtol=1e-10)
    assert "trsm" not in derivative.lower(gram, change).compile().as_text()


@pytest.mark.parametrize("scale", [1e-3, 300.0])
def test_single_precision_at_any_distance_from_the_origin(scale):
    """The two directions of |x|² are balanced: nothing large is subtracted."""
    points = scale * POINTS[:2] / jnp.linalg.norm(POINTS[:2], axis=1, keepdims=True)
    u = lambda x: (1 - (x / 1).dot(x) / scale**2) * jnp.tanh(x @ W1.astype(x.dtype) / scale).sum()
    v = lambda x: (1 - x.dot(x) / scale**2) * jnp.tanh((x @ W1.astype(x.dtype)) / scale).sum()
    exact = jax.vmap(trace_of_hessian(u))(points)
    ours = laplacian(v, points.astype(jnp.float32), WIDTH + 2)
    np.testing.assert_allclose(ours, exact, rtol=3e-5)


def test_a_checkpoint_around_the_layers_changes_nothing():
    u = lambda x: (1 - x @ x) * net(x)
    plain, wrapped = (laplacian(f, POINTS, WIDTH + 2) for f in (u, jax.checkpoint(u)))
    np.testing.assert_allclose(plain, wrapped, rtol=1e-13)


def test_more_directions_than_needed_change_nothing():
    np.testing.assert_allclose(laplacian(net, POINTS, WIDTH + 4), laplacian(net, POINTS, WIDTH, False), rtol=1e-12)


@pytest.mark.parametrize(
    "u",
    [
        lambda x: net(x) * x[0],
        lambda x: net(x) * jnp.sum(x**3),
        lambda x: net(2 * x) * net(x, W2),
        lambda x: net(x) * jnp.sum(3 * x**2 + x),
        lambda x: net(x, W1 * x[0]),
        lambda x: net(x * W1[:, 0]) * jnp.sum((x * W1[:, 0]) ** 2),
    ],
)
def test_what_does_not_pass_through_so_few_directions_is_refused(u):
    with pytest.raises(UnsupportedError, match="cannot be recombined"):
        recombined_laplacian(u, POINTS, WIDTH + 2)


def test_original_directions_beside_recombined_ones_are_refused():
    algebra, place = laplacian_algebra(DIM), Recombination(0, WIDTH, False, ((1, 1.0),))
    narrowed = pulled_back(net, {0: place})
    seeded = variable(POINTS[0], algebra, {1: OneHot(((0, 0, DIM),))})
    with pytest.raises(UnsupportedError, match="used elsewhere"):
        evaluate(lambda x: narrowed(x) * (x * x).sum(), [seeded], algebra, recombined={0: None})


def test_memory_and_work_do_not_grow_with_dimension_times_width():
    dim, width, batch = 2000, 16, 8
    weight = jnp.ones((dim, width)) / dim
    u = lambda x: (1 - jnp.sum(x * x)) * jnp.tanh(x @ weight).sum()
    value = lambda xs: recombined_laplacian(u, xs, width + 2)
    analysis = jax.jit(value).lower(jnp.ones((batch, dim))).compile()
    assert analysis.cost_analysis()["flops"] <= 2 * dim * width * (width + 2 * batch)
