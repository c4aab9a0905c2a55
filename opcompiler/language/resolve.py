"""Syntax tree → `Expr`: names get their meaning, chains of factors their operators, every node its shape."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from opcompiler.errors import DerivativeOrderError, OperatorNameError, OperatorSyntaxError, RankError, Span
from opcompiler.ir import expression as ir
from opcompiler.ir.expression import Expr
from opcompiler.language import syntax
from opcompiler.language.calls import CallResolver
from opcompiler.language.characters import PlainText
from opcompiler.language.indices import NeedsExpansion, SumRange
from opcompiler.language.limits import MAX_EXPANDED_SUM
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


class _Resolver(CallResolver):
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

    # --- sums and chains ------------------------------------------------------------------------------------------

    def terms(self, terms: tuple[tuple[int, Syntax], ...], hessian: bool, span: Span) -> Value:
        """A sum, of expressions or of operators."""
        values = [(negations, self.value(term, hessian)) for negations, term in terms]
        if any(isinstance(value, OperatorValue | WordValue | FunctionValue) for _, value in values):
            return self.operator_sum(values, span)
        signed = [
            self.negative(self.finished(value), negations, span if len(values) == 1 else None)
            for negations, value in values
        ]
        return self.sum(signed, span)

    def chain(self, links: tuple[syntax.Link, ...], hessian: bool, span: Span) -> Value:
        """Factors in a row: apply the operators from the right, then multiply from the left."""
        links = self.without_evaluations(links)
        if len(links) == 1 and not links[0].negations:
            return self.value(links[0].factor, hessian)
        hessian = hessian or any(link.connector == ":" for link in links)
        pieces: list[tuple[str, Value]] = []
        for position, link in enumerate(links):
            if isinstance(link.factor, syntax.Summation):
                body = links[position + 1 :]
                if not body or body[0].connector:
                    raise self.error(OperatorSyntaxError, "nothing is summed here", link.factor.span)
                summed = self.summation(link.factor, body, hessian)
                pieces.append((link.connector, self.negative(summed, link.negations)))
                break
            value = self.value(link.factor, hessian)
            if link.negations % 2:
                ((_, value),) = [(0, self.negated(value))]
            pieces.append((link.connector, value))
        self.refuse_unclear_argument(links)
        return self.multiply(self.join_matrices(self.apply_prefixes(pieces)), span)

    def without_evaluations(self, links: tuple[syntax.Link, ...]) -> tuple[syntax.Link, ...]:
        """Drop the brackets of u_t(x,t): a derivative at exactly the coordinates is the derivative."""
        kept: list[syntax.Link] = []
        for link in links:
            bracket = link.factor.base if isinstance(link.factor, syntax.Raised) else link.factor
            if not (kept and not link.connector and self.is_derivative(kept[-1].factor) and self.is_place(bracket)):
                kept.append(link)
            elif isinstance(link.factor, syntax.Raised):
                before = kept.pop()
                raised = syntax.Raised(before.factor, link.factor.exponent, span=before.span | link.span)
                kept.append(syntax.Link(before.connector, before.negations, raised, span=raised.span))
        return tuple(kept)

    def is_derivative(self, node: Syntax) -> bool:
        """Whether a factor is written as a derivative of something."""
        while isinstance(node, syntax.Group) and len(node.entries) == 1:
            node = node.entries[0]
        if isinstance(node, syntax.Leibniz):
            return node.numerator is not None
        return isinstance(node, syntax.Subscripted | syntax.Primed | syntax.Accented)

    def is_place(self, node: Syntax) -> bool:
        """Whether a bracket holds exactly all coordinates."""
        if not isinstance(node, syntax.Group):
            return False
        meanings = [entry.meaning for entry in node.entries if isinstance(entry, syntax.Name)]
        return len(meanings) == len(node.entries) and self.scope.covers_spaces(meanings)

    def negated(self, value: Value) -> Value:
        """−value inside a chain."""
        if isinstance(value, OperatorValue | WordValue | FunctionValue):
            return self.operator_sum([(1, value)], value.span)
        return self.negative(value)

    def refuse_unclear_argument(self, links: tuple[syntax.Link, ...]) -> None:
        """Refuse sin 2x and log u v: does the function take one factor or all?"""
        for function, argument, after in zip(links, links[1:], links[2:], strict=False):
            base = function.factor.base if isinstance(function.factor, syntax.Raised) else function.factor
            simple = isinstance(argument.factor, syntax.Literal | syntax.Name | syntax.Raised | syntax.Subscripted)
            unclear = isinstance(after.factor, syntax.Literal | syntax.Name | syntax.Raised | syntax.Subscripted)
            if isinstance(after.factor, syntax.Raised):
                unclear = isinstance(after.factor.base, syntax.Literal | syntax.Name | syntax.Subscripted)
            if isinstance(base, syntax.Function) and simple and unclear and not (argument.connector or after.connector):
                raise self.error(
                    OperatorSyntaxError,
                    f"how much of this does {base.function.name} take?",
                    function.factor.span | after.factor.span,
                    f"put the argument in brackets: {base.function.name}(…)",
                )

    def apply_prefixes(self, pieces: list[tuple[str, Value]]) -> list[tuple[str, Value]]:
        """Apply every operator to the factor directly on its right, from the right to the left."""
        applied: list[tuple[str, Value]] = []
        for connector, value in reversed(pieces):
            if applied and not applied[-1][0] and isinstance(value, OperatorValue | WordValue | FunctionValue):
                _, operand = applied.pop()
                value = self.apply_or_compose(value, operand, value.span | operand.span)
            applied.append((connector, value))
        return applied[::-1]

    def join_matrices(self, pieces: list[tuple[str, Value]]) -> list[tuple[str, Value]]:
        """Multiply matrices written side by side first: u·A v is u·(A v), xᵀA x is xᵀ(A x)."""
        joined: list[tuple[str, Value]] = []
        for connector, value in reversed(pieces):
            if (
                joined
                and not joined[-1][0]
                and not isinstance(value, OperatorValue | WordValue | FunctionValue)
                and value.shape
            ):
                right = joined[-1][1]
                if not isinstance(right, OperatorValue | WordValue | FunctionValue) and right.shape:
                    joined.pop()
                    value = self.juxtapose(value, right, value.span | right.span)
            joined.append((connector, value))
        return joined[::-1]

    def multiply(self, pieces: list[tuple[str, Value]], span: Span) -> Value:
        """Multiply, divide, dot … from the left to the right."""
        factors: list[Expr] = []
        operator: OperatorValue | WordValue | FunctionValue | None = None
        for connector, value in pieces:
            if operator is not None:
                operator = self.after_operator(operator, connector, value)
            elif isinstance(value, OperatorValue | WordValue | FunctionValue):
                operator = self.before_operator(factors, connector, value)
            else:
                self.multiply_one(factors, connector, value)
        if operator is None:
            return self.product(factors, span)
        if not factors:
            return operator
        multiplier = self.as_operator(self.product(factors, span))
        return OperatorValue(self.compose([multiplier, self.as_operator(operator)], span), span)

    def before_operator(
        self, factors: list[Expr], connector: str, value: OperatorValue | WordValue | FunctionValue
    ) -> OperatorValue | WordValue | FunctionValue:
        """Read 2Δ, 2*Δ and v·∇, where no operand follows."""
        if connector in ("·", "@") and isinstance(value, WordValue) and value.kind == "gradient" and factors:
            position = next((k for k, factor in enumerate(factors) if factor.shape), None)
            if position is None:
                raise self.error(RankError, "a scalar before ·∇", value.span, "v·∇ needs a vector v")
            vector = factors.pop(position)
            axes = self.declarations.spatial_shape
            vector = self.as_vector(vector, ir.Number(Fraction(0), shape=axes))
            if vector.shape != axes or value.space is not None:
                raise self.error(RankError, f"v·∇ needs a vector of shape {axes}", vector.span)
            directional = self.ledger.enter(ir.OperatorDirectional(vector, span=vector.span | value.span))
            return OperatorValue(directional, vector.span | value.span)
        if connector in ("", "*") or (connector == "·" and isinstance(value, OperatorValue)):
            return value
        raise self.error(OperatorSyntaxError, f"an operator after {connector!r} has no operand", value.span)

    def after_operator(
        self, operator: OperatorValue | WordValue | FunctionValue, connector: str, value: Value
    ) -> OperatorValue | WordValue | FunctionValue:
        """Read Δ/2; refuse Δ*u and Δ·u."""
        if (
            connector == "/"
            and isinstance(operator, OperatorValue)
            and not isinstance(value, OperatorValue | WordValue | FunctionValue)
        ):
            one = ir.Number(Fraction(1), span=value.span)
            factor = self.as_operator(self.quotient(one, value, value.span))
            return OperatorValue(self.compose([factor, operator.operator], operator.span), operator.span)
        raise self.error(
            OperatorSyntaxError,
            f"an operator before {connector or 'a factor'} has no operand",
            operator.span,
            "an operator is written directly before its operand: Δu, ∂_x u, (1 + Δ)u",
        )

    def multiply_one(self, factors: list[Expr], connector: str, value: Expr) -> None:
        """Multiply the factors so far by one more, in place."""
        if not factors:
            factors.append(value)
            return
        span = factors[0].span | value.span
        position = next((k for k, factor in enumerate(factors) if factor.shape), None)
        if connector == "/":
            numerator = self.product(list(factors), factors[0].span | factors[-1].span)
            factors[:] = [self.quotient(numerator, value, span)]
            return
        both_scalar = position is None and not value.shape
        if both_scalar and connector in ("", "*", "·", "×"):
            factors.append(value)
            return
        if connector in ("", "*"):
            if position is None or not value.shape:
                factors.append(value)
            else:
                left = factors[position]
                factors[position] = self.juxtapose(left, value, left.span | value.span)
            return
        if connector == "·" and self.is_scaling(factors, position, value):
            factors.append(value)
            return
        position = len(factors) - 1 if position is None else position
        left = factors[position]
        combine = {"·": self.dot, "@": self.dot, "×": self.cross, "⊗": self.outer, ":": self.double_dot}[connector]
        factors[position] = combine(left, value, left.span | value.span)

    def is_scaling(self, factors: list[Expr], position: int | None, value: Expr) -> bool:
        """Whether a dot multiplies a tensor by a number (2·∇u) or by a constant (ρ·v, but not before a gradient)."""
        scalars = [value] if position is not None else factors
        tensor = value if position is None else factors[position]
        if bool(value.shape) == (position is not None):
            return False
        if all(isinstance(factor, ir.Number | ir.Quotient) and self.is_number(factor) for factor in scalars):
            return True
        is_gradient = isinstance(tensor, ir.Gradient)
        return not is_gradient and all(isinstance(factor, ir.Parameter | ir.Number) for factor in scalars)

    def is_number(self, expression: Expr) -> bool:
        """Whether the value is known."""
        return self.ledger.constant(expression) is not None

    # --- index sums -----------------------------------------------------------------------------------------------

    def summation(self, node: syntax.Summation, body: tuple[syntax.Link, ...], hessian: bool) -> Expr:
        """Sum over letters; written out only where coordinates are declared one by one."""
        span = node.span | body[-1].span
        return self.sum_over(node.bounds.letters, self.sum_range(node.bounds, node.span), body, hessian, span)

    def sum_over(
        self, letters: tuple[str, ...], bounds: SumRange, body: tuple[syntax.Link, ...], hessian: bool, span: Span
    ) -> Expr:
        """Sum over the first letter of the sum over the others."""
        if not letters:
            return self.finished(self.chain(body, hessian, body[0].span | body[-1].span))
        letter, rest = letters[0], letters[1:]
        self.bind(letter, bounds, span)
        try:
            inner = self.sum_over(rest, bounds, body, hessian, span)
            if inner.shape:
                raise NeedsExpansion
            return self.ledger.enter(ir.IndexSum(letter, bounds.lower, bounds.upper, inner, span=span))
        except NeedsExpansion:
            if bounds.upper - bounds.lower >= MAX_EXPANDED_SUM:
                raise
        finally:
            self.unbind(letter)
        terms: list[Expr] = []
        for number in range(bounds.lower, bounds.upper + 1):
            self.bind(letter, number, span)
            try:
                terms.append(self.sum_over(rest, bounds, body, hessian, span))
            finally:
                self.unbind(letter)
        return self.sum(terms, span)
