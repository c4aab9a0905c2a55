r"""The LaTeX dialect: what papers print, `\frac{\partial^{2} u}{\partial x^{2}}`, `\left(…\right)`, `\nabla\cdot v`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import ClassVar

from opcompiler.language.dialect import Coordinates, Dialect, Level, Piece, PrefixOperator, TensorProduct, decimal
from opcompiler.language.latex import read_latex
from opcompiler.language.latex_commands import GREEK
from opcompiler.language.scope import Scope

__all__ = ["Latex"]

_COMMANDS = {letter: f"\\{name}" for name, letter in reversed([*GREEK.items()]) if ord(letter) > 127}
_FUNCTIONS = {
    **{name: name for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth")},
    **{name: name for name in ("exp", "log", "min", "max", "det")},
    **{"asin": "arcsin", "acos": "arccos", "atan": "arctan"},
}
_ENDS_IN_COMMAND = re.compile(r"\\[A-Za-z]+$")
_OPENS_DIFFERENTIAL = re.compile(r"(\\mathrm\{)?d")
_MAX_DENOMINATOR = 9
"""Above it a decimal is easier to read than a fraction."""


class Latex(Dialect):
    r"""Names are spelt as papers spell them (`\nu`, `k_{c}`, `\mathrm{Re}`) where the front end reads that back."""

    prefixes: ClassVar[Mapping[PrefixOperator, str]] = {
        "laplacian": r"\Delta", "dalembertian": r"\Box", "gradient": r"\nabla", "divergence": r"\nabla\cdot",
        "curl": r"\nabla\times",
    }  # fmt: skip
    products: ClassVar[Mapping[TensorProduct, str]] = {
        "dot": r" \cdot ",
        "double_dot": " : ",
        "cross": r" \times ",
        "outer": r" \otimes ",
    }
    pi = r"\pi"

    def __init__(self, scope: Scope) -> None:
        """Know the declared names."""
        self.scope = scope
        self.spellings: dict[str, str] = {}

    # --- names and numbers ----------------------------------------------------------------------------------------

    def name(self, name: str) -> str:
        """Spell a declared name; one that no command spells safely stays what it is."""
        if name not in self.spellings:
            self.spellings[name] = next(filter(lambda spelling: self.means(spelling, name), _spellings(name)), name)
        return self.spellings[name]

    def means(self, spelling: str, name: str) -> bool:
        """Whether the front end reads this spelling as that name."""
        return re.sub(r"[{}]", "", read_latex(spelling, self.scope).text).strip() == name

    def numbered(self, name: str, number: int) -> str:
        """Spell a coordinate of a space of several."""
        return self.indexed(self.name(name), str(number))

    def component(self, operand: str, indices: str) -> str:
        """Spell an entry; derivatives never stand below the line here."""
        return self.indexed(operand, indices)

    def number(self, value: Fraction) -> Piece:
        """Spell a positive number: halves and thirds as fractions, the rest as decimals where they end."""
        if value.denominator == 1 or value.denominator > _MAX_DENOMINATOR:
            short = decimal(value)
            if short is not None:
                return short
        return f"\\frac{{{value.numerator}}}{{{value.denominator}}}", Level.PREFIX

    # --- brackets -------------------------------------------------------------------------------------------------

    def brackets(self, text: str) -> str:
        """Enclose in round brackets that grow with what they hold."""
        return rf"\left({text}\right)"

    def bars(self, text: str) -> str:
        """Enclose in bars that grow with what they hold."""
        return rf"\left|{text}\right|"

    def call(self, name: str, arguments: str) -> str:
        """Apply a built-in function or word operator."""
        if name == "sqrt":
            return rf"\sqrt{{{arguments}}}"
        command = f"\\{_FUNCTIONS[name]}" if name in _FUNCTIONS else rf"\operatorname{{{name}}}"
        return command + self.brackets(arguments)

    # --- products and powers --------------------------------------------------------------------------------------

    def juxtapose(self, left: str, right: str, plain: bool = False) -> str:
        """Write two factors one after the other; a command swallows the space before the next letter."""
        if plain or left[-1] in "-+":
            return f"{left} * {right}"
        if right[0].isdigit():
            return rf"{left} \cdot {right}"
        if _ENDS_IN_COMMAND.search(left) and (right[0].isalpha() or right.startswith(tuple(_COMMANDS.values()))):
            return rf"{left} \, {right}"
        return f"{left} {right}"

    def quotient(self, numerator: Piece, denominator: Piece) -> Piece:
        """Write a fraction; d u over d x, where d is a name, must not look like a derivative."""
        top, bottom = numerator[0], denominator[0]
        if numerator[1] > Level.SUM and _OPENS_DIFFERENTIAL.match(top) and _OPENS_DIFFERENTIAL.match(bottom):
            top = self.brackets(top)
        return rf"\frac{{{top}}}{{{bottom}}}", Level.PREFIX

    def integer_power(self, base: str, exponent: int) -> str:
        """Raise to a whole number."""
        return self.power(base, str(exponent))

    def power(self, base: str, exponent: str) -> str:
        """Raise to anything."""
        return f"{base}^{{{exponent}}}"

    def transpose(self, operand: Piece) -> Piece:
        """Transpose a matrix."""
        return rf"{self.enclosed(operand, Level.ATOM)}^{{\top}}", Level.POWER

    def index_sum(self, index: str, lower: int, upper: int, body: str) -> str:
        """Sum over an index."""
        return rf"\sum_{{{index}={lower}}}^{{{upper}}} {body}"

    # --- derivatives ----------------------------------------------------------------------------------------------

    def applied(self, operator: str, operand: Piece) -> Piece:
        """Write an operator before its operand."""
        return f"{operator} {self.enclosed(operand, Level.ATOM)}", Level.PREFIX

    def iterated(self, operator: str, count: int) -> str | None:
        """Spell an operator applied several times."""
        return self.integer_power(operator, count)

    def directional(self, vector: str) -> str:
        """Spell v·∇ that waits for its operand."""
        return rf"{vector} \cdot \nabla"

    def partial_operator(self, coordinates: Coordinates) -> str:
        """Spell ∂ along coordinates that waits for its operand."""
        return self.leibniz("", coordinates)

    def partial(self, operand: Piece, coordinates: Coordinates, is_name: bool, is_constant: bool) -> Piece:
        """Differentiate: a name above the line, anything else behind it."""
        if is_name or is_constant:
            return self.leibniz(f" {operand[0]}", coordinates), Level.PREFIX
        return f"{self.leibniz('', coordinates)} {self.enclosed(operand, Level.ATOM)}", Level.PREFIX

    def leibniz(self, operand: str, coordinates: Coordinates) -> str:
        """Write the quotient of differentials."""
        order = sum(order for _, order in coordinates)
        above = rf"\partial^{{{order}}}" if order > 1 else r"\partial"
        below = " ".join(rf"\partial {name}" + (f"^{{{count}}}" if count > 1 else "") for name, count in coordinates)
        return rf"\frac{{{above}{operand}}}{{{below}}}"


def _spellings(name: str) -> Iterator[str]:
    r"""Yield \sigma_{v} for sigma_v, \mathrm{EI} for EI and \nu for ν, the most usual first."""
    stem, underscore, index = name.partition("_")
    below = f"_{{{_greek(index)}}}" if underscore else ""
    if stem in GREEK:
        yield f"\\{stem}{below}"
    if len(stem) > 1 and stem.isascii() and stem.isalpha():
        yield rf"\mathrm{{{stem}}}{below}"
    yield _greek(stem) + below


def _greek(letters: str) -> str:
    """Return the letters with commands for those that have one, apart from what follows."""
    spelt = ""
    for letter in letters:
        gap = " " if _ENDS_IN_COMMAND.search(spelt) and letter.isalnum() else ""
        spelt += gap + _COMMANDS.get(letter, letter)
    return spelt
