"""Sums over many directions, some directions at a time: Δ = Σ_i ∂_i² in blocks of coordinates.

A family whose elements are only ever squared under a sum can be taken in pieces. Where φ acts on f the sum s is
φ'·s_f + φ''/2·Σ_i T f_i², affine in the f_i²: so the blocks' contributions add up, as long as whatever does not belong
to the family (the primal, seeds of s, other elements) is counted in one block only. The primal is evaluated in each.
"""

from __future__ import annotations

from dataclasses import replace

from opcompiler.ir.algebra import Algebra, Axis, AxisSeed, Seed, Term
from opcompiler.ir.plan import Propagation, Readout, ReadoutPart
from opcompiler.ir.schedule import Blocks
from opcompiler.ir.space import CoordinateRange

__all__ = ["MOST_BLOCKS", "block_axis", "in_blocks"]

MOST_BLOCKS = 64
"""Blocks of one call: each is compiled on its own, so that its seeds stay symbolic."""


def block_axis(propagation: Propagation) -> int | None:
    """Return the axis with the most directions that can be taken in blocks, or None."""
    axes = enumerate(propagation.algebra.axes)
    fitting = [(axis.size, -n) for n, axis in axes if axis.size > 1 and _is_summed(propagation, n)]
    if not fitting or propagation.gradients or propagation.compressions:
        return None
    return -max(fitting)[1]


def in_blocks(propagation: Propagation, blocks: Blocks | None) -> tuple[Propagation, ...]:
    """Return propagations whose readouts add up to those of `propagation`, each with few directions of the axis."""
    if blocks is None:
        return (propagation,)
    size = propagation.algebra.axes[blocks.axis].size
    starts = range(0, size, blocks.size)
    return tuple(_block(propagation, blocks.axis, start, min(start + blocks.size, size)) for start in starts)


def _is_summed(propagation: Propagation, axis: int) -> bool:
    """Whether the elements of an axis are only squared and summed, and the sums are no factors."""
    algebra = propagation.algebra
    family = {n for n, element in enumerate(algebra.elements) if element.axis == axis}
    sums = {term.out for term in algebra.table if {term.left, term.right} & family}
    if any(algebra.elements[n].axis is not None for n in sums):
        return False
    for term in algebra.table:
        factors = {term.left, term.right}
        if term.out in family or factors & sums or (factors & family and not factors <= family):
            return False
    return all(isinstance(seed, AxisSeed) for seed in propagation.seeds if seed.element in family)


def _block(propagation: Propagation, axis: int, start: int, stop: int) -> Propagation:
    algebra = propagation.algebra
    family = {n for n, element in enumerate(algebra.elements) if element.axis == axis}
    axes = tuple(_cut_axis(own, start, stop) if n == axis else own for n, own in enumerate(algebra.axes))
    table = tuple(_cut_term(term, family, start, stop) for term in algebra.table)
    seeds: tuple[Seed, ...] = tuple(seed for seed in propagation.seeds if start == 0 or seed.element in family)
    readouts = tuple(_cut_readout(readout, family, start, stop) for readout in propagation.readouts)
    return replace(propagation, algebra=Algebra(algebra.elements, axes, table), seeds=seeds, readouts=readouts)


def _cut_axis(axis: Axis, start: int, stop: int) -> Axis:
    if axis.matrix is not None:
        return replace(axis, matrix=axis.matrix[start:stop])
    ranges: list[CoordinateRange] = []
    first = 0
    for part in axis.ranges:
        low, high = max(start, first), min(stop, first + part.size)
        if low < high:
            ranges.append(CoordinateRange(part.space, part.start + low - first, part.start + high - first))
        first += part.size
    return replace(axis, ranges=tuple(ranges))


def _cut_term(term: Term, family: set[int], start: int, stop: int) -> Term:
    if term.weights is None or term.left not in family:
        return term
    return replace(term, weights=term.weights[start:stop])


def _cut_readout(readout: Readout, family: set[int], start: int, stop: int) -> Readout:
    parts: list[ReadoutPart] = []
    for part in readout.parts:
        if part.element not in family:
            if part.element or start == 0:
                parts.append(part)
            continue
        weights = None if part.weights is None else part.weights[start:stop]
        if part.positions is None or part.weights is not None:
            parts.append(replace(part, weights=weights))
            continue
        runs = tuple(
            (low - start, position + low - first, high - low)
            for first, position, length in part.positions
            if (low := max(first, start)) < (high := min(first + length, stop))
        )
        if runs:
            parts.append(replace(part, positions=runs))
    return replace(readout, parts=tuple(parts))
