"""What the planner learns of a network: work and affine bottlenecks, from its jaxpr."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.execution import network_profile
from opcompiler.ir.network import AffineBottleneck
from opcompiler.ir.space import Space

X, T = Space("x", (50,)), Space("t")
POINT, TIME = jax.ShapeDtypeStruct((50,), jnp.float64), jax.ShapeDtypeStruct((), jnp.float64)
W1, W2, W3 = (jnp.ones(shape) for shape in ((50, 8), (8, 16), (16, 1)))


def mlp(x):
    return (jnp.tanh(jnp.tanh(x @ W1 + 1.0) @ W2) @ W3)[0]


def test_an_mlp_is_counted_layer_by_layer():
    profile = network_profile(mlp, (X,), (POINT,))
    assert profile.linear_flops == 2 * (50 * 8 + 8 * 16 + 16)
    assert profile.first_layer_flops == 2 * 50 * 8
    assert profile.elementwise_outputs == 8 + 16
    assert profile.bottlenecks == (AffineBottleneck("x", 8),)


@pytest.mark.parametrize(
    "u",
    [
        jax.jit(mlp),
        lambda x: mlp(x.reshape(50)),
        lambda x: jnp.sum(jnp.tanh(W1.T @ x)),
        lambda x: mlp((x - jnp.arange(50.0)) / 3.0),
        lambda x: mlp(-x * jnp.arange(50.0)),
        lambda x: jnp.sum(jnp.tanh(jnp.squeeze(x[None] @ (2 * W1)))),
        lambda x: jnp.sum(jnp.tanh((W1.astype(jnp.float32)).T.dot(x.astype(jnp.float32)))),
    ],
)
def test_a_bottleneck_is_seen_through_calls_reshapes_and_casts(u):
    assert network_profile(u, (X,), (POINT,)).bottlenecks == (AffineBottleneck("x", 8),)


def test_a_derivative_rule_of_ones_own_sees_the_point():
    ruled = jax.custom_jvp(mlp)
    ruled.defjvp(lambda primals, tangents: jax.jvp(mlp, primals, tangents))
    assert network_profile(ruled, (X,), (POINT,)).bottlenecks == ()


@pytest.mark.parametrize(
    "u",
    [
        lambda x: mlp(x) + x[0],
        lambda x: mlp(x) * (1 - x[:25] @ x[:25]),
        lambda x: mlp(2 * x) * (1 - x @ x),
        lambda x: mlp(x) * jnp.sum(3 * x**2),
        lambda x: mlp(x) * jnp.sum(x**3),
        lambda x: mlp(x) * jnp.sum(jnp.tanh(x * x)),
        lambda x: mlp(x) + jnp.sum((x - 1) ** 2),
        lambda x: sum(jnp.tanh(x @ W1).sum() for _ in range(7)),
        lambda x: jnp.sum(jnp.tanh(jnp.ones((100, 50)) @ x)),
        lambda x: jnp.sum(jnp.tanh((W1 * x[0]).T @ x)),
        lambda x: mlp(jnp.sin(x)),
        lambda x: mlp(1 / x),
        lambda x: mlp(x * x[0]),
        lambda x: (mlp(x), x),
        lambda x: jnp.sum(jnp.tanh(x.reshape(5, 10) @ jnp.ones((10, 3)))),
        lambda x: jnp.float64(3.0),
    ],
)
def test_no_bottleneck_where_the_point_is_used_otherwise(u):
    assert network_profile(u, (X,), (POINT,)).bottlenecks == ()


@pytest.mark.parametrize(
    ("u", "width", "radial"),
    [
        (lambda x: mlp(x) * (1 - x @ x), 8, True),
        (lambda x: mlp(x) * (1 - jnp.sum(x**2)) + jnp.sqrt(1 + (x * x).sum()), 8, True),
        (lambda x: mlp(x) + jnp.vdot(x, x) * jnp.tanh(x @ W1).sum(), 16, True),
        (lambda x: jax.jit(mlp)(x) * jnp.exp(-jnp.sum(jnp.square(x))), 8, True),
        (lambda x: jnp.exp(-jnp.sum(x * x)), 0, True),
        (lambda x: jnp.tanh(x @ W1).sum() + jnp.tanh(x / 2 @ W1).sum(), 16, False),
    ],
)
def test_several_layers_and_the_square_of_the_norm_share_a_bottleneck(u, width, radial):
    assert network_profile(u, (X,), (POINT,)).bottlenecks == (AffineBottleneck("x", width, radial),)


@pytest.mark.parametrize(
    ("u", "directions"),
    [
        (lambda x: mlp(x) * (1 - x @ x), 10),
        (lambda x: mlp(x) + jnp.sum(x * x) * jnp.cos(jnp.tanh(x @ W1).sum()), 18),
    ],
)
def test_an_operator_carries_the_bottleneck_and_the_norm(u, directions):
    points = jnp.asarray(np.random.default_rng(0).normal(size=(2, 50))) / 8
    laplacian = oc.compile("Δu + u²", spaces={"x": 50})
    plan = laplacian.plan_for(u, points)
    assert (plan.certificate.carried, plan.certificate.minimum) == (directions + 2, directions + 1)
    assert plan.certificate.scope == "u = g(Wx+b, |x|²)"
    assert oc.Plan.from_json(plan.to_json()) == plan
    exact = jax.jit(jax.vmap(lambda x: jnp.trace(jax.hessian(u)(x)) + u(x) ** 2))
    np.testing.assert_allclose(jax.jit(lambda x: laplacian(u, x))(points), exact(points), rtol=1e-11)


def test_each_space_is_judged_alone():
    def u(x, t):
        return jnp.sum(jnp.tanh(x @ W1 + t))

    assert network_profile(u, (X, T), (POINT, TIME)).bottlenecks == (AffineBottleneck("x", 8),)


def test_a_matrix_that_depends_on_another_input_is_no_bottleneck():
    def u(x, aux):
        return jnp.sum(jnp.tanh(x @ (W1 * aux["scale"])))

    assert network_profile(u, (X,), (POINT,), {"scale": TIME}).bottlenecks == ()


def test_loops_are_counted_as_often_as_they_run():
    def u(x):
        return jnp.sum(jax.lax.scan(lambda h, _: (jnp.tanh(W2.T[:, :] @ (W2 @ h)), None), x[:16], None, length=3)[0])

    profile = network_profile(u, (X,), (POINT,))
    assert profile.linear_flops == 3 * 2 * (2 * 8 * 16)
    assert profile.elementwise_outputs == 3 * 16


def test_products_of_constants_cost_nothing():
    profile = network_profile(lambda x: jnp.sum(x * 3.0 + jnp.exp(W3[0])), (X,), (POINT,))
    assert profile.linear_flops == profile.elementwise_outputs == 0
