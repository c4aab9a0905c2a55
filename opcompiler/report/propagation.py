"""One propagation, told as basis, seeds, products and readouts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import assert_never

from opcompiler.ir.algebra import Algebra, Axis, AxisSeed, CoordinateSeed, Seed, Term
from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Propagation, Readout, ReadoutPart
from opcompiler.ir.surd import Number
from opcompiler.report.hasse import HASSE_CAPTION, hasse_svg
from opcompiler.report.story import Block, Carried, Lines, Math, Member, Picture, Prose
from opcompiler.report.symbols import coefficient_text, join_terms, number_text, subscript
from opcompiler.report.tangents import axis_blocks

__all__ = ["count_text", "propagation_blocks"]

_LONGEST_SUM = 12
"""Terms of a readout that are written out; a longer one is cut and counted."""


def propagation_blocks(
    propagation: Propagation, normal_form: NormalForm, scalars: Sequence[str], names: Sequence[str]
) -> tuple[Block, ...]:
    """Return what describes a propagation; `scalars` names indeterminates, `names` the contractions."""
    algebra = propagation.algebra
    declarations = normal_form.declarations
    heading = f"{', '.join(propagation.fields)}: {count_text(propagation.carried, 'coefficient')} per value"
    readouts = [_readout(readout, algebra, scalars, names) for readout in propagation.readouts]
    readouts += [
        f"{names[gradient.readout.contraction]} = gradient along {gradient.space}, by one reverse sweep, of "
        + _parts(gradient.readout, algebra, scalars)
        for gradient in propagation.gradients
    ]
    blocks: list[Block] = [
        Lines((Prose(f"{heading} ({propagation.strategy})"),)),
        _carried(propagation, declarations, scalars),
        *axis_blocks(algebra, declarations),
        Lines(tuple(Math(text) for text in readouts), "readout"),
    ]
    if len(algebra.elements) > 1:
        blocks.append(Picture(partial(hasse_svg, algebra), HASSE_CAPTION))
    return tuple(blocks)


def _carried(propagation: Propagation, declarations: Declarations, scalars: Sequence[str]) -> Carried:
    algebra = propagation.algebra
    recombined = {compression.axis: compression.width for compression in propagation.compressions}
    products = _products(algebra, scalars)
    seeds: dict[int, list[str]] = {}
    for seed in propagation.seeds:
        factor = coefficient_text(seed.coefficient, scalars)
        coordinate = _seeded(seed, algebra, declarations)
        seeds.setdefault(seed.element, []).append(
            coordinate if seed.coefficient == ONE else f"{factor} at {coordinate}"
        )
    members = tuple(
        Member(
            number=number,
            label=element.label,
            degree=element.degree,
            size=algebra.size(element),
            recombined=None if element.axis is None else recombined.get(element.axis),
            is_family=element.axis is not None,
            seeds=tuple(seeds.get(number, ())),
            product=products.get(number, ""),
        )
        for number, element in enumerate(algebra.elements)
    )
    return Carried(
        members=members,
        seeds=tuple(_seed(seed, algebra, declarations, scalars) for seed in propagation.seeds),
        products=tuple(f"(f·g){subscript(out)} has {terms}" for out, terms in sorted(products.items())),
        recombined=tuple(_compressions(propagation, declarations)),
    )


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
        names.append(first if part.size == 1 else f"{first}, {last}" if part.size == 2 else f"{first} … {last}")
    coordinates = ", ".join(names)
    return coordinates if axis.matrix is None else f"{len(axis.matrix)} combinations of {coordinates}"


def _seeded(seed: Seed, algebra: Algebra, declarations: Declarations) -> str:
    """Return the coordinates that a seed belongs to."""
    match seed:
        case CoordinateSeed(space=space, index=index):
            return declarations.space(space).coordinate_name(index)
        case AxisSeed(element=element):
            number = algebra.elements[element].axis
            assert number is not None
            return _axis(algebra.axes[number], declarations)
        case _:
            assert_never(seed)


def _seed(seed: Seed, algebra: Algebra, declarations: Declarations, scalars: Sequence[str]) -> str:
    coordinates, value = _seeded(seed, algebra, declarations), coefficient_text(seed.coefficient, scalars)
    if isinstance(seed, CoordinateSeed):
        return f"w{subscript(seed.element)} of {coordinates} is {value}"
    return f"w{subscript(seed.element)} of each of {coordinates} is {value}"


def _products(algebra: Algebra, scalars: Sequence[str]) -> dict[int, str]:
    by_result: dict[int, list[str]] = {}
    for term in algebra.table:
        by_result.setdefault(term.out, []).append(_product(term, algebra, scalars))
    return {out: join_terms(terms) for out, terms in by_result.items()}


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
    shape = f", of shape {'×'.join(str(n) for n in readout.shape)}" if readout.shape else ""
    return f"{names[readout.contraction]} = {_parts(readout, algebra, scalars)}{shape}"


def _parts(readout: Readout, algebra: Algebra, scalars: Sequence[str]) -> str:
    shown = [_part(part, algebra, scalars, is_scalar=not readout.shape) for part in readout.parts[:_LONGEST_SUM]]
    hidden = len(readout.parts) - len(shown)
    return join_terms(shown) + (f" + … ({hidden:,} more terms)" if hidden else "")


def _part(part: ReadoutPart, algebra: Algebra, scalars: Sequence[str], is_scalar: bool) -> str:
    is_total = algebra.elements[part.element].axis is not None and part.positions is None
    if part.weights is not None:
        weighted = _weighted(part.weights, part.element)
        return _times(part.coefficient, weighted, scalars)
    value = _times(part.coefficient, f"{'Σ ' if is_total else ''}w{subscript(part.element)}", scalars)
    if part.positions is None:
        return value
    if is_scalar:
        return _directions(part, algebra, scalars)
    places = [
        f"{start + 1:,}" if length == 1 else f"{start + 1:,}…{start + length:,}" for _, start, length in part.positions
    ]
    return f"{value} at {', '.join(places)}"


def _directions(part: ReadoutPart, algebra: Algebra, scalars: Sequence[str]) -> str:
    """Return the single directions of a family that a scalar readout takes."""
    if algebra.elements[part.element].axis is None:
        return _times(part.coefficient, f"w{subscript(part.element)}", scalars)
    taken = [first + step for first, _, run in part.positions or () for step in range(run)]
    text = join_terms([f"w{subscript(part.element)}[{direction + 1}]" for direction in taken])
    return _times(part.coefficient, text if len(taken) == 1 else f"({text})", scalars)


def _weighted(weights: Sequence[Number], element: int) -> str:
    """Return Σ of weighted directions, the weights written out where they are few."""
    if len(weights) > _LONGEST_SUM:
        return f"Σᵣ cᵣ·w{subscript(element)}[r]"
    terms = [_signed(weight, f"w{subscript(element)}[{r + 1}]") for r, weight in enumerate(weights)]
    return f"({join_terms(terms)})"


def _signed(weight: Number, what: str) -> str:
    sign, size = ("−", -weight) if float(weight) < 0 else ("", weight)
    if size == 1:
        return sign + what
    factor = number_text(size)
    return f"{sign}({factor})·{what}" if " " in factor else f"{sign}{factor}·{what}"


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


def count_text(number: int, noun: str) -> str:
    """Return e.g. `1 coefficient`, `1,000 coefficients`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
