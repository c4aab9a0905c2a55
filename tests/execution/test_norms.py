"""Measured norms: mean over all directions by enumeration, and against dense tensors within standard errors."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from opcompiler.errors import UnsupportedError
from opcompiler.execution.hessian_norms import is_hessian_norm, measured_products
from opcompiler.execution.norms import measured_norm
from opcompiler.ir.symbol import Xi
from opcompiler.ir.variance import Quantity, Tensor

POINT = {"x": jnp.array([0.3, -0.5, 0.8]), "t": jnp.array([0.7])}


def u(point):
    x, t = point["x"], point["t"][0]
    return jnp.sin(x[0] * x[1] + 2 * x[2]) * (1 + t**2) + x[2] ** 4 * x[0] + t * x[1] ** 3


def dense(order, along_time=False):
    function = lambda x: u({**POINT, "x": x})
    if along_time:
        function = lambda x: jax.grad(lambda t: u({"x": x, "t": t}))(POINT["t"])[0]
    for _ in range(order):
        function = jax.jacfwd(function)
    return np.asarray(function(POINT["x"]))


U2 = Tensor("u", 2, "x", field="u")
U4 = Tensor("u", 4, "x", field="u")
CASES = {
    "Hessian": (Quantity(U2, U2, ((1, 1), (1, 1))), lambda: (dense(2) ** 2).sum()),
    "diagonal": (Quantity(U2, U2, ((2, 2),)), lambda: (np.diag(dense(2)) ** 2).sum()),
    "trace": (Quantity(U2, U2, ((2, 0), (0, 2))), lambda: np.trace(dense(2)) ** 2),
    "gradient of the Laplacian": (
        Quantity(U4, U4, ((2, 0), (1, 1), (1, 1), (0, 2))),
        lambda: (np.einsum("iikl->kl", dense(4)) ** 2).sum(),
    ),
    "mixed": (
        Quantity(U2, U4, ((1, 1), (1, 1), (0, 2))),
        lambda: (dense(2) * np.einsum("iikl->kl", dense(4))).sum(),
    ),
    "weighted": (
        Quantity(U2, U2, ((2, 2),), (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))),
        lambda: (np.diag(dense(2)) ** 2 / [0.5, 0.25, 0.25]).sum(),
    ),
    "time derivative": (
        Quantity(*(Tensor("∂ₜu", 2, "x", field="u", prefix=((Xi("t"), 1),)),) * 2, ((1, 1), (1, 1))),
        lambda: (dense(2, along_time=True) ** 2).sum(),
    ),
    "along rows": (
        Quantity(
            *(Tensor("u", 2, "x", field="u", rows=((1, 0, 1), (0, 1, -1)), weights=(4, 9)),) * 2, ((1, 1), (1, 1))
        ),
        lambda: ((LOW_RANK.T @ dense(2) @ LOW_RANK) ** 2).sum(),
    ),
}
LOW_RANK = np.array([[1, 0, 1], [0, 1, -1]]).T * [2, 3]


@pytest.mark.parametrize("name", CASES)
def test_the_mean_is_the_contraction(name):
    quantity, exact = CASES[name]
    mean, error = measured_norm(quantity, lambda tensor: u, POINT, jax.random.key(1), 4000)
    assert abs(float(mean) - exact()) <= 4 * float(error) + 1e-12
    assert float(error) <= 0.2 * abs(exact())


def test_a_tensor_of_no_single_field_is_refused():
    nameless = Tensor("(s0)·u", 2, "x")
    with pytest.raises(UnsupportedError, match="cannot be measured"):
        measured_norm(Quantity(nameless, nameless, ((2, 2),)), lambda tensor: u, POINT, jax.random.key(0), 2)


# --- differences of norms -------------------------------------------------------------------------------------------

DIM = 300
NEARLY_UNIT = 40 * jnp.eye(DIM) + 0.01 * jnp.asarray(np.random.default_rng(3).normal(size=(DIM, DIM)))
NEARLY_UNIT = (NEARLY_UNIT + NEARLY_UNIT.T) / 2
PATTERNS = {"Hessian": ((1, 1), (1, 1)), "diagonal": ((2, 2),), "traces": ((2, 0), (0, 2))}


def products(matrix, probes, dtype=jnp.float32):
    point = {"x": jnp.full(matrix.shape[0], 0.1, dtype)}
    quadratic = lambda at: at["x"] @ matrix.astype(dtype) @ at["x"] / 2
    return measured_products(U2, U2, lambda tensor: quadratic, point, jax.random.key(4), probes, {}).averaged()


def test_small_differences_of_large_norms_are_measured_in_single_precision():
    """‖A‖² − Σ A_ii² is 10⁻⁵ of ‖A‖² and d·Σ A_ii² − (tr A)² is 10⁻⁷ of (tr A)²."""
    matrix = np.asarray(NEARLY_UNIT)
    found = products(NEARLY_UNIT, probes=250)
    norm = {name: found.norm(Quantity(U2, U2, blocks), DIM)[0] for name, blocks in PATTERNS.items()}
    diagonal = np.diag(matrix)
    off_diagonal = (matrix**2).sum() - (diagonal**2).sum()
    assert abs(norm["Hessian"] - norm["diagonal"] - off_diagonal) <= 4 * float(found.errors[0]) < 0.5 * off_diagonal
    spread = DIM * (diagonal**2).sum() - diagonal.sum() ** 2
    assert abs(DIM * norm["diagonal"] - norm["traces"] - spread) <= 4 * DIM * float(found.errors[1]) < 0.6 * spread
    np.testing.assert_allclose(norm["traces"], diagonal.sum() ** 2, rtol=1e-4)


def test_few_coordinates_are_all_visited():
    matrix = NEARLY_UNIT[:5, :5] + jnp.arange(25.0).reshape(5, 5)
    matrix = (matrix + matrix.T) / 2
    found = products(matrix, probes=500, dtype=jnp.float64)
    for name, exact in {"diagonal": (jnp.diag(matrix) ** 2).sum(), "traces": jnp.trace(matrix) ** 2}.items():
        assert found.norm(Quantity(U2, U2, PATTERNS[name]), 5) == (pytest.approx(float(exact), rel=1e-12), 0.0)
    value, error = found.norm(Quantity(U2, U2, PATTERNS["Hessian"]), 5)
    assert abs(value - float((matrix**2).sum())) <= 4 * error < 0.2 * value


def test_what_differences_are_measured_of():
    along_time = Tensor("∂ₜu", 2, "x", field="u", prefix=((Xi("t"), 1),))
    assert all(is_hessian_norm(Quantity(U2, along_time, blocks)) for blocks in PATTERNS.values())
    assert not is_hessian_norm(CASES["weighted"][0])
    assert not is_hessian_norm(CASES["mixed"][0])
    assert not is_hessian_norm(CASES["gradient of the Laplacian"][0])
