"""Estimators are unbiased: the mean over everything that can be drawn is the exact operator."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.ir.plan import Plan
from tests.execution.enumeration import LAWS, Exponentials, mean_over_all_outcomes

X = np.array([0.3, -0.2, 0.5])
T = 0.4
XT = np.append(X, T)

WEIGHTED = LAWS.Coordinates(weights=(Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)))
SKEWED = LAWS.Terms(probabilities=(Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)))

DENSE = [LAWS.Rademacher(), LAWS.ThreePoint()]
SINGLE = [LAWS.Coordinates(), WEIGHTED, LAWS.Terms()]


def radial(power):
    """Return |ξ|^(2·power) over the first three coordinates."""
    return lambda a: (a[:3] @ a[:3]) ** power


def estimator(text, law, samples, *, time=False, **options):
    """Compile over x (three coordinates), and t if asked for, with x sampled."""
    spaces = {"x": 3, "t": None} if time else {"x": 3}
    return oc.compile(text, spaces=spaces, scheme=oc.Stochastic(samples=samples, law=law, over="x"), **options)


LINEAR = {
    "Δu": (radial(1), [*DENSE, *SINGLE, SKEWED]),
    "∂²u/∂x1² + 2 ∂²u/∂x1∂x2 + 3 ∂²u/∂x2² + ∂²u/∂x3²": (
        lambda a: a[0] ** 2 + 2 * a[0] * a[1] + 3 * a[1] ** 2 + a[2] ** 2,
        [LAWS.Rademacher(), LAWS.Coordinates()],
    ),
    "∂²u/∂x1² − 2 ∂²u/∂x2² + ∂²u/∂x2∂x3": (
        lambda a: a[0] ** 2 - 2 * a[1] ** 2 + a[1] * a[2],
        [LAWS.Rademacher(), LAWS.Terms()],
    ),
    "Δ²u": (radial(2), [*DENSE, LAWS.Coordinates(), WEIGHTED, LAWS.Terms()]),
    "∂⁴u/∂x1⁴ + ∂⁴u/∂x2⁴ + ∂⁴u/∂x3⁴": (lambda a: np.sum(a**4), [*SINGLE, LAWS.Auto()]),
    "Δ³u": (radial(3), [LAWS.Coordinates(), LAWS.Terms()]),
    "Δ²u − 5Δu + 2u": (lambda a: radial(2)(a) - 5 * radial(1)(a) + 2, [*DENSE, LAWS.Coordinates()]),
    "∂³u/∂x1²∂x2 + 2 ∂³u/∂x2²∂x3 − ∂³u/∂x3²∂x1 + ∂u/∂x1": (
        lambda a: a[0] ** 2 * a[1] + 2 * a[1] ** 2 * a[2] - a[2] ** 2 * a[0] + a[0],
        [LAWS.Terms(), LAWS.Auto()],
    ),
}


@pytest.mark.parametrize(("text", "law"), [(text, law) for text, (_, laws) in LINEAR.items() for law in laws], ids=str)
def test_linear_operators(text, law):
    u = Exponentials(3)
    mean = mean_over_all_outcomes(estimator(text, law, samples=1), u, X)
    np.testing.assert_allclose(mean, u.apply(LINEAR[text][0], X), rtol=1e-10)


@pytest.mark.parametrize("law", [LAWS.Coordinates(), LAWS.Terms()], ids=str)
def test_two_samples(law):
    u = Exponentials(3)
    mean = mean_over_all_outcomes(estimator("Δu", law, samples=2), u, X)
    np.testing.assert_allclose(mean, u.apply(radial(1), X), rtol=1e-10)


def test_coordinates_with_replacement():
    u = Exponentials(3)
    scheme = oc.Stochastic(samples=2, law=LAWS.Coordinates(), over="x", replace=True)
    mean = mean_over_all_outcomes(oc.compile("Δu", spaces={"x": 3}, scheme=scheme), u, X)
    np.testing.assert_allclose(mean, u.apply(radial(1), X), rtol=1e-10)


@pytest.mark.parametrize("law", [LAWS.ThreePoint(), WEIGHTED, LAWS.Terms()], ids=str)
def test_time_derivatives_and_drift_stay_exact_in_the_same_jets(law):
    u = Exponentials(4)
    operator = estimator("∂Δu/∂t + ∂u/∂x2", law, samples=1, time=True)
    mean = mean_over_all_outcomes(operator, u, X, T)
    np.testing.assert_allclose(mean, u.apply(lambda a: a[3] * radial(1)(a) + a[1], XT), rtol=1e-10)


@pytest.mark.parametrize("law", [LAWS.Rademacher(), LAWS.Coordinates()], ids=str)
def test_allen_cahn(law):
    u = Exponentials(4)
    mean = mean_over_all_outcomes(estimator("u_t − Δu + u³ − u", law, samples=1, time=True), u, X, T)
    value = u.apply(lambda a: 1.0, XT)
    exact = u.apply(lambda a: a[3] - radial(1)(a), XT) + value**3 - value
    np.testing.assert_allclose(mean, exact, rtol=1e-10)


NONLINEAR = {
    "(Δu)² + 3Δu": lambda value, laplacian: laplacian**2 + 3 * laplacian,
    "u Δu": lambda value, laplacian: value * laplacian,
    "(Δu − u)³": lambda value, laplacian: (laplacian - value) ** 3,
}


@pytest.mark.parametrize("law", [LAWS.Rademacher(), LAWS.Terms()], ids=str)
@pytest.mark.parametrize("text", NONLINEAR, ids=str)
def test_factors_of_products_have_draws_of_their_own(text, law):
    u = Exponentials(3)
    mean = mean_over_all_outcomes(estimator(text, law, samples=3), u, X)
    np.testing.assert_allclose(mean, NONLINEAR[text](u.apply(radial(0), X), u.apply(radial(1), X)), rtol=1e-10)


def test_unused_copies_of_the_draws_serve_the_linear_part():
    """The square takes two copies of one direction each; the linear part is estimated by both of them."""
    u = Exponentials(2)
    scheme = oc.Stochastic(samples=2, law=LAWS.Rademacher(), over="x")
    operator = oc.compile(["Δu", "(Δu)²"], spaces={"x": 2}, scheme=scheme)
    assert operator.plan.certificate.carried == 1 + 2 + 2
    linear, square = mean_over_all_outcomes(operator, u, X[:2])
    laplacian = u.apply(lambda a: a @ a, X[:2])
    np.testing.assert_allclose([linear, square], [laplacian, laplacian**2], rtol=1e-10)


D = 17
Y = np.linspace(-0.5, 0.5, D)
"""The language keeps indices of spaces of this size."""

UNEVEN = LAWS.Coordinates(weights=tuple(Fraction(n, D * (D + 1) // 2) for n in range(1, D + 1)))


def gradient(u, symbol=lambda a: 1.0):
    """Return ∇P(∂)u."""
    return np.array([u.apply(lambda a, i=i: a[i] * symbol(a), Y) for i in range(D)])


def square(a):
    return a @ a


CONTRACTED = {
    "|∇u|²": lambda u: square(gradient(u)),
    "Δu + |∇u|²": lambda u: u.apply(square, Y) + square(gradient(u)),
    "Δu · |∇u|²": lambda u: u.apply(square, Y) * square(gradient(u)),
    "|∇u|⁴": lambda u: square(gradient(u)) ** 2,
    "∇u·∇Δu": lambda u: gradient(u) @ gradient(u, square),
    "x·∇u": lambda u: Y @ gradient(u),
}


@pytest.mark.parametrize("text", CONTRACTED, ids=str)
def test_contracted_indices(text):
    u = Exponentials(D)
    scheme = oc.Stochastic(samples=2 if "Δu ·" in text or "⁴" in text or "∇Δ" in text else 1, law=UNEVEN, over="x")
    operator = oc.compile(text, spaces={"x": D}, scheme=scheme)
    assert operator.plan.certificate.carried <= 10
    np.testing.assert_allclose(mean_over_all_outcomes(operator, u, Y), CONTRACTED[text](u), rtol=1e-10)


def test_contracted_indices_inside_functions_stay_exact():
    u = Exponentials(D)
    operator = oc.compile("√(1 + |∇u|²) + Δu", spaces={"x": D}, scheme=oc.Stochastic(samples=1, law=UNEVEN, over="x"))
    exact = np.sqrt(1 + square(gradient(u))) + u.apply(square, Y)
    np.testing.assert_allclose(mean_over_all_outcomes(operator, u, Y), exact, rtol=1e-10)


def test_divergence_of_large_fields():
    u = Exponentials(D, outputs=D)
    scheme = oc.Stochastic(samples=1, law=LAWS.Coordinates(), over="x")
    operator = oc.compile(["∇·u", "Δu", "(u·∇)u"], spaces={"x": D}, fields={"u": D}, scheme=scheme)
    assert operator.plan.certificate.carried == 3
    divergence, laplacian, advection = mean_over_all_outcomes(operator, u, Y)
    jacobian = np.stack([u.apply(lambda a, i=i: a[i], Y) for i in range(D)], axis=1)
    np.testing.assert_allclose(divergence, np.trace(jacobian), rtol=1e-10)
    np.testing.assert_allclose(laplacian, u.apply(square, Y), rtol=1e-10)
    np.testing.assert_allclose(advection, jacobian @ u.apply(lambda a: 1.0, Y), rtol=1e-10)


@pytest.mark.parametrize("law", [LAWS.Rademacher(), LAWS.Coordinates()], ids=str)
def test_vector_fields(law):
    u = Exponentials(3, outputs=3)
    operator = estimator(["∇·u", "Δu", "(u·∇)u"], law, samples=1, fields={"u": 3})
    divergence, laplacian, advection = mean_over_all_outcomes(operator, u, X)
    jacobian = np.stack([u.apply(lambda a, i=i: a[i], X) for i in range(3)], axis=1)
    np.testing.assert_allclose(divergence, np.trace(jacobian), rtol=1e-10)
    np.testing.assert_allclose(laplacian, u.apply(radial(1), X), rtol=1e-10)
    np.testing.assert_allclose(advection, jacobian @ u.apply(lambda a: 1.0, X), rtol=1e-10)


def test_two_sampled_spaces():
    u = Exponentials(4)
    scheme = oc.Stochastic(samples=1, law=LAWS.Rademacher(), over=("x", "y"))
    operator = oc.compile("Δ²u", spaces={"x": 2, "y": 2}, scheme=scheme)
    mean = mean_over_all_outcomes(operator, u, XT[:2], XT[2:])
    np.testing.assert_allclose(mean, u.apply(lambda a: (a @ a) ** 2, XT), rtol=1e-10)


# --- laws with densities: means of many draws at a fixed key -------------------------------------------------------

CONTINUOUS = {
    "Δu": (radial(1), [LAWS.Gaussian(), LAWS.Sphere()]),
    "Δ²u": (radial(2), [LAWS.Gaussian(), LAWS.Sphere(), LAWS.Orthogonal(), LAWS.Frame(2), LAWS.IndependentPair()]),
}


@pytest.mark.parametrize(
    ("text", "law"), [(text, law) for text, (_, laws) in CONTINUOUS.items() for law in laws], ids=str
)
def test_continuous_laws(text, law):
    u, draws = Exponentials(3), 20_000
    operator = estimator(text, law, samples=2)
    values = np.asarray(operator(u, jnp.broadcast_to(X, (draws, 3)), key=jax.random.key(0)))
    error = values.std() / draws**0.5
    assert abs(values.mean() - u.apply(CONTINUOUS[text][0], X)) <= 4 * error


def test_the_published_subsampling_bias_is_absent():
    """A dense law with fewer samples than dimensions needs no factor d/m: d = 20, m = 5."""
    u = Exponentials(20)
    x = np.linspace(-0.5, 0.5, 20)
    operator = oc.compile("Δu", spaces={"x": 20}, scheme=oc.Stochastic(samples=5, law=LAWS.Rademacher()))
    values = np.asarray(operator(u, jnp.broadcast_to(x, (4000, 20)), key=jax.random.key(1)))
    assert abs(values.mean() - u.apply(lambda a: a @ a, x)) <= 3 * values.std() / 4000**0.5


# --- what a plan says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "law", "carried"),
    [
        ("Δu", LAWS.Gaussian(), 16 + 2),
        ("∂Δu/∂t", LAWS.Gaussian(), 2 * 16 + 4),
        ("u_t − Δu + ∂u/∂x1", LAWS.Coordinates(), 16 + 2),
        ("Δ²u", LAWS.IndependentPair(), 9),
        ("Δ²u", LAWS.Frame(3), 14),
    ],
    ids=str,
)
def test_coefficients_of_one_draw(text, law, carried):
    operator = oc.compile(text, spaces={"x": 1000, "t": None}, scheme=oc.Stochastic(samples=16, law=law))
    certificate = operator.plan.certificate
    assert (certificate.carried, certificate.minimum) == (carried, carried)


def test_plans_of_estimators_survive_json():
    operator = estimator("Δ²u + |∇u|²", LAWS.Frame(2), samples=4)
    assert Plan.from_json(operator.plan.to_json()) == operator.plan


def test_small_spaces_stay_exact_unless_they_are_named():
    exact = oc.compile("Δu", spaces={"x": 3}, scheme=oc.Stochastic(samples=16))
    assert exact.plan.sampling is None
    u = Exponentials(3)
    np.testing.assert_allclose(exact(u, X), u.apply(radial(1), X), rtol=1e-12)


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "law", "reason"),
    [
        ("sin(Δu)", LAWS.Auto(), "the function sin"),
        ("1/Δu", LAWS.Auto(), "power"),
        ("√(1 + (Δu)²)", LAWS.Auto(), "power|sqrt"),
        ("Δ³u", LAWS.Rademacher(), "moments"),
        ("Δ³u", LAWS.ThreePoint(), "moments"),
        ("∂⁴u/∂x1⁴ + ∂⁴u/∂x2⁴ + ∂⁴u/∂x3⁴", LAWS.Gaussian(), "no mean of powers"),
        ("Δu", LAWS.Frame(4), "orthonormal"),
        ("∂²u/∂x1² + ∂²u/∂x2²", LAWS.Frame(3), "rank 2"),
        ("∂²u/∂x1² + ∂²u/∂x2²", WEIGHTED, "rank 2"),
        ("Δu", LAWS.Coordinates(weights=(Fraction(1, 2), Fraction(1, 2))), "probabilities"),
    ],
    ids=str,
)
def test_what_no_law_can_do_is_refused_with_the_reason(text, law, reason):
    with pytest.raises(oc.UnsupportedError, match=reason) as caught:
        estimator(text, law, samples=2)
    assert caught.value.hint


def test_unknown_spaces_are_refused():
    with pytest.raises(oc.OperatorNameError, match="y is no declared space"):
        oc.compile("Δu", spaces={"x": 3}, scheme=oc.Stochastic(over="y"))


def test_single_terms_over_two_sampled_spaces_stay_exact():
    operator = oc.compile("Δu + u_{x1 y1}", spaces={"x": 40, "y": 40}, scheme=oc.Stochastic(samples=4))
    assert operator.plan.sampling is not None
    with pytest.raises(oc.UnsupportedError, match="two sampled spaces"):
        oc.compile("u_{x1 y1}", spaces={"x": 3, "y": 3}, scheme=oc.Stochastic(law=LAWS.Terms(), over=("x", "y")))


def test_a_key_is_needed_before_anything_is_traced():
    def never(x):
        raise AssertionError("traced")

    with pytest.raises(oc.ArgumentTypeError, match="key"):
        estimator("Δu", LAWS.Gaussian(), samples=2)(never, X)
