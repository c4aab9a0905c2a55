"""Quadratic forms over the rationals: LDLᵀ with zeros kept."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["completed_inverse", "diagonal_form"]

Row = tuple[Fraction, ...]


def diagonal_form(matrix: Sequence[Sequence[Fraction]]) -> tuple[tuple[Row, ...], Row]:
    """Write xᵀAx = Σ_r d_r (l_r·x)² with rank(A) independent rows l_r and nonzero d_r.

    Lagrange's reduction: a nonzero diagonal entry is completed to a square; where all are zero, an entry a_ij gives
    2a_ij·x_i x_j = a_ij/2·((x_i+x_j)² − (x_i−x_j)²). Each row has first nonzero entry 1; a diagonal A gives unit rows.

    Args:
        matrix: symmetric, [n][n].

    Returns:
        Rows l [rank][n] and weights d [rank].
    """
    size = len(matrix)
    left = [[Fraction(value) for value in row] for row in matrix]
    rows: list[Row] = []
    weights: list[Fraction] = []
    while True:
        pivot = next((i for i in range(size) if left[i][i]), None)
        if pivot is not None:
            _complete(left, [value / left[pivot][pivot] for value in left[pivot]], left[pivot][pivot], rows, weights)
            continue
        pair = next(((i, j) for i in range(size) for j in range(i) if left[i][j]), None)
        if pair is None:
            return tuple(rows), tuple(weights)
        i, j = pair
        entry = left[i][j]
        plus = [(a + b) / entry for a, b in zip(left[i], left[j], strict=True)]
        minus = [(a - b) / entry for a, b in zip(left[i], left[j], strict=True)]
        _complete(left, plus, entry / 2, rows, weights)
        _complete(left, minus, -entry / 2, rows, weights)


def completed_inverse(rows: Sequence[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Complete independent rows by unit rows to a regular matrix and return it with its inverse.

    Args:
        rows: independent, [r][n] with 1 ≤ r ≤ n.
    """
    size = len(rows[0])
    kept: list[Row] = list(rows)
    for unit in _identity(size):
        if len(kept) < size and _inverse_or_none([*kept, unit]) is not None:
            kept.append(unit)
    inverse = _inverse_or_none(kept)
    assert inverse is not None
    return tuple(kept), inverse


def _identity(size: int) -> list[Row]:
    return [tuple(Fraction(int(i == j)) for j in range(size)) for i in range(size)]


def _inverse_or_none(rows: Sequence[Row]) -> tuple[Row, ...] | None:
    """Return the inverse of a square matrix; of fewer rows some tuple, None if they are dependent."""
    count, size = len(rows), len(rows[0])
    left = [[*row, *unit] for row, unit in zip(rows, _identity(count), strict=True)]
    columns: list[int] = []
    for i in range(count):
        column = next((j for j in range(size) if left[i][j]), None)
        if column is None:
            return None
        columns.append(column)
        pivot = left[i][column]
        left[i] = [value / pivot for value in left[i]]
        for other in range(count):
            factor = left[other][column]
            if other != i and factor:
                left[other] = [a - factor * b for a, b in zip(left[other], left[i], strict=True)]
    by_column = sorted(range(count), key=lambda i: columns[i])
    return tuple(tuple(left[i][size:]) for i in by_column)


def _complete(
    left: list[list[Fraction]], row: list[Fraction], weight: Fraction, rows: list[Row], weights: list[Fraction]
) -> None:
    """Split weight·(row·x)² off the form that is left."""
    for i, a in enumerate(row):
        if a:
            for j, b in enumerate(row):
                if b:
                    left[i][j] -= weight * a * b
    first = next(value for value in row if value)
    rows.append(tuple(value / first for value in row))
    weights.append(weight * first * first)
