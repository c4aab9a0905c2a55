"""Quadratic forms as sums of squares of linear forms, where the coefficients are polynomials in atoms.

Σ_ij a_ij ξ_i ξ_j with a_ij = Σ_k c_k m_k s_ik s_jk, the s monomials, is Σ_k c_k m_k (Σ_i s_ik ξ_i)². The squares
m·s² on the diagonal are the nodes of a graph, the products 2·m·s·s' beside it the edges; a direction is a connected
component in which all products are there. What does not fit is left over: the identity holds exactly in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from opcompiler.planning.directing.terms import Powers, powers_product
from opcompiler.planning.requests import Coordinate

__all__ = ["Form", "Row", "Square", "squares"]

Pair: TypeAlias = tuple[Coordinate, Coordinate]
Form: TypeAlias = Mapping[Pair, Mapping[Powers, Fraction]]
"""The coefficient polynomial of ξ_a·ξ_b for a ≤ b."""

Row: TypeAlias = tuple[tuple[Coordinate, Fraction, Powers], ...]
"""(coordinate, factor, monomial): the linear form Σ factor·monomial·ξ."""

_Node: TypeAlias = tuple[Coordinate, Powers]
"""(a, monomial of ξ_a² on the diagonal)."""


@dataclass(frozen=True, slots=True)
class Square:
    """factor · common · (Σ row)²."""

    factor: Fraction
    common: Powers
    row: Row

    def terms(self) -> Iterator[tuple[Pair, Powers, Fraction]]:
        """Yield the square multiplied out."""
        for n, (a, p, left) in enumerate(self.row):
            for m, (b, q, right) in enumerate(self.row[n:], n):
                powers = powers_product(self.common, powers_product(left, right))
                yield (a, b), powers, self.factor * p * q * (1 if n == m else 2)


def squares(form: Form) -> tuple[Square, ...]:
    """Return squares of linear forms that are contained in a quadratic form, none if none has two coordinates.

    Taken away from the form they leave no more terms than it has.
    """
    nodes = {(a, powers): value for (a, b), row in form.items() if a == b for powers, value in row.items()}
    edges = _edges(form, nodes)
    found: list[Square] = []
    seen: set[_Node] = set()
    for node in sorted(nodes, key=lambda node: (not _halves(node[1])[1], node)):
        if node not in seen:
            component, factors = _component(node, nodes, edges)
            seen |= set(component)
            if factors is not None:
                found.append(_square(node, component, factors, nodes))
    if all(len(square.row) < 2 for square in found):
        return ()
    return tuple(sorted(found, key=lambda square: square.row))


def _halves(powers: Powers) -> tuple[Powers, Powers]:
    """Return (m, s) with powers = m·s² and m of powers ±1."""
    half = tuple((number, int(power / 2)) for number, power in powers if abs(power) > 1)
    rest = tuple((number, power - 2 * int(power / 2)) for number, power in powers if power % 2)
    return rest, half


def _edges(form: Form, nodes: Mapping[_Node, Fraction]) -> dict[_Node, dict[_Node, Fraction]]:
    """Return half the coefficients of mixed products, by the two squares that they belong to."""
    by_coordinate: dict[Coordinate, list[_Node]] = {}
    for node in nodes:
        by_coordinate.setdefault(node[0], []).append(node)
    edges: dict[_Node, dict[_Node, Fraction]] = {node: {} for node in nodes}
    for (a, b), row in form.items():
        if a == b:
            continue
        pairs: dict[Powers, list[tuple[_Node, _Node]]] = {}
        for left in by_coordinate.get(a, ()):
            for right in by_coordinate.get(b, ()):
                (common, s), (other, t) = _halves(left[1]), _halves(right[1])
                if common == other:
                    pairs.setdefault(powers_product(common, powers_product(s, t)), []).append((left, right))
        for powers, value in row.items():
            for left, right in pairs.get(powers, [])[:1]:
                edges[left][right] = edges[right][left] = value / 2
    return edges


def _component(
    start: _Node, nodes: Mapping[_Node, Fraction], edges: Mapping[_Node, Mapping[_Node, Fraction]]
) -> tuple[list[_Node], dict[_Node, Fraction] | None]:
    """Return the component of a node and the factors of its linear form, None where it is not one square."""
    factors, order = {start: Fraction(1)}, [start]
    for node in order:
        for other, value in edges[node].items():
            if other not in factors:
                factors[other] = value / (nodes[start] * factors[node])
                order.append(other)
    scale = nodes[start]
    fits = bool(_halves(start[1])[1])
    for n, node in enumerate(order):
        # A number on the diagonal may be more than the square: the rest stays behind.
        fits = fits and (nodes[node] == scale * factors[node] ** 2 or not _halves(node[1])[1])
        for other in order[:n]:
            fits = fits and edges[node].get(other) == scale * factors[node] * factors[other]
    return order, factors if fits else None


def _square(
    start: _Node, component: list[_Node], factors: Mapping[_Node, Fraction], nodes: Mapping[_Node, Fraction]
) -> Square:
    """Return the square, its linear form scaled so that the first coordinate has the factor 1."""
    ordered = sorted(component)
    lead = factors[ordered[0]]
    row = tuple((node[0], factors[node] / lead, _halves(node[1])[1]) for node in ordered)
    return Square(nodes[start] * lead**2, _halves(start[1])[0], row)
