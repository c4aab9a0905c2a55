"""Small spaces: every operator of the vocabulary against sympy's own derivatives of a manufactured field."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
import sympy as sp
from symbolic.writing import (
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
    means,
    mul,
    neg,
    num,
    over,
    power,
    reduced,
    sub,
    symbols,
    u,
    x,
)

from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import FunctionDeclaration

X, Y = symbols("x", 1)[0], symbols("y", 1)[0]
T = symbols("t", 1)[0]
U = sp.sin(X + Y / 2) * sp.exp(X / 3) + X**3 * Y**2 / 4 + 3
UT = U * sp.cos(T) + T**2 * X + 2
XY = declarations({"x": None, "y": None})
XYT = declarations({"x": None, "y": None, "t": None})
POINT = {"x": [F(3, 8)], "y": [F(1, 4)]}
POINT_T = {**POINT, "t": [F(2, 5)]}
ux, uy = d(u, "x"), d(u, "y")
x_, y_, t_ = x("x"), x("y"), x("t")


def at(expression: sp.Expr, *along: sp.Symbol) -> sp.Expr:
    return sp.diff(expression, *along)


def laplacian(e: sp.Expr) -> sp.Expr:
    return sp.diff(e, X, 2) + sp.diff(e, Y, 2)


Ux, Uy = at(U, X), at(U, Y)
LENGTH = sp.sqrt(Ux**2 + Uy**2)

SCALAR_CASES = {
    "Δu": (lap(u), laplacian(U)),
    "Δ(u³ − u)": (lap(sub(power(u, 3), u)), laplacian(U**3 - U)),
    "(u²)_xx": (d(power(u, 2), "x", "x"), at(U**2, X, X)),
    "Δ²(u²)": (lap(lap(power(u, 2))), laplacian(laplacian(U**2))),
    "u²u_xx/(1 + u_x²)": (over(mul(power(u, 2), d(u, "x", "x")), add(1, power(ux, 2))), U**2 * at(Ux, X) / (1 + Ux**2)),
    "∇·(∇u/|∇u|)": (
        div(over(grad(u, 2), ir.Norm(grad(u, 2)))),
        sp.diff(Ux / LENGTH, X) + sp.diff(Uy / LENGTH, Y),
    ),
    "∇·(|∇u|^(p−2)∇u), p = 3.5": (
        div(mul(power(ir.Norm(grad(u, 2)), F(3, 2)), grad(u, 2))),
        sp.diff(LENGTH ** sp.Rational(3, 2) * Ux, X) + sp.diff(LENGTH ** sp.Rational(3, 2) * Uy, Y),
    ),
    "(x²y u_x)_x": (d(mul(power(x_, 2), y_, ux), "x"), at(X**2 * Y * Ux, X)),
    "u_x³ at a negative base": (power(neg(power(ux, 3)), 3), -(Ux**9)),
    "u^½ differentiated twice": (lap(power(u, F(1, 2))), laplacian(sp.sqrt(U))),
    "u^u": (d(power(u, u), "x"), at(U**U, X)),
    "det D²u": (ir.Determinant(hessian(u, 2)), at(U, X, X) * at(U, Y, Y) - at(U, X, Y) ** 2),
    "tr D²u": (ir.Trace(hessian(u, 2)), laplacian(U)),
    "D²u : D²u": (
        ir.DoubleDot(hessian(u, 2), hessian(u, 2)),
        at(U, X, X) ** 2 + 2 * at(U, X, Y) ** 2 + at(U, Y, Y) ** 2,
    ),
    "∂_1(Δu)²": (d(power(lap(u), 2), "x"), at(laplacian(U) ** 2, X)),
    "x·∇u by hand": (dot(ir.Vector((x_, y_), shape=(2,)), grad(u, 2)), X * Ux + Y * Uy),
    "e_y·∇u": (dot(ir.UnitVector(1, shape=(2,)), grad(u, 2)), Uy),
    "(1 + Δ)²u": (
        ir.Apply(ir.OperatorPower(ir.OperatorSum((ir.OperatorMultiplication(num(1)), ir.OperatorLaplacian())), 2), u),
        U + 2 * laplacian(U) + laplacian(laplacian(U)),
    ),
    "((x + ∂_x)(y∂_y))u": (
        ir.Apply(
            ir.OperatorComposition(
                (
                    ir.OperatorSum((ir.OperatorMultiplication(x_), ir.OperatorPartial(((ir.Coordinate("x"), 1),)))),
                    ir.OperatorMultiplication(y_),
                    ir.OperatorPartial(((ir.Coordinate("y"), 1),)),
                )
            ),
            u,
        ),
        X * Y * Uy + Y * at(U, X, Y),
    ),
    "∇u × ∇(u²x)": (ir.Cross(grad(u, 2), grad(mul(power(u, 2), x_), 2)), Ux * at(U**2 * X, Y) - Uy * at(U**2 * X, X)),
    "min(u, x²) differentiated": (d(call("min", u, power(x_, 2)), "x"), 2 * X),
    "max(u, x², y) differentiated": (d(call("max", u, power(x_, 2), y_), "x"), Ux),
    "atan2(u, x)": (d(call("atan2", u, x_), "x", "y"), at(sp.atan(U / X), X, Y)),
    "|x − 1| differentiated": (d(call("abs", sub(x_, 1)), "x"), sp.Integer(-1)),
    "|−u| differentiated twice": (lap(call("abs", neg(u))), laplacian(U)),
    "sign(u)u": (d(mul(call("sign", neg(u)), u), "x"), -Ux),
    "cbrt(−u)": (lap(call("cbrt", neg(u))), -laplacian(U ** sp.Rational(1, 3))),
    "sqrt(4)u": (mul(call("sqrt", num(4)), u), 2 * U),
    "exp(2x)u differentiated": (d(mul(power(ir.NamedConstant("e"), mul(2, x_)), u), "x"), at(sp.exp(2 * X) * U, X)),
    "log(u)": (lap(call("log", u)), laplacian(sp.log(U))),
    "u/0.5 − 2u": (sub(over(u, num("1/2")), mul(2, u)), sp.Integer(0)),
}


@pytest.mark.parametrize("name", SCALAR_CASES)
def test_operator_has_the_value_that_sympy_gives(name):
    written, expected = SCALAR_CASES[name]
    means(written, expected, XY, U, POINT)


ELEMENTARY = {
    "sin": sp.sin, "cos": sp.cos, "tan": sp.tan, "cot": sp.cot, "sec": sp.sec, "csc": sp.csc,
    "asin": sp.asin, "acos": sp.acos, "atan": sp.atan, "sinh": sp.sinh, "cosh": sp.cosh, "tanh": sp.tanh,
    "coth": sp.coth, "sech": sp.sech, "csch": sp.csch, "asinh": sp.asinh, "acosh": lambda z: sp.acosh(z + 1),
    "atanh": sp.atanh, "exp": sp.exp, "log": sp.log, "log2": lambda z: sp.log(z, 2), "log10": lambda z: sp.log(z, 10),
    "sqrt": sp.sqrt, "cbrt": lambda z: z ** sp.Rational(1, 3), "erf": sp.erf, "erfc": sp.erfc,
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTARY)
def test_second_derivative_of_every_smooth_function(name):
    argument = add(u, 1) if name == "acosh" else u
    means(lap(call(name, argument)), laplacian(ELEMENTARY[name](U / 8)), XY, U / 8, POINT)


def test_time_is_left_out_of_the_spatial_operators():
    means(lap(u), laplacian(UT), XYT, UT, POINT_T)
    means(grad(u, 2), [at(UT, X), at(UT, Y)], XYT, UT, POINT_T)
    means(ir.DAlembertian(u), at(UT, T, T) - laplacian(UT), XYT, UT, POINT_T)
    means(d(lap(u), "t"), at(laplacian(UT), T), XYT, UT, POINT_T)


V = [U * X + Y, sp.cos(X * Y) - U**2]
P = sp.sin(X * Y**2) + X
VECTORS = declarations({"x": None, "y": None}, {"v": 2, "p": None})
v, p = field("v", 2), ir.Field("p")
VALUES = {"v": V, "p": P}

VECTOR_CASES = {
    "(v·∇)v + ∇p − Δv/100": (
        add(ir.Apply(ir.OperatorDirectional(v), v, shape=(2,)), grad(p, 2), neg(mul(F(1, 100), lap(v)))),
        [V[0] * at(V[i], X) + V[1] * at(V[i], Y) + at(P, (X, Y)[i]) - laplacian(V[i]) / 100 for i in range(2)],
    ),
    "∇·v": (div(v), at(V[0], X) + at(V[1], Y)),
    "∇·(v⊗v)": (
        div(ir.Outer(v, v, shape=(2, 2))),
        [at(V[i] * V[0], X) + at(V[i] * V[1], Y) for i in range(2)],
    ),
    "∇v": (grad(v, 2), [[at(V[i], c) for c in (X, Y)] for i in range(2)]),
    "∇vᵀ": (ir.Transpose(grad(v, 2), shape=(2, 2)), [[at(V[j], c) for j in range(2)] for c in (X, Y)]),
    "∇×v": (ir.Curl(v), at(V[1], X) - at(V[0], Y)),
    "∇(∇·v)": (grad(div(v), 2), [at(V[0], X, c) + at(V[1], Y, c) for c in (X, Y)]),
    "v·∇p": (dot(v, grad(p, 2)), V[0] * at(P, X) + V[1] * at(P, Y)),
    "(∇v)v": (matmul(grad(v, 2), v), [sum(at(V[i], (X, Y)[j]) * V[j] for j in range(2)) for i in range(2)]),
    "v × ∇p": (ir.Cross(v, grad(p, 2)), V[0] * at(P, Y) - V[1] * at(P, X)),
    "p v": (mul(p, v), [P * V[0], P * V[1]]),
    "v_2": (ir.Component(v, (1,)), V[1]),
    "Σ_i v_i ∂_i p": (
        ir.IndexSum("i", 0, 1, mul(ir.Component(v, ("i",)), ir.Component(grad(p, 2), ("i",)))),
        V[0] * at(P, X) + V[1] * at(P, Y),
    ),
}


@pytest.mark.parametrize("name", VECTOR_CASES)
def test_vector_operator_has_the_value_that_sympy_gives(name):
    written, expected = VECTOR_CASES[name]
    means(written, expected, VECTORS, VALUES, POINT)


def test_three_dimensional_curl_and_cross_product():
    Z = symbols("z", 1)[0]
    space = declarations({"x": None, "y": None, "z": None}, {"B": 3, "w": 3})
    point = {**POINT, "z": [F(1, 7)]}
    B = [X * Z**2, sp.sin(Y * Z) + X, X * Y * Z]
    W = [sp.cos(X), Y**2 + Z, X * Y]

    def curl(a):
        return [at(a[2], Y) - at(a[1], Z), at(a[0], Z) - at(a[2], X), at(a[1], X) - at(a[0], Y)]

    def cross(a, b):
        return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]

    b, w = field("B", 3), field("w", 3)
    values = {"B": B, "w": W}
    means(ir.Curl(b, shape=(3,)), curl(B), space, values, point)
    means(ir.Curl(ir.Cross(w, b, shape=(3,)), shape=(3,)), curl(cross(W, B)), space, values, point)
    identity = sub(ir.Curl(ir.Curl(b, shape=(3,)), shape=(3,)), sub(grad(div(b), 3), lap(b)))
    normal_form = means(identity, [0, 0, 0], space, values, point)
    assert normal_form.contractions == ()


def test_coefficient_functions_are_differentiated_by_their_arguments():
    a, b = sp.symbols("a b")
    functions = {"c": ((a, b), sp.sin(a * b) + a**3), "F": ((a,), a**4 + a), "g": ((a, b), [a * b, a + b**2])}
    declared = declarations(
        {"x": None, "y": None},
        functions=(
            FunctionDeclaration("c", ("x", "y")),
            FunctionDeclaration("F", ("s",), implicit=False),
            FunctionDeclaration("g", ("x", "y"), (2,)),
        ),
    )
    c = ir.FunctionCall("c", (x_, y_), (0, 0))
    C = sp.sin(X * Y) + X**3
    means(div(mul(c, grad(u, 2))), at(C * Ux, X) + at(C * Uy, Y), declared, U, POINT, functions=functions)
    means(d(c, "x", "x", "y"), at(C, X, X, Y), declared, U, POINT, functions=functions)
    swapped = ir.FunctionCall("c", (y_, mul(2, x_)), (0, 0))
    means(d(swapped, "x"), at(sp.sin(2 * X * Y) + Y**3, X), declared, U, POINT, functions=functions)
    f = ir.FunctionCall("F", (u,), (0,))
    means(lap(f), laplacian(U**4 + U), declared, U, POINT, functions=functions)
    means(ir.FunctionCall("F", (u,), (1,)), 4 * U**3 + 1, declared, U, POINT, functions=functions)
    means(d(ir.FunctionCall("F", (u,), (1,)), "x"), 12 * U**2 * Ux, declared, U, POINT, functions=functions)
    g = ir.FunctionCall("g", (x_, y_), (0, 0), shape=(2,))
    means(dot(g, grad(u, 2)), X * Y * Ux + (X + Y**2) * Uy, declared, U, POINT, functions=functions)
    means(div(g), 3 * Y, declared, U, POINT, functions=functions)


def test_run_time_parameters_are_constants():
    eps = F(3, 100)
    declared = declarations(
        {"x": None, "y": None}, parameters={"eps": None, "A": ("runtime", (2, 2)), "n": None, "k": F(5)}
    )
    parameters = {"eps": eps, "A": [[2, F(1, 3)], [F(1, 5), 7]], "n": F(5, 2)}
    e, n, k = ir.Parameter("eps"), ir.Parameter("n"), ir.Parameter("k")
    a = ir.Parameter("A", shape=(2, 2))
    A = [[2, sp.Rational(1, 3)], [sp.Rational(1, 5), 7]]
    se = sp.Rational(3, 100)
    cases = {
        add(mul(power(e, 2), lap(u)), over(u, e)): se**2 * laplacian(U) + U / se,
        div(matmul(a, grad(u, 2))): sum(A[i][j] * at(U, (X, Y)[i], (X, Y)[j]) for i in range(2) for j in range(2)),
        lap(power(u, n)): laplacian(U ** sp.Rational(5, 2)),
        d(power(u, k), "x"): 5 * U**4 * Ux,
        mul(call("sin", e), lap(u)): sp.sin(se) * laplacian(U),
        mul(power(e, F(1, 2)), lap(u)): sp.sqrt(se) * laplacian(U),
        mul(ir.NamedConstant("pi"), lap(u)): sp.pi * laplacian(U),
        over(lap(u), add(1, power(e, 2))): laplacian(U) / (1 + se**2),
        power(add(1, e), 20): (1 + se) ** 20,
        mul(power(add(1, e, n), 9), u): (1 + se + sp.Rational(5, 2)) ** 9 * U,
    }
    for written, expected in cases.items():
        means(written, expected, declared, U, POINT, parameters)


def test_a_packed_space_leaves_out_its_time():
    from opcompiler.ir.declarations import Declarations
    from opcompiler.ir.space import Space

    declared = Declarations((Space("z", (2,), ("x", "t")),), time=("z", 1))
    a, b = symbols("z", 2)
    W = sp.sin(a * b) + a**3
    point = {"z": [F(1, 3), F(1, 2)]}
    means(sub(d(u, ("z", 1)), lap(u)), sp.diff(W, b) - sp.diff(W, a, 2), declared, W, point)


def test_several_expressions_share_contractions():
    normal_form = reduced([lap(u), mul(u, lap(u)), neg(mul(3, power(lap(u), 2)))], XY)
    assert len(normal_form.contractions) == 2
    assert normal_form.labels == ()
