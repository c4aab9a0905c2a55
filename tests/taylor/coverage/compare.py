"""Runs a case over an algebra and compares every coefficient with the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from taylor.coverage.algebras import Problem, problem
from taylor.coverage.cases import Case, Fixed, flat_arguments, is_fixed

from opcompiler.taylor import Jet, evaluate, variable

__all__ = ["both", "problem_of", "reference_of", "relative_error", "results_of"]

Coefficients = list[list[np.ndarray]]
"""Per element of the algebra, per floating-point result."""

QUICK = {"xla_backend_optimization_level": "0", "xla_llvm_disable_expensive_passes": True}
"""Programs that run once are not worth optimising."""


def compiled(function: Callable[..., Any], *arguments: Any) -> Any:
    """Compile in a hurry and run once."""
    return jax.jit(function, compiler_options=QUICK)(*arguments)


def split(case: Case, dtype: Any = np.float64) -> tuple[list[np.ndarray], Callable[[list[Any]], tuple[Any, ...]]]:
    """Return the points that are differentiated and a function that rebuilds all arguments from values for them."""
    leaves, tree = flat_arguments(case.arguments)
    points = [_cast(v, dtype) for v in leaves if not is_fixed(v)]

    def rebuilt(values: list[Any]) -> tuple[Any, ...]:
        rest = iter(values)
        full = [_cast(v.value if isinstance(v, Fixed) else v, dtype) if is_fixed(v) else next(rest) for v in leaves]
        return jax.tree_util.tree_unflatten(tree, full)

    return points, rebuilt


def _cast(value: Any, dtype: Any) -> np.ndarray:
    value = np.asarray(value)
    return value.astype(dtype) if value.dtype == np.float64 else value


def problem_of(case: Case, kind: str, order: int) -> Problem:
    """Return the algebra and the seeds of a case."""
    return problem(kind, order, split(case)[0], case.seed)


def reference_function(case: Case, task: Problem) -> Callable[[], list[list[jax.Array]]]:
    """Return the function that computes the coefficients of the floating-point results by nested `jax.jvp`."""
    _, rebuilt = split(case)
    function = case.reference or case.function

    def smooth_results(*values: Any) -> list[jax.Array]:
        results = jax.tree_util.tree_leaves(function(*rebuilt(list(values))))
        return [jnp.asarray(r) for r in results if jnp.issubdtype(jnp.result_type(r), jnp.inexact)]

    return lambda: task.reference(smooth_results)


def engine_function(case: Case, task: Problem, dtype: Any = np.float64) -> tuple[Callable[..., Any], tuple[Any, Any]]:
    """Return the function that computes the same by the engine, and its arguments."""
    points, rebuilt = split(case, dtype)

    def run(values: list[Any], seeds: list[dict[int, Any]]) -> list[list[jax.Array]]:
        jets = [variable(v, task.algebra, s) for v, s in zip(values, seeds, strict=True)]
        result = evaluate(case.function, rebuilt(jets), task.algebra)
        jets = jax.tree_util.tree_leaves(result, is_leaf=lambda v: isinstance(v, Jet))
        smooth = [j for j in jets if jnp.issubdtype(jnp.result_type(j.primal), jnp.inexact)]
        return [[j.coefficient(k) for j in smooth] for k in range(len(task.algebra.elements))]

    seeds = jax.tree_util.tree_map(lambda s: _cast(s, dtype), task.seeds)
    return run, ([jnp.asarray(p) for p in points], seeds)


def reference_of(case: Case, task: Problem) -> Coefficients:
    """Return the coefficients of the floating-point results, by nested `jax.jvp`.

    Step by step where the order is high: there the program is too large to compile in a reasonable time.
    """
    function = reference_function(case, task)
    return jax.tree_util.tree_map(np.asarray, compiled(function) if task.algebra.order < 4 else function())


def results_of(case: Case, task: Problem, jit: bool = True, dtype: Any = np.float64) -> Coefficients:
    """Return the coefficients of the floating-point results, by the engine."""
    run, arguments = engine_function(case, task, dtype)
    return jax.tree_util.tree_map(np.asarray, compiled(run, *arguments) if jit else run(*arguments))


def both(case: Case, task: Problem) -> tuple[Coefficients, Coefficients]:
    """Return results and reference from one compilation, which halves the time of a short run."""
    run, arguments = engine_function(case, task)
    reference = reference_function(case, task)
    ours, theirs = compiled(lambda *a: (run(*a), reference()), *arguments)
    return jax.tree_util.tree_map(np.asarray, ours), jax.tree_util.tree_map(np.asarray, theirs)


def relative_error(have: Coefficients, want: Coefficients) -> float:
    """Return the largest error over all coefficients, each relative to max(1, largest entry of its array)."""
    worst = 0.0
    for ours, theirs in zip(have, want, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a.shape == b.shape, f"shape {a.shape} instead of {b.shape}"
            if a.size:
                both_nan = np.isnan(a) & np.isnan(b)
                scale = max(1.0, float(np.max(np.abs(np.where(both_nan, 0, b)))))
                error = np.where(both_nan, 0.0, np.abs(a - b)) / scale
                worst = float("inf") if np.isnan(error).any() else max(worst, float(error.max()))
    return worst
