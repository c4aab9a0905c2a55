"""Calls of estimators: whatever is batched, point i is what it would be alone with its own key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc

LAWS = oc.laws
D, POINTS = 20, 2
XS = jnp.linspace(-1, 1, POINTS * D).reshape(POINTS, D)
KEY = jax.random.key(0)


def u(x):
    return jnp.sin(jnp.sum(x[:3])) * jnp.sum(x**2)


def alone(index):
    return jax.random.fold_in(KEY, index)


def one_by_one(call):
    """call(i, key) for every point with its own key, by one program."""
    single = jax.jit(call)
    return [single(i, alone(i)) for i in range(POINTS)]


@pytest.mark.parametrize("law", [LAWS.Frame(2)], ids=str)
def test_batches(law):
    operator = oc.compile("Δ²u + |∇u|²", spaces={"x": D}, scheme=oc.Stochastic(samples=4, law=law))
    batch = jax.jit(lambda xs: operator(u, xs, key=KEY))(XS)
    each = one_by_one(lambda i, key: operator(u, XS[i], key=key))
    np.testing.assert_allclose(batch, each, rtol=1e-9)


def test_parameters_and_other_inputs_with_one_value_per_point():
    operator = oc.compile(
        "ν Δu + u", spaces={"x": D}, parameters={"ν": None}, scheme=oc.Stochastic(samples=4, law=LAWS.Frame(2))
    )
    nu, aux = jnp.linspace(1, 2, POINTS), jnp.linspace(3, 4, POINTS)

    def v(x, shift):
        return u(x + shift)

    batch = jax.jit(lambda: operator(v, XS, aux=aux, parameters={"ν": nu}, key=KEY))()
    each = one_by_one(lambda i, key: operator(v, XS[i], aux=aux[i], parameters={"ν": nu[i]}, key=key))
    np.testing.assert_allclose(batch, each, rtol=1e-9)


def test_one_point_and_several_parameters():
    """The draws belong to the points of the batch, also where only a parameter differs from one to the next."""
    operator = oc.compile(
        "c Δu", spaces={"x": D}, parameters={"c": None}, scheme=oc.Stochastic(samples=4, law=LAWS.Gaussian())
    )
    batch = jax.jit(lambda: operator(u, XS[0], parameters={"c": jnp.ones(POINTS)}, key=KEY))()
    each = one_by_one(lambda _, key: operator(u, XS[0], parameters={"c": 1.0}, key=key))
    np.testing.assert_allclose(batch, each, rtol=1e-9)
    assert len(set(map(float, batch))) == POINTS


def test_fields_of_their_own_share_the_draws():
    operator = oc.compile(
        ["Δu + 2Δv", "∇u·∇v"],
        spaces={"x": D},
        fields=("u", "v"),
        scheme=oc.Stochastic(samples=4, law=LAWS.Rademacher()),
    )

    def v(x):
        return jnp.cos(x[0]) * x[1]

    together = jax.jit(lambda: operator(lambda x: {"u": u(x), "v": v(x)}, XS, key=KEY))()
    apart = jax.jit(lambda: operator({"u": u, "v": v}, XS, key=KEY))()
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_pytrees_of_fields():
    operator = oc.compile("Δu", spaces={"x": D}, scheme=oc.Stochastic(samples=4, law=LAWS.Frame(2)))
    both = jax.jit(lambda: operator(lambda x: {"a": u(x), "b": jnp.stack([u(x), x[0]])}, XS, key=KEY))()
    single = jax.jit(lambda: operator(u, XS, key=KEY))()
    np.testing.assert_allclose(both["a"], single, rtol=1e-9)
    np.testing.assert_allclose(both["b"], jnp.stack([single, jnp.zeros(POINTS)], axis=1), rtol=1e-9, atol=1e-12)


def test_terms_are_weighted_in_batches():
    text = " + ".join(f"{n + 1} ∂³u/∂x{n + 1}²∂x{n + 2}" for n in range(6))
    operator = oc.compile(text, spaces={"x": D}, scheme=oc.Stochastic(samples=4, law=LAWS.Terms()))
    assert operator.plan.certificate.carried == 6
    batch = jax.jit(lambda: operator(u, XS, key=KEY))()
    np.testing.assert_allclose(batch, one_by_one(lambda i, key: operator(u, XS[i], key=key)), rtol=1e-9)


def test_gradients_through_what_u_closes_over():
    operator = oc.compile("u Δu + |∇u|²", spaces={"x": D}, scheme=oc.Stochastic(samples=4, law=LAWS.Rademacher()))

    def loss(scale):
        return jnp.sum(operator(lambda x: scale * u(x), XS, key=KEY))

    value, slope = jax.jit(jax.value_and_grad(loss))(1.5)
    np.testing.assert_allclose(slope, 2 * value / 1.5, rtol=1e-9)


def test_divergence_in_many_dimensions_takes_one_direction():
    dim = 10_000
    operator = oc.compile("∇·s", spaces={"x": dim}, fields={"s": dim}, scheme=oc.Stochastic(samples=1))
    assert operator.plan.certificate.carried == 2
    value = operator(lambda x: 3 * x, jnp.ones(dim), key=KEY)
    np.testing.assert_allclose(value, 3 * dim, rtol=1e-9)
