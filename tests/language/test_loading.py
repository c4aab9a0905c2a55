"""The grammar is found in a checkout and in a wheel, and the stage loads nothing it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from opcompiler.language import declare, grammar


def test_the_grammar_of_the_package_wins_over_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (grammar.grammar_folder() / "operator.lark").is_file()
    module = tmp_path / "opcompiler" / "language" / "grammar.py"
    monkeypatch.setattr(grammar, "__file__", str(module))
    assert grammar.grammar_folder() == tmp_path / "grammar"
    (tmp_path / "opcompiler" / "_grammar").mkdir(parents=True)
    assert grammar.grammar_folder() == tmp_path / "opcompiler" / "_grammar"


def test_the_grammar_knows_no_names() -> None:
    text = (grammar.grammar_folder() / "operator.lark").read_text(encoding="utf-8")
    rules = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("//"))
    assert '"' not in rules


def test_importing_loads_no_heavy_package() -> None:
    program = (
        "import sys; from opcompiler.language import declare, parse, to_unicode;"
        "print([name for name in ('jax', 'sympy', 'numpy', 'lark') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_a_traced_parameter_is_refused_and_a_concrete_array_is_exact() -> None:
    def traced(value: jax.Array) -> jax.Array:
        declare(("x",), parameters={"a": value})
        return value

    for value in (jnp.float32(0.1), jnp.ones(2)):
        with pytest.raises(TypeError, match="declare it with None"):
            jax.jit(traced)(value)
    assert declare(("x",), parameters={"a": jnp.float32(0.1)}) == declare(("x",), parameters={"a": 0.1})
    assert declare(("x",), parameters={"a": jnp.array([1, 2])}) == declare(("x",), parameters={"a": [1, 2]})
