"""Work of a propagation on a network: what passes the layers, what the nonlinearities multiply, what memory moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from opcompiler.ir.algebra import Algebra, Term
from opcompiler.ir.cost import CPU, DEVICES, Cost
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.plan import Propagation

__all__ = ["carried", "cost_of", "elementwise_flops"]

_PASSES = 4
"""Times that a stored coefficient goes to or comes from memory: written and read by a layer and by a nonlinearity."""

_REVERSE = (2, 4, 3, 3)
"""A value and its gradient by the coordinates in multiples of the value: products with weights once forward and once
backward; elementwise operations, memory and operations as bounded by Griewank & Walther 2008, section 3.3."""

Widths: TypeAlias = dict[int | None, int]
"""Directions by axis; one for None, a single element."""


def cost_of(propagation: Propagation, profile: NetworkProfile, device: str = "cpu") -> Cost:
    """Return the estimated work per point.

    linear: every carried coefficient passes every linear layer, but the first one only as a column of its weights; a
    contraction of two values that depend on the point takes one product for every pair of the Leibniz rule.
    elementwise: per non-linear output, the powers of the nilpotent part (see `elementwise_flops`).
    operations: the products of one power of the nilpotent part are taken to be fused.
    """
    algebra, widths = propagation.algebra, _widths(propagation)
    coefficients = carried(propagation)
    behind = profile.linear_flops - profile.first_layer_flops
    single: Widths = dict.fromkeys(widths, 1)
    pairs = sum(len(_factor_degrees(algebra, term)) * _size(algebra, term, widths) for term in algebra.table)
    linear, elementwise, traffic, operations = _REVERSE if propagation.gradients else (1, 1, 1, 1)
    products = behind * coefficients + profile.first_layer_flops + profile.bilinear_flops * (2 * coefficients + pairs)
    pointwise = (
        profile.elementwise_outputs * _elementwise(algebra, widths)
        + profile.coordinate_outputs * _elementwise(algebra, single)
        + profile.addition_outputs * coefficients
    )
    cost = Cost(
        linear=linear * products,
        elementwise=elementwise * pointwise,
        traffic=traffic * 4 * _PASSES * coefficients * profile.stored,
        operations=operations * profile.operations * (1 + algebra.order),
    )
    return replace(cost, time=DEVICES.get(device, CPU).time(cost))


def carried(propagation: Propagation, narrowed: tuple[int, int] | None = None) -> int:
    """Return the coefficients per value, with an axis `narrowed` = (axis, directions) if given."""
    widths = _widths(propagation)
    if narrowed is not None:
        axis, directions = narrowed
        widths[axis] = min(widths[axis], directions)
    return sum(widths[element.axis] for element in propagation.algebra.elements)


def elementwise_flops(algebra: Algebra) -> int:
    """Return multiplications and additions of φ(f) = Σ_j φ^(j)/j!·n^j, n the nilpotent part of f.

    The products for n^j are those of the table with an output of degree ≥ j; a square needs every product once.
    """
    return _elementwise(algebra, {None: 1, **{n: axis.size for n, axis in enumerate(algebra.axes)}})


def _elementwise(algebra: Algebra, widths: Widths) -> int:
    order = algebra.order
    flops = 2 * order
    for j in range(1, order + 1):
        flops += sum(2 * widths[element.axis] for element in algebra.elements if element.degree >= j)
        for term in algebra.table if j > 1 else ():
            if algebra.elements[term.out].degree >= j:
                factors = [d for d in _factor_degrees(algebra, term) if d[0] >= j - 1]
                flops += (2 + (not _is_one(term))) * _size(algebra, term, widths) * (1 if j == 2 else len(factors))
    return flops


def _factor_degrees(algebra: Algebra, term: Term) -> list[tuple[int, int]]:
    left, right = algebra.elements[term.left].degree, algebra.elements[term.right].degree
    return [(left, right)] if term.left == term.right else [(left, right), (right, left)]


def _is_one(term: Term) -> bool:
    return term.weights is None and term.coefficient.is_rational and term.coefficient.rational == 1


def _size(algebra: Algebra, term: Term, widths: Widths) -> int:
    return max(widths[algebra.elements[n].axis] for n in (term.left, term.right, term.out))


def _widths(propagation: Propagation) -> Widths:
    narrow = {compression.axis: compression.width for compression in propagation.compressions}
    return {None: 1, **{n: narrow.get(n, axis.size) for n, axis in enumerate(propagation.algebra.axes)}}
