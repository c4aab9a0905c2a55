"""Slow and sure: a resolved expression evaluated by nested forward differentiation, straight from its meaning.

Shares no code with reduction, planning or Taylor propagation, so agreement with it is evidence. Every derivative
∂_i f is one `jax.jvp` of the function f, whatever f contains; products, chains and orders need no rules here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeAlias, assert_never

import jax
import jax.numpy as jnp

from opcompiler.errors import OperatorNameError
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations

__all__ = ["Reference"]

Point: TypeAlias = tuple[jax.Array, ...]
Function: TypeAlias = Callable[[Point], jax.Array]
Letters: TypeAlias = Mapping[str, int]

_CONSTANTS = {"pi": jnp.pi, "e": jnp.e}

_ELEMENTARY: dict[str, Callable[..., Any]] = {
    **{name: getattr(jnp, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "log2")},
    **{name: getattr(jnp, name) for name in ("log10", "sqrt", "cbrt", "abs", "sign", "conj")},
    **{f"a{name}": getattr(jnp, f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "cot": lambda x: 1 / jnp.tan(x),
    "sec": lambda x: 1 / jnp.cos(x),
    "csc": lambda x: 1 / jnp.sin(x),
    "coth": lambda x: 1 / jnp.tanh(x),
    "sech": lambda x: 1 / jnp.cosh(x),
    "csch": lambda x: 1 / jnp.sinh(x),
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "heaviside": lambda x: jnp.heaviside(x, 0.5),
    "re": jnp.real,
    "im": jnp.imag,
    "atan2": jnp.arctan2,
    "min": lambda *arguments: reduce(jnp.minimum, arguments),
    "max": lambda *arguments: reduce(jnp.maximum, arguments),
}


@dataclass(frozen=True)
class Reference:
    """Evaluates expressions at a point.

    Attributes:
        declarations: what the names mean.
        fields: name → function of one point (one argument per space), value of the declared shape.
        parameters: values of the parameters that have none in the declarations.
        functions: name → coefficient function.
    """

    declarations: Declarations
    fields: Mapping[str, Callable[..., jax.Array]] = field(default_factory=dict)
    parameters: Mapping[str, jax.Array] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., jax.Array]] = field(default_factory=dict)

    def value(self, node: ir.Expr, point: Point, letters: Letters | None = None) -> jax.Array:
        """Return the value of an expression, of its shape, with `letters` the indices bound by sums."""
        return jnp.asarray(self._value(node, point, letters or {}))

    def _value(self, node: ir.Expr, point: Point, letters: Letters) -> Any:
        def at(operand: ir.Expr) -> jax.Array:
            return self.value(operand, point, letters)

        def function(operand: ir.Expr) -> Function:
            return lambda moved: self.value(operand, moved, letters)

        match node:
            case ir.Number(value=value):
                return float(value)
            case ir.ImaginaryUnit():
                return 1j
            case ir.NamedConstant(name=name):
                return _CONSTANTS[name]
            case ir.Coordinate():
                space, index = self._coordinate(node, letters)
                return point[space].reshape(-1)[index]
            case ir.Position(space=space):
                return point[self._number(space)]
            case ir.Parameter(name=name):
                return self._parameter(name)
            case ir.Field(name=name):
                return self._field(name)(*point)
            case ir.UnitVector(axis=axis):
                return jnp.zeros(self.declarations.spatial_dim).at[axis].set(1.0).reshape(node.shape)
            case ir.FunctionCall():
                return self._call(node, [at(argument) for argument in node.arguments])
            case ir.Elementary(name=name, arguments=arguments):
                return _ELEMENTARY[name](*map(at, arguments))
            case ir.Negative(operand=operand):
                return -at(operand)
            case ir.Sum(terms=terms):
                return reduce(jnp.add, map(at, terms))
            case ir.Product(factors=factors):
                return reduce(jnp.multiply, map(at, factors))
            case ir.Quotient(numerator=numerator, denominator=denominator):
                return at(numerator) / at(denominator)
            case ir.Power(base=base, exponent=ir.Number(value=value)) if value.denominator == 1:
                return at(base) ** int(value)
            case ir.Power(base=base, exponent=exponent):
                return at(base) ** at(exponent)
            case ir.Component(operand=operand, indices=indices):
                return at(operand)[tuple(letters[i] if isinstance(i, str) else i for i in indices)]
            case ir.Vector(entries=entries):
                return jnp.stack([at(entry) for entry in entries])
            case ir.Dot(left=left, right=right) | ir.MatrixProduct(left=left, right=right):
                return jnp.tensordot(at(left), at(right), axes=1)
            case ir.DoubleDot(left=left, right=right):
                return jnp.sum(at(left) * at(right))
            case ir.Cross(left=left, right=right):
                return _cross(at(left), at(right))
            case ir.Outer(left=left, right=right):
                return jnp.tensordot(at(left), at(right), axes=0)
            case ir.Transpose(operand=operand):
                return at(operand).T
            case ir.Trace(operand=operand):
                return jnp.trace(at(operand))
            case ir.Determinant(operand=operand):
                return jnp.linalg.det(at(operand))
            case ir.Norm(operand=operand):
                value = at(operand)
                return jnp.sqrt(jnp.sum(jnp.real(value * jnp.conj(value))))
            case ir.IndexSum(index=index, lower=lower, upper=upper, body=body):
                terms = [self.value(body, point, {**letters, index: n}) for n in range(lower, upper + 1)]
                return reduce(jnp.add, terms, jnp.zeros(node.shape))
            case ir.Partial(operand=operand, coordinates=coordinates):
                return self._partial(function(operand), coordinates, letters)(point)
            case ir.Laplacian(operand=operand, space=space):
                return self._laplacian(function(operand), space)(point)
            case ir.DAlembertian(operand=operand):
                return self._dalembertian(function(operand))(point)
            case ir.Gradient(operand=operand, space=space):
                return self._jacobian(function(operand), self._spatial(space))(point).reshape(node.shape)
            case ir.Divergence(operand=operand):
                flat = _flattened(function(operand), len(node.shape))
                return jnp.trace(self._jacobian(flat, self._spatial())(point), axis1=-2, axis2=-1)
            case ir.Curl(operand=operand):
                return _curl(self._jacobian(function(operand), self._spatial())(point))
            case ir.Hessian(operand=operand):
                spatial = self._spatial()
                return self._jacobian(self._jacobian(function(operand), spatial), spatial)(point)
            case ir.Apply(operator=operator, operand=operand):
                return self._applied(operator, function(operand), letters)(point)
            case _:
                assert_never(node)

    def _applied(self, operator: ir.Operator, f: Function, letters: Letters) -> Function:
        match operator:
            case ir.OperatorMultiplication(factor=factor):
                return lambda point: self.value(factor, point, letters) * f(point)
            case ir.OperatorLaplacian(space=space):
                return self._laplacian(f, space)
            case ir.OperatorDAlembertian():
                return self._dalembertian(f)
            case ir.OperatorPartial(coordinates=coordinates):
                return self._partial(f, coordinates, letters)
            case ir.OperatorDirectional(vector=vector):
                jacobian = self._jacobian(f, self._spatial())
                return lambda point: jacobian(point) @ self.value(vector, point, letters).reshape(-1)
            case ir.OperatorSum(terms=terms):
                parts = [self._applied(term, f, letters) for term in terms]
                return lambda point: reduce(jnp.add, [part(point) for part in parts])
            case ir.OperatorComposition(factors=factors):
                return reduce(lambda g, factor: self._applied(factor, g, letters), reversed(factors), f)
            case ir.OperatorPower(base=base, exponent=exponent):
                return reduce(lambda g, _: self._applied(base, g, letters), range(exponent), f)
            case _:
                assert_never(operator)

    # --- derivatives ------------------------------------------------------------------------------------------------

    def _partial(self, f: Function, coordinates: Sequence[tuple[ir.Coordinate, int]], letters: Letters) -> Function:
        for coordinate, order in coordinates:
            for _ in range(order):
                f = self._along(f, self._coordinate(coordinate, letters))
        return f

    def _along(self, f: Function, coordinate: tuple[int, int]) -> Function:
        def derivative(point: Point) -> jax.Array:
            directions = self._directions(point, [coordinate])
            return jax.jvp(f, (point,), (tuple(d[0] for d in directions),))[1]

        return derivative

    def _jacobian(self, f: Function, coordinates: Sequence[tuple[int, int]]) -> Function:
        """All first derivatives along a new last axis."""

        def derivatives(point: Point) -> jax.Array:
            along = jax.vmap(lambda direction: jax.jvp(f, (point,), (direction,))[1], out_axes=-1)
            return along(self._directions(point, coordinates))

        return derivatives

    def _laplacian(self, f: Function, space: str | None) -> Function:
        def laplacian(point: Point) -> jax.Array:
            def second(direction: Point) -> jax.Array:
                def first(moved: Point) -> jax.Array:
                    return jax.jvp(f, (moved,), (direction,))[1]

                return jax.jvp(first, (point,), (direction,))[1]

            return jnp.sum(jax.vmap(second)(self._directions(point, self._spatial(space))), axis=0)

        return laplacian

    def _dalembertian(self, f: Function) -> Function:
        assert self.declarations.time is not None
        space, index = self.declarations.time
        time = (self._number(space), index)
        second = self._along(self._along(f, time), time)
        laplacian = self._laplacian(f, None)
        return lambda point: second(point) - laplacian(point)

    def _directions(self, point: Point, coordinates: Sequence[tuple[int, int]]) -> Point:
        """Unit tangents, one per coordinate along a new first axis."""
        numbers = jnp.arange(len(coordinates))
        tangents: list[jax.Array] = []
        for number, values in enumerate(point):
            here = [(n, index) for n, (space, index) in enumerate(coordinates) if space == number]
            flat = jnp.zeros((len(coordinates), values.size), values.dtype)
            if here:
                rows, columns = zip(*here, strict=True)
                flat = flat.at[numbers[jnp.array(rows)], jnp.array(columns)].set(1)
            tangents.append(flat.reshape((len(coordinates), *values.shape)))
        return tuple(tangents)

    # --- names ------------------------------------------------------------------------------------------------------

    def _number(self, space: str) -> int:
        return [s.name for s in self.declarations.spaces].index(space)

    def _coordinate(self, coordinate: ir.Coordinate, letters: Letters) -> tuple[int, int]:
        index = letters[coordinate.index] if isinstance(coordinate.index, str) else coordinate.index
        return self._number(coordinate.space), index

    def _spatial(self, space: str | None = None) -> list[tuple[int, int]]:
        return [(self._number(s), index) for s, index in self.declarations.spatial if space in (None, s)]

    def _parameter(self, name: str) -> Any:
        value = self.declarations.parameter(name).value
        if value is not None:
            return jnp.array(_floats(value))
        if name not in self.parameters:
            raise OperatorNameError(f"the parameter {name} has no value", hint=f"give one, e.g. --param {name}=0.1")
        return self.parameters[name]

    def _field(self, name: str) -> Callable[..., jax.Array]:
        if name not in self.fields:
            raise OperatorNameError(f"the field {name} has no value here", hint="a formula may use coordinates only")
        return self.fields[name]

    def _call(self, node: ir.FunctionCall, arguments: list[jax.Array]) -> Any:
        if node.name not in self.functions:
            raise OperatorNameError(
                f"the function {node.name} has no body",
                hint=f'write one, e.g. --function "{node.name}({", ".join("xyz"[: len(arguments)])})=…"',
            )
        function = self.functions[node.name]
        for argument, order in enumerate(node.derivative):
            for _ in range(order):
                function = _differentiated(function, argument)
        return function(*arguments)


def _differentiated(function: Callable[..., Any], argument: int) -> Callable[..., Any]:
    def derivative(*arguments: jax.Array) -> Any:
        def moved(value: jax.Array) -> Any:
            return function(*arguments[:argument], value, *arguments[argument + 1 :])

        value = jnp.asarray(arguments[argument])
        return jax.jvp(moved, (value,), (jnp.ones_like(value),))[1]

    return derivative


def _floats(values: Any) -> Any:
    return [_floats(value) for value in values] if isinstance(values, tuple) else float(values)


def _flattened(f: Function, kept: int) -> Function:
    """Return f with all axes after the first `kept` ones made one."""

    def flattened(point: Point) -> jax.Array:
        value = f(point)
        return value.reshape((*value.shape[:kept], -1))

    return flattened


def _cross(a: jax.Array, b: jax.Array) -> jax.Array:
    if a.shape == (2,):
        return a[0] * b[1] - a[1] * b[0]
    return jnp.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _curl(jacobian: jax.Array) -> jax.Array:
    """Return the curl from J[i, j] = ∂_j v_i."""
    if jacobian.shape == (2, 2):
        return jacobian[1, 0] - jacobian[0, 1]
    return jnp.stack(
        [jacobian[2, 1] - jacobian[1, 2], jacobian[0, 2] - jacobian[2, 0], jacobian[1, 0] - jacobian[0, 1]]
    )
