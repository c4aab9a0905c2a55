"""The minimum, computed a second time: rank of the Hankel matrix of the symbols modulo a large prime.

dim span{∂^β P} = rank [L_P(ε^{α+β})]_{(P,α),β} with L_P(ε^γ) = γ!·p_γ (docs/mathematics.md, theorem 1). Only the
symbols themselves enter, no basis and no group: an error in the closure would show as a disagreement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, product
from math import factorial, prod

from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.symbol import Generator, PowerSum, Quadric, Symbol, Xi
from opcompiler.planning.limits import MAX_HANKEL_COLUMNS

__all__ = ["PRIME", "hankel_rank", "rank_modulo", "scalar_values"]

PRIME = 2**61 - 1
"""A Mersenne prime; a nonzero rational determinant vanishes modulo it only by accident."""

MultiIndex = tuple[tuple[str, int], ...]
"""Coordinates (space, index), sorted and repeated by multiplicity."""


class _TooLarge(Exception):
    pass


def hankel_rank(contractions: Sequence[Contraction], declarations: Declarations) -> int | None:
    """Return the rank modulo `PRIME` with the scalars at a fixed random point, None if the matrix is too large."""
    values = scalar_values(contractions)
    try:
        symbols = [p for contraction in contractions for p in _polynomials(contraction, declarations, values)]
        columns = _down_set(symbols)
        rows = [row for symbol in symbols for row in _hankel_rows(symbol, columns)]
    except _TooLarge:
        return None
    return max(rank_modulo(rows), 1)


def scalar_values(contractions: Iterable[Contraction]) -> dict[int, int]:
    """Return fixed, large, different values for the indeterminates that occur: a generic point."""
    numbers = {n for c in contractions for _, value in c.symbol.terms for m, _ in value.terms for n, _ in m}
    return {n: pow(1_000_003 + 2 * n, 5, 2**31 - 1) for n in sorted(numbers)}


def rank_modulo(rows: Iterable[Mapping[object, int]], prime: int = PRIME) -> int:
    """Return the rank of sparse integer rows modulo a prime, by elimination."""
    pivots: dict[object, dict[object, int]] = {}
    for row in rows:
        left = {column: value % prime for column, value in row.items() if value % prime}
        while left:
            column = next((c for c in left if c in pivots), None)
            if column is None:
                column = next(iter(left))
                inverse = pow(left[column], -1, prime)
                pivots[column] = {c: value * inverse % prime for c, value in left.items()}
                break
            factor = left[column]
            for c, value in pivots[column].items():
                new = (left.get(c, 0) - factor * value) % prime
                if new:
                    left[c] = new
                else:
                    left.pop(c, None)
    return len(pivots)


def _polynomials(
    contraction: Contraction, declarations: Declarations, values: Mapping[int, int]
) -> Iterator[dict[MultiIndex, int]]:
    symbol = _expanded(contraction.symbol, declarations, values)
    dims = [declarations.space(index.space).dim for index in contraction.free]
    if prod(dims) > MAX_HANKEL_COLUMNS**2:
        raise _TooLarge
    for indices in product(*map(range, dims)):
        factor = tuple(
            (free.space, i) for free, i in zip(contraction.free, indices, strict=True) for _ in range(free.power)
        )
        yield {tuple(sorted(alpha + factor)): value for alpha, value in symbol.items()}


def _expanded(symbol: Symbol, declarations: Declarations, values: Mapping[int, int]) -> dict[MultiIndex, int]:
    total: dict[MultiIndex, int] = {}
    for monomial, coefficient in symbol.terms:
        term = {(): _residue(coefficient, values)}
        for generator, power in monomial:
            base = _generator(generator, declarations)
            for _ in range(power):
                term = _product(term, base)
        for alpha, value in term.items():
            total[alpha] = (total.get(alpha, 0) + value) % PRIME
    return {alpha: value for alpha, value in total.items() if value}


def _residue(coefficient: Coefficient, values: Mapping[int, int]) -> int:
    return (
        sum(
            q.numerator * pow(q.denominator, -1, PRIME) * prod(pow(values[n], power, PRIME) for n, power in monomial)
            for monomial, q in coefficient.terms
        )
        % PRIME
    )


def _generator(generator: Generator, declarations: Declarations) -> dict[MultiIndex, int]:
    if isinstance(generator, Xi):
        return {((generator.space, generator.index),): 1}
    name, dim = generator.space, declarations.space(generator.space).dim
    if dim > MAX_HANKEL_COLUMNS:
        raise _TooLarge
    match generator:
        case PowerSum(degree=degree):
            return {((name, i),) * degree: 1 for i in range(dim)}
        case Quadric(matrix=matrix):
            result: dict[MultiIndex, int] = {}
            for i, j in product(range(dim), repeat=2):
                entry = matrix[i][j]
                alpha = tuple(sorted(((name, i), (name, j))))
                residue = entry.numerator * pow(entry.denominator, -1, PRIME)
                result[alpha] = (result.get(alpha, 0) + residue) % PRIME
            return result


def _product(left: dict[MultiIndex, int], right: dict[MultiIndex, int]) -> dict[MultiIndex, int]:
    if len(left) * len(right) > MAX_HANKEL_COLUMNS**2:
        raise _TooLarge
    result: dict[MultiIndex, int] = {}
    for a, value in left.items():
        for b, other in right.items():
            alpha = tuple(sorted(a + b))
            result[alpha] = (result.get(alpha, 0) + value * other) % PRIME
    return result


def _down_set(symbols: Sequence[dict[MultiIndex, int]]) -> list[MultiIndex]:
    """Return all divisors of the monomials: only they give nonzero columns (and rows)."""
    found: set[MultiIndex] = set()
    for symbol in symbols:
        for alpha in symbol:
            if alpha not in found:
                if len(alpha) > 0 and prod(m + 1 for m in _multiplicities(alpha)) > MAX_HANKEL_COLUMNS:
                    raise _TooLarge
                found.update(_divisors(alpha))
                if len(found) > MAX_HANKEL_COLUMNS:
                    raise _TooLarge
    return sorted(found)


def _divisors(alpha: MultiIndex) -> Iterator[MultiIndex]:
    runs = [(coordinate, len(list(same))) for coordinate, same in groupby(alpha)]
    for powers in product(*(range(multiplicity + 1) for _, multiplicity in runs)):
        yield tuple(coordinate for (coordinate, _), n in zip(runs, powers, strict=True) for _ in range(n))


def _multiplicities(alpha: MultiIndex) -> list[int]:
    return [len(list(same)) for _, same in groupby(alpha)]


def _hankel_rows(symbol: dict[MultiIndex, int], columns: Sequence[MultiIndex]) -> Iterator[dict[object, int]]:
    for alpha in columns:
        row: dict[object, int] = {}
        for beta in columns:
            gamma = tuple(sorted(alpha + beta))
            if gamma in symbol:
                row[beta] = symbol[gamma] * prod(map(factorial, _multiplicities(gamma))) % PRIME
        if row:
            yield row
