"""Seeds at run-time positions: every direction is a vector with a few nonzero entries, wherever they are.

A family of m drawn unit vectors in 10⁶ dimensions is m integers per point. It stays that through elementwise functions,
whose coefficients are products entry by entry; a sum over the point adds the entries up, a dense layer gathers rows of
its weights. Everything else writes it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.errors import LimitError
from opcompiler.taylor.jet import Scattered
from opcompiler.taylor.seeds import MATERIALISED_BYTES

__all__ = ["Sparse", "entries_summed", "rows_gathered", "sparse_of", "sparse_written_out"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Sparse:
    """Directions with few nonzero entries over the trailing axes of the primal, the point; the axes before lead.

    Direction r is Σ_s values[r, s]·e_{positions[r, s]}, for every index of the leading axes.

    Attributes:
        positions: flat positions in the point, (directions, entries, *lead or ones).
        values: of the same shape, or broadcasting against it.
        point: lengths of the point's axes.
    """

    positions: jax.Array
    values: jax.Array
    point: Shape

    @property
    def directions(self) -> int:
        """Number of directions."""
        return self.positions.shape[0]

    def same_positions(self, other: Sparse) -> bool:
        """Whether the entries of both are known to be at the same places."""
        return self.positions is other.positions and self.point == other.point

    def has_places_of(self, other: Sparse) -> bool:
        """Whether both have one entry per direction, at the same place."""
        return self.same_positions(other) and self.positions.shape[1] == 1

    def with_values(self, values: jax.Array) -> Sparse:
        """Return other entries at the same places."""
        return Sparse(self.positions, values, self.point)

    def scaled(self, factor: Any) -> Sparse:
        """Return factor × the directions; the factor is a number or an array of the primal's rank."""
        if np.ndim(factor) == 0:
            factor = factor.astype(self.values.dtype) if isinstance(factor, jax.Array | np.ndarray) else factor
            return self.with_values(self.values * factor)
        factor = jnp.asarray(factor)
        lead = factor.shape[: factor.ndim - len(self.point)]
        if all(length == 1 for length in factor.shape[len(lead) :]):
            return self.with_values(self.values * jnp.reshape(factor, (1, 1, *lead)))
        rows = jnp.reshape(jnp.broadcast_to(factor, (*lead, *self.point)), (*lead, prod(self.point)))
        return self.with_values(self.values * _at(rows, self.positions))

    def joined(self, other: Sparse) -> Sparse:
        """Return the sum with as many other directions, by the entries of both."""
        lead = np.broadcast_shapes(*(a.shape[2:] for s in (self, other) for a in (s.positions, s.values)))

        def full(array: jax.Array, like: Sparse) -> jax.Array:
            return jnp.broadcast_to(array, (*like.positions.shape[:2], *lead))

        positions = [full(self.positions, self), full(other.positions, other)]
        values = [full(self.values, self), full(other.values, other)]
        return Sparse(jnp.concatenate(positions, axis=1), jnp.concatenate(values, axis=1), self.point)

    def shifted(self, offset: int, length: int) -> Sparse:
        """Return the directions in a longer point with one axis, in which the old one begins at `offset`."""
        return Sparse(self.positions + offset, self.values, (length,))

    def summed(self, other: Sparse, weights: np.ndarray | None) -> Sparse:
        """Return Σ_r weights_r self_r other_r of directions with one entry at the same place, as one direction."""
        values = self.values * other.values
        if weights is not None:
            values = values * jnp.asarray(weights, values.dtype).reshape((-1,) + (1,) * (values.ndim - 1))
        values = jnp.broadcast_to(values, np.broadcast_shapes(values.shape, self.positions.shape))
        return Sparse(jnp.swapaxes(self.positions, 0, 1), jnp.swapaxes(values, 0, 1), self.point)


jax.tree_util.register_pytree_node(
    Sparse, lambda s: ((s.positions, s.values), s.point), lambda point, c: Sparse(c[0], c[1], point)
)


def _at(rows: jax.Array, positions: jax.Array) -> jax.Array:
    """Return rows[lead, positions[r, s, lead]], shaped (directions, entries, *lead)."""
    lead = np.broadcast_shapes(rows.shape[:-1], positions.shape[2:])
    rows = jnp.broadcast_to(rows, (*lead, rows.shape[-1]))
    count = positions.shape[:2]
    index = jnp.reshape(jnp.broadcast_to(positions, (*count, *lead)), (prod(count), *lead))
    found = jnp.take_along_axis(rows, jnp.moveaxis(index, 0, -1), axis=-1)
    return jnp.reshape(jnp.moveaxis(found, -1, 0), (*count, *lead))


def sparse_of(scattered: Scattered, shape: Shape) -> Sparse:
    """Return public directions in the interpreter's form, for a primal of this shape."""
    positions = jnp.asarray(scattered.positions)[:, None]
    values = jnp.asarray(scattered.values)[:, None]
    return Sparse(positions, values, shape[len(shape) - scattered.point_ndim :])


def sparse_written_out(sparse: Sparse, dtype: Any) -> jax.Array:
    """Write the directions out with their zeros, as a block: (directions, *lead or ones, *point).

    Raises:
        LimitError: it would take more than `MATERIALISED_BYTES`.
    """
    full = np.broadcast_shapes(sparse.positions.shape, sparse.values.shape)
    directions, entries, *lead = full
    size = directions * prod(lead) * prod(sparse.point) * np.dtype(dtype).itemsize
    if size > MATERIALISED_BYTES:
        raise LimitError(
            f"{directions} drawn directions over {prod(sparse.point)} coordinates need {size / 1e9:.1f} GB",
            hint="let the coordinates enter through a dense layer, or a sum of elementwise functions",
        )
    positions = jnp.reshape(jnp.broadcast_to(sparse.positions, full), (directions, entries, prod(lead)))
    values = jnp.reshape(jnp.broadcast_to(sparse.values, full), positions.shape).astype(dtype)
    rows = jnp.zeros((directions, prod(lead), prod(sparse.point)), dtype)
    places = np.arange(directions)[:, None, None], np.arange(prod(lead))[None, None], positions
    return jnp.reshape(rows.at[places].add(values), (directions, *lead, *sparse.point))


def entries_summed(sparse: Sparse) -> jax.Array:
    """Return the sum over the point, (directions, *lead or ones)."""
    full = np.broadcast_shapes(sparse.positions.shape, sparse.values.shape)
    return jnp.sum(jnp.broadcast_to(sparse.values, full), axis=1)


def rows_gathered(sparse: Sparse, weight: jax.Array, axes: Shape) -> jax.Array:
    """Return Σ_s values[r, s]·weight[positions[r, s]], (directions, *lead or ones, *free).

    Args:
        sparse: the directions.
        weight: holds the point along `axes`, in the point's order; its other axes are free.
        axes: of the weight.
    """
    if len(axes) == 1:
        rows = jnp.take(weight, sparse.positions, axis=axes[0])
        count = sparse.positions.ndim
        rows = jnp.moveaxis(rows, range(axes[0], axes[0] + count), range(count))
    else:
        free = [axis for axis in range(weight.ndim) if axis not in axes]
        matrix = jnp.transpose(weight, (*axes, *free))
        rows = matrix.reshape((prod(sparse.point), *matrix.shape[len(axes) :]))[sparse.positions]
    values = jnp.reshape(sparse.values, (*sparse.values.shape, *(1,) * (rows.ndim - sparse.positions.ndim)))
    return jnp.sum(rows * values.astype(rows.dtype), axis=1)
