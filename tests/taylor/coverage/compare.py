"""Runs a case over algebras and compares every coefficient with the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from taylor.coverage.algebras import Problem, problem
from taylor.coverage.cases import Case, Fixed, flat_arguments, is_fixed
from taylor.coverage.nested import along_curves, evaluated

from opcompiler.taylor import Jet, evaluate, variable

__all__ = ["both", "floats", "problem_of", "references_of", "relative_error", "results_of", "split"]

Coefficients = list[list[np.ndarray]]
"""Per element of the algebra, per floating-point result."""


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


def floats(results: Any) -> list[jax.Array]:
    """Return the floating-point arrays of a pytree."""
    leaves = jax.tree_util.tree_leaves(results)
    return [jnp.asarray(r) for r in leaves if jnp.issubdtype(jnp.result_type(r), jnp.inexact)]


def problem_of(case: Case, kind: str, order: int) -> Problem:
    """Return the algebra and the seeds of a case."""
    return problem(kind, order, split(case)[0], case.seed)


def reference_program(case: Case, tasks: Sequence[Problem]) -> tuple[Any, int]:
    """Return the program of the derivatives along the curves of several algebras, by one nested `jax.jvp`."""
    points, rebuilt = split(case)
    function = case.reference or case.function
    curves = [curve for task in tasks for curve in task.curves]
    order = max(task.order for task in tasks)
    return along_curves(lambda *values: floats(function(*rebuilt(list(values)))), points, curves, order)


def collected(tasks: Sequence[Problem], table: Sequence[Sequence[Any]]) -> list[Coefficients]:
    """Return the coefficients over the algebras from the derivatives along all their curves."""
    table = [[np.asarray(value) for value in row] for row in table]
    results, first = [], 0
    for task in tasks:
        own = slice(first, first + len(task.curves))
        results.append(task.collect([[value[own] for value in row] for row in table]))
        first += len(task.curves)
    return results


def references_of(case: Case, tasks: Sequence[Problem]) -> list[Coefficients]:
    """Return the coefficients of the floating-point results over several algebras, step by step."""
    program = reference_program(case, tasks)
    with jax.disable_jit():
        return collected(tasks, evaluated(*program))


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


def engine_program(
    case: Case, tasks: Sequence[Problem], dtype: Any = np.float64
) -> tuple[Callable[..., list[Any]], list[Any]]:
    """Return the function that computes the coefficients over several algebras by the engine, and its argument."""
    pairs = [engine_function(case, task, dtype) for task in tasks]

    def run(arguments: Sequence[Any]) -> list[Any]:
        return [function(*a) for (function, _), a in zip(pairs, arguments, strict=True)]

    return run, [arguments for _, arguments in pairs]


def results_of(case: Case, tasks: Sequence[Problem], jit: bool, dtype: Any = np.float64) -> list[Coefficients]:
    """Return the coefficients of the floating-point results over several algebras by the engine."""
    run, arguments = engine_program(case, tasks, dtype)
    return jax.tree_util.tree_map(np.asarray, jax.jit(run)(arguments) if jit else run(arguments))


def both(work: Sequence[tuple[Case, Sequence[Problem]]]) -> list[tuple[list[Coefficients], list[Coefficients]]]:
    """Return results and reference of several cases from one compiled program: for low orders the fastest way."""
    engines, programs = [], []
    for case, tasks in work:
        engines.append(engine_program(case, tasks))
        programs.append(reference_program(case, tasks))

    def run(arguments: Sequence[Any]) -> list[tuple[Any, Any]]:
        pairs = zip(engines, programs, arguments, strict=True)
        return [(engine(own), evaluated(*program)) for (engine, _), program, own in pairs]

    everything = jax.jit(run)([arguments for _, arguments in engines])
    return [
        (jax.tree_util.tree_map(np.asarray, ours), collected(tasks, theirs))
        for (_, tasks), (ours, theirs) in zip(work, everything, strict=True)
    ]


def relative_error(have: Coefficients, want: Coefficients) -> float:
    """Return the largest error over all coefficients, each relative to max(1, largest entry of its array)."""
    worst = 0.0
    assert len(have) == len(want), f"{len(have)} elements instead of {len(want)}"
    for ours, theirs in zip(have, want, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a.shape == b.shape, f"shape {a.shape} instead of {b.shape}"
            if a.size:
                both_nan = np.isnan(a) & np.isnan(b)
                scale = max(1.0, float(np.max(np.abs(np.where(both_nan, 0, b)))))
                error = np.where(both_nan, 0.0, np.abs(a - b)) / scale
                worst = float("inf") if np.isnan(error).any() else max(worst, float(error.max()))
    return worst
