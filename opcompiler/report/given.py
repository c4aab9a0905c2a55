"""Directions that are given at call: what their entries are."""

from __future__ import annotations

from collections.abc import Iterator

from opcompiler.ir.directing import COORDINATE, DIRECTION, DirectedSpace, Directing
from opcompiler.ir.head import Components
from opcompiler.ir.reindexing import reindexed
from opcompiler.report.heads import head_text
from opcompiler.report.story import Inline, Math

__all__ = ["direction_facts"]


def direction_facts(directing: Directing) -> Iterator[tuple[str, Inline]]:
    """Yield the names of directions with their entries, one direction at a time where they are written so."""
    declarations = directing.normal_form.declarations
    for own in directing.spaces:
        name = declarations.space(own.space).coordinate_name
        if isinstance(own.rows, Components) and own.rows.label == DIRECTION:
            for number, row in enumerate(own.rows.entries):
                entries = head_text(reindexed(row, COORDINATE, "i"), declarations)
                yield name(number), Math(f"{entries} for the coordinates i of {own.of}")
        else:
            rows = reindexed(reindexed(own.rows, COORDINATE, "i"), DIRECTION, "k")
            entries = head_text(rows, declarations)
            yield _names(own, name(0), name(own.directions - 1)), Math(f"{entries} for the coordinates i of {own.of}")


def _names(space: DirectedSpace, first: str, last: str) -> str:
    return first if space.directions == 1 else f"{first} … {last}"
