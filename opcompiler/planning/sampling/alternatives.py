"""What an estimator is weighed against: the exact operator."""

from __future__ import annotations

from functools import lru_cache

from opcompiler.errors import LimitError
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Certificate, Propagation
from opcompiler.ir.sampling import Sampling
from opcompiler.ir.strategy import Alternative
from opcompiler.planning.bottleneck import compressed
from opcompiler.planning.minimal_algebra import minimal_algebra

__all__ = ["estimate"]


def estimate(
    certificate: Certificate,
    normal_form: NormalForm,
    sampling: Sampling | None = None,
    profile: NetworkProfile | None = None,
) -> tuple[Alternative, ...]:
    """Return the estimator and the exact minimal algebra, with the coefficients of both.

    Args:
        certificate: of one draw of the estimator.
        normal_form: the operator as it was asked for.
        sampling: says how often the draw is repeated.
        profile: of the network; behind an affine bottleneck the exact operator may be the cheaper one.
    """
    repeats = 1 if sampling is None else sampling.repeats
    every = "" if repeats == 1 else f", in each of {repeats} repeats"
    chosen = Alternative(
        strategy="estimate",
        chosen=True,
        coefficients=certificate.carried,
        directions=None,
        lower_bound=certificate.minimum,
        status="proved" if certificate.carried == certificate.minimum else "bracketed",
        reason=f"asked for; the bound is for one draw{every}",
    )
    found = _exact(normal_form)
    if isinstance(found, str):
        return chosen, Alternative("minimal algebra", False, None, None, None, "unknown", f"exact, but {found}")
    propagation, exact = found
    if profile is not None:
        _, exact = compressed(propagation, exact, profile, normal_form.declarations)
    within = "" if exact.scope == "any u" else f" for {exact.scope}"
    reason = f"exact{within}, with more coefficients than the estimate"
    if exact.carried <= repeats * certificate.carried:
        reason = f"exact{within}, and no dearer than the estimate: take scheme=Exact()"
    elif within:
        reason = f"exact{within}, for {exact.carried / (repeats * certificate.carried):.1f} times the coefficients"
    status = "proved" if exact.carried == exact.minimum else "bracketed"
    return chosen, Alternative("minimal algebra", False, exact.carried, None, exact.minimum, status, reason)


@lru_cache(maxsize=64)
def _exact(normal_form: NormalForm) -> tuple[Propagation, Certificate] | str:
    """Return the exact minimal algebra, or why there is none; the same for every network."""
    try:
        return minimal_algebra(tuple(enumerate(normal_form.contractions)), normal_form.declarations)
    except LimitError as error:
        return error.problem
