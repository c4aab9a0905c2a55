"""∂ and d: `∂²u/∂x²`, `d^2u/dxdy`, `∂/∂x(…)`, `∂_x`, `∂ₓ²`, `∂x u`.

A ∂ that carries a coordinate is an operator. Any other ∂ opens a Leibniz quotient that its denominator `/∂…` closes.
A `d` opens one only if the text goes on with an operand and `/d` + coordinate; otherwise it is a letter.
"""

from __future__ import annotations

from typing import TypeAlias

from opcompiler.errors import DerivativeOrderError, OpCompilerError, OperatorNameError, OperatorSyntaxError
from opcompiler.language.characters import PlainText
from opcompiler.language.scope import CoordinateName, Scope, SpaceName
from opcompiler.language.subscripts import SubscriptReader
from opcompiler.language.tokens import IndexItem, Lexeme, PartialSymbol, SubscriptItem

__all__ = ["DifferentialReader"]

_Denominator: TypeAlias = tuple[tuple[SubscriptItem, ...], int]
"""The differentials of a denominator and where it ends."""


class DifferentialReader(SubscriptReader):
    """Reads everything that begins with ∂ or d, and the denominators."""

    def __init__(self, plain: PlainText, scope: Scope) -> None:
        """Start with no bracket and no quotient open."""
        super().__init__(plain, scope)
        self.brackets: list[tuple[str, str, int]] = []
        self.open_partials: list[tuple[int, Lexeme]] = []
        self.denominators: dict[int, _Denominator] = {}
        self.candidate: tuple[int, _Denominator] | None = None

    # --- ∂ --------------------------------------------------------------------------------------------------------

    def read_partial(self, place: int) -> int:
        """Read ∂ with its order and index, or open a Leibniz quotient."""
        order, stop = self.read_order(place + 1) or (None, place + 1)
        if self.at_subscript(stop):
            found = self.read_subscript(stop)
            if found is None:
                raise self.subscript_error(stop)
            items, end = found
        else:
            items, end = self.read_attached_coordinates(stop)
        if not items:
            return self.open_partial(1 if order is None else order, place, stop)
        if order is not None:
            items = self.with_order(items, order, place, end)
        return self.emit("OPERATOR", PartialSymbol(self.spatial_items(items)), place, end)

    def with_order(
        self, items: tuple[SubscriptItem, ...], order: int, start: int, stop: int
    ) -> tuple[SubscriptItem, ...]:
        """Apply the order of ∂^2_x to its only coordinate."""
        if sum(item.count for item in items) == order:
            return items
        if len(items) != 1 or items[0].count != 1:
            raise self.error(
                DerivativeOrderError, "the order does not match the index", start, stop, "write ∂_x^2, ∂²_x or ∂_xx"
            )
        return (SubscriptItem(items[0].target, order, items[0].span),)

    def spatial_items(self, items: tuple[SubscriptItem, ...]) -> tuple[SubscriptItem, ...]:
        """Read ∂_i and ∂_1 as derivatives along the spatial coordinate of that number."""
        return tuple(
            SubscriptItem(self.spatial_coordinate(item), item.count, item.span)
            if isinstance(item.target, IndexItem)
            else item
            for item in items
        )

    def spatial_coordinate(self, item: SubscriptItem) -> CoordinateName:
        """Return the spatial coordinate that a number or a summation letter counts."""
        assert isinstance(item.target, IndexItem)
        text = item.target.text
        return CoordinateName(None, int(text[:15]) - 1 if text.isdigit() else text)

    def read_attached_coordinates(self, place: int) -> tuple[tuple[SubscriptItem, ...], int]:
        """Read the x of `∂x u`, unless a longer declared name, a field say, begins there."""
        if not self.is_word_char(place):
            return (), place
        longest = self.scope.matches(self.text, place)
        if not longest or not isinstance(longest[0][1], CoordinateName | SpaceName):
            return (), place
        return self.split_tail(place, self.end_of_word(place), None)

    def open_leibniz(self, order: int, start: int, stop: int) -> None:
        """Open the quotient du/dx whose head has just been chosen, and remember where its denominator stands."""
        self.open_partial(order, start, stop)
        if self.leibniz_head(start) is not None and self.candidate is not None:
            self.denominators[self.candidate[0]] = self.candidate[1]

    def open_partial(self, order: int, start: int, stop: int) -> int:
        """Open a Leibniz quotient."""
        place = self.emit("PARTIAL", order, start, stop)
        self.open_partials.append((len(self.brackets), self.tokens[-1]))
        return place

    def close_partials(self, depth: int, place: int) -> None:
        """Refuse a Leibniz numerator without denominator when its bracket ends."""
        waiting = self.open_partials
        if waiting and waiting[-1][0] >= depth:
            token = waiting[-1][1]
            raise OperatorSyntaxError(
                "this ∂ has no denominator",
                source=self.plain.source,
                span=token.span,
                hint="write ∂u/∂x, ∂_x u or u_x",
            )

    # --- denominators ---------------------------------------------------------------------------------------------

    def read_denominator(self, slash: int) -> int | None:
        """Read `/∂x²∂y` (or a `/dx` found before) that closes the last numerator; None if this is a division."""
        waiting = self.open_partials
        found = self.denominators.pop(slash, None)
        if found is not None and (not waiting or waiting[-1][0] != len(self.brackets)):
            return None
        if found is None:
            symbol = self.skip_spaces(slash + 1)
            if self.char(symbol) != "∂" and not self.opens_differentials(symbol, "∂"):
                return None
            if not waiting or waiting[-1][0] != len(self.brackets):
                return None
            found = self.read_differentials(symbol, "∂", int(str(waiting[-1][1].payload)))
            if found is None:
                raise self.denominator_error(slash, symbol)
        items, stop = found
        waiting.pop()
        return self.emit("DENOMINATOR", self.spatial_items(items), slash, stop)

    def denominator_error(self, slash: int, symbol: int) -> OpCompilerError:
        """Say what is wrong with a denominator."""
        after = self.skip_spaces(symbol + 1)
        if self.char(after) == "^" or self.text.startswith("**", after):
            return self.error(
                DerivativeOrderError,
                "the order stands on ∂ instead of the coordinate",
                symbol,
                self.end_of_word(after + 1),
                "did you mean ∂²u/∂x²?",
            )
        if self.is_word_char(after):
            word = self.text[after : self.end_of_word(after)]
            return self.error(
                OperatorNameError,
                f"{word!r} is not a declared coordinate",
                after,
                after + len(word),
                f"declared names: {self.scope.describe()}",
            )
        return self.error(OperatorSyntaxError, "a coordinate is missing in the denominator", slash, symbol + 1)

    def read_differentials(self, place: int, symbol: str, order: int) -> tuple[tuple[SubscriptItem, ...], int] | None:
        """Read `∂x²∂y` or `dx^2dy` from its first symbol; None if it is not made of differentials."""
        if self.opens_differentials(place, symbol):
            found = self.read_differentials(self.skip_spaces(place + 1), symbol, order)
            closing = self.partner[place]
            return (found[0], closing + 1) if found and self.skip_spaces(found[1]) == closing else None
        items: list[SubscriptItem] = []
        total, stop = 0, place
        while self.char(place) == symbol:
            found = self.read_differential(self.skip_spaces(place + 1), symbol)
            if found is None:
                break
            target, count, end = found
            separate = place > stop or (symbol == "d" and self.char(end) == "(")
            if items and separate and total >= order:
                break
            self.add_item(items, target, count, place, end)
            total, stop = total + count, end
            place = self.skip_spaces(stop)
        return (tuple(items), stop) if items else None

    def opens_differentials(self, place: int, symbol: str) -> bool:
        """Whether a bracket around differentials begins here, as in ∂²u/(∂x∂y)."""
        return self.char(place) == "(" and place in self.partner and self.char(self.skip_spaces(place + 1)) == symbol

    def read_differential(
        self, place: int, symbol: str
    ) -> tuple[CoordinateName | SpaceName | IndexItem, int, int] | None:
        """Read the coordinate and its order after the symbol."""
        options = self.coordinate_options(place) if self.char(place) else []
        if not options:
            return None
        target, stop = max(options, key=lambda option: option[1])
        exponent = self.read_order(stop)
        if exponent is not None:
            return target, exponent[0], exponent[1]
        digits = self.end_of_digits(stop)
        if digits > stop and not self.subscripts[stop]:
            if self.scope.array_space(self.scope.get(self.text[place:stop])) is None:
                return target, self.order_value(self.text[stop:digits], stop, digits), digits
            return None
        if self.is_word_char(stop) and not self.continues_with_differential(stop, symbol):
            if self.char(stop) == "_" or symbol == "d":
                return None
            whole = self.end_of_word(stop)
            if not self.scope.matches(self.text, stop):
                raise self.error(
                    OperatorNameError, f"{self.text[place:whole]!r} is not a declared coordinate", place, whole
                )
        return target, 1, stop

    def continues_with_differential(self, place: int, symbol: str) -> bool:
        """Whether a further differential follows without a space: dxdy."""
        return self.char(place) == symbol and bool(self.coordinate_options(place + 1))

    # --- d --------------------------------------------------------------------------------------------------------

    def leibniz_head(self, place: int) -> tuple[int, int] | None:
        """Return (order, end of the head) if `d`, `d^2` or `d2` here opens a Leibniz quotient."""
        if self.char(place) != "d" or self.subscripts[place]:
            return None
        stop, order = place + 1, 1
        digits = self.end_of_digits(stop)
        written = self.text[stop:digits]
        if self.char(stop) in ("^", "*"):
            end = self.order_end(stop)
            if end is None:
                return None
            written, stop = self.text[stop:end].strip("^*(){} "), end
        elif digits > stop:
            stop = digits
        slash = self.skip_spaces(self.end_of_numerator(self.skip_spaces(stop)))
        symbol = self.skip_spaces(slash + 1)
        if self.char(slash) != "/" or symbol != slash + 1 or self.char(symbol) not in ("d", "("):
            return None
        found = self.read_differentials(symbol, "d", int(written) if written.isdigit() and len(written) < 6 else 1)
        if found is None:
            return None
        if written:
            order = self.order_value(written, place, stop)
        self.candidate = slash, found
        return order, stop

    def order_end(self, place: int) -> int | None:
        """Return the end of ^2, **2, ^(2) or ^{2}."""
        place += 2 if self.text.startswith("**", place) else 1
        if self.char(place) in ("(", "{"):
            return self.partner[place] + 1 if place in self.partner else None
        digits = self.end_of_digits(place)
        return digits if digits > place else None

    def end_of_numerator(self, place: int) -> int:
        """Return the end of the operand of d: nothing, a bracket, or a name with subscripts, primes and brackets."""
        if self.char(place) in ("(", "["):
            return self.partner.get(place, place - 1) + 1
        stop = self.end_of_word(place)
        if stop == place:
            return place
        while True:
            if (self.char(stop) == "{" and self.text[stop - 1] == "_") or self.char(stop) == "(":
                if stop not in self.partner:
                    return stop
                stop = self.partner[stop] + 1
            elif self.char(stop) == "'" or (self.char(stop) == "_" and self.char(stop + 1) == "{"):
                stop += 1
            elif self.char(stop) == "^":
                stop = self.order_end(stop) or len(self.text)
            else:
                return stop
