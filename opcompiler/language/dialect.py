"""How a dialect of the language spells what an expression is made of; this one is Unicode.

A dialect knows characters and nothing of expressions: which pieces there are, in which order and in how many brackets,
is the business of `printer`. Each of the others (`dialect_ascii`, `dialect_latex`) overrides what it spells otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from fractions import Fraction
from typing import ClassVar, Literal, TypeAlias

__all__ = ["Coordinates", "Dialect", "Level", "Piece", "PrefixOperator", "TensorProduct"]

PrefixOperator: TypeAlias = Literal["laplacian", "dalembertian", "gradient", "divergence", "curl"]
TensorProduct: TypeAlias = Literal["dot", "double_dot", "cross", "outer"]
Coordinates: TypeAlias = list[tuple[str, int]]
"""Coordinates as they are spelt, with the order of the derivative along each."""


class Level(IntEnum):
    """How tightly a printed piece holds together."""

    SUM = 0
    SERIES = 1
    PRODUCT = 2
    PREFIX = 3
    POWER = 4
    ATOM = 5


Piece: TypeAlias = tuple[str, Level]
"""A text and how tightly it holds together."""

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_FRACTIONS = {
    Fraction(1, 2): "½", Fraction(1, 3): "⅓", Fraction(2, 3): "⅔", Fraction(1, 4): "¼", Fraction(3, 4): "¾",
    Fraction(1, 6): "⅙", Fraction(1, 7): "⅐", Fraction(1, 8): "⅛", Fraction(3, 8): "⅜", Fraction(5, 8): "⅝",
    Fraction(7, 8): "⅞", Fraction(1, 9): "⅑",
}  # fmt: skip
_MAX_DECIMALS = 350
_BEGINS_WITH_D = re.compile(r"\(*d")
_HAS_D = re.compile(r"(?<!\w)d")


class Dialect:
    """Spells pieces that are spelt already into larger ones."""

    prefixes: ClassVar[Mapping[PrefixOperator, str]] = {
        "laplacian": "Δ", "dalembertian": "□", "gradient": "∇", "divergence": "∇·", "curl": "∇×",
    }  # fmt: skip
    products: ClassVar[Mapping[TensorProduct, str]] = {"dot": "·", "double_dot": ":", "cross": "×", "outer": "⊗"}
    pi = "π"

    # --- names and numbers ----------------------------------------------------------------------------------------

    def name(self, name: str) -> str:
        """Spell a declared name."""
        return name

    def indexed(self, name: str, index: str) -> str:
        """Spell a name or bracket with what stands below the line."""
        return f"{name}_{{{index}}}"

    def numbered(self, name: str, number: int) -> str:
        """Spell a coordinate of a space of several."""
        return self.indexed(name, str(number)) if name[-1].isdigit() else f"{name}{number}"

    def component(self, operand: str, indices: str) -> str:
        """Spell an entry, in brackets so that a derivative does not run into the index."""
        return self.brackets(self.indexed(operand, indices))

    def number(self, value: Fraction) -> Piece:
        """Spell a positive number."""
        if value in _FRACTIONS:
            return _FRACTIONS[value], Level.ATOM
        return decimal(value) or (f"{value.numerator}/{value.denominator}", Level.PRODUCT)

    # --- brackets -------------------------------------------------------------------------------------------------

    def brackets(self, text: str) -> str:
        """Enclose in round brackets."""
        return f"({text})"

    def bars(self, text: str) -> str:
        """Enclose in bars."""
        return f"|{text}|"

    def call(self, name: str, arguments: str) -> str:
        """Apply a built-in function or word operator."""
        return name + self.brackets(arguments)

    # --- products and powers --------------------------------------------------------------------------------------

    def juxtapose(self, left: str, right: str, plain: bool = False) -> str:
        """Write two factors one after the other; `plain` says that the right one must not look like arguments."""
        del plain
        clear = (right[0].isalpha() or right[0] in "Δ∇□∂") and left[-1] not in "-+"
        return f"{left} {right}" if clear else f"{left}*{right}"

    def quotient(self, numerator: Piece, denominator: Piece) -> Piece:
        """Write a quotient; du/dx, where both are names, must not look like a derivative."""
        top, bottom = self.enclosed(numerator), self.enclosed(denominator)
        if numerator[1] >= Level.PREFIX and _BEGINS_WITH_D.match(bottom) and _HAS_D.search(top):
            top = self.brackets(top)
        return f"{top}/{bottom}", Level.PRODUCT

    def enclosed(self, piece: Piece, level: Level = Level.PREFIX) -> str:
        """Put a piece in brackets if it holds less tightly than wanted."""
        text, own = piece
        return text if own >= level else self.brackets(text)

    def integer_power(self, base: str, exponent: int) -> str:
        """Raise to a whole number."""
        return base + str(exponent).translate(_SUPERSCRIPTS)

    def power(self, base: str, exponent: str) -> str:
        """Raise to anything."""
        return f"{base}^({exponent})"

    def tensor_product(self, kind: TensorProduct, left: Piece, right: Piece) -> Piece:
        """Join two tensors by a sign."""
        first, second = self.enclosed(left, Level.POWER), self.enclosed(right, Level.POWER)
        return f"{first}{self.products[kind]}{second}", Level.PRODUCT

    def transpose(self, operand: Piece) -> Piece:
        """Transpose a matrix."""
        return f"{self.enclosed(operand, Level.ATOM)}ᵀ", Level.POWER

    def index_sum(self, index: str, lower: int, upper: int, body: str) -> str:
        """Sum over an index."""
        return f"∑_{{{index}={lower}}}^{{{upper}}} {body}"

    # --- derivatives ----------------------------------------------------------------------------------------------

    def prefix(self, kind: PrefixOperator, space: str | None) -> str:
        """Spell an operator that waits for its operand."""
        return self.prefixes[kind] if space is None else self.indexed(self.prefixes[kind], space)

    def applied(self, operator: str, operand: Piece) -> Piece:
        """Write an operator before its operand."""
        return operator + self.enclosed(operand, Level.ATOM), Level.PREFIX

    def iterated(self, operator: str, count: int) -> str | None:
        """Spell an operator applied several times, if papers have a sign for it."""
        return self.integer_power(operator, count)

    def directional(self, vector: str) -> str:
        """Spell v·∇ that waits for its operand."""
        return f"{vector}·∇"

    def partial_operator(self, coordinates: Coordinates) -> str:
        """Spell ∂ along coordinates that waits for its operand."""
        return f"∂_{self.subscript(coordinates)}"

    def partial(self, operand: Piece, coordinates: Coordinates, is_name: bool, is_constant: bool) -> Piece:
        """Differentiate; a subscript of a constant would look like a part of its name, one with numbers reads badly."""
        if is_constant:
            return self.partial_operator(coordinates) + self.brackets(operand[0]), Level.PREFIX
        if is_name and operand[0].isalnum() and self.needs_numbers(coordinates):
            order = sum(order for _, order in coordinates)
            below = "".join(f"∂{self.integer_power(name, n) if n > 1 else name}" for name, n in coordinates)
            return f"{self.integer_power('∂', order)}{operand[0]}/{below}", Level.PREFIX
        return f"{self.enclosed(operand, Level.ATOM)}_{self.subscript(coordinates)}", Level.ATOM

    def needs_numbers(self, coordinates: Coordinates) -> bool:
        """Whether a subscript would have to count, as in u_{2x1, 2x2}."""
        return any(order > 1 for _, order in coordinates) and not self.are_few_letters(coordinates)

    def are_few_letters(self, coordinates: Coordinates) -> bool:
        """Whether coordinates can be repeated below the line, as in u_xxy."""
        return all(len(name) == 1 for name, _ in coordinates) and sum(order for _, order in coordinates) <= 4

    def subscript(self, coordinates: Coordinates) -> str:
        """Spell coordinates with their orders below the line."""
        if self.are_few_letters(coordinates):
            return "".join(name * order for name, order in coordinates)
        return "{" + ", ".join(name if order == 1 else f"{order}{name}" for name, order in coordinates) + "}"


def decimal(value: Fraction) -> Piece | None:
    """Return the finite decimal expansion, if there is a short one."""
    scale = value.denominator
    if scale == 1:
        return str(value.numerator), Level.ATOM
    twos = fives = 0
    while scale % 2 == 0:
        scale, twos = scale // 2, twos + 1
    while scale % 5 == 0:
        scale, fives = scale // 5, fives + 1
    digits = max(twos, fives)
    if scale != 1 or digits > _MAX_DECIMALS:
        return None
    shifted = str(value.numerator * 10**digits // value.denominator).rjust(digits + 1, "0")
    return f"{shifted[:-digits]}.{shifted[-digits:]}", Level.ATOM
