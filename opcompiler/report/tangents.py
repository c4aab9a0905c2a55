"""Directions of univariate jets: those that were weighed, and those that the plan runs along."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from opcompiler.ir.algebra import Algebra
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.kinds import instances
from opcompiler.ir.plan import Plan
from opcompiler.ir.strategy import JointTangents, SlotJet
from opcompiler.ir.surd import Number
from opcompiler.report.directions import Arrow, directions_svg
from opcompiler.report.story import Block, Facts, Lines, Math, Picture, Prose
from opcompiler.report.symbols import number_text, subscript

__all__ = ["axis_blocks", "tangent_blocks"]

_DRAWN = (2, 3)
"""Numbers of coordinates whose directions can be drawn."""
_CAPTION = "Directions of the jets, numbered as in the list; dashed ones point away."


def tangent_blocks(plan: Plan) -> tuple[Block, ...]:
    """Return the sets of directions and of slots that occur in a plan, each once."""
    declarations = plan.propagated.declarations
    blocks: list[Block] = []
    found = dict.fromkeys(part for part in instances(plan.alternatives) if isinstance(part, JointTangents | SlotJet))
    for part in found:
        blocks += _joint(part, declarations) if isinstance(part, JointTangents) else _slots(part, declarations)
    return tuple(blocks)


def axis_blocks(algebra: Algebra, declarations: Declarations) -> tuple[Block, ...]:
    """Return the directions that families of an algebra run along, where they are no coordinates."""
    blocks: list[Block] = []
    for number, axis in enumerate(algebra.axes):
        if axis.matrix is None:
            continue
        names = [
            declarations.space(part.space).coordinate_name(index)
            for part in axis.ranges
            for index in range(part.start, part.stop)
        ]
        families = {n for n, element in enumerate(algebra.elements) if element.axis == number}
        # The last coefficients of jets may be summed over the directions at once, in an element without an axis.
        reached = {term.out for term in algebra.table if families & {term.left, term.right}} | families
        order = max((algebra.elements[n].degree for n in reached), default=1)
        title = "directions" if len(algebra.axes) == 1 else f"directions of axis {number + 1}"
        blocks += _listed([(row, order) for row in axis.matrix], names, title)
    return tuple(blocks)


def _listed(jets: Sequence[tuple[Sequence[Number], int]], names: Sequence[str], title: str) -> list[Block]:
    told = [_combination(direction, names) for direction, _ in jets]
    lines = tuple(
        Math(f"v{subscript(n)} = {text}, order {order}")
        for n, (text, (_, order)) in enumerate(zip(told, jets, strict=True), 1)
    )
    blocks: list[Block] = [Lines(lines, title)]
    if len(names) in _DRAWN:
        arrows = [Arrow(tuple(row), order, text) for text, (row, order) in zip(told, jets, strict=True)]
        blocks.append(Picture(partial(directions_svg, arrows, names), _CAPTION))
    return blocks


def _joint(tangents: JointTangents, declarations: Declarations) -> list[Block]:
    if not tangents.jets:
        return []
    names = [declarations.space(space).coordinate_name(index) for space, index in tangents.coordinates]
    match tangents.status:
        case "proved":
            bound = "no set has fewer"
        case "bracketed":
            bound = f"at least {tangents.lower_bound:,} are needed"
        case "unknown":
            bound = "whether fewer are enough is not known"
    count = tangents.directions
    along = "" if count == len(tangents.jets) else f", {count:,} of order two or more"
    facts = Facts((
        ("jets", Prose(f"{len(tangents.jets):,}{along}; {bound}")),
        ("found by", Prose(tangents.source)),
    ))  # fmt: skip
    return [facts, *_listed([(jet.direction, jet.order) for jet in tangents.jets], names, "directions")]


def _slots(jet: SlotJet, declarations: Declarations) -> list[Block]:
    names = [declarations.space(space).coordinate_name(index) for space, index in jet.coordinates]
    powers = ", ".join(f"{name} at order {slot}" for name, slot in zip(names, jet.slots, strict=True))
    return [Facts((("one jet", Math(f"{powers}; all derivatives are read at order {jet.order} or below")),))]


def _combination(direction: Sequence[Number], names: Sequence[str]) -> str:
    """Return a direction as a sum of derivatives: ∂_x1 − 2·∂_x2."""
    text = ""
    for entry, name in zip(direction, names, strict=True):
        if not entry:
            continue
        sign, size = ("−", -entry) if float(entry) < 0 else ("+", entry)
        factor = number_text(size)
        factor = "" if size == 1 else f"({factor})·" if " " in factor else f"{factor}·"
        text += (f" {sign} " if text else sign.strip("+")) + f"{factor}∂_{name}"
    return text or "0"
