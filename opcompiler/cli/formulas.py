"""Formulas in the coordinates as JAX functions: fields and coefficient functions written on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler import language
from opcompiler.cli.arguments import Definition
from opcompiler.cli.reference import Reference
from opcompiler.errors import OperatorSyntaxError

__all__ = ["coefficient_functions", "formula"]


def coefficient_functions(
    definitions: Sequence[Definition], spaces: Mapping[str, Any], missing: Callable[[Definition], Callable[..., Any]]
) -> dict[str, Callable[..., Any]]:
    """Return key → function, from the body that was written, or from `missing` where none was."""
    return {
        definition.key: missing(definition) if definition.body is None else _defined(definition, spaces)
        for definition in definitions
    }


def _defined(definition: Definition, spaces: Mapping[str, Any]) -> Callable[..., Any]:
    if not definition.arguments:
        raise OperatorSyntaxError(f"the function {definition.key} has no arguments", hint="name them: c(x,y)")
    shapes = {name: spaces.get(name) for name in definition.arguments}
    return formula(definition.body or "", {"spaces": shapes, "time": None}, definition.shape)


def formula(body: str, declared: Mapping[str, Any], shape: tuple[int, ...]) -> Callable[..., jax.Array]:
    """Return the function of one point that a formula in the coordinates stands for.

    Args:
        body: one formula, or one per entry of a vector, separated by semicolons.
        declared: spaces, time and parameters of the operator.
        shape: shape of the value.

    Raises:
        OperatorSyntaxError: the number of entries does not fit the shape.
    """
    texts = [text.strip() for text in body.split(";")]
    count = prod(shape)
    if len(shape) > 1 or len(texts) != count:
        raise OperatorSyntaxError(
            f"the formula {body!r} has {len(texts)} entries, expected {count if len(shape) < 2 else shape}",
            hint="separate the entries of a vector by semicolons",
        )
    names = {name for name in declared if name != "fields"}
    declarations = language.declare(**{name: declared[name] for name in names}, fields=())
    system = language.parse(texts, declarations)
    reference = Reference(declarations)

    def value(*point: jax.Array) -> jax.Array:
        entries = [reference.value(expression, point) for expression in system.expressions]
        return jnp.stack(entries) if shape else entries[0]

    return value
