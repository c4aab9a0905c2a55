"""Products of stacked elements: gather pairs of rows, multiply, add up what belongs to one row of the result.

    result_o = Σ_e c_e · left_{l(e)} · right_{r(e)}     over the entries e with o(e) = o

As many equations as there are different counts of entries per row, up to rounding, however large the table is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np

from opcompiler.taylor.rows import Segments, rows_of

__all__ = ["Pairs"]

Rows = np.ndarray


@dataclass(frozen=True, eq=False)
class Pairs:
    """The entries of a product table between two stacks of elements.

    Attributes:
        left: row of the left factor, by entry.
        right: row of the right factor.
        out: row of the result.
        constants: structure constants, an array of numbers, or of run-time scalars.
        size: number of rows of the result.
    """

    left: Rows
    right: Rows
    out: Rows
    constants: np.ndarray | jax.Array
    size: int

    @property
    def is_numeric(self) -> bool:
        """Whether no structure constant depends on a run-time scalar."""
        return isinstance(self.constants, np.ndarray)

    @cached_property
    def swapped(self) -> Pairs:
        """The same with the factors exchanged."""
        return Pairs(self.right, self.left, self.out, self.constants, self.size)

    @cached_property
    def of_square(self) -> Pairs:
        """The same for equal factors from one stack: of two entries (i, j) and (j, i) one that counts twice."""
        kept = np.flatnonzero(self.left <= self.right)
        twice = np.where(self.left[kept] < self.right[kept], 2.0, 1.0)
        return Pairs(self.left[kept], self.right[kept], self.out[kept], self.constants[kept] * twice, self.size)

    @cached_property
    def _segments(self) -> Segments:
        return Segments(self.out, self.size)

    def collected(self, product: Callable[[Rows, Rows], jax.Array]) -> jax.Array:
        """Return the rows of the result; product(i, j) returns the products of these rows, stacked."""
        return self._segments.summed(lambda entries: product(self.left[entries], self.right[entries]), self.constants)

    def product(
        self, left: jax.Array, right: jax.Array, multiply: Callable[[jax.Array, jax.Array], jax.Array]
    ) -> jax.Array:
        """Return the rows of the result; `multiply` acts row by row and broadcasts a single row."""
        return self.collected(lambda i, j: multiply(rows_of(left, i), rows_of(right, j)))
