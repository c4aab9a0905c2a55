"""How declarations are written in a shell, and what the command line refuses."""

from __future__ import annotations

from fractions import Fraction

import pytest

from opcompiler.cli.arguments import Definition, Named, parse_arguments
from opcompiler.ir.declarations import Runtime


def explain(*arguments: str):
    return parse_arguments(["explain", "Δu", "--space", "x=2", *arguments])


@pytest.mark.parametrize(
    ("written", "value"),
    [("x=5", 5), ("t", None), ("z=x,t", ("x", "t")), ("r=30x3", (30, 3)), ("r=30×3", (30, 3)), ("χ=2", 2)],
)
def test_spaces(written: str, value):
    assert explain("--space", written).space[1] == Named(written.split("=")[0], value)


@pytest.mark.parametrize(("written", "value"), [("v=2", 2), ("p", None), ("E=Ex, Ey", ("Ex", "Ey"))])
def test_fields(written: str, value):
    assert explain("--field", written).field == [Named(written.split("=")[0], value)]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("ν=0.01", Fraction(1, 100)),
        ("ν=1/3", Fraction(1, 3)),
        ("ν=-1e-3", Fraction(-1, 1000)),
        ("ν=1,2", (Fraction(1), Fraction(2))),
        ("ν=1,2;3,4", ((Fraction(1), Fraction(2)), (Fraction(3), Fraction(4)))),
        ("ν", None),
        ("ν:3x3", Runtime((3, 3))),
    ],
)
def test_parameters_are_read_exactly(written: str, value):
    assert explain("--param", written).param == [Named("ν", value)]


def test_functions():
    assert explain("--function", "c(x, y)").function == [Definition("c(x, y)", (), None)]
    definition = explain("--function", "b(x):2=x1; sin(x2)").function[0]
    assert definition == Definition("b(x)", (2,), "x1; sin(x2)")
    assert (definition.name, definition.arguments) == ("b", ("x",))


@pytest.mark.parametrize("text", ["-Δu", "-1/2 Δu", "-u", "-h u"])
def test_an_operator_may_begin_with_a_minus(text: str):
    assert parse_arguments(["explain", text, "--space", "x=2"]).text == [text]
    assert parse_arguments(["explain", "--space", "x=2", text, "u"]).text == [text, "u"]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["frobnicate", "Δu"],
        ["explain"],
        ["explain", "Δu"],
        ["explain", "--space", "x=2"],
        ["explain", "Δu", "--space", "x=2", "--unknown"],
        ["explain", "Δu", "--space", "x=-2"],
        ["explain", "Δu", "--space", "x="],
        ["explain", "Δu", "--space", "=2"],
        ["explain", "Δu", "--space", "x=2", "--param", "ν=abc"],
        ["explain", "Δu", "--space", "x=2", "--param", "ν=1/0"],
        ["explain", "Δu", "--space", "x=2", "--param", "ν=1e999999999"],
        ["explain", "Δu", "--space", "x=2", "--function", "c"],
        ["check", "Δu", "--space", "x=2", "--batch", "0"],
        ["eval", "Δu", "--space", "x=2", "--at", "x", "--u", "x1"],
        ["eval", "Δu", "--space", "x=2", "--at", "x=1,2"],
    ],
)
def test_a_wrong_command_line_ends_with_code_2(argv: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        parse_arguments(argv)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["explain", "plan", "check", "eval", "solve"])
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        parse_arguments([command, "--help"])
    assert stopped.value.code == 0
    assert f"example:\n  opcompiler {command} " in capsys.readouterr().out
