"""Spaces of coordinates: a dimension is a number here, never a loop."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

__all__ = ["CoordinateRange", "Space"]


@dataclass(frozen=True, slots=True)
class Space:
    """One positional argument of u: a block of coordinates.

    Attributes:
        name: the declared name.
        shape: () for a scalar coordinate, else the shape of one point of the space.
        coordinates: the names of a packed space such as `{"z": ("x", "t")}`; None where the coordinates are the
            name itself (scalar) or name1 … nameN. Coordinates are numbered in C order from 0 (`x1` has index 0).
    """

    name: str
    shape: tuple[int, ...] = ()
    coordinates: tuple[str, ...] | None = None

    @property
    def dim(self) -> int:
        """Number of coordinates in the space."""
        return prod(self.shape)

    def coordinate_name(self, index: int) -> str:
        """Return the written name of coordinate `index` (0-based)."""
        if self.coordinates is not None:
            return self.coordinates[index]
        return self.name if self.shape == () else f"{self.name}{index + 1}"


@dataclass(frozen=True, slots=True, order=True)
class CoordinateRange:
    """The coordinates start ≤ index < stop of one space, in C order."""

    space: str
    start: int
    stop: int

    @property
    def size(self) -> int:
        """Number of coordinates in the range."""
        return self.stop - self.start
