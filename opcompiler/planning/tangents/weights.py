"""Symbols as sums of powers along given directions: coefficients known from a construction, else solved for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import factorial

import numpy as np

from opcompiler.ir.strategy import Direction, JointTangents
from opcompiler.ir.surd import Number, Surd
from opcompiler.planning.tangents.exact import solve
from opcompiler.planning.tangents.forms import (
    Form,
    MultiIndex,
    by_degree,
    laplacian_power,
    monomials,
    norm_squared,
    power_column,
    residual,
)
from opcompiler.planning.tangents.numeric import Array
from opcompiler.planning.tangents.waring import decompose

__all__ = ["is_rounded", "jet_coefficients"]

_EXACT_WORK = 200_000
"""Largest system, in multiplications, that is solved in exact numbers; larger ones are solved to 1e-12."""

_REFINEMENTS = 4
"""Rounds of refinement; each gains the digits that the condition of the system leaves, mostly ten or more."""

_BITS = 160
"""After the binary point of the numbers that a solution is refined in."""

_LONGEST_DENOMINATOR = 10**9
"""Of coefficients that are tried as exact ones."""

_COSTLY = 4
"""A multiplication of irrational numbers in those of rational ones."""


def jet_coefficients(tangents: JointTangents, form: Form) -> dict[tuple[int, int], Number] | None:
    """Return c_(r,k) with P = Σ c_(r,k) (v_r·ξ)^k over jets r and orders k ≤ their order; None if there are none.

    The identity lacks the constant term of P, which is the primal. Coefficients below the highest of a jet are
    preferred, since they are carried in any case. Rounded directions give rounded coefficients.
    """
    found = _jet_coefficients(tangents, tuple(sorted(form.items())))
    return None if found is None else dict(found)


@lru_cache(maxsize=512)
def _jet_coefficients(
    tangents: JointTangents, items: tuple[tuple[MultiIndex, Fraction], ...]
) -> dict[tuple[int, int], Number] | None:
    found: dict[tuple[int, int], Number] = {}
    for degree, part in by_degree(dict(items)).items():
        if degree == 0:
            continue
        usable = [number for number, jet in enumerate(tangents.jets) if jet.order >= degree]
        usable.sort(key=lambda number: (tangents.jets[number].order == degree, number))
        lower = sum(tangents.jets[number].order > degree for number in usable)
        highest = max((tangents.jets[number].order for number in usable), default=0)
        weights = _weights([tangents.jets[number].direction for number in usable], lower, part, degree, highest)
        if weights is None:
            return None
        found.update({(number, degree): weight for number, weight in zip(usable, weights, strict=False) if weight})
    return found


def is_rounded(direction: Direction) -> bool:
    """Whether a direction is an approximation in long decimal numbers."""
    return any(not isinstance(entry, Surd) and entry.denominator > 10**9 for entry in direction)


def _known(directions: Sequence[Direction], form: Form, degree: int, order: int) -> list[Number] | None:
    """Return coefficients that some construction gives along these directions, None if there is none."""
    lowered = _lowered_laplacian(form, degree)
    found: list[tuple[Direction, Number]] | None = None
    if lowered is not None:
        for power in range((order + 1) // 2, (degree + 1) // 2 - 1, -1):
            found = found or _placed(lowered(power), directions)
    if found is None:
        own = decompose(form, 0)
        exact = not own.residual
        found = _placed(list(zip(own.directions, own.coefficients, strict=True)) if exact else None, directions)
    if found is None:
        return None
    weights = dict(found)
    return [weights.pop(direction, Fraction(0)) for direction in directions]


def _placed(
    terms: list[tuple[Direction, Number]] | None, directions: Sequence[Direction]
) -> list[tuple[Direction, Number]] | None:
    return terms if terms is not None and {direction for direction, _ in terms} <= set(directions) else None


def _lowered_laplacian(form: Form, degree: int) -> Callable[[int], list[tuple[Direction, Number]] | None] | None:
    """Recognise q(∂)|ξ|^(2s) of order ≤ 1 in q, and return how it follows from a decomposition of |ξ|^(2p), p ≥ s.

    Where |ξ|^(2p) = Σ c (v·ξ)^(2p), each ∂_j turns (v·ξ)^k into k·v_j·(v·ξ)^(k−1) and Δ into k(k−1)|v|²·(v·ξ)^(k−2),
    while Δ|ξ|^(2p) = 2p(2p+n−2)|ξ|^(2p−2).
    """
    variables = len(next(iter(form)))
    used = sorted({i for alpha in form for i, exponent in enumerate(alpha) if exponent})
    half, odd = (degree + 1) // 2, degree % 2
    # Along the used coordinates: the factor of |ξ|^(2s), or those of the ξ_j|ξ|^(2s−2).
    pure = {i: form.get(_power(variables, i, degree), Fraction(0)) for i in used}
    whole = _embedded(laplacian_power(len(used), half - odd), used, variables)
    if odd:
        terms: Form = {}
        for i, factor in pure.items():
            for alpha, value in whole.items():
                terms = _added(terms, _raised(alpha, i), factor * value)
        matches = {alpha: value for alpha, value in terms.items() if value} == form
    else:
        matches = len(set(pure.values())) == 1 and {a: pure[used[0]] * q for a, q in whole.items()} == form
    if not matches:
        return None

    def at(power: int) -> list[tuple[Direction, Number]] | None:
        base = decompose(_embedded(laplacian_power(len(used), power), used, variables), 0)
        if base.residual:
            return None
        scale = Fraction(1)
        for p in range(half + 1, power + 1):
            scale /= 2 * p * (2 * p + len(used) - 2)
        found: list[tuple[Direction, Number]] = []
        for line, weight in zip(base.directions, base.coefficients, strict=True):
            left: Number = scale * weight * norm_squared(line) ** (power - half)
            left = left * Fraction(factorial(2 * power), factorial(2 * half))
            along = sum((line[i] * q for i, q in pure.items()), Fraction(0)) if odd else pure[used[0]]
            found.append((line, left * along))
        return found

    return at


def _power(variables: int, place: int, degree: int) -> MultiIndex:
    return tuple(degree * (i == place) for i in range(variables))


def _raised(alpha: MultiIndex, place: int) -> MultiIndex:
    return tuple(power + (i == place) for i, power in enumerate(alpha))


def _embedded(form: Form, used: Sequence[int], variables: int) -> Form:
    place = {i: n for n, i in enumerate(used)}
    return {tuple(alpha[place[i]] if i in place else 0 for i in range(variables)): q for alpha, q in form.items()}


def _added(form: Form, alpha: MultiIndex, value: Fraction) -> Form:
    form[alpha] = form.get(alpha, Fraction(0)) + value
    return form


def _weights(directions: Sequence[Direction], lower: int, form: Form, degree: int, highest: int) -> list[Number] | None:
    """Return coefficients, of the first `lower` directions alone if these do: known ones, or solved for.

    Solved exactly, or to a relative accuracy of 1e-12 where that would take long, where directions are rounded, and
    where they contain roots of different numbers.
    """
    if not directions:
        return None
    preferred = directions[:lower] if lower else directions
    known = _known(preferred, form, degree, highest)
    if known is not None:
        return known
    indices = monomials(len(directions[0]), degree)
    irrational = {entry.radicand for v in directions for entry in v if isinstance(entry, Surd)}
    size = len(directions) * len(indices) * min(len(directions), len(indices))
    exact = len(irrational) <= 1 and not any(map(is_rounded, directions))
    if exact and size * (_COSTLY if irrational else 1) <= _EXACT_WORK:
        target: list[Number] = [form.get(alpha, Fraction(0)) for alpha in indices]
        return solve([power_column(direction, indices) for direction in directions], target)
    return _known(directions, form, degree, highest) or _nearly(directions, form, degree)


def _nearly(directions: Sequence[Direction], form: Form, degree: int) -> list[Number] | None:
    """Solve in floating point, refined with residuals in long fixed-point numbers (Wilkinson 1963, chapter 3).

    What then is close to short fractions is tried as an exact solution.
    """
    indices = monomials(len(directions[0]), degree)
    rational = [tuple(e.rounded() if isinstance(e, Surd) else e for e in v) for v in directions]
    columns = [[_rational(entry) for entry in power_column(v, indices)] for v in rational]
    matrix = [[_fixed(entry) for entry in column] for column in columns]
    floating = np.array([[float(entry) for entry in column] for column in columns], dtype=np.float64).T
    lengths: Array = np.linalg.norm(floating, axis=0)
    wanted = [form.get(alpha, Fraction(0)) for alpha in indices]
    found = [0] * len(directions)
    for _ in range(_REFINEMENTS):
        left = [_fixed(value) << _BITS for value in wanted]
        for weight, column in zip(found, matrix, strict=True):
            if weight:
                left = [rest - weight * entry for rest, entry in zip(left, column, strict=True)]
        size = max(map(abs, left))
        if size >> _BITS == 0:
            break
        target = np.array([rest / size for rest in left], dtype=np.float64)
        step: Array = np.linalg.lstsq(floating / lengths, target, rcond=None)[0] / lengths
        found = [weight + int(Fraction(float(d)) * size) // (1 << _BITS) for weight, d in zip(found, step, strict=True)]
    near: list[Number] = [Fraction(weight, 1 << _BITS) for weight in found]
    short: list[Number] = [_rational(value).limit_denominator(_LONGEST_DENOMINATOR) for value in near]
    if residual(form, rational, short, degree) == 0:
        return short
    return near if residual(form, rational, near, degree) <= max(map(abs, form.values())) / 10**12 else None


def _fixed(value: Fraction) -> int:
    return (value.numerator << _BITS) // value.denominator


def _rational(value: Number) -> Fraction:
    return value.rounded() if isinstance(value, Surd) else value
