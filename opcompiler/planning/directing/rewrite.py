"""From a normal form to one along directions given at call: tr(σσᵀ∇²u) = Σ_k (σ_k·∂)²u.

Terms with the same cofactor are one linear form in derivatives, whose coefficients are polynomials in what is known
before the field is evaluated: parameters, coefficient functions, coordinates. Its squares (σ_k·∂)², sums b·∂ and what
is left over become one contraction wherever their factors are constants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

from opcompiler.ir.coefficient import Coefficient, ScalarMonomial
from opcompiler.ir.directing import Directing
from opcompiler.ir.head import (
    Components,
    ContractionValue,
    Head,
    HeadSum,
    HeadSumOver,
    Rational,
    free_labels,
    operands,
    with_operands,
)
from opcompiler.ir.kinds import instances
from opcompiler.ir.normal_form import Contraction, FreeIndex, NormalForm
from opcompiler.ir.symbol import Monomial, Symbol, Xi, monomial
from opcompiler.planning.directing.directions import Directions, LinearForm
from opcompiler.planning.directing.indexed import Along, Key, along_directions, row_of
from opcompiler.planning.directing.scalars import with_used_scalars
from opcompiler.planning.directing.squares import squares
from opcompiler.planning.directing.terms import Atoms, Powers, Term, Terms, powers_product, product_head
from opcompiler.planning.limits import MAX_TERMS
from opcompiler.planning.requests import Coordinate

__all__ = ["directed_normal_form"]


@lru_cache(maxsize=128)
def directed_normal_form(normal_form: NormalForm) -> Directing | None:
    """Return a normal form of equal value along directions given at call, None where no square of one is found."""
    if all(contraction.order < 2 for contraction in normal_form.contractions):
        return None
    return _Rewriting(normal_form).result()


@dataclass
class _Linear:
    """One linear form in derivatives of one entry of a field.

    Attributes:
        plain: terms without an index.
        along: terms whose indices are contracted with directions.
    """

    plain: list[Term] = field(default_factory=list[Term])
    along: list[Along] = field(default_factory=list[Along])

    @property
    def is_second_order(self) -> bool:
        """Whether there is a second derivative along directions."""
        return any(along.symbol.order > 1 for along in self.along)


class _Rewriting:
    def __init__(self, normal_form: NormalForm) -> None:
        self.asked = normal_form
        self.terms = Terms(normal_form.contractions)
        self.atoms = Atoms()
        self.scalar_of = {self.atoms.number(head): number for number, head in enumerate(normal_form.scalars)}
        self.directions = Directions(normal_form.declarations, self.atoms)
        self.contractions: dict[Contraction, int] = {}
        self.found = False

    def result(self) -> Directing | None:
        """Return the rewritten normal form, None where nothing has been found."""
        bodies: list[Head] = []
        for output in self.asked.outputs:
            body = self._output(output.body)
            if body is None:
                return None
            bodies.append(body)
        if not self.found:
            return None
        # Directions of second derivatives are known now: first derivatives along them, inside nonlinear parts, follow.
        bodies = [self._rest(body) for body in bodies]
        declared, directed = self.directions.spaces()
        declarations = self.asked.declarations
        contractions, scalars = with_used_scalars(tuple(self.contractions), self.asked.scalars)
        rewritten = replace(
            self.asked,
            declarations=replace(declarations, spaces=declarations.spaces + declared),
            contractions=contractions,
            scalars=scalars,
            outputs=tuple(replace(o, body=body) for o, body in zip(self.asked.outputs, bodies, strict=True)),
        )
        return Directing(rewritten, directed)

    # --- linear forms in derivatives ------------------------------------------------------------------------

    def _output(self, body: Head) -> Head | None:
        """Return a body with new contractions (numbers −1 − n) beside old ones; None where it is too long."""
        if isinstance(body, Components):
            entries = [self._output(entry) for entry in body.entries]
            found = tuple(entry for entry in entries if entry is not None)
            return Components(body.label, found) if len(found) == len(entries) else None
        linear: dict[Key, _Linear] = {}
        summands: list[tuple[Head, list[tuple[Key | None, Term]]]] = []
        total = 0
        for summand in body.terms if isinstance(body, HeadSum) else (body,):
            parts = [(self._sorted_in(term, linear), term) for term in self.terms.of(summand)]
            summands.append((summand, parts))
            total += len(parts)
            if total > MAX_TERMS:
                return None
        rewritten = {key: heads for key, form in linear.items() if (heads := self._linear_head(key, form))}
        if not rewritten:
            return body
        self.found = True
        terms = [head for heads in rewritten.values() for head in heads]
        for summand, parts in summands:
            left = [term.head for key, term in parts if key not in rewritten]
            terms += [summand] if len(left) == len(parts) else left
        return terms[0] if len(terms) == 1 else HeadSum(tuple(terms))

    def _sorted_in(self, term: Term, linear: dict[Key, _Linear]) -> Key | None:
        """Add a term to the linear form that it belongs to; None where it belongs to none."""
        if term.value is None:
            return None
        contraction = self.asked.contractions[term.value.number]
        if not term.labels and not contraction.free and not any(map(free_labels, term.factors)):
            key = (term.cofactors, contraction.field, contraction.component, term.value.indices)
            linear.setdefault(key, _Linear()).plain.append(term)
            return key
        along = along_directions(term, self.asked.contractions, self.directions)
        if along is None:
            return None
        linear.setdefault(along.key, _Linear()).along.append(along)
        return along.key

    def _linear_head(self, key: Key, form: _Linear) -> list[Head]:
        """Return the terms of a linear form by directions, none where it has no second derivative along one."""
        quadratic: dict[tuple[Coordinate, Coordinate], dict[Powers, Fraction]] = {}
        other: dict[tuple[Monomial, Powers], Fraction] = {}
        for generators, powers, value in self._monomials(form.plain):
            pair = _pair(generators)
            if pair is None:
                other[generators, powers] = other.get((generators, powers), Fraction(0)) + value
            else:
                row = quadratic.setdefault(pair, {})
                row[powers] = row.get(powers, Fraction(0)) + value
        found = squares(quadratic)
        if not found and not form.is_second_order:
            return []
        symbols: dict[Powers, Symbol] = {}

        def add(symbol: Symbol, powers: Powers, value: Fraction) -> None:
            inside, outside = self._split(powers)
            term = symbol * Coefficient.from_terms({inside: value})
            symbols[outside] = symbols[outside] + term if outside in symbols else term

        for square in found:
            for pair, powers, value in square.terms():
                quadratic[pair][powers] = quadratic[pair].get(powers, Fraction(0)) - value
            direction = self.directions.direction({a: {powers: value} for a, value, powers in square.row})
            add(Symbol.generator(self.directions.coordinate(direction), 2), square.common, square.factor)
        for along in form.along:
            add(along.symbol, self.atoms.powers(along.factors), along.number)
        for (a, b), row in quadratic.items():
            for powers, value in row.items():
                add(Symbol.from_terms({monomial(((Xi(*a), 1), (Xi(*b), 1))): Coefficient.of(1)}), powers, value)
        drift: dict[Coordinate, dict[Powers, Fraction]] = {}
        for (generators, powers), value in other.items():
            coordinate = _single(generators)
            if coordinate is not None and self._split(powers)[1]:
                drift.setdefault(coordinate, {})[powers] = value
            else:
                add(Symbol.from_terms({generators: Coefficient.of(1)}), powers, value)
        if drift:
            add(Symbol.generator(self.directions.coordinate(self.directions.direction(drift))), (), Fraction(1))
        cofactors, name, component, indices = key
        return [
            product_head(
                Fraction(1),
                [
                    *self.atoms.factors(powers),
                    *cofactors,
                    ContractionValue(-1 - self._number(Contraction(name, symbol, (), component)), indices),
                ],
            )
            for powers, symbol in symbols.items()
            if symbol
        ]

    def _monomials(self, terms: list[Term]) -> Iterator[tuple[Monomial, Powers, Fraction]]:
        """Yield the monomials of the symbols, each with the powers of atoms and the number that it is multiplied by."""
        for term in terms:
            if term.value is None:
                continue
            for generators, coefficient in self.asked.contractions[term.value.number].symbol.terms:
                for scalars, value in coefficient.terms:
                    powers = self.atoms.powers(term.factors)
                    yield generators, powers_product(powers, self._scalar_powers(scalars)), value * term.number

    def _scalar_powers(self, scalars: ScalarMonomial) -> Powers:
        atoms = [(self.atoms.number(self.asked.scalars[scalar]), power) for scalar, power in scalars]
        return tuple(sorted(atoms))

    def _split(self, powers: Powers) -> tuple[ScalarMonomial, Powers]:
        """Return the part of a monomial that a coefficient can hold, and what has to stay outside."""
        inside = [(self.scalar_of[n], power) for n, power in powers if n in self.scalar_of and power > 0]
        outside = tuple((n, power) for n, power in powers if n not in self.scalar_of or power < 0)
        return tuple(sorted(inside)), outside

    # --- what is left: first derivatives inside nonlinear parts ------------------------------------------------

    def _rest(self, head: Head) -> Head:
        """Return a head over new contractions; first derivatives along directions are read off directly."""
        match head:
            case ContractionValue(number, indices):
                return ContractionValue(-1 - number if number < 0 else self._kept(number), indices)
            case HeadSumOver() | HeadSum():
                found = self._first_derivative(head)
                if found is not None:
                    return found
            case _:
                pass
        return with_operands(head, tuple(map(self._rest, operands(head))))

    def _first_derivative(self, head: HeadSumOver | HeadSum) -> Head | None:
        """Return Σ_i b_i ∂_i u along a direction, None where the head is something else."""
        values = [part for part in instances(head) if isinstance(part, ContractionValue)]
        if not values or any(value.number < 0 for value in values):
            return None
        terms = self.terms.of(head)
        along = self._written_out(terms) if isinstance(head, HeadSum) else self._indexed(terms)
        if along is None:
            return None
        value, factors = along
        return product_head(Fraction(1), [*map(self._rest, factors), value])

    def _written_out(self, terms: tuple[Term, ...]) -> tuple[ContractionValue, list[Head]] | None:
        """Return Σ_i b_i ∂_i u where it is one of the known directions, term by term."""
        linear: dict[Key, _Linear] = {}
        keys = {self._sorted_in(term, linear) for term in terms if not term.labels}
        if len(keys) != 1 or None in keys or any(term.labels for term in terms):
            return None
        ((key, form),) = linear.items()
        row: dict[Coordinate, dict[Powers, Fraction]] = {}
        for generators, powers, value in self._monomials(form.plain):
            coordinate = _single(generators)
            if coordinate is None:
                return None
            row.setdefault(coordinate, {})[powers] = value
        found = self._known(row)
        return None if found is None else (self._value(key, found), list(key[0]))

    def _indexed(self, terms: tuple[Term, ...]) -> tuple[ContractionValue, list[Head]] | None:
        """Return Σ_i b_i ∂_i u of an indexed space; b may have the long index of known directions."""
        if len(terms) != 1 or terms[0].value is None:
            return None
        (term,) = terms
        free = self.asked.contractions[terms[0].value.number].free
        if len(free) != 1:
            return None
        along = along_directions(term, self.asked.contractions, self.directions)
        if along is not None:
            factors = [product_head(along.number, along.factors)] if along.factors or along.number != 1 else []
            return self._value(along.key, along.symbol), [*factors, *along.key[0]]
        return self._along_long(term, free[0].space)

    def _along_long(self, term: Term, of: str) -> tuple[ContractionValue, list[Head]] | None:
        """Return the derivative along direction k, k a label outside, of directions with a long index."""
        if term.value is None or len(term.labels) != 1:
            return None
        contraction, label = self.asked.contractions[term.value.number], term.labels[0][0]
        outer = {name for factor in term.factors for name in free_labels(factor)} - {label}
        rows = [factor for factor in term.factors if label in free_labels(factor)]
        row = row_of(rows, label, outer) if len(outer) == 1 else None
        if row is None or (of, row) not in self.directions.long or term.value.indices[-1] != label:
            return None
        if label in term.value.indices[:-1] or any(label in free_labels(cofactor) for cofactor in term.cofactors):
            return None
        space, _ = self.directions.long[of, row]
        new = replace(contraction, free=(FreeIndex(space),))
        value = ContractionValue(self._number(new), (*term.value.indices[:-1], *outer))
        plain = [factor for factor in term.factors if factor not in rows]
        return value, [*([Rational(term.number)] if term.number != 1 else []), *plain, *term.cofactors]

    def _kept(self, number: int) -> int:
        """Return the new number of a contraction, along a known direction where it is Σ_i b_i ∂_i with scalars b."""
        contraction = self.asked.contractions[number]
        row: dict[Coordinate, dict[Powers, Fraction]] = {}
        for generators, coefficient in contraction.symbol.terms:
            coordinate = _single(generators)
            if coordinate is None:
                return self._number(contraction)
            for scalars, value in coefficient.terms:
                row.setdefault(coordinate, {})[self._scalar_powers(scalars)] = value
        found = self._known(row)
        return self._number(contraction if found is None else replace(contraction, symbol=found))

    def _known(self, row: LinearForm) -> Symbol | None:
        """Return the coordinate of a direction that is there already."""
        direction = self.directions.direction(row)
        known = direction in self.directions.single
        return Symbol.generator(self.directions.coordinate(direction)) if known else None

    def _value(self, key: Key, symbol: Symbol) -> ContractionValue:
        _, name, component, indices = key
        return ContractionValue(self._number(Contraction(name, symbol, (), component)), indices)

    def _number(self, contraction: Contraction) -> int:
        return self.contractions.setdefault(contraction, len(self.contractions))


def _pair(generators: Monomial) -> tuple[Coordinate, Coordinate] | None:
    """Return a ≤ b of the monomial ξ_a·ξ_b, None for any other."""
    match generators:
        case ((Xi(space, index), 2),):
            return (space, index), (space, index)
        case ((Xi(space, index), 1), (Xi(other, place), 1)):
            a, b = sorted(((space, index), (other, place)))
            return a, b
        case _:
            return None


def _single(generators: Monomial) -> Coordinate | None:
    match generators:
        case ((Xi(space, index), 1),):
            return (space, index)
        case _:
            return None
