"""Every function of the suite over truncated algebras, against nested `jax.jvp` in double precision.

Every function runs once here, compiled, over one algebra of low order. `OPCOMPILER_COVERAGE=full` (`make coverage`)
runs the matrix: every function over univariate jets of order 6, several directions with summed sixth derivatives, the
mixed monomial ∂x³∂y³, a Laplacian and an algebra that is not graded, step by step and compiled. The algebras of
order 6 contain those of the orders below: their lower coefficients are compared too. Large functions go to order 6
over univariate jets and to order 4 over the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import pytest
from taylor.coverage.compare import both, problem_of, references_of, relative_error, results_of
from taylor.coverage.suite import CASES, Case

from opcompiler.errors import UnsupportedPrimitiveError

FULL = os.environ.get("OPCOMPILER_COVERAGE") == "full"
LEAST_FUNCTIONS = 240

MATRIX = {
    False: (("univariate", 6), ("family", 6), ("mixed", 6), ("family", 2), ("ungraded", 4)),
    True: (("univariate", 6), ("family", 4), ("mixed", 4), ("family", 2), ("ungraded", 4)),
}
"""Kinds and orders of the algebras of the full matrix; by whether functions are large, which takes long to compile."""

TOGETHER = 8
"""Functions that the short run compiles together, which saves a third of the time."""

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


def batched(cases: Sequence[Case], size: int) -> Iterator[list[Case]]:
    """Yield runs of at most so many cases."""
    rest = iter(cases)
    while some := list(islice(rest, size)):
        yield some


def groups() -> list[list[Case]]:
    """Return what one test runs: one function of the full matrix, or several of a family in one program."""
    if FULL:
        return [[case] for case in CASES.values()]
    families = [list(cases) for _, cases in groupby(CASES.values(), key=lambda case: case.family)]
    return [some for cases in families for some in batched(cases, TOGETHER)]


def named(cases: list[Case]) -> str:
    """Return the name of the function, or of the first and the last of several."""
    return " to ".join(dict.fromkeys((cases[0].name, cases[-1].name)))


def short(case: Case) -> tuple[str, int]:
    """Return the kind and order of the algebra that the short run takes for a case, by its name."""
    kinds = SHORT[case.family in LARGE]
    kind, order = kinds[case.seed % len(kinds)]
    return available(case, ((kind, min(order, case.short)),))[0]


@pytest.mark.filterwarnings("ignore::opcompiler.taylor.TaylorFallbackWarning")
@pytest.mark.parametrize(
    "cases", groups(), ids=lambda cases: " ‥ ".join(dict.fromkeys((cases[0].name, cases[-1].name)))
)
def test_functions(cases):
    for case in cases:
        if case.unsupported_from is not None:
            task = problem_of(case, "univariate", case.unsupported_from)
            with pytest.raises(UnsupportedPrimitiveError):
                results_of(case, [task], jit=False)
    cases = [case for case in cases if case.unsupported_from != 1]
    if FULL:
        for case in cases:
            check(case, MATRIX[case.family in LARGE])
        return
    work = [(case, [problem_of(case, *short(case))]) for case in cases]
    for case, (have, want) in zip(cases, both(work), strict=True):
        agree(case, True, [short(case)], have, want)
