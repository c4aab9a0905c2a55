"""Linear systems over ℚ or a real quadratic field, solved exactly."""

from __future__ import annotations

from collections.abc import Sequence

from opcompiler.ir.surd import Number

__all__ = ["solve"]


def solve(columns: Sequence[Sequence[Number]], target: Sequence[Number]) -> list[Number] | None:
    """Return c with Σ_r c_r column_r = target, or None when there is none.

    Where the columns are dependent, the later of them get coefficient 0.
    """
    width = len(columns)
    rows: list[list[Number]] = [[column[n] for column in columns] + [target[n]] for n in range(len(target))]
    rows = [row for row in rows if any(row)]
    done: list[tuple[int, list[Number]]] = []
    for column in range(width):
        place = next((n for n, row in enumerate(rows) if row[column]), None)
        if place is None:
            continue
        pivot = rows.pop(place)
        lead = pivot[column]
        pivot = [value / lead if value else value for value in pivot]
        rows = [_reduced(row, pivot, column) for row in rows]
        rows = [row for row in rows if any(row)]
        done = [(c, _reduced(row, pivot, column)) for c, row in done]
        done.append((column, pivot))
    if rows:
        return None
    found = {column: row[width] for column, row in done}
    zero = target[0] - target[0]
    return [found.get(column, zero) for column in range(width)]


def _reduced(row: list[Number], pivot: list[Number], column: int) -> list[Number]:
    factor = row[column]
    if not factor:
        return row
    return [a - factor * b if b else a for a, b in zip(row, pivot, strict=True)]
