"""A normal form as a sympy expression with derivatives, to print it or to work on with computer algebra."""

from __future__ import annotations

from itertools import product
from typing import Any, assert_never

import sympy

from opcompiler.errors import UnsupportedError
from opcompiler.ir.coefficient import Coefficient
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
    Output,
    ParameterValue,
    PositionValue,
    Rational,
)
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.symbol import Generator, PowerSum, Quadric, Xi
from opcompiler.symbolic.limits import EXPANDED_BLOCK
from opcompiler.symbolic.pointwise import rational

__all__ = ["to_sympy"]

_FUNCTIONS: dict[str, Any] = {
    "abs": sympy.Abs,
    "conj": sympy.conjugate,
    "cbrt": lambda x: sympy.real_root(x, 3),
    "heaviside": lambda x: sympy.Heaviside(x, sympy.S.Half),
    "log2": lambda x: sympy.log(x, 2),
    "log10": lambda x: sympy.log(x, 10),
    "min": sympy.Min,
    "max": sympy.Max,
}
"""Names that sympy spells differently; `cbrt` is the real root."""


def to_sympy(normal_form: NormalForm) -> Any:
    """Return the outputs as sympy expressions, an array per vector or matrix.

    Coordinates and parameters are symbols of their written names (`x1`, `A12`), fields are functions of all
    coordinates (`v1(x, y, t)`), coefficient functions are functions of their arguments.

    Args:
        normal_form: over spaces of at most `EXPANDED_BLOCK` coordinates in total.

    Returns:
        One expression, a tuple of them, or a dict, like the result of the operator.

    Raises:
        UnsupportedError: the spaces are too large to be written out.
    """
    size = sum(space.dim for space in normal_form.declarations.spaces)
    if size > EXPANDED_BLOCK:
        raise UnsupportedError(
            f"{size} coordinates cannot be written out", hint=f"export needs at most {EXPANDED_BLOCK} coordinates"
        )
    export = _Export(normal_form)
    values = tuple(export.output(output) for output in normal_form.outputs)
    if normal_form.labels is None:
        return values[0]
    return dict(zip(normal_form.labels, values, strict=True)) if normal_form.labels else values


class _Export:
    def __init__(self, normal_form: NormalForm) -> None:
        self.normal_form = normal_form
        self.declarations = normal_form.declarations

    def output(self, output: Output) -> Any:
        names = [label for label, _ in output.labels]
        places = product(*(range(size) for _, size in output.labels))
        values = [self.head(output.body, dict(zip(names, place, strict=True))) for place in places]
        return sympy.ImmutableDenseNDimArray(values, output.shape) if output.shape else values[0]

    def head(self, head: Head, bound: dict[str, int]) -> Any:
        match head:
            case Rational(value):
                return rational(value)
            case Imaginary():
                return sympy.I
            case Constant(name):
                return sympy.pi if name == "pi" else sympy.E
            case ParameterValue(name, indices):
                return sympy.Symbol(name + "".join(str(_at(i, bound) + 1) for i in indices))
            case CoordinateValue(space, index):
                return self.coordinate(space, _at(index, bound))
            case PositionValue(space):
                return sympy.Tuple(*self.coordinates(space))
            case ContractionValue(number, indices):
                return self.contraction(number, [_at(i, bound) for i in indices])
            case FunctionValue():
                return self.function(head, bound)
            case HeadSum(terms):
                return sympy.Add(*(self.head(term, bound) for term in terms))
            case HeadProduct(factors):
                return sympy.Mul(*(self.head(factor, bound) for factor in factors))
            case HeadPower(base, exponent):
                return sympy.Pow(self.head(base, bound), self.head(exponent, bound))
            case Call(name, arguments):
                function = _FUNCTIONS.get(name) or getattr(sympy, name)
                return function(*(self.head(argument, bound) for argument in arguments))
            case Kronecker(left, right):
                return sympy.Integer(_at(left, bound) == _at(right, bound))
            case HeadSumOver(label, size, body):
                return sympy.Add(*(self.head(body, {**bound, label: n}) for n in range(size)))
            case Components(label, entries):
                return self.head(entries[bound[label]], bound)
        assert_never(head)

    def coordinate(self, space: str, index: int) -> sympy.Symbol:
        return sympy.Symbol(self.declarations.space(space).coordinate_name(index))

    def coordinates(self, space: str) -> list[sympy.Symbol]:
        return [self.coordinate(space, n) for n in range(self.declarations.space(space).dim)]

    def contraction(self, number: int, indices: list[int]) -> Any:
        contraction = self.normal_form.contractions[number]
        declared = self.declarations.field(contraction.field)
        component, free = contraction.component, indices
        if component is None:
            component, free = tuple(indices[: len(declared.shape)]), indices[len(declared.shape) :]
        name = declared.name
        if component:
            name = declared.components[component[0]] if declared.components else f"{name}{component[0] + 1}"
        everything = [c for space in self.declarations.spaces for c in self.coordinates(space.name)]
        u = sympy.Function(name)(*everything)
        for index, place in zip(contraction.free, free, strict=True):
            u = u.diff(self.coordinate(index.space, place), index.power)
        terms = []
        for monomial, coefficient in contraction.symbol.terms:
            derivative = u
            for generator, power in monomial:
                for _ in range(power):
                    derivative = self.generator(generator, derivative)
            terms.append(self.coefficient(coefficient) * derivative)
        return sympy.Add(*terms)

    def generator(self, generator: Generator, u: Any) -> Any:
        match generator:
            case Xi(space, index):
                return u.diff(self.coordinate(space, index))
            case PowerSum(space, degree):
                return sympy.Add(*(u.diff(c, degree) for c in self.coordinates(space)))
            case Quadric(space, matrix):
                along = self.coordinates(space)
                return sympy.Add(
                    *(
                        rational(matrix[i][j]) * u.diff(along[i], along[j])
                        for i, j in product(range(len(along)), repeat=2)
                    )
                )
        assert_never(generator)

    def coefficient(self, coefficient: Coefficient) -> Any:
        scalars = self.normal_form.scalars
        return sympy.Add(
            *(
                rational(q) * sympy.Mul(*(self.head(scalars[n], {}) ** p for n, p in monomial))
                for monomial, q in coefficient.terms
            )
        )

    def function(self, head: FunctionValue, bound: dict[str, int]) -> Any:
        arguments: list[Any] = []
        starts = []
        for argument in head.arguments:
            starts.append(len(arguments))
            value = self.head(argument, bound)
            arguments += list(value) if isinstance(argument, PositionValue) else [value]
        name = head.name + "".join(str(_at(i, bound) + 1) for i in head.indices)
        places = [sympy.Dummy(f"s{n}") for n in range(len(arguments))]
        value = sympy.Function(name)(*places)
        for number, index in head.derivatives:
            value = value.diff(places[starts[number] + _at(index, bound)])
        if not head.derivatives:
            return sympy.Function(name)(*arguments)
        return value.subs(dict(zip(places, arguments, strict=True)))


def _at(index: HeadIndex, bound: dict[str, int]) -> int:
    return bound[index] if isinstance(index, str) else index
