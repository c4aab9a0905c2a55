"""Plans as JSON: a tagged rendering of the frozen dataclasses of `ir`, versioned, strict when read back.

A dataclass is `{"is": "ClassName", field: value, …}`, a tuple a list, a fraction `{"is": "Fraction", "value": "1/2"}`.
Reading builds only classes of the table below; an unknown class, field or version is an error.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from fractions import Fraction
from types import ModuleType
from typing import Any, cast

from opcompiler.errors import OpCompilerError, OperatorSyntaxError, UnsupportedError
from opcompiler.ir import (
    algebra,
    coefficient,
    declarations,
    head,
    network,
    normal_form,
    plan,
    scheme,
    space,
    strategy,
    surd,
    symbol,
)

__all__ = ["PLAN_VERSION", "dump_plan", "load_plan"]

PLAN_VERSION = 1
"""Version of the JSON schema; raised whenever an older reader could misread a newer plan."""


def _dataclasses(*modules: ModuleType) -> dict[str, type]:
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
    }


_CLASSES = _dataclasses(
    algebra, coefficient, declarations, head, network, normal_form, plan, scheme, space, strategy, surd, symbol
)


def dump_plan(value: plan.Plan) -> str:
    """Return the JSON text of a plan, the same text for equal plans."""
    return json.dumps(
        {"opcompiler-plan": PLAN_VERSION, "plan": _encode(value)}, ensure_ascii=False, separators=(",", ":")
    )


def load_plan(text: str) -> plan.Plan:
    """Return the plan in a JSON text.

    Raises:
        UnsupportedError: written with another schema version.
        OperatorSyntaxError: not a plan.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OperatorSyntaxError(f"this is not JSON: {error}") from None
    if not isinstance(data, dict) or "opcompiler-plan" not in data or "plan" not in data:
        raise OperatorSyntaxError("this JSON is not an opcompiler plan")
    contents = cast("dict[str, Any]", data)
    version = contents["opcompiler-plan"]
    if version != PLAN_VERSION:
        raise UnsupportedError(
            f"the plan has schema version {version!r}, this opcompiler reads version {PLAN_VERSION}",
            hint="compile the operator again with this version",
        )
    try:
        result = _decode(contents["plan"])
    except OpCompilerError:
        raise
    except (KeyError, TypeError, ValueError, ZeroDivisionError, RecursionError) as error:
        raise OperatorSyntaxError(f"the plan is damaged: {error}") from None
    if not isinstance(result, plan.Plan):
        raise OperatorSyntaxError("this JSON is not an opcompiler plan")
    return result


def _encode(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case Fraction():
            return {"is": "Fraction", "value": str(value)}
        case tuple():
            return [_encode(item) for item in cast("tuple[Any, ...]", value)]
        case _ if type(value).__name__ in _CLASSES:
            return {"is": type(value).__name__, **{f.name: _encode(getattr(value, f.name)) for f in fields(value)}}
        case _:
            raise TypeError(f"{type(value).__name__} has no place in a plan")


def _decode(data: Any) -> Any:
    match data:
        case None | bool() | int() | str():
            return data
        case list():
            return tuple(_decode(item) for item in cast("list[Any]", data))
        case {"is": "Fraction", "value": str(text)} if len(data) == 2:
            return Fraction(text)
        case {"is": str(name), **rest} if name in _CLASSES:
            cls = _CLASSES[name]
            known = {f.name for f in fields(cls)}
            if set(rest) != known:
                raise OperatorSyntaxError(
                    f"the plan is damaged: {name} has the fields {sorted(rest)}, expected {sorted(known)}"
                )
            return cls(**{key: _decode(item) for key, item in rest.items()})
        case _:
            raise OperatorSyntaxError(f"the plan is damaged: {str(data)[:60]!r} is no part of a plan")
