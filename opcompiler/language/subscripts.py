"""Subscripts: `u_xx`, `uₓₓ`, `u_{xy}`, `u_{3x}`, `v_1`, `a_ij`, `x_{12}`.

The tail of a subscript is split into declared coordinates, the longest first, and stops at the first letter that is
none: `u_xw` is u_x·w. Two different splits of one tail are refused.
"""

from __future__ import annotations

import re

from opcompiler.errors import DerivativeOrderError, LimitError, OpCompilerError, OperatorNameError, OperatorSyntaxError
from opcompiler.language.limits import MAX_DERIVATIVE_ORDER
from opcompiler.language.reader import TextReader
from opcompiler.language.scope import CoordinateName, FieldName, FunctionName, SpaceName, coordinates_of
from opcompiler.language.tokens import ArgumentItem, IndexItem, SubscriptItem

__all__ = ["SubscriptReader"]

_COUNT = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)

_Target = CoordinateName | SpaceName | IndexItem | ArgumentItem


class SubscriptReader(TextReader):
    """Reads what stands below the line."""

    def at_subscript(self, place: int) -> bool:
        """Whether a subscript begins here."""
        return place < len(self.text) and (bool(self.subscripts[place]) or self.text[place] == "_")

    def read_postfix_subscript(self, place: int) -> int:
        """Emit the subscript of the bracket, call or name that has just ended."""
        found = self.read_subscript(place)
        if found is None:
            raise self.subscript_error(place)
        items, stop = found
        return self.emit("SUBSCRIPT", items, place, stop)

    def subscript_error(self, place: int) -> OpCompilerError:
        """Say that a subscript is not made of coordinates."""
        start = place + (self.char(place) == "_")
        stop = max(self.end_of_word(start), start + 1)
        word = self.text[start:stop].strip()
        if not word:
            return self.error(OperatorSyntaxError, "a subscript is missing after '_'", place, place + 1)
        hint = f"coordinates: {', '.join(map(coordinates_of, self.scope.declarations.spaces))}"
        if len(word) == 1:
            hint += f"; a sum over the index {word} is written ∑_{word}, as in ∑_{word} ∂_{word}²u"
        return self.error(OperatorNameError, f"{word!r} in a subscript is not a declared coordinate", start, stop, hint)

    def read_subscript(
        self, place: int, function: FunctionName | None = None
    ) -> tuple[tuple[SubscriptItem, ...], int] | None:
        """Return the items of the subscript that begins here and its end, None if its letters mean nothing."""
        if self.subscripts[place]:
            stop = place
            while stop < len(self.text) and self.subscripts[stop]:
                stop += 1
            items, end = self.split_tail(place, stop, function)
            if end < stop:
                raise self.subscript_error(end)
            return items, end
        first = place + 1
        if self.char(first) == "{":
            return self.read_braces(first, function)
        stop = first
        while self.is_word_char(stop) and self.text[stop] != "_" and not self.subscripts[stop]:
            stop += 1
        items, end = self.split_tail(first, stop, function)
        return (items, end) if items else None

    # --- the tail of a subscript ----------------------------------------------------------------------------------

    def split_tail(self, start: int, stop: int, function: FunctionName | None) -> tuple[tuple[SubscriptItem, ...], int]:
        """Split as much of the range as possible; refuse two ways of doing it."""
        farthest: dict[int, tuple[int, int, tuple[_Target, int] | None]] = {}
        for place in range(stop - 1, start - 1, -1):
            best: tuple[int, int, tuple[_Target, int] | None] = (place, 1, None)
            for target, end in self.tail_options(place, function, place == start):
                reach, ways, _ = farthest.get(end, (end, 1, None))
                if reach > best[0] or best[2] is None:
                    best = (reach, ways, (target, end))
                elif reach == best[0]:
                    best = (reach, best[1] + ways, best[2])
            farthest[place] = best
        reach, ways, choice = farthest.get(start, (start, 1, None))
        if choice is not None and ways > 1:
            raise self.error(
                OperatorNameError,
                f"the subscript {self.text[start:reach]!r} can be split into coordinates in several ways",
                start,
                reach,
                "separate them in braces, for example u_{x, y}",
            )
        items: list[SubscriptItem] = []
        place = start
        while choice is not None:
            target, end = choice
            self.add_item(items, target, 1, place, end)
            place = end
            choice = farthest[place][2] if place in farthest else None
        return tuple(items), place

    def tail_options(self, place: int, function: FunctionName | None, first: bool) -> list[tuple[_Target, int]]:
        """Return everything that may stand at this place of a subscript, with its end."""
        options: list[tuple[_Target, int]] = []
        char = self.text[place]
        if char in self.letters:
            return [(IndexItem(char), place + 1)]
        if char.isascii() and char.isdigit():
            return [(IndexItem(self.text[place : self.end_of_digits(place)]), self.end_of_digits(place))]
        options += self.coordinate_options(place)
        if function is not None:
            for argument in self.scope.declarations.function(function.function).arguments:
                known = self.scope.get(argument)
                if self.text.startswith(argument, place) and not isinstance(known, CoordinateName | SpaceName):
                    options.append((ArgumentItem(argument), place + len(argument)))
        return options

    def coordinate_options(self, place: int) -> list[tuple[CoordinateName | SpaceName, int]]:
        """Return the coordinates that the text continues with, and where each ends."""
        options: list[tuple[CoordinateName | SpaceName, int]] = []
        for end, entry in self.scope.matches(self.text, place):
            if len(set(self.subscripts[place:end])) > 1:
                continue
            if isinstance(entry, CoordinateName):
                options.append((entry, end))
            elif isinstance(entry, SpaceName) and self.scope.array_space(entry) is not None:
                options.append(self.numbered_coordinate(entry, place, end))
        return options

    def numbered_coordinate(self, entry: SpaceName, start: int, end: int) -> tuple[CoordinateName | SpaceName, int]:
        """Read the number or summation letter after the name of a space of n coordinates."""
        space = self.scope.declarations.space(entry.space)
        found = self.read_index(end)
        if found is None:
            return (CoordinateName(space.name, 0), end) if space.dim == 1 else (entry, end)
        index, stop = found
        if isinstance(index, int) and not 0 <= index < space.dim:
            raise self.error(
                OperatorNameError,
                f"{self.text[start:stop]!r}: the space {space.name!r} has the coordinates "
                f"{space.coordinate_name(0)} … {space.coordinate_name(space.dim - 1)}",
                start,
                stop,
            )
        return CoordinateName(space.name, index), stop

    def read_index(self, place: int) -> tuple[int | str, int] | None:
        """Read the index in x3, x₃, x_3, x_{3}, x_i, xᵢ or x_{i}; an int is returned 0-based."""
        start = place
        braced = False
        underscore = self.char(place) == "_"
        if underscore:
            place += 1
            if self.char(place) == "{" and place in self.partner:
                braced, place = True, self.skip_spaces(place + 1)
        digits = self.end_of_digits(place)
        if digits > place:
            index: int | str = int(self.text[place : min(digits, place + 15)]) - 1
            stop = digits
        elif self.char(place) in self.letters and self.char(place) and (underscore or self.subscripts[place]):
            index, stop = self.text[place], place + 1
        else:
            return None
        if braced:
            stop = self.skip_spaces(stop)
            if self.char(stop) != "}":
                return None
            stop += 1
        return index, stop if stop > start else start

    # --- braces ---------------------------------------------------------------------------------------------------

    def read_braces(self, brace: int, function: FunctionName | None = None) -> tuple[tuple[SubscriptItem, ...], int]:
        """Read {xx}, {3x}, {x, y}, {1,2}, {ij}."""
        if brace not in self.partner:
            raise self.error(OperatorSyntaxError, "this '{' is never closed by '}'", brace, brace + 1)
        stop = self.partner[brace]
        items: list[SubscriptItem] = []
        place = self.skip_spaces(brace + 1)
        if place >= stop:
            raise self.error(OperatorSyntaxError, "the subscript is empty", brace, stop + 1)
        while place < stop:
            if self.text[place] in ", ":
                place += 1
                continue
            place = self.read_braced_item(items, place, stop, function)
        return tuple(items), stop + 1

    def read_braced_item(self, items: list[SubscriptItem], place: int, stop: int, function: FunctionName | None) -> int:
        """Read one counted run of coordinates, or an index, inside braces."""
        start = place
        count = 1
        number = _COUNT.match(self.text, place, stop)
        if number is not None:
            after = self.skip_spaces(number.end())
            counted = after < stop and self.text[after] not in ","
            if number[1] or number[0][0] in "+-":
                raise self.error(
                    DerivativeOrderError,
                    f"{number[0]!r} cannot count derivatives",
                    start,
                    number.end(),
                    "a count is a natural number: u_{3x} is u_xxx",
                )
            if not counted:
                self.add_item(items, IndexItem(number[0]), 1, start, number.end())
                return number.end()
            if len(number[0]) > 4 or int(number[0]) > MAX_DERIVATIVE_ORDER:
                raise self.error(LimitError, f"a derivative order above {MAX_DERIVATIVE_ORDER}", start, number.end())
            count, place = int(number[0]), after
        end = place
        while end < stop and self.is_word_char(end) and self.text[end] != "_":
            end += 1
        split, reach = self.split_tail(place, end, function)
        if not split or reach < end:
            raise self.subscript_error(reach)
        for position, item in enumerate(split):
            repeated = item.count + (count - 1 if position == 0 else 0)
            self.add_item(items, item.target, repeated, place, reach)
        return reach

    def add_item(self, items: list[SubscriptItem], target: _Target, count: int, start: int, stop: int) -> None:
        """Append an item, merging a repeated coordinate into one."""
        span = self.span(start, stop)
        if items and items[-1].target == target and not isinstance(target, IndexItem):
            last = items.pop()
            items.append(SubscriptItem(target, last.count + count, last.span | span))
        else:
            items.append(SubscriptItem(target, count, span))

    def component_index(self, entry: FieldName, end: int) -> tuple[int | str, int] | None:
        """Read the number after the name of a vector field, v1 or v_1, or its summation letter."""
        if not self.scope.declarations.field(entry.field).shape:
            return None
        found = self.read_index(end)
        if found is None:
            return None
        size = self.scope.declarations.field(entry.field).shape[0]
        if isinstance(found[0], int) and not 0 <= found[0] < size:
            raise self.error(
                OperatorNameError,
                f"the field {entry.field!r} has {size} components, there is no number {found[0] + 1}",
                end,
                found[1],
            )
        return found
