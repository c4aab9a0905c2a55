"""The mean squared residual: value, gradients of everything it may depend on, memory, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import laplacian

import opcompiler as oc
from opcompiler import mean_squared, squared

LAPLACIAN = oc.compile("Δu", spaces={"x": 3})
POINTS = jax.random.normal(jax.random.PRNGKey(1), (7, 3))
WEIGHTS = jnp.linspace(0.5, 2.0, 7)


def network(scale):
    return lambda x: scale * jnp.sin(scale * x[0] - x[1] * x[2]) + scale * x[0] ** 2


def oracle(scale, points, weights):
    residuals = jax.vmap(laplacian(network(scale)))(points)
    return jnp.mean(weights * residuals**2)


@pytest.mark.parametrize("chunk", [3, None])
def test_value_and_gradients_do_not_depend_on_the_chunk(chunk):
    def loss(scale, points, weights):
        return mean_squared(LAPLACIAN, network(scale), points, weights=weights, chunk=chunk)

    arguments = (jnp.asarray(1.3), POINTS, WEIGHTS)
    found, gradients = jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2)))(*arguments)
    expected, exact = jax.jit(jax.value_and_grad(oracle, argnums=(0, 1, 2)))(*arguments)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    for gradient, value in zip(gradients, exact, strict=True):
        np.testing.assert_allclose(gradient, value, rtol=1e-10, atol=1e-12)


def test_without_jit_and_under_vmap():
    second = oc.compile("u_xx", spaces="x")
    xs = POINTS[:, 0]

    def loss(scale):
        return mean_squared(second, lambda x: scale * x * x * x, xs, chunk=4)

    np.testing.assert_allclose(jax.grad(loss)(1.3), 2 * 1.3 * jnp.mean((6 * xs) ** 2), rtol=1e-12)
    scales = jnp.array([0.7, 1.3])
    np.testing.assert_allclose(
        jax.jit(jax.vmap(jax.grad(loss)))(scales), 2 * scales * jnp.mean((6 * xs) ** 2), rtol=1e-12
    )


def test_the_gradient_can_be_differentiated_again():
    def loss(scale):
        return mean_squared(LAPLACIAN, network(scale), POINTS, chunk=4)

    exact = jax.jit(jax.grad(jax.grad(lambda scale: oracle(scale, POINTS, jnp.ones(7)))))(1.3)
    np.testing.assert_allclose(jax.jit(jax.grad(jax.grad(loss)))(1.3), exact, rtol=1e-9)
    np.testing.assert_allclose(jax.jit(jax.jacfwd(jax.grad(loss)))(1.3), exact, rtol=1e-9)


def test_a_training_loop_in_a_scan_steps_downhill():
    def step(scale, key):
        points = jax.random.normal(key, (9, 3))
        value, gradient = jax.value_and_grad(lambda s: mean_squared(LAPLACIAN, network(s), points, chunk=4))(scale)
        return scale - 0.02 * gradient, value

    _, losses = jax.jit(lambda s: jax.lax.scan(step, s, jax.random.split(jax.random.PRNGKey(3), 60)))(1.3)
    assert jnp.mean(losses[-10:]) < 0.2 * jnp.mean(losses[:10])


def test_parameters_aux_and_coefficient_functions_are_differentiated():
    operator = oc.compile("ε u_xx + c u − k", spaces="x", parameters={"ε": None, "k": None}, functions={"c(x)": None})
    xs, aux, ks = jnp.linspace(0.1, 1.0, 5), jnp.linspace(1.0, 2.0, 5), jnp.linspace(-1.0, 1.0, 5)

    def loss(rate, eps, k, aux, chunk):
        return mean_squared(
            operator,
            lambda x, a: a * jnp.sin(rate * x),
            xs,
            aux=aux,
            parameters={"ε": eps, "k": k},
            functions={"c": lambda x: rate + x**2},
            chunk=chunk,
        )

    def exact(rate, eps, k, aux):
        residual = (-eps * rate**2 + rate + xs**2) * aux * jnp.sin(rate * xs) - k
        return jnp.mean(residual**2)

    arguments = (jnp.asarray(1.5), jnp.asarray(0.3), ks, aux)
    expected = jax.jit(jax.grad(exact, argnums=(0, 1, 2, 3)))(*arguments)
    for gradient, value in zip(
        jax.jit(jax.grad(lambda *a: loss(*a, chunk=2), argnums=(0, 1, 2, 3)))(*arguments), expected, strict=True
    ):
        np.testing.assert_allclose(gradient, value, rtol=1e-10)


def test_entries_and_outputs_add_up():
    operator = oc.compile({"heat": "u_t − Δu", "slope": "∇u"}, spaces={"x": 2, "t": None})
    xs, ts = POINTS[:, :2], POINTS[:, 2]

    def u(x, t):
        return jnp.sin(x[0] * x[1]) * jnp.exp(t)

    value = jax.jit(lambda: operator(u, xs, ts))()
    by_point = {"heat": value["heat"] ** 2, "slope": jnp.sum(value["slope"] ** 2, axis=-1)}
    found = jax.jit(lambda: mean_squared(operator, u, xs, ts, chunk=3))()
    np.testing.assert_allclose(found, jnp.mean(by_point["heat"] + by_point["slope"]), rtol=1e-12)
    found = jax.jit(lambda: mean_squared(operator, u, xs, ts, chunk=3, weights={"slope": WEIGHTS, "heat": 10}))()
    np.testing.assert_allclose(found, jnp.mean(10 * by_point["heat"] + WEIGHTS * by_point["slope"]), rtol=1e-12)


def test_several_batch_axes_one_point_and_complex_values():
    grid, weights = jnp.stack([POINTS[:6]] * 2).reshape(3, 4, 3), jnp.arange(12.0).reshape(3, 4)
    schroedinger = oc.compile("i u_t + u_xx", spaces=("x", "t"))

    @jax.jit
    def compute():
        return (
            mean_squared(LAPLACIAN, network(1.0), grid, weights=weights, chunk=5),
            mean_squared(LAPLACIAN, network(1.0), POINTS[0], weights=3.0),
            mean_squared(schroedinger, lambda x, t: jnp.exp(1j * (2 * x - t)), grid[..., 0], grid[..., 1], chunk=5),
            LAPLACIAN(network(1.0), grid.reshape(12, 3)),
        )

    many, one, wave, values = compute()
    np.testing.assert_allclose(many, jnp.mean(jnp.arange(12.0) * values**2), rtol=1e-12)
    np.testing.assert_allclose(one, 3 * values[0] ** 2, rtol=1e-12)
    np.testing.assert_allclose(wave, 9.0, rtol=1e-12)


def test_fields_one_by_one_and_together():
    operator = oc.compile("u_x − v_xx", spaces="x", fields=("u", "v"))
    xs = POINTS[:, 0]
    expected = jnp.mean((jnp.cos(xs) + jnp.sin(xs)) ** 2)
    apart = jax.jit(lambda: mean_squared(operator, {"u": jnp.sin, "v": jnp.sin}, xs, chunk=3))()
    together = jax.jit(lambda: mean_squared(operator, lambda x: (jnp.sin(x), jnp.sin(x)), xs, chunk=3))()
    np.testing.assert_allclose([apart, together], expected, rtol=1e-12)


def test_squared_is_the_operator_squared_entry_by_entry():
    gradient = oc.compile("∇u", spaces={"x": 3})
    np.testing.assert_allclose(squared(gradient)(network(1.0), POINTS), gradient(network(1.0), POINTS) ** 2, rtol=1e-12)


def test_memory_of_the_gradient_is_that_of_a_chunk():
    operator = oc.compile("Δu", spaces={"x": 16})
    sizes = (16, 32, 32, 1)
    weights = [jax.random.normal(jax.random.PRNGKey(n), shape) for n, shape in enumerate([(16, 32), (32, 32), (32,)])]
    points = jax.random.normal(jax.random.PRNGKey(1), (1024, sizes[0]))

    def temporary(chunk):
        def loss(w):
            return mean_squared(operator, lambda x: jnp.tanh(jnp.tanh(x @ w[0]) @ w[1]) @ w[2], points, chunk=chunk)

        return jax.jit(jax.grad(loss)).lower(weights).compile().memory_analysis().temp_size_in_bytes

    assert temporary(32) < temporary(None) / 8


def enhanced_oracle(scale, points, weight):
    residual = laplacian(network(scale))
    slopes = jax.vmap(jax.grad(residual))(points)
    return jnp.mean(jax.vmap(residual)(points) ** 2) + weight * jnp.mean(jnp.sum(slopes**2, axis=-1))


def test_the_slope_of_the_residual_joins_the_loss():
    def loss(scale, points, weight):
        return mean_squared(LAPLACIAN, network(scale), points, chunk=4, gradient_weight=weight)

    arguments = (jnp.asarray(1.3), POINTS[:5], jnp.asarray(0.1))
    found, gradient = jax.jit(jax.value_and_grad(loss))(*arguments)
    expected, exact = jax.jit(jax.value_and_grad(enhanced_oracle))(*arguments)
    np.testing.assert_allclose([found, gradient], [expected, exact], rtol=1e-10)


def test_random_slopes_are_unbiased():
    @jax.jit
    def loss(keys):
        # One point, whose key is varied: the batch holds the draws.
        points = jnp.broadcast_to(POINTS[0], (len(keys), 3))
        return mean_squared(LAPLACIAN, network(1.3), points, gradient_weight=1.0, gradient_directions=2, key=keys)

    # The four sign vectors up to their sign are equally likely, so that pairs of directions average to the exact value.
    found = loss(jax.random.split(jax.random.key(0), 4000))
    expected = jax.jit(lambda: enhanced_oracle(1.3, POINTS[:1], 1.0))()
    np.testing.assert_allclose(found, expected, rtol=0.05)
    assert abs(found - expected) > 0


def test_slopes_of_vectors_complex_values_several_spaces_and_shared_points():
    operator = oc.compile({"a": "∇u", "b": "i u_t"}, spaces={"x": 2, "t": None})
    xs, t = POINTS[:3, :2], jnp.asarray(0.3)

    def u(x, t):
        return jnp.sin(x[0] * x[1] + t) * x[0]

    def residuals(z):
        return jnp.append(jax.grad(lambda z: u(z[:2], z[2]))(z)[:2], 0), jax.grad(lambda z: u(z[:2], z[2]))(z)[2]

    def exact(x):
        z = jnp.append(x, t)
        values = jnp.append(*residuals(z))
        return jnp.sum(values**2) + 0.5 * jnp.sum(jax.jacobian(lambda z: jnp.append(*residuals(z)))(z) ** 2)

    found, one, expected = jax.jit(
        lambda: (
            mean_squared(operator, u, xs, t, chunk=2, gradient_weight=0.5),
            mean_squared(operator, u, xs[0], t, gradient_weight=0.5),
            jax.vmap(exact)(xs),
        )
    )()
    np.testing.assert_allclose(found, jnp.mean(expected), rtol=1e-10)
    np.testing.assert_allclose(one, expected[0], rtol=1e-10)


@pytest.mark.parametrize(
    ("weights", "chunk", "points", "error"),
    [
        (jnp.ones(6), None, POINTS, "batch shape"),
        ((1.0, 2.0), None, POINTS, "1 outputs"),
        ({"a": 1.0}, None, POINTS, "keys"),
        ("one", None, POINTS, "weights is str"),
        (1j, None, POINTS, "weights is complex"),
        (None, 0, POINTS, "chunk"),
        (None, True, POINTS, "chunk"),
        (None, "all", POINTS, "chunk"),
        (None, None, POINTS[:0], "no points"),
    ],
)
def test_what_does_not_fit_is_refused(weights, chunk, points, error):
    with pytest.raises((oc.ShapeError, oc.ArgumentTypeError), match=error):
        mean_squared(LAPLACIAN, network(1.0), points, weights=weights, chunk=chunk)


@pytest.mark.parametrize("weight", ["float32", None, 1j, jnp.ones(7)], ids=str)
def test_a_gradient_weight_is_one_real_number(weight):
    with pytest.raises((oc.ShapeError, oc.ArgumentTypeError), match="gradient_weight") as caught:
        mean_squared(LAPLACIAN, network(1.0), POINTS, gradient_weight=weight)
    assert caught.value.hint


def test_a_text_is_no_operator_yet():
    for taken in (squared, lambda text: mean_squared(text, network(1.0), POINTS)):
        with pytest.raises(oc.ArgumentTypeError, match="not a compiled operator"):
            taken("Δu")
