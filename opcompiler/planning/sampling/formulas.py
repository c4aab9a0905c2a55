"""The variance formula of every sampled contraction, from the same parts and draws as its estimator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
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
from opcompiler.ir.symbol import Generator, Monomial, PowerSum, Quadric, Xi
from opcompiler.ir.variance import PerTerm, Tensor, VarianceFormula, VarianceTerm
from opcompiler.planning.sampling import variance
from opcompiler.planning.sampling.draws import Draws
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
    of its own for every factor.
    """

    kind: Literal["coordinates", "directions", "independent"]
    space: str
    law: Law
    rows: Rows = None
    weights: Weights = None
    degree: int = 2


def variance_formulas(
    normal_form: NormalForm, apart: Sequence[SampledContraction], law: Law, draws: Draws
) -> tuple[VarianceFormula, ...]:
    """Return the variance of the estimate of every sampled contraction at one point.

    Contractions that multiply estimates along two spaces, powers of an indefinite quadratic form, and products of
    coordinates drawn by importance have no formula.

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
        for share, factor in _shares(part.factors[0], concrete_law(law, part)):
            if share.kind == "independent" and share.law not in (Coordinates(), *_ENTRIES):
                return None
            shared.setdefault(share, []).append(_linear_part(contraction, part, share, factor))
    terms = [term for share, parts in shared.items() for term in _of_share(share, parts, draws)]
    for group in sampled.groups:
        draw = next(draw for draw in draws.all if (draw.table, draw.coefficients) == (group.table, group.coefficients))
        norm = PerTerm(number, len(group.table), draw.space)
        terms.append(VarianceTerm(Fraction(1, draws.repeats), norm))
    return terms


def _is_indefinite_power(factor: Factor) -> bool:
    return isinstance(factor, Form) and factor.half_order > 1 and len(definite(factor.matrix)) > 1


def _shares(factor: Factor, law: Law) -> Iterator[tuple[_Share, tuple[Fraction, int]]]:
    """Yield the draws that the estimator of a factor uses, each with (coefficient, order of the tensor)."""
    match factor:
        case Powers(space, degree):
            yield _coordinates(space, law, degree), (Fraction(1), degree)
        case Form(space, 1, matrix):
            for sign, rows, weights in definite(matrix):
                own = for_squares(law)
                kind = "coordinates" if isinstance(own, Coordinates) else "directions"
                yield _Share(kind, space, own, rows, weights), (sign, 2)
        case Form(space, half_order, matrix):
            ((_, rows, weights),) = definite(matrix)
            order = 2 * half_order
            if isinstance(law, Coordinates | IndependentPair):
                yield _Share("independent", space, for_squares(law), rows, weights), (Fraction(1), order)
                return
            yield _Share("directions", space, law, rows, weights), (Fraction(1), order)
            if isinstance(law, Rademacher):
                yield _coordinates(space, Coordinates(), 4), (Fraction(2, 3), 4)
        case _:
            assert_never(factor)


def _coordinates(space: str, law: Law, degree: int) -> _Share:
    """Importance weights depend on the degree; uniform coordinates are shared by all degrees."""
    weighted = isinstance(law, Coordinates) and law.weights is not None
    return _Share("coordinates", space, law, degree=degree if weighted else 2)


def _of_share(share: _Share, parts: Sequence[variance.Part], draws: Draws) -> tuple[VarianceTerm, ...]:
    budget = draws.budget(share.space)
    dim = next(space.dim for space in draws.spaces if space.name == share.space)
    dim = dim if share.rows is None else len(share.rows)
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


def _linear_part(contraction: Contraction, part: Part, share: _Share, factor: tuple[Fraction, int]) -> variance.Part:
    """Return coefficient · tensor; what is known only at call goes into the function that is differentiated."""
    scale, order = factor
    known = part.coefficient.is_rational
    measurable = known and not contraction.free and not any(isinstance(g, PowerSum | Quadric) for g, _ in part.rest)
    coefficient = part.coefficient.rational * scale if known else scale
    tensor = Tensor(
        function=_function(contraction, part.rest, None if known else part.coefficient, share.rows is not None),
        order=order,
        space=share.space,
        field=contraction.field if measurable else "",
        component=contraction.component,
        prefix=part.rest,
        rows=share.rows,
        weights=share.weights,
    )
    return variance.Part(coefficient, tensor)


def _function(contraction: Contraction, rest: Monomial, scalar: Coefficient | None, along_rows: bool) -> str:
    name = contraction.field + "".join(f"[{index + 1}]" for index in contraction.component or ())
    name += "∘Lᵀ" if along_rows else ""
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
