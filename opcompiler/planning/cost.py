"""Work of a propagation on a network, in floating-point operations per point."""

from __future__ import annotations

from opcompiler.ir.algebra import Algebra, Term
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.plan import Compression, Cost, Propagation

__all__ = ["cost_of", "elementwise_flops"]


def cost_of(propagation: Propagation, profile: NetworkProfile) -> Cost:
    """Return the cost model.

    linear: every carried coefficient passes every linear layer, but the first one only as a column of its weights.
    elementwise: per non-linear output, the powers of the nilpotent part (see `elementwise_flops`).
    """
    carried = propagation.carried
    behind = profile.linear_flops - profile.first_layer_flops
    widths = _widths(propagation.algebra, propagation.compressions)
    return Cost(
        linear=behind * carried + profile.first_layer_flops,
        elementwise=profile.elementwise_outputs * _elementwise(propagation.algebra, widths),
    )


def elementwise_flops(algebra: Algebra) -> int:
    """Return multiplications and additions of φ(f) = Σ_j φ^(j)/j!·n^j, n the nilpotent part of f.

    The products for n^j are those of the table with an output of degree ≥ j; a square needs every product once.
    """
    return _elementwise(algebra, _widths(algebra, ()))


def _elementwise(algebra: Algebra, widths: dict[int | None, int]) -> int:
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


def _size(algebra: Algebra, term: Term, widths: dict[int | None, int]) -> int:
    return max(widths[algebra.elements[n].axis] for n in (term.left, term.right, term.out))


def _widths(algebra: Algebra, compressions: tuple[Compression, ...]) -> dict[int | None, int]:
    narrow = {compression.axis: compression.width for compression in compressions}
    return {None: 1, **{n: narrow.get(n, axis.size) for n, axis in enumerate(algebra.axes)}}
