"""Symbols taken apart into what is sampled and what stays exact.

A symbol is Σ coefficient · rest · Π factors, where every factor is an invariant of one whole sampled space: a power of
a quadratic form, (ξᵀAξ)^s, or a sum of powers, Σ_i ξ_i^k. Everything else, time derivatives and drift above all, is in
`rest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from math import comb, factorial, prod
from typing import TypeAlias

from opcompiler.ir.coefficient import Coefficient, ScalarMonomial
from opcompiler.ir.symbol import Generator, Monomial, PowerSum, Quadric, Symbol, Xi, monomial

__all__ = ["Factor", "Form", "Part", "Powers", "folded", "split", "written_out"]

MAX_FOLDED = 20_000
"""Monomials of |ξ|^2s that a written-out symbol is compared with."""

Matrix: TypeAlias = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True, slots=True)
class Form:
    """(ξᵀAξ)^half_order over a space; A is the identity where `matrix` is None."""

    space: str
    half_order: int
    matrix: Matrix | None = None


@dataclass(frozen=True, slots=True)
class Powers:
    """Σ_i ξ_i^degree over a space, degree ≥ 3."""

    space: str
    degree: int


Factor: TypeAlias = Form | Powers


@dataclass(frozen=True, slots=True)
class Part:
    """coefficient · rest · Π factors."""

    coefficient: Coefficient
    rest: Monomial
    factors: tuple[Factor, ...]


def split(symbol: Symbol, spaces: Mapping[str, int], fewest: int) -> tuple[Symbol, tuple[Part, ...]]:
    """Return the exact part of a symbol and its sampled parts.

    Args:
        symbol: of a contraction.
        spaces: name → dimension of the sampled spaces.
        fewest: written-out quadratic forms of at most so many coordinates stay exact.
    """
    exact: dict[Monomial, Coefficient] = {}
    parts: list[Part] = []
    for factors, coefficient in folded(symbol, spaces, fewest).terms:
        rest: list[tuple[Generator, int]] = []
        found: list[Factor] = []
        for generator, power in factors:
            match generator:
                case PowerSum(space, 2) if space in spaces:
                    found.append(Form(space, power))
                case PowerSum(space, degree) if space in spaces and degree > 2:
                    found += [Powers(space, degree)] * power
                case Quadric(space, matrix) if space in spaces:
                    found.append(Form(space, power, matrix))
                case _:
                    rest.append((generator, power))
        if found:
            parts.append(Part(coefficient, tuple(rest), tuple(found)))
        else:
            exact[factors] = coefficient
    return Symbol.from_terms(exact), tuple(parts)


def folded(symbol: Symbol, spaces: Mapping[str, int], fewest: int) -> Symbol:
    """Return the symbol with sums over all coordinates of a sampled space as generators of the whole space.

    The language writes small spaces out: Δ in two dimensions is ξ_1² + ξ_2².
    """
    for space, dim in spaces.items():
        symbol = _folded(symbol, space, dim, fewest)
    return symbol


_Powers: TypeAlias = tuple[tuple[int, int], ...]
"""(coordinate, power) of a monomial in the coordinates of one space, sorted."""


def _folded(symbol: Symbol, space: str, dim: int, fewest: int) -> Symbol:
    kept: dict[Monomial, Coefficient] = {}
    groups: dict[tuple[Monomial, ScalarMonomial, int], dict[_Powers, Fraction]] = {}
    for factors, coefficient in symbol.terms:
        own = tuple((g.index, p) for g, p in factors if isinstance(g, Xi) and g.space == space)
        rest = tuple((g, p) for g, p in factors if not (isinstance(g, Xi) and g.space == space))
        degree = sum(p for _, p in own)
        whole = any(not isinstance(g, Xi) and g.space == space for g, _ in rest)
        if degree < 2 or whole:
            kept[factors] = coefficient
            continue
        for scalars, value in coefficient.terms:
            groups.setdefault((rest, scalars, degree), {})[tuple(sorted(own))] = value
    total = Symbol.from_terms(kept)
    for (rest, scalars, degree), polynomial in groups.items():
        invariants = _recognised(polynomial, space, dim, degree, fewest)
        if invariants is None:
            invariants = {
                tuple((Xi(space, index), power) for index, power in powers): value
                for powers, value in polynomial.items()
            }
        for factors, value in invariants.items():
            factor = Coefficient.from_terms({scalars: value})
            total = total + Symbol.from_terms({monomial(rest + factors): factor})
    return total


def _recognised(
    polynomial: dict[_Powers, Fraction], space: str, dim: int, degree: int, fewest: int
) -> dict[Monomial, Fraction] | None:
    """Return a homogeneous polynomial in generators of the whole space, None where it has no such form."""
    if len({index for powers in polynomial for index, _ in powers}) <= fewest or dim < 2:
        return None
    if degree == 2:
        return _quadratic(polynomial, space, dim)
    half = degree // 2
    radial = Fraction(0)
    if degree % 2 == 0 and comb(dim + half - 1, half) <= MAX_FOLDED:
        radial = polynomial.get(((0, degree - 2), (1, 2)), Fraction(0)) / half
        polynomial = _difference(polynomial, radial, dim, half)
    diagonal = polynomial.get(((0, degree),), Fraction(0))
    if polynomial != ({((i, degree),): diagonal for i in range(dim)} if diagonal else {}):
        return None
    found: dict[Monomial, Fraction] = {}
    if radial:
        found[((PowerSum(space, 2), half),)] = radial
    if diagonal:
        found[((PowerSum(space, degree), 1),)] = diagonal
    return found


def _quadratic(polynomial: dict[_Powers, Fraction], space: str, dim: int) -> dict[Monomial, Fraction]:
    rows = [[Fraction(0)] * dim for _ in range(dim)]
    for powers, value in polynomial.items():
        indices = [index for index, power in powers for _ in range(power)]
        i, j = indices
        rows[i][j] += value / 2
        rows[j][i] += value / 2
    diagonal = rows[0][0]
    if all(rows[i][j] == (diagonal if i == j else 0) for i in range(dim) for j in range(dim)):
        return {((PowerSum(space, 2), 1),): diagonal}
    return {((Quadric(space, tuple(map(tuple, rows))), 1),): Fraction(1)}


def _difference(polynomial: dict[_Powers, Fraction], factor: Fraction, dim: int, half: int) -> dict[_Powers, Fraction]:
    """Return polynomial − factor·|ξ|^(2·half)."""
    result = dict(polynomial)
    for powers, value in _radial_terms(dim, half) if factor else ():
        result[powers] = result.get(powers, Fraction(0)) - factor * value
    return {powers: value for powers, value in result.items() if value}


def _radial_terms(dim: int, half: int) -> Iterator[tuple[_Powers, int]]:
    for chosen in combinations_with_replacement(range(dim), half):
        counts = {index: chosen.count(index) for index in dict.fromkeys(chosen)}
        yield tuple((i, 2 * n) for i, n in counts.items()), factorial(half) // prod(map(factorial, counts.values()))


def written_out(symbol: Symbol, space: str, dim: int) -> Symbol | None:
    """Return the symbol with all generators of a whole space as sums of monomials, None if these are too many."""
    total = Symbol()
    for factors, coefficient in symbol.terms:
        rest = tuple((g, p) for g, p in factors if isinstance(g, Xi) or g.space != space)
        product = Symbol.from_terms({rest: coefficient})
        for generator, power in factors:
            if isinstance(generator, Xi) or generator.space != space:
                continue
            terms = dim if isinstance(generator, PowerSum) else dim * dim
            if comb(terms + power - 1, power) > MAX_FOLDED:
                return None
            for _ in range(power):
                product = product * _sum_of(generator, dim)
        total = total + product
    return total


def _sum_of(generator: PowerSum | Quadric, dim: int) -> Symbol:
    terms: dict[Monomial, Coefficient] = {}
    match generator:
        case PowerSum(space, degree):
            return Symbol.from_terms({((Xi(space, i), degree),): Coefficient.of(1) for i in range(dim)})
        case Quadric(space, matrix):
            for i, row in enumerate(matrix):
                for j, value in enumerate(row):
                    key = monomial(((Xi(space, i), 1), (Xi(space, j), 1)))
                    terms[key] = terms.get(key, Coefficient()) + Coefficient.of(value)
    return Symbol.from_terms(terms)
