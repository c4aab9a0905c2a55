"""Contractions as polynomials over single coordinates and groups of coordinates.

Whole-space generators (Σ_i ξ_i^k, ξᵀAξ, a free index) keep the coordinates of their space together in one group, all
but those that occur singly beside it. Where an operator does not fit this form (|ξ|⁴, two free indices over one
space, ξ_i|ξ|²) the smallest space in the way is written out coordinate by coordinate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise, product
from math import factorial, prod

from opcompiler.errors import LimitError
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import Contraction, FreeIndex
from opcompiler.ir.space import CoordinateRange
from opcompiler.ir.symbol import Generator, Monomial, PowerSum, Quadric, Symbol, Xi
from opcompiler.planning.limits import MAX_LISTED, MAX_TERMS
from opcompiler.planning.polynomial import UNIT, Key, Polynomial
from opcompiler.planning.quadrics import diagonal_form
from opcompiler.planning.scalars import Scalar, plus

__all__ = ["Coordinate", "Group", "Problem", "Request", "Run", "problem_of"]

Coordinate = tuple[str, int]
Run = tuple[int, int, int]
"""(first direction, first flat position, length), as in `ir.plan.ReadoutPart`."""


@dataclass(frozen=True, slots=True)
class Group:
    """Coordinates that enter alike, or independent linear forms of a space (the rows of `matrix`).

    `weights`: the power sum of degree two is Σ_r weights[r]·η_r²; no other power sum of the group occurs then.
    """

    ranges: tuple[CoordinateRange, ...]
    matrix: tuple[tuple[Fraction, ...], ...] | None = None
    weights: tuple[Fraction, ...] | None = None

    @property
    def size(self) -> int:
        """Number of coordinates or forms."""
        return len(self.matrix) if self.matrix is not None else sum(r.size for r in self.ranges)


@dataclass(frozen=True, slots=True)
class Request:
    """A polynomial whose derivative is read out, a family of them when `group` is given.

    `runs` says where the value goes in the flattened free axes of the contraction; None means the whole scalar.
    `tail` is a linear form Σ c·ξ_i over members of groups that is to be added to the polynomial.
    """

    contraction: int
    polynomial: Polynomial
    group: int | None = None
    runs: tuple[Run, ...] | None = None
    tail: tuple[tuple[Coordinate, Scalar], ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Requests with the coordinates that their keys number; single coordinates in declared order."""

    coordinates: tuple[Coordinate, ...]
    groups: tuple[Group, ...]
    requests: tuple[Request, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the groups."""
        return tuple(group.size for group in self.groups)


class _Conflict(Exception):
    """The space has to be written out."""

    def __init__(self, space: str) -> None:
        self.space = space
        super().__init__(space)


def problem_of(
    contractions: Sequence[tuple[int, Contraction]],
    declarations: Declarations,
    split_off: frozenset[Coordinate] = frozenset(),
    tails: bool = True,
) -> Problem:
    """Return the requests of numbered contractions.

    Args:
        contractions: with their numbers in the normal form.
        declarations: give the dimensions.
        split_off: coordinates that must not be in a group.
        tails: whether coordinates that occur singly only in linear terms stay in their group.

    Raises:
        LimitError: a space that has to be written out is too large.
    """
    written_out: set[str] = set()
    while True:
        try:
            return _Builder(contractions, declarations, frozenset(written_out), split_off, tails).build()
        except _Conflict as conflict:
            dim = declarations.space(conflict.space).dim
            if dim > MAX_LISTED:
                raise LimitError(
                    f"this operator has to list the {dim} coordinates of {conflict.space} one by one, "
                    f"more than the limit of {MAX_LISTED}",
                    hint="second-order operators such as Δ have no such limit",
                ) from None
            written_out.add(conflict.space)


class _Builder:
    def __init__(
        self,
        contractions: Sequence[tuple[int, Contraction]],
        declarations: Declarations,
        written_out: frozenset[str],
        split_off: frozenset[Coordinate],
        tails: bool,
    ) -> None:
        self.contractions = contractions
        self.declarations = declarations
        generators = {g for _, c in contractions for m, _ in c.symbol.terms for g, _ in m}
        free = {index.space for _, contraction in contractions for index in contraction.free}
        single = {(g.space, g.index) for g in generators if isinstance(g, Xi)} | split_off
        linear = _linear_only(contractions) - split_off if tails else set[Coordinate]()
        self.tailed: set[Coordinate] = set()
        self.one = _one(contractions)
        self.groups: list[Group] = []
        self.group_of: dict[str, int] = {}
        self.factor_of: dict[Quadric, Fraction] = {}
        listed: set[Coordinate] = set()
        for space in declarations.spaces:
            name = space.name
            quadrics = [g for g in generators if isinstance(g, Quadric) and g.space == name]
            sums = [g for g in generators if isinstance(g, PowerSum) and g.space == name]
            own = {coordinate for coordinate in single if coordinate[0] == name}
            if name not in written_out and (quadrics or sums or name in free):
                self.tailed |= own & linear
                own -= linear
            listed |= own
            touched = {index for _, index in own}
            if name in written_out:
                listed |= {(name, index) for index in range(space.dim)}
            elif quadrics:
                if len(quadrics) > 1 or sums or touched or name in free:
                    raise _Conflict(name)
                self._add_quadric(quadrics[0])
            elif sums or name in free:
                if space.dim - len(touched) < 2:
                    listed |= {(name, index) for index in range(space.dim)}
                else:
                    self._add_group(name, Group(_complement(name, space.dim, touched)))
        order = {space.name: n for n, space in enumerate(declarations.spaces)}
        self.coordinates = sorted(listed, key=lambda c: (order[c[0]], c[1]))
        self.number = {coordinate: n for n, coordinate in enumerate(self.coordinates)}
        self.powers: dict[tuple[Generator, int], dict[Key, Fraction]] = {}

    def build(self) -> Problem:
        requests = [r for number, contraction in self.contractions for r in self._requests(number, contraction)]
        return Problem(tuple(self.coordinates), tuple(self.groups), tuple(requests))

    def _add_group(self, space: str, group: Group) -> None:
        self.group_of[space] = len(self.groups)
        self.groups.append(group)

    def _add_quadric(self, quadric: Quadric) -> None:
        dim = self.declarations.space(quadric.space).dim
        rows, weights = diagonal_form(quadric.matrix)
        equal = len(set(weights)) == 1
        self.factor_of[quadric] = weights[0] if equal else Fraction(1)
        if not weights:
            self.factor_of[quadric] = Fraction(0)
            return
        units = [row.index(1) if sum(map(bool, row)) == 1 and 1 in row else None for row in rows]
        if None not in units:
            kept = {index for index in units if index is not None}
            ranges, matrix = _complement(quadric.space, dim, set(range(dim)) - kept), None
        else:
            ranges, matrix = (CoordinateRange(quadric.space, 0, dim),), rows
        self._add_group(quadric.space, Group(ranges, matrix, None if equal else weights))

    def _requests(self, number: int, contraction: Contraction) -> list[Request]:
        tail = self._tail(contraction)
        symbol = self._symbol(contraction.symbol)
        if not contraction.free:
            return [Request(number, self._divided(symbol), tail=tail)]
        shape = [self.declarations.space(index.space).dim for index in contraction.free]
        strides = [prod(shape[n + 1 :]) for n in range(len(shape))]
        choices = [self._targets(index) for index in contraction.free]
        if prod(map(len, choices)) * max(len(symbol), 1) > MAX_TERMS:
            raise LimitError(
                f"a derivative tensor of shape {tuple(shape)} has more than {MAX_TERMS} entries to be listed",
                hint="contract its indices: Δ and v·∇ need not list them",
            )
        result: list[Request] = []
        for chosen in product(*choices):
            factors: list[int] = []
            flat, along = 0, None
            for target, stride, index in zip(chosen, strides, contraction.free, strict=True):
                if isinstance(target, Group):
                    if along is not None:
                        raise _Conflict(self._smaller(along[0], self.group_of[index.space]))
                    along = (self.group_of[index.space], index.power, _runs(target, stride))
                else:
                    factors += [self.number[(index.space, target)]] * index.power
                    flat += target * stride
            shifted: dict[Key, Scalar] = {}
            for (coordinates, g, power), value in symbol.items():
                if along is not None:
                    if g >= 0:
                        raise _Conflict(self._smaller(g, along[0]))
                    g, power, _ = along
                shifted[(tuple(sorted((*coordinates, *factors))), g, power)] = value
            polynomial = self._divided(shifted)
            if along is None:
                result.append(Request(number, polynomial, None, ((0, flat, 1),)))
            else:
                runs = tuple((direction, position + flat, length) for direction, position, length in along[2])
                result.append(Request(number, polynomial, along[0], runs))
        return result

    def _targets(self, index: FreeIndex) -> list[int | Group]:
        """Return the single coordinates of a free index, and the group that holds the others."""
        singles: list[int | Group] = [i for space, i in self.coordinates if space == index.space]
        return singles + ([self.groups[self.group_of[index.space]]] if index.space in self.group_of else [])

    def _smaller(self, left: int, right: int) -> str:
        smallest = min((left, right), key=lambda g: (self.groups[g].size, g))
        return next(space for space, group in self.group_of.items() if group == smallest)

    def _symbol(self, symbol: Symbol) -> dict[Key, Scalar]:
        total: dict[Key, Scalar] = {}
        for monomial, coefficient in symbol.terms:
            if _linear_coordinate(monomial) in self.tailed:
                continue
            expanded: dict[Key, Fraction] = {UNIT: Fraction(1)}
            for generator, power in monomial:
                expanded = self._product(expanded, self._power(generator, power))
            for key, value in expanded.items():
                term = self._scalar(coefficient) * value
                total[key] = plus(total[key], term) if key in total else term
        return {key: value for key, value in total.items() if value}

    def _tail(self, contraction: Contraction) -> tuple[tuple[Coordinate, Scalar], ...]:
        linear = [(_linear_coordinate(monomial), value) for monomial, value in contraction.symbol.terms]
        return tuple((i, self._scalar(value)) for i, value in linear if i is not None and i in self.tailed)

    def _scalar(self, coefficient: Coefficient) -> Scalar:
        return coefficient if isinstance(self.one, Coefficient) else coefficient.rational

    def _power(self, generator: Generator, power: int) -> dict[Key, Fraction]:
        if isinstance(generator, Xi):
            return {((self.number[(generator.space, generator.index)],) * power, -1, 0): Fraction(1)}
        if (generator, power) not in self.powers:
            base = self._generator(generator)
            result = base
            for _ in range(power - 1):
                result = self._product(result, base)
            self.powers[(generator, power)] = result
        return self.powers[(generator, power)]

    def _generator(self, generator: PowerSum | Quadric) -> dict[Key, Fraction]:
        result: dict[Key, Fraction] = {}
        group = self.group_of.get(generator.space)
        match generator:
            case PowerSum(space, degree):
                if group is not None:
                    result[((), group, degree)] = Fraction(1)
                for number in (n for (s, _), n in self.number.items() if s == space):
                    result[((number,) * degree, -1, 0)] = Fraction(1)
            case Quadric(space, matrix):
                if generator in self.factor_of:
                    factor = self.factor_of[generator]
                    return {((), group, 2): factor} if group is not None and factor else {}
                for i, row in enumerate(matrix):
                    for j, value in enumerate(row):
                        key = (tuple(sorted((self.number[(space, i)], self.number[(space, j)]))), -1, 0)
                        result[key] = result.get(key, Fraction(0)) + value
        return result

    def _product(self, left: dict[Key, Fraction], right: dict[Key, Fraction]) -> dict[Key, Fraction]:
        result: dict[Key, Fraction] = {}
        for (a, g, p), value in left.items():
            for (b, h, q), other in right.items():
                if g >= 0 and h >= 0:
                    raise _Conflict(self._smaller(g, h))
                key = (tuple(sorted(a + b)), max(g, h), p + q)
                result[key] = result.get(key, Fraction(0)) + value * other
            if len(result) > MAX_TERMS:
                raise LimitError(
                    f"the operator has more than {MAX_TERMS} terms when written out in coordinates",
                    hint="reduce the dimension or the order",
                )
        return result

    def _divided(self, polynomial: dict[Key, Scalar]) -> Polynomial:
        """Return the coefficients in divided powers."""
        return {
            key: value * Fraction(factorial(key[2]) * prod(factorial(len(list(same))) for _, same in groupby(key[0])))
            for key, value in polynomial.items()
        }


def _one(contractions: Iterable[tuple[int, Contraction]]) -> Scalar:
    rational = all(value.is_rational for _, c in contractions for _, value in c.symbol.terms)
    return Fraction(1) if rational else Coefficient.of(1)


def _linear_coordinate(monomial: Monomial) -> Coordinate | None:
    """Return the coordinate i of the monomial ξ_i, None for any other monomial."""
    match monomial:
        case ((Xi(space, index), 1),):
            return (space, index)
        case _:
            return None


def _linear_only(contractions: Sequence[tuple[int, Contraction]]) -> set[Coordinate]:
    """Return the coordinates whose only single occurrences are linear terms of symbols of higher order."""
    linear: set[Coordinate] = set()
    other: set[Coordinate] = set()
    for _, contraction in contractions:
        hosted = contraction.symbol.order > 1 and not contraction.free
        for monomial, _ in contraction.symbol.terms:
            coordinate = _linear_coordinate(monomial)
            if hosted and coordinate is not None:
                linear.add(coordinate)
            else:
                other |= {(g.space, g.index) for g, _ in monomial if isinstance(g, Xi)}
    return linear - other


def _complement(space: str, dim: int, left_out: set[int]) -> tuple[CoordinateRange, ...]:
    """Return the coordinates of a space outside a small set, as ranges."""
    edges = [-1, *sorted(left_out), dim]
    return tuple(CoordinateRange(space, low + 1, high) for low, high in pairwise(edges) if high > low + 1)


def _runs(group: Group, stride: int) -> tuple[Run, ...]:
    """Return where the directions of a whole-space group go in the flattened free axes."""
    runs: list[Run] = []
    direction = 0
    for part in group.ranges:
        if stride == 1:
            runs.append((direction, part.start, part.size))
        elif part.size > MAX_LISTED:
            raise LimitError(
                f"{part.size} derivatives along {part.space} would have to be placed one by one",
                hint="let the largest space be the last one",
            )
        else:
            runs += [(direction + n, (part.start + n) * stride, 1) for n in range(part.size)]
        direction += part.size
    return tuple(runs)
