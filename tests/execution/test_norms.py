"""Measured norms: mean over all directions by enumeration, and against dense tensors within standard errors."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from opcompiler.errors import UnsupportedError
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
