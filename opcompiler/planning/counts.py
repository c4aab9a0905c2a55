"""Coefficient counts of the strategies that need no search: nested differentiation, all partial derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb

from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.symbol import PowerSum, Xi
from opcompiler.planning.tangents.forms import Form, MultiIndex

__all__ = ["DiagonalCounts", "diagonal_counts", "divisors", "down_set", "griewank"]


@dataclass(frozen=True, slots=True)
class DiagonalCounts:
    """Sizes of one symbol Σ_i a_i ξ_i² + b·ξ with derivatives of first order along the ξ_i of the squares.

    Attributes:
        rank: number of squares, which is also the number of directions.
        drift: number of coordinates that occur to first order only.
    """

    rank: int
    drift: int

    @property
    def coordinates(self) -> int:
        """Number of coordinates that occur."""
        return self.rank + self.drift

    @property
    def collapsed(self) -> int:
        """Coefficients of collapsed 2-jets: the primal, first derivatives, one sum."""
        return self.rank + 2

    @property
    def separate(self) -> int:
        """Coefficients of separate jets."""
        return 1 + 2 * self.rank + bool(self.drift)

    @property
    def down_set(self) -> int:
        """Coefficients of nested differentiation."""
        return 1 + 2 * self.rank + self.drift


def diagonal_counts(contractions: Sequence[Contraction], declarations: Declarations) -> DiagonalCounts | None:
    """Return the sizes of contractions with one such symbol over whole spaces, None for any other."""
    dim = {space.name: space.dim for space in declarations.spaces}
    second = {c.symbol for c in contractions if c.symbol.order == 2}
    if len(second) != 1 or any(c.order > 2 or (c.free and c.order > 1) for c in contractions):
        return None
    (symbol,) = second
    squares: set[str] = set()
    linear: set[Xi] = set()
    for monomial, _ in symbol.terms:
        match monomial:
            case ((PowerSum(space, 2), 1),):
                squares.add(space)
            case ((Xi() as generator, 1),):
                linear.add(generator)
            case ():
                pass
            case _:
                return None
    for contraction in contractions:
        if contraction.symbol == symbol:
            continue
        single = {g for monomial, _ in contraction.symbol.terms for g, _ in monomial}
        touched = {g.space for g in single} | {index.space for index in contraction.free}
        if not touched <= squares:
            return None
    drift = {generator for generator in linear if generator.space not in squares}
    return DiagonalCounts(sum(dim[space] for space in squares), len(drift))


def down_set(symbols: Sequence[Sequence[Form]]) -> int:
    """Return the number of divisors of all monomials, 1 included.

    Nested forward differentiation carries exactly these derivatives when every shared one is computed once.
    """
    return max(len(divisors(alpha for symbol in symbols for form in symbol for alpha in form)), 1)


def divisors(monomials: Iterable[MultiIndex]) -> set[MultiIndex]:
    """Return all β ≤ α for any of the α."""
    found: set[MultiIndex] = set()
    for alpha in monomials:
        if alpha not in found:
            found.update(product(*(range(power + 1) for power in alpha)))
    return found


def griewank(variables: int, order: int) -> int:
    """Return 1 + k·C(n+k−1, k), the jets from which all partial derivatives of order k are interpolated.

    Griewank, Utke & Walther 2000: one k-jet for each of the C(n+k−1, k) directions with integer entries of sum k.
    """
    return 1 + order * comb(variables + order - 1, order)
