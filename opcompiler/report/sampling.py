"""A stochastic estimator: what is drawn, by which law, and the variance as a formula."""

from __future__ import annotations

from opcompiler.ir.plan import Plan
from opcompiler.ir.sampling import Draw
from opcompiler.report.story import Block, Facts, Inline, Lines, Prose
from opcompiler.report.symbols import contraction_name

__all__ = ["sampling_blocks"]


def sampling_blocks(plan: Plan) -> tuple[Block, ...]:
    """Return nothing for an exact plan; else the draws and the variance of every contraction that is estimated."""
    sampling = plan.sampling
    if sampling is None:
        return ()
    facts: list[tuple[str, Inline]] = [("drawn", Prose(_drawn(draw))) for draw in sampling.draws]
    if sampling.repeats > 1:
        facts.append(("averaged", Prose(f"over {sampling.repeats:,} independent draws per point")))
    facts.append(("mean", Prose("that of the exact operator: every contraction is estimated without bias")))
    declarations = plan.normal_form.declarations
    formulas = tuple(
        Prose(f"Var {contraction_name(number, plan.normal_form.contractions[number], declarations)} = {formula}")
        for formula in plan.variance
        if (number := formula.contraction) < len(plan.normal_form.contractions) and formula.terms
    )
    return (Facts(tuple(facts)), Lines(formulas, "variance")) if formulas else (Facts(tuple(facts)),)


def _drawn(draw: Draw) -> str:
    noun = "direction" if draw.directions == 1 else "directions"
    if draw.law is None:
        return f"nothing along the {draw.directions:,} {noun} of {draw.of} that the parameter {draw.subspace} spans"
    beside = "" if draw.subspace is None else f" orthogonal to {draw.subspace}"
    return f"{draw.directions:,} {noun} in the {draw.dim:,} dimensions of {draw.of}{beside} by {draw.law!r}"
