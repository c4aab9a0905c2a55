"""A story as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import assert_never

from opcompiler.report.propagation import count_text
from opcompiler.report.story import Block, Carried, Facts, Inline, Lines, Picture, Prose, Section, Table
from opcompiler.report.symbols import subscript

__all__ = ["story_text"]

_LONGEST_LIST = 16
"""Lines of a list that are shown; a longer list is cut and counted."""
_WIDTH = 108
"""Columns of a phrase before it goes on below."""


def story_text(sections: Sequence[Section]) -> str:
    """Return the sections below each other, their lines indented."""
    return "\n\n".join(
        "\n".join([section.title, *(f"  {line}".rstrip() for block in section.blocks for line in _block(block))])
        for section in sections
    )


def _block(block: Block) -> list[str]:
    match block:
        case Facts(rows):
            return _facts(rows)
        case Lines(lines, title):
            shown = _cut([line.text for line in lines])
            return [title, *_indented(shown)] if title and shown else shown
        case Table():
            return _table(block)
        case Carried():
            return _carried(block)
        case Picture():
            return []
        case _:
            assert_never(block)


def _facts(rows: Sequence[tuple[str, Inline]]) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    lines: list[str] = []
    last = None
    for name, value in rows:
        parts = wrap(value.text, _WIDTH - width) if isinstance(value, Prose) else [value.text]
        lines.append(f"{'' if name == last else name:<{width}}   {parts[0]}")
        lines += [f"{'':<{width}}   {part}" for part in parts[1:]]
        last = name
    return lines


def _table(table: Table) -> list[str]:
    rows = [[cell.text for cell in row] for row in table.rows]
    rows = [list(table.head), *rows] if table.head else rows
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) if rows else 0)]
    widths[-1:] = [0]
    aligned = [
        "   ".join(
            f"{cell:>{width}}" if column in table.numbers else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return _cut(aligned, 3 * _LONGEST_LIST)


def _carried(carried: Carried) -> list[str]:
    lines: list[str] = []
    for degree in carried.degrees:
        members = [member for member in carried.members if member.degree == degree]
        lines.append(f"order {degree}: {count_text(sum(member.size for member in members), 'coefficient')}")
        lines += _indented(
            _cut([
                f"w{subscript(member.number)} = {member.label}"
                + (f", {member.size:,} directions" if member.is_family else "")
                for member in members
            ])
        )  # fmt: skip
    return [
        *lines,
        *carried.recombined,
        *_listed("seeds, all others being 0", carried.seeds),
        *_listed("products, besides f·gₖ + fₖ·g", carried.products),
    ]


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *_indented(_cut(list(lines)))] if lines else []


def _cut(lines: list[str], longest: int = _LONGEST_LIST) -> list[str]:
    hidden = len(lines) - longest
    return [*lines[:longest], f"… and {hidden:,} more"] if hidden > 1 else lines


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
