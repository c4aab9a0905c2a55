"""Chains of factors: apply the operators from the right, multiply from the left, let sums take the rest."""

from __future__ import annotations

from fractions import Fraction

from opcompiler.errors import OperatorSyntaxError, RankError, Span
from opcompiler.ir import expression as ir
from opcompiler.ir.expression import Expr
from opcompiler.language import syntax
from opcompiler.language.calls import CallResolver
from opcompiler.language.indices import NeedsExpansion, SumRange
from opcompiler.language.limits import MAX_EXPANDED_SUM
from opcompiler.language.syntax import Syntax
from opcompiler.language.values import FunctionValue, OperatorValue, Value, WordValue

__all__ = ["ChainResolver"]


class ChainResolver(CallResolver):
    """Resolves sums and chains."""

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
        hint = "write ∂u/∂x" if connector == "/" else None
        raise self.error(OperatorSyntaxError, f"an operator after {connector!r} has no operand", value.span, hint)

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
