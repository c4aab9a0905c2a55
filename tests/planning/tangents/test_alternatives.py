"""What is weighed for a normal form, in order, with reasons."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from planning.forms import IDENTITY, gradient, laplacian, normal_form, of, power_sum, scalars, times, xi
from planning.tangents.test_table import OPERATORS

from opcompiler.ir.plan import Plan
from opcompiler.planning import plan
from opcompiler.planning.alternatives import alternatives
from opcompiler.report import explain_text


def weighed(form):
    return {a.strategy: a for a in alternatives(form)}


@pytest.mark.parametrize("name", OPERATORS)
def test_only_the_minimal_algebra_is_chosen_and_nothing_carries_less(name):
    found = alternatives(OPERATORS[name])
    assert [a.strategy for a in found if a.chosen] == ["minimal algebra"]
    assert found[0].chosen
    assert all(a.reason for a in found)
    inside = [a for a in found if a.coefficients is not None and a.strategy != "reverse over forward"]
    assert min(a.coefficients for a in inside) == plan(OPERATORS[name]).certificate.minimum


def test_kdv():
    found = weighed(OPERATORS["KdV-2D lumped"])
    assert {name: a.coefficients for name, a in found.items()} == {
        "minimal algebra": 8,
        "collapsed jets": 16,
        "univariate jets": 21,
        "one multi-slot jet": 22,
        "nested differentiation": 11,
        "all partial derivatives": 61,
    }
    assert found["collapsed jets"].directions == 6
    assert found["nested differentiation"].reason == "3 more coefficients"


def test_one_jet_is_the_minimal_algebra_of_a_curve():
    found = weighed(OPERATORS["KS, d=1"])
    assert found["one multi-slot jet"].coefficients == 5
    assert found["one multi-slot jet"].reason == "as many coefficients: a single jet"


def test_a_gradient_of_a_laplacian_weighs_a_reverse_sweep():
    few, many = (weighed(OPERATORS[f"∇Δ + Δ, d={d}"])["reverse over forward"] for d in (3, 5))
    assert (few.coefficients, many.coefficients) == (5, 7)
    assert not few.chosen
    large = weighed(normal_form({"x": 12}, of(laplacian(), free=("x",))))["reverse over forward"]
    assert "outside the theorem" in large.reason


@pytest.mark.parametrize("dim", [40, 10**6])
def test_large_spaces_are_counted_not_listed(dim):
    heat = xi("t") + times(laplacian(), -1) + IDENTITY
    found = weighed(normal_form({"x": dim, "t": None}, of(heat), gradient(), time="t"))
    assert {name: a.coefficients for name, a in found.items()} == {
        "minimal algebra": dim + 2,
        "collapsed jets": dim + 2,
        "univariate jets": 2 * dim + 2,
        "nested differentiation": 2 * dim + 2,
        "all partial derivatives": 1 + 2 * (dim + 1) * (dim + 2) // 2,
    }
    assert found["collapsed jets"].status == "proved"


def test_what_is_too_large_to_list_says_so():
    found = weighed(normal_form({"x": 1000}, of(power_sum("x", 4)), of(laplacian())))
    assert found["univariate jets"].coefficients is None
    assert found["univariate jets"].reason.startswith("not weighed")


def test_large_counts_agree_with_small_listings():
    """The same operator in 16 coordinates is listed; its counts follow the closed form."""
    found = weighed(normal_form({"x": 15, "t": None}, of(xi("t") + laplacian()), time="t"))
    assert found["collapsed jets"].coefficients == 17
    assert found["univariate jets"].coefficients == 32
    assert found["nested differentiation"].coefficients == 32


def test_without_derivatives_there_is_nothing_to_weigh():
    assert [a.strategy for a in alternatives(normal_form(scalars("x"), of(IDENTITY)))] == ["evaluation"]


def test_the_same_twice():
    form = OPERATORS["KP lumped"]
    assert alternatives(form) == alternatives(form)


def test_a_plan_keeps_and_shows_what_was_weighed():
    planned = plan(OPERATORS["KdV-2D lumped"])
    counted = alternatives(OPERATORS["KdV-2D lumped"])
    assert {(a.strategy, a.coefficients, a.chosen) for a in planned.alternatives} == {
        (a.strategy, a.coefficients, a.chosen) for a in counted
    }
    assert planned.alternatives[0].chosen
    assert Plan.from_json(planned.to_json()) == planned
    assert "weighed   collapsed jets 16: 8 more coefficients" in str(planned)
    assert "8 more coefficients; 2× the work of the minimal algebra (6 directions" in explain_text(planned)


def test_plans_are_the_same_under_any_hash_seed():
    code = (
        "from planning.tangents.test_table import OPERATORS\nfrom opcompiler.planning import plan\n"
        "for name in ('KP lumped', '∂_tΔ, d=2', '∇Δ + Δ, d=3', 'Cahn–Hilliard, d=2'):\n"
        "    print(plan(OPERATORS[name]).to_json())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout
        for seed in ("0", "1", "4711")
    }  # fmt: skip
    assert len(texts) == 1
    assert texts.pop().count("opcompiler-plan") == 4
