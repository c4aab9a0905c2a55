"""A free label of a head replaced by another index."""

from __future__ import annotations

from dataclasses import replace

from opcompiler.ir.head import (
    Components,
    ContractionValue,
    CoordinateValue,
    FunctionValue,
    Head,
    HeadIndex,
    HeadSumOver,
    Kronecker,
    ParameterValue,
    operands,
    with_operands,
)

__all__ = ["reindexed"]


def reindexed(head: Head, label: str, index: HeadIndex) -> Head:
    """Return the head with a free label replaced by a number or another label, which no sum inside may bind."""

    def renamed(indices: tuple[HeadIndex, ...]) -> tuple[HeadIndex, ...]:
        return tuple(index if i == label else i for i in indices)

    if isinstance(head, HeadSumOver):
        if head.label == label:
            return head
        if head.label == index:
            raise AssertionError(f"substitution would capture the label {index}")
    head = with_operands(head, tuple(reindexed(item, label, index) for item in operands(head)))
    match head:
        case ParameterValue(_, indices) | ContractionValue(_, indices):
            return replace(head, indices=renamed(indices))
        case CoordinateValue(_, own):
            return replace(head, index=renamed((own,))[0])
        case FunctionValue(_, _, derivatives, indices):
            directions = tuple((number, renamed((own,))[0]) for number, own in derivatives)
            return replace(head, derivatives=directions, indices=renamed(indices))
        case Kronecker(left, right):
            return Kronecker(*renamed((left, right)))
        case Components(own, entries) if own == label:
            return entries[index] if isinstance(index, int) else Components(index, entries)
        case _:
            return head
