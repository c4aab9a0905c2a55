"""A polynomial p(ξ) in sympy as the symbol of the operator p(∂)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy

from opcompiler.errors import UnsupportedError
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.expression import Coordinate
from opcompiler.ir.symbol import Monomial, Symbol, Xi, monomial
from opcompiler.symbolic.imports import written_fraction
from opcompiler.symbolic.names import Names

__all__ = ["symbol_of_polynomial"]


def symbol_of_polynomial(polynomial: Any, declarations: Declarations) -> Symbol:
    """Return the symbol of p(∂) for a polynomial in the names of the coordinates, each standing for its derivative.

    `x1**2 + 3*x1*x2` is the symbol of ∂₁² + 3∂₁∂₂.

    Args:
        polynomial: a sympy expression or `Poly` with rational or floating-point coefficients.
        declarations: of the spaces.

    Raises:
        UnsupportedError: it is no polynomial of sympy, or a coefficient is no number.
        OperatorNameError: a symbol is no coordinate.
    """
    expression = _expression(polynomial)
    symbols: list[Any] = sorted(expression.free_symbols, key=str)
    names = Names(declarations)
    variables = [_variable(symbol, names) for symbol in symbols]
    if not symbols:
        terms = [((), expression)]
    else:
        try:
            terms = sympy.Poly(expression, *symbols).terms()
        except sympy.PolynomialError:
            raise UnsupportedError(
                f"{expression} is no polynomial in {', '.join(map(str, symbols))}",
                hint="only constant-coefficient operators p(∂) have a symbol; write others as text",
            ) from None
    found: dict[Monomial, Coefficient] = {}
    for powers, coefficient in terms:
        if not isinstance(coefficient, sympy.Rational | sympy.Float):
            raise UnsupportedError(f"the coefficient {coefficient} is no rational number", hint="write it as a decimal")
        factors = tuple((variable, power) for variable, power in zip(variables, powers, strict=True))
        found[monomial(factors)] = Coefficient.of(written_fraction(coefficient))
    return Symbol.from_terms(found)


def _expression(polynomial: Any) -> Any:
    match polynomial:
        case sympy.Poly():
            return polynomial.as_expr()
        case sympy.Expr():
            return polynomial
        case int() | Fraction():
            return sympy.Rational(polynomial)
        case _:
            raise UnsupportedError(
                f"{type(polynomial).__name__} is no polynomial", hint="give a sympy expression or sympy.Poly"
            )


def _variable(symbol: Any, names: Names) -> Xi:
    match names.symbol(symbol):
        case Coordinate(space=space, index=int(index)):
            return Xi(space, index)
        case _:
            raise UnsupportedError(
                f"{symbol} in the polynomial is no coordinate",
                hint="the variables of the polynomial are named like the coordinates",
            )
