"""Coefficient counts of the strategies that need no search: nested differentiation, all partial derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import comb

from opcompiler.planning.tangents.forms import Form, MultiIndex

__all__ = ["down_set", "griewank"]


def down_set(symbols: Sequence[Sequence[Form]]) -> int:
    """Return the number of divisors of all monomials, 1 included.

    Nested forward differentiation carries exactly these derivatives when every shared one is computed once.
    """
    found: set[MultiIndex] = set()
    for alpha in (alpha for symbol in symbols for form in symbol for alpha in form):
        if alpha not in found:
            found.update(product(*(range(power + 1) for power in alpha)))
    return max(len(found), 1)


def griewank(variables: int, order: int) -> int:
    """Return 1 + k·C(n+k−1, k), the jets from which all partial derivatives of order k are interpolated.

    Griewank, Utke & Walther 2000: one k-jet for each of the C(n+k−1, k) directions with integer entries of sum k.
    """
    return 1 + order * comb(variables + order - 1, order)
