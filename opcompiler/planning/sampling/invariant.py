"""Laws that no rotation changes: spheres, orthogonal directions, frames.

On the unit sphere T(v, …, v) is a sum of spherical harmonics of even degrees ℓ; the means over rotations of products
of values at v and at v' are Σ_ℓ V_ℓ P_ℓ(v·v'), with P_ℓ the Legendre polynomials of dimension d (P_ℓ(1) = 1; Müller
1966). So one law differs from another only in the mean of P_ℓ(v·v') over its pairs of directions. The V_ℓ come from
the Gaussian law: correlated normal vectors give Σ_m N_m ρ^(2s−2m) ‖T^(m)‖² by Isserlis' theorem (T^(m) the m-fold
trace), and Laguerre expansion of the radius relates both.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import comb, factorial, prod

__all__ = [
    "covariance",
    "frame_weight",
    "legendre",
    "normalisation",
    "orthogonal_weight",
]


def normalisation(dim: int, half_order: int) -> Fraction:
    """Return Π_{j<s} (d+2j)/(2s−1)!!: times the mean of (v·ξ)^2s over the unit sphere it is |ξ|^2s."""
    numerator = prod(dim + 2 * j for j in range(half_order))
    return Fraction(numerator, prod(range(1, 2 * half_order, 2)))


@lru_cache(maxsize=256)
def legendre(dim: int, degree: int) -> tuple[Fraction, ...]:
    """Return the coefficients of P_degree in powers of t, for d ≥ 2 dimensions.

    (ℓ+d−2) P_{ℓ+1} = (2ℓ+d−2) t P_ℓ − ℓ P_{ℓ−1}.
    """
    previous, current = (Fraction(1),), (Fraction(0), Fraction(1))
    if degree == 0:
        return previous
    for n in range(1, degree):
        shifted = (Fraction(0), *(Fraction(2 * n + dim - 2, n + dim - 2) * c for c in current))
        lower = (*(Fraction(n, n + dim - 2) * c for c in previous), Fraction(0), Fraction(0))
        previous, current = current, tuple(a - b for a, b in zip(shifted, lower, strict=True))
    return current


def frame_weight(dim: int, size: int, degree: int) -> Fraction:
    """Return E P_degree(v·v') for v, v' independent and uniform on the unit sphere of a common r-dimensional space.

    E (v·v')^2j = Π_{i<j} (2i+1)/(r+2i). The variance of an r-frame on harmonics of this degree, relative to one sphere
    direction: (d−r)/(r(d−1)) for degree 2.
    """
    coefficients = legendre(dim, degree)
    return sum(
        (
            coefficient * prod((Fraction(2 * i + 1, size + 2 * i) for i in range(n // 2)), start=Fraction(1))
            for n, coefficient in enumerate(coefficients)
            if n % 2 == 0
        ),
        Fraction(0),
    )


def orthogonal_weight(dim: int, count: int, degree: int) -> Fraction:
    """Return the same for the mean over `count` orthonormal directions: 1/m + (1 − 1/m) P_degree(0)."""
    return Fraction(1, count) + Fraction(count - 1, count) * legendre(dim, degree)[0]


@lru_cache(maxsize=64)
def covariance(dim: int, left: int, right: int) -> Mapping[int, Mapping[int, Fraction]]:
    """Return V_ℓ as combinations of the contractions ⟨T^(s−q), T'^(r−q)⟩ over 2q shared indices.

    Args:
        dim: d.
        left: s, half the order of T.
        right: r, half the order of T'.

    Returns:
        {ℓ: {q: coefficient}} for ℓ = 0, 2, …, 2·min(s, r).
    """
    parts: dict[int, dict[int, Fraction]] = {}
    for q in range(min(left, right) + 1):
        # The coefficient of ρ^2q: Σ_ℓ K(ℓ, q−ℓ/2) V_ℓ = N_q ⟨T^(s−q), T'^(r−q)⟩.
        row = {q: _pairings(left, q) * _pairings(right, q) * factorial(2 * q)}
        for degree, known in parts.items():
            factor = _radial(dim, degree, q - degree // 2, left, right)
            for contraction, value in known.items():
                row[contraction] = row.get(contraction, Fraction(0)) - factor * value
        lead = _radial(dim, 2 * q, 0, left, right)
        parts[2 * q] = {contraction: value / lead for contraction, value in row.items() if value}
    return parts


def _pairings(half_order: int, shared: int) -> Fraction:
    """Return in how many ways 2·shared of the 2s slots stay free and the others are paired."""
    rest = half_order - shared
    return Fraction(comb(2 * half_order, 2 * shared) * prod(range(1, 2 * rest, 2)))


def _radial(dim: int, degree: int, number: int, left: int, right: int) -> Fraction:
    """Return the factor of ρ^(ℓ+2n) V_ℓ when unit vectors become correlated normal ones.

    |x|^(2a)·H_ℓ(x), a = s − ℓ/2, is expanded in H_ℓ·L_n^(α)(|x|²/2), α = ℓ + d/2 − 1, the eigenfunctions of the
    Ornstein–Uhlenbeck semigroup: x^a = a! Σ_n (−1)^n C(a+α, a−n) L_n^(α)(x), ∫ x^α e^(−x) (L_n^(α))² = Γ(n+α+1)/n!.
    """
    a, b = left - degree // 2, right - degree // 2
    if number > min(a, b):
        return Fraction(0)
    alpha = Fraction(dim, 2) + degree - 1
    # Γ(n+ℓ+d/2)/Γ(d/2)
    rising = prod((Fraction(dim, 2) + i for i in range(number + degree)), start=Fraction(1))
    expansions = factorial(a) * factorial(b) * _binomial(a + alpha, a - number) * _binomial(b + alpha, b - number)
    return Fraction(2) ** (a + b + degree) * expansions * rising / factorial(number)


def _binomial(top: Fraction, bottom: int) -> Fraction:
    return prod((Fraction(top - i, i + 1) for i in range(bottom)), start=Fraction(1))
