"""`Auto`: of all laws that can estimate an operator, the one of least variance × cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import comb, inf

from opcompiler.errors import ArgumentTypeError, UnsupportedError
from opcompiler.ir.cost import Cost
from opcompiler.ir.law import (
    Auto,
    Coordinates,
    Frame,
    Gaussian,
    IndependentPair,
    Law,
    Orthogonal,
    Pilot,
    Rademacher,
    Sphere,
    Terms,
    ThreePoint,
)
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.sampling import Draw, Sampling
from opcompiler.ir.scheme import Stochastic
from opcompiler.ir.variance import VarianceFormula, VarianceNorm
from opcompiler.planning.sampling.rewrite import random_normal_form
from opcompiler.planning.sampling.variance import default_norm

__all__ = ["WeighedLaw", "best", "drawing", "norms_of", "weighed_laws"]

_ENTRY = {Rademacher: 5, Gaussian: 100, IndependentPair: 100, Sphere: 100, Orthogonal: 100, Frame: 100, ThreePoint: 100}
"""Operations to draw one entry of a direction, measured in multiples of a fused floating-point operation: signs take
one random bit, normal numbers 32 bits and an inverse error function."""

_FRAME_SIZES = (2, 4, 8, 16, 32)

_MOST_DERIVATIVES = 150
"""Largest number of derivatives of one order that a frame may carry."""


@dataclass(frozen=True, slots=True)
class WeighedLaw:
    """One law for powers of Δ, with the estimator it makes.

    Attributes:
        law: of powers of Δ; sums of powers are estimated by single coordinates under every law.
        sampling: the random normal form.
        time: estimated picoseconds per point, all repeats.
        variance: sum over the contractions of the variance for the known or assumed norms; None where a contraction
            has no formula or a norm was not measured.
    """

    law: Law
    sampling: Sampling
    time: int
    variance: float | None

    @property
    def score(self) -> float:
        """Variance × time: the time to reach a given variance by repeating the estimate."""
        return inf if self.variance is None else self.variance * self.time


def weighed_laws(
    normal_form: NormalForm, scheme: Stochastic, price: Callable[[Sampling], int]
) -> tuple[WeighedLaw, ...]:
    """Return every law that can estimate a normal form, in a fixed order.

    Args:
        normal_form: as asked for.
        scheme: its law is `Auto`; a pilot gives the norms, else `variance.default_norm` does.
        price: estimated time of a random normal form.

    Raises:
        ArgumentTypeError: the pilot measured another operator.
    """
    pilot = scheme.law.pilot if isinstance(scheme.law, Auto) else None
    found: list[WeighedLaw] = []
    half_order = max((contraction.order for contraction in normal_form.contractions), default=0) // 2
    for law in _laws(scheme.samples, half_order):
        try:
            sampling = random_normal_form(normal_form, replace(scheme, law=Auto(pilot, law)))
        except UnsupportedError:
            continue
        if sampling is not None:
            found.append(WeighedLaw(law, sampling, price(sampling), _variance(sampling, pilot)))
    _require_norms(pilot, norms_of(tuple(found)))
    return tuple(found)


def _require_norms(pilot: Pilot | None, needed: tuple[VarianceNorm, ...]) -> None:
    """Refuse a pilot that has none of the norms that the laws are compared by."""
    measured = {name for name, _ in pilot.norms} if pilot is not None else set[str]()
    if measured and needed and measured.isdisjoint(map(str, needed)):
        raise ArgumentTypeError(
            f"the pilot measured {', '.join(sorted(measured))}, the laws differ in {', '.join(map(str, needed))}",
            hint="a pilot serves the operator it was made with: oc.pilot(operator, u, points, key=key)",
        )


def best(weighed: tuple[WeighedLaw, ...]) -> WeighedLaw:
    """Return the law of least variance × time, the quickest exact one if some have no variance; ties to the first."""
    return min(weighed, key=lambda law: (law.score, law.time if law.variance == 0 else 0))


def norms_of(weighed: tuple[WeighedLaw, ...]) -> tuple[VarianceNorm, ...]:
    """Return what a pilot has to measure to compare the laws."""
    formulas = (formula for law in weighed for formula in law.sampling.variance)
    return tuple(dict.fromkeys(norm for formula in formulas for norm in formula.norms))


def drawing(sampling: Sampling, profile: NetworkProfile) -> Cost:
    """Return the work to draw the directions of one point and to pass them through the first layer.

    Single coordinates are columns of the first layer and cost nothing; other directions are d numbers each, a product
    with the first layer, for orthogonal ones the products of a Cholesky factorisation, and beside a subspace those of
    a projection. The basis of a subspace passes the first layer as well.
    """
    linear = elementwise = 0
    for draw in sampling.draws:
        if isinstance(draw.law, Coordinates | Terms | Auto):
            continue
        whole = draw.dim if draw.law is None else draw.dim + draw.rank
        if draw.law is not None:
            entries = draw.directions * whole
            elementwise += entries * _ENTRY[type(draw.law)]
            linear += 4 * entries * draw.rank
            if isinstance(draw.law, Orthogonal | Frame):
                linear += 3 * entries * draw.directions
        linear += draw.directions * (profile.first_layer_flops or 2 * whole * profile.widest)
    return Cost(linear=linear, elementwise=elementwise)


def _laws(samples: int, half_order: int) -> Iterator[Law]:
    """Yield the laws; frames as long as the middle derivatives along them, C(r+s−1, s) of them, are not too many."""
    yield from (Orthogonal(), Coordinates(), Rademacher(), Sphere(), Gaussian(), ThreePoint(), IndependentPair())
    for size in _FRAME_SIZES:
        if samples % size == 0 and comb(size + half_order - 1, half_order) <= _MOST_DERIVATIVES:
            yield Frame(size)


def _variance(sampling: Sampling, pilot: Pilot | None) -> float | None:
    if not sampling.variance or not all(formula.known for formula in sampling.variance):
        return None
    try:
        return sum(_value(formula, sampling.draws, pilot) for formula in sampling.variance)
    except KeyError:
        return None


def _value(formula: VarianceFormula, draws: tuple[Draw, ...], pilot: Pilot | None) -> float:
    if pilot is not None:
        measured = {name: float(value) for name, value in pilot.norms}
        return formula.value(lambda norm: measured[str(norm)])
    return formula.value(default_norm(max(draw.dim for draw in draws)))
