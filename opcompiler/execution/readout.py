"""Contractions off a jet: weighted sums of coefficients, laid out along the free axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from opcompiler.execution.scalars import coefficient_value
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
        if _is_family(jet, part.element):
            value = jnp.sum(value, axis=0)
        value = _scaled(value, part.coefficient, scalars)
        total = value if total is None else total + value
    return _zero(jet, component, batched) if total is None else total


def _layout(
    jet: Any, readout: Readout, component: tuple[int, ...] | None, scalars: Sequence[Any], batched: bool
) -> Any:
    size = math.prod(readout.shape)
    like = _zero(jet, component, batched)
    rows: dict[int, tuple[int, Any]] = {}
    taken: list[np.ndarray] = []
    positions: list[np.ndarray] = []
    factors: list[tuple[Coefficient, int]] = []
    start = 0
    for part in readout.parts:
        if part.element and jet.coefficients[part.element - 1] is None:
            continue
        if part.element not in rows:
            value = _coefficient(jet, part.element, component, batched)
            value = value if _is_family(jet, part.element) else value[None]
            rows[part.element] = start, value
            start += value.shape[0]
        first_row = rows[part.element][0]
        for direction, position, length in part.positions or ():
            taken.append(np.arange(first_row + direction, first_row + direction + length))
            positions.append(np.arange(position, position + length))
            factors.append((part.coefficient, length))
    if not rows:
        return jnp.zeros((*like.shape, *readout.shape), like.dtype)
    source = jnp.concatenate([value for _, value in rows.values()]) if len(rows) > 1 else next(iter(rows.values()))[1]
    take, place = np.concatenate(taken), np.concatenate(positions)
    covers_once = len(place) == size and len(np.unique(place)) == size
    if covers_once:
        order = np.argsort(place)
        take, place = take[order], place[order]
    if len(take) != source.shape[0] or np.any(take != np.arange(source.shape[0])):
        source = source[take]
    source = _scaled_rows(source, factors, order if covers_once else None, scalars)
    if not covers_once:
        source = jnp.zeros((size, *like.shape), source.dtype).at[place].add(source)
    return jnp.reshape(jnp.moveaxis(source, 0, -1), (*like.shape, *readout.shape))


def _scaled_rows(
    rows: Any, factors: Sequence[tuple[Coefficient, int]], order: np.ndarray | None, scalars: Sequence[Any]
) -> Any:
    distinct = {coefficient for coefficient, _ in factors}
    if len(distinct) == 1:
        return _scaled(rows, factors[0][0], scalars)
    pieces = [jnp.full(length, coefficient_value(c, scalars), rows.dtype) for c, length in factors]
    column = jnp.concatenate(pieces)
    column = column if order is None else column[order]
    return rows * jnp.reshape(column, (-1, *(1,) * (rows.ndim - 1)))


def _scaled(value: Any, coefficient: Coefficient, scalars: Sequence[Any]) -> Any:
    return value if coefficient == ONE else value * coefficient_value(coefficient, scalars)


def _coefficient(jet: Any, element: int, component: tuple[int, ...] | None, batched: bool) -> Any:
    value = jet.coefficient(element)
    if component is None:
        return value
    leading = batched + _is_family(jet, element)
    return value[(slice(None),) * leading + component]


def _is_family(jet: Any, element: int) -> bool:
    return element > 0 and jet.directions[element - 1] is not None


def _zero(jet: Any, component: tuple[int, ...] | None, batched: bool) -> Any:
    return jnp.zeros_like(_coefficient(jet, 0, component, batched))
