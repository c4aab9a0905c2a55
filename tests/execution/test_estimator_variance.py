"""The empirical variance of estimates against the formula of their plan, and their means against the exact operator."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.ir.variance import PerTerm

DIM, DRAWS = 5, 40_000
X = jnp.array([0.4, -0.3, 0.6, -0.7, 0.2])
A = jax.random.normal(jax.random.key(3), (DIM, 3))


def u(x, t=None):
    value = jnp.sin(x @ A).sum() + (x**4).sum() / 8 + x[0] ** 2 * x[1] ** 2 * x[2]
    return value if t is None else value * jnp.sin(t)


def dense(order, function=u):
    for _ in range(order):
        function = jax.jacfwd(function)
    return np.asarray(jax.jit(function)(X))


TENSORS = {order: dense(order) for order in (2, 4)}
TENSORS["t"] = dense(2) * np.cos(0.5)


def contraction(norm, sampling=None):
    """The norm, index by index, or term by term."""
    if isinstance(norm, PerTerm):
        draw = sampling.draw(norm.draw)
        rows = zip(draw.coefficients, draw.table, strict=True)
        terms = [float(c) * TENSORS[2][row if len(row) == 2 else row * 2] for c, row in rows]
        squares = [term**2 / float(p) for term, p in zip(terms, draw.probabilities, strict=True)]
        return sum(squares) - sum(terms) ** 2
    left, right = (TENSORS["t" if tensor.prefix else tensor.order] for tensor in (norm.left, norm.right))
    letters = "abcdefgh"[: len(norm.blocks)]
    first = "".join(letter * p for letter, (p, _) in zip(letters, norm.blocks, strict=True))
    second = "".join(letter * q for letter, (_, q) in zip(letters, norm.blocks, strict=True))
    return np.einsum(f"{first},{second}->", left, right)


ROWS = {
    "Δu": ["Coordinates()", "Rademacher()", "Gaussian()", "Sphere()", "Orthogonal()"],
    "Δ²u": ["Coordinates()", "Rademacher()", "Gaussian()", "Sphere()", "Frame(2)", "IndependentPair()"],
    "∂_tΔu": ["Orthogonal()"],
    "Δ²u + 3Δu": ["Sphere()"],
    "∂²u/∂x1² + 2 ∂²u/∂x1∂x2 + 3 ∂²u/∂x2∂x3 - ∂²u/∂x4²": ["Terms()"],
}
CASES = [(text, law) for text, laws in ROWS.items() for law in laws]
LAWS = {
    "Coordinates()": oc.laws.Coordinates(),
    "Rademacher()": oc.laws.Rademacher(),
    "Gaussian()": oc.laws.Gaussian(),
    "Sphere()": oc.laws.Sphere(),
    "Orthogonal()": oc.laws.Orthogonal(),
    "Frame(2)": oc.laws.Frame(2),
    "IndependentPair()": oc.laws.IndependentPair(),
    "Terms()": oc.laws.Terms(),
}


@pytest.mark.parametrize(("text", "law"), CASES, ids=lambda value: value)
def test_mean_and_variance(text, law):
    timed = "t" in text
    spaces = {"x": DIM, "t": None} if timed else {"x": DIM}
    op = oc.compile(text, spaces=spaces, scheme=oc.Stochastic(samples=2, law=LAWS[law], over="x"))
    exact = oc.compile(text, spaces=spaces)(u, X, *([jnp.array(0.5)] if timed else []))
    (formula,) = op.plan.sampling.variance
    expected = formula.value(lambda norm: contraction(norm, op.plan.sampling))
    points = jnp.broadcast_to(X, (DRAWS, DIM))
    times = [jnp.full(DRAWS, 0.5)] if timed else []
    draws = np.asarray(jax.jit(lambda key: op(u, points, *times, key=key))(jax.random.key(7)))
    assert abs(draws.mean() - exact) <= 4 * np.sqrt(expected / DRAWS)
    # Heavy tails: the variance of products of normal numbers is itself uncertain.
    spread = np.sqrt(((draws - exact) ** 2).var() / DRAWS)
    assert draws.var() == pytest.approx(expected, rel=0.05, abs=3 * spread if spread > 0.015 * expected else 0)


def test_two_coordinates_of_five_by_enumeration():
    op = oc.compile("Δu", spaces={"x": DIM}, scheme=oc.Stochastic(samples=2, law=oc.laws.Coordinates(), over="x"))
    second = np.diag(TENSORS[2])
    outcomes = [DIM / 2 * (second[i] + second[j]) for i, j in itertools.combinations(range(DIM), 2)]
    assert op.plan.sampling.variance[0].value(contraction) == pytest.approx(np.var(outcomes), rel=1e-12)
