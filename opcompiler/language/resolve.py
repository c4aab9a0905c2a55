"""Syntax tree → `Expr`: names get their meaning, chains of factors their operators, every node its shape."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from opcompiler.errors import DerivativeOrderError, OperatorNameError, OperatorSyntaxError, RankError, Span
from opcompiler.ir import expression as ir
from opcompiler.ir.expression import Expr
from opcompiler.language import syntax
from opcompiler.language.chains import ChainResolver
from opcompiler.language.characters import PlainText
from opcompiler.language.scope import (
    CoordinateName,
    FieldName,
    FunctionName,
    ParameterName,
    Scope,
)
from opcompiler.language.syntax import Syntax
from opcompiler.language.tensors import shape_name
from opcompiler.language.tokens import ArgumentItem, IndexItem, OperatorSymbol, PartialSymbol, SubscriptItem
from opcompiler.language.values import FunctionValue, OperatorValue, Value, WordValue

__all__ = ["resolve"]


def resolve(tree: Syntax, plain: PlainText, scope: Scope) -> Expr:
    """Return the expression of a syntax tree; an equation is left − right.

    Raises:
        OperatorNameError, RankError, DerivativeOrderError, OperatorSyntaxError, LimitError: see each message.
    """
    resolver = _Resolver(plain.source, scope)
    if not isinstance(tree, syntax.Equation):
        return resolver.finished(resolver.value(tree))
    left = resolver.finished(resolver.value(tree.left))
    right = resolver.finished(resolver.value(tree.right))
    if _is_zero(right):
        return left
    if _is_zero(left):
        return resolver.negative(right)
    return resolver.sum([left, resolver.negative(right)], tree.span)


def _is_zero(side: Expr) -> bool:
    return isinstance(side, ir.Number) and side.value == 0


class _Resolver(ChainResolver):
    """Resolves one expression."""

    def value(self, node: Syntax, hessian: bool = False) -> Value:
        """Return what a node means; `hessian` says that ∇² stands where a matrix is wanted."""
        match node:
            case syntax.Literal(value):
                return self.ledger.enter(ir.Number(value, span=node.span))
            case syntax.Name(meaning):
                return self.name(meaning, node.span)
            case syntax.OperatorNode(symbol):
                return self.operator_symbol(symbol, node.span)
            case syntax.Function(function):
                return FunctionValue(function.name, None, node.span)
            case syntax.Group(entries):
                if len(entries) == 1:
                    return self.value(entries[0], hessian)
                return self.vector([self.finished(self.value(entry)) for entry in entries], node.span)
            case syntax.Bars():
                return self.bars(node)
            case syntax.Call(callee, arguments):
                return self.call(callee, arguments, node.span)
            case syntax.Leibniz():
                return self.leibniz(node)
            case syntax.Subscripted(base, items):
                return self.subscripted(base, items, node.span)
            case syntax.Primed(base, count):
                return self.primed(base, count, node.span)
            case syntax.Accented(base, count):
                time = self.need_time("a dot over a field", node.span)
                operand = self.finished(self.value(base))
                self.need_function(operand, node.span)
                return self.partial(operand, ((time, count),), node.span)
            case syntax.Transposed(base):
                return self.transpose(self.finished(self.value(base)), node.span)
            case syntax.Raised(base, exponent):
                return self.raised(base, exponent, hessian, node.span)
            case syntax.Chain(links):
                return self.chain(links, hessian, node.span)
            case syntax.Terms(terms):
                return self.terms(terms, hessian, node.span)
            case syntax.Summation():
                raise self.error(OperatorSyntaxError, "nothing is summed here", node.span)
            case syntax.Equation():
                raise self.error(OperatorSyntaxError, "an equation inside an expression", node.span)
            case _:
                assert_never(node)

    # --- operators and derivatives --------------------------------------------------------------------------------

    def operator_symbol(self, symbol: OperatorSymbol | PartialSymbol, span: Span) -> Value:
        """Return an operator that waits for its operand."""
        if isinstance(symbol, PartialSymbol):
            return self.partial_operator(symbol.items, span)
        space = self.space_of(symbol, span)
        match symbol.kind:
            case "laplacian" if isinstance(symbol.space, CoordinateName) and space is None:
                coordinate = self.coordinate(symbol.space, span)
                return OperatorValue(self.ledger.enter(ir.OperatorPartial(((coordinate, 2),), span=span)), span)
            case "laplacian" | "biharmonic":
                self.need_space("Δ", span)
                laplacian = self.ledger.enter(ir.OperatorLaplacian(space, span=span))
                power = 2 if symbol.kind == "biharmonic" else 1
                return OperatorValue(self.operator_power(laplacian, power, span), span)
            case "dalembertian":
                self.need_time("□", span)
                return OperatorValue(self.ledger.enter(ir.OperatorDAlembertian(span=span)), span)
            case _:
                return WordValue(symbol.kind, space, symbol.written, span)

    def partial_operator(self, items: tuple[SubscriptItem, ...], span: Span) -> Value:
        """Return ∂ along coordinates; of order 0 it is the identity."""
        coordinates = self.coordinates(items)
        return OperatorValue(self.ledger.enter(ir.OperatorPartial(coordinates, span=span)), span)

    def leibniz(self, node: syntax.Leibniz) -> Value:
        """∂ⁿu/∂x…, after the check that the orders agree."""
        below = sum(item.count for item in node.denominator)
        if below != node.order:
            raise self.error(
                DerivativeOrderError,
                f"derivative orders do not match: the denominator differentiates {below} times, "
                f"the numerator says {node.order}",
                node.span,
                "write the same total order above and below, as in ∂³u/∂x²∂y",
            )
        if node.numerator is None:
            return self.partial_operator(node.denominator, node.span)
        operand = self.finished(self.value(node.numerator))
        return self.partial(operand, self.coordinates(node.denominator), node.span)

    def primed(self, base: Syntax, count: int, span: Span) -> Expr:
        """u″ over the only space coordinate; F′ of a function of one argument."""
        if isinstance(base, syntax.Name) and isinstance(base.meaning, FunctionName):
            function = self.declarations.function(base.meaning.function)
            if len(function.arguments) == 1:
                call = self.bare_function(base.meaning.function, base.span)
                return self.ledger.enter(
                    ir.FunctionCall(call.name, call.arguments, (count,), shape=call.shape, span=span)
                )
        operand = self.finished(self.value(base))
        self.need_function(operand, span)
        if self.declarations.spatial_dim != 1:
            raise self.error(
                DerivativeOrderError,
                f"a prime needs exactly one space coordinate, there are {self.declarations.spatial_dim}",
                span,
                "write u_x or ∂u/∂x",
            )
        return self.partial(operand, ((self.spatial_coordinate(0, span), count),), span)

    def subscripted(self, base: Syntax, items: tuple[SubscriptItem, ...], span: Span) -> Expr:
        """Components first, then derivatives: v_{1,x}, a_ij, u_xx, F_s."""
        operand = self.finished(self.value(base))
        count = next((k for k, item in enumerate(items) if not isinstance(item.target, IndexItem)), len(items))
        if count:
            operand = self.component(operand, items[:count], span)
        rest = items[count:]
        if rest and isinstance(rest[0].target, ArgumentItem):
            return self.function_derivative(operand, rest, span)
        if rest:
            self.need_function(operand, span)
        return self.partial(operand, self.coordinates(rest), span)

    def need_function(self, operand: Expr, span: Span) -> None:
        """Refuse a_x of a constant, which is rather an undeclared name, and u²_x, which may mean two things."""
        if isinstance(operand, ir.Number):
            hint = "for a derivative of a power write (u²)_x, for the power of a derivative u_x²"
            raise self.error(OperatorNameError, "a derivative of a number", span, hint)
        if isinstance(operand, ir.Parameter | ir.Coordinate | ir.NamedConstant):
            raise self.error(OperatorNameError, "a derivative of a name that is no function of the coordinates", span)

    def function_derivative(self, operand: Expr, items: tuple[SubscriptItem, ...], span: Span) -> Expr:
        """F_s: the derivative of a coefficient function in one of its arguments."""
        names = [item.target.name for item in items if isinstance(item.target, ArgumentItem)]
        if not isinstance(operand, ir.FunctionCall) or len(names) < len(items):
            raise self.error(OperatorSyntaxError, "this subscript mixes arguments and coordinates", span)
        arguments = self.declarations.function(operand.name).arguments
        orders = list(operand.derivative)
        for name, item in zip(names, items, strict=True):
            orders[arguments.index(name)] += item.count
        return self.ledger.enter(
            ir.FunctionCall(operand.name, operand.arguments, tuple(orders), shape=operand.shape, span=span)
        )

    def raised(self, base: Syntax, exponent: Syntax, hessian: bool, span: Span) -> Value:
        """A power; Aᵀ if the exponent is the letter T and the base is no scalar."""
        if isinstance(base, syntax.Bars) and base.order is not None:
            order, power = self.finished(self.value(base.order)), self.finished(self.value(exponent))
            if order == power and self.ledger.constant(order) != 2:
                return self.power_sum(self.finished(self.value(base.inner)), order, span)
        value = self.value(base, hessian)
        if isinstance(value, OperatorValue | WordValue | FunctionValue):
            return self.waiting_power(value, self.finished(self.value(exponent)), hessian, span)
        letter = exponent.entries[0] if isinstance(exponent, syntax.Group) else exponent
        if value.shape and isinstance(letter, syntax.Name) and self.is_letter_t(letter):
            return self.transpose(value, span)
        return self.power(value, self.finished(self.value(exponent)), span)

    def bars(self, node: syntax.Bars) -> Expr:
        """|a|, |v|, ‖v‖_p."""
        operand = self.finished(self.value(node.inner))
        if node.order is None:
            return self.norm(operand, node.span)
        order = self.finished(self.value(node.order))
        if self.ledger.constant(order) == 2:
            return self.norm(operand, node.span)
        power = self.power_sum(operand, order, node.span)
        if self.ledger.constant(order) == 1:
            return power
        one = ir.Number(Fraction(1), span=node.span)
        return self.power(power, self.quotient(one, order, node.span), node.span)

    def power_sum(self, operand: Expr, order: Expr, span: Span) -> Expr:
        """Σ_i |v_i|^p, the p-th power of the p-norm of a vector."""
        if len(operand.shape) != 1:
            raise self.error(RankError, f"the p-norm of {shape_name(operand.shape)}", span, "it takes a vector")
        letter = next(letter for letter in "ijklmnabc" if letter not in self.bound)
        entry: Expr
        only = self.only_space()
        if isinstance(operand, ir.Gradient) and not operand.operand.shape and only is not None:
            coordinate = self.ledger.enter(ir.Coordinate(operand.space or only, letter, span=span))
            entry = self.partial(operand.operand, ((coordinate, 1),), span)
        else:
            entry = self.ledger.enter(ir.Component(operand, (letter,), span=span))
        body = self.elementary("abs", (entry,), span)
        if self.ledger.constant(order) != 1:
            body = self.power(body, order, span)
        return self.ledger.enter(ir.IndexSum(letter, 0, operand.shape[0] - 1, body, span=span))

    def is_letter_t(self, name: syntax.Name) -> bool:
        """Whether a declared name is T, so that ^T is still read as the transpose of a matrix."""
        meaning = name.meaning
        return (isinstance(meaning, ParameterName) and meaning.parameter == "T") or (
            isinstance(meaning, FieldName) and meaning.field == "T"
        )
