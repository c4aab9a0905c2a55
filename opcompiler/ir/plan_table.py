"""The readable table behind `str(plan)`."""

from __future__ import annotations

from collections.abc import Sequence

from opcompiler.ir.algebra import AxisSeed, CoordinateSeed, Seed
from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.plan import Certificate, Plan, Propagation, Readout, ReadoutPart
from opcompiler.ir.strategy import Alternative

__all__ = ["plan_table"]

_SHOWN = 12
"""Entries of a long list that are written before it is cut."""


def plan_table(plan: Plan) -> str:
    """Return carried and minimal coefficients, basis, seeds, readouts and cost of a plan, one fact per line."""
    rows = [
        ("operator", "; ".join(plan.normal_form.written)),
        ("scheme", str(plan.scheme)),
        *_draws(plan),
        ("fields", ", ".join(plan.joint.fields) or "none"),
        *_certificate(plan.certificate),
        *_propagation(plan, plan.joint),
        ("cost", f"{plan.cost.total:,} flops per point ({plan.cost.linear:,} linear + "
                 f"{plan.cost.elementwise:,} elementwise), {plan.profile.description}"),
    ]  # fmt: skip
    rejected = [alternative for alternative in plan.alternatives if not alternative.chosen]
    rows += [("weighed" if n == 0 else "", _alternative(alternative)) for n, alternative in enumerate(rejected)]
    if len(plan.field_certificates) > 1:
        each = ", ".join(f"{field} {own.carried}" for field, own in plan.field_certificates)
        rows.append(("one by one", f"coefficients carried when each field is its own callable: {each}"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows if text)


def _alternative(alternative: Alternative) -> str:
    count = "" if alternative.coefficients is None else f" {alternative.coefficients:,}"
    return f"{alternative.strategy}{count}: {alternative.reason}"


def _draws(plan: Plan) -> list[tuple[str, str]]:
    if plan.directing is not None:
        given = [f"{own.space}: {own.directions:,} directions in {own.of}" for own in plan.directing.spaces]
        return [("at call" if n == 0 else "", text) for n, text in enumerate(_cut(given))]
    if plan.sampling is None:
        return []
    texts = [
        f"{draw.space}: {draw.directions:,} directions in {draw.of} "
        + (f"given by {draw.subspace}" if draw.law is None else f"by {draw.law!r}")
        + (f", {plan.sampling.repeats:,} times" if draw.repeated and plan.sampling.repeats > 1 else "")
        for draw in plan.sampling.draws
    ]
    return [("drawn" if n == 0 else "", text) for n, text in enumerate(_cut(texts))]


def _certificate(certificate: Certificate) -> list[tuple[str, str]]:
    proof = (
        "" if certificate.hankel_rank is None else f", Hankel rank {certificate.hankel_rank} mod {certificate.prime}"
    )
    return [
        ("carried", f"{certificate.carried:,} coefficients"),
        ("minimum", f"{certificate.minimum:,} for {certificate.scope}{proof}"),
        ("by order", ", ".join(f"{count:,}" for count in certificate.by_order)),
    ]


def _propagation(plan: Plan, propagation: Propagation) -> list[tuple[str, str]]:
    algebra = propagation.algebra
    width = {compression.axis: compression.width for compression in propagation.compressions}
    rows = [("strategy", propagation.strategy)]
    names: list[str] = []
    for number, element in enumerate(algebra.elements):
        text = f"[{number}] {element.label}"
        if element.axis is not None:
            text += f"   × {algebra.axes[element.axis].size:,} directions"
            text += f", recombined to {width[element.axis]:,}" if element.axis in width else ""
        names.append(text)
    rows += [("basis" if n == 0 else "", text) for n, text in enumerate(_cut(names, 4 * _SHOWN))]
    rows.append(("products", f"{len(algebra.table)} in the Leibniz table"))
    rows.append(("seeds", ", ".join(_cut([_seed(plan, seed) for seed in propagation.seeds]))))
    texts = [_readout(plan, readout) for readout in propagation.readouts]
    texts += [_readout(plan, each.readout, f"gradient along {each.space} of ") for each in propagation.gradients]
    readouts = _cut(texts, 4 * _SHOWN)
    return rows + [("readouts" if n == 0 else "", text) for n, text in enumerate(readouts)]


def _seed(plan: Plan, seed: Seed) -> str:
    match seed:
        case AxisSeed(element, coefficient):
            return _term(coefficient, f"xᵢ→[{element}]")
        case CoordinateSeed(element, space, index, coefficient):
            name = plan.propagated.declarations.space(space).coordinate_name(index)
            return _term(coefficient, f"{name}→[{element}]")


def _readout(plan: Plan, readout: Readout, of: str = "") -> str:
    contraction = plan.propagated.contractions[readout.contraction]
    parts = _cut([_term(part.coefficient, _part(part)) for part in readout.parts], 8)
    shape = f" of shape {readout.shape}" if readout.shape else ""
    value = " + ".join(parts) or "0"
    return f"contraction {readout.contraction} of {contraction.field}{shape} = {of}{value}"


def _part(part: ReadoutPart) -> str:
    if part.weights is not None:
        shown = ", ".join(_cut([str(weight) for weight in part.weights], 6))
        return f"({shown})·[{part.element}]"
    if part.positions is None:
        return f"[{part.element}]"
    runs = _cut([f"{d}…{d + n - 1} at {p}" if n > 1 else f"{d} at {p}" for d, p, n in part.positions], 4)
    return f"[{part.element}]({', '.join(runs)})"


def _term(coefficient: Coefficient, text: str) -> str:
    if coefficient == ONE:
        return text
    return f"({coefficient})·{text}" if len(coefficient.terms) > 1 else f"{coefficient}·{text}"


def _cut(items: Sequence[str], shown: int = _SHOWN) -> list[str]:
    return list(items) if len(items) <= shown else [*items[:shown], f"… ({len(items) - shown} more)"]
