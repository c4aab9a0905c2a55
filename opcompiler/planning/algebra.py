"""From an inverse system to the algebra that is run: elements, axes, product table, seeds, readouts."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from opcompiler.errors import LimitError
from opcompiler.ir.algebra import Algebra, Axis, AxisSeed, CoordinateSeed, Element, Seed, Term
from opcompiler.ir.coefficient import Coefficient, ScalarMonomial
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.plan import Readout, ReadoutPart
from opcompiler.planning.inverse_system import InverseSystem
from opcompiler.planning.labels import Labels
from opcompiler.planning.leibniz import StructureConstants
from opcompiler.planning.limits import MAX_LISTED
from opcompiler.planning.polynomial import UNIT, Polynomial, degree, order_key
from opcompiler.planning.requests import Coordinate, Problem, Request, Run
from opcompiler.planning.scalars import Scalar, as_coefficient

__all__ = ["AlgebraBuilder", "is_invariant", "joined_runs"]

Positions = tuple[Run, ...] | None


@dataclass(frozen=True, slots=True)
class AlgebraBuilder:
    """Renders a rescaled basis of an inverse system in the data types of `ir`.

    Element numbers: 1 first, then by degree, families before single elements. With `reads_tails` the tails of requests
    are read from first derivatives, otherwise they are the seeds `tails` of basis elements.
    """

    problem: Problem
    system: InverseSystem
    constants: StructureConstants
    tails: dict[int, dict[Coordinate, Scalar]] = field(default_factory=dict[int, dict[Coordinate, Scalar]])
    reads_tails: bool = False

    @property
    def basis(self) -> tuple[int, ...]:
        """Numbers of the basis in the inverse system, in the order of the elements."""
        return tuple(sorted(range(self.system.size), key=self._rank))

    def _rank(self, number: int) -> tuple[object, ...]:
        group, pivot = self.system.group_of(number), self.system.pivot(number)
        return (pivot != UNIT, degree(self.system.polynomial(number)), group is None, group or 0, order_key(pivot))

    def algebra(self, labels: Labels, readouts: tuple[Readout, ...]) -> Algebra:
        """Return the algebra; `readouts` decide with the table which axes are invariant."""
        place = {number: n for n, number in enumerate(self.basis)}
        groups = sorted(set(self.system.family_groups))
        axis_of = {group: n for n, group in enumerate(groups)}
        elements = tuple(self._element(number, labels, axis_of) for number in self.basis)
        table = tuple(self._term(place, *entry) for entry in self.constants.table.items())
        table = tuple(sorted(table, key=lambda term: (term.out, term.left, term.right)))
        seeds = self.seeds()
        axes = tuple(
            Axis(
                self.problem.groups[group].ranges,
                self.problem.groups[group].matrix,
                is_invariant(axis_of[group], elements, table, seeds, readouts),
            )
            for group in groups
        )
        return Algebra(elements, axes, table)

    def _element(self, number: int, labels: Labels, axis_of: dict[int, int]) -> Element:
        group = self.system.group_of(number)
        label = labels.text(self._scaled(number), group, self._tail(number))
        return Element(label, degree(self.system.polynomial(number)), None if group is None else axis_of[group])

    def _scaled(self, number: int) -> Polynomial:
        scale = self.constants.scale[number]
        return {key: value * scale for key, value in self.system.polynomial(number).items()}

    def _term(self, place: dict[int, int], key: tuple[int, int, int], value: Scalar) -> Term:
        a, b, c = key
        left, right = sorted((place[a], place[b]))
        group = self.system.group_of(a)
        summed = group is not None and self.system.group_of(b) is not None and self.system.group_of(c) is None
        weights = self.problem.groups[group].weights if summed and group is not None else None
        return Term(left, right, place[c], as_coefficient(value), weights)

    def seeds(self) -> tuple[Seed, ...]:
        """Return w(∂)x_i, the coefficient of ξ_i in w, for all coordinates and elements where it is not zero."""
        result: list[Seed] = []
        for element, number in enumerate(self.basis):
            group = self.system.group_of(number)
            for (coordinates, g, power), value in sorted(self._scaled(number).items()):
                coefficient = as_coefficient(value)
                if len(coordinates) + power != 1:
                    continue
                if coordinates:
                    space, index = self.problem.coordinates[coordinates[0]]
                    result.append(CoordinateSeed(element, space, index, coefficient))
                elif group is not None:
                    result.append(AxisSeed(element, coefficient))
                else:
                    result += self._seeds_of_sum(element, g, coefficient)
            for (space, index), value in self._tail(number):
                result.append(CoordinateSeed(element, space, index, as_coefficient(value)))
        return tuple(result)

    def _tail(self, number: int) -> list[tuple[Coordinate, Scalar]]:
        scale = self.constants.scale[number]
        return [(coordinate, value * scale) for coordinate, value in self.tails.get(number, {}).items()]

    def _seeds_of_sum(self, element: int, group: int, coefficient: Coefficient) -> list[Seed]:
        ranges = self.problem.groups[group].ranges
        if self.problem.groups[group].size > MAX_LISTED:
            raise LimitError(
                f"Σᵢ∂ᵢ over {self.problem.groups[group].size} coordinates would be seeded one by one",
                hint="a derivative along one direction of so large a space is not planned yet",
            )
        return [CoordinateSeed(element, r.space, i, coefficient) for r in ranges for i in range(r.start, r.stop)]

    def readout(self, number: int, contraction: Contraction, declarations: Declarations) -> Readout:
        """Return how contraction `number` is read out of the elements."""
        shape = tuple(declarations.space(index.space).dim for index in contraction.free)
        place = {number: n for n, number in enumerate(self.basis)}
        runs: dict[tuple[int, Coefficient], list[Run] | None] = {}
        weighted: list[ReadoutPart] = []
        for request in self.problem.requests:
            if request.contraction != number:
                continue
            if self.reads_tails:
                weighted += self._tail_parts(request, place)
            for basis, value in self.system.coordinates(request.polynomial, request.group).items():
                coefficient = as_coefficient(value) * (1 / self.constants.scale[basis])
                where = self._positions(request, self.system.group_of(basis))
                key = (place[basis], coefficient)
                if where is None:
                    runs[key] = None
                else:
                    found = runs.setdefault(key, [])
                    assert found is not None
                    found += where
        parts = [
            ReadoutPart(element, coefficient, None if found is None else joined_runs(found))
            for (element, coefficient), found in runs.items()
        ]
        return Readout(number, tuple(sorted([*parts, *weighted], key=_part_key)), shape)

    def _tail_parts(self, request: Request, place: dict[int, int]) -> list[ReadoutPart]:
        """Return Σ_i b_i ∂_i u from the families that ∂_i is made of, one part per scalar monomial of the b_i."""
        by_scalar: dict[tuple[int, ScalarMonomial], dict[int, Fraction]] = {}
        for coordinate, value in request.tail:
            group, direction = self._direction(coordinate)
            for monomial, factor in as_coefficient(value).terms:
                by_scalar.setdefault((group, monomial), {})[direction] = factor
        parts: list[ReadoutPart] = []
        for (group, monomial), factors in by_scalar.items():
            weights = tuple(factors.get(r, Fraction(0)) for r in range(self.problem.groups[group].size))
            along: Polynomial = {((), group, 1): Fraction(1)}
            for basis, value in self.system.coordinates(along, group).items():
                coefficient = as_coefficient(value) * (1 / self.constants.scale[basis])
                coefficient = coefficient * Coefficient.from_terms({monomial: Fraction(1)})
                if self.system.group_of(basis) is None:
                    parts.append(ReadoutPart(place[basis], coefficient * sum(weights, Fraction(0))))
                else:
                    parts.append(ReadoutPart(place[basis], coefficient, None, weights))
        return [part for part in parts if part.coefficient]

    def _direction(self, coordinate: Coordinate) -> tuple[int, int]:
        """Return the group of a coordinate and its place among the directions."""
        space, index = coordinate
        for group, own in enumerate(self.problem.groups):
            first = 0
            for part in own.ranges:
                if part.space == space and part.start <= index < part.stop:
                    return group, first + index - part.start
                first += part.size
        raise RuntimeError("internal error: the coordinate of a tail is in no group")

    def _positions(self, request: Request, group: int | None) -> tuple[Run, ...] | None:
        if request.runs is None:
            return None
        if (group is None) == (request.group is None):
            return request.runs
        if group is None:
            spots = [position + n for _, position, length in request.runs for n in range(length)]
            return tuple((0, position, 1) for position in _listed(spots))
        (_, position, _) = request.runs[0]
        return tuple((n, position, 1) for n in _listed(range(self.problem.groups[group].size)))


def _listed(items: list[int] | range) -> list[int] | range:
    if len(items) > MAX_LISTED:
        raise LimitError(
            f"a readout would list {len(items)} positions, more than the limit of {MAX_LISTED}",
            hint="ask for fewer entries at once",
        )
    return items


def joined_runs(runs: list[Run]) -> tuple[Run, ...]:
    """Merge neighbouring runs of directions."""
    joined: list[Run] = []
    for direction, position, length in sorted(runs, key=lambda run: (run[1], run[0])):
        if joined:
            d, p, n = joined[-1]
            if d + n == direction and p + n == position:
                joined[-1] = (d, p, n + length)
                continue
        joined.append((direction, position, length))
    return tuple(joined)


def _part_key(part: ReadoutPart) -> tuple[object, ...]:
    return (part.element, part.positions or (), part.coefficient.terms)


def is_invariant(
    axis: int,
    elements: tuple[Element, ...],
    table: tuple[Term, ...],
    seeds: tuple[Seed, ...],
    readouts: tuple[Readout, ...],
) -> bool:
    """Whether an orthogonal change of the directions of the axis changes no result (see `Axis.invariant`)."""
    members = {n for n, element in enumerate(elements) if element.axis == axis}
    for term in table:
        factors = (term.left in members) + (term.right in members)
        if factors == 2 and (term.out in members or term.weights is not None):
            return False
        if factors < 2 and (term.out in members) != (factors == 1):
            return False
    if any(isinstance(seed, CoordinateSeed) and seed.element in members for seed in seeds):
        return False
    return not any(part.element in members for readout in readouts for part in readout.parts)
