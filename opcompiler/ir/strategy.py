"""Strategies beside the minimal algebra, as values: directions of univariate jets, slots of one jet, counts."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from opcompiler.ir.cost import Cost
from opcompiler.ir.surd import Number

__all__ = ["Alternative", "Direction", "Jet", "JointTangents", "SlotJet", "Status", "TangentSet"]

Status: TypeAlias = Literal["proved", "bracketed", "unknown"]
"""Of a minimum: proved equal to what is used, enclosed by a lower bound and what is used, or not known at all."""

Direction: TypeAlias = tuple[Number, ...]
"""A tangent v, one entry per coordinate."""


@dataclass(frozen=True, slots=True)
class TangentSet:
    """A signed Waring decomposition Σ_r c_r (v_r·ξ)^order = P(ξ) of one homogeneous symbol.

    D^order u[v_r, …, v_r] is the last coefficient of one univariate jet, so P(∂)u = Σ_r c_r D^order u[v_r, …, v_r].

    Attributes:
        order: degree of P.
        directions: the v_r.
        coefficients: the c_r.
        lower_bound: no decomposition has fewer directions.
        status: "proved" when there is none with fewer directions.
        source: name of the construction and of the argument for the bound.
        residual: 0 for an exact identity, else a bound on the error of any coefficient of P.
    """

    order: int
    directions: tuple[Direction, ...]
    coefficients: tuple[Number, ...]
    lower_bound: int
    status: Status
    source: str
    residual: Fraction = Fraction(0)

    @property
    def size(self) -> int:
        """Number of directions."""
        return len(self.directions)


@dataclass(frozen=True, slots=True)
class Jet:
    """One univariate jet: u(x + s·direction) to the given order in s."""

    direction: Direction
    order: int


@dataclass(frozen=True, slots=True)
class JointTangents:
    """Univariate jets that carry several symbols of several orders at once.

    Attributes:
        coordinates: (space, index) of the entries of the directions.
        jets: highest order first.
        accumulators: sums of last coefficients to be carried when these are added up layer by layer (collapsed
            Taylor mode, Dangel et al. 2025); one per symbol that needs last coefficients, linear relations removed.
        lower_bound: no set has fewer directions.
        status: "proved" when no set has fewer directions.
        source: names of the constructions.
    """

    coordinates: tuple[tuple[str, int], ...]
    jets: tuple[Jet, ...]
    accumulators: int
    lower_bound: int
    status: Status
    source: str

    @property
    def separate(self) -> int:
        """Coefficients when every jet is carried whole, the primal once: 1 + Σ_r k_r."""
        return 1 + sum(jet.order for jet in self.jets)

    @property
    def collapsed(self) -> int:
        """Coefficients when the last ones are summed on the way: 1 + Σ_r (k_r − 1) + accumulators."""
        return 1 + sum(jet.order - 1 for jet in self.jets) + self.accumulators

    @property
    def directions(self) -> int:
        """Number of jets of order two or more."""
        return sum(jet.order > 1 for jet in self.jets)

    def of_order(self, order: int) -> int:
        """Return the number of jets of one order."""
        return sum(jet.order == order for jet in self.jets)


@dataclass(frozen=True, slots=True)
class SlotJet:
    """One univariate jet x + Σ_i e_i s^slots[i]/slots[i]!, from which every derivative is read at one order.

    Attributes:
        coordinates: (space, index) of the entries of `slots`.
        slots: the power of s that each coordinate is seeded at.
        order: the highest power of s.
    """

    coordinates: tuple[tuple[str, int], ...]
    slots: tuple[int, ...]
    order: int

    @property
    def carried(self) -> int:
        """Coefficients, the primal included."""
        return self.order + 1


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to compute a normal form, chosen or not, and why.

    Attributes:
        strategy: its name.
        chosen: whether the plan uses it.
        coefficients: numbers carried per value, the primal included; None when it was not worked out.
        directions: number of univariate jets of order two or more, or None.
        lower_bound: no plan of this strategy has fewer directions (tangents) or coefficients (algebras), or None.
        status: whether `lower_bound` is attained.
        reason: why it is chosen, or is not.
        tangents: the directions of its univariate jets, where they were worked out.
        slots: the powers that one jet is seeded at, where they were found.
        cost: estimated work, or None when it cannot be run.
        amplification: bounds (lower, upper) on how much its sums amplify rounding; None when they are unknown.
    """

    strategy: str
    chosen: bool
    coefficients: int | None
    directions: int | None
    lower_bound: int | None
    status: Status
    reason: str
    tangents: JointTangents | None = None
    slots: SlotJet | None = None
    cost: Cost | None = None
    amplification: tuple[Fraction, Fraction] | None = None
