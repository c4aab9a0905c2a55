"""Every function of the suite over truncated algebras, against nested `jax.jvp` in double precision.

Every function runs once here, compiled, over one algebra of low order. `OPCOMPILER_COVERAGE=full` (`make coverage`)
runs the matrix: every function over univariate jets of order 6, several directions with summed sixth derivatives, the
mixed monomial ∂x³∂y³, a Laplacian and an algebra that is not graded, step by step and compiled. The algebras of
order 6 contain those of the orders below: their lower coefficients are compared too. Large functions go to order 6
over univariate jets and to order 4 over the others.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest
from taylor.coverage.compare import both, problem_of, references_of, relative_error, results_of
from taylor.coverage.suite import CASES, Case

from opcompiler.errors import UnsupportedPrimitiveError
from opcompiler.taylor import TaylorFallbackWarning

FULL = os.environ.get("OPCOMPILER_COVERAGE") == "full"
LEAST_FUNCTIONS = 240

MATRIX = {
    False: (("univariate", 6), ("family", 6), ("mixed", 6), ("family", 2), ("ungraded", 4)),
    True: (("univariate", 6), ("family", 4), ("mixed", 4), ("family", 2), ("ungraded", 4)),
}
"""Kinds and orders of the algebras of the full matrix; by whether functions are large, which takes long to compile."""

LARGE = ("control flow", "nested differentiation", "networks", "linear algebra", "equinox", "flax", "optax")
"""Families of large functions."""

SHORT = {
    False: (("univariate", 3), ("family", 2), ("mixed", 2)),
    True: (("univariate", 2), ("family", 2)),
}
"""What the short run takes in turns; by whether functions are large."""


def available(case: Case, kinds: tuple[tuple[str, int], ...]) -> list[tuple[str, int]]:
    """Return the kinds and orders for which the function has derivatives that can be compared."""
    lower = [(kind, min(order, case.limit)) for kind, order in kinds if kind != "ungraded" or order <= case.limit]
    return list(dict.fromkeys((kind, 4 if order == 5 else order) for kind, order in lower))


def agree(case: Case, jit: bool, kinds: list[tuple[str, int]], have: Any, want: Any) -> None:
    for kind, ours, theirs in zip(kinds, have, want, strict=True):
        error = relative_error(ours, theirs)
        assert error <= case.tolerance, f"{case.name}, {kind} algebra, compiled: {jit}: relative error {error:.1e}"


def check(case: Case, kinds: tuple[tuple[str, int], ...]) -> None:
    chosen = available(case, kinds)
    tasks = [problem_of(case, *each) for each in chosen]
    reference = references_of(case, tasks)
    for jit in (False, True):
        agree(case, jit, chosen, results_of(case, tasks, jit), reference)


def test_the_suite_is_large():
    assert len(CASES) >= LEAST_FUNCTIONS


@pytest.mark.parametrize(("number", "name"), list(enumerate(CASES)), ids=list(CASES))
def test_function(number, name):
    case = CASES[name]
    large = case.family in LARGE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TaylorFallbackWarning)
        if case.unsupported_from is not None:
            task = problem_of(case, "univariate", case.unsupported_from)
            with pytest.raises(UnsupportedPrimitiveError):
                results_of(case, [task], jit=False)
        if case.unsupported_from == 1:
            return
        if FULL:
            check(case, MATRIX[large])
        else:
            kind, order = SHORT[large][number % len(SHORT[large])]
            chosen = available(case, ((kind, min(order, case.short)),))
            agree(case, True, chosen, *both(case, [problem_of(case, *chosen[0])]))
