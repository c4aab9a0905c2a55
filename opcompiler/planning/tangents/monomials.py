"""Decompositions of monomials: the central-difference grid, a+b directions for two variables, explicit sets."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import comb, factorial

from opcompiler.ir.strategy import Direction
from opcompiler.ir.surd import Number
from opcompiler.planning.tangents.exact import solve
from opcompiler.planning.tangents.forms import Form, MultiIndex, integral, monomials, power_column

__all__ = [
    "binary_monomial",
    "central_differences",
    "complex_rank_of_monomial",
    "merged_grids",
    "rank_of_monomial",
    "symmetric_slopes",
]

Decomposition = tuple[tuple[Direction, ...], tuple[Number, ...]]


def central_differences(alpha: MultiIndex) -> tuple[tuple[Direction, ...], tuple[Fraction, ...]]:
    """Return the grid decomposition of ξ^α with ⌊Π(α_i+1)/2⌋ directions.

    ξ^α = 1/(2^k k!) Σ_{0≤j≤α} (−1)^|j| Π C(α_i, j_i) (Σ_i (α_i−2j_i) ξ_i)^k with k = |α|, ±v merged.
    """
    order = sum(alpha)
    scale = Fraction(1, 2**order * factorial(order))
    found: dict[Direction, Fraction] = {}
    for steps in product(*(range(exponent + 1) for exponent in alpha)):
        vector = tuple(Fraction(exponent - 2 * step) for exponent, step in zip(alpha, steps, strict=True))
        if not any(vector):
            continue
        direction, factor = integral(vector)
        weight = scale * (-1) ** sum(steps) * factor**order
        for exponent, step in zip(alpha, steps, strict=True):
            weight *= comb(exponent, step)
        found[direction] = found.get(direction, Fraction(0)) + weight
    kept = [(direction, weight) for direction, weight in found.items() if weight]
    return tuple(direction for direction, _ in kept), tuple(weight for _, weight in kept)


def merged_grids(form: Form) -> Decomposition:
    """Return the sum of the grid decompositions of all monomials: always valid, seldom the fewest directions."""
    found: dict[Direction, Fraction] = {}
    for alpha, value in sorted(form.items(), reverse=True):
        for direction, weight in zip(*central_differences(alpha), strict=True):
            found[direction] = found.get(direction, Fraction(0)) + value * weight
    kept = [(direction, weight) for direction, weight in found.items() if weight]
    return tuple(direction for direction, _ in kept), tuple(weight for _, weight in kept)


def binary_monomial(a: int, b: int) -> Decomposition:
    """Return x^a y^b as a sum of a+b powers, the fewest over the reals (Boij, Carlini & Geramita 2011).

    The directions are the roots of a form of degree a+b without the term X^a Y^b: X or Y or both times factors
    X² − m²Y², which have only every other term.
    """
    order = a + b
    zero, one = Fraction(0), Fraction(1)
    axes: list[Direction] = []
    if (a % 2, b % 2) == (0, 0):
        axes = [(one, zero), (zero, one)]
    elif order % 2:
        axes = [(zero, one)] if b % 2 else [(one, zero)]
    directions = axes
    slopes = symmetric_slopes()
    while len(directions) < order:
        p, q = next(slopes)
        directions = [*directions, (p, q), (p, -q)]
    indices = monomials(2, order)
    target: list[Number] = [one if alpha == (a, b) else zero for alpha in indices]
    weights = solve([power_column(direction, indices) for direction in directions], target)
    assert weights is not None
    return tuple(directions), tuple(weights)


def symmetric_slopes() -> Iterator[tuple[Fraction, Fraction]]:
    """Yield the slopes (1, 1), (1, 2), (2, 1), (1, 3), (3, 1) and so on."""
    yield Fraction(1), Fraction(1)
    size = 2
    while True:
        yield Fraction(1), Fraction(size)
        yield Fraction(size), Fraction(1)
        size += 1


def rank_of_monomial(alpha: MultiIndex) -> int | None:
    """Return the real rank of a monomial with positive exponents where a theorem gives it, else None.

    a+b for two variables (Boij, Carlini & Geramita 2011); Π_{i≥1}(α_i+1) when the smallest exponent α_0 is 1, where
    real and complex rank agree (Carlini, Kummer, Oneto & Ventura 2017).
    """
    if len(alpha) == 1:
        return 1
    if len(alpha) == 2:
        return sum(alpha)
    if min(alpha) == 1:
        rank = 1
        for exponent in sorted(alpha)[1:]:
            rank *= exponent + 1
        return rank
    return None


def complex_rank_of_monomial(alpha: MultiIndex) -> int:
    """Return Π_{i≥1}(α_i+1), α_0 the smallest positive exponent (Carlini, Catalisano & Geramita 2012)."""
    rank = 1
    for exponent in sorted(alpha)[1:]:
        rank *= exponent + 1
    return rank
