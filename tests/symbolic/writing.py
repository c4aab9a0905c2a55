"""Expressions written by hand with their shapes, and the comparison of their normal forms with sympy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import sympy
from symbolic.evaluate import DIGITS, Evaluator, coordinate

from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations, FieldDeclaration, FunctionDeclaration, ParameterDeclaration
from opcompiler.ir.expression import Expr, System
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.space import Space
from opcompiler.symbolic import reduce

TOLERANCE = 1e-22

u = ir.Field("u")


def num(value: int | str | Fraction) -> Expr:
    return ir.Number(Fraction(value))


def _expr(value: Expr | int | str | Fraction) -> Expr:
    return num(value) if isinstance(value, (int, str, Fraction)) else value


def add(*terms: Expr | int) -> Expr:
    exprs = tuple(map(_expr, terms))
    return ir.Sum(exprs, shape=exprs[0].shape)


def neg(e: Expr) -> Expr:
    return ir.Negative(e, shape=e.shape)


def sub(a: Expr | int, b: Expr | int) -> Expr:
    return add(a, neg(_expr(b)))


def mul(*factors: Expr | int | str | Fraction) -> Expr:
    exprs = tuple(map(_expr, factors))
    return ir.Product(exprs, shape=max((e.shape for e in exprs), key=len))


def over(a: Expr | int, b: Expr | int) -> Expr:
    return ir.Quotient(_expr(a), _expr(b), shape=_expr(a).shape)


def power(base: Expr, exponent: Expr | int | str | Fraction) -> Expr:
    return ir.Power(base, _expr(exponent))


def call(name: str, *arguments: Expr | int) -> Expr:
    return ir.Elementary(name, tuple(map(_expr, arguments)))


def x(name: str, index: int | str = 0) -> Expr:
    return ir.Coordinate(name, index)


def d(e: Expr, *along: str | tuple[str, int | str]) -> Expr:
    """∂ along coordinates: names of scalar spaces, or (space, index)."""
    pairs = tuple((ir.Coordinate(*((a, 0) if isinstance(a, str) else a)), 1) for a in along)
    return ir.Partial(e, pairs, shape=e.shape)


def lap(e: Expr, space: str | None = None) -> Expr:
    return ir.Laplacian(e, space, shape=e.shape)


def grad(e: Expr, *axes: int) -> Expr:
    return ir.Gradient(e, shape=(*e.shape, *axes))


def div(e: Expr) -> Expr:
    return ir.Divergence(e, shape=e.shape[:-1])


def dot(a: Expr, b: Expr) -> Expr:
    return ir.Dot(a, b, shape=(*a.shape[:-1], *b.shape[1:]))


def matmul(a: Expr, b: Expr) -> Expr:
    return ir.MatrixProduct(a, b, shape=(*a.shape[:-1], *b.shape[1:]))


def hessian(e: Expr, n: int) -> Expr:
    return ir.Hessian(e, shape=(n, n))


def field(name: str, n: int) -> Expr:
    return ir.Field(name, shape=(n,))


def declarations(
    spaces: Mapping[str, int | tuple[int, ...] | None],
    fields: Mapping[str, int | None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    functions: Sequence[FunctionDeclaration] = (),
    time: tuple[str, int] | None = None,
) -> Declarations:
    """As the language makes them; parameter values are nested tuples of Fractions, ("runtime", shape) or None."""
    shaped = {None: ()}
    return Declarations(
        tuple(Space(n, shaped[s] if s is None else s if isinstance(s, tuple) else (s,)) for n, s in spaces.items()),
        tuple(FieldDeclaration(n, () if s is None else (s,)) for n, s in (fields or {"u": None}).items()),
        ("t", 0) if time is None and "t" in spaces else time,
        tuple(_parameter(n, v) for n, v in (parameters or {}).items()),
        tuple(functions),
    )


def _parameter(name: str, value: Any) -> ParameterDeclaration:
    match value:
        case None:
            return ParameterDeclaration(name)
        case ("runtime", shape):
            return ParameterDeclaration(name, shape)
        case tuple():
            return ParameterDeclaration(name, np.array(value, dtype=object).shape, value)
        case _:
            return ParameterDeclaration(name, (), Fraction(value))


def reduced(exprs: Expr | Sequence[Expr], declared: Declarations) -> NormalForm:
    if isinstance(exprs, Sequence):
        return reduce(System(tuple(exprs), declared, ()))
    return reduce(System((exprs,), declared))


def means(
    expr: Expr,
    expected: Any,
    declared: Declarations,
    fields: Any,
    point: Mapping[str, Sequence[Any]],
    parameters: Mapping[str, Any] | None = None,
    functions: Mapping[str, Any] | None = None,
) -> NormalForm:
    """Assert that the normal form of `expr` has the value of the sympy expression(s) `expected`, to 22 digits."""
    normal_form = reduced(expr, declared)
    whole = fields if isinstance(fields, Mapping) else {"u": fields}
    evaluator = Evaluator(normal_form, whole, point, parameters, functions)
    (got,) = evaluator.outputs()
    wanted = np.array(expected, dtype=object)
    assert np.shape(got) == expr.shape
    for value, exact in zip(np.ravel(np.array(got, dtype=object)), wanted.ravel(), strict=True):
        number = mpmath.mpmathify(sympy.N(sympy.sympify(exact).subs(evaluator.substitution), DIGITS))
        assert abs(value - number) <= TOLERANCE * max(1, abs(number)), (value, number)
    return normal_form


def symbols(space: str, n: int) -> list[sympy.Symbol]:
    return [coordinate(space, k) for k in range(n)]
