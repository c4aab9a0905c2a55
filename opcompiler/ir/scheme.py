"""The user's request, as data: how exact, how large."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias

from opcompiler.errors import ArgumentTypeError
from opcompiler.ir.law import Auto, Law
from opcompiler.ir.schedule import parse_bytes, require_chunk

__all__ = ["Exact", "Scheme", "Stochastic"]

_AUTO = Auto()


@dataclass(frozen=True, slots=True, repr=False)
class Exact:
    """Compute every contraction exactly.

    Attributes:
        strategy: name of the strategy to be used, e.g. "univariate jets"; None takes the cheapest.
        search_nodes: branch-and-bound nodes of each search for directions of univariate jets where no formula gives
            the fewest; 0 searches nothing, which keeps planning fast.
        memory: bytes that a call may take for coefficients, seeds and results ("2GB", "512 MiB", or an int). Points,
            and then directions of a sum, are taken in sequence until it fits; a call that cannot fit is refused.
        chunk: points that are evaluated at once; the chunks follow each other.

    Raises:
        ArgumentTypeError: `memory` is no size, or `chunk` is no positive whole number.
    """

    strategy: str | None = None
    search_nodes: int = 0
    memory: int | str | None = None
    chunk: int | None = None

    def __post_init__(self) -> None:
        """Turn sizes into bytes, so that equal budgets are equal schemes."""
        if self.memory is not None:
            object.__setattr__(self, "memory", parse_bytes(self.memory))
        if self.chunk is not None:
            require_chunk(self.chunk)

    def __repr__(self) -> str:
        """Return the call that makes this scheme, defaults left out."""
        given = [(f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default]
        return f"Exact({', '.join(f'{name}={value!r}' for name, value in given)})"


@dataclass(frozen=True, slots=True, repr=False)
class Stochastic:
    """Estimate what is too large to be exact, without bias; everything else is exact in the same evaluation.

    Attributes:
        samples: directions drawn per point, for each space that is sampled.
        law: how they are drawn; `Auto()` chooses the valid law of least variance × cost.
        over: names of the spaces that are sampled; None samples every space of more dimensions than `samples`.
        replace: whether `Coordinates` are drawn with replacement.
        shared: one draw serves all points of a call, instead of an independent one per point.
    """

    samples: int = 16
    law: Law = _AUTO
    over: tuple[str, ...] | None = None
    replace: bool = False
    shared: bool = False

    def __post_init__(self) -> None:
        """Check the number of samples; a single name or any sequence of names is understood as well.

        Raises:
            ArgumentTypeError: `samples` is no positive whole number.
        """
        if type(self.samples) is not int or self.samples < 1:
            raise ArgumentTypeError(f"samples={self.samples!r} is no number of samples", hint="1, 2, 3, …")
        if self.over is not None:
            names = (self.over,) if isinstance(self.over, str) else tuple(self.over)
            object.__setattr__(self, "over", names)

    def __repr__(self) -> str:
        """Return the call that makes this scheme, defaults left out."""
        given = [(f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default]
        return f"Stochastic({', '.join(f'{name}={value!r}' for name, value in given)})"


Scheme: TypeAlias = Exact | Stochastic
"""Closed union of schemes."""
