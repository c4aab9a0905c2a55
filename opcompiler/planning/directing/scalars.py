"""The scalars that contractions use, numbered anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.head import Head
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.symbol import Symbol

__all__ = ["with_used_scalars"]


def with_used_scalars(
    contractions: Sequence[Contraction], scalars: Sequence[Head]
) -> tuple[tuple[Contraction, ...], tuple[Head, ...]]:
    """Return the contractions with the scalars that they use, numbered anew."""
    used = {
        number
        for contraction in contractions
        for _, coefficient in contraction.symbol.terms
        for powers, _ in coefficient.terms
        for number, _ in powers
    }
    new = {number: place for place, number in enumerate(sorted(used))}

    def renumbered(coefficient: Coefficient) -> Coefficient:
        return Coefficient.from_terms(
            {tuple((new[n], power) for n, power in powers): value for powers, value in coefficient.terms}
        )

    changed = tuple(
        replace(c, symbol=Symbol.from_terms({m: renumbered(value) for m, value in c.symbol.terms}))
        for c in contractions
    )
    return changed, tuple(scalars[number] for number in sorted(used))
