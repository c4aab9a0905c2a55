"""Work counted by XLA, against peers written out here: an MLP 4×256 at 64 points."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from usual import compiled

import opcompiler as oc

BATCH, WIDTH = 64, 256


def values_and_flops(function, xs):
    program = compiled(function, xs)
    return program(xs), program.cost_analysis()["flops"]


def network(dim):
    keys = jax.random.split(jax.random.key(0), 5)
    sizes = [dim, WIDTH, WIDTH, WIDTH, WIDTH, 1]
    weights = [
        jax.random.normal(k, shape, jnp.float32) / np.sqrt(shape[0])
        for k, shape in zip(keys, itertools.pairwise(sizes), strict=True)
    ]

    def u(x):
        for weight in weights[:-1]:
            x = jnp.tanh(x @ weight)
        return (x @ weights[-1])[..., 0]

    return u, weights


def bilaplacian_directions(dim):
    """The polarisation set e_i, e_i + e_j, 3e_i + e_j, with the weights that give |ξ|⁴."""
    unit = np.eye(dim)
    pairs = list(itertools.combinations(range(dim), 2))
    directions = np.array(
        [unit[i] for i in range(dim)]
        + [unit[i] + unit[j] for i, j in pairs]
        + [3 * unit[i] + unit[j] for i, j in itertools.permutations(range(dim), 2)]
    )
    samples = np.random.default_rng(0).normal(size=(400, dim))
    values = (samples @ directions.T) ** 4
    weights, *_ = np.linalg.lstsq(values, (samples**2).sum(1) ** 2, rcond=None)
    np.testing.assert_allclose(values @ weights, (samples**2).sum(1) ** 2, rtol=1e-9)
    return directions, weights


def collapsed_bilaplacian(layers, directions, weights):
    """Δ² of the MLP by collapsed Taylor mode: three coefficients per direction, the fourth already summed."""
    count = len(directions)
    w = jnp.asarray(weights, jnp.float32)[:, None, None]

    def value(xs):
        first = jnp.broadcast_to(jnp.asarray(directions, jnp.float32)[:, None], (count, *xs.shape))
        zero = jnp.zeros_like(first)
        stack = jnp.concatenate([xs[None], first, zero, zero, jnp.zeros_like(xs)[None]])
        for layer in layers[:-1]:
            stack = tanh(stack @ layer)
        return (stack[-1] @ layers[-1])[..., 0]

    def tanh(stack):
        x0, x1, x2, x3, x4 = jnp.split(stack, [1, 1 + count, 1 + 2 * count, 1 + 3 * count])
        y = jnp.tanh(x0)
        d1 = 1 - y * y
        d2 = -2 * y * d1
        d3 = -2 * d1 * d1 - 2 * y * d2
        d4 = -6 * d1 * d2 - 2 * y * d3
        y1 = d1 * x1
        y2 = d1 * x2 + d2 * x1**2
        y3 = d1 * x3 + 3 * d2 * x1 * x2 + d3 * x1**3
        top = d2 * (4 * x1 * x3 + 3 * x2**2) + 6 * d3 * x1**2 * x2 + d4 * x1**4
        y4 = d1 * x4 + jnp.sum(w * top, 0, keepdims=True)
        return jnp.concatenate([y, y1, y2, y3, y4])

    return value


def trace_of_hessian(u):
    return lambda x: jnp.trace(jax.hessian(u)(x))


@pytest.fixture(scope="module")
def bilaplacian():
    u, layers = network(5)
    xs = jax.random.normal(jax.random.key(1), (BATCH, 5), jnp.float32)
    op = oc.compile("Δ²u", spaces={"x": 5})
    return u, layers, xs, *values_and_flops(lambda x: op(u, x), xs)


def test_the_bilaplacian_against_collapsed_polarisation(bilaplacian):
    _, layers, xs, values, flops = bilaplacian
    directions, weights = bilaplacian_directions(5)
    assert len(directions) == 35
    peer = collapsed_bilaplacian(layers, directions, weights)
    expected, work = values_and_flops(peer, xs)
    np.testing.assert_allclose(values, expected, rtol=2e-3, atol=2e-3)
    assert flops <= 0.28 * work


def test_the_bilaplacian_against_twice_the_trace_of_the_hessian(bilaplacian):
    u, _, xs, values, flops = bilaplacian
    expected, work = values_and_flops(jax.vmap(trace_of_hessian(trace_of_hessian(u))), xs)
    np.testing.assert_allclose(values, expected, rtol=2e-3, atol=2e-3)
    assert flops <= 0.25 * work


def along(u, axis):
    """∂u/∂x_axis of a function that returns any pytree."""

    def derivative(x):
        return jax.jvp(u, (x,), (jnp.zeros_like(x).at[axis].set(1),))[1]

    return derivative


def kdv_terms_first_y(u):
    """u_y innermost, three x-derivatives around it, u_yy and u_ty beside it."""

    def value(x):
        with_y = lambda z: (u(z), along(u, 1)(z))
        first, second, third = along(with_y, 0), along(along(with_y, 0), 0), along(along(along(with_y, 0), 0), 0)
        (u_x, u_xy), (u_xx, _), (_, u_xxxy) = first(x), second(x), third(x)
        u_y = along(u, 1)(x)
        u_yy, u_ty = along(along(u, 1), 1)(x), along(along(u, 1), 2)(x)
        return u_ty + u_xxxy + 3 * (u_xy * u_x + u_y * u_xx) - u_xx + 2 * u_yy

    return value


def kdv_terms_first_x(u):
    """Three x-derivatives innermost, one derivative along y around them."""

    def value(x):
        ladder = lambda z: (along(u, 0)(z), along(along(u, 0), 0)(z), along(along(along(u, 0), 0), 0)(z))
        (u_x, u_xx, _), (u_xy, _, u_xxxy) = ladder(x), along(ladder, 1)(x)
        u_y = along(u, 1)(x)
        u_yy, u_ty = along(along(u, 1), 1)(x), along(along(u, 2), 1)(x)
        return u_ty + u_xxxy + 3 * (u_xy * u_x + u_y * u_xx) - u_xx + 2 * u_yy

    return value


def test_kdv_in_two_dimensions_against_nested_jvp():
    u, _ = network(3)
    xs = jax.random.normal(jax.random.key(2), (BATCH, 3), jnp.float32)
    op = oc.compile("u_ty + u_xxxy + 3(u_y u_x)_x - u_xx + 2u_yy", spaces={"z": ("x", "y", "t")})
    values, flops = values_and_flops(lambda x: op(u, x), xs)
    peers = [values_and_flops(jax.vmap(peer(u)), xs) for peer in (kdv_terms_first_y, kdv_terms_first_x)]
    for expected, _ in peers:
        np.testing.assert_allclose(values, expected, rtol=2e-3, atol=2e-3)
    assert flops <= 0.75 * min(work for _, work in peers)


def test_the_laplacian_costs_d_plus_two_rows():
    u, layers = network(10)
    xs = jax.random.normal(jax.random.key(3), (BATCH, 10), jnp.float32)
    op = oc.compile("Δu", spaces={"x": 10})
    matmuls = 2 * BATCH * 12 * sum(layer.size for layer in layers)
    values, flops = values_and_flops(lambda x: op(u, x), xs)
    assert flops <= 1.1 * matmuls
    expected = jax.jit(jax.vmap(oracles.laplacian(u)))(xs)
    np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-3)
