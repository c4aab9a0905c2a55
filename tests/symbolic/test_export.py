"""A normal form written as a sympy expression is the operator again."""

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
    mul,
    power,
    reduced,
    sub,
    u,
    x,
)

from opcompiler.errors import UnsupportedError
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import FunctionDeclaration
from opcompiler.symbolic.export import to_sympy

x_, y_, t_ = sp.symbols("x y t")


def test_korteweg_de_vries():
    f = sp.Function("u")(x_, t_)
    written = add(d(u, "t"), mul(6, u, d(u, "x")), d(u, "x", "x", "x"))
    expected = f.diff(t_) + 6 * f * f.diff(x_) + f.diff(x_, 3)
    assert to_sympy(reduced(written, declarations({"x": None, "t": None}))) == expected


def test_porous_medium_with_a_parameter_and_functions():
    declared = declarations(
        {"x": None, "y": None},
        parameters={"eps": None},
        functions=(FunctionDeclaration("c", ("x", "y")), FunctionDeclaration("F", ("s",), implicit=False)),
    )
    f = sp.Function("u")(x_, y_)
    c, eps, F_ = sp.Function("c")(x_, y_), sp.Symbol("eps"), sp.Function("F")
    flux = mul(ir.FunctionCall("c", (x("x"), x("y")), (0, 0)), grad(power(u, 3), 2))
    written = add(div(flux), mul(call("sin", ir.Parameter("eps")), lap(u)), ir.FunctionCall("F", (u,), (1,)))
    s = sp.Dummy()
    expected = (
        (c * (f**3).diff(x_)).diff(x_)
        + (c * (f**3).diff(y_)).diff(y_)
        + sp.sin(eps) * (f.diff(x_, 2) + f.diff(y_, 2))
        + F_(s).diff(s).subs(s, f)
    )
    assert sp.expand(to_sympy(reduced(written, declared)) - expected) == 0


def test_vectors_and_blocks_are_written_out():
    declared = declarations({"x": 18}, {"u": None, "v": 18}, {"A": tuple((F(i + 1),) * 18 for i in range(18))})
    coordinates = sp.symbols("x1:19")
    f = sp.Function("u")(*coordinates)
    v = field("v", 18)
    position = ir.Position("x", shape=(18,))
    results = to_sympy(
        reduced(
            [
                lap(u),
                dot(position, grad(u, 18)),
                div(v),
                grad(u, 18),
                ir.Trace(matmul(ir.Parameter("A", shape=(18, 18)), hessian(u, 18))),
            ],
            declared,
        )
    )
    assert results[0] == sum(f.diff(c, 2) for c in coordinates)
    assert results[1] == sum(c * f.diff(c) for c in coordinates)
    assert results[2] == sum(sp.Function(f"v{n + 1}")(*coordinates).diff(c) for n, c in enumerate(coordinates))
    assert results[3] == sp.Array([f.diff(c) for c in coordinates])
    trace = sum((i + 1) * f.diff(a, b) for i, a in enumerate(coordinates) for b in coordinates)
    assert sp.expand(results[4] - trace) == 0


def test_a_million_coordinates_are_refused():
    with pytest.raises(UnsupportedError, match="1000000 coordinates"):
        to_sympy(reduced(sub(lap(u), u), declarations({"x": 10**6})))
