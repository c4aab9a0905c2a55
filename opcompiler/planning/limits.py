"""Named limits of the planner: what is refused with numbers instead of being tried."""

from __future__ import annotations

__all__ = ["MAX_COEFFICIENTS", "MAX_DIAGONALISED", "MAX_HANKEL_COLUMNS", "MAX_LISTED", "MAX_TERMS"]

MAX_COEFFICIENTS = 3000
"""Basis elements of an algebra that are written out one by one; a family counts once."""

MAX_TERMS = 20_000
"""Monomials of one symbol after its power sums are written out coordinate by coordinate."""

MAX_LISTED = 3000
"""Coordinates of one space that are listed one by one (seeds, positions, expanded sums)."""

MAX_DIAGONALISED = 32
"""Largest written-out quadratic form that is brought to diagonal form."""

MAX_HANKEL_COLUMNS = 200
"""Columns of the Hankel matrix that is formed to check the minimum independently."""
