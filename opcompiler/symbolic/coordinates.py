"""Coordinates: which spaces are written out, the spatial axis, and what a bound letter stands for."""

from __future__ import annotations

from typing import TypeAlias

import sympy

from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.head import HeadIndex
from opcompiler.symbolic.atoms import Point, Scalar
from opcompiler.symbolic.calculus import Calculus
from opcompiler.symbolic.limits import EXPLICIT_DIMENSION
from opcompiler.symbolic.tensors import Axis, Slot, Tensor, TensorAlgebra

__all__ = ["Bound", "Coordinates", "Direction", "NotWholeAxis", "flat_places"]

Bound: TypeAlias = "dict[str, int | Slot]"
"""What the letters of enclosing sums stand for: a number, or the label of a whole axis."""

Direction: TypeAlias = tuple[str, HeadIndex]
"""A coordinate, or all coordinates of a space under one label."""

_SMALL_SPACE = 3
"""Beside large spaces, a space of at most so many coordinates is written out."""


class NotWholeAxis(Exception):
    """A sum does not run over exactly one whole indexed axis, so it must be written out."""


class Coordinates:
    """The declared spaces."""

    def __init__(self, declarations: Declarations, calculus: Calculus, tensors: TensorAlgebra) -> None:
        """Read these declarations."""
        self.declarations = declarations
        self.atoms = calculus.atoms
        self.calculus = calculus
        self.tensors = tensors

    def is_block(self, space: str) -> bool:
        """Whether the coordinates of a space stay one indexed block."""
        declared, time = self.declarations.space(space), self.declarations.time
        if declared.shape == () or declared.coordinates is not None or (time is not None and time[0] == space):
            return False
        return self.declarations.spatial_dim > EXPLICIT_DIMENSION and declared.dim > _SMALL_SPACE

    def spatial(self, space: str | None) -> tuple[Axis, list[Direction]]:
        """Return the spatial axis (of one space when given) with the coordinate of each slot."""
        slots: list[Slot] = []
        directions: list[Direction] = []
        for declared in self.declarations.spaces:
            if space not in (None, declared.name):
                continue
            if self.is_block(declared.name):
                label = self.atoms.fresh_label()
                slots.append(Slot(declared.dim, label))
                directions.append((declared.name, label))
                continue
            for index in range(declared.dim):
                if (declared.name, index) != self.declarations.time:
                    slots.append(Slot())
                    directions.append((declared.name, index))
        return tuple(slots), directions

    def direction(self, coordinate: ir.Coordinate, bound: Bound) -> Direction:
        """Return which coordinate is meant when letters are bound.

        Raises:
            NotWholeAxis: the letter runs over something else than this space.
        """
        index = bound[coordinate.index] if isinstance(coordinate.index, str) else coordinate.index
        if isinstance(index, int):
            return coordinate.space, index
        if not self.is_block(coordinate.space) or self.declarations.space(coordinate.space).dim != index.size:
            raise NotWholeAxis
        return coordinate.space, index.label or ""

    def position(self, space: str) -> Tensor:
        """Return a whole space as a vector, as a scalar when it is one coordinate."""
        declared = self.declarations.space(space)
        if declared.shape == ():
            return self.tensors.scalar(self.atoms.symbol(Point(space, 0)))
        if self.is_block(space):
            label = self.atoms.fresh_label()
            entry = self.atoms.symbol(Point(space, label))
            return Tensor(self.tensors.array([entry], (1,)), ((Slot(declared.dim, label),),))
        entries: list[Scalar] = [self.atoms.symbol(Point(space, n)) for n in range(declared.dim)]
        return Tensor(self.tensors.array(entries, (declared.dim,)), ((Slot(),) * declared.dim,))

    def unit_vector(self, axis: int) -> Tensor:
        """Return e_axis along the spatial axis."""
        slots, _ = self.spatial(None)
        entries, start = [], 0
        for slot in slots:
            inside = start <= axis < start + slot.size
            index: HeadIndex = slot.label if slot.label is not None else 0
            entries.append(self.calculus.delta(axis - start, index) if inside else sympy.S.Zero)
            start += slot.size
        return Tensor(self.tensors.array(entries, (len(slots),)), (slots,))


def flat_places(at: list[int | Slot], shape: tuple[int, ...], sizes: list[int]) -> list[int | Slot]:
    """Return one place per axis: the indices of a space of tuple shape count in C order along one axis."""
    places: list[int | Slot] = []
    rest, remaining = list(at), list(shape)
    for size in sizes:
        if not rest:
            break
        place, span = rest.pop(0), remaining.pop(0)
        while span != size and rest:
            following, width = rest.pop(0), remaining.pop(0)
            if isinstance(place, Slot) or isinstance(following, Slot):
                raise NotWholeAxis
            place, span = place * width + following, span * width
        places.append(place)
    return places
