"""Stochastic operators at call: keys of points, standard errors, unbiased squares, losses and training loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler import mean_squared, squared
from opcompiler.execution.losses import _square
from opcompiler.execution.replicates import divided

KEY = jax.random.key(11)
DIM = 5
POINT = jnp.array([0.3, -0.2, 0.5, 0.1, -0.4])
POINTS = jnp.linspace(-1, 1, 6 * DIM).reshape(6, DIM)
RANGE = jnp.arange(1.0, DIM + 1)


def u(x, scale=1.0):
    return scale * jnp.sum(RANGE * x**4) + scale * jnp.sum(x) ** 3


def exact_laplacian(x, scale=1.0):
    return scale * (12 * jnp.sum(RANGE * x**2) + 6 * DIM * jnp.sum(x))


def operator(text="Δu", samples=2, **options):
    return oc.compile(text, spaces={"x": DIM}, scheme=oc.Stochastic(samples, **options))


def copies(count):
    """Many times the same point, so that a batch is a sample of draws."""
    return jnp.broadcast_to(POINT, (count, DIM))


def agrees(samples, expected):
    standard = np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples))
    assert np.all(np.abs(np.mean(samples, axis=0) - expected) <= 4 * standard)
    assert np.all(standard > 0)


def test_a_point_of_a_batch_draws_what_it_draws_alone():
    op = operator(law=oc.laws.Rademacher())
    together = jax.jit(lambda: op(u, POINTS, key=KEY))()
    alone = jax.jit(lambda: jnp.stack([op(u, POINTS[i], key=jax.random.fold_in(KEY, i)) for i in (0, 3)]))()
    np.testing.assert_allclose(together[jnp.array([0, 3])], alone, rtol=1e-12)
    grid = jax.jit(lambda: op(u, POINTS.reshape(2, 3, DIM), key=KEY))()
    np.testing.assert_allclose(grid.reshape(6), together, rtol=1e-12)
    keys = jax.vmap(lambda i: jax.random.fold_in(KEY, i))(jnp.arange(6))
    np.testing.assert_allclose(jax.jit(lambda: op(u, POINTS, key=keys))(), together, rtol=1e-12)


def test_shared_draws_serve_all_points_and_only_on_request():
    one = oc.laws.Coordinates()
    operators = (operator(samples=1, law=one, shared=True), operator(samples=1, law=one))
    shared, own = jax.jit(lambda: tuple(op(u, copies(40), key=KEY) for op in operators))()
    assert len(np.unique(np.round(shared, 9))) == 1
    assert len(np.unique(np.round(own, 9))) > 1


def test_a_key_is_asked_for_before_anything_is_traced():
    def untraced(x):
        raise AssertionError("traced")

    for call in (operator(), operator().estimate, squared(operator())):
        with pytest.raises(oc.ArgumentTypeError, match="key"):
            call(untraced, POINTS)
    with pytest.raises(oc.ArgumentTypeError, match="key"):
        mean_squared(operator(), untraced, POINTS)


def test_an_exact_operator_ignores_the_key_and_has_no_error():
    op = oc.compile("Δu", spaces={"x": DIM})
    estimate = jax.jit(lambda: op.estimate(u, POINTS, key=KEY))()
    np.testing.assert_allclose(estimate.value, jax.vmap(exact_laplacian)(POINTS), rtol=1e-12)
    np.testing.assert_array_equal(estimate.standard_error, np.zeros(6))


def test_the_standard_error_is_the_spread_of_the_value():
    op = operator(law=oc.laws.Gaussian())
    estimate = jax.jit(lambda x: op.estimate(u, x, key=KEY, repeats=10))(copies(2000).reshape(40, 50, DIM))
    assert estimate.value.shape == estimate.standard_error.shape == (40, 50)
    agrees(estimate.value.reshape(-1), exact_laplacian(POINT))
    spread = np.std(estimate.value)
    np.testing.assert_allclose(np.sqrt(np.mean(estimate.standard_error**2)), spread, rtol=0.1)
    alone = jax.jit(lambda: op.estimate(u, POINT, key=KEY, repeats=4))()
    assert abs(alone.value - exact_laplacian(POINT)) < 6 * alone.standard_error
    with pytest.raises(oc.ArgumentTypeError, match="repeats"):
        op.estimate(u, POINT, key=KEY, repeats=1)


def test_the_square_of_several_estimates_is_the_mean_product_of_two():
    values = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]]) * (1 + 2j)
    pairs = [values[i] * np.conj(values[j]) for i in range(3) for j in range(3) if i != j]
    np.testing.assert_allclose(_square(jnp.asarray(values)), np.mean(pairs, axis=0).real, rtol=1e-12)
    np.testing.assert_allclose(_square(jnp.asarray(values[:1])), np.abs(values[0]) ** 2, rtol=1e-12)


def test_squares_are_unbiased_and_plugged_in_they_are_not():
    op = operator("Δu − 3", law=oc.laws.Coordinates())
    residual = exact_laplacian(POINT) - 3
    unbiased, biased, spread = jax.jit(
        lambda x: (squared(op)(u, x, key=KEY), squared(op, plug_in=True)(u, x, key=KEY), op(u, x, key=KEY))
    )(copies(3000))
    agrees(unbiased, residual**2)
    agrees(biased, residual**2 + np.var(spread))
    assert np.all(biased >= 0)
    assert np.mean(biased) > residual**2 * 1.02


@pytest.mark.parametrize("shared", [False, True])
def test_the_loss_and_its_gradient_are_unbiased(shared):
    op = oc.compile(
        "Δu − f", spaces={"x": DIM}, functions={"f(x)": lambda x: 30 * jnp.sum(x)},
        scheme=oc.Stochastic(2, law=oc.laws.Coordinates(), shared=shared),
    )  # fmt: skip

    def loss(scale, key):
        return mean_squared(op, lambda x: u(x, scale), POINTS[:2], key=key)

    def exact(scale):
        residual = jax.vmap(lambda x: exact_laplacian(x, scale) - 30 * jnp.sum(x))(POINTS[:2])
        return jnp.mean(residual**2)

    scale = jnp.asarray(1.2)
    found, gradients = jax.jit(jax.vmap(jax.value_and_grad(loss), (None, 0)))(scale, jax.random.split(KEY, 1000))
    agrees(found, exact(scale))
    agrees(gradients, jax.grad(exact)(scale))


def test_the_stochastic_loss_does_not_depend_on_the_chunk():
    op = operator(law=oc.laws.Coordinates())

    def loss(scale, chunk):
        return mean_squared(
            op, lambda x: u(x, scale), POINTS, chunk=chunk, key=KEY, gradient_weight=0.1, gradient_directions=1
        )

    whole = jax.jit(lambda s: jax.value_and_grad(loss)(s, None))(1.2)
    np.testing.assert_allclose(jax.jit(lambda s: jax.value_and_grad(loss)(s, 4))(1.2), whole, rtol=1e-10)


def test_training_on_estimates_inside_a_scan_converges():
    op = oc.compile(
        "Δu − f", spaces={"x": DIM}, functions={"f(x)": lambda x: exact_laplacian(x, 2.0)},
        scheme=oc.Stochastic(2, law=oc.laws.Rademacher()),
    )  # fmt: skip

    def step(scale, key):
        points = jax.random.normal(key, (4, DIM))
        gradient = jax.grad(lambda s: mean_squared(op, lambda x: u(x, s), points, chunk=2, key=key))(scale)
        return scale - 2e-6 * gradient, scale

    final, _ = jax.jit(lambda s: jax.lax.scan(step, s, jax.random.split(KEY, 300)))(jnp.asarray(1.0))
    assert abs(final - 2.0) < 0.2


def test_too_few_samples_for_two_estimates_are_refused():
    op = operator(samples=1)
    with pytest.raises(oc.ArgumentTypeError, match="samples=2"):
        squared(op)
    with pytest.raises(oc.ArgumentTypeError, match="samples=2"):
        mean_squared(op, u, POINTS, key=KEY)
    assert jax.jit(lambda: mean_squared(op, u, POINTS, key=KEY, plug_in=True))() > 0
    with pytest.raises(oc.ArgumentTypeError, match="replicates"):
        squared(op, replicates=1)


def test_what_is_exact_with_all_samples_is_exact_in_each_half():
    op = oc.compile({"first": "∂²u/∂x1²", "all": "Δu"}, spaces={"x": DIM, "y": 12}, scheme=oc.Stochastic(samples=8))
    half = divided(op.plan, 2)
    assert [(draw.of, draw.directions) for draw in op.plan.sampling.draws] == [("y", 8)]
    assert [(draw.of, draw.directions) for draw in half.sampling.draws] == [("y", 4)]


@pytest.mark.parametrize("width", [2000])
def test_the_network_does_not_change_what_is_drawn(width):
    op = oc.compile("Δ²u", spaces={"x": 40}, scheme=oc.Stochastic(4))
    wide = jnp.ones((40, width))
    assert op.plan_for(lambda x: jnp.sum(jnp.sin(x @ wide)), jnp.zeros(40)).sampling == op.plan.sampling
