"""Plans as JSON: the same plan comes back, anything else is refused."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir import schema_file
from planning.forms import IDENTITY, gradient, laplacian, normal_form, of, quadric, runtime, scalars, xi

from opcompiler.errors import ArgumentTypeError, OperatorSyntaxError, UnsupportedError
from opcompiler.ir import kinds
from opcompiler.ir.network import AffineBottleneck, NetworkProfile
from opcompiler.ir.plan import Plan
from opcompiler.ir.schema import plan_schema
from opcompiler.ir.serialization import decode, encode
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


@pytest.mark.parametrize("version", [0, 1, 3, True, 2.0, "2", None])
def test_another_schema_version_is_refused(version):
    data = json.loads(PLANS["identity"].to_json())
    data["opcompiler-plan"] = version
    with pytest.raises(UnsupportedError, match="schema version") as caught:
        Plan.from_json(json.dumps(data))
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"opcompiler-plan": 2}', '{"opcompiler-plan": 2, "plan": 3}', "[" * 5000]
)
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(OperatorSyntaxError):
        Plan.from_json(text)


DAMAGED = [
    (("joint", "algebra", "elements", 1, "degree"), "one", r"plan\.joint\.algebra\.elements\[1\]\.degree is \"one\""),
    (("joint", "algebra", "elements", 1, "degree"), 1.0, "expected a whole number"),
    (("joint", "algebra", "elements", 1, "degree"), True, "expected a whole number"),
    (("joint", "algebra", "elements", 1, "axis"), [], "expected a whole number or null"),
    (("joint", "algebra", "table"), None, "expected a list"),
    (("joint", "fields", 0), 3, "expected a text"),
    (("joint", "seeds", 0), {"is": "Term"}, "expected a CoordinateSeed or a AxisSeed"),
    (("joint", "seeds", 0, "coefficient"), {"is": "Fraction", "value": "1"}, "expected a Coefficient"),
    (("normal_form", "contractions", 0, "symbol", "terms", 0), [[]], "expected a list of 2"),
    (("alternatives", 0, "status"), "sure", "expected 'proved' or 'bracketed' or 'unknown'"),
    (("alternatives", 0, "chosen"), 1, "expected true or false"),
    (("certificate",), None, "expected a Certificate"),
    (("certificate",), {"is": "Certificate"}, "has the fields"),
    # What refers to something that is not there would mean something else, or nothing.
    (("joint", "algebra", "table", 0, "left"), -1, "no such element"),
    (("joint", "algebra", "elements", 1, "axis"), 0, "no axis 0"),
    (("joint", "algebra", "elements", 0, "degree"), 1, "no unit"),
    (("joint", "seeds", 0, "element"), 99, "no element 99"),
    (("joint", "seeds", 0, "space"), "z", "no coordinate 0 of z"),
    (("joint", "seeds", 0, "index"), -1, "no coordinate -1 of x"),
    (("joint", "readouts", 0, "contraction"), -1, "no contraction -1"),
    (("joint", "readouts", 0, "parts", 0, "element"), -1, "no element -1"),
    (("joint", "readouts", 0, "parts", 0, "positions"), [[0, 1, 1]], "outside its value"),
    (("joint", "fields", 0), "w", "unknown field"),
    (("normal_form", "contractions", 0, "field"), "w", "no field w"),
    (("normal_form", "outputs", 0, "body", "number"), 1, "no contraction 1"),
]


def _with(document, path, value):
    changed = copy.deepcopy(document)
    parent = changed["plan"]
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return json.dumps(changed)


@pytest.mark.parametrize(("path", "value", "message"), DAMAGED)
def test_a_damaged_field_is_named_with_what_was_expected(path, value, message):
    document = json.loads(PLANS["mixed derivative"].to_json())
    with pytest.raises(OperatorSyntaxError, match=message):
        Plan.from_json(_with(document, path, value))


@pytest.mark.parametrize("value", ["1/0", "0.5", "1e3", " 1", "1/-2", "١", ""])
def test_fractions_are_two_whole_numbers(value):
    document = json.loads(PLANS["mixed derivative"].to_json())
    path = ("joint", "seeds", 0, "coefficient", "terms", 0, 1, "value")
    with pytest.raises(OperatorSyntaxError, match="expected a Fraction"):
        Plan.from_json(_with(document, path, value))


# --- every dataclass that a plan may hold ------------------------------------------------------------------------


def _values(kind: kinds.Kind, depth: int = 0) -> Iterator[Any]:
    """Yield values of a kind: every option of a union, tuples with and without entries."""
    match kind:
        case kinds.Plain(type=wanted):
            yield {type(None): None, bool: True, int: 7, float: 0.1, str: 'ξ"\\'}[wanted]
        case kinds.Exact():
            yield Fraction(-2, 3)
        case kinds.Word(words):
            yield from words
        case kinds.Series(item):
            yield ()
            if depth < 12:
                yield tuple(islice(_values(item, depth + 1), 2))
        case kinds.Fixed(items):
            yield tuple(next(_values(item, depth + 1)) for item in items)
        case kinds.OneOf(options):
            for option in options:
                yield from islice(_values(option, depth + 1), 2 if depth < 4 else 1)
        case kinds.Instance(cls):
            columns = {n: list(islice(_values(k, depth + 1), 3)) for n, k in kinds.field_kinds(cls).items()}
            for number in range(max(map(len, columns.values()), default=1)):
                # A class may check its values beyond their types.
                with contextlib.suppress(ArgumentTypeError):
                    yield cls(**{name: column[number % len(column)] for name, column in columns.items()})
        case kinds.Named():
            yield from islice(_values(kind.kind, depth + 1), 2)


CLASSES = kinds.reachable(Plan)
VALIDATOR = jsonschema.Draft202012Validator(plan_schema())


def test_the_classes_of_a_plan_are_those_of_ir():
    assert {"Plan", "Alternative", "Certificate", "HeadSumOver", "Quadric", "Surd"} <= set(CLASSES)
    assert all(cls.__module__.startswith("opcompiler.ir.") for cls in CLASSES.values())


@pytest.mark.parametrize("name", CLASSES)
def test_every_dataclass_of_a_plan_survives_and_satisfies_the_schema(name):
    kind = kinds.Instance(CLASSES[name])
    schema = VALIDATOR.evolve(schema={"$ref": f"#/$defs/{name}", "$defs": VALIDATOR.schema["$defs"]})
    values = list(islice(_values(kind), 3))
    assert values
    for value in values:
        data = json.loads(json.dumps(encode(value)))
        assert decode(kind, data, name) == value
        schema.validate(data)


def test_what_has_no_place_in_a_plan_is_refused():
    for value in (float("nan"), float("inf"), {}, [], 1j, Decimal(1), object()):
        with pytest.raises(TypeError, match="no place"):
            encode(value)


# --- the schema --------------------------------------------------------------------------------------------------


def test_the_schema_is_a_schema_and_the_published_one_is_current():
    jsonschema.Draft202012Validator.check_schema(plan_schema())
    assert schema_file.PATH.read_text("utf-8") == schema_file.text(), "if the change is meant: make golden"


@pytest.mark.parametrize("name", PLANS)
def test_plans_satisfy_the_schema(name):
    VALIDATOR.validate(json.loads(PLANS[name].to_json()))


def _paths(node, path=()):
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from _paths(value, (*path, key))


WRONG = [None, "odd", -1, 0.5, True, [], {}, {"is": "Nonsense"}, {"is": "Fraction", "value": "1/0"}]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_damage_that_breaks_the_schema_is_refused_and_no_other_changes_what_is_written(data):
    document = json.loads(PLANS["mixed derivative"].to_json())
    path = data.draw(st.sampled_from([p for p in _paths(document["plan"]) if p]))
    text = _with(document, path, data.draw(st.sampled_from(WRONG)))
    if not VALIDATOR.is_valid(json.loads(text)):
        with pytest.raises(OperatorSyntaxError, match="expected"):
            Plan.from_json(text)
        return
    again = None
    with contextlib.suppress(OperatorSyntaxError):
        again = Plan.from_json(text)
    if again is not None:
        assert again.to_json() == json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
