"""The corpus of real equations as declarations, fields, points and expected values. Imports nothing from opcompiler."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import sympy

DATA = Path(__file__).parent / "data" / "open.jsonl"


@dataclass(frozen=True)
class Entry:
    """One equation or system in one way of writing it (`form`: unicode, latex, …, operator_form.ascii)."""

    data: dict[str, Any]
    form: str

    @property
    def id(self) -> str:
        return self.data["id"]

    @property
    def text(self) -> str | list[str]:
        group, _, form = self.form.rpartition(".")
        return self.data[group or "strings"][form]

    def spelled(self, name: str) -> str:
        """The name as this form writes it."""
        names = self.data["ascii_names" if "ascii" in self.form else "unicode_names"]
        return names.get(name, name)

    @property
    def exact(self) -> Entry:
        """The same equation with a known solution for its fields, at another point."""
        return Entry({**self.data, "check": self.data["check_exact"]}, self.form)

    @property
    def residual(self) -> Any:
        """The stored residual in sympy, its names as this form spells them; a list for a system."""
        data = self.data
        heads = {name: (len(v),) if isinstance(v, list) else () for name, v in data["functions"].items()}
        functions = [*data["fields"], *(c for names in data["components"].values() for c in names)]
        for key, shape in heads.items():
            name = key.split("(")[0]
            functions += [f"{name}{n + 1}" for n in range(*shape)] if shape else [name]
        names = {name: sympy.Function(self.spelled(name)) for name in functions}
        names |= {name: sympy.Symbol(self.spelled(name)) for name in (*data["coords_flat"], *data["params"])}
        texts = data["residual_sympy"]
        if isinstance(texts, str):
            return sympy.parse_expr(texts, local_dict=names)
        return [sympy.parse_expr(text, local_dict=names) for text in texts]

    @property
    def largest_term(self) -> float:
        """The largest summand of the stored residual for the fields of this entry, at its point, by sympy."""
        data = self.data
        names: dict[str, Any] = {name: sympy.Symbol(name, real=True) for name in data["coords_flat"]}
        coordinates = tuple(names.values())
        for name, value in data["params"].items():
            if not isinstance(value, list):
                names.setdefault(name, sympy.Rational(str(value)))
        bodies = {name: (coordinates, text, names) for name, text in data["check"]["fields"].items()}
        for key, body in data["functions"].items():
            name, arguments = key.rstrip(")").split("(")
            places = {a.strip(): sympy.Symbol(a.strip(), real=True) for a in arguments.split(",")}
            for n, text in enumerate(body if isinstance(body, list) else [body]):
                full = f"{name}{n + 1}" if isinstance(body, list) else name
                bodies[full] = (tuple(places.values()), text, {**names, **places})
        known = {
            sympy.Function(name): sympy.Lambda(places, sympy.parse_expr(text, local_dict=local))
            for name, (places, text, local) in bodies.items()
        }
        point = {names[name]: sympy.Rational(value) for name, value in data["check"]["point"].items()}
        texts = data["residual_sympy"]
        local = {**names, **{name: sympy.Function(name) for name in bodies}}
        values = [
            _value(term, known, point)
            for text in ([texts] if isinstance(texts, str) else texts)
            for term in sympy.Add.make_args(sympy.parse_expr(text, local_dict=local))
        ]
        return max(map(abs, values))

    @property
    def declarations(self) -> dict[str, Any]:
        data = self.data
        spaces = data["coords"] if isinstance(data["coords"], dict) else dict.fromkeys(data["coords"])
        components = data["components"]
        return {
            "spaces": {self.spelled(name): size for name, size in spaces.items()},
            "time": None if data["time"] is None else self.spelled(data["time"]),
            "fields": {
                self.spelled(name): tuple(map(self.spelled, components[name])) if name in components else None
                for name in data["fields"]
            },
            "parameters": {self.spelled(name): value for name, value in data["params"].items()},
            "functions": {self._spelled_key(key): self._function(key) for key in data["functions"]},
        }

    @property
    def u(self) -> dict[str, Callable]:
        return {self.spelled(name): self._field(name) for name in self.data["fields"]}

    @property
    def points(self) -> list[Any]:
        point = {name: jnp.float64(value) for name, value in self.data["check"]["point"].items()}
        coords = self.data["coords"]
        if not isinstance(coords, dict):
            return [point[name] for name in coords]
        return [
            point[name] if size is None else jnp.stack([point[f"{name}{i + 1}"] for i in range(size)])
            for name, size in coords.items()
        ]

    @property
    def expected(self) -> list[complex]:
        return [
            complex(float(v["re"]), float(v["im"])) if isinstance(v, dict) else complex(float(v))
            for v in self.data["check"]["values"]
        ]

    def error(self, result: Any) -> float:
        """Largest error relative to max(1, |value|) over all components, in equation order."""
        parts = result if isinstance(result, tuple) else (result,)
        found = [complex(value) for part in parts for value in jnp.ravel(part)]
        if len(found) != len(self.expected):
            return math.inf
        worst = 0.0
        for value, stored in zip(found, self.expected, strict=True):
            relative = abs(value - stored) / max(1.0, abs(stored))
            worst = max(worst, relative if math.isfinite(relative) else math.inf)
        return worst

    def _spelled_key(self, key: str) -> str:
        name, arguments = key.rstrip(")").split("(")
        return f"{self.spelled(name)}({','.join(self.spelled(a.strip()) for a in arguments.split(','))})"

    def _function(self, key: str) -> Callable:
        arguments = [a.strip() for a in key.rstrip(")").split("(")[1].split(",")]
        return _callable(self.data["functions"][key], arguments, self.data["params"])

    def _field(self, name: str) -> Callable:
        texts = self.data["check"]["fields"]
        components = self.data["components"].get(name)
        written = [texts[c] for c in components] if components else texts[name]
        value = _callable(written, self.data["coords_flat"], self.data["params"])
        if not isinstance(self.data["coords"], dict):
            return value
        return lambda *point: value(*(x for part in point for x in (part if part.ndim else [part])))


def _bessel_j(n: int, z: Any) -> Any:
    """J_n by its power series, exact to rounding for the moderate arguments of the corpus."""
    return sum((-1) ** k / (math.factorial(k) * math.factorial(k + n)) * (z / 2) ** (2 * k + n) for k in range(25))


_SPECIAL = {"besselj": _bessel_j, "erf": jax.scipy.special.erf}
"""What sympy's printer for JAX does not know."""


def _callable(texts: str | list[str], arguments: list[str], constants: dict[str, Any]) -> Callable:
    """The sympy text of the corpus as a JAX function of scalars."""
    constants = {name: value for name, value in constants.items() if not isinstance(value, list)}
    symbols = {name: sympy.Symbol(name) for name in (*arguments, *constants)}
    rename = {symbol: sympy.Symbol(f"argument{n}") for n, symbol in enumerate(symbols.values())}
    values = {symbols[name]: sympy.Rational(str(constants[name])) for name in constants if name not in arguments}

    def one(text: str) -> Callable:
        expression = sympy.sympify(text, locals=symbols).subs(values).xreplace(rename)
        if expression.is_number:
            return lambda *_: jnp.asarray(complex(expression) if expression.has(sympy.I) else float(expression))
        return sympy.lambdify([rename[symbols[name]] for name in arguments], expression, modules=[_SPECIAL, "jax"])

    if isinstance(texts, str):
        return one(texts)
    functions = [one(text) for text in texts]
    return lambda *point: jnp.stack([jnp.asarray(f(*point)) for f in functions])


def _value(term: Any, known: dict[Any, Any], point: dict[Any, Any]) -> complex:
    """A sympy expression with functions put in, derivatives worked out and the point put in, in this order."""
    for function, body in known.items():
        term = term.subs(function, body)
    return complex(term.doit(deep=True).subs(point).evalf(20))


def entries(form: str) -> list[Entry]:
    """All entries that are written in this form."""
    group, _, name = form.rpartition(".")
    with DATA.open(encoding="utf-8") as lines:
        data = [json.loads(line) for line in lines]
    return [Entry(entry, form) for entry in data if name in entry[group or "strings"]]
