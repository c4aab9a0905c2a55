"""Directions of univariate jets: those that were weighed, and those that the plan runs along."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from opcompiler.ir.declarations import Declarations
from opcompiler.ir.kinds import instances
from opcompiler.ir.plan import Plan
from opcompiler.ir.strategy import JointTangents, SlotJet
from opcompiler.ir.surd import Number
from opcompiler.report.directions import Arrow, directions_svg
from opcompiler.report.story import Block, Facts, Lines, Math, Picture, Prose
from opcompiler.report.symbols import number_text, subscript

__all__ = ["tangent_blocks"]

_DRAWN = (2, 3)
"""Numbers of coordinates whose directions can be drawn."""


def tangent_blocks(plan: Plan) -> tuple[Block, ...]:
    """Return the sets of directions and of slots that occur in a plan, each once."""
    declarations = plan.propagated.declarations
    blocks: list[Block] = []
    found = dict.fromkeys(part for part in instances(plan.alternatives) if isinstance(part, JointTangents | SlotJet))
    for part in found:
        blocks += _joint(part, declarations) if isinstance(part, JointTangents) else _slots(part, declarations)
    return tuple(blocks)


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
    lines = tuple(
        Math(f"v{subscript(n)} = {_combination(jet.direction, names)}, order {jet.order}")
        for n, jet in enumerate(tangents.jets, 1)
    )
    facts = Facts((
        ("jets", Prose(f"{len(tangents.jets):,}{along}; {bound}")),
        ("found by", Prose(tangents.source)),
    ))  # fmt: skip
    blocks: list[Block] = [facts, Lines(lines, "directions")]
    if len(names) in _DRAWN:
        arrows = [Arrow(jet.direction, jet.order, _combination(jet.direction, names)) for jet in tangents.jets]
        drawing = partial(directions_svg, arrows, names)
        blocks.append(Picture(drawing, "Directions of the jets, numbered as in the list; dashed ones point away."))
    return blocks


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
