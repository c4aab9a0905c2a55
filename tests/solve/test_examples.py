"""The examples of high-dimensional equations run, for two steps; the ten lines run to their end."""

from __future__ import annotations

import csv
import importlib
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from opcompiler.solve import PROBLEMS

FOLDER = Path(__file__).parents[2] / "examples" / "high_dimensional"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.stem not in ("train_ten_lines", "training", "reproduce"))


def test_the_scripts_train_every_problem_but_variants(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    training = importlib.import_module("training")
    trained: list[str] = []
    monkeypatch.setattr(training, "main", lambda names, **_: trained.extend(names))
    for path in SCRIPTS:
        runpy.run_path(str(path), run_name="__main__")
    assert set(trained) <= set(PROBLEMS)
    variants = [name for name in PROBLEMS if name.startswith(("poisson", "allen-cahn", "sine-gordon-t"))]
    assert set(PROBLEMS) - set(trained) <= set(variants)


def test_a_script_tells_what_was_reached(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "argv", ["waves.py", "--dim", "3", "--steps", "2", "--points", "4", "--width", "4"])
    monkeypatch.syspath_prepend(str(FOLDER))
    runpy.run_path(str(FOLDER / "waves.py"), run_name="__main__")
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "wave: □u = 0"
    assert "relative L2" in told[1]


def test_the_ten_lines():
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parents[1]), "PYTHONUTF8": "1"}
    command = [sys.executable, str(FOLDER / "train_ten_lines.py")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert result.returncode == 0, result.stderr
    assert "relative L2 error" in result.stdout


def test_every_script_is_listed():
    text = (FOLDER / "README.md").read_text("utf-8")
    assert not [path.name for path in FOLDER.glob("*.py") if path.name not in text]


def test_the_table_is_written_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = runpy.run_path(str(FOLDER / "reproduce.py"))
    rows = [module["Row"]("poisson-two-body", 3, samples, 2, points=4) for samples in (0, 2)]
    for row in rows:
        module["append"](tmp_path / "table.csv", module["run"](row, tmp_path / "-".join(row.key)))
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [module["key_of"](row) for row in found] == [row.key for row in rows]
    text = module["table"](found, tmp_path)
    assert "| poisson-two-body | 3 | exact | 0 | 2 |" in text
    assert "| poisson-two-body | 3 | 2 samples | 0 | 2 |" in text
