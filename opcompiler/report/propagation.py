"""One propagation, told as basis, seeds, products and readouts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import assert_never

from opcompiler.ir.algebra import Algebra, Axis, AxisSeed, CoordinateSeed, Element, Seed, Term
from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Propagation, Readout, ReadoutPart
from opcompiler.report.symbols import coefficient_text, join_terms

__all__ = ["propagation_lines"]

_LONGEST_LIST = 12
"""Lines of a list that are shown; a longer list is cut and counted."""


def propagation_lines(
    propagation: Propagation, normal_form: NormalForm, scalars: Sequence[str], names: Sequence[str]
) -> list[str]:
    """Return the lines that describe a propagation; `names` are those of the contractions."""
    algebra = propagation.algebra
    fields = ", ".join(propagation.fields)
    return [
        f"{fields}: {_count(propagation.carried, 'coefficient')} per value ({propagation.strategy})",
        *_indented(_basis(algebra)),
        *_indented(_compressions(propagation)),
        *_headed("seeds", [_seed_text(seed, algebra, normal_form, scalars) for seed in propagation.seeds]),
        *_headed("products, besides f·g_w + f_w·g", [_term_text(term, algebra, scalars) for term in algebra.table]),
        *_headed("readout", [_readout_text(r, algebra, scalars, names) for r in propagation.readouts]),
    ]


def _basis(algebra: Algebra) -> list[str]:
    lines: list[str] = []
    for degree, count in enumerate(algebra.by_order):
        members = [_element_text(e, algebra) for e in algebra.elements if e.degree == degree]
        lines.append(f"order {degree}: {count:>4}   {_cut(members)}")
    return lines


def _element_text(element: Element, algebra: Algebra) -> str:
    size = algebra.size(element)
    return element.label if element.axis is None else f"{element.label} ({size} directions)"


def _compressions(propagation: Propagation) -> list[str]:
    return [
        f"the {propagation.algebra.axes[c.axis].size} directions of {_axis_text(propagation.algebra.axes[c.axis])} are "
        f"recombined to {c.width} at the first layer, exactly"
        for c in propagation.compressions
    ]


def _axis_text(axis: Axis) -> str:
    ranges = ", ".join(f"{r.space}[{r.start + 1}…{r.stop}]" if r.size > 1 else r.space for r in axis.ranges)
    return ranges if axis.matrix is None else f"{len(axis.matrix)} rational combinations of {ranges}"


def _seed_text(seed: Seed, algebra: Algebra, normal_form: NormalForm, scalars: Sequence[str]) -> str:
    match seed:
        case CoordinateSeed(element, space, index, coefficient):
            coordinate = normal_form.declarations.space(space).coordinate_name(index)
            return f"{coordinate} has {_times(coefficient, algebra.elements[element].label, scalars)}"
        case AxisSeed(element, coefficient):
            member = algebra.elements[element]
            assert member.axis is not None
            axis = _axis_text(algebra.axes[member.axis])
            return f"each of {axis} has {_times(coefficient, member.label, scalars)} along itself"
        case _:
            assert_never(seed)


def _term_text(term: Term, algebra: Algebra, scalars: Sequence[str]) -> str:
    left, right, out = (algebra.elements[n] for n in (term.left, term.right, term.out))
    product = f"f[{left.label}]·g[{right.label}]"
    if term.left != term.right:
        product = f"({product} + f[{right.label}]·g[{left.label}])"
    summed = left.axis is not None and right.axis is not None and out.axis is None
    weights = " with weights" if term.weights is not None else ""
    suffix = f", summed over directions{weights}" if summed else ""
    return f"(fg)[{out.label}] gets {_times(term.coefficient, product, scalars)}{suffix}"


def _readout_text(readout: Readout, algebra: Algebra, scalars: Sequence[str], names: Sequence[str]) -> str:
    parts = join_terms([_part_text(part, algebra, scalars) for part in readout.parts])
    shape = f"   (shape {'×'.join(str(n) for n in readout.shape)})" if readout.shape else ""
    return f"{names[readout.contraction]} = {parts}{shape}"


def _part_text(part: ReadoutPart, algebra: Algebra, scalars: Sequence[str]) -> str:
    element = algebra.elements[part.element]
    total = "Σ " if element.axis is not None and part.positions is None else ""
    return _times(part.coefficient, f"{total}[{element.label}]", scalars)


def _times(coefficient: Coefficient, what: str, scalars: Sequence[str]) -> str:
    if coefficient == ONE:
        return what
    if coefficient == -ONE:
        return f"−{what}"
    text = coefficient_text(coefficient, scalars)
    fraction = coefficient.is_rational and coefficient.rational.denominator != 1
    if fraction and coefficient.rational > 0:
        return f"({text})·{what}"
    if fraction or len(coefficient.terms) > 1:
        return f"−({coefficient_text(-coefficient, scalars)})·{what}" if _negative(coefficient) else f"({text})·{what}"
    return f"{text}·{what}"


def _negative(coefficient: Coefficient) -> bool:
    return coefficient.is_rational and coefficient.rational < Fraction(0)


def _headed(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    shown = lines[:_LONGEST_LIST]
    if len(lines) > len(shown):
        shown.append(f"… and {len(lines) - len(shown)} more")
    return _indented([title, *_indented(shown)])


def _cut(members: list[str]) -> str:
    shown = ", ".join(members[:_LONGEST_LIST])
    return f"{shown}, … and {len(members) - _LONGEST_LIST} more" if len(members) > _LONGEST_LIST else shown


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
