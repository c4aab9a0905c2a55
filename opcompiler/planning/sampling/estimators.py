"""Random symbols: for every factor and law the estimator whose mean is the factor, or the reason why there is none.

With v drawn as `ir.law` says and η = v·ξ, for d dimensions and m directions:

    |ξ|²        = E 1/m Σ_r η_r²                              independent entries of variance 1
                = E d/m Σ_r η_r²                              unit vectors: coordinates, sphere, orthogonal
    |ξ|^2s      = E 1/(2s−1)!!·1/m Σ_r η_r^2s                 normal entries (three-point entries up to s = 2)
                = E Π_{j<s}(d+2j)/(2s−1)!!·1/m Σ_r η_r^2s     sphere, orthogonal
                = E Π_{j<s}(d+2j)/(r+2j)·(Σ_{i≤r} η_i²)^s     frames of r directions
                = E Π_j |.|² estimated s times independently  independent directions, coordinates
    |ξ|⁴        = E 1/3·1/m Σ_r η_r⁴ + 2/3 Σ_i ξ_i⁴           signs; the sum of powers is estimated by coordinates
    Σ_i ξ_i^k   = E d/m Σ_r η_r^k                             coordinates

(Hutchinson 1989; moments of the sphere; Shi et al. 2024 for coordinates.) Frames and products of independent
estimates are repeated and averaged; all others add up inside one evaluation. A power of another form ξᵀAξ is |ζ|² for
ζ = Lᵀξ, A = LLᵀ, and is drawn in the space of ζ; an indefinite A is a difference of two such forms.

Where a subspace is given, |ξ|² = |ξ_V|² + |ξ_⊥|²: the first part is exact, and the powers of the second are estimated
in the orthogonal complement, by laws that look the same in all directions of it, and for |ξ|² by all dense ones
(projected, as in Meyer, Musco, Musco & Woodruff 2021).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import count
from math import comb, prod
from typing import assert_never

from opcompiler.errors import UnsupportedError
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.law import (
    Auto,
    Coordinates,
    Frame,
    Gaussian,
    IndependentPair,
    Law,
    Orthogonal,
    Rademacher,
    Sphere,
    Terms,
    ThreePoint,
)
from opcompiler.ir.sampling import Draw
from opcompiler.ir.symbol import PowerSum, Symbol, Xi
from opcompiler.planning.quadrics import diagonal_form
from opcompiler.planning.sampling.draws import DrawRequest, Draws
from opcompiler.planning.sampling.factors import Factor, Form, Matrix, Part, Powers

__all__ = ["definite", "for_squares", "random_symbol", "second_moment"]


def random_symbol(part: Part, law: Law, draws: Draws, copies: dict[str, int]) -> Symbol:
    """Return a random symbol whose mean is coefficient · Π factors of a part (without its rest).

    Args:
        part: of one contraction.
        law: concrete, not `Terms`.
        draws: gives the drawn spaces.
        copies: number of the independent copy to be used, by space.

    Raises:
        UnsupportedError: the law has no estimator of a factor.
    """
    if len(part.factors) == 1:
        (factor,) = part.factors
        return part.coefficient * _estimator(factor, law, draws, copies.get(factor.space, 0))
    slots = count()
    product = Symbol.one()
    for factor in part.factors:
        product = product * _one_estimate(factor, law, draws, copies.get(factor.space, 0), slots)
    return part.coefficient * product


def second_moment(draw: Draw) -> Fraction:
    """Return c with c·Σ_r E v_r v_rᵀ = I for the directions of a draw."""
    match draw.law:
        case None:
            return Fraction(1)
        case Coordinates(None) | Sphere() | Orthogonal() | Frame():
            return Fraction(draw.dim, draw.directions)
        case _:
            return Fraction(1, draw.directions)


def _estimator(factor: Factor, law: Law, draws: Draws, copy: int) -> Symbol:
    """Return the estimator of one factor from all directions of a draw."""
    match factor:
        case Powers(space, degree):
            return _powers(space, degree, law, draws, copy, None)
        case Form(space, 1, matrix):
            total = Symbol()
            for sign, rows, weights in definite(matrix):
                request = DrawRequest(space, for_squares(law), copy, rows=rows, weights=weights)
                total = total + _scaled(sign, _square(request, draws))
            return total
        case Form(space, half_order, matrix):
            pieces = definite(matrix)
            if not pieces:
                return Symbol()
            independent = isinstance(law, IndependentPair | Coordinates)
            if independent or len(pieces) > 1:
                if not independent:
                    raise _refusal(
                        f"a power of an indefinite quadratic form is no mean of powers along directions of {law!r}",
                        "IndependentPair() estimates every factor by a direction of its own",
                    )
                return _independent(factor, law, draws, copy)
            (rows, weights), *_ = [(rows, weights) for _, rows, weights in pieces]
            request = DrawRequest(space, law, copy, rows=rows, weights=weights)
            return _power(half_order, law, draws, request)
        case _:
            assert_never(factor)


def _square(request: DrawRequest, draws: Draws) -> Symbol:
    """Return the estimator of |ξ|²: the exact part of a subspace that is given, and the mean over directions."""
    drawn = draws.complement(request)
    used = [draw for draw in (draws.given(request), None if drawn is None else draws.draw(drawn)) if draw is not None]
    return sum((_scaled(second_moment(draw), _sum(draw, 2)) for draw in used), start=Symbol())


def _power(half_order: int, law: Law, draws: Draws, request: DrawRequest) -> Symbol:
    """Return the estimator of |ξ|^2s = Σ_j C(s, j) |ξ_V|^(2s−2j) |ξ_⊥|^2j, with V the subspace that is given."""
    given = draws.given(request)
    if given is None:
        return _power_of_square(request.of, half_order, law, draws, request)
    if isinstance(law, Rademacher | ThreePoint):
        raise _refusal(
            f"projected to the complement of {given.subspace}, {law!r} has not the moments that |ξ|^{2 * half_order} "
            "needs",
            "Gaussian(), Sphere(), Orthogonal() and Frame(r) look the same in all directions",
        )
    drawn = draws.complement(request)
    exact, total = _sum(given, 2), Symbol()
    for power in range(half_order + 1) if drawn is not None else (0,):
        term = Symbol.one()
        if drawn is not None and power == 1:
            draw = draws.draw(drawn)
            term = _scaled(second_moment(draw), _sum(draw, 2))
        elif drawn is not None and power:
            term = _power_of_square(request.of, power, law, draws, drawn)
        for _ in range(half_order - power):
            term = term * exact
        total = total + _scaled(Fraction(comb(half_order, power)), term)
    return total


def _power_of_square(space: str, half_order: int, law: Law, draws: Draws, request: DrawRequest) -> Symbol:
    """Return the estimator of |ξ|^2s, s ≥ 2, in the space that the request draws in."""
    odd_factorial = prod(range(1, 2 * half_order, 2))
    match law:
        case Gaussian():
            draw = draws.draw(request)
            return _scaled(Fraction(1, odd_factorial * draw.directions), _sum(draw, 2 * half_order))
        case ThreePoint() if half_order == 2:
            draw = draws.draw(request)
            return _scaled(Fraction(1, 3 * draw.directions), _sum(draw, 4))
        case Rademacher() if half_order == 2 and request.rows is None:
            draw = draws.draw(request)
            correction = _powers(space, 4, Coordinates(), draws, request.copy, None)
            return _scaled(Fraction(1, 3 * draw.directions), _sum(draw, 4)) + _scaled(Fraction(2, 3), correction)
        case Rademacher() | ThreePoint():
            raise _refusal(
                f"{law!r} does not have the moments of order {2 * half_order} that |ξ|^{2 * half_order} needs",
                "Gaussian(), Sphere(), Orthogonal() and Frame(r) estimate every power of Δ",
            )
        case Sphere() | Orthogonal():
            draw = draws.draw(request)
            ascent = prod(draw.dim + 2 * j for j in range(half_order))
            return _scaled(Fraction(ascent, odd_factorial * draw.directions), _sum(draw, 2 * half_order))
        case Frame(size):
            draw = draws.draw(request)
            ascent = prod((Fraction(draw.dim + 2 * j, size + 2 * j) for j in range(half_order)), start=Fraction(1))
            return _scaled(ascent, Symbol.generator(PowerSum(draw.space, 2), half_order))
        case Coordinates() | IndependentPair() | Terms() | Auto():
            raise AssertionError(f"{law!r} is treated before")
        case _:
            assert_never(law)


def _powers(space: str, degree: int, law: Law, draws: Draws, copy: int, slot: int | None) -> Symbol:
    match law:
        case Coordinates(weights):
            importance = 2 if weights is None else degree
            draw = draws.draw(DrawRequest(space, law, copy, slot, degree=importance))
            return _scaled(second_moment(draw), _sum(draw, degree))
        case _:
            raise _refusal(
                f"Σ_i ∂_i^{degree} is no mean of powers along directions of {law!r}",
                "Coordinates() and Auto() estimate it by single coordinates",
            )


def _independent(factor: Form, law: Law, draws: Draws, copy: int) -> Symbol:
    """Return the product of independent estimates of ξᵀAξ."""
    slots = count()
    return _one_estimate(factor, law, draws, copy, slots)


def _one_estimate(factor: Factor, law: Law, draws: Draws, copy: int, slots: Iterable[int]) -> Symbol:
    """Return an estimate of a factor from directions that are drawn once per repeat, independent of all others."""
    fresh = iter(slots)
    if isinstance(factor, Powers):
        return _powers(factor.space, factor.degree, law, draws, copy, next(fresh))
    product = Symbol.one()
    for _ in range(factor.half_order):
        square = Symbol()
        for sign, rows, weights in definite(factor.matrix):
            law_ = for_squares(law)
            law_ = Orthogonal() if isinstance(law_, Frame) else law_
            request = DrawRequest(factor.space, law_, copy, next(fresh), rows=rows, weights=weights)
            square = square + _scaled(sign, _square(request, draws))
        product = product * square
    return product


def for_squares(law: Law) -> Law:
    """Return the law of directions for quadratic forms: a pair with one member is a normal direction."""
    return Gaussian() if isinstance(law, IndependentPair) else law


def definite(
    matrix: Matrix | None,
) -> tuple[tuple[Fraction, tuple[tuple[Fraction, ...], ...] | None, tuple[Fraction, ...] | None], ...]:
    """Return (sign, rows, weights) with ξᵀAξ = Σ sign · Σ_k weights[k]·(rows[k]·ξ)²."""
    if matrix is None:
        return ((Fraction(1), None, None),)
    rows, weights = diagonal_form(matrix)
    pieces: list[tuple[Fraction, tuple[tuple[Fraction, ...], ...] | None, tuple[Fraction, ...] | None]] = []
    for sign in (Fraction(1), Fraction(-1)):
        chosen = [n for n, weight in enumerate(weights) if weight * sign > 0]
        if chosen:
            pieces.append((sign, tuple(rows[n] for n in chosen), tuple(abs(weights[n]) for n in chosen)))
    return tuple(pieces)


def _sum(draw: Draw, degree: int) -> Symbol:
    """Return Σ_r η_r^degree over the directions of a draw."""
    if draw.directions == 1:
        return Symbol.generator(Xi(draw.space, 0), degree)
    return Symbol.generator(PowerSum(draw.space, degree))


def _scaled(factor: Fraction, symbol: Symbol) -> Symbol:
    return symbol * Coefficient.of(factor)


def _refusal(reason: str, hint: str) -> UnsupportedError:
    return UnsupportedError(reason, hint=hint)
