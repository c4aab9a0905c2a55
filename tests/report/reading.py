"""Reads an algebra back from what a report shows of it, in each format, into polynomials.

Shares nothing with the package: every format is first turned into one line of the form `1/2·∂_{x_{1}}^{2}u`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

import sympy

RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
VOID = {"meta", "link", "br", "img", "hr", "input"}


@dataclass
class Shown:
    """What a report says: elements by number, the rest of their product rule, and the readouts, as single lines."""

    labels: dict[int, str]
    products: dict[int, str]
    readouts: dict[str, str]


class Page(HTMLParser):
    """The tags, table rows and list items of a page; text keeps indices as _{…} and powers as ^{…}."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.items: list[str] = []
        self.text = ""
        self._cell: list[str] | None = None
        self.feed(html)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th", "li"}:
            self._cell = []
        if tag in {"sub", "sup"} and self._cell is not None:
            self._cell.append({"sub": "_{", "sup": "^{"}[tag])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in {"sub", "sup"} and self._cell is not None:
            self._cell.append("}")
        if tag in {"td", "th"}:
            self.rows[-1].append("".join(self._cell or []))
        if tag == "li":
            self.items.append("".join(self._cell or []))
        if tag in {"td", "th", "li"}:
            self._cell = None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell is not None:
            self._cell.append(data)


def from_html(html: str) -> Shown:
    page = Page(html)
    labels, products = {}, {}
    for row in page.rows:
        if len(row) == 6 and (match := re.fullmatch(r"w_\{(\d+)\}", row[1])):
            labels[int(match[1])] = row[2]
            rule = row[5].partition(" = ")[2]
            products[int(match[1])] = rule.removeprefix(f"f·g_{{{match[1]}}} + f_{{{match[1]}}}·g + ")
    return Shown(labels, products, _readouts(page.items))


def from_text(text: str) -> Shown:
    lines = [line.strip() for line in text.splitlines()]
    labels = {int(m[1].translate(LOWERED)): _line(m[2]) for x in lines if (m := re.fullmatch(r"w([₀-₉]+) = (.*)", x))}
    found = [m for x in lines if (m := re.fullmatch(r"\(f·g\)([₀-₉]+) has (.*)", x))]
    return Shown(labels, {int(m[1].translate(LOWERED)): _line(m[2]) for m in found}, _readouts(map(_line, lines)))


def _line(text: str) -> str:
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda m: f"^{{{m[0].translate(RAISED)}}}", text)
    text = re.sub(r"[₀-₉]+", lambda m: f"_{{{m[0].translate(LOWERED)}}}", text)
    text = re.sub(r"∂_([a-z])(\d+)", r"∂_{\1_{\2}}", text)
    text = re.sub(r"∂_([a-z])(?![a-z{])", r"∂_{\1}", text)
    return re.sub(r"\bu_([a-z]+)", r"u_{\1}", text)


def from_latex(latex: str) -> Shown:
    labels, products = {}, {}
    rows = [line.removesuffix(r" \\").split(" & ") for line in latex.splitlines()]
    for row in rows:
        if len(row) == 5 and (match := re.fullmatch(r"\$w_\{(\d+)\}\$", row[1])):
            labels[int(match[1])], products[int(match[1])] = _formula(row[2]), _formula(row[4])
    return Shown(labels, products, _readouts(_formula(row[0]) for row in rows if len(row) == 1))


def _formula(latex: str) -> str:
    text = re.sub(r"\\tfrac\{(\d+)\}\{(\d+)\}", r"\1/\2", latex.strip("$"))
    text = text.replace(r"\,", "·").replace(r" \cdot ", "·").replace(r"\partial", "∂").replace("-", "−")
    return re.sub(r"\s+", " ", text)


def _readouts(lines) -> dict[str, str]:
    found = (re.fullmatch(r"(L_\{\d+\}|u\S*) = (.*w_\{.*)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def polynomial(label: str, letter: str) -> sympy.Expr:
    """Return w(ξ) for the derivative w(∂)u that a label names; the unknowns are called letter + coordinate."""
    total = sympy.Integer(0)
    for sign, term in re.findall(r"(^|[+−] ?|^−)([^+−]+)", label):
        *factors, operator = term.strip().split("·")
        value = sympy.prod(sympy.Rational(factor) for factor in factors)
        for name, power in re.findall(r"∂_\{([^}]*\}?)\}(?:\^\{(\d+)\})?", operator):
            value *= sympy.Symbol(letter + re.sub(r"[_{}]", "", name)) ** int(power or 1)
        if below := re.fullmatch(r"u_\{([a-z]+)\}", operator):
            value *= sympy.prod(sympy.Symbol(letter + name) for name in below[1])
        else:
            assert operator.endswith("u"), operator
        total += -value if "−" in sign else value
    return total


def value(line: str, unknowns: dict[str, sympy.Expr]) -> sympy.Expr:
    """Return a sum of products of f_{k}, g_{k}, w_{k} and rational numbers."""
    names = {name: sympy.Symbol(name) for name in unknowns}
    text = re.sub(r"([fgw])_\{(\d+)\}", r"\1\2", line).replace("·", "*").replace("−", "-")
    assert re.fullmatch(r"[fgw\d+\-*/() ]*", text), text
    expression = sympy.parse_expr(text or "0", local_dict=names)
    return sympy.expand(expression.subs({names[name]: replacement for name, replacement in unknowns.items()}))
