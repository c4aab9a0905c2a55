"""The README tells the truth: its example runs, its plan is current, its commands print what it shows."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from readme import blocks

import opcompiler as oc
from opcompiler.cli import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")


def test_the_python_examples_run():
    command = [sys.executable, str(ROOT / "tests" / "readme.py"), str(ROOT / "README.md")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert result.returncode == 0, result.stderr
    assert "12\n" in result.stdout


def test_the_plan_it_shows_is_the_plan():
    shown = next(block for block in blocks(TEXT, "text") if block.startswith("operator "))
    assert shown == f"{oc.compile('Δu + ∂⁴u/∂x1²∂x2²', spaces={'x': 5}).plan}\n"


SESSIONS = [block for block in blocks(TEXT, "console") if block.startswith("$ opcompiler")]


def test_sessions_are_shown():
    assert SESSIONS


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.splitlines()[0])
def test_the_sessions_are_real(session: str, capsys: pytest.CaptureFixture[str]):
    command, _, printed = session.partition("\n")
    code = main(shlex.split(command)[2:])
    captured = capsys.readouterr()
    assert captured.out + captured.err == printed
    assert code == (1 if "error:" in printed else 0)


def test_it_opens_with_the_commands_that_continuous_integration_calls():
    run = (ROOT / ".ci" / "run").read_text("utf-8")
    opening = TEXT.split("```")[0]
    for command in ("make demo", "make test"):
        assert command in opening
    assert "make test" in run
