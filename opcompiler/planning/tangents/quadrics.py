"""Quadratic forms as sums of squares, with the squares over a given subspace free."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from opcompiler.planning.tangents.forms import Form

__all__ = ["matrix_of", "squares"]

Vector = tuple[Fraction, ...]


def matrix_of(form: Form) -> list[list[Fraction]]:
    """Return the symmetric matrix A with P(ξ) = ξᵀAξ."""
    size = len(next(iter(form)))
    matrix = [[Fraction(0)] * size for _ in range(size)]
    for alpha, value in form.items():
        i, j = (index for index, exponent in enumerate(alpha) for _ in range(exponent))
        matrix[i][j] += value / 2
        matrix[j][i] += value / 2
    return matrix


def squares(matrix: Sequence[Sequence[Fraction]], free: Sequence[Vector] = ()) -> list[tuple[Vector, Fraction]]:
    """Return the fewest squares d_r (v_r·ξ)² whose sum is ξᵀAξ up to a quadratic form over the span of `free`.

    In a basis that begins with `free`, A = [[∗, B], [Bᵀ, C]] with ∗ at our disposal, and the least rank is
    2·rank[Bᵀ C] − rank C; without free vectors it is rank A (LDLᵀ). Lagrange's reduction attains it: squares and
    products of pairs are split off outside the free part, then one pair of squares per independent coupling.

    Args:
        matrix: A, symmetric and rational, [n][n].
        free: independent vectors.
    """
    size, first = len(matrix), len(free)
    basis = _completed(free, size)
    left = _congruent(matrix, basis) if free else [list(row) for row in matrix]
    rest = list(range(first, size))
    found: list[tuple[list[Fraction], Fraction]] = []

    def split(row: list[Fraction], weight: Fraction) -> None:
        for i, a in enumerate(row):
            for j, b in enumerate(row):
                left[i][j] -= weight * a * b
        found.append((row, weight))

    def split_product(p: list[Fraction], q: list[Fraction], weight: Fraction) -> None:
        """Split off 2·weight·p·q = weight/2·((p+q)² − (p−q)²)."""
        split([a + b for a, b in zip(p, q, strict=True)], weight / 2)
        split([a - b for a, b in zip(p, q, strict=True)], -weight / 2)

    while True:
        pivot = next((i for i in rest if left[i][i]), None)
        if pivot is not None:
            weight = left[pivot][pivot]
            split([value / weight for value in left[pivot]], weight)
            continue
        pair = next(((i, j) for i in rest for j in rest if i < j and left[i][j]), None)
        if pair is None:
            break
        i, j = pair
        weight = left[i][j]
        split_product([value / weight for value in left[j]], [value / weight for value in left[i]], weight)
    while True:
        coupling = next(((i, j) for i in rest for j in range(first) if left[i][j]), None)
        if coupling is None:
            break
        i, j = coupling
        weight = left[i][j]
        outer = [left[n][j] / weight if n >= first else Fraction(0) for n in range(size)]
        inner = [left[i][n] / weight if n < first else Fraction(0) for n in range(size)]
        split_product(outer, inner, weight)
    return [(_combined(row, basis), weight) for row, weight in found]


def _completed(free: Sequence[Vector], size: int) -> list[Vector]:
    """Return a basis that begins with `free` and goes on with unit vectors."""
    basis = list(free)
    rows: list[tuple[int, list[Fraction]]] = []
    units = [tuple(Fraction(i == j) for j in range(size)) for i in range(size)]
    for number, vector in enumerate([*free, *units]):
        rest = list(vector)
        for pivot, row in rows:
            factor = rest[pivot]
            if factor:
                rest = [a - factor * b for a, b in zip(rest, row, strict=True)]
        lead = next((i for i, value in enumerate(rest) if value), None)
        if lead is None:
            continue
        rows.append((lead, [value / rest[lead] for value in rest]))
        if number >= len(free):
            basis.append(vector)
    return basis


def _congruent(matrix: Sequence[Sequence[Fraction]], basis: Sequence[Vector]) -> list[list[Fraction]]:
    """Return B⁻¹AB⁻ᵀ, where the columns of B are the basis vectors."""
    size = len(matrix)
    inverse = _inverse([[basis[j][i] for j in range(size)] for i in range(size)])
    half = [[sum(inverse[i][k] * matrix[k][j] for k in range(size)) for j in range(size)] for i in range(size)]
    return [
        [sum((half[i][k] * inverse[j][k] for k in range(size)), Fraction(0)) for j in range(size)] for i in range(size)
    ]


def _inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    size = len(matrix)
    rows = [[*row, *(Fraction(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        place = next(n for n in range(column, size) if rows[n][column])
        rows[column], rows[place] = rows[place], rows[column]
        pivot = rows[column] = [value / rows[column][column] for value in rows[column]]
        for n in range(size):
            factor = rows[n][column]
            if n != column and factor:
                rows[n] = [a - factor * b for a, b in zip(rows[n], pivot, strict=True)]
    return [row[size:] for row in rows]


def _combined(weights: Sequence[Fraction], basis: Sequence[Vector]) -> Vector:
    size = len(basis)
    return tuple(sum((weights[r] * basis[r][i] for r in range(size)), Fraction(0)) for i in range(size))
