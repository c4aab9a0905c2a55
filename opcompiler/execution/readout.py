"""Contractions off a jet: weighted sums of coefficients, laid out along the free axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.execution.scalars import coefficient_value, rational_value
from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.plan import Readout, ReadoutPart

__all__ = ["read"]


def read(jet: Any, readout: Readout, component: tuple[int, ...] | None, scalars: Sequence[Any], batched: bool) -> Any:
    """Return Σ coefficient × element.

    Args:
        jet: of the field, the batch axis of its primal in front.
        readout: the parts; with positions they are laid out along the flattened free axes.
        component: the entry of the field that is read, or None for all of it.
        scalars: run-time values of the scalars in the coefficients.
        batched: whether there is a batch axis.

    Returns:
        The value of shape batch + (field axes, unless a component is named) + `readout.shape`.
    """
    if not readout.shape:
        return _sum(jet, readout.parts, component, scalars, batched)
    return _layout(jet, readout, component, scalars, batched)


def _sum(
    jet: Any, parts: Sequence[ReadoutPart], component: tuple[int, ...] | None, scalars: Sequence[Any], batched: bool
) -> Any:
    total: Any = None
    for part in parts:
        if part.element and jet.coefficients[part.element - 1] is None:
            continue
        value = _coefficient(jet, part.element, component, batched)
        if part.weights is not None:
            value = _contracted([part], value)[0]
        elif _is_family(jet, part.element):
            runs = part.positions or ((0, 0, value.shape[0]),)
            value = sum(jnp.sum(value[first : first + length], axis=0) for first, _, length in runs)
        value = _scaled(value, part.coefficient, scalars)
        total = value if total is None else total + value
    return _zero(jet, component, batched) if total is None else total


def _layout(
    jet: Any, readout: Readout, component: tuple[int, ...] | None, scalars: Sequence[Any], batched: bool
) -> Any:
    """Gather rows (one per direction of each element), scale them, and put them at their positions."""
    size = math.prod(readout.shape)
    like = _zero(jet, component, batched)
    parts = [part for part in readout.parts if not part.element or jet.coefficients[part.element - 1] is not None]
    if not parts:
        return jnp.zeros((*like.shape, *readout.shape), like.dtype)
    first_row: dict[ReadoutPart, int] = {}
    pieces: list[Any] = []
    single = [part for part in parts if _is_single(jet, part)]
    if single:
        row = {element: n for n, element in enumerate(dict.fromkeys(part.element for part in single))}
        pieces.append(_components(jet.stacked(list(row)), component, 1 + batched))
        first_row.update({part: row[part.element] for part in single})
    families = [part for part in parts if part not in first_row]
    for element, weighted in dict.fromkeys((part.element, part.weights is not None) for part in families):
        own = [part for part in parts if (part.element, part.weights is not None) == (element, weighted)]
        start = sum(piece.shape[0] for piece in pieces)
        value = _coefficient(jet, element, component, batched)
        if weighted:
            first_row.update({part: start + n for n, part in enumerate(own)})
            pieces.append(_contracted(own, value))
        else:
            first_row.update(dict.fromkeys(own, start))
            pieces.append(value)
    rows = pieces[0] if len(pieces) == 1 else jnp.concatenate(pieces)
    runs = [
        (first_row[part] + direction, position, length, part.coefficient)
        for part in parts
        for direction, position, length in part.positions or ()
    ]
    taken = np.concatenate([np.arange(row, row + length) for row, _, length, _ in runs])
    place = np.concatenate([np.arange(position, position + length) for _, position, length, _ in runs])
    factors = np.concatenate([np.full(length, number) for number, (_, _, length, _) in enumerate(runs)])
    covers_once = len(place) == size and len(np.unique(place)) == size
    if covers_once:
        order = np.argsort(place)
        taken, factors = taken[order], factors[order]
    # The common case, one family that is the whole value in its order, moves nothing.
    if len(taken) != rows.shape[0] or np.any(taken != np.arange(rows.shape[0])):
        rows = rows[taken]
    rows = _scaled_rows(rows, [coefficient for _, _, _, coefficient in runs], factors, scalars)
    if not covers_once:
        rows = jnp.zeros((size, *like.shape), rows.dtype).at[place].add(rows)
    return jnp.reshape(jnp.moveaxis(rows, 0, -1), (*like.shape, *readout.shape))


def _contracted(parts: Sequence[ReadoutPart], family: Any) -> Any:
    """Return one row per part: the directions of a family contracted with its weights."""
    matrix = np.array([[rational_value(weight) for weight in part.weights or ()] for part in parts])
    return jnp.tensordot(jnp.asarray(matrix, family.dtype), family, axes=1, precision=jax.lax.Precision.HIGHEST)


def _scaled_rows(rows: Any, coefficients: Sequence[Coefficient], factors: np.ndarray, scalars: Sequence[Any]) -> Any:
    """Multiply row r by coefficients[factors[r]]."""
    if len(set(coefficients)) == 1:
        return _scaled(rows, coefficients[0], scalars)
    column = jnp.stack([jnp.asarray(coefficient_value(c, scalars), rows.dtype) for c in coefficients])[factors]
    return rows * jnp.reshape(column, (-1, *(1,) * (rows.ndim - 1)))


def _scaled(value: Any, coefficient: Coefficient, scalars: Sequence[Any]) -> Any:
    return value if coefficient == ONE else value * coefficient_value(coefficient, scalars)


def _coefficient(jet: Any, element: int, component: tuple[int, ...] | None, batched: bool) -> Any:
    return _components(jet.coefficient(element), component, batched + _is_family(jet, element))


def _components(value: Any, component: tuple[int, ...] | None, leading: int) -> Any:
    """Return the entry of the field that is read, or all of it, behind so many leading axes."""
    return value if component is None else value[(slice(None),) * leading + component]


def _is_single(jet: Any, part: ReadoutPart) -> bool:
    return part.weights is None and not _is_family(jet, part.element)


def _is_family(jet: Any, element: int) -> bool:
    return element > 0 and jet.directions[element - 1] is not None


def _zero(jet: Any, component: tuple[int, ...] | None, batched: bool) -> Any:
    return jnp.zeros_like(_coefficient(jet, 0, component, batched))
