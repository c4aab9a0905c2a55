"""The whole story of one operator, stage by stage, as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Certificate, Plan
from opcompiler.ir.strategy import Alternative
from opcompiler.report.heads import head_text, output_text
from opcompiler.report.propagation import propagation_lines
from opcompiler.report.symbols import contraction_name, contraction_text

__all__ = ["explain_text"]


def explain_text(plan: Plan, texts: Sequence[str] = ()) -> str:
    """Return what was written, how it was read, its normal form, the propagation, the proof and the cost.

    Args:
        plan: the plan to explain.
        texts: the operator as the user wrote it, one text per entry; left out of the story when not given.
    """
    normal_form = plan.normal_form
    scalars = [_bracketed(head_text(scalar, normal_form.declarations)) for scalar in normal_form.scalars]
    names = [
        contraction_name(number, contraction, normal_form.declarations)
        for number, contraction in enumerate(normal_form.contractions)
    ]
    sections = [
        ("operator", _operator(normal_form, texts)),
        ("normal form", _normal_form(normal_form, scalars, names)),
        ("propagation", propagation_lines(plan.joint, normal_form, scalars, names)),
        ("certificate", _certificate(plan)),
        ("cost", _cost(plan)),
        ("weighed against it", _alternatives(plan)),
    ]
    sections = [(title, lines) for title, lines in sections if lines]
    return "\n\n".join("\n".join([title, *(f"  {line}" for line in lines)]) for title, lines in sections)


def _operator(normal_form: NormalForm, texts: Sequence[str]) -> list[str]:
    written = [f"written   {text}" for text in texts]
    read = [f"read as   {text}" for text in normal_form.written]
    return [*written, *read, *_declarations(normal_form.declarations)]


def _declarations(declarations: Declarations) -> list[str]:
    spaces = ", ".join(
        space.name if space.shape == () else f"{space.name} ∈ R^{'×'.join(str(n) for n in space.shape)}"
        for space in declarations.spaces
    )
    fields = ", ".join(
        field.name if field.shape == () else f"{field.name} ∈ R^{'×'.join(str(n) for n in field.shape)}"
        for field in declarations.fields
    )
    lines = [f"where     {fields} {'depends' if len(declarations.fields) == 1 else 'depend'} on {spaces}"]
    if declarations.time is not None:
        space, index = declarations.time
        lines.append(f"time      {declarations.space(space).coordinate_name(index)}")
    runtime = [parameter.name for parameter in declarations.parameters if parameter.value is None]
    runtime += [f"{function.name}({', '.join(function.arguments)})" for function in declarations.functions]
    if runtime:
        lines.append(f"at call   {', '.join(runtime)}")
    return lines


def _normal_form(normal_form: NormalForm, scalars: Sequence[str], names: Sequence[str]) -> list[str]:
    declarations = normal_form.declarations
    width = max((len(name) for name in names), default=0)
    contractions = [
        f"{name:<{width}}   {contraction_text(contraction, declarations, scalars)}"
        for name, contraction in zip(names, normal_form.contractions, strict=True)
    ]
    labels = normal_form.labels or [f"{number + 1}" for number in range(len(normal_form.outputs))]
    results = [
        f"result = {output_text(output, declarations, names)}"
        if normal_form.labels is None
        else f"result {label} = {output_text(output, declarations, names)}"
        for label, output in zip(labels, normal_form.outputs, strict=True)
    ]
    legend = [f"s{number} = {text}" for number, text in enumerate(scalars)]
    return [*contractions, *results, *(["with " + ", ".join(legend)] if legend else [])]


def _certificate(plan: Plan) -> list[str]:
    lines = _proof(plan.certificate)
    if len(plan.field_certificates) > 1:
        each = ", ".join(f"{field} {certificate.minimum}" for field, certificate in plan.field_certificates)
        lines.append(f"with one callable per field, each is propagated on its own: {each}")
    return lines


def _proof(certificate: Certificate) -> list[str]:
    by_order = " + ".join(f"{count:,}" for count in certificate.by_order)
    lines = [f"minimum   {certificate.minimum:,} coefficients = {by_order} by order, for {certificate.scope}"]
    if certificate.carried == certificate.minimum:
        lines.append(f"carried   {certificate.carried:,}, which is the minimum")
    else:
        lines.append(f"carried   {certificate.carried:,}")
    lines += [
        "proved    no scheme that evaluates the network once over a finite-dimensional commutative algebra and",
        "          reads the result off linearly carries fewer (docs/mathematics.md, theorem 1)",
    ]
    if certificate.hankel_rank is not None:
        lines.append(
            f"checked   the Hankel matrix of the symbols has rank {certificate.hankel_rank} modulo {certificate.prime}"
        )
    return lines


def _cost(plan: Plan) -> list[str]:
    cost = plan.cost
    return [
        f"{cost.total:,} flops per point, {cost.linear:,} in linear layers and {cost.elementwise:,} elementwise",
        f"estimated for the network: {plan.profile.description}",
    ]


def _alternatives(plan: Plan) -> list[str]:
    """Return one line per strategy that is not used: its price, what is known of its directions, the reason."""
    rejected = [alternative for alternative in plan.alternatives if not alternative.chosen]
    names = max((len(alternative.strategy) for alternative in rejected), default=0)
    lines: list[str] = []
    for alternative in rejected:
        count = "–" if alternative.coefficients is None else f"{alternative.coefficients:,}"
        directions = f" ({_directions(alternative)})" if alternative.directions and alternative.lower_bound else ""
        lines.append(f"{alternative.strategy:<{names}}   {count:>6}   {alternative.reason}{directions}")
    return lines


def _directions(alternative: Alternative) -> str:
    count, bound = alternative.directions, alternative.lower_bound
    noun = "direction" if count == 1 else "directions"
    match alternative.status:
        case "proved":
            return f"{count:,} {noun}, no set has fewer"
        case "bracketed":
            return f"{count:,} {noun}, at least {bound:,} needed"
        case "unknown":
            return f"{count:,} {noun}"


def _bracketed(text: str) -> str:
    return f"({text})" if any(sign in text for sign in " ·/") else text
