"""`Expr` → text that `parse` reads back as the same expression, in Unicode, ASCII or LaTeX.

The traversal, what goes into brackets and the order of the pieces are the same for all; the `Dialect` spells them.
Juxtaposition is used where the language reads it without doubt, a sign and brackets elsewhere.
"""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.expression import Expr, Index, Operator
from opcompiler.language.dialect import Coordinates, Dialect, Level, Piece, PrefixOperator
from opcompiler.language.dialect_ascii import Ascii
from opcompiler.language.dialect_latex import Latex
from opcompiler.language.scope import scope_of

__all__ = ["to_ascii", "to_latex", "to_unicode"]


def to_unicode(expression: Expr, declarations: Declarations) -> str:
    """Return the expression as text, with brackets wherever a reader could doubt.

    Args:
        expression: a resolved expression.
        declarations: those it was resolved by.

    Returns:
        Text with `parse(text, declarations).expressions == (expression,)` for every expression that `parse` returns.
    """
    return _Printer(declarations, Dialect()).print(expression)[0]


def to_ascii(expression: Expr, declarations: Declarations) -> str:
    """Return the expression as ASCII text: `u_xx + lap(u)^2`; see `to_unicode`.

    Declared names stay what they are, ε is not renamed; π stays itself where a name `pi` is declared.
    """
    return _Printer(declarations, Ascii()).print(expression)[0]


def to_latex(expression: Expr, declarations: Declarations) -> str:
    r"""Return the expression as LaTeX without dollar signs: `\frac{\partial u}{\partial x}`; see `to_unicode`.

    Greek letters of declared names, and names such as `omega`, become commands wherever these mean the same name.
    """
    return _Printer(declarations, Latex(scope_of(declarations))).print(expression)[0]


class _Printer:
    """Prints every node as (text, how tightly it holds)."""

    def __init__(self, declarations: Declarations, dialect: Dialect) -> None:
        self.declarations = declarations
        self.dialect = dialect

    def at_least(self, node: Expr, level: Level) -> str:
        """Return the text of a node, bracketed if it holds less tightly than wanted."""
        return self.dialect.enclosed(self.print(node), level)

    def bracketed(self, node: Expr) -> str:
        """Return the text in brackets."""
        return self.dialect.brackets(self.print(node)[0])

    def listed(self, nodes: tuple[Expr, ...]) -> str:
        """Return the texts with commas."""
        return ", ".join(self.print(node)[0] for node in nodes)

    def print(self, node: Expr) -> Piece:
        match node:
            case ir.Number(value):
                return self.number(value)
            case ir.ImaginaryUnit():
                return "i", Level.ATOM
            case ir.NamedConstant(name):
                return (self.pi() if name == "pi" else name), Level.ATOM
            case ir.Coordinate(space, index):
                return self.coordinate(space, index), Level.ATOM
            case ir.Position(name) | ir.Parameter(name) | ir.Field(name):
                return self.dialect.name(name), Level.ATOM
            case ir.UnitVector(axis):
                return self.dialect.indexed("e", str(axis + 1)), Level.ATOM
            case ir.FunctionCall():
                return self.function_call(node), Level.ATOM
            case ir.Elementary("abs", (argument,)):
                return self.dialect.bars(self.print(argument)[0]), Level.ATOM
            case ir.Elementary(name, arguments):
                return self.dialect.call(name, self.listed(arguments)), Level.ATOM
            case ir.Negative(operand):
                return f"-{self.at_least(operand, Level.SERIES)}", Level.SUM
            case ir.Sum(terms):
                return self.sum(terms), Level.SUM
            case ir.Product(factors):
                return self.product(factors), Level.PRODUCT
            case ir.Quotient(numerator, denominator):
                return self.dialect.quotient(self.print(numerator), self.print(denominator))
            case ir.Power(base, exponent):
                return self.power(self.at_least(base, Level.ATOM), exponent), Level.POWER
            case ir.IndexSum(index, lower, upper, body):
                letter, inner = self.dialect.name(index), self.at_least(body, Level.SERIES)
                return self.dialect.index_sum(letter, lower + 1, upper + 1, inner), Level.SERIES
            case _:
                return self.tensor(node)

    def tensor(self, node: Expr) -> Piece:
        match node:
            case ir.Component(operand, indices):
                return self.component(operand, indices), Level.ATOM
            case ir.Vector(entries):
                return self.dialect.brackets(self.listed(entries)), Level.ATOM
            case ir.Dot(left, right) if left == right and len(left.shape) == 1:
                return self.dialect.integer_power(self.at_least(left, Level.ATOM), 2), Level.POWER
            case ir.Dot(left, right):
                return self.dialect.tensor_product("dot", self.print(left), self.print(right))
            case ir.MatrixProduct(left, right):
                first, second = self.at_least(left, Level.POWER), self.at_least(right, Level.PREFIX)
                return self.dialect.juxtapose(first, second, plain=isinstance(right, ir.Vector)), Level.PRODUCT
            case ir.DoubleDot(left, right):
                return self.dialect.tensor_product("double_dot", self.print(left), self.print(right))
            case ir.Cross(left, right):
                return self.dialect.tensor_product("cross", self.print(left), self.print(right))
            case ir.Outer(left, right):
                return self.dialect.tensor_product("outer", self.print(left), self.print(right))
            case ir.Transpose(operand):
                return self.dialect.transpose(self.print(operand))
            case ir.Trace(operand):
                return self.dialect.call("tr", self.print(operand)[0]), Level.ATOM
            case ir.Determinant(operand):
                return self.dialect.call("det", self.print(operand)[0]), Level.ATOM
            case ir.Norm(operand):
                return self.dialect.bars(self.print(operand)[0]), Level.ATOM
            case _:
                return self.derivative(node)

    def derivative(self, node: Expr) -> Piece:
        match node:
            case ir.Partial(operand, coordinates):
                is_name = isinstance(operand, ir.Field | ir.Component | ir.FunctionCall)
                is_constant = isinstance(operand, ir.Number | ir.Parameter | ir.Coordinate | ir.NamedConstant)
                written = self.coordinates(coordinates)
                return self.dialect.partial(self.print(operand), written, is_name, is_constant)
            case ir.Laplacian(operand, space):
                return self.prefix("laplacian", operand, space)
            case ir.DAlembertian(operand):
                return self.prefix("dalembertian", operand)
            case ir.Gradient(operand, space):
                return self.prefix("gradient", operand, space)
            case ir.Divergence(operand):
                return self.prefix("divergence", operand)
            case ir.Curl(operand):
                return self.prefix("curl", operand)
            case ir.Hessian(operand):
                return self.dialect.call("Hess", self.print(operand)[0]), Level.ATOM
            case ir.Apply(operator, operand):
                return self.applied(operator, operand), Level.PREFIX
            case _:
                raise TypeError(f"{type(node).__name__} is not an expression")

    def prefix(self, kind: PrefixOperator, operand: Expr, space: str | None = None) -> Piece:
        written = self.waiting(kind, space)
        inner, count = operand, 1
        while isinstance(inner, ir.Laplacian) and kind == "laplacian" and inner.space == space:
            inner, count = inner.operand, count + 1
        power = self.dialect.iterated(written, count) if count > 1 else None
        if power is not None:
            return self.dialect.applied(power, self.print(inner))
        return self.dialect.applied(written, self.print(operand))

    def waiting(self, kind: PrefixOperator, space: str | None = None) -> str:
        return self.dialect.prefix(kind, None if space is None else self.dialect.name(space))

    # --- pieces ---------------------------------------------------------------------------------------------------

    def number(self, value: Fraction) -> Piece:
        if value < 0:
            return f"-{self.dialect.enclosed(self.dialect.number(-value), Level.PRODUCT)}", Level.SUM
        return self.dialect.number(value)

    def pi(self) -> str:
        """Return the spelling of π that no declaration has taken."""
        declared = scope_of(self.declarations).entries
        if "π" in declared:
            return "pi"
        return "π" if "pi" in declared else self.dialect.pi

    def coordinate(self, name: str, index: Index) -> str:
        space = self.declarations.space(name)
        if isinstance(index, str):
            return self.dialect.indexed(self.dialect.name(name), self.dialect.name(index))
        if space.coordinates is None and space.shape:
            return self.dialect.numbered(name, index + 1)
        return self.dialect.name(space.coordinate_name(index))

    def coordinates(self, coordinates: tuple[tuple[ir.Coordinate, int], ...]) -> Coordinates:
        return [(self.coordinate(coordinate.space, coordinate.index), order) for coordinate, order in coordinates]

    def component(self, operand: Expr, indices: tuple[Index, ...]) -> str:
        if isinstance(operand, ir.Field) and len(indices) == 1 and isinstance(indices[0], int):
            names = self.declarations.field(operand.name).components
            if names is not None:
                return self.dialect.name(names[indices[0]])
        written = ",".join(str(index + 1) if isinstance(index, int) else self.dialect.name(index) for index in indices)
        return self.dialect.component(self.at_least(operand, Level.ATOM), written)

    def function_call(self, node: ir.FunctionCall) -> str:
        name, arguments = self.dialect.name(node.name), self.dialect.brackets(self.listed(node.arguments))
        if len(node.arguments) == 1:
            return f"{name}{chr(39) * node.derivative[0]}{arguments}"
        if not any(node.derivative):
            return name + arguments
        # Several arguments are differentiated by name, which is read only where the function stands without brackets.
        declared = [self.dialect.name(argument) for argument in self.declarations.function(node.name).arguments]
        pairs = zip(declared, node.derivative, strict=True)
        orders = ", ".join(argument if order == 1 else f"{order}{argument}" for argument, order in pairs if order)
        # No text has other arguments here; an imported expression may, and a report must not drop them.
        elsewhere = [self.print(argument)[0] for argument in node.arguments] != declared
        return self.dialect.brackets(self.dialect.indexed(name + arguments if elsewhere else name, orders))

    def sum(self, terms: tuple[Expr, ...]) -> str:
        text = ""
        for term in terms:
            inner = term.operand if isinstance(term, ir.Negative) else term
            sign = "-" if isinstance(term, ir.Negative) else "+"
            text += (f" {sign} " if text else sign.strip("+")) + self.at_least(inner, Level.SERIES)
        return text

    def product(self, factors: tuple[Expr, ...]) -> str:
        text = self.at_least(factors[0], Level.PREFIX)
        for factor in factors[1:]:
            piece = self.at_least(factor, Level.PREFIX)
            text = self.dialect.juxtapose(text, piece, plain=isinstance(factor, ir.Vector))
        return text

    def power(self, base: str, exponent: Expr) -> str:
        inner = exponent.operand if isinstance(exponent, ir.Negative) else exponent
        if isinstance(inner, ir.Number) and inner.value.denominator == 1 and inner.value > 0:
            return self.dialect.integer_power(base, int(inner.value) * (1 if inner is exponent else -1))
        return self.dialect.power(base, self.print(exponent)[0])

    # --- operators ------------------------------------------------------------------------------------------------

    def operator(self, operator: Operator) -> str:
        match operator:
            case ir.OperatorMultiplication(ir.Negative() as factor):
                return self.bracketed(factor)
            case ir.OperatorMultiplication(factor):
                return self.at_least(factor, Level.PRODUCT)
            case ir.OperatorLaplacian(space):
                return self.waiting("laplacian", space)
            case ir.OperatorDAlembertian():
                return self.waiting("dalembertian")
            case ir.OperatorPartial(coordinates):
                return self.dialect.partial_operator(self.coordinates(coordinates))
            case ir.OperatorDirectional(vector):
                return self.dialect.directional(self.at_least(vector, Level.ATOM))
            case ir.OperatorSum(terms):
                return self.operator_sum(terms)
            case ir.OperatorComposition(factors):
                return self.composition(factors)
            case ir.OperatorPower(base, exponent):
                return self.dialect.integer_power(self.dialect.brackets(self.operator(base)), exponent)
            case _:
                assert_never(operator)

    def applied(self, operator: Operator, operand: Expr) -> str:
        """Return an operator-valued bracket before its operand, which needs none if it begins with a letter."""
        written = self.operator(operator)
        if not isinstance(operator, ir.OperatorPower):
            written = self.dialect.brackets(written)
        inner = self.at_least(operand, Level.ATOM)
        plain = inner[0].isalpha() or (inner[0] == "\\" and not isinstance(operand, ir.Vector))
        return f"{written} {inner}" if plain else written + self.bracketed(operand)

    def operator_sum(self, terms: tuple[Operator, ...]) -> str:
        """Join the terms by signs; −Δ is the multiplication by −1 after Δ."""
        text = ""
        for term in terms:
            sign, piece = "+", ""
            match term:
                case ir.OperatorSum():
                    piece = self.dialect.brackets(self.operator(term))
                case ir.OperatorMultiplication(ir.Negative(operand)):
                    sign, piece = "-", self.at_least(operand, Level.PRODUCT)
                case ir.OperatorComposition((ir.OperatorMultiplication(ir.Negative(scale)), *rest)):
                    kept = () if scale == ir.Number(Fraction(1)) else (ir.OperatorMultiplication(scale),)
                    sign, piece = "-", self.composition((*kept, *rest))
                case _:
                    piece = self.operator(term)
            text += (f" {sign} " if text else sign.strip("+")) + piece
        return text

    def composition(self, factors: tuple[Operator, ...]) -> str:
        """Operators follow one another in brackets; a multiplication among them opens a bracket of its own."""
        first, rest = factors[0], factors[1:]
        if isinstance(first, ir.OperatorMultiplication) and rest:
            return self.dialect.juxtapose(self.at_least(first.factor, Level.PREFIX), self.composition(rest))
        if not rest and isinstance(first, ir.OperatorLaplacian | ir.OperatorDAlembertian):
            return self.operator(first)
        text = self.operator(first)
        if not isinstance(first, ir.OperatorPower):
            text = self.dialect.brackets(text)
        if rest and isinstance(rest[0], ir.OperatorMultiplication):
            return text + self.dialect.brackets(self.composition(rest))
        return text + (self.composition(rest) if rest else "")
