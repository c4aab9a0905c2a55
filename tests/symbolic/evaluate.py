"""What a normal form means: an independent evaluator on manufactured fields, exact derivatives, 30 digits.

Fields and coefficient functions are sympy expressions in the coordinates; contractions are worked out term by term
with `sympy.diff`, heads are walked with mpmath numbers. Nothing here knows how the reduction works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import mpmath
import numpy as np
import sympy

from opcompiler.ir import head as h
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.normal_form import Contraction, NormalForm
from opcompiler.ir.symbol import PowerSum, Quadric, Xi

DIGITS = 30

_FUNCTIONS = {
    "sec": mpmath.sec,
    "csc": mpmath.csc,
    "cot": mpmath.cot,
    "cbrt": lambda z: mpmath.sign(z) * mpmath.root(abs(z), 3) if mpmath.im(z) == 0 else mpmath.root(z, 3),
    "log2": lambda z: mpmath.log(z) / mpmath.log(2),
    "abs": abs,
    "sign": lambda z: mpmath.mpf(0) if z == 0 else z / abs(z),
    "heaviside": lambda x: mpmath.mpf(1 + (x > 0) - (x < 0)) / 2,
    "conj": mpmath.conj,
    "re": mpmath.re,
    "im": mpmath.im,
    "min": min,
    "max": max,
}


class Evaluator:
    """Values of the outputs of a normal form at one point.

    Args:
        normal_form: what is evaluated.
        fields: sympy expressions in `coordinates`, one or a sequence per field.
        point: space → its coordinates in C order, as exact numbers.
        parameters: run-time parameters, numbers or nested sequences.
        functions: name → (symbols of the flattened arguments, sympy expression or nested list of them).
    """

    def __init__(
        self,
        normal_form: NormalForm,
        fields: Mapping[str, Any],
        point: Mapping[str, Sequence[Any]],
        parameters: Mapping[str, Any] | None = None,
        functions: Mapping[str, tuple[Sequence[sympy.Symbol], Any]] | None = None,
    ) -> None:
        self.normal_form = normal_form
        self.fields = fields
        self.point = {space: [sympy.nsimplify(v) for v in values] for space, values in point.items()}
        self.parameters = parameters or {}
        self.functions = functions or {}
        self.substitution = {
            coordinate(space, n): value for space, values in self.point.items() for n, value in enumerate(values)
        }
        self._cache: dict[Any, Any] = {}

    def outputs(self) -> list[Any]:
        """Return one number or array per output, flattened to its labels."""
        with mpmath.workdps(DIGITS):
            return [self._output(output) for output in self.normal_form.outputs]

    def _output(self, output: h.Output) -> Any:
        names = [label for label, _ in output.labels]
        sizes = [size for _, size in output.labels]
        values = [
            self.value(output.body, dict(zip(names, where, strict=True)))
            for where in product(*(range(size) for size in sizes))
        ]
        return np.array(values, dtype=object).reshape(output.shape) if output.shape else values[0]

    def value(self, head: h.Head, bound: Mapping[str, int]) -> Any:
        """Return the value of a head when its free labels are bound."""

        def at(index: int | str) -> int:
            return bound[index] if isinstance(index, str) else index

        match head:
            case h.Rational(value):
                return _number(value)
            case h.Imaginary():
                return mpmath.mpc(0, 1)
            case h.Constant(name):
                return +mpmath.pi if name == "pi" else +mpmath.e
            case h.ParameterValue(name, indices):
                return _entry(self.parameters[name], [at(i) for i in indices])
            case h.CoordinateValue(space, index):
                return self._numeric(self.point[space][at(index)])
            case h.ContractionValue(number, indices):
                return self._contraction(number, tuple(at(i) for i in indices))
            case h.FunctionValue():
                return self._function(head, bound)
            case h.HeadSum(terms):
                return mpmath.fsum([self.value(term, bound) for term in terms])
            case h.HeadProduct(factors):
                return mpmath.fprod([self.value(factor, bound) for factor in factors])
            case h.HeadPower(base, exponent):
                return _power(self.value(base, bound), exponent, self, bound)
            case h.Call(name, arguments):
                function = _FUNCTIONS.get(name) or getattr(mpmath, name)
                return function(*(self.value(argument, bound) for argument in arguments))
            case h.Kronecker(left, right):
                return mpmath.mpf(at(left) == at(right))
            case h.HeadSumOver(label, size, body):
                return mpmath.fsum([self.value(body, {**bound, label: n}) for n in range(size)])
            case h.Components(label, entries):
                return self.value(entries[bound[label]], bound)
        raise AssertionError(f"{head} has no value")

    # --- leaves ---------------------------------------------------------------------------------------------

    def _contraction(self, number: int, indices: tuple[int, ...]) -> Any:
        key = (number, indices)
        if key not in self._cache:
            self._cache[key] = self._contraction_value(self.normal_form.contractions[number], indices)
        return self._cache[key]

    def _contraction_value(self, contraction: Contraction, indices: tuple[int, ...]) -> Any:
        shape = self.normal_form.declarations.field(contraction.field).shape
        rest = list(indices)
        component = contraction.component
        if component is None:
            component, rest = tuple(rest[: len(shape)]), rest[len(shape) :]
        u = _entry(self.fields[contraction.field], component)
        assert len(rest) == len(contraction.free)
        extra = [(coordinate(f.space, n), f.power) for f, n in zip(contraction.free, rest, strict=True)]
        total = mpmath.mpf(0)
        for monomial, coefficient in contraction.symbol.terms:
            choices = [self._generator(generator) for generator, power in monomial for _ in range(power)]
            weight = self._coefficient(coefficient)
            for terms in product(*choices):
                along = [pair for _, pairs in terms for pair in pairs] + extra
                factor = mpmath.fprod([_number(q) for q, _ in terms])
                total += weight * factor * self._derivative(u, tuple(sorted(along, key=str)))
        return total

    def _generator(self, generator: Xi | PowerSum | Quadric) -> list[tuple[Fraction, list[tuple[sympy.Symbol, int]]]]:
        match generator:
            case Xi(space, index):
                return [(Fraction(1), [(coordinate(space, index), 1)])]
            case PowerSum(space, degree):
                return [(Fraction(1), [(coordinate(space, n), degree)]) for n in range(len(self.point[space]))]
            case Quadric(space, matrix):
                assert all(matrix[i][j] == matrix[j][i] for i in range(len(matrix)) for j in range(i))
                return [
                    (matrix[i][j], [(coordinate(space, i), 1), (coordinate(space, j), 1)])
                    for i in range(len(matrix))
                    for j in range(len(matrix))
                ]

    def _derivative(self, u: sympy.Expr, along: tuple[tuple[sympy.Symbol, int], ...]) -> Any:
        key = (u, along)
        if key not in self._cache:
            derivative = sympy.sympify(u)
            for symbol, times in along:
                derivative = sympy.diff(derivative, symbol, times)
            self._cache[key] = self._numeric(derivative.subs(self.substitution))
        return self._cache[key]

    def _coefficient(self, coefficient: Coefficient) -> Any:
        return mpmath.fsum(
            [
                mpmath.fprod([_number(q), *(self.value(self.normal_form.scalars[n], {}) ** p for n, p in monomial)])
                for monomial, q in coefficient.terms
            ]
        )

    def _function(self, head: h.FunctionValue, bound: Mapping[str, int]) -> Any:
        symbols, expression = self.functions[head.name]
        arguments: list[Any] = []
        starts = []
        for argument in head.arguments:
            starts.append(len(arguments))
            if isinstance(argument, h.PositionValue):
                arguments += [self._numeric(v) for v in self.point[argument.space]]
            else:
                arguments.append(self.value(argument, bound))
        indices = [bound[i] if isinstance(i, str) else i for i in head.indices]
        derivative = sympy.sympify(_entry(expression, indices))
        for number, index in head.derivatives:
            place = bound[index] if isinstance(index, str) else index
            derivative = sympy.diff(derivative, symbols[starts[number] + place])
        values = {s: sympy.sympify(v) for s, v in zip(symbols, arguments, strict=True)}
        return self._numeric(derivative.subs(values))

    def _numeric(self, value: sympy.Expr) -> Any:
        return mpmath.mpmathify(sympy.N(value, DIGITS))


def coordinate(space: str, index: int) -> sympy.Symbol:
    """Return the symbol that stands for a coordinate in manufactured fields."""
    return sympy.Symbol(f"{space}{index}", real=True)


def _entry(value: Any, indices: Sequence[int]) -> Any:
    for index in indices:
        value = value[index]
    if isinstance(value, (int, float, Fraction)):
        return _number(Fraction(value))
    return value


def _number(value: Fraction | int) -> Any:
    value = Fraction(value)
    return mpmath.mpf(value.numerator) / value.denominator


def _power(base: Any, exponent: h.Head, evaluator: Evaluator, bound: Mapping[str, int]) -> Any:
    match exponent:
        case h.Rational(value) if value.denominator == 1:
            return base ** int(value)
        case _:
            return mpmath.power(base, evaluator.value(exponent, bound))
