"""Quadratic forms over the rationals: LDLᵀ with zeros kept."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["completed_inverse", "diagonal_form"]

Row = tuple[Fraction, ...]

_DOMINANT = Fraction(16, 25)
"""A diagonal entry this large beside the largest other entry is a good pivot; (1+√17)/8 balances the growth."""


def diagonal_form(matrix: Sequence[Sequence[Fraction]]) -> tuple[tuple[Row, ...], Row]:
    """Write xᵀAx = Σ_r d_r (l_r·x)² with rank(A) independent rows l_r and nonzero d_r.

    One direction v at a time is split off, A = (Av)(Av)ᵀ/(vᵀAv) + rest. v is the coordinate with the largest diagonal
    entry, or e_i ± e_j at the largest entry where that dominates (in the spirit of Bunch and Parlett, 1971, SIAM J.
    Numer. Anal. 8): exact for any v, but a small pivot would cost digits when the form is evaluated in floating point.

    Args:
        matrix: symmetric, [n][n].

    Returns:
        Rows l [rank][n] with largest entry 1, sorted by their first nonzero column, and weights d [rank]. A diagonal A
        gives unit rows.
    """
    left = [[Fraction(value) for value in row] for row in matrix]
    found: list[tuple[Row, Fraction]] = []
    while (direction := _pivot(left)) is not None:
        image = [sum((row[i] * v for i, v in direction), Fraction(0)) for row in left]
        weight = sum((image[i] * v for i, v in direction), Fraction(0))
        for i, a in enumerate(image):
            if a:
                left[i] = [entry - a * b / weight for entry, b in zip(left[i], image, strict=True)]
        largest = max(image, key=abs)
        found.append((tuple(value / largest for value in image), largest * largest / weight))
    found.sort(key=lambda entry: next(n for n, value in enumerate(entry[0]) if value))
    return tuple(row for row, _ in found), tuple(weight for _, weight in found)


def _pivot(left: list[list[Fraction]]) -> list[tuple[int, int]] | None:
    """Return the entries (coordinate, ±1) of the direction to split off, None for the zero form."""
    size = range(len(left))
    i = max(size, key=lambda n: abs(left[n][n]), default=None)
    j, k = max(((m, n) for m in size for n in range(m)), key=lambda mn: abs(left[mn[0]][mn[1]]), default=(0, 0))
    if i is None or not (left[i][i] or left[j][k]):
        return None
    if abs(left[i][i]) >= _DOMINANT * abs(left[j][k]):
        return [(i, 1)]
    same = (left[j][j] + left[k][k]) * left[j][k] >= 0
    return [(k, 1), (j, 1 if same else -1)]


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
