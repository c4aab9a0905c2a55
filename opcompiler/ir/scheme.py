"""The user's request, as data: how exact, how large."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Exact", "Scheme"]


@dataclass(frozen=True, slots=True)
class Exact:
    """Compute every contraction exactly."""


Scheme = Exact
"""Closed union of schemes; stochastic ones join it when they exist."""
