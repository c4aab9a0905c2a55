"""What the user declared: the spaces, fields, parameters and functions that give a text its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from opcompiler.ir.space import Space

__all__ = [
    "Declarations",
    "FieldDeclaration",
    "FunctionDeclaration",
    "NestedFractions",
    "ParameterDeclaration",
    "Runtime",
]

NestedFractions: TypeAlias = Fraction | tuple["NestedFractions", ...]
"""A rational number, vector or matrix as nested tuples; a complex entry is refused at declaration."""


@dataclass(frozen=True, slots=True)
class FieldDeclaration:
    """An unknown function: scalar (shape ()) or vector (shape (n,)), with optional component names."""

    name: str
    shape: tuple[int, ...] = ()
    components: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ParameterDeclaration:
    """A constant of the equation: exact rational `value`, or None when it is given at call."""

    name: str
    shape: tuple[int, ...] = ()
    value: NestedFractions | None = None


@dataclass(frozen=True, slots=True)
class FunctionDeclaration:
    """A coefficient function, e.g. `c(x,y)`, or with a dummy argument `f(s)`.

    Attributes:
        name: the name in the text.
        arguments: the names between the brackets of the declaration key.
        shape: shape of one value.
        implicit: True when every argument is a declared coordinate, space or field, so that the bare name means
            the function at exactly these arguments; False for dummies, which must be applied: `f(u)`.
    """

    name: str
    arguments: tuple[str, ...]
    shape: tuple[int, ...] = ()
    implicit: bool = True


@dataclass(frozen=True, slots=True)
class Declarations:
    """All declarations of one operator.

    Attributes:
        spaces: in the order of u's positional arguments.
        fields: in declared order.
        time: (space name, index) of the coordinate that Δ, ∇, ∇· and ∇× leave out, or None.
        parameters: in declared order.
        functions: in declared order.
    """

    spaces: tuple[Space, ...]
    fields: tuple[FieldDeclaration, ...] = (FieldDeclaration("u"),)
    time: tuple[str, int] | None = None
    parameters: tuple[ParameterDeclaration, ...] = ()
    functions: tuple[FunctionDeclaration, ...] = ()

    def space(self, name: str) -> Space:
        """Return the space called `name`."""
        return next(space for space in self.spaces if space.name == name)

    def field(self, name: str) -> FieldDeclaration:
        """Return the field called `name`."""
        return next(field for field in self.fields if field.name == name)

    def parameter(self, name: str) -> ParameterDeclaration:
        """Return the parameter called `name`."""
        return next(parameter for parameter in self.parameters if parameter.name == name)

    def function(self, name: str) -> FunctionDeclaration:
        """Return the coefficient function called `name`."""
        return next(function for function in self.functions if function.name == name)

    @property
    def spatial(self) -> tuple[tuple[str, int], ...]:
        """All spatial coordinates as (space, index), in declared order. Enumerates: small spaces only."""
        return tuple(
            (space.name, index)
            for space in self.spaces
            for index in range(space.dim)
            if (space.name, index) != self.time
        )

    @property
    def spatial_dim(self) -> int:
        """Number of spatial coordinates, without enumerating them."""
        return sum(space.dim for space in self.spaces) - (self.time is not None)

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """The axes that ∇ appends: the point shape of the only spatial space, else one flat axis over all."""
        touched = [s for s in self.spaces if s.dim > 1 or (s.name, 0) != self.time]
        if len(touched) == 1 and touched[0].shape and (self.time is None or self.time[0] != touched[0].name):
            return touched[0].shape
        return (self.spatial_dim,)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Declares a parameter whose value is given at call, of this shape: `parameters={"A": Runtime((3, 3))}`."""

    shape: tuple[int, ...] = ()
