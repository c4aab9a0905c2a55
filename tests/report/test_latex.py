"""LaTeX of reports: balanced, with commands that LaTeX with amsmath and KaTeX both know, and nothing of the user's."""

from __future__ import annotations

import re

import pytest
from report.test_pages import HOSTILE, PLANS, hostile_plan

import opcompiler as oc
from opcompiler.report import explain_latex, notebook_latex

IN_TEXT = {"paragraph", "par", "noindent", "begin", "end", "hline", "texttt", "dots", "leavevmode", "nopagebreak"}
IN_TEXT |= {"textbackslash", "textasciicircum", "textasciitilde", "linewidth"}
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega "
    "varepsilon varphi Gamma Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
IN_FORMULAS = {
    *GREEK.split(), "partial", "Delta", "nabla", "sum", "tfrac", "frac", "sqrt", "dots", "in", "le", "ge", "cdot",
    "times", "vert", "Vert", "left", "right", "mathbb", "mathrm", "text", "backslash", "wedge", "sim", "top",
    "begin", "end",
}  # fmt: skip
COMMAND = re.compile(r"\\([A-Za-z]+)")


def stripped(latex: str) -> str:
    """Drop what is escaped, so that every brace, dollar and ampersand left over means something."""
    return re.sub(r"\\[\\{}$&%#_, ]|(?m:^%.*$)", "", latex)


def formulas(latex: str) -> list[str]:
    return re.findall(r"\$([^$]+)\$", re.sub(r"\\\$", "", latex))


def check(latex: str) -> None:
    text = stripped(latex)
    depth = 0
    for sign in text:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0, latex
    assert depth == 0
    assert text.count("$") % 2 == 0
    begun: list[str] = []
    for verb, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if verb == "begin":
            begun.append(name)
        else:
            assert begun.pop() == name
    assert not begun
    assert set(COMMAND.findall(re.sub(r"\$[^$]*\$", "", text))) <= IN_TEXT
    for formula in formulas(latex):
        assert set(COMMAND.findall(formula)) <= IN_FORMULAS, formula
        assert not re.search(r"_\{[^{}]*\}_|\^\{[^{}]*\}\^", formula), f"two indices: {formula}"
        assert formula.isascii(), formula


@pytest.mark.parametrize("name", PLANS)
def test_latex_is_balanced_and_uses_known_commands(name: str):
    check(explain_latex(PLANS[name]))
    assert (
        re.search(r"[#%&_^~]", re.sub(r"\$[^$]*\$", "", stripped(explain_latex(PLANS[name])).replace(" & ", "")))
        is None
    )


def test_every_row_has_the_columns_of_its_table():
    for columns, body in re.findall(
        r"\\begin\{tabular\}\{@\{\}(.*?)@\{\}\}\n(.*?)\\end\{tabular\}", explain_latex(PLANS["fields"]), re.DOTALL
    ):
        count = len(re.findall(r"[rl]|p\{", re.sub(r"\\linewidth", "", columns)))
        rows = [line for line in body.splitlines() if line != r"\hline"]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {count}


def test_what_users_write_stays_text():
    latex = explain_latex(hostile_plan(), [HOSTILE, "a_b^c {x} 50% #1 $5 ~ \\alpha ν"])
    check(latex)
    assert r"a\_b\textasciicircum{}c \{x\} 50\% \#1 \$5 \textasciitilde{} \textbackslash{}alpha $\nu$" in latex


def test_the_operator_is_the_latex_that_parses_back():
    text, declarations = "u_t - ν Δu + ∂⁴u/∂x1²∂x2²", {"spaces": {"x": 2, "t": None}, "parameters": {"ν": 2}}
    line = next(line for line in oc.explain(text, format="latex", **declarations).splitlines() if "read as" in line)
    (formula,) = formulas(line)
    assert oc.parse(formula, **declarations).expressions == oc.parse(text, **declarations).expressions


@pytest.mark.parametrize("name", PLANS)
def test_notebooks_show_one_displayed_formula(name: str):
    latex = notebook_latex(PLANS[name])
    assert latex.startswith("$$\\begin{aligned}\n")
    assert latex.endswith("\n\\end{aligned}$$")
    check(latex.replace("$$", "$"))
    assert rf"\ge {PLANS[name].certificate.minimum}" in latex
    assert PLANS[name]._repr_latex_() == latex
    assert oc.lower(PLANS[name])._repr_latex_() == latex
