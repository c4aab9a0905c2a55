"""The steps in which a plan fits a budget of memory: all points at once, or points, or directions, in sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from opcompiler.errors import LimitError
from opcompiler.ir.directing import Directing
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Propagation
from opcompiler.ir.schedule import Blocks, Schedule, bytes_text
from opcompiler.planning.blocks import MOST_BLOCKS, block_axis
from opcompiler.planning.memory import bytes_per_point, bytes_shared, entries_of_directions

__all__ = ["Load", "evenly", "schedule_of"]


@dataclass(frozen=True, slots=True)
class Load:
    """What one call evaluates.

    Attributes:
        propagations: (propagation, network) pairs, one after the other.
        normal_form: for the size of the result.
        itemsize: bytes of a number.
        batch: points.
        gradient: whether the evaluation of each chunk is differentiated in reverse.
        directing: directions given at call.
    """

    propagations: tuple[tuple[Propagation, NetworkProfile], ...]
    normal_form: NormalForm
    itemsize: int
    batch: int
    gradient: bool = False
    directing: Directing | None = None

    @property
    def per_point(self) -> int:
        """Bytes of one point with all directions at once."""
        return max((self._point(p, profile) for p, profile in self.propagations), default=0)

    @property
    def shared(self) -> int:
        """Bytes beside those of the points that are evaluated at once."""
        outputs = sum(prod(output.shape) for output in self.normal_form.outputs)
        parts = [bytes_shared((p,), profile, self.itemsize, self.batch, 0) for p, profile in self.propagations]
        return sum(parts) + self.itemsize * (self.batch * outputs + entries_of_directions(self.directing)[1])

    def in_blocks(self, blocks: Blocks) -> int:
        """Return the bytes of one point with the directions of one axis in blocks."""
        return max(self._point(p, profile, (blocks.axis, blocks.size)) for p, profile in self.propagations)

    def _point(self, propagation: Propagation, profile: NetworkProfile, narrowed: tuple[int, int] | None = None) -> int:
        own = bytes_per_point(propagation, profile, self.itemsize, gradient=self.gradient, narrowed=narrowed)
        return own + self.itemsize * entries_of_directions(self.directing)[0]


def schedule_of(load: Load, budget: int | None = None, chunk: int | None = None) -> Schedule:
    """Return the steps of a call, the largest that fit.

    Args:
        load: what is evaluated.
        budget: bytes allowed, or None.
        chunk: most points at once, or None.

    Raises:
        LimitError: it does not fit with one point, or `chunk` points, and few directions at once.
    """
    batch = max(load.batch, 1)
    most = min(chunk or batch, batch)
    if budget is None:
        return Schedule(batch, evenly(batch, most), None, load.per_point, load.shared, None)
    left = budget - load.shared
    fitting = most if load.per_point * most <= left else left // max(load.per_point, 1)
    if chunk is None and fitting >= 1:
        return Schedule(batch, evenly(batch, fitting), None, load.per_point, load.shared, budget)
    points = evenly(batch, most) if chunk is not None else 1
    if points * load.per_point <= left:
        return Schedule(batch, points, None, load.per_point, load.shared, budget)
    blocks = _blocks(load, left // points)
    if blocks is not None:
        return Schedule(batch, points, blocks, load.in_blocks(blocks), load.shared, budget)
    raise LimitError(_refusal(load, budget, points), hint=_nearest(load, points))


def evenly(batch: int, most: int) -> int:
    """Return the size of the chunks when `batch` points are cut into as few as possible of at most `most`."""
    return -(-batch // -(-batch // most))


def _axes(propagations: Sequence[tuple[Propagation, NetworkProfile]]) -> tuple[int, int] | None:
    """Return (axis, directions) of the axis that can be taken in blocks; one propagation only, to name it."""
    if len(propagations) != 1:
        return None
    (propagation, _) = propagations[0]
    axis = block_axis(propagation)
    return None if axis is None else (axis, propagation.algebra.axes[axis].size)


def _blocks(load: Load, left: int) -> Blocks | None:
    """Return the largest blocks of directions with which one point takes at most `left` bytes."""
    found = _axes(load.propagations)
    if found is None:
        return None
    axis, directions = found
    for count in range(2, min(directions, MOST_BLOCKS) + 1):
        blocks = Blocks(axis, -(-directions // count))
        if load.in_blocks(blocks) <= left:
            return blocks
    return None


def _smallest(load: Load) -> tuple[int, Blocks | None]:
    """Return the least bytes that one point can be evaluated with, and how."""
    found = _axes(load.propagations)
    if found is None:
        return load.per_point, None
    axis, directions = found
    blocks = Blocks(axis, -(-directions // min(directions, MOST_BLOCKS)))
    return load.in_blocks(blocks), blocks


def _refusal(load: Load, budget: int, points: int) -> str:
    least, blocks = _smallest(load)
    at_a_time = "one point at a time" if points == 1 else f"{points:,} points at a time"
    if blocks is not None:
        at_a_time += f" and {blocks.size:,} direction{'s' * (blocks.size > 1)} at a time"
    coefficients = sum(propagation.carried for propagation, _ in load.propagations)
    return (
        f"the budget of {bytes_text(budget)} is too small: {coefficients:,} coefficients take "
        f"{bytes_text(load.per_point)} per point, {bytes_text(load.shared)} are shared by {load.batch:,} points; "
        f"{at_a_time} would still take {bytes_text(points * least + load.shared)}"
    )


def _nearest(load: Load, points: int) -> str:
    least, _ = _smallest(load)
    enough = -(-(points * least + load.shared) // 1000) * 1000
    advice = f'memory="{enough // 1000} kB" is the least that works for this call'
    if points > 1:
        return f"{advice}; or leave chunk= out and let the budget choose it"
    results = load.shared - replace(load, batch=0).shared
    if results > enough // 2 and load.batch > 1:
        return f"{advice}; most of it are results: call the operator on fewer points"
    return advice
