"""Vectors and matrices of scalar expressions, with axes written out, indexed, or both.

An axis is a sequence of slots. A slot of size 1 without a label is one entry; a slot with a label is a block of
entries that one expression describes for all values of the label. So ∇u in {"x": 10⁶, "y": None} has one axis with
two slots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import sympy

from opcompiler.errors import UnsupportedError
from opcompiler.ir.head import HeadIndex
from opcompiler.symbolic.atoms import Scalar
from opcompiler.symbolic.calculus import Calculus
from opcompiler.symbolic.limits import EXPANDED_BLOCK, EXPLICIT_DIMENSION

__all__ = ["Axis", "Slot", "Tensor", "TensorAlgebra", "axis_size"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One entry (label None, size 1), or a block of entries with one index."""

    size: int = 1
    label: str | None = None


Axis: TypeAlias = tuple[Slot, ...]


def axis_size(axis: Axis) -> int:
    """Return the number of entries along an axis."""
    return sum(slot.size for slot in axis)


@dataclass(frozen=True, eq=False, slots=True)
class Tensor:
    """An object array of scalar expressions with one array axis, as long as there are slots, per tensor axis."""

    entries: np.ndarray
    axes: tuple[Axis, ...] = ()

    @property
    def scalar(self) -> Scalar:
        """The only entry."""
        return self.entries.item()


class TensorAlgebra:
    """Entrywise maps and contractions."""

    def __init__(self, calculus: Calculus) -> None:
        """Work with this calculus."""
        self.calculus = calculus

    def scalar(self, value: Scalar) -> Tensor:
        """Return a scalar as a tensor."""
        return Tensor(self.array([value], ()))

    @staticmethod
    def array(values: list[Scalar], shape: tuple[int, ...]) -> np.ndarray:
        """Return an object array of expressions."""
        result = np.empty(len(values), dtype=object)
        result[:] = values
        return result.reshape(shape)

    def axis(self, size: int) -> tuple[Axis, list[HeadIndex]]:
        """Return a new axis of this size with the index of each slot."""
        if size <= EXPLICIT_DIMENSION:
            return (Slot(),) * size, list(range(size))
        label = self.calculus.atoms.fresh_label()
        return (Slot(size, label),), [label]

    def indexed(self, shape: tuple[int, ...], entry: Callable[[tuple[HeadIndex, ...]], Scalar]) -> Tensor:
        """Return the tensor with entry(indices) for numbers and labels along new axes."""
        axes, indices = zip(*(self.axis(size) for size in shape), strict=True) if shape else ((), ())
        counts = tuple(len(i) for i in indices)
        values = [entry(tuple(i[n] for i, n in zip(indices, where, strict=True))) for where in np.ndindex(*counts)]
        return Tensor(self.array(values, counts), tuple(axes))

    def map(self, function: Callable[[Scalar], Scalar], tensor: Tensor) -> Tensor:
        """Return the tensor with a function applied to every entry."""
        return Tensor(self.array([function(e) for e in tensor.entries.ravel()], tensor.entries.shape), tensor.axes)

    # --- labels ---------------------------------------------------------------------------------------------

    def relabel(self, tensor: Tensor, mapping: dict[str, str]) -> Tensor:
        """Return the tensor with other labels."""
        if not mapping:
            return tensor
        whole: dict[str, HeadIndex] = dict(mapping)
        axes = tuple(
            tuple(Slot(s.size, mapping.get(s.label, s.label) if s.label else None) for s in axis)
            for axis in tensor.axes
        )
        renamed = self.map(lambda e: self.calculus.reindex(e, whole), tensor)
        return Tensor(renamed.entries, axes)

    def at(self, tensor: Tensor, label: str, number: int) -> Tensor:
        """Return the tensor with a label replaced by a number."""
        return self.map(lambda e: self.calculus.reindex(e, {label: number}), tensor)

    def fresh(self, tensor: Tensor) -> Tensor:
        """Return the tensor with labels of its own."""
        labels = [slot.label for axis in tensor.axes for slot in axis if slot.label]
        return self.relabel(tensor, {label: self.calculus.atoms.fresh_label() for label in labels})

    def written_out(self, tensor: Tensor, number: int) -> Tensor:
        """Return the tensor with one axis written out entry by entry.

        Raises:
            UnsupportedError: the axis is too long.
        """
        axis = tensor.axes[number]
        if all(slot.label is None for slot in axis):
            return tensor
        if axis_size(axis) > EXPANDED_BLOCK:
            raise UnsupportedError(
                f"this needs an axis of {axis_size(axis)} entries written out; the limit is {EXPANDED_BLOCK}",
                hint="write the operator space by space, for example ∇_x u, Δ_x u or a sum over an index",
            )
        slices = []
        for place, slot in enumerate(axis):
            part = tensor.entries.take(place, axis=number)
            if slot.label is None:
                slices.append(part)
                continue
            piece = Tensor(np.asarray(part, dtype=object))
            slices += [self.at(piece, slot.label, n).entries for n in range(slot.size)]
        shape = tuple(n for place, n in enumerate(tensor.entries.shape) if place != number)
        flat = [e for part in slices for e in np.asarray(part, dtype=object).ravel()]
        stacked = np.moveaxis(self.array(flat, (len(slices), *shape)), 0, number)
        return Tensor(stacked, (*tensor.axes[:number], (Slot(),) * len(slices), *tensor.axes[number + 1 :]))

    def match(self, left: Tensor, left_axis: int, right: Tensor, right_axis: int) -> tuple[Tensor, Tensor]:
        """Return both tensors with slots and labels of the two axes made equal; right has labels of its own."""
        one, two = left.axes[left_axis], right.axes[right_axis]
        if axis_size(one) != axis_size(two):
            raise UnsupportedError(f"axes of {axis_size(one)} and {axis_size(two)} entries do not fit together")
        if [(s.size, s.label is None) for s in one] != [(s.size, s.label is None) for s in two]:
            return self.written_out(left, left_axis), self.written_out(right, right_axis)
        mapping = {s.label: t.label for s, t in zip(two, one, strict=True) if s.label and t.label and s != t}
        return left, self.relabel(right, mapping)

    # --- sums -----------------------------------------------------------------------------------------------

    def add(self, terms: list[Tensor]) -> Tensor:
        """Return the sum of tensors of one shape."""
        first, aligned = terms[0], []
        for term in terms:
            # A + Aᵀ: the terms may carry each other's labels.
            other = term if term.axes == first.axes else self.fresh(term)
            for number in range(len(first.axes)):
                first, other = self.match(first, number, other, number)
            aligned.append(other)
        if any(term.axes != first.axes for term in aligned):
            return self.add([first, *aligned[1:]])
        columns = zip(*(term.entries.ravel() for term in aligned), strict=True)
        return Tensor(self.array([sympy.Add(*column) for column in columns], first.entries.shape), first.axes)

    def dot(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the contraction of the last axis of left with the first axis of right."""
        left, right = self.match(left, len(left.axes) - 1, self.fresh(right), 0)
        axis = right.axes[0]
        outer, inner = left.entries.shape[:-1], right.entries.shape[1:]
        values = [
            self.sum_over(axis, lambda k, at=(a, b): left.entries[(*at[0], k)] * right.entries[(k, *at[1])])
            for a in np.ndindex(*outer)
            for b in np.ndindex(*inner)
        ]
        return Tensor(self.array(values, (*outer, *inner)), (*left.axes[:-1], *right.axes[1:]))

    def outer(self, left: Tensor, right: Tensor) -> Tensor:
        """Return all products of an entry of left with an entry of right."""
        right = self.fresh(right)
        values = [a * b for a in left.entries.ravel() for b in right.entries.ravel()]
        return Tensor(self.array(values, (*left.entries.shape, *right.entries.shape)), (*left.axes, *right.axes))

    def double_dot(self, left: Tensor, right: Tensor) -> Tensor:
        """Return Σ over all axes of the products of entries."""
        right = self.fresh(right)
        for number in range(len(left.axes)):
            left, right = self.match(left, number, right, number)
        products = self.array(
            [a * b for a, b in zip(left.entries.ravel(), right.entries.ravel(), strict=True)], left.entries.shape
        )
        return self.sum_all(Tensor(products, left.axes))

    def trace(self, tensor: Tensor) -> Tensor:
        """Return the contraction of the two axes of a square matrix."""
        tensor, other = self.match(tensor, 0, tensor, 1)
        if other.axes[1] != tensor.axes[0]:
            raise UnsupportedError("the axes of this matrix do not fit together")
        if tensor.axes[0] != other.axes[0]:
            tensor = self.written_out(other, 0)
            other = tensor
        return self.scalar(self.sum_over(other.axes[1], lambda k: other.entries[k, k]))

    def sum_all(self, tensor: Tensor) -> Tensor:
        """Return the sum of all entries."""
        while tensor.axes:
            leading = tensor.entries.shape[:-1]
            values = [self._line_sum(tensor.axes[-1], tensor.entries[where]) for where in np.ndindex(*leading)]
            tensor = Tensor(self.array(values, leading), tensor.axes[:-1])
        return tensor

    def _line_sum(self, axis: Axis, line: np.ndarray) -> Scalar:
        return self.sum_over(axis, lambda k: line[k])

    def sum_over(self, axis: Axis, entry: Callable[[int], Scalar]) -> Scalar:
        """Return the sum of entry(slot number) along an axis, blocks summed over their label."""
        return sympy.Add(
            *(
                entry(place) if slot.label is None else self.calculus.total(entry(place), slot.label, slot.size)
                for place, slot in enumerate(axis)
            )
        )
