"""Linear tails: the drift of u_t − νΔu + b·∇u costs nothing, it is seeded into a basis element.

A symbol P = P' + ℓ with ℓ = Σ b_i ξ_i linear has the derivatives of P' up to constants. So replacing basis elements
w by w + ℓ_w maps a basis of the closure of the P' to one of the closure of the P, with the same product table as long
as no changed w is a factor of a product. Only the seeds of w change: by the coefficients of ℓ_w.

Where two symbols differ by a linear form only (Δ + b·∇ and Δ) no seed can serve both. The first derivatives ∂_i are
in the closure then, and the tails are read from these.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from opcompiler.planning.inverse_system import InverseSystem
from opcompiler.planning.leibniz import StructureConstants
from opcompiler.planning.limits import MAX_LISTED
from opcompiler.planning.polynomial import Polynomial, degree
from opcompiler.planning.requests import Coordinate, Problem, Request
from opcompiler.planning.scalars import NotDivisible, Scalar, difference, quotient

__all__ = ["place_tails", "reads_tails"]

Tail = dict[Coordinate, Scalar]


def place_tails(
    requests: Sequence[Request], system: InverseSystem, constants: StructureConstants
) -> dict[int, Tail] | None:
    """Return the linear form ℓ_w of every basis element that gets one, or None if the tails cannot be placed so."""
    if not any(request.tail for request in requests):
        return {}
    factors = {number for a, b, _ in constants.table for number in (a, b)}
    hosts = {
        number
        for number in range(system.size)
        if system.group_of(number) is None and number not in factors and degree(system.polynomial(number)) > 1
    }
    coordinates = [system.coordinates(request.polynomial, request.group) for request in requests]
    placed: dict[int, Tail] = {}
    try:
        for request, along in zip(requests, coordinates, strict=True):
            missing = _missing(request, along, placed)
            free = sorted(hosts.intersection(along).difference(placed), key=lambda n: -degree(system.polynomial(n)))
            if missing and free:
                placed[free[0]] = {i: quotient(value, along[free[0]]) for i, value in missing.items()}
    except NotDivisible:
        return None
    if any(_missing(request, along, placed) for request, along in zip(requests, coordinates, strict=True)):
        return None
    return placed


def reads_tails(problem: Problem, system: InverseSystem) -> bool:
    """Whether every tail can be read from first derivatives along the coordinates of groups, which are carried."""
    fitting = [
        own
        for group, own in enumerate(problem.groups)
        if own.matrix is None and own.size <= MAX_LISTED and _carries_first_derivatives(system, group)
    ]
    directions = {(r.space, i) for own in fitting for r in own.ranges for i in range(r.start, r.stop)}
    return all(coordinate in directions for request in problem.requests for coordinate, _ in request.tail)


def _carries_first_derivatives(system: InverseSystem, group: int) -> bool:
    if group not in system.families:
        return False
    along: Polynomial = {((), group, 1): Fraction(1)}
    try:
        _, rest = system.families[group].split(along)
        return not any(power for _, _, power in rest) and not system.singles.split(rest)[1]
    except NotDivisible:
        return False


def _missing(request: Request, along: dict[int, Scalar], placed: dict[int, Tail]) -> Tail:
    """Return the part of a request's tail that the placed tails do not give."""
    left: Tail = dict(request.tail)
    for number, value in along.items():
        for coordinate, entry in placed.get(number, {}).items():
            left[coordinate] = difference(left.get(coordinate, Fraction(0)), value * entry)
    return {coordinate: value for coordinate, value in left.items() if value}
