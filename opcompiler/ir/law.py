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

from collections.abc import Iterable
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TypeAlias, cast

from opcompiler.errors import ArgumentTypeError

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
    "require_law",
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
        weights: probabilities of the coordinates, positive and of sum one, a float by its shortest decimal; None for
            uniform. With weights the coordinates are drawn with replacement.
    """

    weights: tuple[Fraction, ...] | None = None

    def __post_init__(self) -> None:
        """Make exact numbers of the weights.

        Raises:
            ArgumentTypeError: they are no probabilities.
        """
        if self.weights is not None:
            object.__setattr__(self, "weights", _probabilities(self.weights, "weights"))


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

    def __post_init__(self) -> None:
        """Check the size.

        Raises:
            ArgumentTypeError: it is no whole number.
        """
        if type(self.size) is not int:
            raise ArgumentTypeError(f"Frame({self.size!r}) has no number of directions", hint="Frame(4)")


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

    def __post_init__(self) -> None:
        """Make exact numbers of the probabilities.

        Raises:
            ArgumentTypeError: they are none.
        """
        if self.probabilities is not None:
            object.__setattr__(self, "probabilities", _probabilities(self.probabilities, "probabilities"))


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

    def __post_init__(self) -> None:
        """Check that norms and law are what they are called.

        Raises:
            ArgumentTypeError: one of them is something else.
        """
        if self.pilot is not None:
            _require_pilot(self.pilot)
        if self.law is not None:
            require_law(self.law)


Law: TypeAlias = (
    Coordinates | Rademacher | Gaussian | Sphere | Orthogonal | Frame | ThreePoint | IndependentPair | Terms | Auto
)
"""Closed union of laws."""


def require_law(law: object) -> None:
    """Refuse what is no law.

    Raises:
        ArgumentTypeError: a name, or a law's class in the place of the law, for instance.
    """
    if not isinstance(law, Law):
        raise ArgumentTypeError(f"{law!r} is no law", hint="oc.laws.Rademacher(), oc.laws.Coordinates(), …")


def _require_pilot(pilot: object) -> None:
    if not isinstance(pilot, Pilot):
        raise ArgumentTypeError(f"{pilot!r} is no pilot", hint="laws.Auto(oc.pilot(operator, …).norms)")


def _probabilities(values: object, name: str) -> tuple[Fraction, ...]:
    """Return probabilities as exact numbers, a float by its shortest decimal.

    Raises:
        ArgumentTypeError: one is no positive number, or their sum is not one.
    """
    hint = "positive numbers of sum one, such as fractions.Fraction(1, 3)"
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise ArgumentTypeError(f"{name}={values!r} are no probabilities", hint=hint)
    exact: list[Fraction] = []
    for value in cast("Iterable[object]", values):
        match value:
            case bool():
                raise ArgumentTypeError(f"{value!r} among the {name} is no probability", hint=hint)
            case int() | Fraction() if value > 0:
                exact.append(Fraction(value))
            case float() if 0 < value <= 1:
                exact.append(Fraction(repr(float(value))))
            case _:
                raise ArgumentTypeError(f"{value!r} among the {name} is no probability", hint=hint)
    if (total := sum(exact)) != 1:
        raise ArgumentTypeError(f"the sum of the {name} is {float(total):.17g}, not one", hint=hint)
    return tuple(exact)
