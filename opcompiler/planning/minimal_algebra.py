"""The strategy with a certificate: propagate a basis of the inverse system of all requested symbols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from opcompiler.ir.algebra import Algebra
from opcompiler.ir.coefficient import Coefficient, ScalarMonomial
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.plan import Certificate, Propagation
from opcompiler.planning.algebra import AlgebraBuilder
from opcompiler.planning.diagonal import diagonalised
from opcompiler.planning.echelon import PivotRule, leading_first, rational_first
from opcompiler.planning.grouping import group_interchangeable
from opcompiler.planning.hankel import PRIME, hankel_rank, scalar_values
from opcompiler.planning.inverse_system import InverseSystem, NotAdapted, closure
from opcompiler.planning.labels import Labels
from opcompiler.planning.leibniz import structure_constants
from opcompiler.planning.polynomial import Polynomial, degree
from opcompiler.planning.requests import Coordinate, Problem, Request, problem_of
from opcompiler.planning.scalars import NotDivisible, Scalar, value_at
from opcompiler.planning.tails import place_tails, reads_tails

__all__ = ["minimal_algebra"]


def minimal_algebra(
    contractions: Sequence[tuple[int, Contraction]], declarations: Declarations, scalars: tuple[str, ...] = ()
) -> tuple[Propagation, Certificate]:
    """Return the propagation of numbered contractions over their minimal algebra, with its certificate.

    The minimum holds for every value of the run-time scalars outside a null set. The algebra is correct for all
    values: nothing is divided by a polynomial in them. Where minimality would ask for such a division, the symbols
    are split into their parts by scalar monomials, and more than the minimum is carried. `scalars` names them.

    Raises:
        LimitError: the algebra is too large to be written out.
    """
    split_off: frozenset[Coordinate] = frozenset()
    tails = True
    while True:
        problem = problem_of(contractions, declarations, split_off, tails)
        problem = group_interchangeable(problem, declarations.time, split_off, tails)
        try:
            builder = _builder(problem)
            generic = builder.system
            if not _is_rational(problem):
                generic = _close(_at_generic_point(problem, contractions), problem.sizes)
        except NotAdapted as error:
            first = problem.groups[error.group].ranges[0]
            split_off |= {(first.space, first.start)}
            continue
        placed = place_tails(problem.requests, builder.system, builder.constants)
        if placed is not None:
            builder = replace(builder, tails=placed)
            break
        if reads_tails(problem, builder.system):
            builder = replace(builder, reads_tails=True)
            break
        tails = False
    fields = tuple(dict.fromkeys(contraction.field for _, contraction in contractions))
    fields = tuple(field.name for field in declarations.fields if field.name in fields)
    readouts = tuple(builder.readout(number, contraction, declarations) for number, contraction in contractions)
    labels = Labels(problem, declarations, fields[0] if len(fields) == 1 else None, scalars)
    algebra = builder.algebra(labels, readouts)
    propagation = Propagation(fields, algebra, builder.seeds(), readouts)
    return propagation, _certificate(generic, problem, algebra, [c for _, c in contractions], declarations)


def _builder(problem: Problem) -> AlgebraBuilder:
    """Return the first construction that succeeds, from minimal to merely correct."""
    requests = problem.requests
    if _is_rational(problem):
        system = _close(requests, problem.sizes)
        constants = structure_constants(system)
        diagonal = diagonalised(system, constants)
        return AlgebraBuilder(problem, diagonal, constants if diagonal is system else structure_constants(diagonal))
    for rule in (rational_first, leading_first):
        try:
            system = _close(requests, problem.sizes, rule)
            builder = AlgebraBuilder(problem, system, structure_constants(system))
            for request in requests:
                system.coordinates(request.polynomial, request.group)
        except (NotDivisible, NotAdapted):
            continue
        if _respects_degree(builder):
            return builder
    system = _close([part for request in requests for part in _scalar_parts(request)], problem.sizes)
    return AlgebraBuilder(problem, system, structure_constants(system))


def _is_rational(problem: Problem) -> bool:
    return all(isinstance(value, Fraction) for request in problem.requests for value in request.polynomial.values())


def _close(requests: Sequence[Request], sizes: Sequence[int], rule: PivotRule = leading_first) -> InverseSystem:
    singles = [request.polynomial for request in requests if request.group is None]
    families = [(request.group, request.polynomial) for request in requests if request.group is not None]
    return closure(singles, families, sizes, rule)


def _scalar_parts(request: Request) -> list[Request]:
    """Return the rational polynomials p_m of P = Σ_m s^m p_m."""
    parts: dict[ScalarMonomial, Polynomial] = {}
    for key, value in request.polynomial.items():
        for monomial, factor in Coefficient.of(value).terms if isinstance(value, Fraction) else value.terms:
            parts.setdefault(monomial, {})[key] = factor
    return [replace(request, polynomial=part) for _, part in sorted(parts.items())]


def _at_generic_point(problem: Problem, contractions: Sequence[tuple[int, Contraction]]) -> list[Request]:
    point = scalar_values(contraction for _, contraction in contractions)

    def at_point(polynomial: dict[tuple[tuple[int, ...], int, int], Scalar]) -> Polynomial:
        values = {key: value_at(value, point) for key, value in polynomial.items()}
        return {key: value for key, value in values.items() if value}

    return [replace(request, polynomial=at_point(request.polynomial)) for request in problem.requests]


def _respects_degree(builder: AlgebraBuilder) -> bool:
    degrees = [degree(builder.system.polynomial(number)) for number in range(builder.system.size)]
    return all(degrees[a] + degrees[b] <= degrees[c] for a, b, c in builder.constants.table)


def _certificate(
    generic: InverseSystem,
    problem: Problem,
    algebra: Algebra,
    contractions: Sequence[Contraction],
    declarations: Declarations,
) -> Certificate:
    by_order: dict[int, int] = {}
    for number in range(generic.size):
        group = generic.group_of(number)
        order = degree(generic.polynomial(number))
        by_order[order] = by_order.get(order, 0) + (1 if group is None else problem.groups[group].size)
    hilbert = tuple(by_order.get(order, 0) for order in range(max(by_order) + 1))
    minimum = sum(hilbert)
    rank = hankel_rank(contractions, declarations)
    if rank is not None and rank != minimum:
        raise RuntimeError(f"internal error: the closure has dimension {minimum}, the Hankel matrix rank {rank}")
    if algebra.dim < minimum:
        raise RuntimeError(f"internal error: {algebra.dim} coefficients carried, fewer than the minimum {minimum}")
    return Certificate(minimum, algebra.dim, hilbert, hankel_rank=rank, prime=None if rank is None else PRIME)
