"""From tensors to outputs: axes that one contraction covers stay indexed, all others are written out.

A linear constant-coefficient row needs no list of components where the entries along an axis are

* one operator applied to component 0, 1, … of a field: v_t − νΔv is one contraction of the whole field;
* one operator times ∂_0, ∂_1, … over a whole space: ∇Δu is one contraction with a free derivative index.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from opcompiler.ir.head import Components, Head, Output
from opcompiler.ir.symbol import Xi
from opcompiler.symbolic.heads import Collector
from opcompiler.symbolic.linear import Complex, FieldEntry, JetMonomial, LinearRow
from opcompiler.symbolic.tensors import Tensor, TensorAlgebra, axis_size

__all__ = ["output_of"]

_AXIS_NAMES = "ijlmnpqr"
"""Labels of the axes of an output; sums inside are labelled k1, k2, …"""


def output_of(tensor: Tensor, shape: tuple[int, ...], tensors: TensorAlgebra, collector: Collector) -> Output:
    """Return the output with this value.

    Args:
        tensor: the value.
        shape: its tensor shape as the language gave it; a space of tuple shape is one axis of the tensor.
        tensors: algebra that the tensor belongs to.
        collector: takes the contractions.

    Raises:
        UnsupportedError: an axis runs over a large space and more, so that no one index describes it.
    """
    for number, axis in enumerate(tensor.axes):
        if len(axis) > 1 and any(slot.label for slot in axis):
            tensor = tensors.written_out(tensor, number)
    names = [_AXIS_NAMES[n] if n < len(_AXIS_NAMES) else f"axis{n}" for n in range(len(tensor.axes))]
    blocks = [axis[0].label for axis in tensor.axes if axis and axis[0].label is not None]
    tensor = tensors.relabel(
        tensor, {axis[0].label: name for axis, name in zip(tensor.axes, names, strict=True) if axis[0].label in blocks}
    )
    labels = tuple((name, axis_size(axis)) for name, axis in zip(names, tensor.axes, strict=True))
    if prod(shape) != prod(size for _, size in labels):
        raise AssertionError(f"an output of shape {shape} has the axes {labels}")
    if not labels:
        return Output(collector.output(tensor.scalar))
    rows = _linear_rows(tensor, collector)
    if rows is None:
        return Output(_written(tensor.entries, names, collector.head), labels, shape)
    for number, (name, _) in enumerate(labels):
        if tensor.axes[number][0].label is None:
            rows = _merged(rows, number, name, collector)
    return Output(_written(rows, names, collector.row_head), labels, shape)


def _linear_rows(tensor: Tensor, collector: Collector) -> np.ndarray | None:
    """Return one linear row per entry, or None when an entry is something else."""
    rows = np.empty(tensor.entries.size, dtype=object)
    for number, e in enumerate(tensor.entries.ravel()):
        rows[number] = collector.linear_row(e)
        if rows[number] is None:
            return None
    return rows.reshape(tensor.entries.shape)


def _merged(rows: np.ndarray, axis: int, label: str, collector: Collector) -> np.ndarray:
    """Return the rows with one axis turned into a label, or unchanged when its entries differ in another way."""
    lines = np.moveaxis(rows, axis, 0)
    flat = lines.reshape(lines.shape[0], -1)
    merged = np.empty(flat.shape[1], dtype=object)
    for column in range(flat.shape[1]):
        line = list(flat[:, column])
        merged[column] = _whole_field(line, label, collector) or _whole_space(line, label, collector)
        if merged[column] is None:
            return rows
    return np.moveaxis(merged.reshape(1, *lines.shape[1:]), 0, axis)


def _whole_field(line: list[LinearRow], label: str, collector: Collector) -> LinearRow | None:
    """Return the row of the whole field when row n is one operator on component n."""
    first = line[0]
    if collector.declarations.field(first.entry.field).shape != (len(line),):
        return None
    for number, row in enumerate(line):
        if row != LinearRow(FieldEntry(first.entry.field, (number,), first.entry.free), first.terms):
            return None
    return LinearRow(FieldEntry(first.entry.field, (label,), first.entry.free), first.terms)


def _whole_space(line: list[LinearRow], label: str, collector: Collector) -> LinearRow | None:
    """Return the row with a free derivative index when row n is one operator times ∂_n over a whole space."""
    for space in collector.declarations.spaces:
        if space.shape == () or space.dim != len(line):
            continue
        divided = [_divided(row, Xi(space.name, number)) for number, row in enumerate(line)]
        first = divided[0]
        if first is not None and all(row == first for row in divided):
            entry = first.entry
            free = tuple(sorted((*entry.free, (space.name, label, 1))))
            return LinearRow(FieldEntry(entry.field, entry.component, free), first.terms)
    return None


def _divided(row: LinearRow, generator: Xi) -> LinearRow | None:
    terms: dict[JetMonomial, Complex] = {}
    for m, c in row.terms.items():
        powers = dict(m)
        if generator not in powers:
            return None
        powers[generator] -= 1
        terms[tuple((g, p) for g, p in powers.items() if p)] = c
    return LinearRow(row.entry, terms)


def _written(entries: np.ndarray, names: list[str], head: Callable[..., Head]) -> Head:
    """Return the head of the entries, nested along the axes that are longer than one slot or written out."""
    if not names:
        return head(entries.item())
    parts = [_written(_part(entries, n), names[1:], head) for n in range(entries.shape[0])]
    return parts[0] if entries.shape[0] == 1 else Components(names[0], tuple(parts))


def _part(entries: np.ndarray, number: int) -> np.ndarray:
    return entries[number : number + 1].reshape(entries.shape[1:])
