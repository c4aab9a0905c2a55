"""Univariate jets as a propagation: u(x + s·v_r) for several directions v_r at once, whole or collapsed.

A jet of order k along v carries (v·∂)^j u for j ≤ k, with the product (fg)_c = Σ_{a+b=c} C(c,a) f_a g_b. The jets of
one order are the directions of one axis, so they are one family per power.

*Collapsed* jets (Dangel et al. 2025) do not carry their last coefficients one by one but the sums Σ_r c_r (v_r·∂)^k u
that are read out: these are factors of no product, so a sum of their product rules is again a product rule. A linear
part b·∂ rides in such a sum for free, as a seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb
from typing import TypeAlias

from opcompiler.ir.algebra import Algebra, Axis, AxisSeed, CoordinateSeed, Element, Seed, Term
from opcompiler.ir.coefficient import ONE, ZERO, Coefficient, ScalarMonomial
from opcompiler.ir.plan import Propagation
from opcompiler.ir.strategy import Direction, JointTangents
from opcompiler.ir.surd import Number, Surd
from opcompiler.planning.algebra import is_invariant
from opcompiler.planning.grouping import ranges_of
from opcompiler.planning.labels import superscript
from opcompiler.planning.listing import Listing
from opcompiler.planning.readouts import Piece, readouts_of
from opcompiler.planning.relations import independent
from opcompiler.planning.requests import Coordinate
from opcompiler.planning.tangents.weights import jet_coefficients

__all__ = ["collapsed_jets", "separate_jets"]

_Weights: TypeAlias = dict[tuple[int, int], Number]
"""(jet, power) → c, with P = P(0) + Σ c·(v_jet·ξ)^power."""

_Solved: TypeAlias = tuple[tuple[Coefficient, Fraction, _Weights], ...]
"""A symbol by the scalars known at call: their monomial, the constant term and the weights of its factor."""

_Sum: TypeAlias = dict[tuple[ScalarMonomial, int], Number]
"""(scalars, jet) → c: the sum Σ s^m·c·(v_jet·∂)^k of last coefficients."""

_Multiples: TypeAlias = list[tuple[Coefficient, int]]
"""factor × number of a sum."""


def separate_jets(
    tangents: JointTangents, listing: Listing, fields: tuple[str, ...], strategy: str = "univariate jets"
) -> Propagation | None:
    """Return the propagation of whole jets: 1 + Σ_r k_r coefficients; None if they do not span the symbols."""
    solved = _solved(tangents, listing)
    if solved is None:
        return None
    frame = _Frame.of(tangents, {jet.order: jet.order for jet in tangents.jets}, [])
    return frame.propagation(listing, fields, solved, [[] for _ in solved], strategy)


def collapsed_jets(
    tangents: JointTangents, listing: Listing, fields: tuple[str, ...], strategy: str = "collapsed jets"
) -> Propagation | None:
    """Return the propagation of collapsed jets; None if they do not span the symbols.

    It carries 1 + Σ_r (k_r − 1) coefficients, and as few sums of last coefficients as are found to give all of them.
    """
    solved = _solved(tangents, listing)
    if solved is None:
        return None
    sums, multiples = _sums(tangents, solved)
    frame = _Frame.of(tangents, {jet.order: jet.order - 1 for jet in tangents.jets}, sums)
    return frame.propagation(listing, fields, solved, multiples, strategy)


def _solved(tangents: JointTangents, listing: Listing) -> list[_Solved] | None:
    """Return the weights of every entry, None if some symbol is not spanned."""
    known: dict[tuple[object, ...], _Weights | None] = {}
    result: list[_Solved] = []
    for entry in listing.entries:
        parts: list[tuple[Coefficient, Fraction, _Weights]] = []
        for monomial, form in entry.parts:
            key = tuple(sorted(form.items()))
            if key not in known:
                known[key] = jet_coefficients(tangents, form)
            weights = known[key]
            if weights is None:
                return None
            constant = form.get((0,) * len(listing.coordinates), Fraction(0))
            parts.append((Coefficient.from_terms({monomial: Fraction(1)}), constant, weights))
        result.append(tuple(parts))
    return result


def _sums(tangents: JointTangents, solved: Sequence[_Solved]) -> tuple[list[_Sum], list[_Multiples]]:
    """Choose sums of last coefficients: of whole symbols, or of their factors at each scalar where these are fewer."""
    by_part = [[(factor, _last(tangents, weights)) for factor, _, weights in symbol] for symbol in solved]
    whole: list[_Sum] = [
        {(factor.terms[0][0], jet): c for factor, last in parts for jet, c in last.items()} for parts in by_part
    ]
    factors: list[_Sum] = [{((), jet): c for jet, c in last.items()} for parts in by_part for _, last in parts]
    of_symbols, of_whole = independent(whole)
    of_factors, of_parts = independent(factors)
    if len(of_symbols) <= len(of_factors):
        return [whole[n] for n in of_symbols], [
            [(Coefficient.of(q), n) for n, q in found.items()] for found in of_whole
        ]
    found = iter(of_parts)
    return [factors[n] for n in of_factors], [
        [(factor * q, n) for factor, _ in parts for n, q in next(found).items()] for parts in by_part
    ]


def _last(tangents: JointTangents, weights: _Weights) -> dict[int, Number]:
    return {jet: c for (jet, power), c in weights.items() if power == tangents.jets[jet].order}


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is carried, numbered by rising degree: powers of jets as families, then sums of last coefficients.

    Attributes:
        tangents: the jets.
        members: the jets of each order, highest order first.
        powers: (order, power) → element.
        sums: (degree, sum, element).
    """

    tangents: JointTangents
    members: dict[int, tuple[int, ...]]
    powers: dict[tuple[int, int], int]
    sums: tuple[tuple[int, _Sum, int], ...]

    @classmethod
    def of(cls, tangents: JointTangents, highest: dict[int, int], sums: Sequence[_Sum]) -> _Frame:
        """Number the powers up to the highest carried one of each order, and the sums."""
        orders = sorted((order for order, power in highest.items() if power), reverse=True)
        members = {order: tuple(n for n, jet in enumerate(tangents.jets) if jet.order == order) for order in orders}
        degrees = [max(tangents.jets[jet].order for _, jet in own) for own in sums]
        places = [(power, 0, -order, (order, power)) for order in orders for power in range(1, highest[order] + 1)]
        ranked = sorted([*places, *((degree, 1, n, (0, n)) for n, degree in enumerate(degrees))])
        number = {key: place for place, (_, _, _, key) in enumerate(ranked, 1)}
        powers = {key: place for key, place in number.items() if key[0]}
        return cls(tangents, members, powers, tuple((degrees[n], own, number[(0, n)]) for n, own in enumerate(sums)))

    def propagation(
        self,
        listing: Listing,
        fields: tuple[str, ...],
        solved: Sequence[_Solved],
        multiples: Sequence[_Multiples],
        strategy: str,
    ) -> Propagation:
        """Assemble the algebra, its seeds and the readouts of all symbols."""
        pieces = [
            [*self._pieces(symbol), *(Piece(self.sums[n][2], factor) for factor, n in own)]
            for symbol, own in zip(solved, multiples, strict=True)
        ]
        readouts = readouts_of(listing, pieces)
        axes = tuple(self._axis(order, listing.coordinates) for order in self.members)
        elements = self._elements(axes, fields[0] if len(fields) == 1 else None)
        table = tuple(sorted(self._table(), key=lambda term: (term.out, term.left, term.right, term.coefficient.terms)))
        seeds = tuple(self._seeds(listing.coordinates))
        axes = tuple(
            replace(axis, invariant=is_invariant(n, elements, table, seeds, readouts)) for n, axis in enumerate(axes)
        )
        return Propagation(fields, Algebra(elements, axes, table), seeds, readouts, strategy=strategy)

    def _axis(self, order: int, coordinates: Sequence[Coordinate]) -> Axis:
        directions = [self.tangents.jets[n].direction for n in self.members[order]]
        single = [_coordinate(direction) for direction in directions]
        if None not in single and len(set(single)) == len(single):
            return Axis(ranges_of([coordinates[place] for place in single if place is not None]))
        return Axis(ranges_of(coordinates), tuple(directions))

    def _elements(self, axes: Sequence[Axis], field: str | None) -> tuple[Element, ...]:
        axis_of = {order: n for n, order in enumerate(self.members)}
        found = {0: Element(field or "1", 0)}
        for (order, power), number in self.powers.items():
            direction = "∂ᵢ" if axes[axis_of[order]].matrix is None else "(vᵢ·∇)"
            found[number] = Element(f"{direction}{superscript(power)}{field or ''}", power, axis_of[order])
        for degree, own, number in self.sums:
            found[number] = Element(self._sum_label(own, field or ""), degree)
        return tuple(found[number] for number in range(len(found)))

    def _sum_label(self, own: _Sum, field: str) -> str:
        orders = sorted({self.tangents.jets[jet].order for _, jet in own}, reverse=True)
        return " + ".join(f"Σᵢcᵢ(vᵢ·∇){superscript(order)}{field}" for order in orders)

    def _table(self) -> Iterator[Term]:
        for (order, power), out in self.powers.items():
            for left in range(1, power // 2 + 1):
                factors = self.powers[(order, left)], self.powers[(order, power - left)]
                yield Term(*factors, out, Coefficient.of(comb(power, left)))
        for _, own, out in self.sums:
            scalars = dict.fromkeys(monomial for monomial, _ in own)
            for order, members in self.members.items():
                for monomial in scalars:
                    weights = tuple(own.get((monomial, jet), Fraction(0)) for jet in members)
                    if any(weights):
                        yield from self._products_into(out, order, monomial, weights)

    def _products_into(
        self, out: int, order: int, monomial: ScalarMonomial, weights: tuple[Number, ...]
    ) -> Iterator[Term]:
        first, factor = weights[0], Fraction(1)
        equal = all(weight == first for weight in weights) and not isinstance(first, Surd)
        if equal and not isinstance(first, Surd):
            factor = first
        for left in range(1, order // 2 + 1):
            yield Term(
                self.powers[(order, left)],
                self.powers[(order, order - left)],
                out,
                Coefficient.from_terms({monomial: factor * comb(order, left)}),
                None if equal else weights,
            )

    def _seeds(self, coordinates: Sequence[Coordinate]) -> Iterator[Seed]:
        for (_, power), number in self.powers.items():
            if power == 1:
                yield AxisSeed(number, ONE)
        for _, own, number in self.sums:
            linear: dict[int, Coefficient] = {}
            for (monomial, jet), weight in own.items():
                if self.tangents.jets[jet].order == 1:
                    for place, entry in enumerate(self.tangents.jets[jet].direction):
                        factor = Coefficient.from_terms({monomial: _rational(weight * entry)})
                        linear[place] = linear.get(place, ZERO) + factor
            for place, factor in sorted(linear.items()):
                if factor:
                    space, index = coordinates[place]
                    yield CoordinateSeed(number, space, index, factor)

    def _pieces(self, symbol: _Solved) -> Iterator[Piece]:
        """Yield what is read from the primal and from powers that are carried."""
        for factor, constant, weights in symbol:
            yield Piece(0, factor * constant)
            for (order, power), number in self.powers.items():
                own = tuple(weights.get((jet, power), Fraction(0)) for jet in self.members[order])
                if any(own):
                    yield Piece(number, factor, own)


def _coordinate(direction: Direction) -> int | None:
    """Return i for the direction e_i, None for any other."""
    used = [i for i, entry in enumerate(direction) if entry]
    return used[0] if len(used) == 1 and direction[used[0]] == 1 else None


def _rational(value: Number) -> Fraction:
    assert not isinstance(value, Surd), "linear forms have rational coefficients"
    return value
