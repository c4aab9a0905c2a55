"""Checks what the user declares and turns it into `ir.Declarations`."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any, Final

from opcompiler.errors import ArgumentTypeError, OperatorNameError
from opcompiler.ir.declarations import (
    Declarations,
    FieldDeclaration,
    FunctionDeclaration,
    NestedFractions,
    ParameterDeclaration,
    Runtime,
)
from opcompiler.ir.space import Space
from opcompiler.language.characters import normalise_name
from opcompiler.language.scope import ComponentName, CoordinateName, Entry, FieldName, Scope, SpaceName
from opcompiler.language.vocabulary import RESERVED

__all__ = ["UNSET", "declare"]


class _Unset:
    def __repr__(self) -> str:
        return "the coordinate named t, if there is one"


UNSET: Final = _Unset()

_FUNCTION_KEY = re.compile(r"\s*([^\s(),]+)\s*\(\s*([^()]*)\)\s*")


def declare(
    spaces: Mapping[str, int | Sequence[int] | Sequence[str] | None] | Sequence[str],
    fields: Mapping[str, int | Sequence[str] | None] | Sequence[str] = ("u",),
    time: str | _Unset | None = UNSET,
    parameters: Mapping[str, Any] | Sequence[str] = (),
    functions: Mapping[str, tuple[int, ...] | None] | Sequence[str] = (),
) -> Declarations:
    """Return the declarations that give the names of a text their meaning.

    Args:
        spaces: name → None (scalar coordinate), n (array of n, coordinates name1 … nameN), a tuple of ints (point
            shape) or a tuple of names (packed coordinates). A sequence of names means scalars.
        fields: names of scalars, or name → None (scalar), n (vector) or a tuple of component names.
        time: the coordinate that Δ, ∇, ∇· and ∇× leave out; None if there is none.
        parameters: name → number, vector, matrix (exact: floats by their shortest decimal), None or `Runtime`.
        functions: keys such as `"c(x,y)"`, or key → shape of one value.

    Raises:
        OperatorNameError: a name is not an identifier, reserved, or declared twice.
        ArgumentTypeError: a value is of a kind that cannot be declared.
    """
    names = _Names()
    declared_spaces = tuple(_space(names, name, kind) for name, kind in _items(spaces, "spaces"))
    if not declared_spaces:
        raise OperatorNameError("no space is declared", hint='for example spaces={"x": 3} or spaces=("x", "t")')
    declared_fields = tuple(_field(names, name, kind) for name, kind in _items(fields, "fields"))
    declared_parameters = tuple(_parameter(names, name, value) for name, value in _items(parameters, "parameters"))
    function_items = list(_items(functions, "functions"))
    without_functions = Declarations(
        spaces=declared_spaces,
        fields=declared_fields,
        time=_time(declared_spaces, time),
        parameters=declared_parameters,
    )
    scope = Scope(without_functions)
    declared_functions = tuple(_function(names, scope, key, shape) for key, shape in function_items)
    return replace(without_functions, functions=declared_functions)


class _Names:
    """Every declared name, to refuse the second declaration of one."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def add(self, name: object, kind: str) -> str:
        plain = _identifier(name, kind)
        if plain in self._owners:
            raise OperatorNameError(
                f"the name {plain!r} is declared as {self._owners[plain]} and again as {kind}",
                hint="names are compared after Unicode normalisation (NFKC); choose another name for one of them",
            )
        self._owners[plain] = kind
        return plain


def _items(declared: Mapping[str, Any] | Iterable[str] | str | None, what: str) -> Iterable[tuple[str, Any]]:
    if declared is None:
        return ()
    if isinstance(declared, Mapping):
        return declared.items()
    if isinstance(declared, str):
        return ((declared, None),)
    if isinstance(declared, (set, frozenset)):
        raise ArgumentTypeError(f"{what} are a set, which has no order", hint="write a tuple or a mapping")
    if isinstance(declared, Iterable):
        return tuple((name, None) for name in declared)
    raise ArgumentTypeError(
        f"{what} must be a mapping or a sequence of names, got {type(declared).__name__}",
        hint='for example {"x": 3, "t": None} or ("x", "t")',
    )


def _identifier(name: object, kind: str) -> str:
    if not isinstance(name, str):
        raise OperatorNameError(
            f"{kind}: a name must be a string, got {name!r}", hint='sizes go into a mapping, such as {"x": 3}'
        )
    plain = normalise_name(name)
    superscripted = any(unicodedata.decomposition(char).startswith("<super>") for char in name)
    if superscripted or not _is_identifier(plain):
        raise OperatorNameError(
            f"{name!r} cannot be the name of {kind}",
            hint="a name is a letter followed by letters, digits, underscores or primes; several names are declared "
            "one by one",
        )
    if plain in RESERVED:
        raise OperatorNameError(
            f"{name!r} is the name of a built-in function or operator and cannot be the name of {kind}",
            hint="choose another name",
        )
    scripts = {_script(char) for char in plain if char.isalpha()} - {"LATIN", "GREEK"}
    if len(scripts) > 1 or (scripts and any(_script(char) in {"LATIN", "GREEK"} for char in plain if char.isalpha())):
        raise OperatorNameError(
            f"{name!r} mixes letters of several alphabets",
            hint="some letters of different alphabets look the same; write the name in one of them",
        )
    return plain


def _is_identifier(name: str) -> bool:
    stem = name.rstrip("'")
    return (
        bool(stem)
        and unicodedata.category(stem[0]).startswith("L")
        and all(char in "_∞" or unicodedata.category(char)[0] in "LN" for char in stem)
        and not any(mark in "\u0307\u0308" for char in stem for mark in unicodedata.normalize("NFD", char)[1:])
        and not stem.endswith("_")
    )


def _script(char: str) -> str:
    return unicodedata.name(char, "UNKNOWN").split()[0]


def _space(names: _Names, name: str, kind: Any) -> Space:
    if kind is None:
        return Space(names.add(name, "a coordinate"))
    if isinstance(kind, Integral) and not isinstance(kind, bool):
        _positive(name, int(kind))
        return Space(names.add(name, "a space"), (int(kind),))
    if isinstance(kind, (tuple, list)) and kind and all(isinstance(part, str) for part in kind):
        plain = _identifier(name, "a space")
        coordinates = tuple(names.add(part, "a coordinate") for part in kind)
        if plain not in coordinates:
            names.add(name, "a space")
        return Space(plain, (len(coordinates),), coordinates)
    if isinstance(kind, (tuple, list)) and kind and all(isinstance(part, Integral) for part in kind):
        shape = tuple(int(part) for part in kind)
        for size in shape:
            _positive(name, size)
        return Space(names.add(name, "a space"), shape)
    raise ArgumentTypeError(
        f"space {name!r}: expected None, a positive int, a tuple of ints or a tuple of names, got {kind!r}"
    )


def _positive(name: str, size: int) -> None:
    if size < 1:
        raise ArgumentTypeError(f"{name!r} has size {size}; a size is at least 1")


def _field(names: _Names, name: str, kind: Any) -> FieldDeclaration:
    plain = names.add(name, "a field")
    if kind is None:
        return FieldDeclaration(plain)
    if isinstance(kind, Integral) and not isinstance(kind, bool):
        _positive(name, int(kind))
        return FieldDeclaration(plain, (int(kind),))
    if isinstance(kind, (tuple, list)) and kind and all(isinstance(part, str) for part in kind):
        components = tuple(names.add(part, "a component") for part in kind)
        return FieldDeclaration(plain, (len(components),), components)
    raise ArgumentTypeError(f"field {name!r}: expected None, a positive int or a tuple of names, got {kind!r}")


def _parameter(names: _Names, name: str, value: Any) -> ParameterDeclaration:
    plain = names.add(name, "a parameter")
    if value is None:
        return ParameterDeclaration(plain)
    if isinstance(value, Runtime):
        return ParameterDeclaration(plain, tuple(value.shape))
    exact, shape = _exact(name, value)
    return ParameterDeclaration(plain, shape, exact)


def _exact(name: str, value: Any) -> tuple[NestedFractions, tuple[int, ...]]:
    """Return the value as nested fractions, with its shape."""
    if isinstance(value, (list, tuple)):
        entries = [_exact(name, entry) for entry in value]
        shapes = {shape for _, shape in entries}
        if len(shapes) != 1:
            raise ArgumentTypeError(f"parameter {name!r}: an array needs entries of one shape, got {value!r}")
        return tuple(entry for entry, _ in entries), (len(entries), *shapes.pop())
    if hasattr(value, "__array__") and getattr(value, "ndim", 0):
        return _exact(name, list(_array(name, value)))
    return _exact_scalar(name, value), ()


def _array(name: str, value: Any) -> Any:
    """Return a concrete numpy array; a traced one has no value yet."""
    import numpy

    try:
        return numpy.asarray(value)
    except TypeError as error:
        raise ArgumentTypeError(
            f"parameter {name!r} has no concrete value (it is traced by a JAX transformation)",
            hint=f'declare it with None, parameters={{"{name}": None}}, and give its value at the call',
        ) from error


def _exact_scalar(name: str, value: Any) -> Fraction:
    if hasattr(value, "__array__"):
        value = _array(name, value)[()]
    if isinstance(value, (bool, str, bytes)) or type(value).__name__ in {"bool_", "bool"}:
        raise ArgumentTypeError(f"parameter {name!r}: expected a number, got {value!r}")
    if isinstance(value, Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    try:
        is_complex = isinstance(value, complex) or (hasattr(value, "imag") and complex(value).imag != 0)
    except TypeError:
        is_complex = False
    if is_complex:
        raise ArgumentTypeError(
            f"parameter {name!r}: a declared value is real, got {value!r}",
            hint="declare it with None and give the complex value at the call",
        )
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            f"parameter {name!r}: expected a number, a vector, a matrix, None or Runtime(shape), got {value!r}",
            hint="a value that is traced by a JAX transformation is declared with None and given at the call",
        ) from error
    if not math.isfinite(number):
        raise ArgumentTypeError(f"parameter {name!r} is {number}; a declared value is finite")
    return Fraction(str(value)) if _is_decimal(str(value)) else Fraction(repr(number))


def _is_decimal(text: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) is not None


def _function(names: _Names, scope: Scope, key: object, shape: tuple[int, ...] | None) -> FunctionDeclaration:
    match = _FUNCTION_KEY.fullmatch(key) if isinstance(key, str) else None
    if match is None:
        raise OperatorNameError(
            f"{key!r} does not declare a function", hint='write the name with its arguments, for example "c(x,y)"'
        )
    name = names.add(match[1], "a function")
    arguments = tuple(_identifier(part.strip(), "an argument") for part in match[2].split(","))
    if len(set(arguments)) != len(arguments):
        raise OperatorNameError(f"{key!r} names an argument twice")
    return FunctionDeclaration(
        name,
        arguments,
        () if shape is None else tuple(shape),
        implicit=all(_is_place_or_field(scope.get(argument)) for argument in arguments),
    )


def _is_place_or_field(entry: Entry | None) -> bool:
    return isinstance(entry, (CoordinateName, SpaceName, FieldName, ComponentName))


def _time(spaces: tuple[Space, ...], time: str | _Unset | None) -> tuple[str, int] | None:
    if time is None:
        return None
    wanted = "t" if isinstance(time, _Unset) else normalise_name(time)
    for space in spaces:
        if space.coordinates is not None and wanted in space.coordinates:
            return space.name, space.coordinates.index(wanted)
        if space.name == wanted and space.coordinates is None:
            if space.dim == 1:
                return space.name, 0
            if not isinstance(time, _Unset):
                raise OperatorNameError(f"time is one coordinate, but {wanted!r} is a space of {space.dim}")
        if space.coordinates is None and wanted.startswith(space.name) and not isinstance(time, _Unset):
            digits = wanted.removeprefix(space.name).lstrip("_")
            if digits.isascii() and digits.isdigit() and 1 <= int(digits) <= space.dim:
                return space.name, int(digits) - 1
    if isinstance(time, _Unset):
        return None
    raise OperatorNameError(f"the time {wanted!r} is not a declared coordinate", hint="declare it, or time=None")
