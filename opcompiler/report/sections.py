"""The whole story of one operator, stage by stage: what was read, what is propagated, what is proved, what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from opcompiler import language
from opcompiler.errors import OpCompilerError
from opcompiler.ir.cost import DEVICES
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Certificate, Plan
from opcompiler.ir.schedule import bytes_text
from opcompiler.report.alternatives import alternatives_table
from opcompiler.report.given import direction_facts
from opcompiler.report.heads import head_text, output_text
from opcompiler.report.propagation import count_text, propagation_blocks
from opcompiler.report.sampling import sampling_blocks
from opcompiler.report.sources import sources_of
from opcompiler.report.story import Block, Code, Facts, Inline, Lines, Math, Prose, Section, Table
from opcompiler.report.symbols import contraction_name, contraction_text, power_text
from opcompiler.report.tangents import tangent_blocks

__all__ = ["contraction_names", "scalar_texts", "story"]


def story(plan: Plan, texts: Sequence[str] = ()) -> tuple[Section, ...]:
    """Return the sections of the report on a plan.

    Args:
        plan: the plan to explain.
        texts: the operator as the user wrote it, one text per entry; left out of the story when not given.
    """
    normal_form, propagated = plan.normal_form, plan.propagated
    sections = [
        Section("operator", (Facts(_operator(normal_form, texts)),)),
        Section("normal form", _normal_form(normal_form)),
        Section("estimator", sampling_blocks(plan)),
        Section("directions at call", _directions(plan)),
        Section(
            "propagation",
            propagation_blocks(plan.joint, propagated, scalar_texts(propagated), contraction_names(propagated)),
        ),
        Section("certificate", (Facts(_certificate(plan)),)),
        Section("cost", (Facts(_cost(plan)),)),
        Section("strategies weighed", alternatives_table(plan.alternatives)),
        Section("tangents", tangent_blocks(plan)),
        Section("sources", (Facts(sources_of(plan)),)),
    ]
    return tuple(section for section in sections if section.blocks)


def scalar_texts(normal_form: NormalForm) -> tuple[str, ...]:
    """Return the values of the scalars s₀, s₁, …, bracketed where they are factors."""
    return tuple(_bracketed(head_text(scalar, normal_form.declarations)) for scalar in normal_form.scalars)


def contraction_names(normal_form: NormalForm) -> tuple[str, ...]:
    """Return how the contractions are called."""
    return tuple(
        contraction_name(number, contraction, normal_form.declarations)
        for number, contraction in enumerate(normal_form.contractions)
    )


def _bracketed(text: str) -> str:
    return f"({text})" if any(sign in text for sign in " ·/") else text


def _operator(normal_form: NormalForm, texts: Sequence[str]) -> tuple[tuple[str, Inline], ...]:
    written = [("written", Code(text)) for text in texts]
    read = [("read as", Math(text, _as_latex(text, normal_form.declarations))) for text in normal_form.written]
    return (*written, *read, *_declarations(normal_form.declarations))


def _as_latex(text: str, declarations: Declarations) -> str:
    """Return what was read as LaTeX; "" where it came from elsewhere than a text."""
    try:
        return language.to_latex(language.parse(text, declarations).expressions[0], declarations)
    except OpCompilerError:
        return ""


def _declarations(declarations: Declarations) -> list[tuple[str, Inline]]:
    spaces = ", ".join(f"{space.name}{_of_shape(space.shape)}" for space in declarations.spaces)
    fields = ", ".join(f"{field.name}{_of_shape(field.shape)}" for field in declarations.fields)
    depends = "depends" if len(declarations.fields) == 1 else "depend"
    facts: list[tuple[str, Inline]] = [("where", Math(f"{fields} {depends} on {spaces}"))]
    if declarations.time is not None:
        space, index = declarations.time
        facts.append(("time", Math(declarations.space(space).coordinate_name(index))))
    runtime = [parameter.name for parameter in declarations.parameters if parameter.value is None]
    runtime += [f"{function.name}({', '.join(function.arguments)})" for function in declarations.functions]
    if runtime:
        facts.append(("at call", Math(", ".join(runtime))))
    return facts


def _of_shape(shape: tuple[int, ...]) -> str:
    return f" ∈ ℝ{'ˣ'.join(power_text('', n) if n != 1 else '¹' for n in shape)}" if shape else ""


def _normal_form(normal_form: NormalForm) -> tuple[Block, ...]:
    declarations, names = normal_form.declarations, contraction_names(normal_form)
    scalars = scalar_texts(normal_form)
    contractions = tuple(
        (Math(name), Math(contraction_text(contraction, declarations, scalars)))
        for name, contraction in zip(names, normal_form.contractions, strict=True)
    )
    labels = normal_form.labels or [f"{number + 1}" for number in range(len(normal_form.outputs))]
    results = [
        Math(f"result = {output_text(output, declarations, names)}")
        if normal_form.labels is None
        else Math(f"result {label} = {output_text(output, declarations, names)}")
        for label, output in zip(labels, normal_form.outputs, strict=True)
    ]
    legend = [Math("with " + ", ".join(f"s{n} = {text}" for n, text in enumerate(scalars)))] if scalars else []
    table = (Table((), contractions),) if contractions else ()
    return (*table, Lines((*results, *legend)))


def _directions(plan: Plan) -> tuple[Block, ...]:
    """Return the directions that are given at call, and the normal form along them."""
    if plan.directing is None:
        return ()
    return (Facts(tuple(direction_facts(plan.directing))), *_normal_form(plan.directing.normal_form))


def _certificate(plan: Plan) -> tuple[tuple[str, Inline], ...]:
    facts = _proof(plan.certificate)
    if len(plan.field_certificates) > 1:
        each = ", ".join(f"{field} {certificate.minimum}" for field, certificate in plan.field_certificates)
        facts.append(
            (
                "fields",
                Prose(f"with one callable per field, each is propagated on its own with its own minimum: {each}"),
            )
        )
    return tuple(facts)


def _proof(certificate: Certificate) -> list[tuple[str, Inline]]:
    by_order = " + ".join(f"{count:,}" for count in certificate.by_order)
    minimum = f"{count_text(certificate.minimum, 'coefficient')} = {by_order} by order, for {certificate.scope}"
    is_least = ", which is the minimum" if certificate.carried == certificate.minimum else ""
    facts: list[tuple[str, Inline]] = [
        ("minimum", Prose(minimum)),
        ("carried", Prose(f"{certificate.carried:,}{is_least}")),
        (
            "proved",
            Prose(
                "no scheme that evaluates the network once over a finite-dimensional commutative algebra and reads the "
                "result off linearly carries fewer (docs/mathematics.md, theorem 1)"
            ),
        ),
    ]
    if certificate.hankel_rank is not None:
        rank = f"the Hankel matrix of the symbols has rank {certificate.hankel_rank} modulo {certificate.prime}"
        facts.append(("checked", Prose(rank)))
    return facts


def _cost(plan: Plan) -> tuple[tuple[str, Inline], ...]:
    cost = plan.cost
    work = f"{cost.total:,} flops per point, {cost.linear:,} in linear layers and {cost.elementwise:,} elementwise"
    facts = [("work", Prose(work)), ("network", Prose(plan.profile.description))]
    if cost.traffic:
        facts.append(("memory", Prose(f"{bytes_text(cost.traffic)} written and read per point in single precision")))
    if cost.time:
        rates = DEVICES.get(plan.device)
        known = f" ({rates.source})" if rates is not None else ""
        facts.append(("time", Prose(f"about {_seconds(cost.time)} per point on {plan.device}{known}")))
    if plan.schedule is not None:
        schedule = plan.schedule
        steps = f"{schedule.points:,} of {count_text(schedule.batch, 'point')} at once"
        if schedule.blocks is not None:
            steps += f", {schedule.blocks.size:,} directions of axis {schedule.blocks.axis + 1} at a time"
        budget = "" if schedule.budget is None else f" of {bytes_text(schedule.budget)}"
        facts.append(("schedule", Prose(f"{steps}; predicted peak {bytes_text(schedule.peak)}{budget}")))
    return tuple(facts)


def _seconds(picoseconds: int) -> str:
    for unit, size in (("s", 10**12), ("ms", 10**9), ("µs", 10**6), ("ns", 10**3)):
        if picoseconds >= size:
            return f"{picoseconds / size:.3g} {unit}"
    return f"{picoseconds} ps"
