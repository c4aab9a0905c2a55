"""The cheapest set of values that separates one value from others (Ford & Fulkerson 1956; Menger 1927)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

__all__ = ["minimum_cut"]

_Node: TypeAlias = tuple[int, bool]
"""A value, entered (False) or left (True)."""

_END: _Node = (-1, False)


def minimum_cut(
    source: int, sizes: Mapping[int, int], feeds: Iterable[tuple[int, int]], ends: Iterable[int]
) -> tuple[tuple[int, ...], int]:
    """Return values through which every way from `source` to `ends` leads, of least total size, and that size.

    Of several such sets the one next to the source is taken. The source and the ends may be among them.

    Args:
        source: where the ways begin.
        sizes: of all values.
        feeds: (operand, result).
        ends: where they end.
    """
    capacity: dict[_Node, dict[_Node, int]] = {_END: {}}
    unlimited = 1 + sum(sizes.values())

    def connect(start: _Node, stop: _Node, limit: int) -> None:
        capacity.setdefault(start, {})[stop] = limit
        capacity.setdefault(stop, {}).setdefault(start, 0)

    for number, size in sizes.items():
        connect((number, False), (number, True), size)
    for operand, result in feeds:
        connect((operand, True), (result, False), unlimited)
    for number in ends:
        connect((number, True), _END, unlimited)
    total = 0
    while True:
        before = _reached(capacity, (source, False))
        if _END not in before:
            break
        way = _way(before)
        flow = min(capacity[start][stop] for start, stop in way)
        for start, stop in way:
            capacity[start][stop] -= flow
            capacity[stop][start] += flow
        total += flow
    cut = tuple(number for number in sizes if (number, False) in before and (number, True) not in before)
    return cut, total


def _reached(capacity: Mapping[_Node, Mapping[_Node, int]], start: _Node) -> dict[_Node, _Node | None]:
    """Return where one gets from the start, with the step before; breadth first."""
    before: dict[_Node, _Node | None] = {start: None}
    waiting = deque([start])
    while waiting and _END not in before:
        node = waiting.popleft()
        for neighbour, limit in capacity[node].items():
            if limit > 0 and neighbour not in before:
                before[neighbour] = node
                waiting.append(neighbour)
    return before


def _way(before: Mapping[_Node, _Node | None]) -> Sequence[tuple[_Node, _Node]]:
    way: list[tuple[_Node, _Node]] = []
    node = _END
    while (previous := before[node]) is not None:
        way.append((previous, node))
        node = previous
    return way
