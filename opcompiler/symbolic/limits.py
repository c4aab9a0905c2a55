"""How large an operator may become, as named numbers."""

from __future__ import annotations

__all__ = [
    "EXPANDED_BLOCK",
    "EXPLICIT_DIMENSION",
    "MAX_DETERMINANT",
    "MAX_DISTRIBUTED",
    "MAX_IMPORTED_DEPTH",
    "MAX_IMPORTED_NODES",
    "MAX_NUMBER_BITS",
    "MAX_ORDER",
    "MAX_TABLE",
    "MAX_TERMS",
]

EXPLICIT_DIMENSION = 16
"""Up to so many coordinates (or components) are written out one by one; longer axes stay one indexed expression."""

EXPANDED_BLOCK = 256
"""Longest indexed axis that is written out when an expression cannot keep the index."""

MAX_TERMS = 15_000
"""Products that the product rule may generate for one text."""

MAX_ORDER = 100
"""Highest order of a derivative, and highest power of an operator."""

MAX_DISTRIBUTED = 256
"""Largest number of terms that multiplying out a product of sums may give."""

MAX_IMPORTED_DEPTH = 96
"""Height of a sympy expression that is read."""

MAX_IMPORTED_NODES = 20_000
"""Nodes of a sympy expression that is read."""

MAX_DETERMINANT = 6
"""Largest determinant that is expanded."""

MAX_NUMBER_BITS = 20_000
"""Longest exact number, in bits."""

MAX_TABLE = 1_000_000
"""Multiplications in one exact product of numeric vectors or matrices."""
