"""Fields may turn out complex: |z|, conj, re and im and their derivatives are right for both."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
import sympy as sp
from symbolic.writing import (
    add,
    call,
    d,
    declarations,
    field,
    grad,
    lap,
    means,
    mul,
    neg,
    over,
    power,
    sub,
    symbols,
    u,
    x,
)

from opcompiler.ir import expression as ir

X, Y = symbols("x", 1)[0], symbols("y", 1)[0]
POINT = {"x": [F(3, 8)], "y": [F(1, 4)]}
DECLARED = declarations({"x": None, "y": None})
R = sp.sin(X * Y + 1) + X**2
S = sp.cos(X - Y) + Y**3
FIELDS = {"real": R - 3, "complex": R + sp.I * S}
i = ir.ImaginaryUnit()
modulus = call("abs", u)


def conj(e: sp.Expr) -> sp.Expr:
    """Conjugate of an expression whose symbols are real."""
    return e.subs(sp.I, -sp.I)


def square(e: sp.Expr) -> sp.Expr:
    return sp.expand(e * conj(e))


def laplacian(e: sp.Expr) -> sp.Expr:
    return sp.diff(e, X, 2) + sp.diff(e, Y, 2)


CASES = {
    "|u|²u": (mul(power(modulus, 2), u), lambda U: square(U) * U),
    "u|u|⁴ differentiated": (d(mul(u, power(modulus, 4)), "x"), lambda U: sp.diff(U * square(U) ** 2, X)),
    "Δ|u|²": (lap(power(modulus, 2)), lambda U: laplacian(square(U))),
    "Δ|u|": (lap(modulus), lambda U: laplacian(sp.sqrt(square(U)))),
    "Δ|u|³": (lap(power(modulus, 3)), lambda U: laplacian(square(U) ** sp.Rational(3, 2))),
    "Δ|u|^1.5": (lap(power(modulus, F(3, 2))), lambda U: laplacian(square(U) ** sp.Rational(3, 4))),
    "1/|u| differentiated": (d(over(1, modulus), "x", "y"), lambda U: sp.diff(1 / sp.sqrt(square(U)), X, Y)),
    "(u conj u)_xy": (d(mul(u, call("conj", u)), "x", "y"), lambda U: sp.diff(square(U), X, Y)),
    "Δ conj(u²u_x)": (
        lap(call("conj", mul(power(u, 2), d(u, "x")))),
        lambda U: laplacian(conj(U**2 * sp.diff(U, X))),
    ),
    "re(iu²) + im(u)": (
        lap(add(call("re", mul(i, power(u, 2))), call("im", u))),
        lambda U: laplacian((sp.I * U**2 + conj(sp.I * U**2)) / 2 + (U - conj(U)) / (2 * sp.I)),
    ),
    "sign(u) differentiated": (d(call("sign", u), "x", "y"), lambda U: sp.diff(U / sp.sqrt(square(U)), X, Y)),
    "|∇u|²": (
        power(ir.Norm(grad(u, 2)), 2),
        lambda U: square(sp.diff(U, X)) + square(sp.diff(U, Y)),
    ),
    "(∇u)² does not conjugate": (
        ir.Dot(grad(u, 2), grad(u, 2)),
        lambda U: sp.diff(U, X) ** 2 + sp.diff(U, Y) ** 2,
    ),
    "∂_x|∇u|³": (
        d(power(ir.Norm(grad(u, 2)), 3), "x"),
        lambda U: sp.diff((square(sp.diff(U, X)) + square(sp.diff(U, Y))) ** sp.Rational(3, 2), X),
    ),
    "i u_x + u_yy − (1 + 1.5i)Δu": (
        add(mul(i, d(u, "x")), d(u, "y", "y"), neg(mul(add(1, mul(F(3, 2), i)), lap(u)))),
        lambda U: sp.I * sp.diff(U, X) + sp.diff(U, Y, 2) - (1 + 3 * sp.I / 2) * laplacian(U),
    ),
    "u/(2 + i) − i³u": (
        sub(over(u, add(2, i)), mul(power(i, 3), u)),
        lambda U: U / (2 + sp.I) + sp.I * U,
    ),
    "exp(ix)u differentiated": (
        d(mul(call("exp", mul(i, x("x"))), u), "x"),
        lambda U: sp.diff(sp.exp(sp.I * X) * U, X),
    ),
    "exp(iπ/3)Δu": (
        mul(call("exp", mul(i, over(ir.NamedConstant("pi"), 3))), lap(u)),
        lambda U: sp.exp(sp.I * sp.pi / 3) * laplacian(U),
    ),
}


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("name", CASES)
def test_operator_is_right_for_real_and_complex_fields(name, kind):
    written, expected = CASES[name]
    means(written, expected(FIELDS[kind]), DECLARED, FIELDS[kind], POINT)


def test_run_time_parameters_beside_the_imaginary_unit():
    declared = declarations({"x": None, "y": None}, parameters={"a": None, "b": None})
    a, b = ir.Parameter("a"), ir.Parameter("b")
    A, B = sp.Rational(2, 3), sp.Rational(5, 7)
    U = FIELDS["complex"]
    values = {"a": F(2, 3), "b": F(5, 7)}
    means(mul(add(1, mul(i, a)), lap(u)), (1 + sp.I * A) * laplacian(U), declared, U, POINT, values)
    means(over(lap(u), add(a, mul(i, b))), laplacian(U) / (A + sp.I * B), declared, U, POINT, values)
    means(mul(power(add(a, mul(i, b)), 3), u), (A + sp.I * B) ** 3 * U, declared, U, POINT, values)
    means(mul(call("exp", mul(i, a)), lap(u)), sp.exp(sp.I * A) * laplacian(U), declared, U, POINT, values)


def test_norm_of_a_complex_vector():
    declared = declarations({"x": None, "y": None}, {"v": 2})
    V = [FIELDS["complex"], X + sp.I * Y**2]
    norm = sp.sqrt(square(V[0]) + square(V[1]))
    v = field("v", 2)
    means(ir.Norm(v), norm, declared, {"v": V}, POINT)
    means(lap(ir.Norm(v)), laplacian(norm), declared, {"v": V}, POINT)


def test_derivatives_of_even_powers_stay_finite_where_the_field_vanishes():
    zero = X - sp.Rational(3, 8)
    means(lap(power(modulus, 2)), sp.Integer(2), DECLARED, zero, POINT)
    means(d(power(modulus, 4), "x", "x"), sp.Integer(0), DECLARED, zero, POINT)
    means(d(power(ir.Norm(grad(u, 2)), 2), "x"), sp.Integer(0), DECLARED, zero**2, POINT)
