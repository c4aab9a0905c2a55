"""Estimators on the command line."""

import pytest

import opcompiler as oc
from opcompiler.cli import main

OPERATOR = ["Δ²u", "--space", "x=20"]
POINT = ["--at", f"x={','.join(['0.1'] * 20)}", "--u", "sin(x1)*x2^2"]


def test_plans_of_estimators(capsys: pytest.CaptureFixture[str]):
    assert main(["plan", *OPERATOR, "--samples", "6", "--law", "frame:3", "--json"]) == 0
    plan = oc.Plan.from_json(capsys.readouterr().out)
    assert plan.scheme == oc.Stochastic(samples=6, law=oc.laws.Frame(3))
    assert plan.certificate.carried == 14


def test_the_same_seed_gives_the_same_estimate(capsys: pytest.CaptureFixture[str]):
    told = []
    for seed in ("1", "1", "2"):
        assert main(["eval", "Δu", *OPERATOR[1:], *POINT, "--samples", "4", "--law", "rademacher", "--seed", seed]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1] != told[2]


def test_without_samples_operators_are_exact(capsys: pytest.CaptureFixture[str]):
    assert main(["plan", "Δu", *OPERATOR[1:], "--json"]) == 0
    assert oc.Plan.from_json(capsys.readouterr().out).sampling is None


def test_unknown_laws_are_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["plan", *OPERATOR, "--law", "cauchy"])
    assert "there are auto, coordinates" in capsys.readouterr().err


def test_unknown_spaces_are_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["plan", *OPERATOR, "--over", "y"]) != 0
    assert "y is no declared space" in capsys.readouterr().err
