"""The user's request, as data: how exact, how large."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["Exact", "Scheme"]


@dataclass(frozen=True, slots=True, repr=False)
class Exact:
    """Compute every contraction exactly.

    Attributes:
        strategy: name of the strategy to be used, e.g. "univariate jets"; None takes the cheapest.
        search_nodes: branch-and-bound nodes of each search for directions of univariate jets where no formula gives
            the fewest; 0 searches nothing, which keeps planning fast.
    """

    strategy: str | None = None
    search_nodes: int = 0

    def __repr__(self) -> str:
        """Return the call that makes this scheme, defaults left out."""
        given = [(f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default]
        return f"Exact({', '.join(f'{name}={value!r}' for name, value in given)})"


Scheme = Exact
"""Closed union of schemes; stochastic ones join it when they exist."""
