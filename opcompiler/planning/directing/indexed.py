"""Indexed terms Σ_ij v_i w_j ∂_i ∂_j u, with the indices of large spaces, as derivatives along v and w."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from opcompiler.ir.directing import COORDINATE, DIRECTION
from opcompiler.ir.head import Head, HeadIndex, free_labels
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.reindexing import reindexed
from opcompiler.ir.symbol import Symbol
from opcompiler.planning.directing.directions import Directions
from opcompiler.planning.directing.terms import Term, product_head

__all__ = ["Along", "Key", "along_directions", "row_of"]

Key: TypeAlias = tuple[tuple[Head, ...], str, tuple[int, ...] | None, tuple[HeadIndex, ...]]
"""Cofactors, field, component, component indices: what terms of one linear form have in common."""


@dataclass(frozen=True, slots=True)
class Along:
    """A term by directions: its symbol in directed coordinates, and the factors that are left.

    Attributes:
        symbol: of the derivative.
        key: of the linear form that the term belongs to.
        number: rational factor.
        factors: heads without fields.
    """

    symbol: Symbol
    key: Key
    number: Fraction
    factors: tuple[Head, ...]


def along_directions(term: Term, contractions: Sequence[Contraction], directions: Directions) -> Along | None:
    """Return an indexed term by directions, None where its indices are contracted in another way.

    Args:
        term: whose factors are v_i and w_j, or v_ik and v_jk with a sum over k, in any order.
        contractions: of the normal form.
        directions: to which v and w are added.
    """
    if term.value is None:
        return None
    contraction = contractions[term.value.number]
    count = len(contraction.free)
    if not count or any(index.power != 1 for index in contraction.free):
        return None
    components, indices = term.value.indices[:-count], term.value.indices[-count:]
    sizes = dict(term.labels)
    if len(set(indices)) != count or not set(indices) <= set(sizes) or set(sizes) & set(components):
        return None
    if any(free_labels(cofactor) & set(sizes) for cofactor in term.cofactors):
        return None
    outer = set(sizes) - set(indices)
    rows: dict[HeadIndex, list[Head]] = {index: [] for index in indices}
    plain: list[Head] = []
    for factor in term.factors:
        labels = free_labels(factor)
        own = [index for index in indices if index in labels]
        if not labels:
            plain.append(factor)
        elif len(own) == 1 and labels <= {own[0]} | outer:
            rows[own[0]].append(factor)
        else:
            return None
    found = [
        (index.space, row)
        for index, label in zip(contraction.free, indices, strict=True)
        if (row := row_of(rows[label], str(label), outer)) is not None
    ]
    symbol = _symbol(found, outer, sizes, directions) if len(found) == count else None
    if symbol is None:
        return None
    key = (term.cofactors, contraction.field, contraction.component, components)
    return Along(contraction.symbol * symbol, key, term.number, tuple(plain))


def row_of(factors: Sequence[Head], label: str, outer: set[str]) -> Head | None:
    """Return the entries of a direction along `COORDINATE`, of many directions along `DIRECTION` as well.

    Args:
        factors: of an entry; None is returned without any.
        label: of the coordinate.
        outer: empty, or the label of the direction.
    """
    if not factors:
        return None
    row = reindexed(product_head(Fraction(1), sorted(factors, key=repr)), label, COORDINATE)
    for name in outer:
        row = reindexed(row, name, DIRECTION)
    return row


def _symbol(
    rows: list[tuple[str, Head]], outer: set[str], sizes: Mapping[str, int], directions: Directions
) -> Symbol | None:
    """Return Π η over the rows; over a long index k, which both rows have, Σ_k η_k² of equal rows."""
    if not outer:
        symbol = Symbol.one()
        for row in rows:
            symbol = symbol * Symbol.generator(directions.coordinate((row,)))
        return symbol
    if len(outer) > 1 or len(rows) != 2 or rows[0] != rows[1] or DIRECTION not in free_labels(rows[0][1]):
        return None
    (label,) = outer
    return Symbol.generator(directions.whole(*rows[0], sizes[label]))
