"""Coordinates that enter alike become one group, so that one array axis carries them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opcompiler.ir.space import CoordinateRange
from opcompiler.planning.polynomial import Key, Polynomial
from opcompiler.planning.requests import Coordinate, Group, Problem, Request
from opcompiler.planning.scalars import Scalar

__all__ = ["group_interchangeable"]


def group_interchangeable(
    problem: Problem, time: Coordinate | None, split_off: frozenset[Coordinate] = frozenset()
) -> Problem:
    """Return the same problem with interchangeable single coordinates gathered in groups.

    Coordinates i ∈ G form a group when every request is Σ_{i∈G} Σ_k q_k(rest)·ξ_i^[k] + q(rest) with the same q_k for
    all i, or belongs to one of them alone and every other has the same request of its own (u_x and u_y). The
    polynomials are only written differently, so the space spanned by their derivatives is the same.
    """
    signatures = _signatures(problem, time)
    classes: dict[object, list[int]] = {}
    for number, signature in enumerate(signatures):
        if signature is not None and problem.coordinates[number] not in split_off:
            classes.setdefault(signature.key, []).append(number)
    groups: list[list[int]] = []
    taken: set[int] = set()
    needed: set[int] = set()
    for members in sorted(classes.values(), key=lambda members: (-len(members), members)):
        rest = signatures[members[0]].rest
        if len(members) > 1 and taken.isdisjoint(rest) and needed.isdisjoint(members):
            groups.append(members)
            taken.update(members)
            needed.update(rest)
    for members in sorted(groups):
        problem = _with_group(problem, [problem_index for problem_index in members], signatures)
    return _renumbered(problem, taken)


@dataclass(frozen=True, slots=True)
class _Signature:
    """How a coordinate enters all requests.

    Attributes:
        key: equal for interchangeable coordinates.
        rest: the other coordinates in the monomials that it shares with them.
        own: numbers of the requests that contain no other coordinate, in canonical order.
    """

    key: object
    rest: frozenset[int]
    own: tuple[int, ...]


def _signatures(problem: Problem, time: Coordinate | None) -> list[_Signature | None]:
    """Return one signature per coordinate, None for one that cannot be in a group."""
    shared: list[set[object]] = [set() for _ in problem.coordinates]
    rest: list[set[int]] = [set() for _ in problem.coordinates]
    own: list[list[tuple[object, int]]] = [[] for _ in problem.coordinates]
    highest = [0] * len(problem.coordinates)
    barred: set[int] = set()
    for number, request in enumerate(problem.requests):
        present = {v for coordinates, _, _ in request.polynomial for v in coordinates}
        spatial = {v for v in present if problem.coordinates[v] != time}
        if request.group is None and len(spatial) == 1 and all(g < 0 for _, g, _ in request.polynomial):
            (v,) = spatial
            own[v].append((_canonical(_family(request.polynomial, v, 0)), number))
            barred |= present - spatial
            continue
        for (coordinates, group, _), value in request.polynomial.items():
            for v in set(coordinates):
                if group >= 0:
                    barred.add(v)
                others = tuple(w for w in coordinates if w != v)
                power = len(coordinates) - len(others)
                highest[v] = max(highest[v], power)
                shared[v].add((number, others, power, value))
                rest[v].update(others)
    result: list[_Signature | None] = []
    for v in range(len(problem.coordinates)):
        own[v].sort(key=lambda entry: repr(entry[0]))
        if v in barred or (highest[v] < 2 and not own[v]):
            result.append(None)
            continue
        key = (frozenset(shared[v]), tuple(polynomial for polynomial, _ in own[v]))
        result.append(_Signature(key, frozenset(rest[v]), tuple(number for _, number in own[v])))
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


def _canonical(polynomial: Polynomial) -> tuple[tuple[Key, Scalar], ...]:
    return tuple(sorted(polynomial.items(), key=lambda term: term[0]))


def _with_group(problem: Problem, members: Sequence[int], signatures: Sequence[_Signature | None]) -> Problem:
    group = len(problem.groups)
    directions: dict[int, tuple[int, int]] = {}
    for direction, v in enumerate(members):
        signature = signatures[v]
        assert signature is not None
        directions |= {number: (direction, v) for number in signature.own}
    first, others = members[0], set(members[1:])
    requests: list[Request] = []
    for number, request in enumerate(problem.requests):
        if number in directions:
            direction, v = directions[number]
            position = 0 if request.runs is None else request.runs[0][1]
            family = _family(request.polynomial, v, group)
            requests.append(Request(request.contraction, family, group, ((direction, position, 1),)))
            continue
        polynomial = {
            _moved(key, first, group): value
            for key, value in request.polynomial.items()
            if others.isdisjoint(key[0])
        }
        requests.append(Request(request.contraction, polynomial, request.group, request.runs))
    coordinates = [problem.coordinates[v] for v in members]
    return Problem(problem.coordinates, (*problem.groups, Group(_ranges(coordinates))), tuple(requests))


def _ranges(coordinates: Sequence[Coordinate]) -> tuple[CoordinateRange, ...]:
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
        Request(
            request.contraction,
            {(tuple(number[v] for v in cs), g, p): value for (cs, g, p), value in request.polynomial.items()},
            request.group,
            request.runs,
        )
        for request in problem.requests
    )
    return Problem(tuple(problem.coordinates[v] for v in kept), problem.groups, requests)
