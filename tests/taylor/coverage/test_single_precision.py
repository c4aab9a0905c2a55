"""Single precision: as good as nested `jax.jvp`, and right at arguments where careless series break down."""

import jax
import jax.scipy.special as special
import mpmath
import numpy as np
import pytest
from jax import nn
from jax import numpy as jnp
from taylor.coverage.algebras import derivatives, problem
from taylor.coverage.compare import compiled, split
from taylor.coverage.suite import CASES
from taylor.coverage.test_coverage import FULL

from opcompiler.taylor import evaluate, variable

ORDER = 2
ULP = float(np.finfo(np.float32).eps)
FAMILIES = ("elementwise", "activations", "special", "networks", "reductions", "products")
"""Smooth families: no sorting, no branch that rounding could change."""


def chosen() -> list[str]:
    names = [
        n
        for n, c in CASES.items()
        if c.smooth and c.reference is None and c.limit >= ORDER and c.unsupported_from is None and c.family in FAMILIES
    ]
    return names if FULL else names[::9]


def coefficients(case, dtype, engine):
    """Return f, f', f'' along the curve of the case in one precision."""
    task = problem("univariate", ORDER, split(case)[0], case.seed)
    points, rebuilt = split(case, dtype)
    seeds = [{k: v.astype(dtype) for k, v in s.items()} for s in task.seeds]

    def floats(results):
        leaves = jax.tree_util.tree_leaves(results)
        return [r for r in map(jnp.asarray, leaves) if jnp.issubdtype(r.dtype, jnp.inexact)]

    def nested():
        def along(t):
            moved = [p + s[1] * t + s[2] * (t * t / 2) for p, s in zip(points, seeds, strict=True)]
            return floats(case.function(*rebuilt(moved)))

        return list(derivatives(along, ORDER, dtype=dtype))

    def ours():
        jets = [variable(p, task.algebra, s) for p, s in zip(points, seeds, strict=True)]
        result = jax.tree_util.tree_leaves(
            evaluate(case.function, rebuilt(jets), task.algebra), is_leaf=lambda v: hasattr(v, "coefficient")
        )
        smooth = [j for j in result if jnp.issubdtype(jnp.result_type(j.primal), jnp.inexact)]
        return [[j.coefficient(k) for j in smooth] for k in range(ORDER + 1)]

    return jax.tree_util.tree_map(lambda v: np.asarray(v, np.float64), compiled(ours if engine else nested))


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
    case = CASES[name]
    exact, nested, ours = (
        coefficients(case, d, e) for d, e in ((np.float64, False), (np.float32, False), (np.float32, True))
    )
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
