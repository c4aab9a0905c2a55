"""Every spelling in docs/notation.md is read, and all spellings of a row have the same value."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.cli.network import random_function, random_network, random_parameters, random_points
from opcompiler.cli.reference import Reference

DOCUMENT = Path(__file__).parents[2] / "docs" / "notation.md"
CODE = re.compile(r"`([^`]+)`")


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.*)$", DOCUMENT.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def declared(section: str) -> dict:
    """Read the line of code that gives the declarations; it is an argument list of literals."""
    line = re.search(r"`(spaces=[^`]+)`", section)
    assert line is not None
    call = ast.parse(f"f({line[1]})", mode="eval").body
    assert isinstance(call, ast.Call)
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


def rows(section: str) -> list[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [CODE.findall(line.replace("\\|", "|")) for line in lines]


EQUAL = [
    pytest.param(declared(section), row, id=row[0])
    for title, section in sections().items()
    if "`spaces=" in section and "refused" not in title
    for row in rows(section)
]
REFUSED = next(section for title, section in sections().items() if "refused" in title)


def test_there_are_rows():
    assert len(EQUAL) > 30


@pytest.mark.parametrize(("declarations", "spellings"), EQUAL)
def test_all_spellings_of_a_row_have_the_value_of_nested_differentiation(declarations: dict, spellings: list[str]):
    functions = {key: random_function(jax.random.key(n), ()) for n, key in enumerate(declarations.get("functions", {}))}
    system = oc.parse(spellings, **declarations | {"functions": functions})
    network = random_network(jax.random.key(7), system.declarations, 8, 2)
    point = tuple(values[0] for values in random_points(jax.random.key(8), system.declarations, 1))
    fields = {
        field.name: (lambda *p, name=field.name: network(*p)[name]) if len(system.declarations.fields) > 1 else network
        for field in system.declarations.fields
    }
    reference = Reference(
        system.declarations,
        fields,
        random_parameters(jax.random.key(9), system.declarations),
        {key.partition("(")[0]: function for key, function in functions.items()},
    )
    values = jax.jit(lambda point: [reference.value(expression, point) for expression in system.expressions])(point)
    for spelling, value in zip(spellings, values, strict=True):
        np.testing.assert_allclose(value, values[0], rtol=1e-11, atol=1e-13, err_msg=spelling)
    compiled = oc.lower(oc.plan(oc.reduce(system)), {key.partition("(")[0]: f for key, f in functions.items()})
    for spelling, value in zip(spellings, jax.jit(lambda point: compiled(network, *point))(point), strict=True):
        np.testing.assert_allclose(jnp.asarray(value), values[0], rtol=1e-11, atol=1e-13, err_msg=spelling)


@pytest.mark.parametrize("line", [line for line in REFUSED.splitlines() if line.startswith("| `")])
def test_what_is_refused_has_the_kind_that_is_said(line: str):
    text, kind, _ = (cell.strip() for cell in line.strip("| ").split("|"))
    with pytest.raises(oc.OpCompilerError) as refused:
        oc.parse(text.strip("`"), **declared(REFUSED))
    assert refused.value.kind == kind
    assert refused.value.span is not None
