"""Operators as values: (1+Δ)², u·∇, ∂ₓ∂ₓ; their sums, products and powers, and their application."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from opcompiler.errors import DerivativeOrderError, LimitError, OperatorSyntaxError, RankError, Span, UnsupportedError
from opcompiler.ir import expression as ir
from opcompiler.ir.expression import Expr, Operator
from opcompiler.language.limits import MAX_DERIVATIVE_ORDER
from opcompiler.language.tensors import TensorBuilder, shape_name
from opcompiler.language.values import FunctionValue, OperatorValue, Value, Waiting, WordValue

__all__ = ["OperatorBuilder"]

_SCOPE_HINT = "fractional, inverse and symbolic powers of operators are out of scope"


class OperatorBuilder(TensorBuilder):
    """Makes operators and applies them."""

    def apply(self, waiting: Waiting, operand: Expr, span: Span) -> Expr:
        """Give an operator or function its operand."""
        match waiting:
            case FunctionValue(name, exponent):
                applied = self.elementary(name, (operand,), span)
                return applied if exponent is None else self.power(applied, exponent, span)
            case OperatorValue(operator):
                return self.apply_operator(operator, operand, span)
            case WordValue(kind, space):
                return self.apply_word(kind, space, operand, span)
            case _:
                assert_never(waiting)

    def apply_operator(self, operator: Operator, operand: Expr, span: Span) -> Expr:
        """Apply an operator; the named ones become nodes of their own."""
        match operator:
            case ir.OperatorLaplacian(space):
                return self.laplacian(operand, space, span)
            case ir.OperatorDAlembertian():
                return self.dalembertian(operand, span)
            case ir.OperatorPartial(coordinates):
                return self.partial(operand, coordinates, span)
            case ir.OperatorPower(ir.OperatorLaplacian() | ir.OperatorDAlembertian() as base, exponent):
                for _ in range(exponent):
                    operand = self.apply_operator(base, operand, span)
                return operand
            case _:
                return self.ledger.enter(ir.Apply(operator, operand, shape=operand.shape, span=span))

    def apply_word(self, kind: str, space: str | None, operand: Expr, span: Span) -> Expr:
        """Apply an operator that changes the rank."""
        match kind:
            case "gradient":
                return self.gradient(operand, space, span)
            case "gradient_squared":
                norm = self.norm(self.gradient(operand, space, span), span)
                return self.power(norm, ir.Number(Fraction(2), span=span), span)
            case "divergence":
                return self.divergence(operand, span)
            case "curl":
                return self.curl(operand, span)
            case "hessian":
                self.whole_space(space, span)
                return self.hessian(operand, span)
            case "trace":
                self.square("trace", operand, span)
                return self.ledger.enter(ir.Trace(operand, span=span))
            case "determinant":
                self.square("determinant", operand, span)
                return self.ledger.enter(ir.Determinant(operand, span=span))
            case "transpose":
                return self.transpose(operand, span)
            case "norm":
                return self.norm(operand, span)
            case _:
                raise self.error(OperatorSyntaxError, f"{kind} cannot be applied to one operand", span)

    def whole_space(self, space: str | None, span: Span) -> None:
        """Accept Hess_x only where x is all of the space."""
        if space is not None and self.declarations.space(space).dim != self.declarations.spatial_dim:
            raise self.error(UnsupportedError, "a Hessian over a part of the coordinates", span)

    def finished(self, value: Value, span: Span | None = None) -> Expr:
        """Return a value that waits for nothing."""
        if isinstance(value, OperatorValue | WordValue | FunctionValue):
            written = value.name if isinstance(value, FunctionValue) else "this operator"
            raise self.error(
                OperatorSyntaxError, f"{written} has no operand", span or value.span, "write it before its operand"
            )
        return value

    # --- algebra of operators -------------------------------------------------------------------------------------

    def as_operator(self, value: Value) -> Operator:
        """Read a scalar as multiplication by it."""
        match value:
            case OperatorValue(operator):
                return operator
            case WordValue() | FunctionValue():
                raise self.error(OperatorSyntaxError, "this operator has no operand and cannot be added", value.span)
            case _:
                if value.shape:
                    raise self.error(
                        RankError, f"{shape_name(value.shape)} beside a scalar operator", value.span, "use scalars"
                    )
                return self.ledger.enter(ir.OperatorMultiplication(value, span=value.span))

    def operator_sum(self, terms: list[tuple[int, Value]], span: Span) -> OperatorValue:
        """A sum with at least one operator in it."""
        operators = []
        for negations, term in terms:
            if isinstance(term, OperatorValue | WordValue | FunctionValue):
                operators.append(self.negated_operator(self.as_operator(term), negations, term.span))
            else:
                operators.append(self.as_operator(self.negative(term, negations)))
        if len(operators) == 1:
            return OperatorValue(operators[0], span)
        return OperatorValue(self.ledger.enter(ir.OperatorSum(tuple(operators), span=span)), span)

    def negated_operator(self, operator: Operator, negations: int, span: Span) -> Operator:
        """−operator, as multiplication by −1."""
        if negations % 2 == 0:
            return operator
        factors = list(operator.factors) if isinstance(operator, ir.OperatorComposition) else [operator]
        scale: Expr = ir.Number(Fraction(1), span=span)
        if isinstance(factors[0], ir.OperatorMultiplication):
            scale, factors = factors[0].factor, factors[1:]
        return self.compose([ir.OperatorMultiplication(self.negative(scale), span=span), *factors], span)

    def compose(self, factors: list[Operator], span: Span) -> Operator:
        """The composition, flat, with adjacent multiplications merged."""
        flat: list[Operator] = []
        for factor in factors:
            for part in factor.factors if isinstance(factor, ir.OperatorComposition) else (factor,):
                before = flat[-1] if flat else None
                if isinstance(part, ir.OperatorMultiplication) and isinstance(before, ir.OperatorMultiplication):
                    product = self.product([before.factor, part.factor], span)
                    flat[-1] = self.ledger.enter(ir.OperatorMultiplication(product, span=span))
                else:
                    flat.append(part)
        if len(flat) == 1:
            return flat[0]
        return self.ledger.enter(ir.OperatorComposition(tuple(flat), span=span))

    def apply_or_compose(self, waiting: Waiting, operand: Value, span: Span) -> Value:
        """Apply an operator to what stands on its right; two operators in a row are composed."""
        if not isinstance(operand, OperatorValue | WordValue | FunctionValue):
            return self.apply(waiting, operand, span)
        if isinstance(waiting, OperatorValue) and isinstance(operand, OperatorValue):
            return OperatorValue(self.compose([waiting.operator, operand.operator], span), span)
        if (
            isinstance(waiting, WordValue)
            and isinstance(operand, WordValue)
            and (waiting.kind, operand.kind) == ("divergence", "gradient")
        ):
            return OperatorValue(self.ledger.enter(ir.OperatorLaplacian(operand.space, span=span)), span)
        self.finished(operand)
        raise AssertionError("unreachable")

    # --- powers of operators --------------------------------------------------------------------------------------

    def operator_exponent(self, exponent: Expr) -> int:
        """Return the exponent of an operator."""
        value = self.ledger.constant(exponent)
        if exponent.shape:
            raise self.error(RankError, f"the exponent is {shape_name(exponent.shape)}", exponent.span)
        if value is None or value.denominator != 1 or value < 0:
            raise self.error(
                DerivativeOrderError, "the power of an operator is a natural number", exponent.span, _SCOPE_HINT
            )
        if value > MAX_DERIVATIVE_ORDER:
            raise self.error(LimitError, f"an operator power above {MAX_DERIVATIVE_ORDER}", exponent.span)
        return int(value)

    def waiting_power(self, waiting: Waiting, exponent: Expr, hessian: bool, span: Span) -> Waiting:
        """Raise an operator or a function that still waits for its operand."""
        match waiting:
            case FunctionValue(name, None):
                value = self.ledger.constant(exponent)
                if value is not None and value < 0:
                    raise self.error(
                        OperatorSyntaxError,
                        f"{name} to a negative power: the inverse function or the reciprocal?",
                        span,
                        "write asin(x) for the inverse function and 1/sin(x) for the reciprocal",
                    )
                return FunctionValue(name, exponent, span)
            case FunctionValue():
                raise self.error(OperatorSyntaxError, "two powers of a function without argument", span)
            case WordValue("gradient", space):
                return self.nabla_power(self.operator_exponent(exponent), space, hessian, span)
            case WordValue():
                raise self.error(
                    RankError, f"{waiting.written} has no powers", span, "repeat it, for example curl curl E"
                )
            case OperatorValue(operator):
                return OperatorValue(self.operator_power(operator, self.operator_exponent(exponent), span), span)
            case _:
                assert_never(waiting)

    def nabla_power(self, exponent: int, space: str | None, hessian: bool, span: Span) -> Waiting:
        """∇² is the Laplacian, or the Hessian where a matrix is wanted; ∇⁴ = Δ²."""
        if exponent % 2:
            if exponent == 1:
                return WordValue("gradient", space, "∇", span)
            raise self.error(
                RankError, f"∇ to the odd power {exponent}", span, "even powers are powers of the Laplacian"
            )
        if hessian and exponent == 2:
            return WordValue("hessian", space, "∇²", span)
        laplacian = ir.OperatorLaplacian(space, span=span)
        return OperatorValue(self.operator_power(laplacian, exponent // 2, span), span)

    def operator_power(self, operator: Operator, exponent: int, span: Span) -> Operator:
        """The n-fold composition."""
        match operator:
            case _ if exponent == 1:
                return operator
            case ir.OperatorPartial(coordinates):
                multiplied = tuple((coordinate, order * exponent) for coordinate, order in coordinates)
                return self.ledger.enter(ir.OperatorPartial(multiplied, span=span))
            case ir.OperatorPower(base, inner):
                return self.operator_power(base, inner * exponent, span)
            case _:
                return self.ledger.enter(ir.OperatorPower(operator, exponent, span=span))
