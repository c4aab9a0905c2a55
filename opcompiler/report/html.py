"""A story as HTML: one page or one fragment, complete in itself, without scripts, for light and dark surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import assert_never

from opcompiler.report.propagation import count_text
from opcompiler.report.story import Block, Carried, Code, Facts, Inline, Lines, Math, Picture, Prose, Section, Table
from opcompiler.report.symbols import subscript
from opcompiler.report.typeset import Typesetter

__all__ = ["story_fragment", "story_page"]

_LONGEST_LIST = 400
"""Rows of a list or table that are shown; a longer one is cut and counted."""

_STYLE = """\
.opcompiler{--ink:#1b2430;--soft:#5b6675;--line:#d8dee6;--paper:#ffffff;--code:#f3f5f8;--accent:#2f5f9e;
color:var(--ink);background:var(--paper);max-width:70rem;margin:0 auto;padding:1rem 1.25rem;
font:15px/1.5 ui-sans-serif,system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
@media(prefers-color-scheme:dark){.opcompiler{--ink:#e6eaf0;--soft:#a3afbd;--line:#333c48;--paper:#14181f;--code:#1d232c;
--accent:#7fb0f5}}
.opcompiler h1{font-size:1.35rem;margin:.2rem 0 1rem;overflow-wrap:anywhere}
.opcompiler h2{font-size:1rem;margin:1.6rem 0 .4rem;color:var(--accent);border-bottom:1px solid var(--line)}
.opcompiler h3{font-size:.95rem;margin:.8rem 0 .2rem}
.opcompiler dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem;margin:.4rem 0}
.opcompiler dt{color:var(--soft)}.opcompiler dd{margin:0;overflow-wrap:anywhere}
.opcompiler code{background:var(--code);border-radius:4px;padding:.1em .35em;font-size:.95em}
.opcompiler .wide{overflow-x:auto}
.opcompiler table{border-collapse:collapse;margin:.4rem 0;color:inherit;background:none}
.opcompiler th,.opcompiler td{text-align:left;vertical-align:top;padding:.2rem .9rem .2rem 0;background:none;
border-bottom:1px solid var(--line)}
.opcompiler th{color:var(--soft);font-weight:500}
.opcompiler .number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.opcompiler ul{list-style:none;margin:.2rem 0;padding:0}.opcompiler .chosen{font-weight:600}
.opcompiler .soft,.opcompiler figcaption{color:var(--soft);font-size:.9em}
.opcompiler figure{margin:.8rem 0;overflow-x:auto}.opcompiler sub,.opcompiler sup{line-height:0;font-size:.78em}
"""


def story_page(sections: Sequence[Section], typesetter: Typesetter, heading: str) -> str:
    """Return a whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(heading)} · opcompiler</title>\n"
        "<style>html{background:#fff}@media(prefers-color-scheme:dark){html{background:#14181f}}body{margin:0}</style>\n"
        f"</head>\n<body>\n{story_fragment(sections, typesetter, heading)}</body>\n</html>\n"
    )


def story_fragment(sections: Sequence[Section], typesetter: Typesetter, heading: str = "") -> str:
    """Return what stands between the tags of the body; its style touches nothing around it."""
    title = f"<h1>{escape(heading)}</h1>\n" if heading else ""
    body = "".join(_section(section, typesetter) for section in sections)
    return f'<div class="opcompiler">\n<style>{_STYLE}</style>\n{title}{body}</div>\n'


def _section(section: Section, typesetter: Typesetter) -> str:
    blocks = "".join(_block(block, typesetter) for block in section.blocks)
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{blocks}</section>\n"


def _block(block: Block, typesetter: Typesetter) -> str:
    match block:
        case Facts(rows):
            facts = "".join(f"<dt>{escape(name)}</dt><dd>{_inline(value, typesetter)}</dd>\n" for name, value in rows)
            return f"<dl>\n{facts}</dl>\n"
        case Lines(lines, title):
            heading = f"<h3>{escape(title)}</h3>\n" if title else ""
            return f"{heading}{_list([_inline(line, typesetter) for line in lines])}"
        case Table():
            return _table(
                table_head=[escape(name) for name in block.head],
                rows=[[_inline(cell, typesetter) for cell in row] for row in block.rows],
                numbers=block.numbers,
                marked=block.marked,
            )
        case Carried():
            return _carried(block, typesetter)
        case Picture(draw, caption):
            return f"<figure>\n{draw()}\n<figcaption>{escape(caption)}</figcaption>\n</figure>\n"
        case _:
            assert_never(block)


def _inline(value: Inline, typesetter: Typesetter) -> str:
    match value:
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Prose(text):
            return escape(text)
        case Math(text):
            return typesetter.html(text)
        case _:
            assert_never(value)


def _list(items: Sequence[str]) -> str:
    shown = [f"<li>{item}</li>\n" for item in items[:_LONGEST_LIST]]
    return f"<ul>\n{''.join(shown)}</ul>\n{_rest(len(items))}"


def _rest(count: int) -> str:
    return f'<p class="soft">… and {count - _LONGEST_LIST:,} more</p>\n' if count > _LONGEST_LIST else ""


def _table(
    table_head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int], marked: Sequence[int] = ()
) -> str:
    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="number">{cell}</{tag}>' if column in numbers else f"<{tag}>{cell}</{tag}>"
            for column, cell in enumerate(row)
        )

    head = f"<thead><tr>{cells('th', table_head)}</tr></thead>\n" if table_head else ""
    opening = ['<tr class="chosen">' if n in marked else "<tr>" for n in range(len(rows))]
    body = "".join(
        f"{tr}{cells('td', row)}</tr>\n" for tr, row in list(zip(opening, rows, strict=True))[:_LONGEST_LIST]
    )
    return f'<div class="wide"><table>\n{head}<tbody>\n{body}</tbody></table></div>\n{_rest(len(rows))}'


def _carried(carried: Carried, typesetter: Typesetter) -> str:
    rows: list[list[str]] = []
    for member in carried.members:
        count = f"{member.size:,}" + (f", recombined to {member.recombined:,}" if member.recombined is not None else "")
        rows.append(
            [
                str(member.degree),
                typesetter.html(f"w{subscript(member.number)}"),
                typesetter.html(member.label),
                count,
                ", ".join(map(typesetter.html, member.seeds)),
                typesetter.html(f"(f·g){subscript(member.number)} = f·g{subscript(member.number)} + "
                                f"f{subscript(member.number)}·g + {member.product}") if member.product else "",
            ]
        )  # fmt: skip
    total = count_text(sum(member.size for member in carried.members), "coefficient")
    head = ["order", "element", "carries", total, "seeded by", "product"]
    return _table(head, rows, (0, 3)) + _list([escape(line) for line in carried.recombined])
