"""The corpus of real equations as declarations, fields, points and expected values. Imports nothing from opcompiler."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import sympy

DATA = Path(__file__).parent / "data" / "open.jsonl"


@dataclass(frozen=True)
class Entry:
    """One equation or system in one spelling (`form`: unicode or ascii)."""

    data: dict[str, Any]
    form: str

    @property
    def id(self) -> str:
        return self.data["id"]

    @property
    def text(self) -> str | list[str]:
        return self.data["strings"][self.form]

    def spelled(self, name: str) -> str:
        """The name as this form writes it."""
        return self.data[f"{self.form}_names"].get(name, name)

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
        value = _callable([texts[c] for c in components] if components else texts[name], self.data["coords_flat"], {})
        if not isinstance(self.data["coords"], dict):
            return value
        return lambda *point: value(*(x for part in point for x in (part if part.ndim else [part])))


def _callable(texts: str | list[str], arguments: list[str], constants: dict[str, Any]) -> Callable:
    """The sympy text of the corpus as a JAX function of scalars."""
    constants = {name: value for name, value in constants.items() if not isinstance(value, list)}
    symbols = {name: sympy.Symbol(name) for name in (*arguments, *constants)}
    rename = {symbol: sympy.Symbol(f"argument{n}") for n, symbol in enumerate(symbols.values())}
    values = {symbols[name]: sympy.Rational(str(constants[name])) for name in constants if name not in arguments}

    def one(text: str) -> Callable:
        expression = sympy.sympify(text, locals=symbols).subs(values).xreplace(rename)
        return sympy.lambdify([rename[symbols[name]] for name in arguments], expression, modules="jax")

    if isinstance(texts, str):
        return one(texts)
    functions = [one(text) for text in texts]
    return lambda *point: jnp.stack([jnp.asarray(f(*point)) for f in functions])


def entries(form: str) -> list[Entry]:
    with DATA.open(encoding="utf-8") as lines:
        return [Entry(json.loads(line), form) for line in lines]
