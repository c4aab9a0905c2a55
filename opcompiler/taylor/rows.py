"""Rows of an array, gathered and added up: linear maps along the leading axis, each the transpose of the other.

The transpose of a gather is a scatter in JAX, which XLA carries out row by row. Positions are known here, so both
directions are gathers: many entries of one row are gathered side by side and added in halves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor.blocks import sum_of_rows
from opcompiler.taylor.jaxpr import linear_along_rows

__all__ = ["ROWS", "Segments", "rows_of"]

ROWS = "rows"
"""Name of the primitive."""

FILLED = 1.5
"""So many times as many entries may be added as there are, to have fewer rows apart."""

SUMMANDS = 4
"""So many summands of a row are written out, which the compiler computes in one pass; more are stacked."""

Rows = np.ndarray


def rows_of(array: jax.Array, rows: Rows) -> jax.Array:
    """Return these rows of an array; of an array with one row that row, as often as needed."""
    if array.shape[0] == 1:
        return jnp.broadcast_to(array, (len(rows), *array.shape[1:]))
    if len(rows) == array.shape[0] and np.array_equal(rows, np.arange(len(rows))):
        return array
    return _rows(array, rows=tuple(map(int, rows)))


def _gathered(array: jax.Array, *, rows: tuple[int, ...]) -> jax.Array:
    numbers = lax.GatherDimensionNumbers(
        offset_dims=tuple(range(1, array.ndim)), collapsed_slice_dims=(0,), start_index_map=(0,)
    )
    places, sizes = np.array(rows, np.int32)[:, None], (1, *array.shape[1:])
    return lax.gather(array, places, numbers, sizes, mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS)


def _added_up(values: jax.Array, size: int, *, rows: tuple[int, ...]) -> jax.Array:
    return _segments(rows, size).summed(lambda entries: rows_of(values, entries))


_rows = linear_along_rows(ROWS, _gathered, _added_up, lambda rows: len(rows))


@lru_cache(maxsize=1024)
def _segments(rows: tuple[int, ...], size: int) -> Segments:
    return Segments(np.array(rows), size)


@dataclass(frozen=True, eq=False)
class Segments:
    """Entries that are added up to rows.

    Attributes:
        out: row of every entry.
        size: number of rows.
    """

    out: Rows
    size: int

    @cached_property
    def _levels(self) -> list[tuple[Rows, np.ndarray, np.ndarray]]:
        """Rows with about as many entries: (rows, their entries [count, row], which of these count)."""
        order = np.argsort(self.out, kind="stable")
        counts = np.bincount(self.out, minlength=self.size)
        first = np.cumsum(counts) - counts
        levels, least = [], 0
        for count in _heights(counts):
            rows = np.flatnonzero((counts > least) & (counts <= count))
            steps = np.arange(count)[:, None]
            # An entry that only fills up is one of the row's own, so that it is finite where the row is.
            entries = order[first[rows] + np.minimum(steps, counts[rows] - 1)]
            levels.append((rows, entries, steps < counts[rows]))
            least = count
        return levels

    def summed(self, values: Callable[[Rows], jax.Array], factors: np.ndarray | jax.Array | None = None) -> jax.Array:
        """Return Σ factor · value over the entries of every row; values(entries) returns those of these entries."""
        pieces, placed = [], []
        factors = np.ones(len(self.out)) if factors is None else factors
        for rows, entries, counted in self._levels:
            step = -(-len(entries) // SUMMANDS)
            parts = [
                _level(values, factors, entries[start : start + step], counted[start : start + step])
                for start in range(0, len(entries), step)
            ]
            pieces.append(sum(parts[1:], parts[0]))
            placed.append(rows)
        absent = np.setdiff1d(np.arange(self.size), np.concatenate(placed))
        if len(absent):
            pieces.append(jnp.zeros((len(absent), *pieces[0].shape[1:]), pieces[0].dtype))
            placed.append(absent)
        together = pieces[0] if len(pieces) == 1 else lax.concatenate(pieces, 0)
        return rows_of(together, np.argsort(np.concatenate(placed)))


def _level(
    values: Callable[[Rows], jax.Array], factors: np.ndarray | jax.Array, entries: np.ndarray, counted: np.ndarray
) -> jax.Array:
    """Return Σ factor · value over the first axis of the entries."""
    piece = _scaled(values(entries.ravel()), factors[entries.ravel()], counted.ravel())
    return piece if len(entries) == 1 else sum_of_rows(piece.reshape((*entries.shape, *piece.shape[1:])))[0]


def _scaled(values: jax.Array, factors: np.ndarray | jax.Array, counted: np.ndarray) -> jax.Array:
    """Return factor × value where it counts, zero elsewhere."""
    if isinstance(factors, np.ndarray):
        factors = np.where(counted, factors, 0.0)
        if np.all(factors == factors[0]):
            return values if factors[0] == 1 else values * float(factors[0])
    else:
        factors = jnp.where(counted, factors, 0.0)
    return values * jnp.asarray(factors, values.dtype).reshape((-1,) + (1,) * (values.ndim - 1))


def _heights(counts: np.ndarray) -> list[int]:
    """Return the counts up to which rows are treated alike, lowest first: few, and little is filled up."""
    present = np.unique(counts[counts > 0])[::-1]
    heights: list[int] = []
    entries = filled = 0
    for count in present:
        members = int(np.sum(counts == count))
        if heights and (filled + members * heights[-1]) <= FILLED * (entries + members * count):
            entries, filled = entries + members * int(count), filled + members * heights[-1]
        else:
            heights.append(int(count))
            entries = filled = members * int(count)
    return heights[::-1]
