"""A quadratic form that is written out gets a diagonal product table: LDLᵀ as a choice of basis."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from opcompiler.planning.inverse_system import BasisChange, InverseSystem
from opcompiler.planning.leibniz import StructureConstants
from opcompiler.planning.limits import MAX_DIAGONALISED
from opcompiler.planning.quadrics import completed_inverse, diagonal_form
from opcompiler.planning.scalars import Scalar

__all__ = ["diagonalised"]


def diagonalised(system: InverseSystem, constants: StructureConstants) -> InverseSystem:
    """Return the system with first-order elements in which ξᵀAξ is Σ_r d_r η_r², where that saves products.

    Applies when all products of single elements go into one element, which is no factor itself: the structure
    constants are then a symmetric matrix, and products of directions r ≠ s disappear.
    """
    quadratic = {(a, b): value for (a, b, _), value in constants.table.items() if system.group_of(a) is None}
    outputs = {c for a, b, c in constants.table if (a, b) in quadratic}
    factors = sorted({number for pair in quadratic for number in pair})
    mixed = any((system.group_of(a) is None) != (system.group_of(b) is None) for a, b, _ in constants.table)
    if len(outputs) != 1 or mixed or outputs & set(factors) or len(factors) > MAX_DIAGONALISED:
        return system
    if all(a == b for a, b in quadratic) or any(c in factors for _, _, c in constants.table):
        return system
    matrix = [[_entry(quadratic, constants, a, b) for b in factors] for a in factors]
    if any(value is None for row in matrix for value in row):
        return system
    rows, weights = diagonal_form([[value or Fraction(0) for value in row] for row in matrix])
    before = sum(1 if a == b else 2 for a, b in quadratic)
    if len(weights) >= before:
        return system
    forward, backward = completed_inverse(rows)
    return replace(system, change=BasisChange(_named(forward, factors), _named(backward, factors)))


def _entry(quadratic: dict[tuple[int, int], Scalar], constants: StructureConstants, a: int, b: int) -> Fraction | None:
    """Return T_ab for the basis before rescaling (up to the common factor of the output), None if not rational."""
    value = quadratic.get((min(a, b), max(a, b)), Fraction(0))
    return value * constants.scale[a] * constants.scale[b] if isinstance(value, Fraction) else None


def _named(matrix: tuple[tuple[Fraction, ...], ...], names: list[int]) -> dict[int, dict[int, Fraction]]:
    return {
        name: {other: value for other, value in zip(names, row, strict=True) if value}
        for name, row in zip(names, matrix, strict=True)
    }
