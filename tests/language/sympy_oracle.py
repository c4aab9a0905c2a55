"""An independent reading of `Expr` by its docstrings, in sympy: every tensor is an array of sympy expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy
import sympy

from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations

ELEMENTARY: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(sympy, name)
        for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "exp", "log", "sqrt")
    },
    "min": sympy.Min,
    "max": sympy.Max,
}


class Oracle:
    """Evaluates expressions on manufactured fields.

    Args:
        declarations: of the expression.
        fields: declared field or component name → sympy expression in the coordinate symbols.
        parameters: name → number or nested list.
        functions: name → (argument symbols, value or list of values).
    """

    def __init__(
        self,
        declarations: Declarations,
        fields: Mapping[str, Any],
        parameters: Mapping[str, Any],
        functions: Mapping[str, tuple[tuple[sympy.Symbol, ...], Any]],
    ) -> None:
        self.declarations = declarations
        self.fields = fields
        self.parameters = parameters
        self.functions = functions
        self.letters: dict[str, int] = {}
        self.known: dict[ir.Expr, numpy.ndarray] = {}
        self.axes = [self.symbol(space, index) for space, index in declarations.spatial]

    def symbol(self, space: str, index: int | str) -> sympy.Symbol:
        number = self.letters[index] if isinstance(index, str) else index
        return sympy.Symbol(self.declarations.space(space).coordinate_name(number), real=True)

    def __call__(self, node: ir.Expr) -> numpy.ndarray:
        if not self.letters and node in self.known:
            return self.known[node]
        value = numpy.asarray(self.value(node), dtype=object)
        assert value.shape == node.shape, (node, value.shape)
        if not self.letters:
            self.known[node] = value
        return value

    def entrywise(self, function: Callable[[Any], Any], value: numpy.ndarray) -> numpy.ndarray:
        result = numpy.empty(value.shape, dtype=object)
        for place in numpy.ndindex(*value.shape):
            result[place] = function(value[place])
        return result

    def value(self, node: ir.Expr) -> Any:
        match node:
            case ir.Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case ir.ImaginaryUnit():
                return sympy.I
            case ir.NamedConstant(name):
                return sympy.pi if name == "pi" else sympy.E
            case ir.Coordinate(space, index):
                return self.symbol(space, index)
            case ir.Position(space):
                shape = self.declarations.space(space).shape
                return numpy.array([self.symbol(space, k) for k in range(prod(shape))], dtype=object).reshape(shape)
            case ir.Parameter(name):
                return numpy.vectorize(sympy.nsimplify, otypes=[object])(numpy.array(self.parameters[name]))
            case ir.Field(name):
                field = self.declarations.field(name)
                if not field.shape:
                    return self.fields[name]
                return numpy.array([self.fields[part] for part in field.components or ()], dtype=object)
            case ir.UnitVector(axis):
                return numpy.array([sympy.Integer(k == axis) for k in range(len(self.axes))], dtype=object)
            case ir.FunctionCall(name, arguments, derivative):
                return self.function(name, arguments, derivative)
            case ir.Elementary(name, arguments):
                return self.elementary(name, [self(argument)[()] for argument in arguments])
            case ir.Negative(operand):
                return -self(operand)
            case ir.Sum(terms):
                return sum((self(term) for term in terms[1:]), self(terms[0]))
            case ir.Product(factors):
                result: Any = sympy.Integer(1)
                for factor in factors:
                    result = result * self(factor)
                return result
            case ir.Quotient(numerator, denominator):
                return self(numerator) / self(denominator)[()]
            case ir.Power(base, exponent):
                return self(base)[()] ** self(exponent)[()]
            case ir.IndexSum(index, lower, upper, body):
                total: Any = sympy.Integer(0)
                for number in range(lower, upper + 1):
                    self.letters[index] = number
                    total = total + self(body)[()]
                del self.letters[index]
                return total
            case _:
                return self.tensor(node)

    def tensor(self, node: ir.Expr) -> Any:
        match node:
            case ir.Component(operand, indices):
                return self(operand)[tuple(self.letters[k] if isinstance(k, str) else k for k in indices)]
            case ir.Vector(entries):
                return numpy.stack([self(entry) for entry in entries])
            case ir.Dot(left, right) | ir.MatrixProduct(left, right):
                return numpy.tensordot(self(left), self(right), axes=(-1, 0))
            case ir.DoubleDot(left, right):
                return (self(left) * self(right)).sum()
            case ir.Cross(left, right):
                a, b = self(left), self(right)
                if a.shape == (2,):
                    return a[0] * b[1] - a[1] * b[0]
                return numpy.array(
                    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], dtype=object
                )
            case ir.Outer(left, right):
                return numpy.multiply.outer(self(left), self(right))
            case ir.Transpose(operand):
                return self(operand).T
            case ir.Trace(operand):
                return numpy.trace(self(operand))
            case ir.Determinant(operand):
                return sympy.Matrix(self(operand)).det(method="berkowitz")
            case ir.Norm(operand):
                return sympy.sqrt(sum(entry * conjugate(entry) for entry in self(operand).ravel()))
            case ir.Partial(operand, coordinates):
                result = self(operand)
                for coordinate, order in coordinates:
                    symbol = self.symbol(coordinate.space, coordinate.index)
                    result = self.entrywise(lambda e, s=symbol, n=order: sympy.diff(e, s, n, simplify=False), result)
                return result
            case ir.Laplacian(operand, space):
                return self.laplacian(self(operand), space)
            case ir.DAlembertian(operand):
                return self.time(self(operand)) - self.laplacian(self(operand), None)
            case ir.Gradient(operand, space):
                axes = self.space_axes(space)
                value = self(operand)
                rows = [self.entrywise(lambda e, s=symbol: sympy.diff(e, s), value) for symbol in axes]
                return numpy.stack(rows, axis=-1).reshape(node.shape)
            case ir.Divergence(operand):
                value = self(operand).reshape(*node.shape, -1)
                terms = (
                    self.entrywise(lambda e, s=s: sympy.diff(e, s), value[..., k]) for k, s in enumerate(self.axes)
                )
                return sum(terms, sympy.Integer(0))
            case ir.Curl(operand):
                return self.curl(self(operand))
            case ir.Hessian(operand):
                value = self(operand)[()]
                return numpy.array([[sympy.diff(value, a, b) for b in self.axes] for a in self.axes], dtype=object)
            case ir.Apply(operator, operand):
                return self.apply(operator, self(operand))
            case _:
                raise TypeError(type(node).__name__)

    def space_axes(self, space: str | None) -> list[sympy.Symbol]:
        if space is None:
            return self.axes
        return [self.symbol(space, k) for k in range(self.declarations.space(space).dim)]

    def laplacian(self, value: numpy.ndarray, space: str | None) -> Any:
        terms = (
            self.entrywise(lambda e, s=s: sympy.diff(e, s, 2, simplify=False), value) for s in self.space_axes(space)
        )
        return sum(terms, sympy.Integer(0))

    def time(self, value: numpy.ndarray) -> numpy.ndarray:
        assert self.declarations.time is not None
        symbol = self.symbol(*self.declarations.time)
        return self.entrywise(lambda e: sympy.diff(e, symbol, 2), value)

    def curl(self, value: numpy.ndarray) -> Any:
        def d(k: int, component: int) -> Any:
            return sympy.diff(value[component], self.axes[k])

        if len(self.axes) == 2:
            return d(0, 1) - d(1, 0)
        return numpy.array([d(1, 2) - d(2, 1), d(2, 0) - d(0, 2), d(0, 1) - d(1, 0)], dtype=object)

    def apply(self, operator: ir.Operator, value: numpy.ndarray) -> Any:
        match operator:
            case ir.OperatorMultiplication(factor):
                return self(factor)[()] * value
            case ir.OperatorLaplacian(space):
                return self.laplacian(value, space)
            case ir.OperatorDAlembertian():
                return self.time(value) - self.laplacian(value, None)
            case ir.OperatorPartial(coordinates):
                for coordinate, order in coordinates:
                    symbol = self.symbol(coordinate.space, coordinate.index)
                    value = self.entrywise(lambda e, s=symbol, n=order: sympy.diff(e, s, n, simplify=False), value)
                return value
            case ir.OperatorDirectional(vector):
                along = zip(self(vector).ravel(), self.axes, strict=True)
                terms = (a * self.entrywise(lambda e, s=s: sympy.diff(e, s), value) for a, s in along)
                return sum(terms, sympy.Integer(0))
            case ir.OperatorSum(terms):
                return sum((numpy.asarray(self.apply(term, value)) for term in terms), sympy.Integer(0))
            case ir.OperatorComposition(factors):
                for factor in reversed(factors):
                    value = numpy.asarray(self.apply(factor, value), dtype=object)
                return value
            case ir.OperatorPower(base, exponent):
                for _ in range(exponent):
                    value = numpy.asarray(self.apply(base, value), dtype=object)
                return value
            case _:
                raise TypeError(type(operator).__name__)

    def function(self, name: str, arguments: tuple[ir.Expr, ...], derivative: tuple[int, ...]) -> Any:
        symbols, body = self.functions[name]
        values = [self(argument)[()] for argument in arguments]

        def at_arguments(entry: Any) -> Any:
            for symbol, order in zip(symbols, derivative, strict=True):
                entry = sympy.diff(entry, symbol, order)
            return entry.subs(dict(zip(symbols, values, strict=True)), simultaneous=True)

        if isinstance(body, list):
            return numpy.array([at_arguments(entry) for entry in body], dtype=object)
        return at_arguments(body)

    def elementary(self, name: str, values: list[Any]) -> Any:
        match name:
            case "abs":
                return sympy.sqrt(values[0] * conjugate(values[0]))
            case "conj":
                return conjugate(values[0])
            case _:
                return ELEMENTARY[name](*values)


def conjugate(value: Any) -> Any:
    """The complex conjugate; all symbols are real."""
    return sympy.sympify(value).xreplace({sympy.I: -sympy.I})


def number(value: Any, point: Mapping[str, float]) -> complex:
    """The value of a sympy expression at a point, to more digits than a float holds."""
    places = {sympy.Symbol(name, real=True): sympy.Rational(place) for name, place in point.items()}
    return complex(sympy.sympify(value).evalf(20, subs=places))


def parsed(text: str, names: Mapping[str, Any]) -> Any:
    """A trusted sympy text of the corpus with its names bound to symbols or numbers."""
    return sympy.sympify(text, locals=dict(names))


def flat(value: numpy.ndarray) -> list[Any]:
    """All entries in C order."""
    return list(numpy.asarray(value, dtype=object).ravel())
