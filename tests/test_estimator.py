"""Estimators without a text, and what a pilot recommends."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import opcompiler as oc
from opcompiler.ir.symbol import PowerSum, Symbol, Xi

X = jnp.array([0.3, -0.7, 0.4])


def u(x):
    return jnp.sin(x[0] + 2 * x[1] * x[2]) + x[2] ** 3 * x[0]


def test_a_polynomial_a_symbol_a_normal_form_and_a_text_are_one_operator():
    x1, x2, x3 = sympy.symbols("x1 x2 x3")
    text = oc.compile("∂²u/∂x1² + 3 ∂²u/∂x1∂x2 − 0.5 ∂u/∂x3 + 2u", spaces={"x": 3})
    polynomial = x1**2 + 3 * x1 * x2 - 0.5 * x3 + 2
    for source in (polynomial, sympy.Poly(polynomial, x1, x2, x3)):
        made = oc.estimator(source, oc.Exact(), spaces={"x": 3})
        np.testing.assert_allclose(made(u, X), text(u, X), rtol=1e-12)
        assert made.plan.normal_form.contractions == text.plan.normal_form.contractions
    again = oc.estimator(text.plan.normal_form, oc.Exact())
    assert again.plan == text.plan


def test_a_symbol_over_a_large_space_is_estimated():
    made = oc.estimator(Symbol.generator(PowerSum("x", 2)), oc.Stochastic(4), spaces={"x": 10**6})
    assert made.plan.sampling is not None
    assert made.plan.certificate.carried == 6


def test_a_symbol_is_estimated_beside_a_subspace():
    scheme = oc.Stochastic(4, subspace={"x": "V"})
    made = oc.estimator(
        Symbol.generator(PowerSum("x", 2)), scheme, spaces={"x": 1000}, parameters={"V": oc.Runtime((3, 1000))}
    )
    assert made.plan.certificate.carried == 4 + 3 + 2


def test_a_symbol_acts_on_the_entries_of_a_vector():
    made = oc.estimator(Symbol.generator(Xi("x", 1), 2), oc.Exact(), spaces={"x": 3}, fields={"v": 2})
    value = made(lambda x: jnp.stack([u(x), x[1] ** 2]), X)
    np.testing.assert_allclose(value, [-4 * X[2] ** 2 * jnp.sin(X[0] + 2 * X[1] * X[2]), 2.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("source", "spaces", "error"),
    [
        (sympy.sin(sympy.Symbol("x1")), {"x": 3}, oc.UnsupportedError),
        (sympy.pi * sympy.Symbol("x1"), {"x": 3}, oc.UnsupportedError),
        (sympy.Symbol("y"), {"x": 3}, oc.OperatorNameError),
        (sympy.Symbol("x1"), None, oc.ArgumentTypeError),
        (oc.compile("Δu", spaces={"x": 3}).plan.normal_form, {"x": 3}, oc.ArgumentTypeError),
    ],
)
def test_what_is_no_symbol_is_refused(source, spaces, error):
    with pytest.raises(error):
        oc.estimator(source, spaces=spaces)


# --- pilots -----------------------------------------------------------------------------------------------------

DIM = 30
DIAGONAL = jnp.linspace(-1.0, 2.0, DIM)


def quadratic(x):
    """Its Hessian is diagonal: signs are exact, single coordinates are not."""
    return 0.5 * jnp.sum(DIAGONAL * x**2)


def test_a_pilot_measures_norms_and_recommends_the_law_without_variance():
    op = oc.compile("Δu", spaces={"x": DIM}, scheme=oc.Stochastic(4))
    study = oc.pilot(op, quadratic, jnp.ones((2, DIM)), key=jax.random.key(0), probes=400)
    measured = {name: float(value) for name, value in study.norms.norms}
    errors = dict(study.errors)
    for name, expected in (("‖∇²u‖²", jnp.sum(DIAGONAL**2)), ("(Δu)²", jnp.sum(DIAGONAL) ** 2)):
        assert abs(measured[name] - expected) <= 5 * errors[name] + 1e-5 * expected
    assert study.law == oc.laws.Rademacher()
    assert isinstance(study.scheme, oc.Stochastic)
    assert "Rademacher" in str(study)
    made = oc.compile("Δu", spaces={"x": DIM}, scheme=study.scheme)
    np.testing.assert_allclose(made(quadratic, jnp.ones(DIM), key=jax.random.key(1)), jnp.sum(DIAGONAL), rtol=1e-10)


def test_a_target_decides_the_number_of_samples():
    matrix = jax.random.normal(jax.random.key(3), (DIM, DIM)) / DIM**0.5

    def full(x):
        return jnp.sum(jnp.tanh(matrix @ x))

    op = oc.compile("Δu", spaces={"x": DIM}, scheme=oc.Stochastic(2))
    study = oc.pilot(op, full, jnp.linspace(-1, 1, DIM), key=jax.random.key(0), target=2.0)
    assert study.standard_error <= 2.0
    assert 3 <= study.scheme.samples <= 8
    made = oc.compile("Δu", spaces={"x": DIM}, scheme=study.scheme)
    points = jnp.broadcast_to(jnp.linspace(-1, 1, DIM), (2000, DIM))
    spread = np.std(jax.jit(lambda: made(full, points, key=jax.random.key(1)))())
    np.testing.assert_allclose(spread, study.standard_error, rtol=0.15)


def test_where_exact_is_no_more_work_a_pilot_says_so():
    op = oc.compile("Δu", spaces={"x": DIM}, scheme=oc.Stochastic(16))
    narrow = jnp.ones((DIM, 2)) * jnp.array([1.0, -2.0])
    study = oc.pilot(op, lambda x: jnp.sum(jnp.sin(jnp.sin(x @ narrow) @ jnp.ones((2, 50)))), jnp.ones(DIM),
                     key=jax.random.key(0))  # fmt: skip
    assert study.scheme == oc.Exact()


def test_pilots_of_vectors_complex_values_and_several_fields():
    op = oc.compile("Δv", spaces={"x": DIM}, fields={"v": 2}, scheme=oc.Stochastic(4))
    both = oc.pilot(op, lambda x: jnp.stack([quadratic(x), quadratic(x)]), jnp.ones(DIM), key=jax.random.key(0))
    one = oc.pilot(
        oc.compile("Δu", spaces={"x": DIM}, scheme=oc.Stochastic(4)), quadratic, jnp.ones(DIM), key=jax.random.key(0)
    )
    ratio = float(both.norms.norms[0][1] / one.norms.norms[0][1])
    assert 1.5 < ratio < 2.5


@pytest.mark.parametrize(
    "options", [{"target": 0}, {"target": -1.0, "key": jax.random.key(0)}, {"probes": 1, "key": jax.random.key(0)}, {}]
)
def test_what_a_pilot_refuses(options):
    op = oc.compile("Δu", spaces={"x": DIM}, scheme=oc.Stochastic(4))
    with pytest.raises(oc.ArgumentTypeError):
        oc.pilot(op, quadratic, jnp.ones(DIM), **options)


def test_a_pilot_takes_points_a_target_and_an_operator():
    operator = oc.compile("Δu", spaces={"x": 3}, scheme=oc.Stochastic(2))
    key = jax.random.key(0)
    with pytest.raises(oc.ShapeError, match="no points"):
        oc.pilot(operator, u, jnp.zeros((0, 3)), key=key)
    with pytest.raises(oc.ArgumentTypeError, match="target"):
        oc.pilot(operator, u, X, key=key, target="small")
    with pytest.raises(oc.ArgumentTypeError, match="not a compiled operator"):
        oc.pilot("Δu", u, X, key=key)


def test_norms_of_another_operator_choose_no_law():
    norms = oc.laws.Pilot((("‖∇³u‖²", Fraction(1)),))
    with pytest.raises(oc.ArgumentTypeError, match="the pilot measured") as caught:
        oc.compile("Δu", spaces={"x": 30}, scheme=oc.Stochastic(2, law=oc.laws.Auto(norms)))
    assert caught.value.hint
