"""What u returns, held against the declared fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler.errors import ArgumentTypeError, ShapeError
from opcompiler.ir.declarations import Declarations, FieldDeclaration
from opcompiler.language.characters import normalise_name

__all__ = ["at_one_point", "declared_fields", "floating"]


def at_one_point(u: Callable[..., Any]) -> Callable[..., Any]:
    """Return u; when it fails, its error says what u was called with."""

    def value(*point: Any) -> Any:
        try:
            result = u(*point)
        except Exception as error:
            shapes = ", ".join(str(jax.tree.map(jnp.shape, argument)) for argument in point)
            error.add_note(
                f"opcompiler called u with arguments of shape {shapes}: u takes ONE point per call (and the aux of "
                "that point); the operator does the batching, don't vmap u"
            )
            raise
        if result is None:
            raise ArgumentTypeError("u returned None", hint="a function without `return` returns None")
        return result

    return value


def declared_fields(
    u: Callable[..., Any] | Mapping[str, Callable[..., Any]], declarations: Declarations, dtype: Any
) -> Callable[..., tuple[jax.Array, ...]]:
    """Return the function of one point that returns the fields as a tuple, of exactly the declared shapes.

    Args:
        u: one callable that returns all declared fields, or callables by field name, which decide the order.
        declarations: the fields.
        dtype: floating type of constant or integer results.
    """
    if isinstance(u, Mapping):
        one_each = [(declarations.field(name), function) for name, function in u.items()]
        return lambda *point: tuple(
            _exactly(field, _floating_array(at_one_point(function)(*point), dtype)) for field, function in one_each
        )

    def fields(*point: Any) -> tuple[jax.Array, ...]:
        values = _in_declared_order(at_one_point(u)(*point), declarations)
        return tuple(
            _exactly(field, _floating_array(value, dtype))
            for field, value in zip(declarations.fields, values, strict=True)
        )

    return fields


def floating(u: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    """Return u with every leaf of its result an array of an inexact type."""
    return lambda *point: jax.tree.map(lambda leaf: _floating_array(leaf, dtype), at_one_point(u)(*point))


def _floating_array(value: Any, dtype: Any) -> Any:
    if isinstance(value, (Mapping, list, tuple)):
        return value
    array = jnp.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.inexact):
        return array.astype(dtype)
    return array.astype(jnp.result_type(dtype, array)) if array.weak_type else array


def _in_declared_order(value: Any, declarations: Declarations) -> list[Any]:
    names = [field.name for field in declarations.fields]
    if len(names) == 1:
        return [value]
    if isinstance(value, Mapping):
        given = {normalise_name(name): item for name, item in value.items()}
        if set(given) == set(names):
            return [given[name] for name in names]
        returned = f"a mapping with the keys {', '.join(given)}"
    elif isinstance(value, (tuple, list)):
        if len(value) == len(names):
            return list(value)
        returned = f"{len(value)} values"
    else:
        returned = f"{type(value).__name__} of shape {jnp.shape(value)}" if hasattr(value, "shape") else repr(value)
    raise ShapeError(
        f"u returned {returned}; the fields {', '.join(names)} are declared",
        hint="return a mapping name → value or a tuple in declared order, or pass a mapping name → callable as u",
    )


def _exactly(field: FieldDeclaration, value: Any) -> jax.Array:
    if isinstance(value, (Mapping, list, tuple)):
        raise ShapeError(
            f"u returned a {type(value).__name__} for the field {field.name}, declared shape is {field.shape}",
            hint="return one array per field (jnp.stack the components)",
        )
    if value.shape == field.shape:
        return value
    hints = ["u takes ONE point and the operator does the batching; don't vmap it"]
    if value.shape == (*field.shape, 1):
        hints = [f"{value.shape} → {field.shape}: drop the axis, e.g. `u(x)[..., 0]` or squeeze"]
    elif field.shape == (*value.shape, 1):
        hints = [f'keep the axis, e.g. `u(x)[..., None]`, or declare a scalar: fields={{"{field.name}": None}}']
    elif field.shape == () and value.ndim == 1:
        hints.append(f'or declare a vector field: fields={{"{field.name}": {value.shape[0]}}}')
    raise ShapeError(
        f"the field {field.name} has shape {value.shape} at one point, declared is {field.shape}",
        hint="; ".join(hints),
    )
