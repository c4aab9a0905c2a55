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
        lambda x: jnp.sum(jnp.tanh(jnp.append(x, 1.0) @ jnp.ones((51, 8)))),
        lambda x: jnp.sum(jnp.tanh(jnp.hstack([x[:20], jnp.pad(x[20:] / 2, (3, 0))]) @ jnp.ones((53, 8)))),
        lambda x: jnp.sum(jnp.tanh(x.at[3].set(0.0)[::-1] @ W1 + x @ (3 * W1))),
        lambda x: jnp.sum(jnp.tanh((x.reshape(10, 5) @ jnp.ones(5)) @ jnp.ones((10, 8)))),
        lambda x: mlp(x) * jnp.cos(mlp(x)),
        lambda x: mlp(x) * jax.lax.stop_gradient(jnp.sum(jnp.sin(x))),
        lambda x: (lambda z: jnp.sum(z + jnp.tanh(z + 1) * jax.nn.silu(2 * z)))(x @ W1),
        jax.checkpoint(mlp),
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
        lambda x: mlp(x) * (1 - x[:45] @ x[:45]),
        lambda x: mlp(x) * jnp.sum(x**3),
        lambda x: mlp(x) * jnp.sum(jnp.tanh(x * x)),
        lambda x: mlp(x) * jnp.sum((jnp.arange(50.0) * x) ** 2),
        lambda x: mlp(x) * jnp.sum(x * (x - 1)),
        lambda x: mlp(x) * jnp.var(x),
        lambda x: sum(jnp.tanh(x @ (n * W1)).sum() for n in range(7)),
        lambda x: jnp.sum(jnp.tanh(jnp.ones((100, 50)) @ x)),
        lambda x: jnp.sum(jnp.tanh((W1 * x[0]).T @ x)),
        lambda x: mlp(jnp.sin(x)),
        lambda x: mlp(1 / x),
        lambda x: mlp(x * x[0]),
        lambda x: (mlp(x), x),
        lambda x: jnp.sum(jnp.tanh(x.reshape(5, 10) @ jnp.ones((10, 10)))),
        lambda x: jnp.sum(jnp.tanh(x.astype(complex) @ W1).real),
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
        (lambda x: mlp(x) + jnp.vdot(x, x) * jnp.tanh(x @ W1).sum(), 8, True),
        (lambda x: jax.jit(mlp)(x) * jnp.exp(-jnp.sum(jnp.square(x))), 8, True),
        (lambda x: jnp.exp(-jnp.sum(x * x)), 0, True),
        (lambda x: mlp(2 * x) * (1 - jnp.linalg.norm(x)) * jnp.sum(3 * x**2) * jnp.mean(-x * x), 8, True),
        (lambda x: mlp(x) + jnp.sum((x - 1) ** 2), 9, True),
        (lambda x: mlp(x) + jnp.exp((x / 3) @ x) + jnp.sum(jnp.sum(x.reshape(5, 10) ** 2, 0)), 8, True),
        (lambda x: jnp.sum(jnp.tanh(jnp.append(x, x @ x) @ jnp.ones((51, 8)))), 8, True),
        (lambda x: jnp.tanh(x @ W1).sum() + jnp.tanh(x / 2 @ W1).sum(), 16, False),
        (lambda x: jnp.tanh(x @ W1).sum() + x[0] * x[1], 10, False),
        (lambda x: jnp.sum(jnp.tanh((x @ W1) @ W2)) + jnp.sum(jnp.cos((x @ W1) @ (3 * W2))), 8, False),
        (lambda x: jnp.sum(jnp.tanh((x @ jnp.ones((50, 20))) @ jnp.ones((20, 3)))), 3, False),
    ],
)
def test_several_layers_and_the_square_of_the_norm_share_a_bottleneck(u, width, radial):
    assert network_profile(u, (X,), (POINT,)).bottlenecks == (AffineBottleneck("x", width, radial),)


@pytest.mark.parametrize(
    ("u", "directions"),
    [
        (lambda x: mlp(x) * (1 - x @ x), 10),
        (lambda x: mlp(x) + jnp.sum(x * x) * jnp.cos(jnp.tanh(x @ (3 * W1)).sum()), 18),
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


W51 = jnp.asarray(np.random.default_rng(1).normal(size=(51, 8)) / 7)
HEAD = jnp.asarray(np.random.default_rng(2).normal(size=8))
IN_TIME = {
    "concatenated": (lambda x, t: jnp.tanh(jnp.append(x, t) @ W51) @ HEAD, 8, False),
    "stacked with scales": (lambda x, t: jnp.tanh(jnp.hstack([x / 2 - 1, t / 3]) @ W51) @ HEAD, 8, False),
    "two first layers": (lambda x, t: jnp.tanh(x @ W51[1:] + jnp.sin(t * W51[0])) @ HEAD, 8, False),
    "initial values": (lambda x, t: t * (jnp.tanh(jnp.append(x, t) @ W51) @ HEAD) + jnp.sin(jnp.sum(x)), 9, False),
    "on the ball": (lambda x, t: (1 - x @ x) * t * (jnp.tanh(jnp.append(x, t) @ W51) @ HEAD), 8, True),
    "|(x, t)|²": (lambda x, t: jnp.tanh(x @ W51[1:]) @ HEAD / (1 + jnp.sum(jnp.append(x, t) ** 2)), 8, True),
    "beside |x − c|²": (lambda x, t: jnp.tanh(x @ W51[1:]) @ HEAD * jnp.sum((x - 1) ** 2) + t, 9, True),
}


@pytest.mark.parametrize("name", IN_TIME)
def test_a_network_of_space_and_time_narrows_in_space(name):
    u, width, radial = IN_TIME[name]
    assert network_profile(u, (X, T), (POINT, TIME)).bottlenecks == (AffineBottleneck("x", width, radial),)
    heat = oc.compile("u_t - Δu", spaces={"x": 50, "t": None})
    x = jnp.asarray(np.random.default_rng(3).normal(size=(2, 50))) / 8
    t = jnp.array([0.3, 0.7])
    assert heat.plan_for(u, x, t).certificate.carried == width + 2 * radial + 2
    if name not in ("initial values", "on the ball", "beside |x − c|²"):
        return
    exact = lambda x, t: jax.grad(u, 1)(x, t) - jnp.trace(jax.hessian(u)(x, t))
    values = jax.jit(lambda x, t: heat(u, x, t))(x, t)
    np.testing.assert_allclose(values, jax.jit(jax.vmap(exact))(x, t), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    "u",
    [
        lambda x, t: jnp.sum(jnp.tanh((t * x) @ W1)),
        lambda x, t: jnp.sum(jnp.tanh(x @ (W1 * t))),
        lambda x, t: jnp.sum(jnp.tanh(x @ W1)) * jnp.sum((x - t) ** 2),
        lambda x, t: jnp.sum(jnp.tanh(jnp.where(t > 0, x, 2 * x) @ W1)),
    ],
)
def test_a_matrix_that_depends_on_time_is_no_bottleneck(u):
    assert network_profile(u, (X, T), (POINT, TIME)).bottlenecks == ()


def test_operators_of_higher_order_in_time_and_of_two_spaces_narrow():
    spaces = {"x": 50, "y": 60, "t": None}
    points = [jax.ShapeDtypeStruct(shape, jnp.float64) for shape in ((50,), (60,), ())]
    u = lambda x, y, t: jnp.sum(jnp.tanh(jnp.hstack([x, y, t]) @ jnp.ones((111, 8)))) * (1 - y @ y)
    declared = tuple(Space(name, point.shape) for name, point in zip(spaces, points, strict=True))
    found = network_profile(u, declared, points).bottlenecks
    assert found == (AffineBottleneck("x", 8), AffineBottleneck("y", 8, True))
    point = tuple(jnp.zeros(point.shape) for point in points)
    for text, carried in (("Δ_x u + 2Δ_y u", 1 + 8 + 10 + 1), ("u_tt - Δ_x u", 1 + 8 + 1 + 1)):
        assert oc.compile(text, spaces=spaces).plan_for(u, *point).certificate.carried == carried


def test_a_direction_of_the_same_space_beside_the_norm_keeps_all_directions():
    """∂ᵢ∂_v |x|² has the direction v, which is neither x nor a row of W."""
    mixed = oc.compile("Δu + ∂²u/∂t∂x_1", spaces={"x": 8, "t": None})
    u = lambda x, t: (1 - x @ x) * jnp.sin(t) * jnp.tanh(x @ W1[:8, :2] / 3).sum()
    point, time = jnp.linspace(0, 0.1, 8), jnp.array(0.4)
    exact = lambda x, t: jnp.trace(jax.hessian(u)(x, t)) + jax.jacfwd(jax.grad(u), 1)(x, t)[0]
    value = jax.jit(lambda x, t: (mixed(u, x, t), exact(x, t)))(point, time)
    np.testing.assert_allclose(*value, rtol=1e-11)


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
