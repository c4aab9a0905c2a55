"""What was drawn: the directions of the drawn spaces at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

__all__ = ["Directions", "Drawn"]


@dataclass(frozen=True)
class Drawn:
    """The directions v_r of one drawn space: dense rows, or multiples of unit vectors; a pytree.

    All arrays begin with the axes (points, repeats). An axis has length one where a draw serves all points (a call
    without a batch, or shared draws) or all repeats.

    Attributes:
        rows: None, or v_r, shaped (points, repeats, directions, dim of the space); flat coordinates in C order.
        indices: None, or i_r of v_r = length_r·e_{i_r}, integers shaped (points, repeats, directions).
        lengths: for `indices`: None for unit vectors, or shaped (points, repeats, directions).
        weight: of the drawn term, shaped (points, repeats); None unless the law draws terms.
    """

    rows: Any = None
    indices: Any = None
    lengths: Any = None
    weight: Any = None

    def dense(self, dim: int, dtype: Any) -> jax.Array:
        """Return all directions as rows, shaped (points, repeats, directions, dim)."""
        if self.rows is not None:
            return jnp.asarray(self.rows, dtype)
        rows = (self.indices[..., None] == jnp.arange(dim)).astype(dtype)
        return rows if self.lengths is None else rows * jnp.asarray(self.lengths, dtype)[..., None]

    def flattened(self, points: int, repeats: int) -> Drawn:
        """Return the same draws with one axis for points and repeats, and an axis of length one behind it.

        The axis has the length points·repeats, or one where a single draw serves all.
        """

        def flat(array: Any) -> Any:
            if array is None:
                return None
            if array.shape[:2] != (1, 1):
                array = jnp.broadcast_to(array, (points, repeats, *array.shape[2:]))
            return jnp.reshape(array, (-1, 1, *array.shape[2:]))

        return Drawn(flat(self.rows), flat(self.indices), flat(self.lengths), flat(self.weight))


jax.tree_util.register_dataclass(Drawn, data_fields=["rows", "indices", "lengths", "weight"], meta_fields=[])

Directions: TypeAlias = Mapping[str, Drawn]
"""By the name of the drawn space."""
