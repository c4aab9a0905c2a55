"""Bad input ends in an error of the right kind, soon, and without any effect."""

from __future__ import annotations

import builtins
import sys
import time
from typing import Any

import pytest

from opcompiler.errors import OpCompilerError
from opcompiler.language import declare, parse
from tests.language import corpus


def text_of(case: dict[str, Any]) -> str:
    """The input, spelt out where it is given as repetitions."""
    if case["input"] is not None:
        return case["input"]
    return "".join(piece * count for piece, count in case["input_repeat"])


def outcome(case: dict[str, Any], text: str) -> str:
    """The kind of the error, or `accept`."""
    try:
        declarations = declare(
            case["coords"],
            {name: tuple(case["components"][name]) if name in case["components"] else None for name in case["fields"]},
            case["time"],
            case["params"],
            list(case["functions"]),
        )
        parse(text, declarations)
    except OpCompilerError as error:
        return error.kind if str(error) else "silent"
    return "accept"


@pytest.mark.parametrize("case", corpus.hostile(), ids=lambda case: case["id"])
def test_hostile_input(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    text = text_of(case)
    parse("u_x", declare(("x",)))

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("text was executed")

    for name in ("eval", "exec", "open"):
        monkeypatch.setattr(builtins, name, forbidden)
    started = time.perf_counter()
    kind = outcome(case, text)
    elapsed = time.perf_counter() - started
    monkeypatch.undo()
    assert kind in (case["expected"], *case.get("also_ok", ())), case["why"]
    assert elapsed <= case["max_seconds"]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "u" + ")" * 500,
        "sin(" * 300 + "u" + ")" * 300,
        "sin " * 5000 + "u",
        "Δ" * 5000 + "u",
        "Δ " * 500 + "u",
        "u" + "^a" * 3000,
        "u" + "^(a)" * 3000,
        "u" + "²" * 3000,
        "u" + "'" * 3000,
        "u" + "_x" * 3000,
        "u" + "/a" * 3000,
        "∇" * 3000 + "u",
        "|" * 200 + "u" + "|" * 200,
        "[" * 200 + "u" + "]" * 200,
        "1" * 3000,
        "1e999999999u",
        "u^1e300",
        "2^2^2^2^2^2^2 u",
        "u" * 3000,
        "a" * 499,
        "\\sqrt{" * 200 + "u" + "}" * 200,
        "\\frac{" * 200,
        "_" * 3000,
        "∂" * 3000,
        "∂u/∂x" * 2000,
        "d" * 499,
        "du/dx" * 3000,
        "{" * 3000,
        "∑ᵢ" * 3000,
        "+".join(["u_xx"] * 4000),
        "u\u0307" + "\u0307" * 3000,
        "e^" * 3000,
        "u_{" + "x" * 3000 + "}",
        "u_" + "x" * 3000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_long_input_ends_soon(text: str) -> None:
    declarations = declare(("x",), parameters={"a": 2})
    limit = sys.getrecursionlimit()
    kind = "accept"
    started = time.perf_counter()
    try:
        sys.setrecursionlimit(900)
        parse(text, declarations)
    except OpCompilerError as error:
        kind = error.kind
    finally:
        sys.setrecursionlimit(limit)
    assert kind in ("accept", "limit", "syntax", "name", "order")
    assert time.perf_counter() - started < 5
