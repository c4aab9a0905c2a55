"""Plain text → terminals, decided by the declarations.

`6uu_x` is 6·u·u_x, `D_uΔu` is D_u·Δu and `EI` is one name only because they are declared so: no fixed pattern for
names can know. The lexer therefore asks the scope at every letter (`words`), reads ∂ and d/dx with their denominators
(`differentials`), pairs bars by position and checks brackets and nesting before the grammar sees a token.
"""

from __future__ import annotations

import re
from fractions import Fraction

from opcompiler.errors import LimitError, OperatorSyntaxError, Span
from opcompiler.language.characters import ACCENT, PlainText
from opcompiler.language.limits import MAX_NESTING, MAX_NUMBER_DIGITS, MAX_NUMBER_EXPONENT, MAX_TOKENS
from opcompiler.language.scope import Scope
from opcompiler.language.tokens import BuiltinFunction, Lexeme, OperatorSymbol
from opcompiler.language.vocabulary import OPERATOR_SYMBOLS
from opcompiler.language.words import WordReader

__all__ = ["tokenise"]

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DIGITS = tuple("0123456789")
_FRACTIONS = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5),
    "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
    "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip
_OPENING = {"(": ("LPAR", ")"), "[": ("LSQ", "]"), "{": ("LBRACE", "}")}
_CLOSING = {")": "RPAR", "]": "RSQ", "}": "RBRACE"}
_CONNECTORS = {"/": "/", "·": "·", "×": "×", "⊗": "⊗", "@": "@", ":": ":"}
_ENDS_OPERAND = {"NUMBER", "NAME", "RPAR", "RSQ", "RBRACE", "RBAR", "RNORM", "SUBSCRIPT", "PRIME", "ACCENT"} | {
    "DENOMINATOR",
    "TRANSPOSE",
}


def tokenise(plain: PlainText, scope: Scope) -> list[Lexeme]:
    """Return the terminals of a text.

    Raises:
        OperatorSyntaxError: a character, number or bracket is out of place.
        OperatorNameError: letters that no declaration explains.
        DerivativeOrderError: an order that is not a natural number.
        LimitError: too many tokens, too deep a nesting, too long a number.
    """
    return _Lexer(plain, scope).run()


class _Lexer(WordReader):
    """One pass from left to right."""

    def run(self) -> list[Lexeme]:
        self.match_brackets()
        place = 0
        while place < len(self.text):
            if self.text[place] == " ":
                place += 1
                continue
            place = self.step(place)
            if len(self.tokens) > MAX_TOKENS:
                raise self.error(LimitError, f"the text has more than {MAX_TOKENS} tokens", place - 1, place)
        if self.brackets:
            opening, closing, at = self.brackets[-1]
            if opening in "|‖":
                raise self.error(
                    OperatorSyntaxError, f"this {opening!r} is never closed", at, at + 1, "bars come in pairs"
                )
            raise self.error(OperatorSyntaxError, f"this {opening!r} is never closed by {closing!r}", at, at + 1)
        self.close_partials(0, len(self.text))
        if not self.tokens:
            raise OperatorSyntaxError(
                "the text is empty", source=self.plain.source, span=Span(0, 1), hint='for example "Δu + u = 0"'
            )
        return self.tokens

    # --- one token ------------------------------------------------------------------------------------------------

    def step(self, place: int) -> int:
        """Read the token at `place` and return where the next one starts."""
        char = self.text[place]
        if self.subscripts[place] or char == "_":
            return self.read_postfix_subscript(place)
        if char in _DIGITS or (char == "." and self.char(place + 1) in _DIGITS and not self.subscripts[place + 1]):
            return self.read_number(place)
        if char in _FRACTIONS:
            return self.read_vulgar_fraction(place)
        if char == "∂":
            return self.read_partial(place)
        if char in "√∛":
            function = BuiltinFunction("sqrt" if char == "√" else "cbrt")
            return self.emit("CALL" if self.char(place + 1) == "(" else "FUNCTION", function, place, place + 1)
        if char in "∑Σ" and self.is_summation(place):
            return self.read_summation(place, place + 1)
        if char in OPERATOR_SYMBOLS:
            return self.read_operator_symbol(place)
        if char.isalpha() and char not in "∂∑":
            return self.read_word(place)
        return self.read_sign(place, char)

    def read_sign(self, place: int, char: str) -> int:
        """Read a token that is made of signs alone."""
        pair = self.text[place : place + 2]
        if char == "'" or char == ACCENT:
            stop = place
            while stop < len(self.text) and self.text[stop] == char:
                stop += 1
            self.emit("PRIME" if char == "'" else "ACCENT", stop - place, place, stop)
            return stop
        if char == "^" or pair == "**":
            return self.read_caret(place, place + (1 if char == "^" else 2))
        if pair in ("//", "/*"):
            raise self.error(OperatorSyntaxError, "an operand is missing between these signs", place, place + 2)
        if char == "*":
            return self.emit("CONNECTOR", "*", place, place + 1)
        if char in "+-":
            return self.emit("SIGN", char, place, place + 1)
        if char == "/":
            stop = self.read_denominator(place)
            return stop if stop else self.emit("CONNECTOR", "/", place, place + 1)
        if char in _OPENING:
            name, closing = _OPENING[char]
            self.brackets.append((char, closing, place))
            return self.emit(name, None, place, place + 1)
        if char in _CLOSING:
            self.close_bracket(char, place)
            return self.emit(_CLOSING[char], None, place, place + 1)
        if char in "|‖":
            return self.read_bar(char, place)
        if char in _CONNECTORS:
            return self.emit("CONNECTOR", _CONNECTORS[char], place, place + 1)
        if char == ",":
            return self.emit("COMMA", None, place, place + 1)
        if pair == "==":
            raise self.error(OperatorSyntaxError, "'==' is not used here", place, place + 2, "write one '='")
        if char in "=~":
            if self.brackets:
                raise self.error(
                    OperatorSyntaxError,
                    f"{char!r} inside brackets",
                    place,
                    place + 1,
                    "is a bracket before it not closed?",
                )
            self.close_partials(0, place)
            return self.emit("EQUALS", None, place, place + 1)
        if char == "⊤":
            return self.emit("TRANSPOSE", None, place, place + 1)
        hint = {
            ">": "an operator expression has no inequality",
            "<": "an operator expression has no inequality",
            "!": "there is no factorial",
            "∫": "integrals are not differential operators; they are out of scope",
            "#": "there are no comments",
            ";": "give several equations as a list of strings",
            "\\": "this LaTeX command is not known",
            "∧": "the curl is written ∇×v, a cross product a×b",
            ".": "numbers are written 0.5 or .5; there are no attributes",
        }.get(char)
        raise self.error(OperatorSyntaxError, f"the character {char!r} has no meaning here", place, place + 1, hint)

    def read_number(self, place: int) -> int:
        match = _NUMBER.match(self.text, place)
        assert match is not None
        stop = match.end()
        exponent = match[2]
        if exponent and (exponent[0] == "E" and "E" in self.scope.entries):
            stop, exponent = match.end(1), None
        stop = next((p for p in range(place, stop) if self.subscripts[p]), stop)
        if stop < match.end(1):
            exponent = None
        digits = self.text[place : min(stop, match.end(1))]
        if len(digits) > MAX_NUMBER_DIGITS:
            raise self.error(LimitError, f"a number of more than {MAX_NUMBER_DIGITS} digits", place, stop)
        if exponent and (len(exponent) > 6 or abs(int(exponent[1:])) > MAX_NUMBER_EXPONENT):
            raise self.error(LimitError, f"a power of ten beyond {MAX_NUMBER_EXPONENT}", place, stop)
        if self.text[stop : stop + 1] == ".":
            raise self.error(OperatorSyntaxError, "this number has two decimal points", place, stop + 1)
        if self.text[stop : stop + 1] in _FRACTIONS:
            raise self.error(
                OperatorSyntaxError,
                "a number next to a fraction: a sum or a product?",
                place,
                stop + 1,
                "write 5/2 or 2*½",
            )
        return self.emit("NUMBER", Fraction(digits.rstrip(".") + (exponent or "")), place, stop)

    def read_vulgar_fraction(self, place: int) -> int:
        return self.emit("NUMBER", Fraction(*_FRACTIONS[self.text[place]]), place, place + 1)

    def read_operator_symbol(self, place: int) -> int:
        char = self.text[place]
        kind, stop = OPERATOR_SYMBOLS[char], place + 1
        if char == "∇":
            after = self.skip_spaces(stop)
            if self.text[after : after + 1] in ("·", "×") and self.text[after : after + 1]:
                kind = "divergence" if self.text[after] == "·" else "curl"
                return self.emit("OPERATOR", OperatorSymbol(kind, None, self.text[place : after + 1]), place, after + 1)
        return self.emit_operator(kind, char, place, stop)

    def read_caret(self, place: int, stop: int) -> int:
        """Read ^, or ^T and ^⊤ as the transpose unless T is declared."""
        after = self.skip_spaces(stop)
        if self.text[after : after + 1] == "⊤":
            return self.emit("TRANSPOSE", None, place, after + 1)
        for pattern in ("T", "(T)", "{T}", "(⊤)", "{⊤}"):
            if self.text.startswith(pattern, after) and ("T" not in self.scope.entries or "⊤" in pattern):
                return self.emit("TRANSPOSE", None, place, after + len(pattern))
        return self.emit("CARET", None, place, stop)

    # --- brackets -------------------------------------------------------------------------------------------------

    def match_brackets(self) -> None:
        """Find the partner of every bracket, and refuse deep nesting before anything else is read."""
        open_places: list[int] = []
        for place, char in enumerate(self.text):
            if char in "([{":
                open_places.append(place)
                if len(open_places) > MAX_NESTING:
                    raise self.error(LimitError, f"brackets are nested more than {MAX_NESTING} deep", place, place + 1)
            elif char in ")]}" and open_places:
                self.partner[open_places.pop()] = place

    def close_bracket(self, char: str, place: int) -> None:
        if not self.brackets:
            raise self.error(OperatorSyntaxError, f"this {char!r} closes nothing", place, place + 1)
        opening, closing, at = self.brackets.pop()
        if closing != char:
            if opening in "|‖":
                raise self.error(
                    OperatorSyntaxError, f"this {opening!r} is never closed", at, at + 1, "bars come in pairs"
                )
            raise self.error(
                OperatorSyntaxError, f"{opening!r} is closed by {char!r}", at, place + 1, f"{closing!r} was expected"
            )
        self.close_partials(len(self.brackets) + 1, place)

    def read_bar(self, char: str, place: int) -> int:
        """Pair a bar by its place: it closes if one is open here and an operand stands before it."""
        names = ("LBAR", "RBAR") if char == "|" else ("LNORM", "RNORM")
        after_operand = bool(self.tokens) and self.tokens[-1].type in _ENDS_OPERAND
        if after_operand and self.brackets and self.brackets[-1][0] == char:
            self.brackets.pop()
            self.close_partials(len(self.brackets) + 1, place)
            stop = self.emit(names[1], None, place, place + 1)
            if char == "‖" and self.char(stop) == "_":
                return self.emit("NORM_ORDER", None, stop, stop + 1)
            if char == "‖" and self.char(stop) and self.subscripts[stop]:
                self.emit("NORM_ORDER", None, stop, stop)
                digit = self.char(stop)
                if not digit.isdigit():
                    raise self.error(OperatorSyntaxError, "the order of this norm cannot be read", stop, stop + 1)
                return self.emit("NUMBER", Fraction(digit), stop, stop + 1)
            return stop
        self.brackets.append((char, char, place))
        if len(self.brackets) > MAX_NESTING:
            raise self.error(LimitError, f"brackets are nested more than {MAX_NESTING} deep", place, place + 1)
        return self.emit(names[0], None, place, place + 1)
