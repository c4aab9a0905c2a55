"""Names and calls: what a declared or built-in name stands for, alone or with arguments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import assert_never

from opcompiler.errors import (
    DerivativeOrderError,
    OperatorNameError,
    OperatorSyntaxError,
    RankError,
    Span,
)
from opcompiler.ir import expression as ir
from opcompiler.ir.expression import Expr
from opcompiler.language import syntax
from opcompiler.language.indices import IndexResolver
from opcompiler.language.limits import MAX_DERIVATIVE_ORDER
from opcompiler.language.scope import (
    ComponentName,
    CoordinateName,
    FieldName,
    FunctionName,
    ParameterName,
    SpaceName,
)
from opcompiler.language.syntax import Syntax
from opcompiler.language.tensors import shape_name
from opcompiler.language.tokens import (
    BuiltinFunction,
    CoefficientCall,
    ConstantName,
    DimensionName,
    ImaginaryName,
    IndexLetter,
    NameMeaning,
    OperatorSymbol,
    PartialSymbol,
    SubscriptItem,
    UnitVectorName,
)
from opcompiler.language.values import FunctionValue, OperatorValue, Value, Waiting, WordValue
from opcompiler.language.vocabulary import OPERATOR_ARITY

__all__ = ["CallResolver"]


class CallResolver(IndexResolver, ABC):
    """Resolves names and calls."""

    @abstractmethod
    def value(self, node: Syntax, hessian: bool = False) -> Value:
        """Return what a node means."""

    @abstractmethod
    def operator_symbol(self, symbol: OperatorSymbol | PartialSymbol, span: Span) -> Value:
        """Return an operator that waits for its operand."""

    # --- names ----------------------------------------------------------------------------------------------------

    def name(self, meaning: NameMeaning, span: Span) -> Expr:
        """Return what a name stands for."""
        match meaning:
            case CoordinateName():
                return self.coordinate(meaning, span)
            case SpaceName(name):
                return self.ledger.enter(ir.Position(name, shape=self.declarations.space(name).shape, span=span))
            case FieldName(name):
                return self.ledger.enter(ir.Field(name, shape=self.declarations.field(name).shape, span=span))
            case ComponentName(name, index):
                field = self.name(FieldName(name), span)
                if isinstance(index, str):
                    index = self.letter_index(index, field.shape[0], f"the field {name!r}", span)
                return self.ledger.enter(ir.Component(field, (index,), span=span))
            case ParameterName(name):
                return self.ledger.enter(ir.Parameter(name, shape=self.declarations.parameter(name).shape, span=span))
            case FunctionName(name):
                return self.bare_function(name, span)
            case ConstantName(name):
                return self.ledger.enter(ir.NamedConstant(name, span=span))
            case ImaginaryName():
                if "i" in self.bound:
                    return self.index_value("i", span)
                return self.ledger.enter(ir.ImaginaryUnit(span=span))
            case DimensionName():
                return self.ledger.enter(ir.Number(Fraction(self.declarations.spatial_dim), span=span))
            case IndexLetter(letter):
                if letter in self.bound:
                    return self.index_value(letter, span)
                raise self.error(OperatorNameError, f"the name {letter!r} is not declared", span)
            case UnitVectorName(item):
                return self.unit_vector(item, span)
            case _:
                assert_never(meaning)

    def unit_vector(self, item: SubscriptItem, span: Span) -> Expr:
        """e_y along a spatial coordinate."""
        dimension = self.declarations.spatial_dim
        (coordinate,) = (
            [self.coordinates((item,))[0][0]]
            if isinstance(item.target, CoordinateName)
            else [self.indexed_axis(item, span)]
        )
        if isinstance(coordinate.index, str):
            from opcompiler.language.indices import NeedsExpansion

            raise NeedsExpansion
        axis = 0
        for space in self.declarations.spaces:
            time = self.time_index(space.name)
            if space.name == coordinate.space:
                if coordinate.index == time:
                    raise self.error(RankError, "time has no unit vector", span)
                axis += coordinate.index - (time is not None and coordinate.index > time)
                break
            axis += space.dim - (time is not None)
        return self.ledger.enter(ir.UnitVector(axis, shape=(dimension,), span=span))

    def indexed_axis(self, item: SubscriptItem, span: Span) -> ir.Coordinate:
        """Read e_1 and e_i."""
        text = getattr(item.target, "text", None)
        if text is None:
            raise self.error(RankError, "a unit vector belongs to one coordinate", span)
        return self.spatial_coordinate(int(text[:15]) - 1 if text.isdigit() else text, span)

    def bare_function(self, name: str, span: Span) -> ir.FunctionCall:
        """Return a coefficient function at its declared arguments."""
        function = self.declarations.function(name)
        if not function.implicit:
            raise self.error(
                OperatorSyntaxError,
                f"the function {name!r} needs an argument",
                span,
                f"write {name}({', '.join('…' for _ in function.arguments)})",
            )
        arguments = tuple(self.declared_argument(argument, span) for argument in function.arguments)
        node = ir.FunctionCall(name, arguments, (0,) * len(arguments), shape=function.shape, span=span)
        return self.ledger.enter(node)

    def declared_argument(self, argument: str, span: Span) -> Expr:
        """Return the coordinate, space or field that a declared argument names."""
        entry = self.scope.get(argument)
        if isinstance(entry, SpaceName) and self.declarations.space(entry.space).shape == (1,):
            return ir.Position(entry.space, shape=(1,), span=span)
        assert entry is not None
        return self.name(entry, span)

    # --- calls ----------------------------------------------------------------------------------------------------

    def call(self, callee: syntax.Callee, arguments: tuple[Syntax, ...], span: Span) -> Value:
        """Return a function or word operator applied to its arguments."""
        match callee:
            case BuiltinFunction(name):
                return self.elementary(name, self.expressions(arguments), span)
            case CoefficientCall(function, primes):
                return self.coefficient(function.function, primes, arguments, span)
            case PartialSymbol():
                return self.apply_call(self.operator_symbol(callee, span), arguments, "∂", span)
            case OperatorSymbol(kind, _, written):
                if kind == "diff":
                    return self.diff(arguments, span)
                if kind in OPERATOR_ARITY:
                    return self.binary(kind, written, arguments, span)
                return self.apply_call(self.operator_symbol(callee, span), arguments, written, span)
            case _:
                assert_never(callee)

    def expressions(self, arguments: tuple[Syntax, ...]) -> tuple[Expr, ...]:
        """Resolve arguments that must be complete."""
        return tuple(self.finished(self.value(argument)) for argument in arguments)

    def apply_call(self, operator: Value, arguments: tuple[Syntax, ...], written: str, span: Span) -> Value:
        """lap(u), grad(u), d_x(…): one argument; inside tr and det ∇² is the Hessian."""
        if len(arguments) != 1:
            raise self.error(OperatorSyntaxError, f"{written} takes one argument, not {len(arguments)}", span)
        assert isinstance(operator, OperatorValue | WordValue | FunctionValue)
        wants_matrix = isinstance(operator, WordValue) and operator.kind in {"trace", "determinant"}
        operand = self.value(arguments[0], wants_matrix)
        return self.apply_or_compose(operator, operand, span)

    def binary(self, kind: str, written: str, arguments: tuple[Syntax, ...], span: Span) -> Value:
        """dot(a, b), cross(a, b), outer(a, b), inner(A, B), J(a, b)."""
        if len(arguments) != 2:
            raise self.error(OperatorSyntaxError, f"{written} takes two arguments, not {len(arguments)}", span)
        left = self.finished(self.value(arguments[0]))
        right = self.value(arguments[1])
        if kind == "dot" and isinstance(right, WordValue) and right.kind == "gradient":
            return self.before_dot(left, right, span)
        second = self.finished(right)
        match kind:
            case "dot":
                return self.dot(left, second, span)
            case "double_dot":
                return self.inner(left, second, span)
            case "cross":
                return self.cross(left, second, span)
            case "outer":
                return self.outer(left, second, span)
            case _:
                return self.jacobian(left, second, span)

    def before_dot(self, left: Expr, nabla: Waiting, span: Span) -> OperatorValue:
        """dot(v, grad): v·∇ without operand."""
        axes = self.declarations.spatial_shape
        if left.shape != axes or (isinstance(nabla, WordValue) and nabla.space is not None):
            raise self.error(RankError, f"v·∇ needs a vector of shape {axes}, not {shape_name(left.shape)}", left.span)
        return OperatorValue(self.ledger.enter(ir.OperatorDirectional(left, span=span)), span)

    def jacobian(self, left: Expr, right: Expr, span: Span) -> Expr:
        """J(a, b) = a_x b_y − a_y b_x in two space dimensions."""
        if self.declarations.spatial_dim != 2 or left.shape or right.shape:
            raise self.error(RankError, "J(a, b) takes two scalars over exactly two space coordinates", span)
        x, y = (self.spatial_coordinate(axis, span) for axis in (0, 1))

        def product(along_left: ir.Coordinate, along_right: ir.Coordinate) -> Expr:
            factors = [
                self.partial(left, ((along_left, 1),), span),
                self.partial(right, ((along_right, 1),), span),
            ]
            return self.product(factors, span)

        return self.sum([product(x, y), self.negative(product(y, x))], span)

    def coefficient(self, name: str, primes: int, arguments: tuple[Syntax, ...], span: Span) -> Expr:
        """c(x,y), f(u), F″(φ)."""
        function = self.declarations.function(name)
        if len(arguments) != len(function.arguments):
            raise self.error(
                OperatorSyntaxError,
                f"{name} takes {len(function.arguments)} argument(s), not {len(arguments)}",
                span,
                f"it is declared as {name}({','.join(function.arguments)}); for a product write {name}*(…)",
            )
        if primes and len(arguments) != 1:
            raise self.error(
                DerivativeOrderError,
                f"a prime needs a function of one argument, {name} has {len(arguments)}",
                span,
                f"write {name}_{function.arguments[0]} for the derivative in one argument",
            )
        values = tuple(
            self.coefficient_argument(declared, argument)
            for declared, argument in zip(function.arguments, arguments, strict=True)
        )
        orders = (primes,) if primes else (0,) * len(values)
        return self.ledger.enter(ir.FunctionCall(name, values, orders, shape=function.shape, span=span))

    def coefficient_argument(self, declared: str, argument: Syntax) -> Expr:
        """Resolve one argument; where a space or vector field is declared its shape is required."""
        entry = self.scope.get(declared)
        expected = self.declared_argument(declared, argument.span).shape if entry is not None else None
        value = self.finished(self.value(argument))
        if expected == (1,) and isinstance(value, ir.Coordinate):
            value = self.as_vector(value, ir.Number(Fraction(0), shape=(1,)))
        if expected is None:
            expected = ()
        if value.shape != expected:
            raise self.error(
                RankError, f"an argument is {shape_name(value.shape)}, expected {shape_name(expected)}", value.span
            )
        return value

    def diff(self, arguments: tuple[Syntax, ...], span: Span) -> Expr:
        """Differentiate an operand by a count of primes, or by coordinates and their orders."""
        if len(arguments) < 2:
            raise self.error(OperatorSyntaxError, "diff needs an operand and what to differentiate by", span)
        operand, *rest = self.expressions(arguments)
        coordinates: list[tuple[ir.Coordinate, int]] = []
        for item in rest:
            match item:
                case ir.Coordinate():
                    coordinates.append((item, 1))
                case ir.Number(value) if value.denominator == 1 and 0 <= value <= MAX_DERIVATIVE_ORDER:
                    if coordinates and coordinates[-1][1] == 1:
                        coordinates[-1] = (coordinates[-1][0], int(value))
                    elif not coordinates and self.declarations.spatial_dim == 1:
                        coordinates.append((self.spatial_coordinate(0, span), int(value)))
                    else:
                        raise self.error(
                            DerivativeOrderError,
                            "this order belongs to no coordinate",
                            item.span,
                            "write diff(u, x, 2)",
                        )
                case _:
                    raise self.error(
                        OperatorNameError, "diff differentiates by coordinates", item.span, "write diff(u, x, 2)"
                    )
        return self.partial(operand, self.merged(coordinates), span)

    def merged(self, coordinates: list[tuple[ir.Coordinate, int]]) -> tuple[tuple[ir.Coordinate, int], ...]:
        """Merge a repeated coordinate."""
        found: list[tuple[ir.Coordinate, int]] = []
        for coordinate, order in coordinates:
            if found and found[-1][0] == coordinate:
                found[-1] = (coordinate, found[-1][1] + order)
            else:
                found.append((coordinate, order))
        return tuple(found)
