"""Differentiating what `evaluate` returns: f(a) has the derivative f'(a) · da in the algebra."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from jax import lax
from taylor import algebras

from opcompiler.taylor import evaluate, forward_laplacian, variable

FUNCTIONS = {
    "tanh": jnp.tanh,
    "exp": jnp.exp,
    "logistic": jax.nn.sigmoid,
    "cube": lambda x: x**3,
    "square": lambda x: x * x + jnp.square(x),
    "erf": lax.erf,
    "log": lambda x: jnp.log(2 + x),
    "quotient of powers": lambda x: jnp.sqrt(2 + x) / (3 + x) ** 1.3 * lax.integer_pow(2 + x, -2),
}


def nested(f, order):
    for _ in range(order):
        f = (lambda g: lambda x: jax.jvp(g, (x,), (jnp.ones_like(x),))[1])(f)
    return f


@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_and_reverse_derivatives_of_a_composition(name):
    """d/dx of the k-th coefficient is the next derivative, in both modes and twice."""
    f, algebra = FUNCTIONS[name], algebras.univariate(3).algebra
    x = jnp.asarray([-0.7, 0.3, 0.9])

    def third(x):
        inner = lambda y: f(0.5 * y)
        return evaluate(inner, [variable(x, algebra, {1: jnp.ones(3)})], algebra).coefficient(3)

    exact = [nested(lambda y: f(0.5 * y), order)(x) for order in (3, 4, 5)]
    value, forward = jax.jvp(third, (x,), (jnp.ones(3),))
    reverse = jax.grad(lambda x: third(x).sum())
    for ours, expected in zip((value, forward, reverse(x)), (exact[0], exact[1], exact[1]), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(jax.jvp(reverse, (x,), (jnp.ones(3),))[1], exact[2], rtol=1e-10, atol=1e-11)


def test_tangents_of_what_is_constant_over_the_batch_are_summed_over_it():
    keys = jax.random.split(jax.random.key(0), 3)
    xs = jax.random.normal(keys[0], (5, 3))
    weights = jax.random.normal(keys[1], (3, 4)), jax.random.normal(keys[2], (4, 2))
    u = lambda w, x: jnp.sin(jnp.tanh(x @ w[0]) @ w[1]).sum()
    ours = jax.grad(lambda w: (jax.vmap(lambda x: forward_laplacian(lambda y: u(w, y))(x).laplacian)(xs) ** 2).sum())
    exact = jax.grad(lambda w: (jax.vmap(lambda x: oracles.laplacian(lambda y: u(w, y))(x))(xs) ** 2).sum())
    for a, b in zip(jax.jit(ours)(weights), jax.jit(exact)(weights), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_an_operator_inside_the_function_is_entered():
    """Δ of a function that takes a Laplacian itself: no recursion on the derivative rule of the inner compositions."""
    matrix = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3)))
    x = jnp.asarray([0.2, -0.4])
    inner = lambda y: jnp.tanh(y @ matrix).sum()
    ours = forward_laplacian(lambda y: forward_laplacian(inner)(y).laplacian)(x).laplacian
    np.testing.assert_allclose(ours, oracles.laplacian(oracles.laplacian(inner))(x), rtol=1e-10)
    algebra = algebras.univariate(1).algebra
    seeded = lambda y: variable(y, algebra, {1: jnp.ones_like(y)})
    twice = lambda y: evaluate(
        lambda z: evaluate(lambda t: jnp.tanh(t * 1.5), [seeded(z * 1.0)], algebra).coefficient(1), [seeded(y)], algebra
    ).coefficient(1)
    np.testing.assert_allclose(twice(x), nested(lambda t: jnp.tanh(t * 1.5), 2)(x), rtol=1e-11)


def test_scalars_of_the_table_are_differentiated_too():
    from opcompiler.ir.algebra import Algebra, Element, Term
    from opcompiler.ir.coefficient import Coefficient

    algebra = Algebra(
        (Element("u", 0), Element("u_x", 1), Element("s u_xx", 2)),
        (),
        (Term(1, 1, 2, Coefficient.scalar(0)),),
    )

    def value(s):
        jets = [variable(jnp.asarray([0.4]), algebra, {1: jnp.full(1, 2.0)})]
        return evaluate(jnp.sin, jets, algebra, scalars=(s,)).coefficient(2)[0]

    np.testing.assert_allclose(jax.grad(value)(0.5), value(1.0), rtol=1e-12)


def test_tangents_have_the_shape_of_coefficients_that_are_constant_over_the_batch():
    """∂_v²|x|² = 2|v|² at every point: the coefficient has no batch axis, nor has its tangent."""
    algebra = algebras.univariate(2).algebra
    xs, direction = jnp.asarray([[0.3, 0.2], [-1.0, 0.4]]), jnp.asarray([2.0, -0.5])

    def second(direction):
        seeded = [variable(xs, algebra, {1: direction[None]})]
        return evaluate(lambda x: (x**2).sum(-1), seeded, algebra).coefficient(2).sum()

    np.testing.assert_allclose(jax.grad(second)(direction), 2 * 2 * 2 * direction)
