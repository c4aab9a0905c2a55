"""Directions with independent symmetric entries: moments, cumulants, and what they do to symmetric tensors.

With cumulants κ₂, κ₄, … of one entry, E Π_slots v_{i_slot} is the sum over all partitions of the slots into blocks of
even size, one index per block, of the product of the κ of the block sizes (Leonov & Shiryaev 1959). A complete
contraction of symmetric tensors depends on a partition only through how many slots of each tensor a block has, so
partitions are counted, not listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import comb, factorial, prod

from opcompiler.ir.law import Gaussian, IndependentPair, Law, Rademacher, ThreePoint
from opcompiler.ir.variance import Block

__all__ = ["covariance", "cumulants", "expected_power", "moment", "product_of", "second_moments"]

Blocks = tuple[Block, ...]


def moment(law: Law, order: int) -> Fraction:
    """Return E z^order of one entry of a law with independent entries.

    Raises:
        ValueError: the entries of the law are not independent.
    """
    if order % 2:
        return Fraction(0)
    match law:
        case Rademacher():
            return Fraction(1)
        case Gaussian() | IndependentPair():
            return Fraction(prod(range(1, order, 2)))
        case ThreePoint():
            return Fraction(3) ** (order // 2 - 1) if order else Fraction(1)
        case _:
            raise ValueError(f"the entries of {law!r} are not independent")


@lru_cache(maxsize=64)
def cumulants(law: Law, order: int) -> tuple[Fraction, ...]:
    """Return κ_0 = 0, κ_1, …, κ_order of one entry, from μ_n = Σ_j C(n−1, j−1) κ_j μ_{n−j}."""
    found = [Fraction(0)]
    for n in range(1, order + 1):
        lower = sum((comb(n - 1, j - 1) * found[j] * moment(law, n - j) for j in range(1, n)), Fraction(0))
        found.append(moment(law, n) - lower)
    return tuple(found)


@lru_cache(maxsize=64)
def expected_power(law: Law, order: int) -> Mapping[tuple[int, ...], Fraction]:
    """Return E (v·ξ)^order as a polynomial in power sums: {(2, 4): c} stands for c·(Σ_i ξ_i²)(Σ_i ξ_i⁴).

    For Rademacher and order 4 this is 3(Σξ_i²)² − 2Σξ_i⁴.
    """
    kappa = cumulants(law, order)
    terms: dict[tuple[int, ...], Fraction] = {}
    for blocks in _partitions(order, 0):
        sizes = tuple(sorted(p for p, _ in blocks))
        value = _count(blocks, order, 0) * prod((kappa[size] for size in sizes), start=Fraction(1))
        if value:
            terms[sizes] = value
    return terms


def covariance(law: Law, left: Sequence[int], right: Sequence[int]) -> Mapping[Blocks, Fraction]:
    """Return Cov(T[v₁…], T'[v₁…]) as coefficients of complete contractions of T with T'.

    Args:
        law: of the entries of every direction.
        left: how many slots of T hold the first independent direction, the second, …: (2s,) for T(v, …, v).
        right: the same for T'.

    Returns:
        {blocks: coefficient}; blocks as in `ir.variance.Quantity`, those that every block of which belongs to one
        tensor alone are left out: they make up the product of the means.
    """
    moments = (second_moments(law, p, q) for p, q in zip(left, right, strict=True))
    return {blocks: value for blocks, value in product_of(moments).items() if any(a and b for a, b in blocks)}


def second_moments(law: Law, left: int, right: int) -> Mapping[Blocks, Fraction]:
    """Return E T(v, …, v)·T'(v, …, v) for tensors of orders `left` and `right`, as coefficients of contractions."""
    kappa = cumulants(law, left + right)
    found = {
        blocks: _count(blocks, left, right) * prod((kappa[a + b] for a, b in blocks), start=Fraction(1))
        for blocks in _partitions(left, right)
    }
    return {blocks: value for blocks, value in found.items() if value}


def product_of(moments: Iterable[Mapping[Blocks, Fraction]]) -> Mapping[Blocks, Fraction]:
    """Return the second moments when every group of slots has a direction of its own, independent of the others."""
    total: dict[Blocks, Fraction] = {(): Fraction(1)}
    for own in moments:
        grown: dict[Blocks, Fraction] = {}
        for (known, factor), (blocks, value) in product(total.items(), own.items()):
            joined = tuple(sorted(known + blocks, reverse=True))
            grown[joined] = grown.get(joined, Fraction(0)) + factor * value
        total = grown
    return total


@lru_cache(maxsize=256)
def _partitions(left: int, right: int) -> tuple[Blocks, ...]:
    """Return the multisets of blocks (a, b), a + b even and positive, that use all slots of both sides."""
    kinds = [(a, b) for a in range(left + 1) for b in range(right + 1) if a + b and (a + b) % 2 == 0]
    return tuple(_filled(left, right, tuple(sorted(kinds, reverse=True))))


def _filled(left: int, right: int, kinds: tuple[Block, ...]) -> Iterator[Blocks]:
    if left == right == 0:
        yield ()
        return
    for number, (a, b) in enumerate(kinds):
        if a <= left and b <= right:
            for rest in _filled(left - a, right - b, kinds[number:]):
                yield ((a, b), *rest)


def _count(blocks: Blocks, left: int, right: int) -> Fraction:
    """Return how many partitions of labelled slots have these blocks."""
    ways = Fraction(factorial(left) * factorial(right))
    for (a, b), times in Counter(blocks).items():
        ways /= Fraction(factorial(a) * factorial(b)) ** times * factorial(times)
    return ways
