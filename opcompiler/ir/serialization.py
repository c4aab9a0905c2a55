"""Plans as JSON: a tagged rendering of the frozen dataclasses of `ir`, versioned, strict when read back.

A dataclass is `{"is": "ClassName", field: value, …}`, a tuple a list, a fraction `{"is": "Fraction", "value": "1/2"}`.
Which classes there are and what their fields hold is read off the dataclasses themselves, so a new field needs no
change here. Reading checks every field and every reference; `schema` describes the same as a JSON Schema.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from fractions import Fraction
from math import isfinite
from typing import Any, NoReturn, assert_never, cast

from opcompiler.errors import OpCompilerError, OperatorSyntaxError, UnsupportedError
from opcompiler.ir.kinds import Exact, Fixed, Instance, Kind, Named, OneOf, Plain, Series, Word, field_kinds, reachable
from opcompiler.ir.plan import Plan
from opcompiler.ir.references import check_references

__all__ = ["FRACTION_PATTERN", "PLAN_VERSION", "decode", "dump_plan", "encode", "load_plan"]

PLAN_VERSION = 2
"""Version of the JSON schema; raised whenever an older reader could misread a newer plan."""

FRACTION_PATTERN = r"-?[0-9]+(/[1-9][0-9]*)?"
"""How an exact number is written."""


def dump_plan(value: Plan) -> str:
    """Return the JSON text of a plan, the same text for equal plans."""
    return json.dumps(
        {"opcompiler-plan": PLAN_VERSION, "plan": encode(value)}, ensure_ascii=False, separators=(",", ":")
    )


def load_plan(text: str) -> Plan:
    """Return the plan in a JSON text.

    Raises:
        UnsupportedError: written with another schema version.
        OperatorSyntaxError: not a plan; the message says which field is wrong.
    """
    try:
        data = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise OperatorSyntaxError(f"this is not JSON: {error}") from None
    if not isinstance(data, dict) or "opcompiler-plan" not in data or "plan" not in data:
        raise OperatorSyntaxError("this JSON is not an opcompiler plan")
    contents = cast("dict[str, Any]", data)
    version = contents["opcompiler-plan"]
    if version != PLAN_VERSION or isinstance(version, bool | float):
        raise UnsupportedError(
            f"the plan has schema version {version!r}, this opcompiler reads version {PLAN_VERSION}",
            hint="compile the operator again with this version",
        )
    if len(contents) > 2:
        raise OperatorSyntaxError(f"the plan is damaged: it comes with {sorted(set(contents) - _ENVELOPE)}")
    try:
        result = decode(Instance(Plan), contents["plan"], "plan")
        check_references(result)
    except OpCompilerError:
        raise
    except (TypeError, ValueError, ZeroDivisionError, RecursionError) as error:
        raise OperatorSyntaxError(f"the plan is damaged: {error}") from None
    return result


_ENVELOPE = {"opcompiler-plan", "plan"}


def encode(value: Any) -> Any:
    """Return the JSON value of anything that a plan may hold.

    Raises:
        TypeError: it has no place in a plan.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float() if isfinite(value):
            return value
        case Fraction():
            return {"is": "Fraction", "value": str(value)}
        case tuple():
            return [encode(item) for item in cast("tuple[Any, ...]", value)]
        case _ if reachable(Plan).get(type(value).__name__) is type(value):
            return {"is": type(value).__name__, **{f.name: encode(getattr(value, f.name)) for f in fields(value)}}
        case _:
            raise TypeError(f"{value!r} has no place in a plan")


def decode(kind: Kind, data: Any, path: str) -> Any:
    """Return the value that `data` stands for; `path` says where it was found.

    Raises:
        OperatorSyntaxError: it is not of the wanted kind.
    """
    match kind:
        case Plain(type=wanted):
            if wanted is float and type(data) is int:
                return float(data)
            return data if type(data) is wanted else _refuse(kind, data, path)
        case Exact():
            return _decode_fraction(data, path)
        case Word(words):
            return data if isinstance(data, str) and data in words else _refuse(kind, data, path)
        case Series(item):
            return tuple(decode(item, entry, f"{path}[{n}]") for n, entry in enumerate(_list(kind, data, path)))
        case Fixed(items):
            entries = _list(kind, data, path)
            if len(entries) != len(items):
                _refuse(kind, data, path)
            return tuple(
                decode(item, entry, f"{path}[{n}]") for n, (item, entry) in enumerate(zip(items, entries, strict=True))
            )
        case OneOf(options):
            fitting = [option for option in options if _looks_like(option, data)]
            return decode(fitting[0], data, path) if fitting else _refuse(kind, data, path)
        case Instance(cls):
            return _decode_instance(cls, data, path)
        case Named():
            return decode(kind.kind, data, path)
        case _:
            assert_never(kind)


def _decode_fraction(data: Any, path: str) -> Fraction:
    match data:
        case {"is": "Fraction", "value": str(text)} if len(data) == 2 and re.fullmatch(FRACTION_PATTERN, text):
            return Fraction(text)
        case _:
            return _refuse(Exact(), data, path)


def _decode_instance(cls: type, data: Any, path: str) -> Any:
    if not _looks_like(Instance(cls), data):
        _refuse(Instance(cls), data, path)
    kinds = field_kinds(cls)
    present = set(cast("dict[str, Any]", data)) - {"is"}
    if present != set(kinds):
        raise OperatorSyntaxError(
            f"the plan is damaged: {path}, a {cls.__name__}, has the fields {sorted(present)}, expected {sorted(kinds)}"
        )
    values = {name: decode(kind, data[name], f"{path}.{name}") for name, kind in kinds.items()}
    try:
        return cls(**values)
    except (OpCompilerError, ValueError) as error:
        raise OperatorSyntaxError(f"the plan is damaged: {path}: {str(error).splitlines()[0]}") from None


def _looks_like(kind: Kind, data: Any) -> bool:
    """Whether data can only be meant as this kind, among the options of one union."""
    match kind:
        case Plain(type=wanted):
            return type(data) is wanted or (wanted is float and type(data) is int)
        case Word(words):
            return isinstance(data, str) and data in words
        case Series() | Fixed():
            return isinstance(data, list)
        case Exact():
            return isinstance(data, dict) and cast("dict[str, Any]", data).get("is") == "Fraction"
        case Instance(cls):
            return isinstance(data, dict) and cast("dict[str, Any]", data).get("is") == cls.__name__
        case OneOf(options):
            return any(_looks_like(option, data) for option in options)
        case Named():
            return _looks_like(kind.kind, data)
        case _:
            assert_never(kind)


def _list(kind: Kind, data: Any, path: str) -> list[Any]:
    return cast("list[Any]", data) if isinstance(data, list) else _refuse(kind, data, path)


def _refuse(kind: Kind, data: Any, path: str) -> NoReturn:
    shown = json.dumps(data, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}…"
    raise OperatorSyntaxError(f"the plan is damaged: {path} is {shown}, expected {_described(kind)}")


def _described(kind: Kind) -> str:
    match kind:
        case Plain(type=wanted):
            words = {type(None): "null", bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
            return words[wanted]
        case Exact():
            return "a Fraction"
        case Word(words):
            return " or ".join(repr(word) for word in words)
        case Series() | Fixed():
            length = f" of {len(kind.items)}" if isinstance(kind, Fixed) else ""
            return f"a list{length}"
        case OneOf(options):
            return " or ".join(dict.fromkeys(_described(option) for option in options))
        case Instance(cls):
            return f"a {cls.__name__}"
        case Named():
            return _described(kind.kind)
        case _:
            assert_never(kind)
