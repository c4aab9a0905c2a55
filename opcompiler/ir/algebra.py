"""A truncated (Weil) algebra as data.

An element of the algebra is a value f together with coefficients w(∂)f, one per basis element w of a finite space W
of polynomials that is closed under differentiation (Macaulay's inverse system). Coefficient 0 is f itself (w = 1);
all other w have w(0) = 0. The Leibniz rule w(ξ+η) = w(ξ) + w(η) + Σ T^w_ab w_a(ξ) w_b(η) is the product table:

    (fg)_w = f·g_w + f_w·g + Σ_terms coefficient · f_left · g_right        (left = right)
                           + Σ_terms coefficient · (f_left · g_right + f_right · g_left)   (left ≠ right)

Elements of degree j vanish in every product of more than j nilpotent factors: the table respects the degree.

An element may be a *family* along a direction axis: one coefficient per direction. In a term, a family times a
single element broadcasts; two families of the same axis multiply direction by direction; when the result is a single
element the products are summed over the directions, with `weights` if given.
"""

from __future__ import annotations

from dataclasses import dataclass

from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.space import CoordinateRange
from opcompiler.ir.surd import Number

__all__ = ["Algebra", "Axis", "AxisSeed", "CoordinateSeed", "Element", "Seed", "Term"]


@dataclass(frozen=True, slots=True)
class Axis:
    """The directions of families: the coordinates of `ranges`, concatenated; or the rows of `matrix`.

    With `matrix` (one row per direction) direction r is Σ_i matrix[r][i] ∂_i over the coordinates of `ranges`.

    `invariant` says that families of this axis are only ever multiplied with each other under a sum with equal
    weights and never read out singly: then any orthogonal change of the directions leaves all results unchanged.
    """

    ranges: tuple[CoordinateRange, ...]
    matrix: tuple[tuple[Number, ...], ...] | None = None
    invariant: bool = False

    @property
    def size(self) -> int:
        """Number of directions."""
        return len(self.matrix) if self.matrix is not None else sum(r.size for r in self.ranges)


@dataclass(frozen=True, slots=True)
class Element:
    """One basis element w, or a family of them.

    Attributes:
        label: the derivative it carries, readable, e.g. `u_xxx + 6·u_t` or `∂ᵢu`.
        degree: degree of w.
        axis: number of the direction axis of a family, None for a single element.
    """

    label: str
    degree: int
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """An entry of the product table, left ≤ right; see the module docstring for its meaning."""

    left: int
    right: int
    out: int
    coefficient: Coefficient
    weights: tuple[Number, ...] | None = None


@dataclass(frozen=True, slots=True)
class CoordinateSeed:
    """The coefficient w(∂)x_i of a coordinate function: a number, the same for all directions of a family."""

    element: int
    space: str
    index: int
    coefficient: Coefficient


@dataclass(frozen=True, slots=True)
class AxisSeed:
    """Direction r of a family is coefficient × (coordinate r of its axis, or row r of the axis matrix)."""

    element: int
    coefficient: Coefficient


Seed = CoordinateSeed | AxisSeed


@dataclass(frozen=True, slots=True)
class Algebra:
    """Basis, direction axes and product table. Element 0 is the unit (the primal value)."""

    elements: tuple[Element, ...]
    axes: tuple[Axis, ...] = ()
    table: tuple[Term, ...] = ()

    @property
    def dim(self) -> int:
        """Number of coefficients that one value carries, the primal included."""
        return sum(self.size(element) for element in self.elements)

    @property
    def order(self) -> int:
        """Highest degree."""
        return max(element.degree for element in self.elements)

    def size(self, element: Element) -> int:
        """Return the number of coefficients of one element: 1, or the directions of its axis."""
        return 1 if element.axis is None else self.axes[element.axis].size

    @property
    def by_order(self) -> tuple[int, ...]:
        """Hilbert function: coefficients by degree; their sum is `dim`."""
        counts = [0] * (self.order + 1)
        for element in self.elements:
            counts[element.degree] += self.size(element)
        return tuple(counts)
