"""A head as a sum of terms  number · Π atom^power · cofactors · Σ_labels (factors · contraction).

Atoms are heads without fields and without labels, so that the coefficients of derivatives become polynomials in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from typing import TypeAlias

from opcompiler.ir.head import (
    ContractionValue,
    Head,
    HeadPower,
    HeadProduct,
    HeadSum,
    HeadSumOver,
    Imaginary,
    Rational,
)
from opcompiler.ir.kinds import instances
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.reindexing import reindexed

__all__ = ["Atoms", "Powers", "Term", "Terms", "has_field", "powers_product", "product_head"]

Powers: TypeAlias = tuple[tuple[int, int], ...]
"""(number of an atom, power ≠ 0), sorted."""


@dataclass
class Atoms:
    """Numbers heads without fields, equal heads alike."""

    heads: list[Head] = field(default_factory=list[Head])
    numbers: dict[Head, int] = field(default_factory=dict[Head, int])

    def number(self, head: Head) -> int:
        """Return the number of a head."""
        if head not in self.numbers:
            self.numbers[head] = len(self.heads)
            self.heads.append(head)
        return self.numbers[head]

    def powers(self, factors: Sequence[Head]) -> Powers:
        """Return a product as powers of atoms."""
        found: dict[int, int] = {}
        for factor in factors:
            base, power = factor, 1
            if isinstance(factor, HeadPower) and isinstance(factor.exponent, Rational):
                exponent = factor.exponent.value
                if exponent.denominator == 1:
                    base, power = factor.base, int(exponent)
            number = self.number(base)
            found[number] = found.get(number, 0) + power
        return tuple(sorted((number, power) for number, power in found.items() if power))

    def factors(self, powers: Powers) -> list[Head]:
        """Return a monomial as factors."""
        return [_power(self.heads[number], power) for number, power in powers]

    def head(self, factor: Fraction, powers: Powers) -> Head:
        """Return factor · Π atom^power."""
        return product_head(factor, self.factors(powers))


@dataclass(frozen=True, slots=True)
class Term:
    """number · Π factors · Π cofactors · value, summed over the labels.

    Attributes:
        value: the contraction; None where the cofactors are all there is.
        number: rational factor.
        factors: heads without fields.
        cofactors: heads with fields or imaginary ones.
        labels: (label, size) of the sums, outermost first.
    """

    value: ContractionValue | None
    number: Fraction = Fraction(1)
    factors: tuple[Head, ...] = ()
    cofactors: tuple[Head, ...] = ()
    labels: tuple[tuple[str, int], ...] = ()

    @property
    def head(self) -> Head:
        """The term as a head again."""
        value = () if self.value is None else (self.value,)
        head = product_head(self.number, [*self.factors, *self.cofactors, *value])
        for label, size in reversed(self.labels):
            head = HeadSumOver(label, size, head)
        return head


class Terms:
    """Takes heads apart; bound labels become fresh, so that sums can be joined."""

    def __init__(self, contractions: Sequence[Contraction]) -> None:
        """Remember the orders of the contractions: what a product is taken apart around is the highest one."""
        self.orders = [contraction.order for contraction in contractions]
        self.fresh = (f"k′{number}" for number in count())

    def of(self, head: Head) -> tuple[Term, ...]:
        """Return the terms that add up to a head."""
        return tuple(self._terms(head))

    def _terms(self, head: Head) -> Iterator[Term]:
        match head:
            case ContractionValue():
                yield Term(head)
            case HeadSum(terms) if has_field(head):
                for term in terms:
                    yield from self._terms(term)
            case HeadProduct(factors) if (chosen := self._highest(factors)) is not None:
                others = factors[:chosen] + factors[chosen + 1 :]
                for term in self._terms(factors[chosen]):
                    yield _times(term, others)
            case HeadSumOver(label, size, body) if has_field(body):
                fresh = next(self.fresh)
                for term in self._terms(reindexed(body, label, fresh)):
                    yield replace(term, labels=((fresh, size), *term.labels))
            case _:
                yield _times(Term(None), (head,))

    def _highest(self, factors: tuple[Head, ...]) -> int | None:
        """Return the only factor with the highest derivative, None where several have it or none has any."""
        orders = [max((self.orders[value.number] for value in _values(factor)), default=-1) for factor in factors]
        highest = max(orders, default=-1)
        return orders.index(highest) if highest >= 0 and orders.count(highest) == 1 else None


def has_field(head: Head) -> bool:
    """Whether a contraction occurs in a head."""
    return any(True for _ in _values(head))


def powers_product(left: Powers, right: Powers) -> Powers:
    """Return the product of two monomials."""
    powers = dict(left)
    for number, power in right:
        powers[number] = powers.get(number, 0) + power
    return tuple(sorted((number, power) for number, power in powers.items() if power))


def product_head(number: Fraction, factors: Sequence[Head]) -> Head:
    """Return number · Π factors."""
    heads = list(factors)
    if number != 1 or not heads:
        heads.insert(0, Rational(number))
    return heads[0] if len(heads) == 1 else HeadProduct(tuple(heads))


def _values(head: Head) -> Iterator[ContractionValue]:
    return (part for part in instances(head) if isinstance(part, ContractionValue))


def _times(term: Term, others: Sequence[Head]) -> Term:
    for other in others:
        match other:
            case Rational(value):
                term = replace(term, number=term.number * value)
            case HeadProduct(factors) if not has_field(other):
                term = _times(term, factors)
            case _ if has_field(other) or any(isinstance(part, Imaginary) for part in instances(other)):
                term = replace(term, cofactors=(*term.cofactors, other))
            case _:
                term = replace(term, factors=(*term.factors, other))
    return term


def _power(base: Head, power: int) -> Head:
    return base if power == 1 else HeadPower(base, Rational(Fraction(power)))
