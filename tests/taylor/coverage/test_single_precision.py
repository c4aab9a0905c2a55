"""Single precision: as good as nested `jax.jvp`, and right at arguments where careless series break down."""

import warnings

import jax
import jax.scipy.special as special
import mpmath
import numpy as np
import pytest
from jax import nn
from jax import numpy as jnp
from taylor.coverage.algebras import problem
from taylor.coverage.compare import compiled, engine_program, floats, problem_of, split
from taylor.coverage.nested import along_curves, evaluated
from taylor.coverage.suite import CASES, Case
from taylor.coverage.test_coverage import FULL

from opcompiler.taylor import TaylorFallbackWarning, evaluate, variable

ORDER = 4
ULP = float(np.finfo(np.float32).eps)
EVERY = 1 if FULL else 12
"""The short run takes every twelfth function."""


def chosen() -> list[str]:
    smooth = [c for c in CASES.values() if c.smooth and c.reference is None and c.limit >= ORDER]
    return [c.name for c in smooth if c.unsupported_from is None][::EVERY]


def coefficients(case: Case) -> list[list[list[np.ndarray]]]:
    """Return f, f', … along the curve of the case: exact, by nested `jax.jvp` and by the engine in single precision."""
    task = problem_of(case, "univariate", ORDER)

    def nested(dtype):
        points, rebuilt = split(case, dtype)
        return along_curves(
            lambda *values: floats(case.function(*rebuilt(list(values)))), points, task.curves, ORDER, dtype
        )

    exact, single = nested(np.float64), nested(np.float32)
    run, arguments = engine_program(case, [task], np.float32)
    tables = compiled(lambda a: (evaluated(*exact), evaluated(*single), run(a)[0]), arguments)
    exact, single, ours = jax.tree_util.tree_map(lambda v: np.asarray(v, np.promote_types(v.dtype, np.float64)), tables)
    return [[[value[0] for value in row] for row in table] for table in (exact, single)] + [ours]


def error(have, want):
    """Return the largest error of one coefficient, in units of the last place of its largest entry."""
    scale = max(float(np.max(np.abs(want), initial=0.0)), np.finfo(np.float32).tiny) * ULP
    return float(np.max(np.abs(have - want), initial=0.0)) / scale


def worst(have, want):
    return max(
        (error(h, w) for hs, ws in zip(have, want, strict=True) for h, w in zip(hs, ws, strict=True)), default=0.0
    )


@pytest.mark.parametrize("name", chosen())
def test_error_is_at_most_twice_that_of_nested_jvp(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TaylorFallbackWarning)
        exact, nested, ours = coefficients(CASES[name])
    assert worst(ours, exact) <= max(4.0, 2 * worst(nested, exact))


EXTREME = {
    "expm1": (jnp.expm1, mpmath.expm1, (1e-6, 1e-4, -1e-6, -40.0, 40.0, -1e4)),
    "log1p": (jnp.log1p, mpmath.log1p, (1e-6, 1e-4, -1e-6, 40.0)),
    "tanh": (jnp.tanh, mpmath.tanh, (1e-6, 1e-4, -40.0, 40.0, -1e4)),
    "softplus": (nn.softplus, lambda x: mpmath.log1p(mpmath.exp(x)), (1e-6, 1e-4, -40.0, 40.0, -1e4)),
    "logistic": (nn.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), (1e-6, 1e-4, -40.0, 40.0, -1e4)),
    "erfc": (special.erfc, mpmath.erfc, (1e-6, 1e-4, -40.0, 40.0, -1e4)),
    "asinh": (jnp.arcsinh, mpmath.asinh, (1e-6, 1e-4, -40.0, 40.0, -1e4)),
}


@pytest.mark.parametrize("name", EXTREME)
def test_extreme_arguments(name):
    function, exact, arguments = EXTREME[name]
    order = 4
    points = np.array(arguments, np.float32)
    task = problem("univariate", order, [points], 0)
    seeds = {1: np.ones(len(points), np.float32)}
    jet = compiled(lambda x: evaluate(function, (variable(x, task.algebra, seeds),), task.algebra), points)
    have = np.stack([jet.coefficient(k) for k in range(order + 1)]).astype(np.float64)
    with mpmath.workdps(60):
        columns = [
            [mpmath.diff(exact, mpmath.mpf(float(x)), k, h=mpmath.mpf(10) ** -9) for k in range(order + 1)]
            for x in points
        ]
        want = np.array([[float(v) for v in column] for column in columns]).T
    assert np.isfinite(have).all()
    scale = np.max(np.abs(want), axis=0)
    assert np.max(np.abs(have - want) / np.maximum(scale, 1e-30)) < 64 * ULP
