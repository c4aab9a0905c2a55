"""The symbol p(ξ) of a constant-coefficient operator p(∂), as a polynomial with exact coefficients.

Its generators are single ξ_i (few coordinates, written out) and block invariants over a whole space, which keep a
Laplacian in 10⁶ dimensions one object: Σ_i ξ_i^k and ξᵀAξ. A whole-space generator ranges over every coordinate of
the space, also those that occur singly beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from opcompiler.ir.coefficient import ONE, Coefficient

__all__ = ["Generator", "Monomial", "PowerSum", "Quadric", "Symbol", "Xi"]


@dataclass(frozen=True, slots=True)
class Xi:
    """ξ along one coordinate (0-based index in C order)."""

    space: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class PowerSum:
    """Σ_i ξ_i^degree over all coordinates of the space; degree 2 is |ξ|², the symbol of Δ."""

    space: str
    degree: int


@dataclass(frozen=True, slots=True)
class Quadric:
    """ξᵀAξ over all coordinates of the space, A symmetric and rational."""

    space: str
    matrix: tuple[tuple[Fraction, ...], ...]


Generator: TypeAlias = Xi | PowerSum | Quadric
Monomial: TypeAlias = tuple[tuple[Generator, int], ...]
"""(generator, power ≥ 1) in canonical order; () is 1."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """Σ c·Π generator^power in canonical order, without zero terms."""

    terms: tuple[tuple[Monomial, Coefficient], ...] = ()

    @classmethod
    def from_terms(cls, terms: dict[Monomial, Coefficient]) -> Symbol:
        """Return the symbol with these terms; monomials must be canonical (see `monomial`)."""
        kept = [(m, c) for m, c in terms.items() if c]
        return cls(tuple(sorted(kept, key=lambda term: _monomial_key(term[0]))))

    @classmethod
    def one(cls) -> Symbol:
        """Return the symbol of the identity."""
        return cls((((), ONE),))

    @classmethod
    def generator(cls, generator: Generator, power: int = 1) -> Symbol:
        """Return generator^power."""
        return cls(((((generator, power),) if power else (), ONE),))

    @property
    def order(self) -> int:
        """Highest order of a derivative in p(∂); 0 for constants and for the zero symbol."""
        return max((monomial_order(monomial) for monomial, _ in self.terms), default=0)

    def __bool__(self) -> bool:
        """Whether this is not zero."""
        return bool(self.terms)

    def __add__(self, other: Symbol) -> Symbol:
        """Return the sum."""
        terms = dict(self.terms)
        for m, c in other.terms:
            terms[m] = terms[m] + c if m in terms else c
        return Symbol.from_terms(terms)

    def __mul__(self, other: Symbol | Coefficient) -> Symbol:
        """Return the product; multiplication of symbols composes the operators."""
        if isinstance(other, Coefficient):
            return Symbol.from_terms({m: c * other for m, c in self.terms})
        terms: dict[Monomial, Coefficient] = {}
        for m, c in self.terms:
            for n, e in other.terms:
                product = monomial(m + n)
                terms[product] = terms[product] + c * e if product in terms else c * e
        return Symbol.from_terms(terms)

    __rmul__ = __mul__

    def __neg__(self) -> Symbol:
        """Return the negative."""
        return Symbol(tuple((m, -c) for m, c in self.terms))

    def __sub__(self, other: Symbol) -> Symbol:
        """Return the difference."""
        return self + (-other)


def monomial(factors: tuple[tuple[Generator, int], ...]) -> Monomial:
    """Return the product of generator powers in canonical order."""
    powers: dict[Generator, int] = {}
    for generator, power in factors:
        powers[generator] = powers.get(generator, 0) + power
    return tuple(sorted(((g, p) for g, p in powers.items() if p), key=lambda gp: _generator_key(gp[0])))


def monomial_order(factors: Monomial) -> int:
    """Return the order of the derivative that the monomial stands for."""
    return sum(power * generator_degree(generator) for generator, power in factors)


def generator_degree(generator: Generator) -> int:
    """Return the degree in ξ."""
    match generator:
        case Xi():
            return 1
        case PowerSum(degree=degree):
            return degree
        case Quadric():
            return 2


def _generator_key(generator: Generator) -> tuple[object, ...]:
    match generator:
        case Xi(space, index):
            return (0, space, index)
        case PowerSum(space, degree):
            return (1, space, degree)
        case Quadric(space, matrix):
            return (2, space, matrix)


def _monomial_key(factors: Monomial) -> tuple[object, ...]:
    return (-monomial_order(factors), tuple((_generator_key(g), p) for g, p in factors))
