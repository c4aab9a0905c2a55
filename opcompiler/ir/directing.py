"""`Directing`: a normal form in terms of derivatives along directions that are known only at call.

Where the coefficients of a quadratic form are sums of squares, Σ_ij (σσᵀ)_ij ∂_i∂_j = Σ_k (σ_k·∂)² with the columns
σ_k of a run-time matrix, the operator has few essential directions although all its coordinates occur. The derivatives
along the σ_k are the coordinates of a *directed space*; the normal form over it is planned like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from opcompiler.ir.head import Head
from opcompiler.ir.normal_form import NormalForm

__all__ = ["COORDINATE", "DIRECTION", "DirectedSpace", "Directing"]

DIRECTION, COORDINATE = "direction", "coordinate"
"""Free labels of the rows of a directed space."""


@dataclass(frozen=True, slots=True)
class DirectedSpace:
    """A directed space: coordinate k of it is the derivative Σ_i rows[k, i] ∂_i along the coordinates of `of`.

    A direction with entries in several spaces is described by several of these with the same `space`.

    Attributes:
        space: name of the directed space in the rewritten declarations; it has `directions` coordinates.
        of: the space that the directions lie in.
        directions: how many.
        rows: their entries, without fields; its free labels are `DIRECTION` and `COORDINATE`, the latter over the
            flat coordinates of `of`, or some of them.
    """

    space: str
    of: str
    directions: int
    rows: Head


@dataclass(frozen=True, slots=True)
class Directing:
    """A normal form over directed spaces, and what their directions are.

    Attributes:
        normal_form: equal in value to the one that was asked for; its declarations have the directed spaces behind
            the original ones.
        spaces: the directed spaces.
    """

    normal_form: NormalForm
    spaces: tuple[DirectedSpace, ...]

    @property
    def directions(self) -> int:
        """Number of directions of all directed spaces together."""
        return sum({own.space: own.directions for own in self.spaces}.values())
