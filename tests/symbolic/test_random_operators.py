"""Random operators: written out, and indexed, they have the value that entry-by-entry differentiation gives."""

from __future__ import annotations

from fractions import Fraction as F

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from symbolic.evaluate import DIGITS, Evaluator
from symbolic.writing import (
    TOLERANCE,
    add,
    call,
    d,
    declarations,
    div,
    dot,
    field,
    grad,
    hessian,
    lap,
    matmul,
    mul,
    neg,
    num,
    over,
    power,
    reduced,
    symbols,
    u,
    x,
)

from opcompiler.errors import LimitError, UnsupportedError
from opcompiler.ir import expression as ir
from opcompiler.symbolic import coordinates, tensors, vocabulary

D = 4
A = tuple(tuple(F(i - 2 * j, 3) for j in range(D)) for i in range(D))
X, T = symbols("x", D), symbols("t", 1)[0]
U = X[0] ** 2 * X[1] + X[2] * X[3] ** 2 * T + X[0] * T**2 + X[1] ** 3 + 3
V = [X[0] * X[1] + T, X[2] ** 2 + X[3] * T, X[0] * X[3] - X[1] ** 2, X[1] * X[2] + X[0]]
DECLARED = declarations({"x": D, "t": None}, {"u": None, "v": D}, {"A": A})
POINT = {"x": [F(1, 2), F(2, 3), F(-1, 3), F(3, 4)], "t": [F(1, 5)]}


def direct(expr: ir.Expr, bound: dict[str, int]) -> np.ndarray:
    """The meaning of the nodes that the strategies below write, on sympy expressions, entry by entry."""

    def value(e: ir.Expr) -> np.ndarray:
        return np.asarray(direct(e, bound), dtype=object)  # numpy unwraps arrays without axes

    def at(coordinate: ir.Coordinate) -> sp.Symbol:
        index = bound.get(coordinate.index, coordinate.index) if isinstance(coordinate.index, str) else coordinate.index
        return {"x": X, "t": [T]}[coordinate.space][index]

    def derivative(a: np.ndarray, c: sp.Symbol) -> np.ndarray:
        return np.array([sp.diff(e, c) for e in a.ravel()], dtype=object).reshape(a.shape)

    def gradient(a: np.ndarray) -> np.ndarray:
        return np.stack([derivative(a, c) for c in X], axis=-1)

    match expr:
        case ir.Number(q):
            return np.array(sp.Rational(q.numerator, q.denominator), dtype=object)
        case ir.Coordinate():
            return np.array(at(expr), dtype=object)
        case ir.Position():
            return np.array(X, dtype=object)
        case ir.Field(name):
            return np.array(U if name == "u" else V, dtype=object)
        case ir.Parameter():
            return np.array([[sp.Rational(q.numerator, q.denominator) for q in row] for row in A], dtype=object)
        case ir.Sum(terms):
            return sum((value(t) for t in terms[1:]), value(terms[0]))
        case ir.Product(factors):
            result = np.array(sp.Integer(1), dtype=object)
            for factor in factors:
                result = result * value(factor)
            return np.asarray(result, dtype=object)
        case ir.Negative(operand):
            return np.asarray(-value(operand), dtype=object)
        case ir.Quotient(a, b):
            return np.asarray(value(a) / value(b).item(), dtype=object)
        case ir.Power(base, ir.Number(q)):
            return np.array(value(base).item() ** int(q), dtype=object)
        case ir.Elementary(name, (argument,)):
            return np.array(getattr(sp, name)(value(argument).item()), dtype=object)
        case ir.Component(operand, (index,)):
            return np.array(value(operand)[bound[index] if isinstance(index, str) else index], dtype=object)
        case ir.Dot(a, b) | ir.MatrixProduct(a, b):
            return np.asarray(np.tensordot(value(a), value(b), axes=1), dtype=object)
        case ir.Outer(a, b):
            return np.multiply.outer(value(a), value(b))
        case ir.Transpose(a):
            return value(a).T
        case ir.Trace(a):
            return np.array(np.trace(value(a)), dtype=object)
        case ir.Partial(operand, along):
            result = value(operand)
            for coordinate, times in along:
                for _ in range(times):
                    result = derivative(result, at(coordinate))
            return result
        case ir.Laplacian(operand):
            return np.trace(gradient(gradient(value(operand))), axis1=-2, axis2=-1)
        case ir.Gradient(operand):
            return gradient(value(operand))
        case ir.Hessian(operand):
            return gradient(gradient(value(operand)))
        case ir.Divergence(operand):
            return np.asarray(np.trace(gradient(value(operand)), axis1=-2, axis2=-1), dtype=object)
        case ir.IndexSum(index, lower, upper, body):
            return sum(direct(body, {**bound, index: n}) for n in range(lower, upper + 1))
    raise AssertionError(expr)


position = ir.Position("x", shape=(D,))
v = field("v", D)
a = ir.Parameter("A", shape=(D, D))
axes = st.integers(0, D - 1)


def total(body) -> ir.Expr:
    return ir.IndexSum("i", 0, D - 1, body)


@st.composite
def scalars(draw, depth: int) -> ir.Expr:
    if depth == 0:
        leaves = [u, num(draw(st.integers(-2, 3))), x("x", draw(axes)), x("t"), ir.Component(v, (draw(axes),))]
        return draw(st.sampled_from(leaves))
    s, r = draw(scalars(depth - 1)), draw(scalars(depth - 1))
    w, y = draw(vectors(depth - 1)), draw(vectors(depth - 1))
    k = draw(axes)
    return draw(
        st.sampled_from(
            [
                add(s, r),
                mul(s, r),
                neg(s),
                power(s, 2),
                call(draw(st.sampled_from(["sin", "cos", "tanh"])), s),
                over(s, add(power(r, 2), 2)),
                lap(s),
                d(s, ("x", k)),
                d(s, "t"),
                div(w),
                dot(w, y),
                ir.Component(w, (k,)),
                ir.Trace(hessian(s, D)),
                ir.Trace(matmul(a, grad(w, D))),
                total(mul(x("x", "i"), d(s, ("x", "i")))),
                total(power(d(s, ("x", "i")), 2)),
                total(mul(ir.Component(w, ("i",)), d(d(r, ("x", "i")), ("x", k)))),
            ]
        )
    )


@st.composite
def vectors(draw, depth: int) -> ir.Expr:
    if depth == 0:
        return draw(st.sampled_from([v, position, grad(u, D)]))
    s, w, y = draw(scalars(depth - 1)), draw(vectors(depth - 1)), draw(vectors(depth - 1))
    return draw(
        st.sampled_from(
            [
                add(w, y),
                mul(s, w),
                grad(s, D),
                lap(w),
                d(w, ("x", draw(axes))),
                dot(grad(w, D), y),
                dot(ir.Transpose(grad(w, D), shape=(D, D)), y),
                matmul(a, w),
                div(ir.Outer(w, y, shape=(D, D))),
                grad(div(w), D),
            ]
        )
    )


def check(written: ir.Expr) -> None:
    try:
        normal_form = reduced(written, DECLARED)
    except (LimitError, UnsupportedError):
        assume(False)
        raise
    exact = np.asarray(direct(written, {}), dtype=object)
    evaluator = Evaluator(normal_form, {"u": U, "v": V}, POINT)
    (got,) = evaluator.outputs()
    for value, expression in zip(np.ravel(np.array(got, dtype=object)), exact.ravel(), strict=True):
        number = mpmath.mpmathify(sp.N(sp.sympify(expression).subs(evaluator.substitution), DIGITS))
        assert abs(value - number) <= TOLERANCE * max(1, abs(number)), (value, number)


SETTINGS = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


@pytest.fixture(params=["written out", "indexed"])
def regime(request, monkeypatch):
    if request.param == "indexed":
        for module in (coordinates, tensors, vocabulary):
            monkeypatch.setattr(module, "EXPLICIT_DIMENSION", D - 1)
    return request.param


@SETTINGS
@given(written=scalars(2))
def test_scalar_operators(regime, written):
    check(written)


@SETTINGS
@given(written=vectors(2))
def test_vector_operators(regime, written):
    check(written)
