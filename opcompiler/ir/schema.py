"""The JSON of plans as a JSON Schema (draft 2020-12), read off the dataclasses and their docstrings."""

from __future__ import annotations

import re
import sys
from functools import cache
from inspect import cleandoc
from types import NoneType, UnionType
from typing import Any, assert_never, get_args

from opcompiler.ir.kinds import (
    Exact,
    Fixed,
    Instance,
    Kind,
    Named,
    OneOf,
    Plain,
    Series,
    Word,
    field_kinds,
    kind_of,
    reachable,
)
from opcompiler.ir.plan import Plan
from opcompiler.ir.serialization import FRACTION_PATTERN, PLAN_VERSION

__all__ = ["plan_schema"]

_JSON_TYPES: dict[type, str] = {NoneType: "null", bool: "boolean", int: "integer", float: "number", str: "string"}
_ATTRIBUTE = re.compile(r"^    (\w+): ((?:.+)(?:\n {8}.+)*)", re.MULTILINE)


def plan_schema() -> dict[str, Any]:
    """Return the schema that every text of `Plan.to_json` satisfies.

    It says which fields there are and what they hold. That numbers and names inside a plan refer to something that is
    there is checked by `Plan.from_json` beyond it.
    """
    definitions: dict[str, Any] = {
        "Fraction": {
            "description": "An exact number.",
            "type": "object",
            "properties": {
                "is": {"const": "Fraction"},
                "value": {"type": "string", "pattern": f"^{FRACTION_PATTERN}$"},
            },
            "required": ["is", "value"],
            "additionalProperties": False,
        }
    }
    for name, cls in reachable(Plan).items():
        definitions[name] = _definition(cls, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A plan of opcompiler",
        "description": "What Plan.to_json writes and Plan.from_json reads. A dataclass is an object whose `is` names "
        "it, a tuple is an array. Readers refuse every other version of `opcompiler-plan`.",
        "type": "object",
        "properties": {
            "opcompiler-plan": {"description": "Version of this schema.", "const": PLAN_VERSION},
            "plan": {"$ref": "#/$defs/Plan"},
        },
        "required": ["opcompiler-plan", "plan"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


@cache
def _unions() -> dict[Kind, str]:
    """Return the names of the unions of classes that the modules of a plan define, such as `Head`."""
    modules = sorted({cls.__module__ for cls in reachable(Plan).values()})
    return {
        kind_of(value, module): name
        for module in modules
        for name, value in vars(sys.modules[module]).items()
        if isinstance(value, UnionType) and all(isinstance(option, type) for option in get_args(value))
        if not any(option in (NoneType, bool, int, float, str) for option in get_args(value))
    }


def _definition(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    text = cleandoc(cls.__doc__ or "")
    attributes = {name: " ".join(words.split()) for name, words in _ATTRIBUTE.findall(text.partition("Attributes:")[2])}
    kinds = field_kinds(cls)
    properties: dict[str, Any] = {"is": {"const": cls.__name__}}
    for name, kind in kinds.items():
        description = {"description": attributes[name]} if name in attributes else {}
        properties[name] = description | _schema(kind, definitions)
    return {
        "description": text.split("\n\n")[0].replace("\n", " "),
        "type": "object",
        "properties": properties,
        "required": ["is", *kinds],
        "additionalProperties": False,
    }


def _schema(kind: Kind, definitions: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case Plain(type=wanted):
            return {"type": _JSON_TYPES[wanted]}
        case Exact():
            return {"$ref": "#/$defs/Fraction"}
        case Word(words):
            return {"enum": list(words)}
        case Series(item):
            return {"type": "array", "items": _schema(item, definitions)}
        case Fixed(items):
            return {
                "type": "array",
                "prefixItems": [_schema(item, definitions) for item in items],
                "items": False,
                "minItems": len(items),
            }
        case OneOf(options) if kind in _unions():
            name = _unions()[kind]
            definitions[name] = {"anyOf": [_schema(option, definitions) for option in options]}
            return {"$ref": f"#/$defs/{name}"}
        case OneOf(options):
            return {"anyOf": [_schema(option, definitions) for option in options]}
        case Instance(cls):
            return {"$ref": f"#/$defs/{cls.__name__}"}
        case Named(name=name):
            # Entered before its parts are described: an alias that refers to itself comes back here.
            if name not in definitions:
                definitions[name] = {}
                definitions[name] = _schema(kind.kind, definitions)
            return {"$ref": f"#/$defs/{name}"}
        case _:
            assert_never(kind)
