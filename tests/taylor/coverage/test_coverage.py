"""Every function of the suite over truncated algebras, against nested `jax.jvp` in double precision.

Every function runs once here, over one algebra of low order, compiled. `OPCOMPILER_COVERAGE=full` (`make coverage`)
runs the matrix: orders 1, 2, 3, 4 and 6, four algebras, step by step and compiled.
"""

from __future__ import annotations

import os
import warnings

import jax
import pytest
from taylor.coverage.algebras import KINDS
from taylor.coverage.compare import both, problem_of, reference_of, relative_error, results_of
from taylor.coverage.suite import CASES, Case

from opcompiler.errors import UnsupportedPrimitiveError
from opcompiler.taylor import TaylorFallbackWarning

ORDERS = (1, 2, 3, 4, 6)
FULL = os.environ.get("OPCOMPILER_COVERAGE") == "full"
LEAST_FUNCTIONS = 240

LIGHT = ("elementwise", "powers", "activations", "shapes", "indexing")
"""Families whose functions are small enough for third order in the short run."""


def tasks() -> list[tuple[str, str, int]]:
    """Return the (name, algebra, order) to run."""
    if FULL:
        matrix = [(kind, order) for kind in KINDS for order in ORDERS if kind != "ungraded" or order > 2]
        return [(n, kind, order) for n, c in CASES.items() for kind, order in matrix if order <= c.limit]
    result = []
    for number, (name, case) in enumerate(CASES.items()):
        kind = ("univariate", "family", "mixed")[number % 3] if case.family in LIGHT else "univariate"
        order = 3 if kind == "univariate" and case.family in LIGHT else 2
        result.append((name, kind, min(order, case.limit, case.short)))
    return result


def check(case: Case, kind: str, order: int) -> None:
    task = problem_of(case, kind, order)
    if case.unsupported_from is not None and order >= case.unsupported_from:
        with pytest.raises(UnsupportedPrimitiveError):
            results_of(case, task)
        return
    if not FULL:
        assert relative_error(*both(case, task)) <= case.tolerance
        return
    jax.clear_caches()  # thousands of programs would use up the address space
    reference = reference_of(case, task)
    for jit in (False, True):
        error = relative_error(results_of(case, task, jit), reference)
        assert error <= case.tolerance, f"{case.name}, {kind} algebra of order {order}, jit={jit}: error {error:.1e}"


def test_the_suite_is_large():
    assert len(CASES) >= LEAST_FUNCTIONS


@pytest.mark.parametrize(("name", "kind", "order"), tasks())
def test_function(name, kind, order):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TaylorFallbackWarning)
        check(CASES[name], kind, order)
