"""Every equation of the corpus, read, reduced and exported, against the residual that computer algebra worked out.

Fields and their derivatives are replaced by arbitrary numbers on both sides, so equality is that of the formulas,
not of one manufactured field.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

from opcompiler import language
from opcompiler.symbolic import reduce
from opcompiler.symbolic.export import to_sympy

ENTRIES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "open.jsonl").read_text(encoding="utf-8").splitlines()
]
TOLERANCE = 1e-20


def written(entry: dict[str, Any], name: str) -> str:
    return entry["ascii_names"].get(name, name)


def normal_form(entry: dict[str, Any]) -> Any:
    """Return the normal form of the ASCII spelling."""
    spaces = entry["coords"] if isinstance(entry["coords"], dict) else dict.fromkeys(entry["coords"])
    components = entry["components"]
    declared = language.declare(
        {written(entry, name): size for name, size in spaces.items()},
        fields={
            written(entry, name): tuple(written(entry, c) for c in components[name]) if name in components else None
            for name in entry["fields"]
        },
        time=None if entry["time"] is None else written(entry, entry["time"]),
        parameters={written(entry, name): value for name, value in entry["params"].items()},
        functions={
            key_as_written(entry, key): (len(value),) if isinstance(value, list) else None
            for key, value in entry["functions"].items()
        },
    )
    return reduce(language.parse(entry["strings"]["ascii"], declared))


def key_as_written(entry: dict[str, Any], key: str) -> str:
    name, arguments = key.rstrip(")").split("(")
    return f"{written(entry, name)}({','.join(written(entry, a.strip()) for a in arguments.split(','))})"


class Names:
    """The names of one entry as sympy objects, under the corpus's own spelling and as they are written."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.entry = entry
        self.coordinates = {name: sp.Symbol(name) for name in entry["coords_flat"]}
        self.fields = [c for name in entry["fields"] for c in entry["components"].get(name, [name])]
        self.parameters = {
            sp.Symbol(name): sp.Rational(str(value))
            for name, value in entry["params"].items()
            if not isinstance(value, list)
        }

    def read(self, text: str, **more: Any) -> Any:
        names = {str(symbol): symbol for symbol in self.parameters}
        names |= {name: sp.Function(name) for name in self.fields} | self.coordinates
        return sp.sympify(text, locals=names | more)

    def renamed(self, expression: Any) -> Any:
        """Return an exported expression in the corpus's own spelling, coefficient functions written out."""
        entry = self.entry
        for key, value in entry["functions"].items():
            name, arguments = key.rstrip(")").split("(")
            places = [sp.Symbol(a.strip()) for a in arguments.split(",")]
            texts = [(f"{written(entry, name)}{n + 1}", t) for n, t in enumerate(value)]
            for function, text in texts if isinstance(value, list) else [(written(entry, name), value)]:
                body = self.read(text, **{str(place): place for place in places}).subs(self.parameters)
                expression = expression.replace(
                    sp.Function(function),
                    lambda *given, body=body, places=places: body.subs(
                        dict(zip(places, given, strict=True)), simultaneous=True
                    ),
                )
        if entry["functions"]:
            expression = expression.doit()
        for name in self.fields:
            expression = expression.replace(sp.Function(written(entry, name)), sp.Function(name))
        spelled = {sp.Symbol(written(entry, name)): symbol for name, symbol in self.coordinates.items()}
        return expression.subs(spelled)


def numbers_for(*expressions: Any) -> dict[Any, Any]:
    """Return arbitrary exact numbers for coordinates, fields and derivatives, complex ones where that is allowed."""
    atoms = set()
    for expression in expressions:
        atoms |= expression.atoms(sp.Derivative, sp.core.function.AppliedUndef) | expression.free_symbols
    ordered = sorted(atoms, key=lambda a: (-sp.count_ops(a) if isinstance(a, sp.Derivative) else 0, str(a)))
    return {atom: sp.Rational(3 * n % 17 + 5, n % 7 + 11) for n, atom in enumerate(ordered)}


def value(expression: Any, numbers: dict[Any, Any], phase: dict[str, Any]) -> complex:
    def number(atom: Any) -> Any:
        base = atom.expr if isinstance(atom, sp.Derivative) else atom
        return numbers[atom] * phase.get(str(getattr(base, "func", "")), 1)

    derivatives = {a: number(a) for a in expression.atoms(sp.Derivative)}
    expression = expression.xreplace(derivatives)
    functions = {a: number(a) for a in expression.atoms(sp.core.function.AppliedUndef)}
    expression = expression.xreplace(functions)
    return sp.N(expression.xreplace({s: numbers[s] for s in expression.free_symbols}), 30)


def conjugates_inside(expression: Any) -> Any:
    """Return ∂ conj(u) as conj(∂u)."""
    return expression.replace(
        lambda e: isinstance(e, sp.Derivative) and isinstance(e.expr, sp.conjugate),
        lambda e: sp.conjugate(sp.Derivative(e.expr.args[0], *e.variable_count)),
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_residual_is_the_one_of_computer_algebra(entry):
    names = Names(entry)
    exported = to_sympy(normal_form(entry))
    outputs = exported if isinstance(exported, tuple) else (exported,)
    flat = [e for output in outputs for e in (output if isinstance(output, sp.NDimArray) else [output])]
    expected = entry["residual_sympy"]
    expected = [expected] if isinstance(expected, str) else expected
    assert len(flat) == len(expected)
    phase = {name: sp.Rational(3, 5) + sp.Rational(4, 5) * sp.I for name in entry["complex_fields"]}
    for got, text in zip(flat, expected, strict=True):
        left = conjugates_inside(names.renamed(sp.sympify(got)))
        right = conjugates_inside(names.read(text).doit().subs(names.parameters))
        numbers = numbers_for(left, right)
        a, b = value(left, numbers, phase), value(right, numbers, phase)
        assert abs(a - b) <= TOLERANCE * max(1, abs(b)), f"{entry['strings']['ascii']}: {a} ≠ {b}"
