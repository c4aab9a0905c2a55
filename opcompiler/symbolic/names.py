"""What the names in a sympy expression mean by the declarations: symbols, fields, components, coefficient functions.

A name means what it means in the text of the language: after NFKC, exactly as declared; `x3`, `x_3`, `x_{3}` for a
space or a vector. Sympy holds symbols of one name but other assumptions for different, and drops the derivative of
one by the other without a word: two of them for one declared name are refused.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate
from math import prod
from typing import Any

from opcompiler.errors import OpCompilerError, OperatorNameError, RankError
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.expression import Expr

__all__ = ["Names"]

_NUMBERED = re.compile(r"(.*?)_?\{?(\d[\d,_]*)\}?")
_SHOWN = 12
"""Declared names that a message lists."""


class Names:
    """Resolves the names of one sympy expression."""

    def __init__(self, declarations: Declarations) -> None:
        """Resolve by these declarations."""
        self.declarations = declarations
        self._spaces = {space.name: space for space in declarations.spaces}
        self._packed = {
            name: ir.Coordinate(space.name, index)
            for space in declarations.spaces
            for index, name in enumerate(space.coordinates or ())
        }
        self._fields = {field.name: field for field in declarations.fields}
        self._components = {
            name: (field.name, index)
            for field in declarations.fields
            for index, name in enumerate(field.components or ())
        }
        self._parameters = {parameter.name: parameter for parameter in declarations.parameters}
        self._functions = {function.name: function for function in declarations.functions}
        self._starts = tuple(accumulate((space.dim for space in declarations.spaces), initial=0))
        self._seen: dict[Expr, Any] = {}

    # --- symbols ------------------------------------------------------------------------------------------

    def symbol(self, symbol: Any) -> Expr:
        """Return the coordinate, parameter or entry of a parameter that a symbol stands for.

        Raises:
            OperatorNameError: the name is not declared, is a function that lost its arguments, or two different
                symbols stand for one declared name.
            RankError: the name is a vector, a matrix or a whole space.
        """
        name = _plain(symbol.name)
        found = self._symbol(name)
        if found is None:
            raise self._unknown(name)
        if self._seen.setdefault(found, symbol) != symbol:
            raise OperatorNameError(
                f"two different sympy symbols stand for {name!r}",
                hint="sympy tells symbols apart by their assumptions; create each symbol once and use that one",
            )
        return found

    def _symbol(self, name: str) -> Expr | None:
        if name in self._packed:
            return self._packed[name]
        space = self._spaces.get(name)
        if space is not None and space.coordinates is None:
            if space.dim == 1:
                return ir.Coordinate(name, 0)
            raise RankError(
                f"{name!r} is a space of {space.dim} coordinates", hint=f"write {name}1, {name}2, … for coordinates"
            )
        if name in self._fields or name in self._components or name in self._functions:
            raise OperatorNameError(
                f"{name!r} is a function, here it is a symbol, whose derivatives sympy drops",
                hint=f"write Function({name!r})({', '.join(self._arguments(name))})",
            )
        if name in self._parameters:
            shape = self._parameters[name].shape
            if shape:
                raise RankError(
                    f"the parameter {name!r} has shape {shape}, a symbol is a scalar",
                    hint=f"write its entries: {name}{'1' * len(shape)}, …, or a MatrixSymbol",
                )
            return ir.Parameter(name)
        return self._numbered_symbol(name)

    def _numbered_symbol(self, name: str) -> Expr | None:
        for stem, digits in _splits(name):
            space = self._spaces.get(stem)
            if space is not None and space.shape and space.coordinates is None:
                number = _number(digits, space.dim)
                if number is not None:
                    return ir.Coordinate(stem, number)
            if stem in self._parameters:
                places = _places(digits, self._parameters[stem].shape)
                if len(places) > 1:
                    raise OperatorNameError(
                        f"{name!r} may be several entries of {stem!r}", hint=f"put a comma: {stem}_{{1,11}}"
                    )
                if places:
                    return self.entry(stem, places[0])
        return None

    def entry(self, name: str, indices: tuple[int, ...]) -> Expr:
        """Return an entry of a parameter; the indices count from 0."""
        declared = self._parameters.get(name)
        if declared is None:
            raise self._unknown(name)
        inside = len(indices) == len(declared.shape) and all(
            0 <= index < size for index, size in zip(indices, declared.shape, strict=True)
        )
        if not inside:
            raise RankError(f"the entry {indices} of {name!r}, which has shape {declared.shape}")
        return ir.Component(ir.Parameter(name, shape=declared.shape), indices)

    # --- applied functions --------------------------------------------------------------------------------

    def is_field(self, name: str) -> bool:
        """Return whether the name is a field or a component of one."""
        known = name in self._fields or name in self._components
        return known or self._numbered(name, self._fields) is not None

    def field(self, name: str, arguments: tuple[Expr, ...]) -> Expr | None:
        """Return the scalar field or component `name` at the coordinates, or None if no field has this name.

        Raises:
            OperatorNameError: the arguments are not all coordinates in declared order.
            RankError: the name is a vector field, which sympy cannot hold.
        """
        field: Expr | None = None
        declared = self._fields.get(name)
        if declared is not None:
            if declared.shape:
                names = declared.components or tuple(f"{name}{n + 1}" for n in range(declared.shape[0]))
                raise RankError(
                    f"the field {name!r} is a vector, {name}(…) is a scalar",
                    hint=f"write its components: {_listed(names)}",
                )
            field = ir.Field(name)
        else:
            component = self._components.get(name) or self._numbered(name, self._fields)
            if component is not None:
                shape = self._fields[component[0]].shape
                field = ir.Component(ir.Field(component[0], shape=shape), (component[1],))
        if field is None:
            return None
        if len(arguments) != self._starts[-1] or not all(map(self._is_place, arguments, range(len(arguments)))):
            wanted = self._arguments(name)
            raise OperatorNameError(
                f"the field {name!r} is a function of exactly {', '.join(wanted)}, in this order",
                hint=f"write {name}({', '.join(wanted)}), or declare the spaces in the order of its arguments",
            )
        return field

    def _is_place(self, argument: Expr, place: int) -> bool:
        if not isinstance(argument, ir.Coordinate) or not isinstance(argument.index, int):
            return False
        number = list(self._spaces).index(argument.space)
        return self._starts[number] + argument.index == place

    def function(self, name: str, arguments: tuple[Expr, ...], derivative: tuple[int, ...]) -> Expr:
        """Return the coefficient function `name`, or an entry of it, at scalar arguments (whole spaces flattened).

        Raises:
            OperatorNameError: no function has this name, or it takes other arguments.
        """
        entry = None if name in self._functions else self._numbered(name, self._functions)
        declared = self._functions.get(entry[0] if entry else name)
        if declared is None:
            raise self._unknown(name, applied=True)
        sizes = [prod(self._argument_shape(argument)) for argument in declared.arguments]
        if len(arguments) != sum(sizes):
            raise OperatorNameError(
                f"{name} takes {sum(sizes)} argument(s), not {len(arguments)}",
                hint=f"it is declared as {declared.name}({','.join(declared.arguments)})",
            )
        if declared.shape and entry is None:
            raise RankError(
                f"the function {name!r} has values of shape {declared.shape}, {name}(…) is a scalar",
                hint=f"write its entries: {name}1, {name}2, …",
            )
        values, orders, start = [], [], 0
        for argument, size in zip(declared.arguments, sizes, strict=True):
            shape = self._argument_shape(argument)
            part, order = arguments[start : start + size], derivative[start : start + size]
            start += size
            if shape:
                if any(order):
                    raise OperatorNameError(
                        f"a derivative of {name} by one entry of {argument}",
                        hint=f"declare the function of scalars: {name}({argument}1, …)",
                    )
                values.append(self._whole(name, argument, shape, part))
                orders.append(0)
            else:
                values.append(part[0])
                orders.append(order[0])
        call = ir.FunctionCall(declared.name, tuple(values), tuple(orders), shape=declared.shape)
        return ir.Component(call, (entry[1],)) if entry else call

    def _whole(self, name: str, argument: str, shape: tuple[int, ...], part: tuple[Expr, ...]) -> Expr:
        """Return the whole space or vector field whose entries these arguments are."""
        if argument in self._spaces:
            if all(entry == ir.Coordinate(argument, index) for index, entry in enumerate(part)):
                return ir.Position(argument, shape=shape)
        else:
            field = ir.Field(argument, shape=shape)
            if all(entry == ir.Component(field, (index,)) for index, entry in enumerate(part)):
                return field
        raise OperatorNameError(f"{name} is a function of exactly all entries of {argument}, in order")

    def _argument_shape(self, argument: str) -> tuple[int, ...]:
        if argument in self._packed:
            return ()
        declared = self._spaces.get(argument) or self._fields.get(argument)
        return declared.shape if declared is not None else ()

    # --- names --------------------------------------------------------------------------------------------

    def _numbered(self, name: str, declared: Any) -> tuple[str, int] | None:
        """Return the vector and the 0-based number that v2, v_2, v_{2} stand for."""
        for stem, digits in _splits(name):
            if stem in declared and len(declared[stem].shape) == 1:
                number = _number(digits, declared[stem].shape[0])
                if number is not None:
                    return stem, number
        return None

    def _arguments(self, name: str) -> tuple[str, ...]:
        if name in self._functions:
            return self._functions[name].arguments
        names: list[str] = []
        for space in self.declarations.spaces:
            shown = [space.coordinate_name(index) for index in range(min(space.dim, 3))]
            names += shown if space.dim <= 3 else [shown[0], "…", space.coordinate_name(space.dim - 1)]
        return tuple(names)

    def _declared(self) -> list[str]:
        groups = (self._packed, self._spaces, self._fields, self._components, self._parameters, self._functions)
        names = [name for group in groups for name in group]
        for space in self.declarations.spaces:
            if space.shape and space.coordinates is None:
                names += [space.coordinate_name(index) for index in range(min(space.dim, _SHOWN))]
        return list(dict.fromkeys(names))

    def _unknown(self, name: str, applied: bool = False) -> OpCompilerError:
        declared = self._declared()
        close = difflib.get_close_matches(name[:40], declared, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]!r}?" if close else f"declared names: {_listed(declared)}"
        if name in {"pi", "π", "e", "i"} and not applied:
            hint = "the constants are sympy.pi, sympy.E and sympy.I"
        return OperatorNameError(f"the name {name!r} is not declared", hint=hint)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Yield every (stem, digits) that a numbered name may be; the shortest stem first, and none that ends in _."""
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return
    stem, digits = match.groups()
    for cut in range(len(digits)):
        if digits[cut].isdigit():
            before = (stem + digits[:cut]).rstrip("_")
            if before:
                yield before, digits[cut:]


def _number(digits: str, size: int) -> int | None:
    """Return the 0-based number that digits write, if it is below the size."""
    if not digits.isdecimal() or digits.startswith("0") or len(digits) > 12 or int(digits) > size:
        return None
    return int(digits) - 1


def _places(digits: str, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return every 0-based index that digits, in one row or parted by commas, may mean."""
    if not shape:
        return []
    parts = re.split("[,_]", digits)
    if len(parts) == len(shape):
        numbers = [_number(part, size) for part, size in zip(parts, shape, strict=True)]
        return [tuple(n for n in numbers if n is not None)] if None not in numbers else []
    if len(parts) != 1 or len(shape) == 1:
        return []
    found = []
    for cut in range(1, len(digits)):
        first = _number(digits[:cut], shape[0])
        if first is not None:
            found += [(first, *rest) for rest in _places(digits[cut:], shape[1:])]
    return found


def _listed(names: Any) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown + (", …" if len(names) > _SHOWN else "")
