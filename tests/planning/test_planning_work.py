"""Planning stays quick: Python calls are counted, not seconds (`python -m benchmarks.planning` prints those)."""

from __future__ import annotations

import sys

import pytest
from planning.forms import gradient, laplacian, normal_form, of
from planning.tangents.test_table import OPERATORS

from opcompiler.planning import strategies
from opcompiler.planning.minimal_algebra import minimal_algebra
from opcompiler.planning.strategies import weigh
from opcompiler.planning.tangents import forms, laplacians, rounding, waring, weights


def calls(work) -> int:
    """Python functions called by `work` from cold caches; about five million of them take a second."""
    for module in (strategies, forms, laplacians, rounding, waring, weights):
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear"):
                value.cache_clear()
    count = 0

    def counter(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(counter)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", ["KdV-2D lumped", "u_xxyyzz", "Δ³, d=3", "Δ², d=8", "∇Δ + Δ, d=5"])
def test_the_certified_algebra_takes_few_operations(name):
    form = OPERATORS[name]
    assert calls(lambda: minimal_algebra(tuple(enumerate(form.contractions)), form.declarations)) < 200_000


@pytest.mark.parametrize("name", ["KdV-2D lumped", "u_xxyyzz", "Δ³, d=3", "Δ², d=8", "Cahn–Hilliard, d=3"])
def test_all_strategies_take_few_operations(name):
    assert calls(lambda: weigh(OPERATORS[name], ("u",))) < 800_000


def test_the_biharmonic_operator_in_twelve_dimensions_takes_few_operations():
    assert calls(lambda: weigh(normal_form({"x": 12}, of(laplacian("x", 2))), ("u",))) < 4_000_000


def test_work_does_not_grow_with_the_dimension_of_a_laplacian():
    def work(dim):
        return calls(lambda: weigh(normal_form({"x": dim}, of(laplacian()), gradient()), ("u",)))

    assert work(10**6) == work(10**3) < 4_000
