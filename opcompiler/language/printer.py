"""`Expr` → Unicode text that `parse` reads back as the same expression.

Juxtaposition is used where the language reads it without doubt, `*` and brackets elsewhere.
"""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.expression import Expr, Index, Operator

__all__ = ["to_unicode"]

_SUM, _PRODUCT, _PREFIX, _POWER, _ATOM = range(5)
"""How tightly a printed piece holds together."""

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_FRACTIONS = {
    Fraction(1, 2): "½", Fraction(1, 3): "⅓", Fraction(2, 3): "⅔", Fraction(1, 4): "¼", Fraction(3, 4): "¾",
    Fraction(1, 6): "⅙", Fraction(1, 7): "⅐", Fraction(1, 8): "⅛", Fraction(3, 8): "⅜", Fraction(5, 8): "⅝",
    Fraction(7, 8): "⅞", Fraction(1, 9): "⅑",
}  # fmt: skip


def to_unicode(expression: Expr, declarations: Declarations) -> str:
    """Return the expression as text, with brackets wherever a reader could doubt.

    Args:
        expression: a resolved expression.
        declarations: those it was resolved by.

    Returns:
        Text with `parse(text, declarations).expressions == (expression,)` for every expression that `parse` returns.
    """
    return _Printer(declarations).print(expression)[0]


class _Printer:
    """Prints every node as (text, how tightly it holds)."""

    def __init__(self, declarations: Declarations) -> None:
        self.declarations = declarations

    def at_least(self, node: Expr, level: int) -> str:
        """Return the text of a node, bracketed if it holds less tightly than wanted."""
        text, own = self.print(node)
        return text if own >= level else f"({text})"

    def bracketed(self, node: Expr) -> str:
        """Return the text in brackets."""
        return f"({self.print(node)[0]})"

    def print(self, node: Expr) -> tuple[str, int]:
        match node:
            case ir.Number(value):
                return self.number(value)
            case ir.ImaginaryUnit():
                return "i", _ATOM
            case ir.NamedConstant(name):
                return ("π" if name == "pi" else name), _ATOM
            case ir.Coordinate(space, index):
                return self.coordinate(space, index), _ATOM
            case ir.Position(name) | ir.Parameter(name) | ir.Field(name):
                return name, _ATOM
            case ir.UnitVector(axis):
                return f"e_{{{axis + 1}}}", _ATOM
            case ir.FunctionCall():
                return self.function_call(node), _ATOM
            case ir.Elementary("abs", (argument,)):
                return f"|{self.print(argument)[0]}|", _ATOM
            case ir.Elementary(name, arguments):
                return f"{name}({', '.join(self.print(argument)[0] for argument in arguments)})", _ATOM
            case ir.Negative(operand):
                return f"-{self.at_least(operand, _PRODUCT)}", _SUM
            case ir.Sum(terms):
                return self.sum(terms), _SUM
            case ir.Product(factors):
                return self.product(factors), _PRODUCT
            case ir.Quotient(numerator, denominator):
                top = self.at_least(numerator, _PREFIX)
                return f"{top}/{self.at_least(denominator, _PREFIX)}", _PRODUCT
            case ir.Power(base, exponent):
                return self.power(self.at_least(base, _ATOM), exponent), _POWER
            case ir.IndexSum(index, lower, upper, body):
                return f"∑_{{{index}={lower + 1}}}^{{{upper + 1}}} {self.at_least(body, _PRODUCT)}", _SUM
            case _:
                return self.tensor(node)

    def tensor(self, node: Expr) -> tuple[str, int]:
        match node:
            case ir.Component(operand, indices):
                return self.component(operand, indices), _ATOM
            case ir.Vector(entries):
                return f"({', '.join(self.print(entry)[0] for entry in entries)})", _ATOM
            case ir.Dot(left, right) if left == right and len(left.shape) == 1:
                return f"{self.at_least(left, _ATOM)}²", _POWER
            case ir.Dot(left, right):
                return f"{self.at_least(left, _POWER)}·{self.at_least(right, _POWER)}", _PRODUCT
            case ir.MatrixProduct(left, right):
                return f"{self.at_least(left, _POWER)} {self.at_least(right, _PREFIX)}", _PRODUCT
            case ir.DoubleDot(left, right):
                return f"{self.at_least(left, _POWER)}:{self.at_least(right, _POWER)}", _PRODUCT
            case ir.Cross(left, right):
                return f"{self.at_least(left, _POWER)}×{self.at_least(right, _POWER)}", _PRODUCT
            case ir.Outer(left, right):
                return f"{self.at_least(left, _POWER)}⊗{self.at_least(right, _POWER)}", _PRODUCT
            case ir.Transpose(operand):
                return f"{self.at_least(operand, _ATOM)}ᵀ", _POWER
            case ir.Trace(operand):
                return f"tr{self.bracketed(operand)}", _ATOM
            case ir.Determinant(operand):
                return f"det{self.bracketed(operand)}", _ATOM
            case ir.Norm(operand):
                return f"|{self.print(operand)[0]}|", _ATOM
            case _:
                return self.derivative(node)

    def derivative(self, node: Expr) -> tuple[str, int]:
        match node:
            case ir.Partial(
                ir.Number() | ir.Parameter() | ir.Coordinate() | ir.NamedConstant() as operand, coordinates
            ):
                return f"∂{self.subscript(coordinates)}{self.bracketed(operand)}", _PREFIX
            case ir.Partial(operand, coordinates):
                return self.at_least(operand, _ATOM) + self.subscript(coordinates), _ATOM
            case ir.Laplacian(operand, space):
                return f"Δ{self.space(space)}{self.operand(operand)}", _PREFIX
            case ir.DAlembertian(operand):
                return f"□{self.operand(operand)}", _PREFIX
            case ir.Gradient(operand, space):
                return f"∇{self.space(space)}{self.operand(operand)}", _PREFIX
            case ir.Divergence(operand):
                return f"∇·{self.operand(operand)}", _PREFIX
            case ir.Curl(operand):
                return f"∇×{self.operand(operand)}", _PREFIX
            case ir.Hessian(operand):
                return f"Hess{self.bracketed(operand)}", _ATOM
            case ir.Apply(operator, operand):
                return f"({self.operator(operator)}){self.bracketed(operand)}", _PREFIX
            case _:
                raise TypeError(f"{type(node).__name__} is not an expression")

    def operand(self, node: Expr) -> str:
        """Return what stands after a prefix operator."""
        return self.at_least(node, _ATOM)

    def space(self, name: str | None) -> str:
        return "" if name is None else f"_{{{name}}}"

    # --- pieces ---------------------------------------------------------------------------------------------------

    def number(self, value: Fraction) -> tuple[str, int]:
        if value < 0:
            return f"-{self.number(-value)[0]}", _SUM
        if value.denominator == 1:
            return str(value.numerator), _ATOM
        if value in _FRACTIONS:
            return _FRACTIONS[value], _ATOM
        decimal = _decimal(value)
        return (decimal, _ATOM) if decimal else (f"{value.numerator}/{value.denominator}", _PRODUCT)

    def coordinate(self, name: str, index: Index) -> str:
        space = self.declarations.space(name)
        if isinstance(index, str):
            return f"{name}_{{{index}}}"
        if space.coordinates is None and space.shape and name[-1].isdigit():
            return f"{name}_{{{index + 1}}}"
        return space.coordinate_name(index)

    def component(self, operand: Expr, indices: tuple[Index, ...]) -> str:
        if isinstance(operand, ir.Field) and len(indices) == 1 and isinstance(indices[0], int):
            names = self.declarations.field(operand.name).components
            if names is not None:
                return names[indices[0]]
        written = ",".join(str(index + 1) if isinstance(index, int) else index for index in indices)
        return f"({self.at_least(operand, _ATOM)}_{{{written}}})"

    def subscript(self, coordinates: tuple[tuple[ir.Coordinate, int], ...]) -> str:
        names = [(self.coordinate(coordinate.space, coordinate.index), order) for coordinate, order in coordinates]
        if all(len(name) == 1 for name, _ in names) and sum(order for _, order in names) <= 4:
            return "_" + "".join(name * order for name, order in names)
        return "_{" + ", ".join(name if order == 1 else f"{order}{name}" for name, order in names) + "}"

    def function_call(self, node: ir.FunctionCall) -> str:
        arguments = ", ".join(self.print(argument)[0] for argument in node.arguments)
        if len(node.arguments) == 1:
            return f"{node.name}{chr(39) * node.derivative[0]}({arguments})"
        names = self.declarations.function(node.name).arguments
        pairs = zip(names, node.derivative, strict=True)
        orders = ", ".join(name if order == 1 else f"{order}{name}" for name, order in pairs if order)
        return f"({node.name}({arguments})_{{{orders}}})" if orders else f"{node.name}({arguments})"

    def sum(self, terms: tuple[Expr, ...]) -> str:
        text = ""
        for term in terms:
            if isinstance(term, ir.Negative):
                text += f" - {self.at_least(term.operand, _PRODUCT)}" if text else f"-{self.at_least(term.operand, 1)}"
            else:
                text += (" + " if text else "") + self.at_least(term, _PRODUCT)
        return text

    def product(self, factors: tuple[Expr, ...]) -> str:
        text = ""
        for factor in factors:
            piece = self.at_least(factor, _PREFIX)
            joined = " " if piece[0].isalpha() or piece[0] in "Δ∇□" else "*"
            if text and joined == " " and text[-1] in "-+":
                joined = "*"
            text += (joined if text else "") + piece
        return text

    def power(self, base: str, exponent: Expr) -> str:
        inner = exponent.operand if isinstance(exponent, ir.Negative) else exponent
        if isinstance(inner, ir.Number) and inner.value.denominator == 1 and inner.value >= 0:
            sign = "⁻" if isinstance(exponent, ir.Negative) else ""
            return base + sign + str(inner.value).translate(_SUPERSCRIPTS)
        return f"{base}^({self.print(exponent)[0]})"

    # --- operators ------------------------------------------------------------------------------------------------

    def operator(self, operator: Operator) -> str:
        match operator:
            case ir.OperatorMultiplication(factor):
                return (
                    self.at_least(factor, _PRODUCT) if not isinstance(factor, ir.Negative) else self.bracketed(factor)
                )
            case ir.OperatorLaplacian(space):
                return f"Δ{self.space(space)}"
            case ir.OperatorDAlembertian():
                return "□"
            case ir.OperatorPartial(coordinates):
                return "∂" + self.subscript(coordinates)
            case ir.OperatorDirectional(vector):
                return f"{self.at_least(vector, _ATOM)}·∇"
            case ir.OperatorSum(terms):
                return " + ".join(self.operator_piece(term, ir.OperatorSum) for term in terms)
            case ir.OperatorComposition(factors):
                return self.composition(factors)
            case ir.OperatorPower(base, exponent):
                return f"({self.operator(base)}){str(exponent).translate(_SUPERSCRIPTS)}"
            case _:
                assert_never(operator)

    def operator_piece(self, operator: Operator, inside: type) -> str:
        text = self.operator(operator)
        return f"({text})" if isinstance(operator, inside) else text

    def composition(self, factors: tuple[Operator, ...]) -> str:
        """Operators follow one another in brackets; a multiplication among them opens a bracket of its own."""
        first, rest = factors[0], factors[1:]
        if isinstance(first, ir.OperatorMultiplication):
            return f"{self.bracketed(first.factor)}*{self.composition(rest) if rest else '1'}"
        text = f"({self.operator(first)})"
        if rest and isinstance(rest[0], ir.OperatorMultiplication):
            return f"{text}({self.composition(rest)})"
        return text + (self.composition(rest) if rest else "")


def _decimal(value: Fraction) -> str | None:
    """Return the finite decimal expansion, if there is a short one."""
    scale = value.denominator
    twos = fives = 0
    while scale % 2 == 0:
        scale, twos = scale // 2, twos + 1
    while scale % 5 == 0:
        scale, fives = scale // 5, fives + 1
    digits = max(twos, fives)
    if scale != 1 or digits > 350:
        return None
    shifted = str(value.numerator * 10**digits // value.denominator).rjust(digits + 1, "0")
    return f"{shifted[:-digits]}.{shifted[-digits:]}"
