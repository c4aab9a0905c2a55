"""Runs a case over an algebra and compares every coefficient with the reference."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.taylor import Jet, evaluate, variable
from taylor.coverage.algebras import Problem, problem
from taylor.coverage.cases import Case, Fixed, flat_arguments, is_fixed

__all__ = ["problem_of", "relative_error", "results_of"]


def split(case: Case) -> tuple[list[np.ndarray], Any]:
    """Return the points that are differentiated and a function that rebuilds all arguments from values for them."""
    leaves, tree = flat_arguments(case.arguments)
    points = [np.asarray(v) for v in leaves if not is_fixed(v)]

    def rebuilt(values: list[Any]) -> tuple[Any, ...]:
        rest = iter(values)
        full = [(v.value if isinstance(v, Fixed) else v) if is_fixed(v) else next(rest) for v in leaves]
        return jax.tree_util.tree_unflatten(tree, full)

    return points, rebuilt


def problem_of(case: Case, kind: str, order: int) -> Problem:
    """Return the algebra and the seeds of a case."""
    return problem(kind, order, split(case)[0], case.seed)


def reference_of(case: Case, task: Problem) -> list[list[np.ndarray]]:
    """Return the coefficients of the floating-point results, by nested `jax.jvp`."""
    _, rebuilt = split(case)
    function = case.reference or case.function

    def smooth_results(*values: Any) -> list[jax.Array]:
        results = jax.tree_util.tree_leaves(function(*rebuilt(list(values))))
        return [r for r in results if jnp.issubdtype(jnp.result_type(r), jnp.inexact)]

    return [[np.asarray(v) for v in element] for element in task.reference(smooth_results)]


def results_of(case: Case, task: Problem, jit: bool = False) -> list[list[np.ndarray]]:
    """Return the coefficients of the floating-point results, by the engine."""
    points, rebuilt = split(case)

    def run(values: list[Any], seeds: list[dict[int, Any]]) -> Any:
        jets = [variable(v, task.algebra, s) for v, s in zip(values, seeds, strict=True)]
        return evaluate(case.function, rebuilt(jets), task.algebra)

    values = [jnp.asarray(p) for p in points]
    result = (jax.jit(run) if jit else run)(values, task.seeds)
    jets = jax.tree_util.tree_leaves(result, is_leaf=lambda v: isinstance(v, Jet))
    smooth = [j for j in jets if jnp.issubdtype(jnp.result_type(j.primal), jnp.inexact)]
    return [[np.asarray(j.coefficient(k)) for j in smooth] for k in range(len(task.algebra.elements))]


def relative_error(have: list[list[np.ndarray]], want: list[list[np.ndarray]]) -> float:
    """Return the largest error over all coefficients, each relative to max(1, largest entry of its array)."""
    worst = 0.0
    for ours, theirs in zip(have, want, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a.shape == b.shape, f"shape {a.shape} instead of {b.shape}"
            if a.size:
                both_nan = np.isnan(a) & np.isnan(b)
                error = np.where(both_nan, 0.0, np.abs(a - b)) / max(1.0, float(np.max(np.abs(np.where(both_nan, 0, b)))))
                worst = float("inf") if np.isnan(error).any() else max(worst, float(error.max()))
    return worst
