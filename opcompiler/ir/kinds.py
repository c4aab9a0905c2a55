"""The types of dataclass fields as data: what the reader of plans checks and the JSON schema describes.

A frozen dataclass may hold None, booleans, whole numbers, finite floats, strings, fractions, literals, tuples, unions
and further frozen dataclasses. Anything else has no place in a plan and raises `TypeError` here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from functools import cache
from types import NoneType, UnionType
from typing import Any, ForwardRef, Literal, TypeAlias, Union, assert_never, get_args, get_origin, get_type_hints

__all__ = ["Exact", "Fixed", "Instance", "Kind", "Named", "OneOf", "Plain", "Series", "Word"]
__all__ += ["field_kinds", "instances", "kind_of", "reachable"]


@dataclass(frozen=True, slots=True)
class Plain:
    """None, a boolean, a whole number, a float or a string."""

    type: type


@dataclass(frozen=True, slots=True)
class Exact:
    """A `Fraction`."""


@dataclass(frozen=True, slots=True)
class Word:
    """One of a few strings (`Literal`)."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A tuple of any length."""

    item: Kind


@dataclass(frozen=True, slots=True)
class Fixed:
    """A tuple with one type per entry."""

    items: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A union; at most one of its options is a tuple, so that JSON tells them apart."""

    options: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """A frozen dataclass."""

    cls: type


@dataclass(frozen=True, slots=True)
class Named:
    """A type alias by its name, where it refers to itself."""

    module: str
    name: str

    @property
    def kind(self) -> Kind:
        """What the alias stands for."""
        return kind_of(getattr(sys.modules[self.module], self.name), self.module)


Kind: TypeAlias = Plain | Exact | Word | Series | Fixed | OneOf | Instance | Named


@cache
def field_kinds(cls: type) -> dict[str, Kind]:
    """Return the kind of every field of a dataclass, in order.

    Raises:
        TypeError: a field has a type that JSON cannot carry.
    """
    hints = get_type_hints(cls)
    return {field.name: kind_of(hints[field.name], cls.__module__) for field in fields(cls)}


@cache
def reachable(root: type) -> dict[str, type]:
    """Return the dataclasses that occur in the fields of `root`, itself included, by name.

    Raises:
        TypeError: two of them have the same name, or a field has a type that JSON cannot carry.
    """
    found: dict[str, type] = {}
    waiting: list[Kind] = [Instance(root)]
    seen: set[Kind] = set()
    while waiting:
        kind = waiting.pop()
        if kind in seen:
            continue
        seen.add(kind)
        if isinstance(kind, Instance):
            if found.setdefault(kind.cls.__name__, kind.cls) is not kind.cls:
                raise TypeError(f"two dataclasses of a plan are called {kind.cls.__name__}")
            waiting += field_kinds(kind.cls).values()
        else:
            waiting += _parts(kind)
    return dict(sorted(found.items()))


def instances(value: object) -> Iterator[Any]:
    """Yield every dataclass instance inside a frozen value, itself included, outer ones first."""
    if is_dataclass(value):
        yield value
        for field in fields(value):
            yield from instances(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from instances(item)  # pyright: ignore[reportUnknownArgumentType]


def _parts(kind: Kind) -> tuple[Kind, ...]:
    match kind:
        case Plain() | Exact() | Word() | Instance():
            return ()
        case Series(item):
            return (item,)
        case Fixed(items):
            return items
        case OneOf(options):
            return options
        case Named():
            return (kind.kind,)
        case _:
            assert_never(kind)


def kind_of(hint: Any, module: str) -> Kind:
    """Return the kind of a type; `module` is where the names in it are found.

    Raises:
        TypeError: JSON cannot carry it.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is None:
        return Plain(NoneType)
    if hint in (NoneType, bool, int, float, str):
        return Plain(hint)
    if hint is Fraction:
        return Exact()
    if isinstance(hint, ForwardRef | str):
        return Named(module, hint if isinstance(hint, str) else hint.__forward_arg__)
    if origin is Literal and all(isinstance(word, str) for word in arguments):
        return Word(arguments)
    if origin in (Union, UnionType):
        options = tuple(kind_of(option, module) for option in arguments)
        if sum(isinstance(option, Series | Fixed) for option in options) > 1:
            raise TypeError(f"JSON cannot tell the tuples of {hint} apart")
        return OneOf(options)
    if origin is tuple and arguments[1:] == (...,):
        return Series(kind_of(arguments[0], module))
    if origin is tuple:
        return Fixed(tuple(kind_of(item, module) for item in arguments))
    if isinstance(hint, type) and is_dataclass(hint):
        return Instance(hint)
    raise TypeError(f"{hint} has no place in a plan")
