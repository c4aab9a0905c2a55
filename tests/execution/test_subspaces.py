"""Exact along a subspace that is given at call, estimated in its complement: unbiased, and of known variance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.execution.draws import directions_for, key_per_point
from opcompiler.execution.heads import Argument
from opcompiler.execution.norms import measured_norm
from opcompiler.ir.symbol import PowerSum, Xi
from tests.execution.enumeration import LAWS, Exponentials, all_outcomes, mean_over_all_outcomes

D, RANK = 4, 2
X = np.array([0.3, -0.2, 0.5, 0.1])
SPAN = np.random.default_rng(5).normal(size=(RANK, D))


def estimator(text, law, samples=1, dim=D, rank=RANK, **options):
    """Compile over x with the rows of V exact."""
    scheme = oc.Stochastic(samples=samples, law=law, over="x", subspace={"x": "V"})
    spaces = {"x": dim, **options.pop("spaces", {})}
    return oc.compile(text, spaces=spaces, parameters={"V": oc.Runtime((rank, dim))}, scheme=scheme, **options)


def radial(power):
    return lambda a: (a[:D] @ a[:D]) ** power


# --- every outcome ----------------------------------------------------------------------------------------------

LINEAR = {
    "Δ²u − 5Δu + 2u": (lambda a: radial(2)(a) - 5 * radial(1)(a) + 2, [LAWS.IndependentPair()]),
    "Δ³u": (radial(3), [LAWS.Orthogonal()]),
    "∂²u/∂x1² + 2 ∂²u/∂x1∂x2 + 3 ∂²u/∂x2² + ∂²u/∂x3² + 2 ∂²u/∂x4²": (
        lambda a: a[0] ** 2 + 2 * a[0] * a[1] + 3 * a[1] ** 2 + a[2] ** 2 + 2 * a[3] ** 2,
        [LAWS.Rademacher()],
    ),
    "∂²u/∂x1² − 2 ∂²u/∂x2² + ∂²u/∂x2∂x3 + 4 ∂²u/∂x4²": (
        lambda a: a[0] ** 2 - 2 * a[1] ** 2 + a[1] * a[2] + 4 * a[3] ** 2,
        [LAWS.Gaussian()],
    ),
}


@pytest.mark.parametrize(("text", "law"), [(text, law) for text, (_, laws) in LINEAR.items() for law in laws], ids=str)
def test_linear_operators(text, law):
    u = Exponentials(D)
    mean = mean_over_all_outcomes(estimator(text, law), u, X, spans={"V": SPAN})
    np.testing.assert_allclose(mean, u.apply(LINEAR[text][0], X), rtol=1e-10)


def test_products_have_independent_directions_and_the_same_subspace():
    u = Exponentials(D)
    operator = estimator("(Δu)² + u Δu", LAWS.Sphere(), samples=2)
    assert [draw.law for draw in operator.plan.sampling.draws].count(None) == 1
    mean = mean_over_all_outcomes(operator, u, X, spans={"V": SPAN})
    laplacian = u.apply(radial(1), X)
    np.testing.assert_allclose(mean, laplacian**2 + u.apply(radial(0), X) * laplacian, rtol=1e-10)


def test_time_derivatives_stay_exact_in_the_same_jets():
    u = Exponentials(D + 1)
    operator = estimator("∂Δu/∂t + ∂u/∂x2", LAWS.Rademacher(), spaces={"t": None})
    mean = mean_over_all_outcomes(operator, u, X, 0.4, spans={"V": SPAN})
    expected = u.apply(lambda a: a[D] * radial(1)(a) + a[1], np.append(X, 0.4))
    np.testing.assert_allclose(mean, expected, rtol=1e-10)


def test_contracted_indices():
    """Inner products of gradients and divergence, in as many dimensions as are not written out."""
    dim = 17
    y = np.linspace(-0.3, 0.4, dim)
    u = Exponentials(dim)
    v = Exponentials(dim, outputs=dim, seed=1)
    operator = estimator(["|∇u|²", "∇·v"], LAWS.Sphere(), dim=dim, rank=dim - 2, fields={"u": None, "v": dim})
    assert len(operator.plan.sampling.parameters) == 2
    span = np.random.default_rng(0).normal(size=(dim - 2, dim))
    mean = mean_over_all_outcomes(operator, {"u": u, "v": v}, y, spans={"V": span})
    gradient = np.asarray(jax.grad(u)(jnp.asarray(y)))
    divergence = np.trace(np.asarray(jax.jacfwd(v)(jnp.asarray(y))))
    np.testing.assert_allclose(mean, [gradient @ gradient, divergence], rtol=1e-10)


def test_a_subspace_that_is_everything_leaves_nothing_to_be_drawn():
    u = Exponentials(D)
    operator = estimator("Δ²u + Δu", LAWS.Sphere(), rank=D)
    assert operator.plan.variance[0].terms == ()
    value = jax.jit(lambda: operator(u, jnp.asarray(X), parameters={"V": np.eye(D)}, key=jax.random.key(0)))()
    np.testing.assert_allclose(value, u.apply(lambda a: radial(2)(a) + radial(1)(a), X), rtol=1e-10)


# --- variance ---------------------------------------------------------------------------------------------------


def measured(quantity, u, inside, beside):
    """Return a complete contraction of derivatives of exponentials, indices projected to the complement."""
    factors = []
    for tensor in (quantity.left, quantity.right):
        weights = u.weights * np.exp(u.rates @ X)
        for generator, power in tensor.prefix:
            assert isinstance(generator, PowerSum | Xi)
            weights = weights * np.sum((u.rates @ inside.T) ** 2, axis=1) ** power
        factors.append(weights)
    rates = u.rates @ beside.T @ beside
    total = np.ones((3, 3))
    for p, q in quantity.blocks:
        total = total * ((rates**p) @ (rates**q).T)
    return float(factors[0] @ total @ factors[1])


POWERS = {"Δu": radial(1), "Δ²u + 3Δu": lambda a: radial(2)(a) + 3 * radial(1)(a)}


@pytest.mark.parametrize(
    ("text", "law", "samples"),
    [
        ("Δu", LAWS.Rademacher(), 1),
        ("Δu", LAWS.Gaussian(), 2),
        ("Δu", LAWS.Sphere(), 1),
        ("Δu", LAWS.Orthogonal(), 2),
        ("Δ²u + 3Δu", LAWS.Gaussian(), 1),
        ("Δ²u + 3Δu", LAWS.Sphere(), 1),
    ],
    ids=str,
)
def test_mean_and_variance_over_all_outcomes(text, law, samples):
    u = Exponentials(D)
    operator = estimator(text, law, samples)
    probabilities, values = all_outcomes(operator, u, X, spans={"V": SPAN})
    mean = probabilities @ values
    np.testing.assert_allclose(mean, u.apply(POWERS[text], X), rtol=1e-10)
    variance = probabilities @ values**2 - mean**2
    axes = np.linalg.svd(SPAN)[2]
    (formula,) = operator.plan.variance
    predicted = formula.value(lambda norm: measured(norm, u, axes[:RANK], axes[RANK:]))
    np.testing.assert_allclose(variance, predicted, rtol=1e-8, atol=1e-12)
    assert "|V⊥" in str(formula) or not formula.terms


def test_products_of_independent_estimates_have_no_formula():
    assert not estimator("Δ²u", LAWS.IndependentPair()).plan.variance[0].known


# --- what is drawn ----------------------------------------------------------------------------------------------

N, DIM = 20_000, 5


def drawn(law, samples, count, span, dim=DIM):
    sampling = estimator("Δu", law, samples, dim, span.shape[-2]).plan.sampling
    keys = key_per_point(jax.random.key(3), (count,))
    given = {"V": Argument(jnp.asarray(span), span.ndim > 2)}
    found = jax.jit(lambda: directions_for(sampling, keys, jnp.float64, given))()
    basis, random = (found[draw.space].rows for draw in sampling.draws)
    return np.asarray(basis)[:, 0], np.asarray(random)


@pytest.mark.parametrize("law", [LAWS.Rademacher(), LAWS.Sphere(), LAWS.Orthogonal(), LAWS.Frame(2)], ids=str)
def test_directions_resolve_the_identity_of_the_complement(law):
    """E Σ w wᵀ = (d − r)·P/(d − r) for all laws, up to the normalisation; entrywise, |z| ≤ 4."""
    span = np.random.default_rng(1).normal(size=(2, DIM))
    sampling = estimator("Δu", law, 2, DIM).plan.sampling
    basis, rows = drawn(law, 2, N, span)
    (own,) = [draw for draw in sampling.draws if draw.law is not None]
    np.testing.assert_allclose(basis[0] @ basis[0].T, np.eye(2), atol=1e-14)
    np.testing.assert_allclose(span - span @ basis[0].T @ basis[0], 0, atol=1e-13)
    np.testing.assert_allclose(rows @ basis[0].T, 0, atol=1e-13)
    unit = isinstance(law, LAWS.Sphere | LAWS.Orthogonal | LAWS.Frame)
    squares = np.einsum("prmi,prmj->pij", rows, rows) * ((DIM - 2) / own.directions if unit else 1 / own.directions)
    error = np.std(squares, axis=0) / N**0.5
    assert np.all(np.abs(np.mean(squares, axis=0) - np.eye(DIM) + basis[0].T @ basis[0]) <= 4 * error + 1e-12)
    if isinstance(law, LAWS.Orthogonal | LAWS.Frame):
        np.testing.assert_allclose(np.einsum("prmi,prni->prmn", rows, rows)[0, 0], np.eye(2), atol=1e-12)


def test_rows_that_depend_on_each_other_span_no_less():
    """Any orthonormal basis serves: the mean stays that of the exact operator."""
    operator = estimator("Δu", LAWS.Orthogonal(), samples=D - RANK)
    evaluated = jax.jit(
        lambda span: operator(lambda x: jnp.sum(x**2) + x[0] * x[1], X, parameters={"V": span}, key=KEY)
    )
    for given in (np.stack([SPAN[0], 2 * SPAN[0]]), np.zeros((RANK, D))):
        np.testing.assert_allclose(jax.jit(evaluated)(given), 2 * D, rtol=1e-12)


# --- calls ------------------------------------------------------------------------------------------------------

POINTS, KEY = 3, jax.random.key(7)
XS = jnp.linspace(-1, 1, POINTS * 20).reshape(POINTS, 20)
SPANS = jax.random.normal(jax.random.key(8), (POINTS, 3, 20))


def test_one_subspace_per_point_or_one_for_all():
    operator = estimator("Δu", LAWS.Orthogonal(), 4, 20, 3)

    def v(x):
        return jnp.sin(jnp.sum(x[:3])) * jnp.sum(x**2)

    def evaluated(xs, span, key):
        return operator(v, xs, parameters={"V": span}, key=key)

    keys = jax.vmap(lambda i: jax.random.fold_in(KEY, i))(jnp.arange(POINTS))
    own, common = jax.jit(lambda: (evaluated(XS, SPANS, KEY), evaluated(XS, SPANS[1], KEY)))()
    np.testing.assert_allclose(own, jax.jit(jax.vmap(evaluated))(XS, SPANS, keys), rtol=1e-10)
    np.testing.assert_allclose(common[1], own[1], rtol=1e-10)
    assert abs(common[0] - own[0]) > 1e-6


def test_shared_draws_beside_a_subspace_per_point():
    scheme = oc.Stochastic(4, LAWS.Gaussian(), shared=True, subspace={"x": "V"})
    operator = oc.compile("Δu", spaces={"x": 20}, parameters={"V": oc.Runtime((3, 20))}, scheme=scheme)
    evaluated = jax.jit(lambda xs, span: operator(lambda x: jnp.sum(x**3), xs, parameters={"V": span}, key=KEY))
    np.testing.assert_allclose(evaluated(XS, SPANS)[2], evaluated(XS[2], SPANS[2]), rtol=1e-10)


def test_the_variance_along_leading_directions_is_gone():
    """A Hessian of rank three, whose range is given, is exact; so is the derivative by the weights that span it."""
    operator = estimator("Δu", LAWS.Rademacher(), 2, 20, 3)
    weights = jax.random.normal(jax.random.key(9), (3, 20))

    def estimated(weights):
        return operator(lambda x: jnp.sum(jnp.tanh(weights @ x)), XS[0], parameters={"V": weights}, key=KEY)

    def exact(weights):
        t = jnp.tanh(weights @ XS[0])
        return jnp.sum(-2 * t * (1 - t**2) * jnp.sum(weights**2, axis=1))

    found, known = jax.jit(lambda: (jax.value_and_grad(estimated)(weights), jax.value_and_grad(exact)(weights)))()
    np.testing.assert_allclose(found[0], known[0], rtol=1e-9)
    np.testing.assert_allclose(found[1], known[1], rtol=1e-8)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"subspace": {"y": "V"}}, oc.OperatorNameError),
        ({"subspace": {"x": "W"}}, oc.OperatorNameError),
        ({"subspace": {"x": "V"}, "law": LAWS.Coordinates()}, oc.UnsupportedError),
        ({"subspace": {"x": "V"}, "law": LAWS.Terms()}, oc.UnsupportedError),
        ({"subspace": {"x": "A"}}, oc.UnsupportedError),
        ({"subspace": {"x": "B"}}, oc.ShapeError),
        ({"subspace": "V"}, oc.ArgumentTypeError),
        ({"subspace": (("x", "V"), ("x", "V"))}, oc.ArgumentTypeError),
    ],
    ids=str,
)
def test_what_is_refused(options, error):
    parameters = {"V": oc.Runtime((2, D)), "A": np.eye(D), "B": oc.Runtime((D + 1, D))}
    with pytest.raises(error):
        oc.compile("Δu", spaces={"x": D}, parameters=parameters, scheme=oc.Stochastic(1, over="x", **options))


@pytest.mark.parametrize("law", [LAWS.Rademacher(), LAWS.ThreePoint()], ids=str)
def test_laws_without_the_moments_of_higher_powers_are_refused(law):
    with pytest.raises(oc.UnsupportedError, match="moments"):
        estimator("Δ²u", law)


def test_a_missing_or_complex_subspace_is_refused():
    operator = estimator("Δu", LAWS.Sphere())
    with pytest.raises(oc.OperatorNameError, match="V has no value"):
        operator(Exponentials(D), jnp.asarray(X), key=KEY)
    with pytest.raises(oc.ArgumentTypeError, match="complex"):
        operator(Exponentials(D), jnp.asarray(X), key=KEY, parameters={"V": 1j * SPAN})


def test_plans_travel_and_tell():
    operator = estimator("Δ²u", LAWS.Frame(2), 4, 1000, 8)
    plan = operator.plan
    assert oc.Plan.from_json(plan.to_json()) == plan
    assert plan.certificate.carried == plan.certificate.minimum
    told = oc.explain(plan)
    assert "nothing along the 8 directions of x that the parameter V spans" in told
    assert "2 directions in the 992 dimensions of x orthogonal to V by Frame(size=2)" in told
    assert "8 directions in x given by V" in str(plan)


def test_the_price_of_a_subspace_is_its_directions():
    assert estimator("Δu", LAWS.Orthogonal(), 16, 1000, 8).plan.certificate.carried == 16 + 8 + 2
    assert estimator("Δu", LAWS.Auto(), 16, 1000, 8).plan.sampling is not None


def test_norms_are_measured_in_the_complement():
    """A Hessian with a few large eigenvalues, whose directions are given, has a norm of the others only."""
    values = jnp.array([100.0, 100.0, 1.0, 1.0, 1.0])
    frame = jnp.linalg.qr(jax.random.normal(jax.random.key(2), (DIM, DIM)))[0]
    (formula,) = estimator("Δu", LAWS.Gaussian(), 2, DIM).plan.variance
    (norm,) = formula.norms

    def entry(tensor):
        return lambda point: 0.5 * jnp.sum(values * (frame.T @ point["x"]) ** 2)

    found = jax.jit(lambda: measured_norm(norm, entry, {"x": jnp.ones(DIM)}, KEY, 400, {"V": frame[:, :2].T}))()
    assert abs(found[0] - 3) < 4 * found[1]
    assert found[1] < 1


def test_a_pilot_takes_the_subspace():
    with pytest.raises(oc.OperatorNameError, match="V has no value"):
        oc.pilot(estimator("Δu", LAWS.Gaussian(), 2, 20, 3), Exponentials(20), XS, key=KEY)
