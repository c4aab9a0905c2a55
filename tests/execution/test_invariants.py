"""What all steps of a loop compute alike is computed once, before the loop, and differentiated once, behind it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.execution.invariants import invariants_of, with_invariants
from opcompiler.taylor import jaxpr as jx

RANDOM = np.random.default_rng(0)
DIM, WIDTH = 60, 8
W = jnp.asarray(RANDOM.normal(size=(DIM, WIDTH)) / DIM**0.5)
POINTS = jnp.asarray(RANDOM.normal(size=(12, DIM)))


def dots(closed, inside=False):
    """Yield (whether in a loop, shapes of the operands) of every product of matrices."""
    for equation in jx.open_jaxpr(closed).eqns:
        if equation.primitive.name == "dot_general":
            yield inside, tuple(jx.shape_of(v) for v in equation.invars)
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                if hasattr(inner, "jaxpr") or hasattr(inner, "eqns"):
                    yield from dots(inner, inside or equation.primitive.name == "scan")


def of_gram(closed, shapes):
    """Return for every product of matrices of these shapes, or their transposes, whether it is in a loop."""
    wanted = sorted(map(sorted, shapes))
    return [inside for inside, found in dots(closed) if sorted(map(sorted, found)) == wanted]


def parts_of(function, shared, *arguments):
    closed, _ = jx.trace(function, *arguments)
    return invariants_of(closed, shared), jx.constants(closed)


def test_a_product_of_shared_matrices_moves_and_the_rest_stays():
    parts, constants = parts_of(lambda a, b, x: jnp.tanh(x @ (a @ b)), 2, W, W.T, POINTS)
    values = parts.first(*constants, W, W.T)
    assert [v.shape for v in values] == [(DIM, DIM)]
    (result,) = parts.rest(*constants, W, W.T, *values, POINTS)
    np.testing.assert_allclose(result, jnp.tanh(POINTS @ W @ W.T), rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [lambda a, x: x @ a, lambda a, x: x @ jnp.tanh(a.T).T, lambda a, x: jnp.broadcast_to(a.sum(), x.shape) * x],
)
def test_what_costs_no_more_than_reading_it_stays(function):
    parts, constants = parts_of(function, 1, W, POINTS)
    assert parts.first(*constants, W) == []
    (result,) = parts.rest(*constants, W, POINTS)
    np.testing.assert_allclose(result, function(W, POINTS), rtol=1e-12)


def test_what_is_small_moves_along_and_what_is_spread_out_stays():
    def function(a, x):
        small = jnp.linalg.cholesky(a.T @ a)[:2] * 2
        return x[:, :2] + jnp.broadcast_to(small.sum(1), (len(x), 2))

    parts, constants = parts_of(function, 1, W, POINTS)
    assert sum(v.size for v in parts.first(*constants, W)) <= 2 * WIDTH


def test_values_closed_over_are_shared():
    step = with_invariants(lambda x: x @ (W @ W.T), POINTS)
    np.testing.assert_allclose(step(POINTS), POINTS @ W @ W.T, rtol=1e-12)


def loss(weights, chunk):
    op = oc.compile("Δu", spaces={"x": DIM})
    return oc.mean_squared(op, lambda x: jnp.sum(jnp.sin(jnp.tanh(x @ weights))), POINTS, chunk=chunk)


def test_gram_matrices_are_formed_and_differentiated_outside_of_the_chunks():
    closed = jax.make_jaxpr(jax.grad(loss), static_argnums=1)(W, 4)
    assert of_gram(closed, [(DIM, WIDTH), (DIM, WIDTH)])
    assert not any(of_gram(closed, [(DIM, WIDTH), (DIM, WIDTH)]))
    assert not any(of_gram(closed, [(DIM, WIDTH), (WIDTH, WIDTH)]))


@pytest.mark.parametrize("chunk", [1, 4, 12])
def test_gradients_in_chunks_are_those_of_all_points_at_once(chunk):
    np.testing.assert_allclose(jax.grad(loss)(W, chunk), jax.grad(loss)(W, None), rtol=1e-9, atol=1e-12)


def test_gradients_pass_through_chunks_of_the_operator():
    def total(weights, scheme):
        op = oc.compile("Δu", spaces={"x": DIM}, scheme=scheme)
        return jnp.sum(op(lambda x: jnp.sum(jnp.sin(jnp.tanh(x @ weights))), POINTS) ** 2)

    chunked, whole = (jax.grad(total)(W, scheme) for scheme in (oc.Exact(chunk=5), oc.Exact(chunk=12)))
    np.testing.assert_allclose(chunked, whole, rtol=1e-9, atol=1e-12)
    closed = jax.make_jaxpr(lambda w: total(w, oc.Exact(chunk=5)))(W)
    assert of_gram(closed, [(DIM, WIDTH), (DIM, WIDTH)]) == [False]
