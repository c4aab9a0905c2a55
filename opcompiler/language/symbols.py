"""Operators with the space in their subscript, and index sums: Δ_x, Hess_x, ∑ᵢ, ∑_{i=1}^{d}."""

from __future__ import annotations

import re

from opcompiler.errors import OperatorNameError, OperatorSyntaxError
from opcompiler.language.differentials import DifferentialReader
from opcompiler.language.scope import CoordinateName, SpaceName
from opcompiler.language.tokens import OperatorSymbol, SumBounds
from opcompiler.language.vocabulary import OPERATOR_ARITY, OperatorKind

__all__ = ["SymbolReader"]

_SUM_BOUNDS = re.compile(r"\s*([^\W\d_](?:\s*,?\s*[^\W\d_])*)\s*(?:=\s*(\d+))?\s*")


class SymbolReader(DifferentialReader):
    """Reads operator symbols and the ∑ of index sums."""

    def emit_operator(self, kind: OperatorKind, written: str, start: int, stop: int) -> int:
        """Emit an operator with the space in its subscript, as a call if it is a word before a bracket."""
        space: CoordinateName | SpaceName | None = None
        if self.at_subscript(stop) and kind in {"laplacian", "gradient", "hessian"}:
            found = self.read_subscript(stop)
            target = found[0][0].target if found and len(found[0]) == 1 and found[0][0].count == 1 else None
            if found is None or not isinstance(target, CoordinateName | SpaceName):
                raise self.error(
                    OperatorNameError,
                    f"the subscript of {written} is one space",
                    stop,
                    self.end_of_word(stop),
                    f"spaces: {', '.join(space.name for space in self.scope.declarations.spaces)}",
                )
            space, stop = target, found[1]
        symbol = OperatorSymbol(kind, space, written)
        is_call = (written.isalpha() and written.isascii()) or "_" in written
        if is_call and self.char(stop) == "(":
            return self.emit("CALL", symbol, start, stop)
        if kind in OPERATOR_ARITY:
            raise self.error(OperatorSyntaxError, f"{written} needs its arguments in brackets", start, stop)
        return self.emit("OPERATOR", symbol, start, stop)

    def is_summation(self, place: int) -> bool:
        """Whether ∑, or Σ if it is not declared, begins an index sum here."""
        return self.text[place] == "∑" or (not self.scope.matches(self.text, place) and self.at_subscript(place + 1))

    def read_summation(self, start: int, stop: int) -> int:
        """Read ∑ᵢ, ∑_i, ∑_{i,j}, ∑_{i=1}^{d}."""
        if not self.at_subscript(stop):
            raise self.error(OperatorSyntaxError, "the sum has no index", start, stop, "write ∑_{i=1}^{d}")
        if self.text[stop] == "_" and self.char(stop + 1) == "{":
            end = self.partner.get(stop + 1, len(self.text))
            written, place = self.text[stop + 2 : end], end + 1
        else:
            place = stop + (self.text[stop] == "_")
            end = place + 1
            while self.subscripts[stop] and end < len(self.text) and self.subscripts[end]:
                end += 1
            written, place = self.text[place:end], end
        match = _SUM_BOUNDS.fullmatch(written)
        if match is None:
            raise self.error(
                OperatorSyntaxError, "the index of the sum cannot be read", stop, place, "write ∑_{i=1}^{d}"
            )
        letters = tuple(char for char in match[1] if char.isalpha())
        for letter in letters:
            if letter in self.scope.entries:
                raise self.error(OperatorNameError, f"the index {letter!r} is a declared name", stop, place)
        if len(set(letters)) < len(letters):
            raise self.error(OperatorNameError, "an index appears twice in one sum", stop, place)
        upper, place = self.read_upper_bound(place)
        self.letters |= set(letters)
        return self.emit("SUMMATION", SumBounds(letters, match[2], upper), start, place)

    def read_upper_bound(self, place: int) -> tuple[str | None, int]:
        """Read ^{d}, ^d, ^10, ^(d) after the index of a sum."""
        if self.char(place) != "^":
            return None, place
        start = self.skip_spaces(place + 1)
        if self.char(start) in ("{", "(") and start in self.partner:
            return self.text[start + 1 : self.partner[start]].strip(), self.partner[start] + 1
        digits = self.end_of_digits(start)
        stop = digits if digits > start else start + 1
        return self.text[start:stop], stop
