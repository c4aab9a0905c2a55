"""Sparse polynomials in divided powers ξ^[α] = ξ^α/α!, over single coordinates and groups of coordinates.

A monomial is a key (coordinates, group, power): the sorted numbers of single coordinates, repeated by multiplicity,
times one factor of a group G (group = −1 and power = 0: none). In a *single* polynomial the factor is the power sum
Σ_{i∈G} ξ_i^[power]; in a *family* polynomial, which stands for one polynomial per i ∈ G, it is ξ_i^[power].

Differentiation only drops a factor, coefficients stay what they are, and the Leibniz rule has coefficients 1:
(ξ+η)^[α] = Σ_{β+γ=α} ξ^[β] η^[γ].
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby, product
from typing import TypeAlias

from opcompiler.planning.scalars import Scalar

__all__ = [
    "UNIT",
    "Key",
    "Polynomial",
    "along_coordinate",
    "along_group",
    "degree",
    "direction_sum",
    "groups_of",
    "key_degree",
    "order_key",
    "splits",
]

Key: TypeAlias = tuple[tuple[int, ...], int, int]
Polynomial: TypeAlias = dict[Key, Scalar]

UNIT: Key = ((), -1, 0)
"""The monomial 1."""


def key_degree(key: Key) -> int:
    """Return the degree of a monomial."""
    return len(key[0]) + key[2]


def degree(polynomial: Polynomial) -> int:
    """Return the degree of a nonzero polynomial."""
    return max(map(key_degree, polynomial))


def order_key(key: Key) -> tuple[object, ...]:
    """Sort monomials by falling degree, group factors first, then by coordinate numbers."""
    coordinates, group, power = key
    return (-len(coordinates) - power, -power, group, coordinates)


def along_coordinate(polynomial: Polynomial, coordinate: int) -> Polynomial:
    """Return the derivative along a single coordinate."""
    result: Polynomial = {}
    for (coordinates, group, power), value in polynomial.items():
        if coordinate in coordinates:
            place = coordinates.index(coordinate)
            result[(coordinates[:place] + coordinates[place + 1 :], group, power)] = value
    return result


def along_group(polynomial: Polynomial, group: int) -> Polynomial:
    """Return the family of derivatives along the coordinates of a group.

    Of a single polynomial these are all derivatives in the group, of a family the ones along its own coordinate
    (the others vanish).
    """
    return {
        (coordinates, group if power > 1 else -1, power - 1): value
        for (coordinates, g, power), value in polynomial.items()
        if g == group
    }


def direction_sum(family: Polynomial, size: int) -> Polynomial:
    """Return the sum of a family over its directions, a single polynomial."""
    return {key: value if key[2] else value * Fraction(size) for key, value in family.items()}


def groups_of(polynomial: Polynomial) -> list[int]:
    """Return the groups that occur, sorted."""
    return sorted({group for _, group, _ in polynomial if group >= 0})


def splits(key: Key) -> Iterator[tuple[Key, Key]]:
    """Yield all (left, right) with left·right = key in divided powers, where coordinate factors are distributed.

    The group factor is distributed as ξ_i^[a] η_i^[b]; a = 0 or b = 0 leaves no group factor on that side.
    """
    coordinates, group, power = key
    runs = [(variable, len(list(same))) for variable, same in groupby(coordinates)]
    for counts in product(*(range(multiplicity + 1) for _, multiplicity in runs)):
        left = tuple(v for (v, _), n in zip(runs, counts, strict=True) for _ in range(n))
        right = tuple(v for (v, m), n in zip(runs, counts, strict=True) for _ in range(m - n))
        for a in range(power + 1):
            b = power - a
            yield (left, group if a else -1, a), (right, group if b else -1, b)
