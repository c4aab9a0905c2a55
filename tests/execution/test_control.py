"""A lagged control variate: unbiased, and with the variance of the estimate of the difference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.ir.variance import Quantity
from tests.execution.enumeration import LAWS, Exponentials, all_outcomes, mean_over_all_outcomes

D, POINTS = 12, 5
XS = jnp.linspace(-1, 1, POINTS * D).reshape(POINTS, D)
KEY = jax.random.key(0)
NOW = jax.random.normal(jax.random.key(1), (D, 6)) / D**0.5
BEFORE = NOW + 0.01 * jax.random.normal(jax.random.key(2), NOW.shape)


def network(weights):
    return lambda x: jnp.sum(jnp.tanh(x @ weights))


def estimator(text, law, samples, dim=3, **options):
    scheme = oc.Stochastic(samples=samples, law=law, over="x")
    return oc.compile(text, spaces={"x": dim}, scheme=scheme, **options)


# --- every outcome ----------------------------------------------------------------------------------------------

X = np.array([0.3, -0.2, 0.5])


@pytest.mark.parametrize("law", [LAWS.Rademacher(), LAWS.Coordinates()], ids=str)
def test_the_mean_over_all_outcomes_is_exact(law):
    """For linear operators, functions beside estimates, and products of estimates."""
    texts = ["Δ²u − 5Δu + 2u", "Δu + sin(u)"] if law == LAWS.Coordinates() else ["(Δu)² + u Δu"]
    u, earlier = Exponentials(3), Exponentials(3, seed=1)
    operator = estimator(texts, law, 1 if law == LAWS.Coordinates() else 2)
    exact = operator.control(u, jnp.asarray(X)).value
    mean = mean_over_all_outcomes(operator, u, X, control=operator.control(earlier, jnp.asarray(X)))
    np.testing.assert_allclose(mean, exact, rtol=1e-10)
    value, laplacian_, bilaplacian = (u.apply(lambda a, s=s: (a @ a) ** s, X) for s in (0, 1, 2))
    known = (
        [bilaplacian - 5 * laplacian_ + 2 * value, laplacian_ + np.sin(value)]
        if law == LAWS.Coordinates()
        else [laplacian_**2 + value * laplacian_]
    )
    np.testing.assert_allclose(exact, known, rtol=1e-10)


def test_the_variance_is_that_of_the_difference():
    """By enumeration, and by the formula with the norms of u − v."""
    u, earlier = Exponentials(3), Exponentials(3, seed=1)
    operator = estimator("Δu", LAWS.Rademacher(), 1)
    probabilities, values = all_outcomes(operator, u, X, control=operator.control(earlier, jnp.asarray(X)))
    variance = probabilities @ values**2 - (probabilities @ values) ** 2

    def difference(x):
        return u(x) - earlier(x)

    hessian = np.asarray(jax.hessian(difference)(jnp.asarray(X)))
    norms = {((1, 1), (1, 1)): np.sum(hessian**2), ((2, 2),): np.sum(np.diag(hessian) ** 2)}

    def norm(quantity: Quantity) -> float:
        return float(norms[quantity.blocks])

    np.testing.assert_allclose(variance, operator.plan.variance[0].value(norm), rtol=1e-9)


# --- calls ------------------------------------------------------------------------------------------------------

LAPLACIAN = estimator("Δu", LAWS.Rademacher(), 4, D)


def exactly(weights, xs):
    t = np.tanh(np.asarray(xs @ weights))
    return -2 * t * (1 - t**2) @ np.sum(np.square(weights), axis=0)


CONTROL = oc.Control(network(BEFORE), exactly(BEFORE, XS))


def test_linear_operators_estimate_the_difference():
    """So that the same function is exact; the exact value is computed where it is not given."""

    def evaluated(xs):
        difference = LAPLACIAN(lambda x: network(NOW)(x) - network(BEFORE)(x), xs, key=KEY)
        given = LAPLACIAN(network(NOW), xs, key=KEY, control=CONTROL)
        return LAPLACIAN.control(network(BEFORE), xs).value, difference, given

    exact, difference, given = jax.jit(evaluated)(XS)
    np.testing.assert_allclose(exact, exactly(BEFORE, XS), rtol=1e-10)
    np.testing.assert_allclose(given, exact + difference, rtol=1e-10)
    computed = jax.jit(lambda: LAPLACIAN(network(NOW), XS, key=KEY, control=oc.Control(network(NOW))))()
    np.testing.assert_allclose(computed, exactly(NOW, XS), rtol=1e-10)


def test_nonlinear_operators_of_several_fields():
    texts = {"a": "Δu + |∇u|² + u³", "b": "∇·v + u"}
    operator = estimator(texts, LAWS.Gaussian(), 2, D, fields={"u": None, "v": D})
    fields = {"u": network(NOW), "v": lambda x: jnp.tanh(x) * network(NOW)(x)}
    control = operator.control(fields, XS[0])
    found = jax.jit(lambda: operator(fields, XS[0], key=KEY, control=control))()
    gradient = jax.grad(network(NOW))(XS[0])
    known = exactly(NOW, XS[0]) + jnp.sum(gradient**2) + network(NOW)(XS[0]) ** 3
    np.testing.assert_allclose(control.value["a"], known, rtol=1e-9)
    for label in texts:
        np.testing.assert_allclose(found[label], control.value[label], rtol=1e-9)


def test_batches_of_any_shape_and_single_points():
    def evaluated(xs, key, values):
        return LAPLACIAN(network(NOW), xs, key=key, control=oc.Control(network(BEFORE), values))

    flat = jax.jit(evaluated)(XS, KEY, CONTROL.value)
    boxed = jax.jit(evaluated)(XS[:, None], KEY, CONTROL.value[:, None])
    np.testing.assert_allclose(boxed, flat[:, None], rtol=1e-12)
    keys = jax.vmap(lambda i: jax.random.fold_in(KEY, i))(jnp.arange(POINTS))
    mapped = jax.jit(jax.vmap(evaluated))(XS, keys, CONTROL.value)
    np.testing.assert_allclose(mapped, flat, rtol=1e-12)


def test_the_control_is_not_differentiated():
    """Its error has the mean zero: the gradient stays that of the plain estimate, and so does a forward derivative."""

    def value(now, before, is_controlled):
        control = oc.Control(network(before), CONTROL.value) if is_controlled else None
        return jnp.sum(LAPLACIAN(network(now), XS, key=KEY, control=control))

    gradients = jax.jit(jax.grad(value, argnums=(0, 1)), static_argnums=2)
    (plain, _), (own, other) = gradients(NOW, BEFORE, False), gradients(NOW, BEFORE, True)
    np.testing.assert_allclose(own, plain, rtol=1e-10)
    assert not np.any(other)


def test_standard_errors_shrink_with_the_distance():
    found = jax.jit(lambda: LAPLACIAN.estimate(network(NOW), XS, key=KEY, repeats=16, control=CONTROL))()
    hessians = np.asarray(jax.vmap(jax.hessian(network(NOW)))(XS))
    plain = np.sqrt(2 * (np.sum(hessians**2, (1, 2)) - np.sum(np.einsum("bii->bi", hessians) ** 2, 1)) / 4 / 16)
    assert np.all(found.standard_error < 0.2 * plain)
    assert np.all(np.abs(found.value - exactly(NOW, XS)) < 5 * found.standard_error)


def test_losses_in_chunks():
    def loss(now, chunk, **options):
        options = {"chunk": chunk, "key": KEY, "control": CONTROL, **options}
        return oc.mean_squared(LAPLACIAN, network(now), XS, **options)

    weights = jnp.arange(1.0, 6.0)
    whole, of_whole = jax.jit(jax.value_and_grad(lambda now: loss(now, None, weights=weights)))(NOW)
    chunked, of_chunks = jax.jit(jax.value_and_grad(lambda now: loss(now, 2, weights=weights)))(NOW)
    squares = jax.jit(lambda: oc.squared(LAPLACIAN)(network(NOW), XS, key=KEY, control=CONTROL))()
    np.testing.assert_allclose(whole, jnp.mean(weights * squares), rtol=1e-10)
    np.testing.assert_allclose(chunked, whole, rtol=1e-10)
    np.testing.assert_allclose(of_chunks, of_whole, rtol=1e-8)


def test_shared_draws():
    operator = oc.compile("Δu", spaces={"x": D}, scheme=oc.Stochastic(4, LAWS.Gaussian(), shared=True))
    control = oc.Control(network(NOW), exactly(NOW, XS))
    squares = jax.jit(lambda: oc.squared(operator)(network(NOW), XS, key=KEY, control=control))()
    np.testing.assert_allclose(squares, control.value**2, rtol=1e-9)


def test_exact_operators_ignore_it():
    exact = oc.compile("Δu", spaces={"x": D})
    assert exact.bound(network(NOW), XS, control=oc.Control(network(BEFORE))).control is None


def test_values_that_do_not_fit_are_refused():
    for value in (CONTROL.value[:2], CONTROL.value[0], (CONTROL.value,), CONTROL.value[:, None]):
        with pytest.raises(oc.ShapeError):
            jax.eval_shape(
                lambda value: LAPLACIAN(network(NOW), XS, key=KEY, control=oc.Control(network(NOW), value)), value
            )


def test_what_is_no_control_is_refused():
    for control in (network(NOW), "earlier", oc.Control(network(NOW), "values")):
        with pytest.raises(oc.ArgumentTypeError, match="control is") as caught:
            LAPLACIAN.bound(network(NOW), XS, control=control)
        assert caught.value.hint
