"""Heads over estimates: independent draws for the factors of a product, pairs of directions for contracted indices.

The mean of a product of estimates is the product of their means only if they are independent. So every factor of a
product (and every factor of a power) takes copies of the draws of its own; terms of a sum may share them. A function
of an estimate that is no polynomial has another mean than the function of the mean: it is refused.

A contracted index of a large space, Σ_i ∂_i f · g_i, needs no list of the ∂_i f: with isotropic directions,
c·E Σ_r v_r v_rᵀ = I, it is the mean of c·Σ_r (v_r·∂)f · Σ_i v_ri g_i.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import Protocol, TypeAlias, assert_never

from opcompiler.errors import LimitError, UnsupportedError
from opcompiler.ir.head import (
    Call,
    Components,
    Constant,
    ContractionValue,
    CoordinateValue,
    FunctionValue,
    Head,
    HeadIndex,
    HeadPower,
    HeadProduct,
    HeadSum,
    HeadSumOver,
    Imaginary,
    Kronecker,
    ParameterValue,
    PositionValue,
    Rational,
)
from opcompiler.ir.kinds import instances

__all__ = ["HeadRewriter", "Paired", "Used", "Values"]

Used: TypeAlias = Mapping[str, int]
"""Independent copies that are used of the draws of each space."""

_LINEAR = ("re", "im", "conj")
"""Functions whose mean is the function of the mean."""

_MAX_FACTORS = 16
"""Independent copies that one product may take."""


@dataclass(frozen=True, slots=True)
class Paired:
    """One contracted index over a sampled space in terms of drawn directions.

    Attributes:
        parameter: name of the matrix of directions, [directions, dim of the space].
        directions: how many.
        factor: c with c·E Σ_r v_r v_rᵀ = I.
        number: of the contraction whose index at that place names a direction.
    """

    parameter: str
    directions: int
    factor: Fraction
    number: int


@dataclass(frozen=True, slots=True)
class _Along:
    """A contraction differentiated along a contracted index of a sampled space."""

    value: ContractionValue
    position: int
    space: str
    conjugated: bool

    def is_repeated(self, label: str) -> bool:
        """Whether the index names a component as well, as in ∇·u."""
        return self.value.indices.count(label) > 1

    def along(self, direction: str, number: int) -> Head:
        """Return the derivative along a direction."""
        indices: list[HeadIndex] = list(self.value.indices)
        indices[self.position] = direction
        head = ContractionValue(number, tuple(indices))
        return Call("conj", (head,)) if self.conjugated else head


class Values(Protocol):
    """What heads need to know of contractions."""

    def spaces(self, number: int) -> frozenset[str]:
        """Return the spaces whose draws the estimate of a contraction uses."""
        ...

    def value(self, value: ContractionValue, base: Used) -> Head:
        """Return the estimate of a contraction from the copies number `base[space]` of its draws."""
        ...

    def free_space(self, number: int, position: int, size: int) -> str | None:
        """Return the sampled space that an index of a contraction differentiates along, if it is one."""
        ...

    def paired(self, number: int, position: int, base: Used, symbol_base: Used) -> tuple[Paired, ...]:
        """Return contractions along drawn directions (copy `base`) instead of the index at a position.

        One, or one along given directions and one along those in their complement; the same for every contraction.
        """
        ...


class HeadRewriter:
    """Rewrites heads so that their mean is the head of the exact contractions."""

    def __init__(self, values: Values, labels: Iterable[str]) -> None:
        """Remember where values come from, and the labels that are in use."""
        self.values = values
        self.pairs = True
        taken = set(labels)
        self.fresh = (label for n in count() if (label := f"r{n}") not in taken)

    def output(self, body: Head, available: Used) -> tuple[Head, Used]:
        """Rewrite the body of an output.

        Terms that use fewer copies than are drawn are averaged over all of them.

        Args:
            body: to be rewritten.
            available: copies that are drawn; {} to find out how many are needed.

        Raises:
            UnsupportedError: an estimate enters a function that is no polynomial.
        """
        terms = body.terms if isinstance(body, HeadSum) else (body,)
        heads: list[Head] = []
        total: Used = {}
        for term in terms:
            head, used = self.rewrite(term, {})
            blocks = min((available.get(space, 0) // needed for space, needed in used.items()), default=1)
            if blocks > 1:
                bases = [{space: n * needed for space, needed in used.items()} for n in range(1, blocks)]
                others = tuple(self.rewrite(term, base)[0] for base in bases)
                head = HeadProduct((Rational(Fraction(1, blocks)), HeadSum((head, *others))))
            heads.append(head)
            total = _most(total, used)
        return (HeadSum(tuple(heads)) if isinstance(body, HeadSum) else heads[0]), total

    def rewrite(self, head: Head, base: Used) -> tuple[Head, Used]:
        """Return the head over estimates from copies number `base` on, and how many copies it uses.

        Raises:
            UnsupportedError: an estimate enters a function that is no polynomial.
        """
        match head:
            case (
                Rational() | Imaginary() | Constant() | ParameterValue() | CoordinateValue() | PositionValue()
                | Kronecker()
            ):  # fmt: skip
                return head, {}
            case ContractionValue(number):
                return self.values.value(head, base), dict.fromkeys(self.values.spaces(number), 1)
            case HeadSum(terms):
                return self._side_by_side(HeadSum, terms, base)
            case Components(label, entries):
                return self._side_by_side(lambda inside: Components(label, inside), entries, base)
            case HeadProduct(factors):
                return self._product(factors, base)
            case HeadPower():
                return self._power(head, base)
            case Call(name, arguments):
                if name not in _LINEAR:
                    return Call(name, self._exactly(arguments, f"the function {name}")), {}
                return self._side_by_side(lambda inside: Call(name, inside), arguments, base)
            case FunctionValue(name, arguments):
                return replace(head, arguments=self._exactly(arguments, f"the function {name}")), {}
            case HeadSumOver(label, size, body):
                return self._sum_over(label, size, body, base)
            case _:
                assert_never(head)

    def _side_by_side(
        self, build: Callable[[tuple[Head, ...]], Head], heads: tuple[Head, ...], base: Used
    ) -> tuple[Head, Used]:
        results = [self.rewrite(head, base) for head in heads]
        used: Used = {}
        for _, own in results:
            used = _most(used, own)
        return build(tuple(head for head, _ in results)), used

    def _product(self, factors: tuple[Head, ...], base: Used) -> tuple[Head, Used]:
        heads: list[Head] = []
        used: Used = {}
        for factor in factors:
            head, own = self.rewrite(factor, _plus(base, used))
            heads.append(head)
            used = _plus(used, own)
        if max(used.values(), default=0) > _MAX_FACTORS:
            raise LimitError(
                f"a product has more than {_MAX_FACTORS} estimated factors, each of which needs draws of its own",
                hint="compute the operator exactly: scheme=Exact()",
            )
        return HeadProduct(tuple(heads)), used

    def _power(self, head: HeadPower, base: Used) -> tuple[Head, Used]:
        match head.base, head.exponent:
            case Call("abs", (number,)), Rational(times) if times.denominator == 1 and times >= 2 and times % 2 == 0:
                # |z|² is a polynomial in z and its conjugate.
                _, used = self.rewrite(number, base)
                factors = (number, Call("conj", (number,))) * (int(times) // 2)
            case inside, Rational(times) if times.denominator == 1 and 1 <= times <= _MAX_FACTORS:
                _, used = self.rewrite(inside, base)
                factors = (inside,) * int(times)
            case _:
                used, factors = {}, ()
        if used:
            return self._product(factors, base)
        what = "a power that is no whole positive number (a quotient, a root)"
        return HeadPower(*self._exactly((head.base, head.exponent), what)), {}

    def _exactly(self, heads: tuple[Head, ...], what: str) -> tuple[Head, ...]:
        """Return heads without estimates; contracted indices are not sampled there.

        Raises:
            UnsupportedError: an estimate cannot be avoided.
        """
        values = (part for head in heads for part in instances(head) if isinstance(part, ContractionValue))
        if any(self.values.spaces(value.number) for value in values):
            raise UnsupportedError(
                f"an estimated derivative enters {what}: the mean of the result is not the result at the mean",
                hint="estimates enter sums and products only: compute the operator exactly, or sample other spaces",
            )
        before, self.pairs = self.pairs, False
        result = tuple(self.rewrite(head, {})[0] for head in heads)
        self.pairs = before
        return result

    def _sum_over(self, label: str, size: int, body: Head, base: Used) -> tuple[Head, Used]:
        match body:
            case HeadSum(terms):
                return self._side_by_side(HeadSum, tuple(HeadSumOver(label, size, term) for term in terms), base)
            case HeadSumOver(inner, inner_size, inside) if inner != label:
                found = self._pair(label, size, inside, base)
                if found is not None:
                    return HeadSumOver(inner, inner_size, found[0]), found[1]
            case _:
                found = self._pair(label, size, body, base)
                if found is not None:
                    return found
        head, used = self.rewrite(body, base)
        return HeadSumOver(label, size, head), used

    def _pair(self, label: str, size: int, body: Head, base: Used) -> tuple[Head, Used] | None:
        """Return Σ_label body by drawn directions, None where no index of a sampled space is contracted simply."""
        if not self.pairs:
            return None
        factors = _factors(body)
        inside = [factor for factor in factors if _occurs(factor, label)]
        along = [_Along(*found) for factor in inside if (found := self._along(factor, label, size)) is not None]
        rest = [factor for factor in inside if self._along(factor, label, size) is None]
        twins = len(along) == 2 and not rest and not any(one.is_repeated(label) for one in along)
        if not (twins or len(along) == 1) or any(self._differentiates(factor, label, size) for factor in rest):
            return None
        pair_base, used = base, {along[0].space: 1}
        pairs: list[tuple[Paired, ...]] = []
        for one in along:
            pairs.append(self.values.paired(one.value.number, one.position, pair_base, _plus(base, used)))
            used = _plus(used, dict.fromkeys(self.values.spaces(one.value.number), 1))
        others: list[Head] = []
        for factor in [] if twins else rest:
            head, own = self.rewrite(factor, _plus(base, used))
            others.append(head)
            used = _plus(used, own)
        outer: list[Head] = []
        for factor in factors:
            if not _occurs(factor, label):
                head, own = self.rewrite(factor, _plus(base, used))
                outer.append(head)
                used = _plus(used, own)
        totals = [
            self._along_directions(own, along, None if twins else others, label, size)
            for own in zip(*pairs, strict=True)
        ]
        total = totals[0] if len(totals) == 1 else HeadSum(tuple(totals))
        return (HeadProduct((*outer, total)) if outer else total), used

    def _along_directions(
        self, pairs: tuple[Paired, ...], along: list[_Along], others: list[Head] | None, label: str, size: int
    ) -> Head:
        """Return c·Σ over directions of the product of derivatives along them.

        Args:
            pairs: one per derivative, with the same directions.
            along: the derivatives.
            others: factors with the contracted index as a component, or None where both factors are derivatives.
            label: the contracted index.
            size: its range.
        """
        direction = next(self.fresh)
        values: list[Head] = [one.along(direction, pair.number) for one, pair in zip(along, pairs, strict=True)]
        if others is not None:
            matrix = ParameterValue(pairs[0].parameter, (direction, label))
            inside = [*values, *others] if along[0].is_repeated(label) else others
            component = HeadSumOver(label, size, HeadProduct((matrix, *inside)))
            values = [component] if along[0].is_repeated(label) else [*values, component]
        total = HeadSumOver(direction, pairs[0].directions, HeadProduct(tuple(values)))
        return HeadProduct((Rational(pairs[0].factor), total))

    def _along(self, factor: Head, label: str, size: int) -> tuple[ContractionValue, int, str, bool] | None:
        """Return (contraction, position, space, conjugated) if a factor is differentiated along a sampled index."""
        inner, conjugated = _unconjugated(factor)
        if not isinstance(inner, ContractionValue):
            return None
        for position, index in enumerate(inner.indices):
            space = self.values.free_space(inner.number, position, size) if index == label else None
            if space is not None:
                return inner, position, space, conjugated
        return None

    def _differentiates(self, factor: Head, label: str, size: int) -> bool:
        """Whether a contraction inside a factor is differentiated along the index."""
        values = (part for part in instances(factor) if isinstance(part, ContractionValue))
        return any(self._along(value, label, size) is not None for value in values)


def _factors(body: Head) -> list[Head]:
    match body:
        case HeadProduct(factors):
            return [inner for factor in factors for inner in _factors(factor)]
        case HeadPower(Call("abs", (number,)), Rational(times)) if times == 2:
            return [*_factors(number), Call("conj", (number,))]
        case HeadPower(base, Rational(times)) if times == 2:
            return [*_factors(base), *_factors(base)]
        case _:
            return [body]


def _unconjugated(factor: Head) -> tuple[Head, bool]:
    match factor:
        case Call("conj", (inner,)):
            return inner, True
        case _:
            return factor, False


def _occurs(head: Head, label: str) -> bool:
    """Whether a label occurs in a head. No label is bound twice, so a bound one counts as well."""
    for part in instances(head):
        match part:
            case ParameterValue(indices=indices) | ContractionValue(indices=indices):
                if label in indices:
                    return True
            case CoordinateValue(index=index) if index == label:
                return True
            case Kronecker(left, right) if label in (left, right):
                return True
            case FunctionValue(derivatives=derivatives, indices=indices):
                if label in indices or any(index == label for _, index in derivatives):
                    return True
            case Components(label=own) if own == label:
                return True
            case _:
                pass
    return False


def _plus(left: Used, right: Used) -> Used:
    return {space: left.get(space, 0) + right.get(space, 0) for space in {**left, **right}}


def _most(left: Used, right: Used) -> Used:
    return {space: max(left.get(space, 0), right.get(space, 0)) for space in {**left, **right}}
