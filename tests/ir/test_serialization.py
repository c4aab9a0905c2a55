"""Plans as JSON: the same plan comes back, anything else is refused."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning.forms import IDENTITY, gradient, laplacian, normal_form, of, quadric, runtime, scalars, xi

from opcompiler.errors import OpCompilerError, OperatorSyntaxError, UnsupportedError
from opcompiler.ir.network import AffineBottleneck, NetworkProfile
from opcompiler.ir.plan import Plan
from opcompiler.planning import plan

x, y, t = xi("x"), xi("y"), xi("t")

PLANS = {
    "nothing": plan(normal_form(scalars("x"))),
    "identity": plan(normal_form(scalars("x"), of(IDENTITY))),
    "mixed derivative": plan(normal_form(scalars("x", "y"), of(x * x * x * y))),
    "scalar": plan(normal_form({"x": 7, "t": None}, of(t - laplacian() * runtime(0)), time="t")),
    "quadric": plan(normal_form({"x": 2}, of(quadric("x", [["1/2", 1], [1, -3]])))),
    "fields": plan(normal_form({"x": 3}, of(laplacian(), "v"), gradient(field="p"))),
    "bottleneck": plan(
        normal_form({"x": 500}, of(laplacian())), profile=NetworkProfile(9, 3, 1, (AffineBottleneck("x", 8),))
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_survives_the_round_trip(name):
    planned = PLANS[name]
    text = planned.to_json()
    again = Plan.from_json(text)
    assert again == planned
    assert hash(again) == hash(planned)
    assert again.to_json() == text


def test_another_schema_version_is_refused():
    data = json.loads(PLANS["identity"].to_json())
    data["opcompiler-plan"] += 1
    with pytest.raises(UnsupportedError, match="schema version") as caught:
        Plan.from_json(json.dumps(data))
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"opcompiler-plan": 2}', '{"opcompiler-plan": 2, "plan": 3}', "[" * 5000]
)
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(OperatorSyntaxError):
        Plan.from_json(text)


def _paths(node, path=()):
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from _paths(value, (*path, key))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_damage_is_either_refused_or_gives_a_plan(data):
    document = json.loads(PLANS["mixed derivative"].to_json())
    *path, last = data.draw(st.sampled_from([p for p in _paths(document) if p]))
    parent = document
    for key in path:
        parent = parent[key]
    parent[last] = data.draw(st.sampled_from([None, "odd", -1, {"is": "Nonsense"}, {"is": "Fraction", "value": "1/0"}]))
    with contextlib.suppress(OpCompilerError):
        assert isinstance(Plan.from_json(json.dumps(document)), Plan)
