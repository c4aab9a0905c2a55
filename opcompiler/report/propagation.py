"""One propagation, told as basis, seeds, products and readouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from opcompiler.ir.algebra import Algebra, Axis, AxisSeed, CoordinateSeed, Seed, Term
from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Propagation, Readout, ReadoutPart
from opcompiler.report.symbols import coefficient_text, join_terms, subscript

__all__ = ["propagation_lines"]

_LONGEST_LIST = 16
"""Lines of a list that are shown; a longer list is cut and counted."""


def propagation_lines(
    propagation: Propagation, normal_form: NormalForm, scalars: Sequence[str], names: Sequence[str]
) -> list[str]:
    """Return the lines that describe a propagation; `scalars` names indeterminates, `names` the contractions."""
    algebra = propagation.algebra
    declarations = normal_form.declarations
    fields = ", ".join(propagation.fields)
    return [
        f"{fields}: {_count(propagation.carried, 'coefficient')} per value ({propagation.strategy})",
        *_basis(algebra),
        *_compressions(propagation, declarations),
        *_listed("seeds", [_seed(seed, algebra, declarations, scalars) for seed in propagation.seeds]),
        *_listed("products: besides f·gₖ + fₖ·g,", _products(algebra, scalars)),
        *_listed("readout", [_readout(readout, algebra, scalars, names) for readout in propagation.readouts]),
    ]


def _basis(algebra: Algebra) -> list[str]:
    lines: list[str] = []
    for degree, count in enumerate(algebra.by_order):
        members: list[str] = []
        for number, element in enumerate(algebra.elements):
            if element.degree == degree:
                directions = "" if element.axis is None else f", {algebra.size(element):,} directions"
                members.append(f"w{subscript(number)} = {element.label}{directions}")
        lines.append(f"order {degree}: {_count(count, 'coefficient')}")
        lines += _indented(_cut(members))
    return lines


def _compressions(propagation: Propagation, declarations: Declarations) -> list[str]:
    axes = propagation.algebra.axes
    return [
        f"the {axes[c.axis].size:,} directions along {_axis(axes[c.axis], declarations)} are recombined to {c.width} "
        "where the network first mixes them, exactly"
        for c in propagation.compressions
    ]


def _axis(axis: Axis, declarations: Declarations) -> str:
    names: list[str] = []
    for part in axis.ranges:
        space = declarations.space(part.space)
        first, last = space.coordinate_name(part.start), space.coordinate_name(part.stop - 1)
        names.append(first if part.size == 1 else f"{first} … {last}")
    coordinates = ", ".join(names)
    return coordinates if axis.matrix is None else f"{len(axis.matrix)} combinations of {coordinates}"


def _seed(seed: Seed, algebra: Algebra, declarations: Declarations, scalars: Sequence[str]) -> str:
    match seed:
        case CoordinateSeed(element, space, index, coefficient):
            coordinate = declarations.space(space).coordinate_name(index)
            return f"{coordinate} has {_times(coefficient, '', scalars) or '1'} in w{subscript(element)}"
        case AxisSeed(element, coefficient):
            number = algebra.elements[element].axis
            assert number is not None
            value = _times(coefficient, "", scalars) or "1"
            return f"{_axis(algebra.axes[number], declarations)}: each has {value} in its w{subscript(element)}"
        case _:
            assert_never(seed)


def _products(algebra: Algebra, scalars: Sequence[str]) -> list[str]:
    by_result: dict[int, list[str]] = {}
    for term in algebra.table:
        by_result.setdefault(term.out, []).append(_product(term, algebra, scalars))
    return [f"(f·g){subscript(out)} has {join_terms(terms)}" for out, terms in sorted(by_result.items())]


def _product(term: Term, algebra: Algebra, scalars: Sequence[str]) -> str:
    left, right = subscript(term.left), subscript(term.right)
    product = f"f{left}·g{right}"
    is_sum = term.left != term.right
    if is_sum:
        product += f" + f{right}·g{left}"
    a, b, out = (algebra.elements[number] for number in (term.left, term.right, term.out))
    if a.axis is not None and b.axis is not None and out.axis is None:
        product = f"Σ {'weights·' if term.weights is not None else ''}{f'({product})' if is_sum else product}"
    return (
        product if term.coefficient == ONE else _times(term.coefficient, f"({product})" if is_sum else product, scalars)
    )


def _readout(readout: Readout, algebra: Algebra, scalars: Sequence[str], names: Sequence[str]) -> str:
    parts = join_terms([_part(part, algebra, scalars) for part in readout.parts])
    shape = f", of shape {'×'.join(str(n) for n in readout.shape)}" if readout.shape else ""
    return f"{names[readout.contraction]} = {parts}{shape}"


def _part(part: ReadoutPart, algebra: Algebra, scalars: Sequence[str]) -> str:
    is_total = algebra.elements[part.element].axis is not None and part.positions is None
    value = _times(part.coefficient, f"{'Σ ' if is_total else ''}w{subscript(part.element)}", scalars)
    if part.positions is None:
        return value
    places = [
        f"{start + 1:,}" if length == 1 else f"{start + 1:,}…{start + length:,}" for _, start, length in part.positions
    ]
    return f"{value} at {', '.join(places)}"


def _times(coefficient: Coefficient, what: str, scalars: Sequence[str]) -> str:
    """Return coefficient·what, the coefficient left out where it is 1; nothing for 1 times nothing."""
    if coefficient == ONE:
        return what
    if coefficient == -ONE and what:
        return f"−{what}"
    text = coefficient_text(coefficient, scalars)
    if not what:
        return text
    return f"({text})·{what}" if len(coefficient.terms) > 1 else f"{text}·{what}"


def _listed(title: str, lines: list[str]) -> list[str]:
    return [title, *_indented(_cut(lines))] if lines else []


def _cut(lines: list[str]) -> list[str]:
    hidden = len(lines) - _LONGEST_LIST
    return [*lines[:_LONGEST_LIST], f"… and {hidden:,} more"] if hidden > 1 else lines


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
