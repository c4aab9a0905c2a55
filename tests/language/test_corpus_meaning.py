"""Every string of the open corpus means what its stored values say, checked by an evaluator in sympy."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sympy

from opcompiler.ir.expression import Expr, Negative, Sum
from opcompiler.language import parse
from tests.language import corpus
from tests.language.sympy_oracle import Oracle, flat, number, parsed


def oracle_for(entry: dict[str, Any], form: str) -> Oracle:
    """The oracle with the manufactured fields of an entry, under the names of this form."""
    names = corpus.plain_spelling(entry, form)
    coordinates = {name: sympy.Symbol(name, real=True) for name in entry["coords_flat"]}
    numbers = {k: sympy.nsimplify(v) for k, v in entry["params"].items() if not isinstance(v, list)}
    bodies = entry["check"]["fields"]
    fields = {names.get(k, k): parsed(v, {**numbers, **coordinates}) for k, v in bodies.items()}
    functions = {}
    for key, body in entry["functions"].items():
        name, written = re.fullmatch(r"(\w+)\((.*)\)", key).groups()  # type: ignore[union-attr]
        arguments = tuple(part.strip() for part in written.split(","))
        symbols = {part: coordinates.get(part, sympy.Symbol(part)) for part in arguments}
        bound = {**numbers, **coordinates, **symbols}
        value = [parsed(b, bound) for b in body] if isinstance(body, list) else parsed(body, bound)
        functions[names.get(name, name)] = (tuple(symbols.values()), value)
    parameters = {names.get(k, k): v for k, v in entry["params"].items()}
    return Oracle(corpus.declarations(entry, form), fields, parameters, functions)


def terms(expression: Expr) -> tuple[Expr, ...]:
    """The summands of an expression, so that `a = b` and `a - (b)` count as one reading."""
    match expression:
        case Sum(summands):
            return tuple(term for summand in summands for term in terms(summand))
        case Negative(Sum(summands)):
            return tuple(term for summand in summands for term in terms(Negative(summand, shape=summand.shape)))
        case Negative(Negative(operand)):
            return terms(operand)
        case _:
            return (expression,)


def stored_value(value: str | dict[str, str]) -> complex:
    """A stored component, real or complex."""
    return complex(float(value["re"]), float(value["im"])) if isinstance(value, dict) else complex(float(value))


@pytest.mark.parametrize("entry", corpus.entries(), ids=lambda entry: entry["id"])
def test_every_spelling_has_the_stored_value(entry: dict[str, Any]) -> None:
    stored = [stored_value(value) for value in entry["check"]["values"]]
    oracles: dict[str, Oracle] = {}
    known: set[tuple[tuple[Expr, ...], ...]] = set()
    for form, texts in corpus.texts(entry):
        readings = tuple(terms(e) for e in parse(texts, corpus.declarations(entry, form)).expressions)
        if readings in known:
            continue
        known.add(readings)
        oracle = oracles.setdefault(str(corpus.plain_spelling(entry, form)), oracle_for(entry, form))
        found = [
            number(part, entry["check"]["point"])
            for reading in readings
            for part in flat(sum((oracle(term) for term in reading[1:]), oracle(reading[0])))
        ]
        assert len(found) == len(stored)
        for value, expected in zip(found, stored, strict=True):
            assert abs(value - expected) <= 1e-9 * max(1, abs(expected)), (form, texts, value, expected)
