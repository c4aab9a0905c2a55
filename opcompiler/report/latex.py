r"""A story as LaTeX: paragraphs with tables and formulas, to be included in a paper by `\input`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from opcompiler.ir.plan import Plan
from opcompiler.report.heads import output_text
from opcompiler.report.sections import contraction_names, scalar_texts
from opcompiler.report.story import Block, Carried, Code, Facts, Inline, Lines, Math, Picture, Prose, Section, Table
from opcompiler.report.symbols import contraction_text, subscript
from opcompiler.report.typeset import Typesetter, latex_text

__all__ = ["normal_form_latex", "story_latex"]

_LONGEST_LIST = 40
"""Rows of a list or table that are shown, what fits on a page; a longer one is cut and counted."""


def story_latex(sections: Sequence[Section], typesetter: Typesetter) -> str:
    """Return the sections as paragraphs."""
    body = "\n".join(_section(section, typesetter) for section in sections)
    return f"% Made by opcompiler. Needs \\usepackage{{amsmath,amssymb}} and, for pdflatex, UTF-8 input.\n{body}"


def normal_form_latex(plan: Plan, typesetter: Typesetter) -> str:
    """Return what the operator is made of and the proven minimum as one displayed formula."""
    normal_form = plan.normal_form
    declarations, scalars, names = normal_form.declarations, scalar_texts(normal_form), contraction_names(normal_form)
    rows = [
        rf"{typesetter.formula(name)} &: {typesetter.formula(contraction_text(contraction, declarations, scalars))}"
        for name, contraction in zip(names, normal_form.contractions, strict=True)
    ][:_LONGEST_LIST]
    rows += [
        rf"\text{{result}} &= {typesetter.formula(output_text(output, declarations, names))}"
        for output in normal_form.outputs[:_LONGEST_LIST]
    ]
    rows.append(
        rf"\text{{coefficients}} &\ge {plan.certificate.minimum}, \text{{ carried: }} {plan.certificate.carried}"
    )
    return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"


def _section(section: Section, typesetter: Typesetter) -> str:
    blocks = "\n".join(filter(None, (_block(block, typesetter) for block in section.blocks)))
    return f"\\paragraph{{{latex_text(section.title.capitalize())}}}\\leavevmode\\nopagebreak\n{blocks}\n"


def _block(block: Block, typesetter: Typesetter) -> str:
    match block:
        case Facts(rows):
            return _tabular(
                r"l p{0.77\linewidth}", [], [[latex_text(name), _inline(v, typesetter)] for name, v in rows]
            )
        case Lines(lines, title):
            rows = [[_inline(line, typesetter)] for line in lines]
            heading = f"\\par\\noindent {latex_text(title)}:\n" if title and rows else ""
            return heading + _tabular(r"p{0.97\linewidth}", [], rows) if rows else ""
        case Table():
            return _table(block, typesetter)
        case Carried():
            return _carried(block, typesetter)
        case Picture():
            return ""
        case _:
            assert_never(block)


def _inline(value: Inline, typesetter: Typesetter) -> str:
    match value:
        case Code(text):
            return rf"\texttt{{{latex_text(text)}}}"
        case Prose(text):
            return latex_text(text)
        case Math(_, latex) if latex:
            return f"${latex}$"
        case Math(text):
            return typesetter.latex(text)
        case _:
            assert_never(value)


def _table(table: Table, typesetter: Typesetter) -> str:
    if not table.rows:
        return ""
    width = len(table.rows[0])
    columns = ["r" if column in table.numbers else "l" for column in range(width - 1)]
    # What the other columns leave of a line.
    columns.append(rf"p{{{0.94 - 0.17 * (width - 1):.2f}\linewidth}}")
    rows = [[_inline(cell, typesetter) for cell in row] for row in table.rows]
    return _tabular(" ".join(columns), [latex_text(name) for name in table.head], rows)


def _carried(carried: Carried, typesetter: Typesetter) -> str:
    rows: list[list[str]] = []
    for member in carried.members:
        index = subscript(member.number)
        directions = f" ({member.size:,} directions)" if member.is_family else ""
        rows.append(
            [
                str(member.degree),
                typesetter.latex(f"w{index}"),
                typesetter.latex(member.label) + latex_text(directions),
                ", ".join(map(typesetter.latex, member.seeds)),
                typesetter.latex(member.product),
            ]
        )
    head = ["order", "element", "carries", "seeded by", r"$(fg)_k - fg_k - f_kg$"]
    columns = r"r l p{0.28\linewidth} p{0.12\linewidth} p{0.33\linewidth}"
    notes = "".join(f"\n{latex_text(line[0].upper() + line[1:])}." for line in carried.recombined)
    return _tabular(columns, head, rows) + notes


def _tabular(columns: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    shown = [" & ".join(row) + r" \\" for row in rows[:_LONGEST_LIST]]
    if len(rows) > _LONGEST_LIST:
        shown.append(rf"\dots{{}} and {len(rows) - _LONGEST_LIST} more \\")
    if head:
        shown = [" & ".join(head) + r" \\", r"\hline", *shown]
    body = "\n".join(shown)
    return f"\\par\\noindent\n\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n{body}\n\\end{{tabular}}"
