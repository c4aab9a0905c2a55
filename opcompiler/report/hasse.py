"""The Hasse diagram of an algebra: which elements the product rule of an element needs, as a drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from opcompiler.ir.algebra import Algebra
from opcompiler.report.svg import element, picture, text, text_width, title
from opcompiler.report.symbols import subscript

__all__ = ["HASSE_CAPTION", "Node", "covers", "hasse_svg", "nodes_of"]

HASSE_CAPTION = "Elements by order; each stands above those that its product rule needs. A stack is a family."

_MOST_NODES = 60
"""Elements that are drawn singly; of more, those of one order are drawn as one."""
_LONGEST_LABEL = 26
_MOST_LABELS = 7
"""Nodes beside each other that have room for their labels."""

_GAP, _ROW, _HEIGHT, _MARGIN = 18.0, 92.0, 44.0, 130.0


@dataclass(frozen=True, slots=True)
class Node:
    """One box: an element, a family, or all elements of one order.

    Attributes:
        members: numbers of the elements.
        degree: their order.
        name: written large.
        label: written below it.
        size: coefficients.
    """

    members: tuple[int, ...]
    degree: int
    name: str
    label: str
    size: int


def nodes_of(algebra: Algebra) -> tuple[Node, ...]:
    """Return the boxes of the diagram of an algebra."""
    if len(algebra.elements) <= _MOST_NODES:
        return tuple(
            Node((number,), e.degree, f"w{subscript(number)}", e.label, algebra.size(e))
            for number, e in enumerate(algebra.elements)
        )
    by_degree: dict[int, list[int]] = {}
    for number, e in enumerate(algebra.elements):
        by_degree.setdefault(e.degree, []).append(number)
    return tuple(
        Node(
            tuple(numbers),
            degree,
            f"w{subscript(numbers[0])}" + (f" … w{subscript(numbers[-1])}" if len(numbers) > 1 else ""),
            f"{len(numbers):,} elements" if len(numbers) > 1 else algebra.elements[numbers[0]].label,
            sum(algebra.size(algebra.elements[number]) for number in numbers),
        )
        for degree, numbers in sorted(by_degree.items())
    )


def covers(algebra: Algebra, nodes: Sequence[Node]) -> frozenset[tuple[int, int]]:
    """Return the pairs (a, b) of nodes where b needs a, and needs nothing that needs a.

    b needs a where (f·g)_b contains f_a or g_a; every element needs the unit. The relation is made transitive first.
    """
    owner = {number: place for place, node in enumerate(nodes) for number in node.members}
    below: dict[int, set[int]] = {place: {0} for place in range(1, len(nodes))}
    for term in algebra.table:
        below[owner[term.out]] |= {owner[term.left], owner[term.right]} - {owner[term.out]}
    # Factors have a lower degree than the product, so the sets below them are complete by then.
    for place in sorted(below, key=lambda n: nodes[n].degree):
        below[place] |= {far for near in below[place] for far in below.get(near, ())}
    return frozenset(
        (a, b) for b, parts in below.items() for a in parts if not any(a in below.get(other, ()) for other in parts)
    )


def hasse_svg(algebra: Algebra) -> str:
    """Return the diagram as SVG, the unit at the bottom."""
    nodes = nodes_of(algebra)
    chains, rows = _ordered(nodes, sorted(covers(algebra, nodes)))
    beside = [sum(place < len(nodes) for place in row) for row in rows]
    widths = {
        p: _width(nodes[p], n) if p < len(nodes) else _GAP for row, n in zip(rows, beside, strict=True) for p in row
    }
    inner = max(sum(widths[place] for place in row) + _GAP * (len(row) - 1) for row in rows)
    positions: dict[int, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        x = _MARGIN + (inner - sum(widths[p] for p in row) - _GAP * (len(row) - 1)) / 2
        for place in row:
            positions[place] = (x + widths[place] / 2, 16 + (len(rows) - 1 - level) * _ROW)
            x += widths[place] + _GAP
    highest = max(node.degree for node in nodes)
    return picture(
        inner + _MARGIN + 20,
        len(rows) * _ROW,
        "Hasse diagram of the algebra",
        *(_link([positions[place] for place in chain]) for chain in chains),
        *(_row_name([nodes[p] for p in row if p < len(nodes)], positions[row[0]][1]) for row in rows),
        *(_box(node, positions[n], widths[n], node.degree == highest) for n, node in enumerate(nodes)),
    )


def _ordered(nodes: Sequence[Node], links: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    """Return the links as chains from row to row, and the rows from the unit upwards.

    Numbers beyond the nodes are places where a long link passes a row. Every place is near the middle of its
    neighbours.
    """
    degrees = sorted({node.degree for node in nodes})
    level = {n: degrees.index(node.degree) for n, node in enumerate(nodes)}
    chains: list[list[int]] = []
    for a, b in links:
        passed = range(len(level), len(level) + level[b] - level[a] - 1)
        level.update({place: level[a] + step for step, place in enumerate(passed, 1)})
        chains.append([a, *passed, b])
    rows = [[n for n, own in level.items() if own == number] for number in range(len(degrees))]
    place = {n: position - len(row) / 2 for row in rows for position, n in enumerate(row)}
    neighbours: dict[int, list[int]] = {n: [] for n in level}
    for chain in chains:
        for a, b in pairwise(chain):
            neighbours[a].append(b)
            neighbours[b].append(a)
    for row in [*rows, *reversed(rows), *rows]:
        row.sort(key=lambda n: (_middle(neighbours[n], place, place[n]), n))
        place.update({n: position - len(row) / 2 for position, n in enumerate(row)})
    return chains, rows


def _middle(neighbours: Sequence[int], place: Mapping[int, float], own: float) -> float:
    return sum(place[n] for n in neighbours) / len(neighbours) if neighbours else own


def _shown(node: Node) -> str:
    return node.label if len(node.label) <= _LONGEST_LABEL else f"{node.label[: _LONGEST_LABEL - 1]}…"


def _label_width(node: Node) -> float:
    return max(text_width(_shown(node), 12), text_width(_name(node))) + 20


def _width(node: Node, beside: int) -> float:
    return _label_width(node) if beside <= _MOST_LABELS else text_width(_name(node)) + 20


def _name(node: Node) -> str:
    return f"{node.name} × {node.size:,}" if node.size > 1 and len(node.members) == 1 else node.name


def _link(places: Sequence[tuple[float, float]]) -> str:
    """Draw a link from the top of the first box through the gaps between others to the bottom of the last."""
    (x, y), last = places[0], len(places) - 1
    path = f"M{x:.1f} {y:.1f}"
    for number, (x1, y1) in enumerate(places[1:], 1):
        bottom = y1 + _HEIGHT
        bend = (y - bottom) / 2
        path += f"C{x:.1f} {y - bend:.1f} {x1:.1f} {bottom + bend:.1f} {x1:.1f} {bottom:.1f}"
        path += f"V{y1:.1f}" if number < last else ""
        x, y = x1, y1
    return element("path", d=path, class_="link")


def _row_name(row: Sequence[Node], y: float) -> str:
    count = sum(node.size for node in row)
    noun = "coefficient" if count == 1 else "coefficients"
    return text(f"order {row[0].degree}", x=8, y=y + 19, class_="soft") + text(
        f"{count:,} {noun}" if count < 10**6 else f"{count:,}", x=8, y=y + 35, class_="soft"
    )


def _box(node: Node, position: tuple[float, float], width: float, is_top: bool) -> str:
    x, y = position
    box = {"x": x - width / 2, "y": y, "width": width, "height": _HEIGHT, "rx": 8}
    behind = [element("rect", **{**box, "x": box["x"] + 5, "y": y - 5})] if node.size > 1 else []
    if width >= _label_width(node):
        words = [
            text(_name(node), x=x, y=y + 18, class_="name mid"),
            text(_shown(node), x=x, y=y + 35, class_="label mid"),
        ]
    else:
        words = [text(_name(node), x=x, y=y + 27, class_="name mid")]
    kind = "node top" if is_top else "node"
    return element("g", title(f"{node.name} = {node.label}"), *behind, element("rect", **box), *words, class_=kind)
