"""What was drawn: the directions of the drawn spaces at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Directions", "Drawn"]


@dataclass(frozen=True)
class Drawn:
    """The directions v_r of one drawn space: dense rows, or multiples of unit vectors.

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


Directions: TypeAlias = Mapping[str, Drawn]
"""By the name of the drawn space."""
