"""Readouts entry by entry: which multiples of which elements add up to each number that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.plan import Readout, ReadoutPart
from opcompiler.ir.surd import Number, Surd
from opcompiler.planning.algebra import joined_runs
from opcompiler.planning.listing import Listing
from opcompiler.planning.requests import Run

__all__ = ["Piece", "readouts_of"]


@dataclass(frozen=True, slots=True)
class Piece:
    """coefficient × an element; with `weights` a family, contracted with them over its directions."""

    element: int
    coefficient: Coefficient
    weights: tuple[Number, ...] | None = None


def readouts_of(listing: Listing, pieces: Sequence[Sequence[Piece]]) -> tuple[Readout, ...]:
    """Return one readout per contraction.

    Args:
        listing: what is read out.
        pieces: for each of its entries what adds up to it.
    """
    parts: dict[int, list[ReadoutPart]] = {number: [] for number, _ in listing.shapes}
    for entry, own in zip(listing.entries, pieces, strict=True):
        parts[entry.contraction] += [_part(piece, entry.position) for piece in own if piece.coefficient]
    return tuple(Readout(number, _merged(parts[number]), shape) for number, shape in listing.shapes)


def _part(piece: Piece, position: int | None) -> ReadoutPart:
    """Prefer a single direction, then a plain sum, to a weighted sum."""
    element, coefficient, weights = piece.element, piece.coefficient, piece.weights
    if weights is None:
        return ReadoutPart(element, coefficient, None if position is None else ((0, position, 1),))
    used = [(r, weight) for r, weight in enumerate(weights) if weight]
    direction, only = used[0]
    if len(used) == 1 and not isinstance(only, Surd):
        return ReadoutPart(element, coefficient * only, ((direction, position or 0, 1),))
    first = weights[0]
    if not isinstance(first, Surd) and all(weight == first for weight in weights):
        if position is None:
            return ReadoutPart(element, coefficient * first)
        coefficient, weights = coefficient * first, (Fraction(1),) * len(weights)
    return ReadoutPart(element, coefficient, None if position is None else ((0, position, 1),), weights)


def _merged(parts: Sequence[ReadoutPart]) -> tuple[ReadoutPart, ...]:
    """Join the runs of picked directions with equal factors."""
    runs: dict[tuple[int, Coefficient], list[Run]] = {}
    others: list[ReadoutPart] = []
    for part in parts:
        if part.positions is not None and part.weights is None:
            runs.setdefault((part.element, part.coefficient), []).extend(part.positions)
        else:
            others.append(part)
    picked = [ReadoutPart(element, factor, joined_runs(found)) for (element, factor), found in runs.items()]
    return tuple(sorted([*picked, *others], key=_key))


def _key(part: ReadoutPart) -> tuple[object, ...]:
    return (part.element, part.positions or (), part.coefficient.terms, [float(w) for w in part.weights or ()])
