"""The algebra dual to an inverse system: product table, from the coproduct w(ξ+η) = Σ T^w_ab w_a(ξ) w_b(η)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from opcompiler.planning.inverse_system import InverseSystem
from opcompiler.planning.polynomial import UNIT, Key, Polynomial, degree, splits
from opcompiler.planning.scalars import Scalar, as_coefficient, is_unit, plus

__all__ = ["StructureConstants", "structure_constants"]


@dataclass(frozen=True, slots=True)
class StructureConstants:
    """Products of nilpotent basis elements, after each basis element w is rescaled to scale[w]·w.

    Attributes:
        table: (left, right, out) → coefficient, for left ≤ right in the numbering of the inverse system.
        scale: rational factor of each basis element, chosen so that most products have coefficient 1.
    """

    table: dict[tuple[int, int, int], Scalar]
    scale: tuple[Fraction, ...]


def structure_constants(system: InverseSystem) -> StructureConstants:
    """Return the product table of an inverse system.

    Raises:
        NotDivisible: over the run-time scalars some constant is no polynomial.
    """
    products = [_coproduct(system, number) for number in range(system.size)]
    scale = _scales(system, products)
    table = {
        (a, b, c): value * (scale[c] / (scale[a] * scale[b]))
        for c, terms in enumerate(products)
        for (a, b), value in terms.items()
    }
    return StructureConstants(table, scale)


def _coproduct(system: InverseSystem, number: int) -> dict[tuple[int, int], Scalar]:
    """Return {(a, b): T_ab}, a ≤ b, of one basis element without the trivial terms w⊗1 + 1⊗w."""
    group = system.group_of(number)
    by_right: dict[Key, Polynomial] = {}
    for key, value in system.polynomial(number).items():
        for left, right in splits(key):
            if UNIT not in (left, right):
                row = by_right.setdefault(right, {})
                row[left] = plus(row[left], value) if left in row else value
    partners: dict[int, Polynomial] = {}
    for right, polynomial in by_right.items():
        # A factor ξ_i^[k] on the right ties the left side to the same direction i.
        tied = group if group is not None else right[1] if right[2] else None
        for a, value in system.coordinates(polynomial, tied).items():
            partners.setdefault(a, {})[right] = value
    full: dict[tuple[int, int], Scalar] = {}
    for a, polynomial in partners.items():
        tied = group if group is not None else system.group_of(a)
        for b, value in system.coordinates(polynomial, tied).items():
            full[(a, b)] = value
    return _symmetric(full)


def _symmetric(full: dict[tuple[int, int], Scalar]) -> dict[tuple[int, int], Scalar]:
    for (a, b), value in full.items():
        if full.get((b, a)) != value:
            raise RuntimeError("internal error: a product table is not commutative")
    return {(a, b): value for (a, b), value in sorted(full.items()) if a <= b}


def _scales(system: InverseSystem, products: list[dict[tuple[int, int], Scalar]]) -> tuple[Fraction, ...]:
    """Choose scales by rising degree so that the commonest coefficient of every output becomes 1."""
    scale = [Fraction(1)] * system.size
    for c in sorted(range(system.size), key=lambda n: (degree(system.polynomial(n)), n)):
        rational = [(pair, as_coefficient(v).rational) for pair, v in products[c].items() if is_unit(v)]
        counts = Counter(value / (scale[a] * scale[b]) for (a, b), value in rational)
        if counts:
            best = max(counts.values())
            commonest = min((v for v, n in counts.items() if n == best), key=lambda v: (v != 1, abs(v), v < 0))
            scale[c] = 1 / commonest
    return tuple(scale)
