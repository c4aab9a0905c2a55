"""Coordinates that enter alike become one group, so that one array axis carries them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from operator import itemgetter

from opcompiler.ir.space import CoordinateRange
from opcompiler.planning.polynomial import UNIT, Key, Polynomial, degree
from opcompiler.planning.requests import Coordinate, Group, Problem, Request
from opcompiler.planning.scalars import Scalar

__all__ = ["group_interchangeable", "ranges_of"]


def group_interchangeable(
    problem: Problem, time: Coordinate | None, split_off: frozenset[Coordinate] = frozenset(), tails: bool = True
) -> Problem:
    """Return the same problem with interchangeable single coordinates gathered in groups.

    Coordinates i ∈ G form a group when every request is Σ_{i∈G} Σ_k q_k(rest)·ξ_i^[k] + q(rest) with the same q_k for
    all i, or is an entry of a derivative tensor that belongs to one of them alone while every other has the same
    entry of its own (∇u). The polynomials are only written differently, so their derivatives span the same space.
    A scalar contraction such as u_x stays a single element: it is read out as a whole, not from a direction.
    With `tails`, linear terms beside terms of higher order do not count: they become the tail of their request.
    """
    signatures = _signatures(problem, time, tails)
    classes: dict[_Signature, list[int]] = {}
    for number, signature in enumerate(signatures):
        if signature is not None and problem.coordinates[number] not in split_off:
            classes.setdefault(signature, []).append(number)
    groups: list[list[int]] = []
    taken: set[int] = set()
    needed: set[int] = set()
    for signature, members in sorted(classes.items(), key=lambda item: (-len(item[1]), item[1])):
        if len(members) > 1 and taken.isdisjoint(signature.rest) and needed.isdisjoint(members):
            groups.append(members)
            taken.update(members)
            needed.update(signature.rest)
    own = {v: signature.own for v, signature in enumerate(signatures) if signature is not None}
    for members in sorted(groups):
        problem = _with_group(problem, {v: own[v] for v in members}, tails)
    return _renumbered(problem, taken)


@dataclass(frozen=True, slots=True)
class _Signature:
    """How a coordinate enters all requests; equal for interchangeable coordinates.

    Attributes:
        shared: (request, other coordinates, power, coefficient) of every monomial in requests shared with others.
        private: the polynomials of the requests that contain no other coordinate, in canonical order.
        own: the numbers of these requests.
    """

    shared: frozenset[tuple[int, tuple[int, ...], int, Scalar]]
    private: tuple[tuple[tuple[Key, Scalar], ...], ...]
    own: tuple[int, ...] = field(compare=False)

    @property
    def rest(self) -> set[int]:
        """The other coordinates of the monomials."""
        return {v for _, others, _, _ in self.shared for v in others}


def _signatures(problem: Problem, time: Coordinate | None, tails: bool) -> list[_Signature | None]:
    """Return one signature per coordinate, None for one that cannot be in a group."""
    count = len(problem.coordinates)
    shared: list[set[tuple[int, tuple[int, ...], int, Scalar]]] = [set() for _ in range(count)]
    own: list[list[tuple[tuple[tuple[Key, Scalar], ...], int]]] = [[] for _ in range(count)]
    barred: set[int] = set()
    for number, request in enumerate(problem.requests):
        present = {v for coordinates, _, _ in request.polynomial for v in coordinates}
        spatial = {v for v in present if problem.coordinates[v] != time}
        entry_of_tensor = request.group is None and request.runs is not None
        if entry_of_tensor and len(spatial) == 1 and all(g < 0 for _, g, _ in request.polynomial):
            (v,) = spatial
            own[v].append((tuple(sorted(_family(request.polynomial, v, 0).items(), key=itemgetter(0))), number))
            barred |= present - spatial
            continue
        hosted = tails and _can_host(request)
        for (coordinates, group, _), value in request.polynomial.items():
            if hosted and group < 0 and len(coordinates) == 1:
                continue
            for v in set(coordinates):
                if group >= 0:
                    barred.add(v)
                others = tuple(w for w in coordinates if w != v)
                shared[v].add((number, others, len(coordinates) - len(others), value))
    result: list[_Signature | None] = []
    for v in range(count):
        own[v].sort(key=lambda entry: (repr(entry[0]), entry[1]))
        gains = own[v] or any(power > 1 for _, _, power, _ in shared[v])
        private = tuple(polynomial for polynomial, _ in own[v])
        signature = _Signature(frozenset(shared[v]), private, tuple(number for _, number in own[v]))
        result.append(signature if gains and v not in barred else None)
    return result


def _family(polynomial: Polynomial, coordinate: int, group: int) -> Polynomial:
    """Return a polynomial with one coordinate read as the coordinate of a family."""
    result: Polynomial = {}
    for key, value in polynomial.items():
        result[_moved(key, coordinate, group)] = value
    return result


def _moved(key: Key, coordinate: int, group: int) -> Key:
    coordinates, g, p = key
    others = tuple(v for v in coordinates if v != coordinate)
    power = len(coordinates) - len(others)
    return (others, group, power) if power else (coordinates, g, p)


def _can_host(request: Request) -> bool:
    """Whether linear terms of a request may become its tail."""
    return request.group is None and request.runs is None and degree(request.polynomial or {UNIT: Fraction(0)}) > 1


def _with_group(problem: Problem, members: Mapping[int, Sequence[int]], tails: bool) -> Problem:
    """Gather coordinates, each with the numbers of its own requests, in one new group."""
    group = len(problem.groups)
    directions = {number: (n, v) for n, (v, own) in enumerate(members.items()) for number in own}
    first, *rest = members
    others = set(rest)
    requests: list[Request] = []
    for number, request in enumerate(problem.requests):
        if number in directions:
            direction, v = directions[number]
            ((_, position, _),) = request.runs or ((0, 0, 1),)
            family = _family(request.polynomial, v, group)
            requests.append(Request(request.contraction, family, group, ((direction, position, 1),)))
            continue
        linear = [((v,), -1, 0) for v in members if tails and _can_host(request)]
        tail = [
            (problem.coordinates[key[0][0]], request.polynomial[key]) for key in linear if key in request.polynomial
        ]
        polynomial = {
            _moved(key, first, group): value
            for key, value in request.polynomial.items()
            if others.isdisjoint(key[0]) and key not in linear
        }
        requests.append(replace(request, polynomial=polynomial, tail=(*request.tail, *tail)))
    coordinates = [problem.coordinates[v] for v in members]
    return Problem(problem.coordinates, (*problem.groups, Group(ranges_of(coordinates))), tuple(requests))


def ranges_of(coordinates: Sequence[Coordinate]) -> tuple[CoordinateRange, ...]:
    """Return single coordinates as ranges, neighbours joined."""
    ranges: list[CoordinateRange] = []
    for space, index in coordinates:
        if ranges and ranges[-1].space == space and ranges[-1].stop == index:
            ranges[-1] = CoordinateRange(space, ranges[-1].start, index + 1)
        else:
            ranges.append(CoordinateRange(space, index, index + 1))
    return tuple(ranges)


def _renumbered(problem: Problem, taken: set[int]) -> Problem:
    """Drop the coordinates that now belong to groups."""
    kept = [v for v in range(len(problem.coordinates)) if v not in taken]
    number = {v: n for n, v in enumerate(kept)}
    requests = tuple(
        replace(
            request,
            polynomial={
                (tuple(number[v] for v in cs), g, p): value for (cs, g, p), value in request.polynomial.items()
            },
        )
        for request in problem.requests
    )
    return Problem(tuple(problem.coordinates[v] for v in kept), problem.groups, requests)
