"""The variance of an estimate, before anything is drawn: exact rational coefficients of norms of derivative tensors.

Each function returns the terms for a mean over `samples` draws; parts that share their draws enter with their
covariances. Sources: Hutchinson 1989 (traces); Hu et al. 2023 (sampled dimensions); Shi et al. 2024, section 4 (higher
orders); the formulas for frames and for cumulants follow from `invariant` and `entries`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, prod

from opcompiler.ir.law import (
    Coordinates,
    Frame,
    Gaussian,
    IndependentPair,
    Law,
    Orthogonal,
    Rademacher,
    Sphere,
    ThreePoint,
)
from opcompiler.ir.variance import Block, PerTerm, Quantity, Tensor, VarianceNorm, VarianceTerm
from opcompiler.planning.sampling import entries, invariant

__all__ = ["Part", "coordinates", "default_norm", "independent_squares", "laplacian_powers", "summed"]


@dataclass(frozen=True, slots=True)
class Part:
    """A sampled part of a contraction, linear in one derivative tensor.

    Attributes:
        coefficient: its factor in the operator.
        tensor: Dⁿf; for `laplacian_powers` the part is coefficient·Δ^(n/2) f, for `coordinates` coefficient·Σ_i ∂_iⁿf.
    """

    coefficient: Fraction
    tensor: Tensor


def laplacian_powers(law: Law, dim: int, samples: int, parts: Sequence[Part]) -> tuple[VarianceTerm, ...]:
    """Return the variance of Σ_parts coefficient·Δ^s f from directions of a law.

    The estimate of Δ^s f is the mean over directions of D^2s f[v, …, v]/(2s−1)!! for independent entries (less what
    `entries.expected_power` says beyond Δ^s, which is exact), times Π_{j<s} (d+2j)/(2s−1)!! on the unit sphere; for
    frames it is Π_{j<s} (d+2j)/(r+2j)·(Δ restricted to the frame)^s; for independent pairs D^2s f[v₁, v₁, v₂, v₂, …].

    Args:
        law: of the directions.
        dim: d, the dimensions drawn in.
        samples: number of directions; of pairs for `IndependentPair`.
        parts: all with the same draws.

    Raises:
        ValueError: the law gives no estimate of powers of Δ.
    """
    terms: list[VarianceTerm] = []
    for number, left in enumerate(parts):
        for other, right in enumerate(parts[number:], number):
            factor = left.coefficient * right.coefficient * (1 if other == number else 2)
            terms += [
                VarianceTerm(factor * value, Quantity(left.tensor, right.tensor, blocks))
                for blocks, value in _covariance(law, dim, samples, left.tensor.order, right.tensor.order).items()
            ]
    return summed(terms)


def _covariance(law: Law, dim: int, samples: int, left: int, right: int) -> Mapping[tuple[Block, ...], Fraction]:
    match law:
        case Rademacher() | Gaussian() | ThreePoint():
            scale = _odd_factorial(left) * _odd_factorial(right) * samples
            found = entries.covariance(law, (left,), (right,))
            return {blocks: value / scale for blocks, value in found.items()}
        case IndependentPair():
            pairs = max(left, right) // 2
            slots = [[2 if n < order // 2 else 0 for n in range(pairs)] for order in (left, right)]
            found = entries.covariance(law, slots[0], slots[1])
            return {blocks: value / samples for blocks, value in found.items()}
        case Sphere():
            return _rotated(dim, left, right, lambda degree: Fraction(1, samples))
        case Orthogonal():
            return _rotated(dim, left, right, lambda degree: _in_bases(dim, samples, degree))
        case Frame(size):
            if size < 1 or samples % size:
                raise ValueError(f"{samples} samples are no whole number of frames of {size} directions")
            frames = samples // size
            return _rotated(dim, left, right, lambda degree: invariant.frame_weight(dim, size, degree) / frames)
        case _:
            raise ValueError(f"{law!r} draws no directions for powers of Δ")


def _rotated(
    dim: int, left: int, right: int, weight: Callable[[int], Fraction]
) -> Mapping[tuple[Block, ...], Fraction]:
    """Return Σ_ℓ≥2 weight(ℓ)·V_ℓ; in one dimension the unit sphere is two points, and nothing varies."""
    if dim == 1:
        return {}
    scale = invariant.normalisation(dim, left // 2) * invariant.normalisation(dim, right // 2)
    total: dict[tuple[Block, ...], Fraction] = {}
    for degree, combination in invariant.covariance(dim, left // 2, right // 2).items():
        for shared, value in combination.items() if degree else ():
            blocks: list[Block] = [(1, 1)] * (2 * shared)
            blocks += [(2, 0)] * (left // 2 - shared) + [(0, 2)] * (right // 2 - shared)
            key = tuple(sorted(blocks, reverse=True))
            total[key] = total.get(key, Fraction(0)) + weight(degree) * scale * value
    return {blocks: value for blocks, value in total.items() if value}


def _in_bases(dim: int, samples: int, degree: int) -> Fraction:
    """Return the weight of a degree when every `dim` directions are orthogonal and further ones independent of them."""
    bases, rest = divmod(samples, dim)
    squares = bases * dim**2 * invariant.orthogonal_weight(dim, dim, degree)
    if rest:
        squares += rest**2 * invariant.orthogonal_weight(dim, rest, degree)
    return squares / samples**2


def coordinates(
    dim: int,
    samples: int,
    parts: Sequence[Part],
    replace: bool = False,
    weights: tuple[Fraction, ...] | None = None,
) -> tuple[VarianceTerm, ...]:
    """Return the variance of Σ_parts coefficient·Σ_i ∂_iⁿf from single coordinates.

    With g_i the sum of all parts along coordinate i: without replacement (d²/m)(1 − m/d)·S², where
    S² = (Σg² − (Σg)²/d)/(d−1); with replacement (d·Σg² − (Σg)²)/m, with probabilities (Σg²/p − (Σg)²)/m.

    Args:
        dim: d.
        samples: m; d of them are exact without replacement.
        parts: all with the same draws.
        replace: whether coordinates may come twice.
        weights: probabilities p, which imply replacement.
    """
    if weights is not None:
        diagonal, mean = Fraction(1, samples), Fraction(1, samples)
    elif replace:
        diagonal, mean = Fraction(dim, samples), Fraction(1, samples)
    elif samples >= dim:
        return ()
    else:
        diagonal = Fraction(dim * (dim - samples), samples * (dim - 1))
        mean = diagonal / dim
    terms: list[VarianceTerm] = []
    for number, left in enumerate(parts):
        for other, right in enumerate(parts[number:], number):
            factor = left.coefficient * right.coefficient * (1 if other == number else 2)
            p, q = left.tensor.order, right.tensor.order
            squares = Quantity(left.tensor, right.tensor, ((p, q),), weights)
            product = Quantity(left.tensor, right.tensor, ((p, 0), (0, q)))
            terms += [VarianceTerm(factor * diagonal, squares), VarianceTerm(-factor * mean, product)]
    return summed(terms)


def independent_squares(law: Law, dim: int, samples: int, parts: Sequence[Part]) -> tuple[VarianceTerm, ...]:
    """Return the variance of Σ_parts coefficient·Δ^s f from a direction of its own for every factor Δ.

    One sample of Δ^s f is the product of s factors w·D² along independent directions, w = d for unit vectors.

    Args:
        law: of every direction.
        dim: d.
        samples: number of samples, each of max s directions.
        parts: all with the same draws; factor n of each takes direction n.

    Raises:
        ValueError: the law draws no single directions.
    """
    terms: list[VarianceTerm] = []
    for number, left in enumerate(parts):
        for other, right in enumerate(parts[number:], number):
            halves = left.tensor.order // 2, right.tensor.order // 2
            common = min(halves)
            rest: tuple[Block, ...] = ((2, 0),) * (halves[0] - common) + ((0, 2),) * (halves[1] - common)
            total = dict(entries.product_of([*[_square(law, dim)] * common, {rest: Fraction(1)}]))
            mean = tuple(sorted(((2, 0),) * halves[0] + ((0, 2),) * halves[1], reverse=True))
            total[mean] = total.get(mean, Fraction(0)) - 1
            factor = left.coefficient * right.coefficient * (1 if other == number else 2) / samples
            terms += [
                VarianceTerm(factor * value, Quantity(left.tensor, right.tensor, blocks))
                for blocks, value in total.items()
            ]
    return summed(terms)


def _square(law: Law, dim: int) -> Mapping[tuple[Block, ...], Fraction]:
    """Return E of the square of an estimate of the trace of a matrix from one direction."""
    match law:
        case Rademacher() | Gaussian() | ThreePoint() | IndependentPair():
            return entries.second_moments(law if law != IndependentPair() else Gaussian(), 2, 2)
        case Sphere() | Orthogonal():
            normal = entries.second_moments(Gaussian(), 2, 2)
            return {blocks: value * Fraction(dim, dim + 2) for blocks, value in normal.items()}
        case Coordinates(None):
            return {((2, 2),): Fraction(dim)}
        case _:
            raise ValueError(f"{law!r} draws no single directions")


def summed(terms: Iterable[VarianceTerm]) -> tuple[VarianceTerm, ...]:
    """Return the terms with equal norms added, zeros dropped, squares first."""
    total: dict[VarianceNorm, Fraction] = {}
    for term in terms:
        norm = term.norm
        if isinstance(norm, Quantity):
            norm = _canonical(norm)
        total[norm] = total.get(norm, Fraction(0)) + term.coefficient
    kept = [VarianceTerm(value, norm) for norm, value in total.items() if value]
    return tuple(sorted(kept, key=lambda term: (isinstance(term.norm, PerTerm), _rank(term.norm))))


def _rank(norm: VarianceNorm) -> tuple[object, ...]:
    match norm:
        case Quantity(left, right, blocks):
            return (-left.order - right.order, -sum(1 for p, q in blocks if p and q), blocks, left.key, right.key)
        case PerTerm(contraction, terms, draw):
            return (contraction, terms, draw)


def _canonical(quantity: Quantity) -> Quantity:
    """Return the same number with the blocks sorted, and with the smaller tensor on the left."""
    blocks = tuple(sorted(quantity.blocks, reverse=True))
    mirrored = tuple(sorted(((q, p) for p, q in quantity.blocks), reverse=True))
    swapped = (quantity.right.key, quantity.left.key, mirrored) < (quantity.left.key, quantity.right.key, blocks)
    if swapped and quantity.weights is None:
        return Quantity(quantity.right, quantity.left, mirrored)
    return Quantity(quantity.left, quantity.right, blocks, quantity.weights)


def _odd_factorial(order: int) -> int:
    """Return (order − 1)!! for an even order."""
    return prod(range(1, order, 2))


def default_norm(dim: int) -> Callable[[VarianceNorm], float]:
    """Return the norms that are assumed when nothing was measured, to leading order in the dimension.

    Assumption: the entries of Dⁿf with different index sets are uncorrelated, of mean 0 and mean square 1. A
    contraction then counts the index values that give both tensors the same entries: d for every index that both
    share, d for every pair of traces of one and the other. Different tensors are uncorrelated.
    """

    def norm(quantity: VarianceNorm) -> float:
        match quantity:
            case PerTerm(_, terms):
                return float(terms) * float(terms - 1)
            case Quantity(left, right, blocks):
                if left != right:
                    return 0.0
                shared = sum(1 for p, q in blocks if p and q)
                ones = [p for p, q in blocks if not q], [q for p, q in blocks if not p]
                if sorted(ones[0]) != sorted(ones[1]) or any(p != q for p, q in blocks if p and q):
                    return 0.0
                matchings = prod(factorial(count) for count in _multiplicities(ones[0]))
                return float(matchings) * float(dim) ** (shared + len(ones[0]))

    return norm


def _multiplicities(sizes: Sequence[int]) -> Iterator[int]:
    for size in set(sizes):
        yield sizes.count(size)
