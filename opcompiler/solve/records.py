"""The log of a run as CSV: written row by row, cut back to the checkpoint when a run is resumed."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from opcompiler.solve.checkpoint import replace_file

__all__ = ["Log", "read_log"]


class Log:
    """Rows of numbers by column name, in memory and, with a path, in a file."""

    def __init__(self, columns: Sequence[str], path: Path | None, resumed_at: int | None = None) -> None:
        """Start a log, or go on with the rows of the file up to the step `resumed_at`."""
        self.columns = tuple(columns)
        self.path = path
        self.rows: list[dict[str, float | None]] = []
        if path is not None:
            if resumed_at is not None and path.exists():
                self.rows = [row for row in read_log(path) if (row["step"] or 0) <= resumed_at]
            lines = [",".join(self.columns), *map(self._line, self.rows)]
            content = "\n".join([*lines, ""]).encode()
            replace_file(path, lambda file: _write_all(file, content))

    def add(self, row: Mapping[str, float | None]) -> None:
        """Append a row; columns that it lacks stay empty."""
        self.rows.append({name: row.get(name) for name in self.columns})
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(self._line(self.rows[-1]) + "\n")

    def _line(self, row: Mapping[str, float | None]) -> str:
        return ",".join("" if row[name] is None else repr(row[name]) for name in self.columns)


def _write_all(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def read_log(path: Path) -> list[dict[str, float | None]]:
    """Read the rows of a log; a last line that a kill has torn is left out."""
    text = path.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    return [{name: _number(value) for name, value in row.items()} for row in csv.DictReader(whole.splitlines())]


def _number(text: str) -> float | None:
    """Return the number that was written; whole numbers stay whole, so that they are written the same again."""
    if text == "":
        return None
    return int(text) if text.isdigit() else float(text)
