"""What an estimator is weighed against: the exact operator."""

from __future__ import annotations

from opcompiler.errors import LimitError
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Certificate
from opcompiler.ir.strategy import Alternative
from opcompiler.planning.minimal_algebra import minimal_algebra

__all__ = ["estimate"]


def estimate(certificate: Certificate, normal_form: NormalForm) -> tuple[Alternative, ...]:
    """Return the estimator and the exact minimal algebra, with the coefficients of both.

    Args:
        certificate: of one draw of the estimator.
        normal_form: the operator as it was asked for.
    """
    chosen = Alternative(
        strategy="estimate",
        chosen=True,
        coefficients=certificate.carried,
        directions=None,
        lower_bound=certificate.minimum,
        status="proved" if certificate.carried == certificate.minimum else "bracketed",
        reason="asked for; the bound is for one draw",
    )
    try:
        _, exact = minimal_algebra(tuple(enumerate(normal_form.contractions)), normal_form.declarations)
    except LimitError as error:
        return chosen, Alternative("minimal algebra", False, None, None, None, "unknown", f"exact, but {error.args[0]}")
    reason = "exact, with more coefficients than one draw"
    if exact.carried <= certificate.carried:
        reason = "exact, and no dearer than the estimate: take scheme=Exact()"
    status = "proved" if exact.carried == exact.minimum else "bracketed"
    return chosen, Alternative("minimal algebra", False, exact.carried, None, exact.minimum, status, reason)
