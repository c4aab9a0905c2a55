"""How large a text may be. Every bound that the language enforces is a constant here and ends in a `LimitError`."""

from __future__ import annotations

__all__ = [
    "MAX_DERIVATIVE_ORDER",
    "MAX_EXPANDED_SUM",
    "MAX_EXPONENT",
    "MAX_NESTING",
    "MAX_NODES",
    "MAX_NUMBER_BITS",
    "MAX_NUMBER_DIGITS",
    "MAX_NUMBER_EXPONENT",
    "MAX_TEXT_LENGTH",
    "MAX_TOKENS",
    "MAX_TREE_DEPTH",
    "MAX_WORD_LENGTH",
]

MAX_TEXT_LENGTH = 20_000
"""Characters of one entry."""

MAX_TOKENS = 8_000
"""Tokens of one entry."""

MAX_WORD_LENGTH = 500
"""Letters and digits in a row."""

MAX_NESTING = 48
"""Brackets, exponents, signs or prefix operators inside one another; keeps every recursion of the package shallow."""

MAX_TREE_DEPTH = 96
"""Height of the resolved expression."""

MAX_NODES = 20_000
"""Nodes of the resolved expression."""

MAX_NUMBER_DIGITS = 400
"""Digits of one number."""

MAX_NUMBER_EXPONENT = 400
"""Size of the power of ten in scientific notation."""

MAX_NUMBER_BITS = 4096
"""Size of a constant power such as 2^1000."""

MAX_EXPONENT = 256
"""Constant exponent of an expression that is not itself constant."""

MAX_DERIVATIVE_ORDER = 64
"""Derivatives nested or counted along one branch of the expression."""

MAX_EXPANDED_SUM = 64
"""Terms of an index sum over coordinates that are declared one by one (other sums are never written out)."""
