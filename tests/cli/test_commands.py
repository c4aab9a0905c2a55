"""The commands end to end: what they print, their exit codes, and how they behave at the edges of a terminal."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import opcompiler as oc
from opcompiler.cli import main

CARD = ["Δu + ∂⁴u/∂x1²∂x2²", "--space", "x=5"]


def run(*argv: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "import sys; from opcompiler.cli import main; sys.exit(main())", *argv]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, env=os.environ | {"PYTHONUTF8": "1"})


def test_explain_tells_every_stage(capsys: pytest.CaptureFixture[str]):
    assert main(["explain", *CARD]) == 0
    told = capsys.readouterr().out
    headings = [line for line in told.splitlines() if line and not line.startswith(" ")]
    assert headings[:5] == ["operator", "normal form", "propagation", "certificate", "cost"]
    assert headings[5:] == ["strategies weighed", "tangents", "sources"]
    assert CARD[0] in told
    assert "minimum   12 coefficients = 1 + 5 + 3 + 2 + 1" in told


def test_explain_writes_any_format_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("text", "html", "latex", "json"):
        told = oc.explain(CARD[0], spaces={"x": 5}, format=name).removesuffix("\n") + "\n"
        assert main(["explain", *CARD, "--format", name, "--output", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_text("utf-8") == told
        assert capsys.readouterr().out == ""
        assert main(["explain", *CARD, "--format", name]) == 0
        assert capsys.readouterr().out == told


def test_plans_are_written_to_a_file_and_an_unwritable_file_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["plan", *CARD, "--json", "--output", str(tmp_path / "plan.json")]) == 0
    assert oc.Plan.from_json((tmp_path / "plan.json").read_text("utf-8")) == oc.compile(CARD[0], spaces={"x": 5}).plan
    assert main(["plan", *CARD, "--output", str(tmp_path / "no" / "plan.txt")]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"error: {tmp_path / 'no' / 'plan.txt'} cannot be written: No such file or directory\n"


def test_an_unknown_format_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["explain", *CARD, "--format", "pdf"])
    assert stopped.value.code == 2
    assert "invalid choice: 'pdf'" in capsys.readouterr().err


def test_plan_prints_the_table_of_the_plan(capsys: pytest.CaptureFixture[str]):
    assert main(["plan", *CARD]) == 0
    assert capsys.readouterr().out == f"{oc.compile(CARD[0], spaces={'x': 5}).plan}\n"


def test_plan_prints_json_that_can_be_read_back(capsys: pytest.CaptureFixture[str]):
    assert main(["plan", *CARD, "--json"]) == 0
    text = capsys.readouterr().out
    json.loads(text)
    assert oc.Plan.from_json(text) == oc.compile(CARD[0], spaces={"x": 5}).plan


def test_declarations_reach_the_plan(capsys: pytest.CaptureFixture[str]):
    argv = ["plan", "v_t + (v·∇)v + ∇p - ν Δv + ε c v", "∇·v", "--json", "--space", "x=3", "--space", "t"]
    argv += ["--field", "v=3", "--field", "p", "--param", "ν=0.01", "--param", "ε", "--function", "c(x)"]
    assert main(argv) == 0
    declared = {"x": 3, "t": None}
    operator = oc.compile(
        argv[1:3],
        spaces=declared,
        fields={"v": 3, "p": None},
        parameters={"ν": 0.01, "ε": None},
        functions={"c(x)": oc.Runtime(())},
    )
    assert oc.Plan.from_json(capsys.readouterr().out) == operator.plan


@pytest.mark.parametrize(
    "line",
    [
        "'Δu + u_t' --space x=3 --space t",
        "'u_t + 6 u u_x + u_xxx = 0' --space x --space t",
        "'v_t + (v·∇)v + ∇p - ν Δv' '∇·v' --space x=2 --space t --field v=2 --field p --param ν",
        "'(c u_x)_x + f(u)' --space x --function 'c(x)' --function 'f(s)'",
        "'log u + ∇·(u ∇u)' --space x=2",
        "'u_t - u_xx' --space z=x,t",
        "'Δu + |∇u|²' --space x=2 --space y --time none",
        "'ε ∇·(A∇u)' --space x=2 --param A:2x2 --param ε",
    ],
)
def test_check_agrees_with_nested_differentiation(line: str, capsys: pytest.CaptureFixture[str]):
    assert main(["check", *shlex.split(line), "--width", "16", "--depth", "2", "--batch", "4"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("agrees: ")
    assert "nested AD" in told


def test_check_fails_when_the_error_exceeds_the_tolerance(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "Δu", "--space", "x=3", "--width", "16", "--tolerance", "0"]) == 1
    assert capsys.readouterr().out.startswith("DIFFERS: Δu")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Δu --space x=2 --at x=0,0 --u x1^2+3*x2^2", 8.0),
        ("-Δu --space x=2 --at x=0,0 --u -x1^2", 2.0),
        ("'u_t + u u_x' --space x --space t --at x=2 --at t=3 --u x*t", 2.0 + 6 * 3),
        ("∇·v --space x=2 --field v=2 --at x=1,2 --u 'v=x1^2; x1*x2'", 3.0),
        ("'p Δq' --space x=2 --field p --field q --at x=1,2 --u p=x2 --u q=x1^3", 12.0),
        ("'(c u_x)_x + ν u' --space x --param ν=0.5 --function 'c(x)=x^2' --at x=2 --u x^2", 24.0 + 2.0),
        ("'f(u)_x' --space x --function 'f(s)=s^3' --at x=2 --u x", 12.0),
        ("'b·∇u' --space x=2 --function 'b(x):2=x2; x1' --at x=2,3 --u x1^2", 12.0),
        ("Δu --space r=2x2 --at r=1,2,3,4 --u r1*r4^2", 2.0),
    ],
)
def test_eval_prints_the_value(line: str, value: float, capsys: pytest.CaptureFixture[str]):
    assert main(["eval", *shlex.split(line)]) == 0
    assert float(capsys.readouterr().out) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("explain ∂³u/∂x1² --space x=2", "order"),
        ("explain 'Δu +' --space x=2", "hint"),
        ("explain Δw --space x=2", "w"),
        ("explain '(Δu' --space x=2", "error"),
        ("explain Δu --space x=2 --space x=3", "declared twice"),
        ("explain 'Δ^100000 u' --space x=2", "error"),
        (f"explain '{'(' * 100_000}u' --space x=2", "error"),
        ("explain u --space sin=2", "built-in"),
        ("check Δu --space x=100000", "smaller dimension"),
        ("eval Δu --space x=2 --at x=1 --u x1", "expected 2"),
        ("eval Δu --space x=2 --at y=1 --u x1", "no space"),
        ("eval Δu --space x=2 --at x=1,2 --u u+1", "u"),
        ("eval 'ε Δu' --space x=2 --param ε --at x=1,2 --u x1", "ε has no value"),
        ("eval 'c u' --space x=2 --function 'c(x)' --at x=1,2 --u x1", "has no body"),
        ("eval ∇·v --space x=2 --field v=2 --at x=1,2 --u v=x1", "semicolons"),
        ("eval Δu --space x=2 --at x=1,2 --u w=x1", "names no field"),
        ("eval 'Δp + q' --space x=2 --field p --field q --at x=1,2 --u p=x1", "q has no formula"),
    ],
    ids=lambda value: value[:30],
)
def test_a_wrong_operator_is_a_message_and_code_1(line: str, message: str, capsys: pytest.CaptureFixture[str]):
    assert main(shlex.split(line)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert "Traceback" not in captured.err


def test_the_caret_stands_under_the_mistake(capsys: pytest.CaptureFixture[str]):
    assert main(["explain", "u_t + ∂³u/∂x1²", "--space", "x=2", "--space", "t"]) == 1
    lines = capsys.readouterr().err.splitlines()
    text = next(n for n, line in enumerate(lines) if line == "  u_t + ∂³u/∂x1²")
    marked = [text_char for text_char, mark in zip(lines[text], lines[text + 1], strict=False) if mark == "^"]
    assert "".join(marked) in "∂³u/∂x1²"
    assert marked


def test_a_minus_sign_first_is_no_option(capsys: pytest.CaptureFixture[str]):
    assert main(["explain", "-Δu", "--space", "x=2"]) == 0
    assert "written   -Δu" in capsys.readouterr().out


def test_standard_input_holds_one_operator_per_line(monkeypatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Δu\n\n∇u\n".encode())))
    assert main(["plan", "-", "--space", "x=2", "--json"]) == 0
    assert oc.Plan.from_json(capsys.readouterr().out) == oc.compile(["Δu", "∇u"], spaces={"x": 2}).plan


def test_empty_standard_input_is_an_error(monkeypatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    assert main(["explain", "-", "--space", "x=2"]) == 1
    assert "holds no operator" in capsys.readouterr().err


def test_the_version_is_the_package_version():
    result = run("--version")
    assert result.returncode == 0
    assert result.stdout.decode().strip() == f"opcompiler {oc.__version__}"


def test_an_ascii_terminal_gets_question_marks_not_a_crash():
    command = [sys.executable, "-c", "import sys; from opcompiler.cli import main; sys.exit(main())", "explain", *CARD]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = subprocess.run(command, capture_output=True, timeout=120, check=False, env=environment)
    assert result.returncode == 0, result.stderr
    assert b"?u" in result.stdout
    command[-3] = "Δu +"
    failed = subprocess.run(command, capture_output=True, timeout=120, check=False, env=environment)
    assert failed.returncode == 1
    assert failed.stderr.startswith(b"error: ")
    assert b"Traceback" not in failed.stderr


def test_bytes_that_are_no_text_are_a_syntax_error():
    command = [sys.executable, "-c", "import sys; from opcompiler.cli import main; sys.exit(main())", "explain"]
    result = subprocess.run([*command, b"u\xff\xfe", "--space", "x=2"], capture_output=True, timeout=120, check=False)
    assert result.returncode == 1
    assert b"Traceback" not in result.stderr


def test_a_closed_pipe_ends_quietly():
    command = [sys.executable, "-c", "import sys; from opcompiler.cli import main; sys.exit(main())", "plan", *CARD]
    with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(timeout=120) == 141
    assert errors == b""
