"""Lower bounds for the number of directions: catalecticants, inertia, tight designs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import comb, factorial, isqrt, prod

from opcompiler.planning.hankel import PRIME, rank_modulo
from opcompiler.planning.quadrics import diagonal_form
from opcompiler.planning.tangents.forms import Form, MultiIndex, degree_of, iterate_divisors, monomials

__all__ = ["catalecticant_rank", "inertia", "laplacian_bound", "rank_bound", "tight_design_exists"]

_MAX_ENTRIES = 200_000
"""Largest catalecticant, in possible entries, whose rank is taken; a smaller bound is still a bound."""


def rank_bound(forms: Sequence[Form]) -> int:
    """Return max_j rank of the joint catalecticants of forms of one degree, a lower bound on common directions.

    If P_f = Σ_r c_fr (v_r·ξ)^k, each row ∂^β P_f of Cat_j is a combination of the R powers (v_r·ξ)^(k−j). The ranks
    are taken modulo a prime, which can only make them smaller.
    """
    degree = degree_of(forms[0])
    halves = range(degree) if len(forms) > 1 else range(1, degree // 2 + 1)
    return max((catalecticant_rank(forms, order) for order in halves), default=1)


def catalecticant_rank(forms: Sequence[Form], order: int) -> int:
    """Return dim span{∂^β P_f : |β| = order} modulo a prime, or 1 where the matrix would be too large."""
    variables, degree = len(next(iter(forms[0]))), degree_of(forms[0])
    if comb(variables + order - 1, order) * sum(map(len, forms)) > _MAX_ENTRIES:
        return 1
    rows: list[Mapping[object, int]] = []
    for form in forms:
        by_row: dict[MultiIndex, dict[object, int]] = {}
        for alpha, value in form.items():
            weight = value * prod(map(factorial, alpha))
            residue = weight.numerator * pow(weight.denominator, -1, PRIME) % PRIME
            for beta in iterate_divisors(alpha, order):
                gamma = tuple(a - b for a, b in zip(alpha, beta, strict=True))
                by_row.setdefault(beta, {})[gamma] = residue
        rows += [row for _, row in sorted(by_row.items())]
    return rank_modulo(rows) if degree else 1


def inertia(form: Form) -> tuple[int, int]:
    """Return (p, q) of the middle catalecticant of a form of even degree.

    Every decomposition has at least p directions with positive and q with negative coefficient (Sylvester's law).
    """
    variables, half = len(next(iter(form))), degree_of(form) // 2
    indices = monomials(variables, half)
    matrix = [
        [
            form.get(gamma, Fraction(0)) * prod(map(factorial, gamma))
            for beta in indices
            for gamma in (tuple(a + b for a, b in zip(alpha, beta, strict=True)),)
        ]
        for alpha in indices
    ]
    _, weights = diagonal_form(matrix)
    positive = sum(weight > 0 for weight in weights)
    return positive, len(weights) - positive


def laplacian_bound(dimension: int, power: int) -> int:
    """Return a lower bound on the directions of Δ^power in `dimension` variables, signed coefficients allowed.

    The middle catalecticant is positive definite of size N = C(d+s−1, s). With R = N all coefficients are positive,
    and its inverse, a function of the angle alone, is diagonal on the directions: they form a tight spherical
    (2s+1)-design.
    """
    bound = comb(dimension + power - 1, power)
    return bound + 1 if tight_design_exists(dimension, power) is False else bound


def tight_design_exists(dimension: int, power: int) -> bool | None:
    """Whether there is a tight spherical (2·power+1)-design in `dimension` variables; None where it is open.

    Delsarte, Goethals & Seidel 1977; Bannai & Damerell 1979 (none for d ≥ 3 except 5-, 7- and 11-designs); Lemmens &
    Seidel 1973 (equiangular lines: d+2 is the square of an odd number for a 5-design unless d ≤ 3); Bannai & Sloane
    1981 (the only 11-design is in d = 24); a 7-design needs d = 3k²−4.
    """
    if power == 1 or dimension <= 2:
        return True
    match power:
        case 2:
            root = isqrt(dimension + 2)
            possible = dimension == 3 or (root * root == dimension + 2 and root % 2 == 1)
            known = dimension in (3, 7, 23)
        case 3:
            root = isqrt((dimension + 4) // 3)
            possible, known = 3 * root * root == dimension + 4, dimension in (8, 23)
        case 5:
            possible = known = dimension == 24
        case _:
            possible = known = False
    return True if known else None if possible else False
