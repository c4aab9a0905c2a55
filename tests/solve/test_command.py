"""`opcompiler solve`, end to end."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from opcompiler.cli import main
from opcompiler.solve import PROBLEMS

TINY = "--steps 4 --points 4 --width 4 --depth 1 --test-points 4 --log-every 2"


def test_the_list_names_every_problem(capsys: pytest.CaptureFixture[str]):
    assert main(["solve", "--list"]) == 0
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if not line.startswith(" ")] == list(PROBLEMS)


def test_a_problem_is_trained_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    line = f"solve poisson-two-body --dim 3 {TINY} --out {tmp_path}"
    assert main(shlex.split(line)) == 0
    told = capsys.readouterr().out
    assert told.startswith("solved: Δu = g\n")
    assert "relative L2" in told
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.eqx", "log.csv", "training.png", "slice.png"}
    before = (tmp_path / "checkpoint.eqx").read_bytes()
    assert main(shlex.split(line)) == 1
    assert "holds an earlier run, which would be lost\n" in capsys.readouterr().err
    assert (tmp_path / "checkpoint.eqx").read_bytes() == before
    assert main([*shlex.split(line), "--resume"]) == 0
    assert main([*shlex.split(line), "--resume", "--seed", "1"]) == 1
    assert "belongs to another run" in capsys.readouterr().err


def test_an_equation_is_trained(capsys: pytest.CaptureFixture[str]):
    line = f"solve --equation 'Δu + sin(u) = g' --space x=3 --solution '(1-|x|^2)*sin(x1+x2*x3)' {TINY}"
    assert main(shlex.split(line)) == 0
    assert capsys.readouterr().out.startswith("solved: Δu + sin(u) = g\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "no problem is called"),
        ("sine-gordon-twobody", "did you mean 'sine-gordon-two-body'?"),
        ("kdv --dim 3", "1 spatial dimension"),
        ("--equation 'Δu + = g' --space x=3", "hint"),
        ("--equation 'Δu = g' --space x=3", "without a solution"),
        ("--equation 'Δu = 0'", "--space"),
        ("--equation 'Δu = 0' --space x=3 --domain y=0,1", "no space"),
        ("--equation 'u_t = Δu' --space x=3 --space t", "no domain"),
        ("--equation 'Δu = 0' --space x --domain ball", "array of coordinates"),
        ("--equation 'Δu = 0' --space x=3 --solution 'sin(w)'", "w"),
        ("--equation 'c Δu = 0' --space x=3 --function 'c(x)'", "no body"),
    ],
)
def test_a_wrong_problem_is_a_message_and_code_1(line: str, message: str, capsys: pytest.CaptureFixture[str]):
    assert main(["solve", *shlex.split(line)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert message in captured.err


@pytest.mark.parametrize(
    "line",
    [
        "",
        "kdv --equation Δu",
        "kdv --space x",
        "kdv --resume",
        "kdv --plug-in",
        "kdv --exact --samples 3",
        "kdv --steps 0",
        "kdv --rate -1",
        "--equation Δu --space x=3 --dim 3",
        "--equation Δu --space x=3 --domain x=2,1",
        "--equation Δu --space x=3 --domain x=cone",
        "--equation Δu --space x=3 --field v=2",
    ],
)
def test_a_wrong_command_line_ends_with_code_2(line: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["solve", *shlex.split(line)])
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err
