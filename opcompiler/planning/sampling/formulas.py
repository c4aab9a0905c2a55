"""The variance formula of every sampled contraction, from the same parts and draws as its estimator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Literal, assert_never

from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.law import (
    Coordinates,
    Frame,
    Gaussian,
    IndependentPair,
    Law,
    Orthogonal,
    Rademacher,
    Sphere,
    ThreePoint,
)
from opcompiler.ir.normal_form import Contraction, NormalForm
from opcompiler.ir.sampling import Draw
from opcompiler.ir.symbol import Generator, Monomial, PowerSum, Quadric, Xi
from opcompiler.ir.variance import PerTerm, Tensor, VarianceFormula, VarianceTerm
from opcompiler.planning.sampling import variance
from opcompiler.planning.sampling.draws import DrawRequest, Draws
from opcompiler.planning.sampling.estimators import definite, for_squares
from opcompiler.planning.sampling.factors import Factor, Form, Part, Powers
from opcompiler.planning.sampling.parts import SampledContraction, concrete_law

__all__ = ["variance_formulas"]

Rows = tuple[tuple[Fraction, ...], ...] | None
Weights = tuple[Fraction, ...] | None

_ENTRIES = (Gaussian(), Rademacher(), ThreePoint(), Sphere(), Orthogonal())
"""Laws of single directions whose products have a formula, beside uniform coordinates."""


@dataclass(frozen=True, slots=True)
class _Share:
    """Which draws are used, and how: equal shares have the same directions, different ones independent directions.

    `kind`: single coordinates summed in one evaluation; directions summed in one evaluation, or frames; or a direction
    of its own for every factor. `subspace`: the parameter of a subspace that the directions are orthogonal to.
    """

    kind: Literal["coordinates", "directions", "independent"]
    space: str
    law: Law
    rows: Rows = None
    weights: Weights = None
    degree: int = 2
    subspace: str | None = None


@dataclass(frozen=True, slots=True)
class _Term:
    """A sampled term of a factor: coefficient · Δ^(order/2), beside a power of what is exact along a subspace."""

    coefficient: Fraction
    order: int
    exact: Monomial = ()


def variance_formulas(
    normal_form: NormalForm, apart: Sequence[SampledContraction], law: Law, draws: Draws
) -> tuple[VarianceFormula, ...]:
    """Return the variance of the estimate of every sampled contraction at one point.

    Contractions that multiply estimates along two spaces, powers of an indefinite quadratic form, products of
    coordinates drawn by importance, and products of independent estimates beside a subspace have no formula.

    Args:
        normal_form: as asked for.
        apart: what is sampled of its contractions.
        law: as asked for.
        draws: all of them, after the rewriting.
    """
    found: list[VarianceFormula] = []
    for number, (contraction, sampled) in enumerate(zip(normal_form.contractions, apart, strict=True)):
        if not sampled.spaces:
            continue
        terms = _terms(number, contraction, sampled, law, draws)
        laws = [repr(concrete_law(law, part)) for part in sampled.parts] + ["Terms()"] * bool(sampled.groups)
        found.append(
            VarianceFormula(
                contraction=number,
                terms=variance.summed(terms or ()),
                law=", ".join(dict.fromkeys(laws)),
                samples=max(draws.budget(space) for space in sampled.spaces),
                known=terms is not None,
            )
        )
    return tuple(found)


def _terms(
    number: int, contraction: Contraction, sampled: SampledContraction, law: Law, draws: Draws
) -> list[VarianceTerm] | None:
    shared: dict[_Share, list[variance.Part]] = {}
    for part in sampled.parts:
        if len(part.factors) != 1 or _is_indefinite_power(part.factors[0]):
            return None
        for share, term in _shares(part.factors[0], concrete_law(law, part), draws):
            if share.kind == "independent" and (share.law not in (Coordinates(), *_ENTRIES) or share.subspace):
                return None
            shared.setdefault(share, []).append(_linear_part(contraction, part, share, term))
    terms = [term for share, parts in shared.items() for term in _of_share(share, parts, draws)]
    for group in sampled.groups:
        draw = next(draw for draw in draws.all if (draw.table, draw.coefficients) == (group.table, group.coefficients))
        norm = PerTerm(number, len(group.table), draw.space)
        terms.append(VarianceTerm(Fraction(1, draws.repeats), norm))
    return terms


def _is_indefinite_power(factor: Factor) -> bool:
    return isinstance(factor, Form) and factor.half_order > 1 and len(definite(factor.matrix)) > 1


def _shares(factor: Factor, law: Law, draws: Draws) -> Iterator[tuple[_Share, _Term]]:
    """Yield the draws that the estimator of a factor uses, each with what it estimates by them."""
    match factor:
        case Powers(space, degree):
            yield _coordinates(space, law, degree), _Term(Fraction(1), degree)
        case Form(space, 1, matrix):
            for sign, rows, weights in definite(matrix):
                own = for_squares(law)
                kind = "coordinates" if isinstance(own, Coordinates) else "directions"
                given, subspace = _given(space, own, rows, weights, draws)
                if not _is_all(given, draws):
                    yield _Share(kind, space, own, rows, weights, subspace=subspace), _Term(sign, 2)
        case Form(space, half_order, matrix):
            ((_, rows, weights),) = definite(matrix)
            given, subspace = _given(space, law, rows, weights, draws)
            if _is_all(given, draws):
                return
            if isinstance(law, Coordinates | IndependentPair):
                share = _Share("independent", space, for_squares(law), rows, weights, subspace=subspace)
                yield share, _Term(Fraction(1), 2 * half_order)
                return
            share = _Share("directions", space, law, rows, weights, subspace=subspace)
            for power in range(half_order if given is None else 1, half_order + 1):
                exact = () if given is None else _powers_along(given, half_order - power)
                yield share, _Term(Fraction(comb(half_order, power)), 2 * power, exact)
            if isinstance(law, Rademacher):
                yield _coordinates(space, Coordinates(), 4), _Term(Fraction(2, 3), 4)
        case _:
            assert_never(factor)


def _given(space: str, law: Law, rows: Rows, weights: Weights, draws: Draws) -> tuple[Draw | None, str | None]:
    """Return the basis of the subspace that a form's directions are orthogonal to, and its parameter."""
    given = draws.given(DrawRequest(space, law, rows=rows, weights=weights))
    return given, None if given is None else given.subspace


def _is_all(given: Draw | None, draws: Draws) -> bool:
    """Whether nothing is left to be drawn."""
    return given is not None and given.rank == _dim(given.of, given.rows, draws)


def _powers_along(given: Draw, power: int) -> Monomial:
    generator = Xi(given.space, 0) if given.directions == 1 else PowerSum(given.space, 2)
    times = 2 * power if given.directions == 1 else power
    return ((generator, times),) if power else ()


def _dim(space: str, rows: Rows, draws: Draws) -> int:
    return next(own.dim for own in draws.spaces if own.name == space) if rows is None else len(rows)


def _coordinates(space: str, law: Law, degree: int) -> _Share:
    """Importance weights depend on the degree; uniform coordinates are shared by all degrees."""
    weighted = isinstance(law, Coordinates) and law.weights is not None
    return _Share("coordinates", space, law, degree=degree if weighted else 2)


def _of_share(share: _Share, parts: Sequence[variance.Part], draws: Draws) -> tuple[VarianceTerm, ...]:
    budget = draws.budget(share.space)
    dim = _dim(share.space, share.rows, draws)
    if share.subspace is not None:
        dim -= min(draws.subspaces[share.space][1], dim)
    match share.kind, share.law:
        case "coordinates", Coordinates(weights):
            samples = budget if draws.replace or weights is not None else min(budget, dim)
            return variance.coordinates(dim, samples, parts, draws.replace, weights)
        case "independent", law:
            return variance.independent_squares(law, dim, draws.repeats, parts)
        case _, Frame(size) as law:
            return variance.laplacian_powers(law, dim, draws.repeats * size, parts)
        case _, law:
            return variance.laplacian_powers(law, dim, budget, parts)


def _linear_part(contraction: Contraction, part: Part, share: _Share, term: _Term) -> variance.Part:
    """Return coefficient · tensor; what is known only at call goes into the function that is differentiated."""
    known = part.coefficient.is_rational
    whole = bool(term.exact) or any(isinstance(g, PowerSum | Quadric) for g, _ in part.rest)
    measurable = known and not contraction.free and not whole
    coefficient = part.coefficient.rational * term.coefficient if known else term.coefficient
    rest = (*part.rest, *term.exact)
    tensor = Tensor(
        function=_function(contraction, rest, None if known else part.coefficient, share),
        order=term.order,
        space=share.space,
        field=contraction.field if measurable else "",
        component=contraction.component,
        prefix=rest,
        rows=share.rows,
        weights=share.weights,
        complement=share.subspace,
    )
    return variance.Part(coefficient, tensor)


def _function(contraction: Contraction, rest: Monomial, scalar: Coefficient | None, share: _Share) -> str:
    name = contraction.field + "".join(f"[{index + 1}]" for index in contraction.component or ())
    name += "" if share.rows is None else "∘Lᵀ"
    name += "" if share.subspace is None else f"|{share.subspace}⊥"
    derivatives = "".join(_derivative(generator, power) for generator, power in rest)
    free = "".join(f"∇_{index.space}" for index in contraction.free)
    return f"{'' if scalar is None else f'({scalar})·'}{free}{derivatives}{name}"


def _derivative(generator: Generator, power: int) -> str:
    exponent = "" if power == 1 else f"^{power}"
    match generator:
        case Xi(space, index):
            return f"∂_{space}{index + 1}{exponent}"
        case PowerSum(space, degree):
            return f"(Σ∂_{space}^{degree}){exponent}"
        case Quadric(space):
            return f"(A:∇_{space}²){exponent}"
