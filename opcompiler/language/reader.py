"""What the parts of the lexer share: the text, the tokens so far, and how to fail with a place."""

from __future__ import annotations

from opcompiler.errors import DerivativeOrderError, LimitError, OpCompilerError, OperatorSyntaxError, Span
from opcompiler.language.characters import PlainText
from opcompiler.language.limits import MAX_DERIVATIVE_ORDER
from opcompiler.language.scope import Scope
from opcompiler.language.tokens import Lexeme, Payload

__all__ = ["TextReader"]


class TextReader:
    """A text being cut into terminals."""

    def __init__(self, plain: PlainText, scope: Scope) -> None:
        """Start before the first character."""
        self.plain = plain
        self.text = plain.text
        self.subscripts = plain.subscripts
        self.scope = scope
        self.tokens: list[Lexeme] = []
        self.partner: dict[int, int] = {}
        self.letters: set[str] = set()

    def emit(self, type_: str, payload: Payload, start: int, stop: int) -> int:
        """Append a token and return where the next one starts."""
        self.tokens.append(Lexeme(type_, payload, self.plain.span(start, stop)))
        return stop

    def error(
        self, error: type[OpCompilerError], problem: str, start: int, stop: int, hint: str | None = None
    ) -> OpCompilerError:
        """Return an error at a range of the plain text."""
        return error(problem, source=self.plain.source, span=self.plain.span(start, stop), hint=hint)

    def span(self, start: int, stop: int) -> Span:
        """Return the source range of a range of the plain text."""
        return self.plain.span(start, stop)

    def skip_spaces(self, place: int) -> int:
        """Return the first place from here on that is not a space."""
        while place < len(self.text) and self.text[place] == " ":
            place += 1
        return place

    def char(self, place: int) -> str:
        """Return the character at a place, or nothing beyond the end."""
        return self.text[place : place + 1]

    def is_word_char(self, place: int) -> bool:
        """Whether a letter, digit or underscore stands here."""
        char = self.char(place)
        return bool(char) and (char == "_" or char.isalnum()) and char not in "∂∇Δ□∑"

    def end_of_word(self, place: int) -> int:
        """Return where the letters, digits and underscores from here end."""
        while self.is_word_char(place):
            place += 1
        return place

    def end_of_digits(self, place: int) -> int:
        """Return where the digits from here end."""
        while self.char(place).isascii() and self.char(place).isdigit():
            place += 1
        return place

    def read_order(self, place: int) -> tuple[int, int] | None:
        """Read ^2, **2, ^(2) or ^{2} as a derivative order and return it with its end; None if no ^ stands here.

        Raises:
            DerivativeOrderError: the order is a fraction, negative or not a number.
            LimitError: it is above `MAX_DERIVATIVE_ORDER`.
        """
        start = place
        if self.char(place) == "^":
            place += 1
        elif self.text.startswith("**", place):
            place += 2
        else:
            return None
        place = self.skip_spaces(place)
        if self.char(place) in ("(", "{") and place in self.partner:
            stop = self.partner[place] + 1
            written = self.text[place + 1 : stop - 1].strip()
        else:
            stop = self.end_of_digits(place)
            if (stop == place and (self.char(place).isalpha() or self.char(place) == "-")) or self.char(stop) == ".":
                stop += 1
            written = self.text[place:stop]
        if not written:
            raise self.error(OperatorSyntaxError, "the order of the derivative is missing", start, place + 1)
        return self.order_value(written, start, stop), stop

    def order_value(self, written: str, start: int, stop: int) -> int:
        """Return a derivative order as an int."""
        if not (written.isascii() and written.isdigit()):
            raise self.error(
                DerivativeOrderError,
                f"the derivative order {written[:20]!r} is not a natural number",
                start,
                stop,
                "fractional, negative and symbolic orders are out of scope",
            )
        if len(written) > 6 or int(written) > MAX_DERIVATIVE_ORDER:
            raise self.error(LimitError, f"a derivative order above {MAX_DERIVATIVE_ORDER}", start, stop)
        return int(written)
