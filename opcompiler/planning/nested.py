"""Nested forward differentiation as a propagation: every divisor of every monomial, shared ones once.

Nested jets are a tensor product of univariate jets, (fg)_α = Σ_{β+γ=α} α!/(β!γ!) f_β g_γ; of it only the derivatives
∂^β with β ≤ α for some requested α are carried. With one monomial this is the minimal algebra.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import comb, prod

from opcompiler.ir.algebra import Algebra, CoordinateSeed, Element, Term
from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.plan import Propagation
from opcompiler.planning.counts import divisors
from opcompiler.planning.labels import derivative_text
from opcompiler.planning.limits import MAX_COEFFICIENTS, MAX_TERMS
from opcompiler.planning.listing import Listing
from opcompiler.planning.readouts import Piece, readouts_of
from opcompiler.planning.tangents.forms import MultiIndex

__all__ = ["nested_jets"]


def nested_jets(listing: Listing, fields: tuple[str, ...], declarations: Declarations) -> Propagation | None:
    """Return the propagation of all divisors, None where they or their products are too many to be listed."""
    found = divisors(alpha for entry in listing.entries for _, form in entry.parts for alpha in form)
    found.add((0,) * len(listing.coordinates))
    if len(found) > MAX_COEFFICIENTS or sum(prod(power + 1 for power in alpha) for alpha in found) > 2 * MAX_TERMS:
        return None
    basis = sorted(found, key=lambda alpha: (sum(alpha), [-power for power in alpha]))
    number = {alpha: n for n, alpha in enumerate(basis)}
    field = fields[0] if len(fields) == 1 else None
    names = [declarations.space(space).coordinate_name(index) for space, index in listing.coordinates]
    elements = tuple(Element(_label(alpha, names, field), sum(alpha)) for alpha in basis)
    seeds = tuple(
        CoordinateSeed(number[alpha], *listing.coordinates[alpha.index(1)], ONE) for alpha in basis if sum(alpha) == 1
    )
    table = tuple(sorted(_products(number), key=lambda term: (term.out, term.left, term.right)))
    pieces = [
        [
            Piece(number[alpha], Coefficient.from_terms({monomial: value}))
            for monomial, form in entry.parts
            for alpha, value in form.items()
        ]
        for entry in listing.entries
    ]
    readouts = readouts_of(listing, pieces)
    return Propagation(fields, Algebra(elements, (), table), seeds, readouts, strategy="nested differentiation")


def _products(number: dict[MultiIndex, int]) -> Iterator[Term]:
    for alpha, out in number.items():
        for beta in product(*(range(power + 1) for power in alpha)):
            left, right = number[beta], number[tuple(a - b for a, b in zip(alpha, beta, strict=True))]
            if 0 < left <= right:
                yield Term(left, right, out, Coefficient.of(prod(map(comb, alpha, beta))))


def _label(alpha: MultiIndex, names: list[str], field: str | None) -> str:
    return derivative_text([name for name, power in zip(names, alpha, strict=True) for _ in range(power)], field)
