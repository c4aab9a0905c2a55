"""Heads as polynomials with every index written out, modulo a prime: what two normal forms are compared by."""

from opcompiler.ir.directing import COORDINATE, DIRECTION
from opcompiler.ir.head import (
    Call,
    Components,
    ContractionValue,
    CoordinateValue,
    FunctionValue,
    HeadPower,
    HeadProduct,
    HeadSum,
    HeadSumOver,
    ParameterValue,
    Rational,
)
from opcompiler.ir.symbol import PowerSum, Xi

PRIME = 2**61 - 1
ONE = {(): 1}


def times(left, right):
    total = {}
    for a, p in left.items():
        for b, q in right.items():
            key = tuple(sorted(a + b)) if a and b else a or b
            total[key] = (total.get(key, 0) + p * q) % PRIME
    return {key: value for key, value in total.items() if value}


def plus(*parts):
    total = {}
    for part in parts:
        for key, value in part.items():
            total[key] = (total.get(key, 0) + value) % PRIME
    return {key: value for key, value in total.items() if value}


def power(base, exponent):
    total = ONE
    for _ in range(exponent):
        total = times(total, base)
    return total


def number(value):
    """A rational number modulo the prime."""
    found = value.numerator * pow(value.denominator, -1, PRIME) % PRIME
    return {(): found} if found else {}


def value_of(name, indices):
    """A number for an entry of a parameter or function, another one for every entry."""
    found = sum(map(ord, name))
    for index in indices:
        found = (6_364_136_223 * found + index + 1) % PRIME
    return {(): found}


class Polynomials:
    """Polynomials in ξ and the marks of field values, so that (∂u)² differs from ∂²u."""

    def __init__(self, normal_form, directed=()):
        self.normal_form = normal_form
        self.directed = directed
        self.dims = {space.name: space.dim for space in normal_form.declarations.spaces}

    def outputs(self):
        return [self.of(output.body, {}) for output in self.normal_form.outputs]

    def of(self, head, where):
        """The head with its labels at the numbers `where`."""

        def at(indices):
            return [where.get(index, index) for index in indices]

        match head:
            case Rational(value):
                return number(value)
            case ParameterValue(name, indices) | FunctionValue(name=name, indices=indices):
                return value_of(name, at(indices))
            case CoordinateValue(space, index):
                return value_of(space, at((index,)))
            case ContractionValue(which, indices):
                contraction = self.normal_form.contractions[which]
                own, along = at(indices), len(contraction.free)
                free = own[len(own) - along :]
                total = times(self.symbol(contraction.symbol), {((contraction.field, *own[: len(own) - along]),): 1})
                for index, place in zip(contraction.free, free, strict=True):
                    total = times(total, power(self.xi(index.space, place), index.power))
                return total
            case HeadSum(terms):
                return plus(*(self.of(term, where) for term in terms))
            case HeadProduct(factors):
                total = ONE
                for factor in factors:
                    total = times(total, self.of(factor, where))
                return total
            case HeadPower(Call("abs", (base,)), Rational(exponent)) if exponent % 2 == 0:
                return power(self.of(base, where), int(exponent))
            case HeadPower(base, Rational(exponent)):
                return power(self.of(base, where), int(exponent))
            case HeadSumOver(label, size, body):
                return plus(*(self.of(body, {**where, label: n}) for n in range(size)))
            case Components(label, entries):
                return self.of(entries[where[label]], where)
        raise AssertionError(head)

    def symbol(self, symbol):
        parts = []
        for generators, coefficient in symbol.terms:
            total = {}
            for scalars, value in coefficient.terms:
                term = number(value)
                for scalar, exponent in scalars:
                    term = times(term, power(self.of(self.normal_form.scalars[scalar], {}), exponent))
                total = plus(total, term)
            for generator, exponent in generators:
                total = times(total, power(self.generator(generator), exponent))
            parts.append(total)
        return plus(*parts)

    def generator(self, generator):
        match generator:
            case Xi(space, index):
                return self.xi(space, index)
            case PowerSum(space, degree):
                return plus(*(power(self.xi(space, n), degree) for n in range(self.dims[space])))
        raise AssertionError(generator)

    def xi(self, space, index):
        """ξ of a coordinate; along a direction Σ_i rows[k, i] ξ_i."""
        own = [directed for directed in self.directed if directed.space == space]
        if not own:
            return {((space, index),): 1}
        return plus(
            *(
                times(self.of(part.rows, {DIRECTION: index, COORDINATE: n}), {((part.of, n),): 1})
                for part in own
                for n in range(self.dims[part.of])
            )
        )
