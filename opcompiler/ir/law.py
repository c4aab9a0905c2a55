"""Laws of random directions, as values: how the directions of a stochastic estimator are drawn.

Stated once, for a law that draws in d dimensions (rational normalisations stay in the symbol of the estimator, so that
what is drawn is plain):

    Coordinates            unit vectors e_i; with weights p, e_i·p_i^(−1/k) for a symbol of order k
    Rademacher             independent entries ±1
    Gaussian               independent standard normal entries
    ThreePoint             independent entries, 0 with probability 2/3 and ±√3 with 1/6 each
    Sphere                 unit vectors, uniform on the sphere, independent of each other
    Orthogonal             unit vectors, each uniform on the sphere, orthogonal to each other (d of them at a time)
    Frame(r)               r orthonormal vectors, uniform; several frames are independent
    IndependentPair        independent standard normal vectors, one for every factor |ξ|² of a product
    Terms                  one term of the written-out operator
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TypeAlias

__all__ = [
    "Auto",
    "Coordinates",
    "Frame",
    "Gaussian",
    "IndependentPair",
    "Law",
    "Orthogonal",
    "Pilot",
    "Rademacher",
    "Sphere",
    "Terms",
    "ThreePoint",
]


class _Call:
    """Prints as the call that makes it, defaults left out."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the call that makes this law."""
        given = [
            f"{f.name}={getattr(self, f.name)!r}"
            for f in fields(self)  # pyright: ignore[reportArgumentType]
            if getattr(self, f.name) != f.default
        ]
        return f"{type(self).__name__}({', '.join(given)})"


@dataclass(frozen=True, slots=True, repr=False)
class Coordinates(_Call):
    """Single coordinates: without replacement and uniform, or with replacement by importance.

    Attributes:
        weights: probabilities of the coordinates, positive and of sum one; None for uniform. With weights the
            coordinates are drawn with replacement.
    """

    weights: tuple[Fraction, ...] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Rademacher(_Call):
    """Independent entries ±1 (Hutchinson 1989)."""


@dataclass(frozen=True, slots=True, repr=False)
class Gaussian(_Call):
    """Independent standard normal entries."""


@dataclass(frozen=True, slots=True, repr=False)
class Sphere(_Call):
    """Independent directions, uniform on the unit sphere."""


@dataclass(frozen=True, slots=True, repr=False)
class Orthogonal(_Call):
    """Directions uniform on the unit sphere that are orthogonal to each other."""


@dataclass(frozen=True, slots=True, repr=False)
class Frame(_Call):
    """Uniform orthonormal frames of `size` directions; the operator is restricted to the space that each spans.

    Attributes:
        size: directions of one frame, r.
    """

    size: int


@dataclass(frozen=True, slots=True, repr=False)
class ThreePoint(_Call):
    """Independent entries 0, √3, −√3 with probabilities 2/3, 1/6, 1/6: normal moments up to order five, and sparse."""


@dataclass(frozen=True, slots=True, repr=False)
class IndependentPair(_Call):
    """An independent normal direction for every factor of a product such as Δ² = Δ·Δ."""


@dataclass(frozen=True, slots=True, repr=False)
class Terms(_Call):
    """Single terms of the operator written out in coordinates, with probabilities p ∝ |coefficient| or given ones.

    Attributes:
        probabilities: of the terms in canonical order, positive and of sum one; None for p ∝ |coefficient|.
    """

    probabilities: tuple[Fraction, ...] | None = None


@dataclass(frozen=True, slots=True)
class Pilot:
    """Norms of derivative tensors measured at a few points.

    Attributes:
        norms: (name of the norm, its mean), rounded to rational numbers so that plans stay exact data.
    """

    norms: tuple[tuple[str, Fraction], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Auto(_Call):
    """The valid law of least variance × cost.

    Attributes:
        pilot: measured norms; None assumes that the entries of derivative tensors are uncorrelated and of equal size.
        law: of powers of Δ, where it is already chosen.
    """

    pilot: Pilot | None = None
    law: Law | None = None


Law: TypeAlias = (
    Coordinates | Rademacher | Gaussian | Sphere | Orthogonal | Frame | ThreePoint | IndependentPair | Terms | Auto
)
"""Closed union of laws."""
