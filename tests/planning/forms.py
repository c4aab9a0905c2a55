"""Normal forms written by hand, and their symbols as plain polynomials: shared by the planning tests."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import NamedTuple

from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.declarations import Declarations, FieldDeclaration, ParameterDeclaration
from opcompiler.ir.head import ContractionValue, Output, ParameterValue, Rational
from opcompiler.ir.normal_form import Contraction, FreeIndex, NormalForm
from opcompiler.ir.plan import Certificate, Propagation
from opcompiler.ir.space import Space
from opcompiler.ir.symbol import PowerSum, Quadric, Symbol, Xi
from opcompiler.planning.labels import scalar_names
from opcompiler.planning.minimal_algebra import minimal_algebra

IDENTITY = Symbol.one()


def xi(space: str, power: int = 1, index: int = 0) -> Symbol:
    return Symbol.generator(Xi(space, index), power)


def laplacian(space: str = "x", power: int = 1) -> Symbol:
    return Symbol.generator(PowerSum(space, 2), power)


def power_sum(space: str, degree: int) -> Symbol:
    return Symbol.generator(PowerSum(space, degree))


def quadric(space: str, matrix) -> Symbol:
    return Symbol.generator(Quadric(space, tuple(tuple(Fraction(v) for v in row) for row in matrix)))


def times(symbol: Symbol, factor) -> Symbol:
    return symbol * Coefficient.of(Fraction(factor))


def runtime(number: int) -> Coefficient:
    """The value of scalar `number`, known only at call."""
    return Coefficient.scalar(number)


def of(symbol: Symbol, field: str = "u", free=()) -> Contraction:
    """A contraction; `free` lists spaces, or (space, power)."""
    indices = tuple(FreeIndex(f) if isinstance(f, str) else FreeIndex(*f) for f in free)
    return Contraction(field, symbol, indices)


def gradient(space: str = "x", field: str = "u") -> Contraction:
    return of(IDENTITY, field, (space,))


def normal_form(spaces, *contractions: Contraction, time: str | None = None) -> NormalForm:
    """Spaces are given as {"x": 5, "t": None}; fields are those that occur."""
    declared = tuple(Space(name, () if dim is None else (dim,)) for name, dim in spaces.items())
    fields = tuple(FieldDeclaration(name) for name in dict.fromkeys(c.field for c in contractions) or ("u",))
    numbers = {n for c in contractions for _, q in c.symbol.terms for m, _ in q.terms for n, _ in m}
    scalars = tuple(ParameterValue(f"k{n}") for n in range(max(numbers, default=-1) + 1))
    clock = None if time is None else (time, 0)
    parameters = tuple(ParameterDeclaration(scalar.name) for scalar in scalars)
    declarations = Declarations(declared, fields, clock, parameters)
    output = Output(ContractionValue(0) if contractions else Rational(Fraction(1)))
    return NormalForm(declarations, contractions, scalars, (output,), written=("Pu",))


class Smallest(NamedTuple):
    """The minimal algebra of a normal form, whatever a plan would choose."""

    joint: Propagation
    certificate: Certificate


def smallest(form: NormalForm) -> Smallest:
    names = scalar_names(form.scalars)
    return Smallest(*minimal_algebra(tuple(enumerate(form.contractions)), form.declarations, names))


def scalars(*names: str) -> dict[str, None]:
    return dict.fromkeys(names)


# --- the same symbols as {exponents: Fraction} over all coordinates ---------------------------------------------


def coordinates(form: NormalForm) -> list[tuple[str, int]]:
    return [(space.name, index) for space in form.declarations.spaces for index in range(space.dim)]


def polynomials(form: NormalForm, contraction: Contraction, values=()) -> list[dict[tuple[int, ...], Fraction]]:
    """The polynomial of every entry of a contraction, in C order over its free indices."""
    names = coordinates(form)
    symbol = _expand(contraction.symbol, names, values)
    result = []
    for entry in product(*([n for n in names if n[0] == free.space] for free in contraction.free)):
        shift = [0] * len(names)
        for name, free in zip(entry, contraction.free, strict=True):
            shift[names.index(name)] += free.power
        result.append({tuple(a + s for a, s in zip(alpha, shift, strict=True)): q for alpha, q in symbol.items()})
    return result


def _expand(symbol: Symbol, names, values) -> dict[tuple[int, ...], Fraction]:
    def unit(*places: int) -> tuple[int, ...]:
        return tuple(places.count(n) for n in range(len(names)))

    total: dict[tuple[int, ...], Fraction] = {}
    for monomial, coefficient in symbol.terms:
        term = {unit(): evaluate_coefficient(coefficient, values)}
        for generator, power in monomial:
            own = [n for n, (space, _) in enumerate(names) if space == generator.space]
            match generator:
                case Xi(space, index):
                    factor = {unit(names.index((space, index))): Fraction(1)}
                case PowerSum(_, degree):
                    factor = {unit(*[n] * degree): Fraction(1) for n in own}
                case Quadric(_, matrix):
                    factor = {}
                    for i, j in product(range(len(own)), repeat=2):
                        factor[unit(own[i], own[j])] = factor.get(unit(own[i], own[j]), 0) + matrix[i][j]
            for _ in range(power):
                term = multiply(term, factor)
        for alpha, q in term.items():
            total[alpha] = total.get(alpha, Fraction(0)) + q
    return {alpha: q for alpha, q in total.items() if q}


def evaluate_coefficient(coefficient: Coefficient, values) -> Fraction:
    total = Fraction(0)
    for monomial, q in coefficient.terms:
        for number, power in monomial:
            q *= Fraction(values[number]) ** power
        total += q
    return total


def multiply(left, right):
    result = {}
    for a, p in left.items():
        for b, q in right.items():
            alpha = tuple(i + j for i, j in zip(a, b, strict=True))
            result[alpha] = result.get(alpha, 0) + p * q
    return {alpha: q for alpha, q in result.items() if q}
