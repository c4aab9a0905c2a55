"""The examples of docs/estimators.md run."""

from pathlib import Path

from readme import run

DOCUMENT = Path(__file__).parents[2] / "docs" / "estimators.md"


def test_the_python_examples_run():
    assert run(DOCUMENT) == 4
