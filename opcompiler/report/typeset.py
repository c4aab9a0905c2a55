r"""One line of Unicode mathematics → HTML with indices, or LaTeX.

The reports write `1/4·∂_x1²∂_x2²u + f₁·g₂`; a reader of such a line needs to know the declared names, because `x1u`
is x₁ followed by u. Words between formulas stay words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

from opcompiler.ir.declarations import Declarations
from opcompiler.language.dialect_latex import Latex
from opcompiler.language.latex_commands import GREEK
from opcompiler.language.scope import scope_of

__all__ = ["Typesetter", "latex_text"]

_Kind: TypeAlias = Literal["sup", "sub", "fraction", "root", "number", "name", "word", "symbol", "space"]

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ˣᵀ"
_UNRAISED = dict(zip(_RAISED, "0123456789-×T", strict=True))
_LOWERED = "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖᵣ"
_UNLOWERED = dict(zip(_LOWERED, "0123456789ijkr", strict=True))
_LETTER = f"[^\\W_{_RAISED}{_LOWERED}]"
"""A letter or digit on the line."""

_SIGNS = {
    "∂": r"\partial ", "Δ": r"\Delta ", "∇": r"\nabla ", "□": r"\Box ", "Σ": r"\sum ", "∑": r"\sum ", "ξ": r"\xi ",
    "π": r"\pi ", "δ": r"\delta ", "−": "-", "×": r"\times ", "…": r"\dots ", "≤": r"\le ", "≥": r"\ge ", "∈": r"\in ",
    "→": r"\to ", "ℝ": r"\mathbb{R}", "‖": r"\Vert ", "|": r"\vert ", "⊗": r"\otimes ", "≈": r"\approx ",
    "κ": r"\kappa ", "⟨": r"\langle ", "⟩": r"\rangle ", "√": r"\surd ", "±": r"\pm ", "~": r"\sim ",
    "&": r"\&", "%": r"\%", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "\\": r"\backslash ", "^": r"\wedge ", "_": r"\_",
}  # fmt: skip
_ESCAPED = {
    "&": r"\&", "%": r"\%", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "_": r"\_", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "–": "--", "—": "---", "“": "``", "”": "''",
    "<": "$<$", ">": "$>$", "|": r"$\vert$", '"': "''",
}  # fmt: skip
_GREEK = {letter: f"\\{name} " for name, letter in reversed([*GREEK.items()]) if not letter.isascii()}
_FUNCTIONS = re.compile(r"sin|cos|tan|cot|sec|csc|sinh|cosh|tanh|coth|exp|log|min|max")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: _Kind
    text: str


class Typesetter:
    """Sets lines in which the names of these declarations occur."""

    def __init__(self, declarations: Declarations) -> None:
        """Know the declared names."""
        self._declarations = declarations
        self._latex = Latex(scope_of(declarations))
        arrays = [s.name for s in declarations.spaces if s.shape and s.coordinates is None]
        names = {n for s in declarations.spaces for n in (s.name, *(s.coordinates or ()))}
        coordinates = "|".join([*(rf"{re.escape(n)}\d+" for n in _longest(arrays)), *map(re.escape, _longest(names))])
        names |= {n for f in declarations.fields for n in (f.name, *(f.components or ()))}
        names |= {p.name for p in declarations.parameters} | {f.name for f in declarations.functions}
        every = "|".join([*(rf"{re.escape(n)}\d+" for n in _longest(arrays)), *map(re.escape, _longest(names))])
        self._arrays = tuple(arrays)
        self._pattern = re.compile(
            rf"(?P<sup>[{_RAISED}]+)"
            rf"|(?P<sub>[{_LOWERED}]+(?:,[{_LOWERED}]+)*)"
            r"|_\{(?P<braced>[^{}]*)\}"
            rf"|(?<=[∂ξΔ])_(?P<along>{coordinates or '(?!)'})"
            r"|(?<=\w)_(?P<below>[^\W_]+)"
            r"|(?P<fraction>\d+/\d+)"
            r"|√(?P<root>\d+)"
            r"|(?P<number>\d(?:[\d,]*\d)?(?:\.\d+)?(?:e[+-]?\d+)?)"
            rf"|(?P<name>{every or '(?!)'})(?!{_LETTER})"
            rf"|(?P<symbol>[ΔΣ∑ξπδκ∂∇□])"
            rf"|(?P<word>[^\W\d_ΔΣ∑ξ{_RAISED}{_LOWERED}]+['′]*)"
            r"|(?P<space>\s+)"
            r"|(?P<other>.)"
        )

    # --- HTML -----------------------------------------------------------------------------------------------------

    def html(self, line: str) -> str:
        """Return a line as HTML, everything escaped."""
        return "".join(map(self._html_piece, self._tokens(line)))

    def _html_piece(self, token: _Token) -> str:
        match token.kind:
            case "sup":
                return f"<sup>{escape(token.text)}</sup>"
            case "sub":
                return f"<sub>{self.html(token.text)}</sub>"
            case "root":
                return f"√{token.text}"
            case "name":
                stem, digits = self._split(token.text)
                return f"<i>{escape(stem)}</i>" + (f"<sub>{digits}</sub>" if digits else "")
            case "word" if len(token.text) == 1:
                return f"<i>{escape(token.text)}</i>"
            case _:
                return escape(token.text)

    # --- LaTeX ----------------------------------------------------------------------------------------------------

    def latex(self, line: str) -> str:
        """Return a line for text mode: formulas between dollar signs, words as they are."""
        pieces: list[str] = []
        formula: list[_Token] = []
        for token in [*self._tokens(line), _END]:
            if _is_word(token):
                pieces.append(self._delimited(formula))
                formula = []
                pieces.append(latex_text(token.text))
            else:
                formula.append(token)
        return "".join(pieces)

    def _delimited(self, formula: list[_Token]) -> str:
        """Put a formula between dollar signs, blanks and commas around it outside them."""
        front = back = ""
        while formula and (formula[0].kind == "space" or formula[0].text in {",", ":", ";"}):
            front += formula.pop(0).text
        while formula and (formula[-1].kind == "space" or formula[-1].text in {",", ":", ";"}):
            back = formula.pop().text + back
        return f"{front}${self._formula(formula)}${back}" if formula else front + back

    def formula(self, line: str) -> str:
        """Return a line for math mode."""
        return self._formula(list(self._tokens(line)))

    def _formula(self, tokens: list[_Token]) -> str:
        text, open_sub = "", False
        for position, token in enumerate(tokens):
            if token.kind == "sub" and open_sub:
                # TeX has one index per letter: the second one joins the first.
                text = f"{text[:-1]} {self._index(token.text)}}}"
                continue
            following = tokens[position + 1] if position + 1 < len(tokens) else None
            is_beside_word = token.kind == "space" and any(map(_is_word, tokens[max(position - 1, 0) : position + 2]))
            text += r"\ " if is_beside_word else self._latex_piece(token, following)
            open_sub = token.kind == "sub"
        return re.sub(r" +(?=[_^)\]}])", "", text).strip()

    def _latex_piece(self, token: _Token, following: _Token | None) -> str:
        match token.kind:
            case "sup":
                return f"^{{{''.join(_SIGNS.get(sign, sign) for sign in token.text).strip()}}}".replace("T", r"\top")
            case "sub":
                return f"_{{{self._index(token.text)}}}"
            case "fraction":
                above, _, below = token.text.partition("/")
                return rf"\tfrac{{{above}}}{{{below}}}"
            case "root":
                return rf"\sqrt{{{token.text}}}"
            case "number":
                return token.text.replace(",", "{,}")
            case "name":
                return self._name(token.text)
            case "word":
                return self._word(token.text)
            case "space":
                return " "
            case "symbol" if token.text == "·":
                return r" \cdot " if following is not None and following.kind in {"number", "fraction"} else r"\,"
            case "symbol":
                return _SIGNS.get(token.text, token.text)

    def _index(self, text: str) -> str:
        """Return what stands below the line: u_xxy has one letter per derivative, unless the letters are one name."""
        known = self._pattern.fullmatch(text)
        if text.isalpha() and (known is None or known.lastgroup != "name"):
            return "".join(_GREEK.get(letter, letter) for letter in text).strip()
        return self._spelt(text) if known is not None and known.lastgroup == "name" else self.formula(text)

    def _spelt(self, name: str) -> str:
        stem, digits = self._split(name)
        return f"{self._latex.name(stem)}_{{{digits}}}" if digits else self._latex.name(stem)

    def _name(self, name: str) -> str:
        spelt = self._spelt(name)
        # Braces keep a second index apart, blanks keep a command apart from the next letter.
        return f"{{{spelt}}}" if "_" in spelt or spelt.startswith("\\") else spelt

    def _word(self, word: str) -> str:
        if _FUNCTIONS.fullmatch(word):
            return f"\\{word} "
        return _SIGNS.get(word, _GREEK.get(word, word)) if len(word) == 1 else rf"\text{{{latex_text(word)}}}"

    # --- reading --------------------------------------------------------------------------------------------------

    def _tokens(self, line: str) -> Iterator[_Token]:
        for match in self._pattern.finditer(line):
            kind, text = str(match.lastgroup), match[match.lastgroup or 0]
            match kind:
                case "sup":
                    yield _Token("sup", "".join(_UNRAISED[sign] for sign in text))
                case "sub":
                    yield _Token("sub", "".join(_UNLOWERED.get(sign, sign) for sign in text))
                case "braced" | "along":
                    yield _Token("sub", text)
                case "below":
                    yield _Token("sub", text)
                case "other":
                    yield _Token("symbol", text)
                case "fraction" | "root" | "number" | "name" | "word" | "symbol" | "space":
                    yield _Token(kind, text)
                case _:
                    raise AssertionError(f"{kind} is no group of the pattern")

    def _split(self, name: str) -> tuple[str, str]:
        """Return x, 1 for coordinate x1 of an array x."""
        for stem in self._arrays:
            if name.startswith(stem) and name[len(stem) :].isdigit():
                return stem, name[len(stem) :]
        return name, ""


_END = _Token("word", "")


def _is_word(token: _Token) -> bool:
    return token.kind == "word" and len(token.text) != 1 and not _FUNCTIONS.fullmatch(token.text)


def latex_text(text: str) -> str:
    """Return any text for LaTeX's text mode, nothing in it a command."""
    return "".join(_text_sign(sign) for sign in text)


def _text_sign(sign: str) -> str:
    if sign in _ESCAPED:
        return _ESCAPED[sign]
    if sign in _UNRAISED:
        return f"$^{{{_SIGNS.get(_UNRAISED[sign], _UNRAISED[sign]).strip()}}}$"
    if sign in _UNLOWERED:
        return f"$_{{{_UNLOWERED[sign]}}}$"
    if sign in _SIGNS and not sign.isascii():
        return f"${_SIGNS[sign].strip()}$"
    return f"${_GREEK[sign].strip()}$" if sign in _GREEK else sign


def _longest(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (-len(name), name))
