"""What an estimator is weighed against: the exact operator."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from opcompiler.errors import LimitError
from opcompiler.ir.cost import CPU, DEVICES, REFERENCE_BATCH, Cost
from opcompiler.ir.network import DEFAULT_PROFILE, NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Certificate, Propagation
from opcompiler.ir.sampling import Sampling
from opcompiler.ir.strategy import Alternative
from opcompiler.planning.bottleneck import compressed
from opcompiler.planning.cost import cost_of
from opcompiler.planning.minimal_algebra import minimal_algebra
from opcompiler.planning.sampling.auto import drawing

__all__ = ["estimate"]


def estimate(
    propagation: Propagation,
    certificate: Certificate,
    normal_form: NormalForm,
    sampling: Sampling | None = None,
    profile: NetworkProfile | None = None,
    device: str = "cpu",
) -> tuple[Alternative, ...]:
    """Return the estimator and the exact minimal algebra, with the coefficients and the work of both.

    Args:
        propagation: of one draw of the estimator.
        certificate: of one draw of the estimator.
        normal_form: the operator as it was asked for.
        sampling: says how often the draw is repeated.
        profile: of the network; behind an affine bottleneck the exact operator may be the cheaper one.
        device: kind of device.
    """
    repeats = 1 if sampling is None else sampling.repeats
    every = "" if repeats == 1 else f", in each of {repeats} repeats"
    network = profile or DEFAULT_PROFILE
    work = cost_of(propagation, network, device)
    if sampling is not None:
        work = _times(_sum(work, drawing(sampling, network), device), repeats)
    chosen = Alternative(
        strategy="estimate",
        chosen=True,
        coefficients=certificate.carried,
        directions=None,
        lower_bound=certificate.minimum,
        status="proved" if certificate.carried == certificate.minimum else "bracketed",
        reason=f"asked for; the bound is for one draw{every}",
        cost=work,
    )
    found = _exact(normal_form)
    if isinstance(found, str):
        return chosen, Alternative("minimal algebra", False, None, None, None, "unknown", f"exact, but {found}")
    exactly, exact = found
    if profile is not None:
        exactly, exact = compressed(exactly, exact, profile, normal_form.declarations)
    own = _sum(cost_of(exactly, network, device), _recombined(exactly, network), device)
    within = "" if exact.scope == "any u" else f" for {exact.scope}"
    ratio = own.time / max(work.time, 1)
    reason = f"exact{within}; {f'{ratio:.2g}' if ratio < 100 else f'{ratio:,.0f}'}× the work of the estimate"
    if own.time <= work.time:
        reason += ": take scheme=Exact()"
    status = "proved" if exact.carried == exact.minimum else "bracketed"
    return chosen, Alternative("minimal algebra", False, exact.carried, None, exact.minimum, status, reason, cost=own)


@lru_cache(maxsize=64)
def _exact(normal_form: NormalForm) -> tuple[Propagation, Certificate] | str:
    """Return the exact minimal algebra, or why there is none; the same for every network."""
    try:
        return minimal_algebra(tuple(enumerate(normal_form.contractions)), normal_form.declarations)
    except LimitError as error:
        return error.problem


def _recombined(propagation: Propagation, profile: NetworkProfile) -> Cost:
    """Return one point's share of the products of first-layer weights behind a bottleneck, one set per call."""
    widths = sum(compression.width for compression in propagation.compressions)
    return Cost(linear=profile.first_layer_flops * widths // REFERENCE_BATCH, elementwise=0)


def _sum(work: Cost, more: Cost, device: str) -> Cost:
    total = replace(work, linear=work.linear + more.linear, elementwise=work.elementwise + more.elementwise)
    return replace(total, time=DEVICES.get(device, CPU).time(total))


def _times(work: Cost, repeats: int) -> Cost:
    return Cost(
        linear=repeats * work.linear,
        elementwise=repeats * work.elementwise,
        traffic=repeats * work.traffic,
        operations=work.operations,
        time=repeats * work.time,
    )
