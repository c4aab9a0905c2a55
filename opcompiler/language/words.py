"""Runs of letters: `6uu_x`, `D_uΔu`, `βSI`, `iψ_t`, `sin`, `dxx(`, `e_y`.

A run is split into declared names, built-in words and implicit names so that the fewest pieces come out; a declared
name beats a reading of the same length, and two equally short splits are refused. This is a shortest path over the
places of the run, from the right to the left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from opcompiler.errors import LimitError, OpCompilerError, OperatorNameError, Span
from opcompiler.language.characters import PlainText
from opcompiler.language.limits import MAX_WORD_LENGTH
from opcompiler.language.scope import (
    ComponentName,
    CoordinateName,
    Entry,
    FieldName,
    FunctionName,
    ParameterName,
    Scope,
    SpaceName,
)
from opcompiler.language.symbols import SymbolReader
from opcompiler.language.tokens import (
    BuiltinFunction,
    CoefficientCall,
    ConstantName,
    DimensionName,
    ImaginaryName,
    IndexItem,
    IndexLetter,
    OperatorSymbol,
    PartialSymbol,
    Payload,
    UnitVectorName,
)
from opcompiler.language.vocabulary import (
    CONSTANTS,
    FUNCTION_ALIASES,
    OPERATOR_WORDS,
    SUM_WORDS,
)

__all__ = ["WordReader"]

_DECLARED, _SUBSCRIPTED, _IMPLICIT, _LEIBNIZ = 100, 101, 150, 50
"""What a piece costs; a Leibniz d counts half, so that du/dx is a derivative even where d is a parameter."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """One way of reading on from a place: terminals (type, payload, start, stop), where it ends, what it costs."""

    stop: int
    cost: int
    tokens: tuple[tuple[str, Payload, int, int], ...]


class WordReader(SymbolReader):
    """Reads runs of letters and digits."""

    def __init__(self, plain: PlainText, scope: Scope) -> None:
        """Start with nothing refused."""
        super().__init__(plain, scope)
        self.refusals: dict[int, OpCompilerError] = {}

    def read_word(self, place: int) -> int:
        """Read the run that begins here and return where the next token starts."""
        stop = self.end_of_word(place)
        while stop > place + 1 and self.text[stop - 1] == "_":
            stop -= 1
        if stop - place > MAX_WORD_LENGTH:
            raise self.error(LimitError, f"more than {MAX_WORD_LENGTH} letters in a row", place, stop)
        best: dict[int, tuple[int, int, _Piece | None]] = {}
        self.refusals.clear()
        for start in range(stop - 1, place - 1, -1):
            cheapest: tuple[int, int, _Piece | None] | None = None
            for piece in self.pieces(start, place, stop):
                after = best.get(piece.stop, (self.cost_beyond(piece), 1, None) if piece.stop >= stop else None)
                if after is None:
                    continue
                cost = piece.cost + after[0]
                if cheapest is None or cost < cheapest[0]:
                    cheapest = (cost, after[1], piece)
                elif cost == cheapest[0]:
                    cheapest = (cost, cheapest[1] + after[1], cheapest[2])
            if cheapest is not None:
                best[start] = cheapest
        if place not in best:
            raise self.refusals[min(self.refusals)] if self.refusals else self.word_error(place, stop)
        cost, ways, piece = best[place]
        if ways > 1:
            raise self.error(
                OperatorNameError,
                f"{self.text[place:stop]!r} can be split into declared names in several ways",
                place,
                stop,
                "write a space or * between the factors",
            )
        return self.emit_pieces(piece, best)

    def cost_beyond(self, piece: _Piece) -> int:
        """Return what follows the run: a subscript that is still to be read counts as a piece."""
        return _DECLARED if self.at_subscript(piece.stop) else 0

    def emit_pieces(self, piece: _Piece | None, best: dict[int, tuple[int, int, _Piece | None]]) -> int:
        """Emit the terminals of the chosen pieces."""
        stop = 0
        after_field = -1
        while piece is not None:
            for type_, payload, start, end in piece.tokens:
                if start == after_field and isinstance(payload, CoordinateName):
                    raise self.bare_derivative_error(self.tokens[-1].span | self.span(start, end))
                after_field = end if type_ == "NAME" and isinstance(payload, FieldName | ComponentName) else -1
                if type_ == "PARTIAL":
                    self.open_leibniz(int(str(payload)), start, end)
                elif type_ == "SUMMATION":
                    return self.read_summation(start, end)
                elif type_ == "OPERATOR" and isinstance(payload, OperatorSymbol):
                    return self.emit_operator(payload.kind, payload.written, start, end)
                else:
                    self.emit(type_, payload, start, end)
            stop = piece.stop
            piece = best[stop][2] if stop in best else None
        return stop

    def bare_derivative_error(self, span: Span) -> OpCompilerError:
        """Return the error about uxx, which some tools read as u_xx and others as u·x·x."""
        hint = "write u_x for the derivative and u*x for the product"
        problem = "a field directly before a coordinate: a derivative or a product?"
        return OperatorNameError(problem, source=self.plain.source, span=span, hint=hint)

    def word_error(self, place: int, stop: int) -> OpCompilerError:
        """Say which letters no declaration explains."""
        word = self.text[place:stop]
        for end, entry in self.scope.matches(self.text, place):
            if isinstance(entry, FieldName | FunctionName) and self.char(end) == "_":
                found = self.read_subscript(end, entry if isinstance(entry, FunctionName) else None)
                reach = found[1] if found else end + 1
                rest = self.text[reach:stop] or word
                return self.error(
                    OperatorNameError,
                    f"{rest!r} in the subscript of {self.text[place:end]!r} is not a declared coordinate",
                    reach,
                    max(stop, reach + 1),
                    self.nearest_hint(word),
                )
        return self.error(
            OperatorNameError, f"the name {word[:60]!r} is not declared", place, stop, self.spelling_hint(word, stop)
        )

    def spelling_hint(self, word: str, stop: int) -> str:
        """Say how a word that looks like a module, a derivative or a component is written; else suggest a name."""
        if self.char(stop) == "." and self.char(stop + 1).isalpha():
            return "functions are written without a module, as in sin(u)"
        if word[0] in "dD" and isinstance(self.scope.get(word[1:]), CoordinateName):
            return f"a derivative is written {word}(u), ∂_{word[1:]} u or u_{word[1:]}"
        stem = word.rstrip("0123456789")
        if stem != word and isinstance(self.scope.get(stem), FunctionName | ParameterName):
            return f"an entry of {stem} is written {stem}_{word[len(stem) :]}"
        return self.nearest_hint(word)

    def nearest_hint(self, word: str) -> str:
        """Suggest the nearest name, or list what is declared."""
        nearest = self.scope.nearest(word)
        return f"did you mean {nearest!r}?" if nearest else f"declared names: {self.scope.describe()}"

    # --- the pieces that may begin at a place ---------------------------------------------------------------------

    def pieces(self, start: int, first: int, stop: int) -> list[_Piece]:
        """Return every reading of the text from `start` on; what a reading refuses counts only if none is left."""
        readings: list[Callable[[], list[_Piece]]] = []
        if self.at_subscript(start):
            readings.append(lambda: self.subscript_piece(start) if start > first else [])
        else:
            readings.append(lambda: self.braced_name(start))
            for end, entry in self.scope.matches(self.text, start):
                readings.append(partial(self.declared_pieces, entry, start, end))
            readings.append(lambda: self.leibniz_piece(start))
            readings.append(lambda: self.builtin_pieces(start, stop))
            readings.append(lambda: self.implicit_pieces(start, first, stop))
        found: list[_Piece] = []
        for reading in readings:
            try:
                found += reading()
            except OpCompilerError as refusal:
                self.refusals[start] = refusal
        return found

    def subscript_piece(self, start: int) -> list[_Piece]:
        """Read a further subscript, as in v_1_x."""
        found = self.read_subscript(start)
        return [] if found is None else [_Piece(found[1], _DECLARED, (("SUBSCRIPT", found[0], start, found[1]),))]

    def leibniz_piece(self, start: int) -> list[_Piece]:
        """Read the d of du/dx."""
        head = self.leibniz_head(start)
        return [] if head is None else [_Piece(head[1], _LEIBNIZ, (("PARTIAL", head[0], start, head[1]),))]

    def braced_name(self, start: int) -> list[_Piece]:
        """Read ω_{b} as the declared name ω_b."""
        end = start
        while self.is_word_char(end) and self.text[end] != "_":
            end += 1
        if self.char(end) != "_" or self.char(end + 1) != "{" or end + 1 not in self.partner:
            return []
        stop = self.partner[end + 1] + 1
        entry = self.scope.entries.get(f"{self.text[start:end]}_{self.text[end + 2 : stop - 1].replace(' ', '')}")
        return [] if entry is None else self.name_pieces(entry, start, stop, _DECLARED)

    def declared_pieces(self, entry: Entry, start: int, end: int) -> list[_Piece]:
        """Return the readings of a declared name: alone, numbered, called, with a subscript."""
        pieces: list[_Piece] = []
        if isinstance(entry, SpaceName) and self.scope.array_space(entry) is not None:
            coordinate, stop = self.numbered_coordinate(entry, start, end)
            return [_Piece(stop, _DECLARED, (("NAME", coordinate, start, stop),))]
        if isinstance(entry, FieldName):
            numbered = self.component_index(entry, end)
            if numbered is not None:
                name = ComponentName(entry.field, numbered[0])
                pieces += self.name_pieces(name, start, numbered[1], _DECLARED)
        if isinstance(entry, FunctionName):
            return self.function_pieces(entry, start, end)
        return pieces + self.name_pieces(entry, start, end, _DECLARED)

    def name_pieces(self, entry: Entry, start: int, end: int, cost: int) -> list[_Piece]:
        """Return the name alone and, where it can be differentiated or indexed, with its subscript."""
        after_call = self.end_of_evaluation(entry, start, end)
        name = ("NAME", entry, start, after_call)
        pieces = [_Piece(after_call, cost, (name,))]
        takes_subscript = isinstance(entry, FieldName | ComponentName | FunctionName) or (
            isinstance(entry, ParameterName) and self.scope.declarations.parameter(entry.parameter).shape
        )
        if takes_subscript and self.at_subscript(after_call):
            function = entry if isinstance(entry, FunctionName) else None
            found = self.read_subscript(after_call, function)
            if found is not None:
                subscript = ("SUBSCRIPT", found[0], after_call, found[1])
                pieces.append(_Piece(found[1], cost + _SUBSCRIPTED - _DECLARED, (name, subscript)))
        return pieces

    def function_pieces(self, entry: FunctionName, start: int, end: int) -> list[_Piece]:
        """Read c(x,y), F'(φ) as calls and bare c as the function at its declared arguments."""
        stop = end
        while self.char(stop) == "'":
            stop += 1
        opening = self.skip_spaces(stop)
        if self.char(opening) == "(":
            call = CoefficientCall(entry, stop - end)
            return [_Piece(stop, _DECLARED, (("CALL", call, start, stop),))]
        return self.name_pieces(entry, start, end, _DECLARED)

    def end_of_evaluation(self, entry: Entry, start: int, end: int) -> int:
        """Skip the brackets of u(x,t): a field at exactly its coordinates is the field."""
        opening = self.skip_spaces(end)
        if not isinstance(entry, FieldName | ComponentName) or self.char(opening) != "(" or opening not in self.partner:
            return end
        stop = self.partner[opening]
        parts = self.split_arguments(opening + 1, stop)
        entries = [self.scope.get(part) for part in parts]
        if all(isinstance(part, CoordinateName | SpaceName) for part in entries) and self.scope.covers_spaces(entries):
            return stop + 1
        if len(parts) > 1:
            places = ", ".join(space.name for space in self.scope.declarations.spaces)
            raise self.error(
                OperatorNameError,
                f"the field {self.text[start:end]!r} is a function of exactly {places}",
                start,
                stop + 1,
                "for a product write * before the bracket",
            )
        return end

    def split_arguments(self, start: int, stop: int) -> list[str]:
        """Split at the commas that stand in no inner bracket."""
        parts, depth, piece = [], 0, start
        for place in range(start, stop):
            char = self.text[place]
            depth += (char in "([{") - (char in ")]}")
            if char == "," and depth == 0:
                parts.append(self.text[piece:place].strip())
                piece = place + 1
        return [*parts, self.text[piece:stop].strip()]

    def builtin_pieces(self, start: int, stop: int) -> list[_Piece]:
        """Read the words of the language, which end where letters and digits end."""
        end = start
        while self.is_word_char(end) and not self.subscripts[end]:
            end += 1
        for finish in range(end, start, -1):
            word = self.text[start:finish]
            if finish < end and self.text[finish] != "_":
                continue
            if word in self.scope.entries:
                continue
            called = self.char(finish) == "("
            if word in SUM_WORDS and self.at_subscript(finish):
                return [_Piece(stop, _DECLARED, (("SUMMATION", None, start, finish),))]
            if word in FUNCTION_ALIASES and (finish == end):
                function = BuiltinFunction(FUNCTION_ALIASES[word])
                return [_Piece(finish, _DECLARED, (("CALL" if called else "FUNCTION", function, start, finish),))]
            if word in OPERATOR_WORDS and (called or word not in {"J", "diff"}):
                kind = OPERATOR_WORDS[word]
                return [_Piece(stop, _DECLARED, (("OPERATOR", OperatorSymbol(kind, None, word), start, finish),))]
            if word == "D" and called is False and self.char(finish) in ("^", "*"):
                order = self.order_end(finish)
                if order is not None and self.text[finish:order].strip("^*(){} ") == "2":
                    symbol = OperatorSymbol("hessian", None, "D²")
                    return [_Piece(order, _IMPLICIT, (("OPERATOR", symbol, start, order),))]
        return self.derivative_words(start, end)

    def derivative_words(self, start: int, end: int) -> list[_Piece]:
        """Read d_x, d_{xx}, dx(…), Dxx(…), Dx4(…)."""
        if self.text[start] not in "dD":
            return []
        if self.at_subscript(start + 1):
            found = self.read_subscript(start + 1)
            if found is None:
                return []
            symbol = PartialSymbol(self.spatial_items(found[0]))
            type_ = "CALL" if self.char(found[1]) == "(" else "OPERATOR"
            return [_Piece(found[1], _IMPLICIT, ((type_, symbol, start, found[1]),))]
        if self.char(end) != "(" or end == start + 1:
            return []
        items, reach = self.split_tail(start + 1, end, None)
        if not items or any(isinstance(item.target, SpaceName) for item in items):
            return []
        digits = items[-1].target
        if reach == end and len(items) == 2 and isinstance(digits, IndexItem):
            order = self.order_value(digits.text, start, end)
            items = self.with_order((items[0],), order, start, end)
        if reach < end or any(not isinstance(item.target, CoordinateName) for item in items):
            return []
        return [_Piece(end, _DECLARED, (("CALL", PartialSymbol(items), start, end),))]

    def implicit_pieces(self, start: int, first: int, stop: int) -> list[_Piece]:
        """Read π, e, i, d, e_y and summation letters where no declaration claims them."""
        char, alone = self.text[start], start == first and start + 1 == stop
        last = start + 1 == stop
        payload: Payload = None
        if self.text.startswith("pi", start) and start == first and start + 2 == stop:
            return [_Piece(stop, _IMPLICIT, (("NAME", ConstantName("pi"), start, stop),))]
        if char == "e" and self.at_subscript(start + 1):
            found = self.read_subscript(start + 1)
            if found is not None and len(found[0]) == 1 and found[0][0].count == 1:
                return [_Piece(found[1], _IMPLICIT, (("NAME", UnitVectorName(found[0][0]), start, found[1]),))]
            return []
        if char == "π":
            payload = ConstantName(CONSTANTS[char])
        elif char == "e" and last and (alone or self.char(stop) in ("^", "*")):
            payload = ConstantName("e")
        elif char == "i" and (start == first or last):
            payload = ImaginaryName()
        elif char == "d" and alone and self.has_dimension():
            payload = DimensionName()
        elif char in self.letters and alone:
            payload = IndexLetter(char)
        if payload is None:
            return []
        return [_Piece(start + 1, _IMPLICIT, (("NAME", payload, start, start + 1),))]

    def has_dimension(self) -> bool:
        """Whether d may stand for the number of coordinates: there is a sum, or a space declared by its size."""
        spaces = self.scope.declarations.spaces
        return bool(self.letters) or any(space.shape and space.coordinates is None for space in spaces)
