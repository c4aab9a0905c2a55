"""Every strategy that was weighed, with its price and the reason why it is used or not."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from opcompiler.ir.strategy import Alternative
from opcompiler.report.story import Block, Lines, Prose, Table

__all__ = ["alternatives_table", "directions_text"]


_LEGEND = Lines((Prose("κ: how many times the sums of a strategy can amplify rounding errors, with bounds"),))


def alternatives_table(alternatives: Sequence[Alternative]) -> tuple[Block, ...]:
    """Return one row per strategy, the chosen one first; columns that no strategy fills are left out."""
    if not alternatives:
        return ()
    columns = [
        ("strategy", [Prose(f"{a.strategy} (chosen)" if a.chosen else a.strategy) for a in alternatives]),
        ("coefficients", [_count(a.coefficients) for a in alternatives]),
        ("flops", [_count(None if a.cost is None else a.cost.total) for a in alternatives]),
        ("κ", [Prose(_amplification(a.amplification)) for a in alternatives]),
        ("reason", [Prose(a.reason + directions_text(a)) for a in alternatives]),
    ]
    kept = [
        (head, cells)
        for head, cells in columns
        if head in {"strategy", ""} or any(c.text not in {"", "–"} for c in cells)
    ]
    numbers = tuple(n for n, (head, _) in enumerate(kept) if head in {"coefficients", "flops", "κ"})
    rows = tuple(tuple(cells[n] for _, cells in kept) for n in range(len(alternatives)))
    chosen = tuple(n for n, alternative in enumerate(alternatives) if alternative.chosen)
    table = Table(tuple(head for head, _ in kept), rows, numbers, chosen)
    return (table, _LEGEND) if any(head == "κ" for head, _ in kept) else (table,)


def directions_text(alternative: Alternative) -> str:
    """Return what is known of the number of directions, in brackets; nothing where there are none."""
    count, bound = alternative.directions, alternative.lower_bound
    if not count or not bound:
        return ""
    noun = "direction" if count == 1 else "directions"
    match alternative.status:
        case "proved":
            return f" ({count:,} {noun}, no set has fewer)"
        case "bracketed":
            return f" ({count:,} {noun}, at least {bound:,} needed)"
        case "unknown":
            return f" ({count:,} {noun})"


def _count(number: int | None) -> Prose:
    return Prose("–" if number is None else f"{number:,}")


def _amplification(bounds: tuple[Fraction, Fraction] | None) -> str:
    if bounds is None:
        return ""
    low, high = (f"{float(bound):.3g}" for bound in bounds)
    return low if low == high else f"{low}…{high}"
