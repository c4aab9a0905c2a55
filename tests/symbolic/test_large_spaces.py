"""Large spaces stay one indexed expression, and mean what the same operator written out means."""

from __future__ import annotations

import time
from fractions import Fraction as F
from itertools import product

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

from opcompiler.errors import UnsupportedError
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import FunctionDeclaration
from opcompiler.ir.head import ContractionValue, HeadSumOver
from opcompiler.ir.normal_form import Contraction, FreeIndex
from opcompiler.ir.symbol import PowerSum, Quadric, Symbol, Xi, monomial

D = 17
"""Just above the size that is written out."""

X = symbols("x", D)
U = sp.sin(X[0] * X[1] + 1) + X[2] ** 3 * X[3] + sum(c**4 * F(n + 1, 9) for n, c in enumerate(X[4:])) + 3
DECLARED = declarations({"x": D})
POINT = {"x": [F(n % 5 + 1, 7) for n in range(D)]}
G = [sp.diff(U, c) for c in X]
H = [[sp.diff(g, c) for c in X] for g in G]
TRACE = sum(H[n][n] for n in range(D))
SQUARE = sum(g**2 for g in G)
position = ir.Position("x", shape=(D,))
gradient = grad(u, D)


def laplacian(e: sp.Expr) -> sp.Expr:
    return sum(sp.diff(e, c, 2) for c in X)


def sum_over(index: str, body: ir.Expr, lower: int = 0, upper: int = D - 1) -> ir.Expr:
    return ir.IndexSum(index, lower, upper, body)


def partial(e: ir.Expr, *along: int | str) -> ir.Expr:
    return d(e, *(("x", a) for a in along))


CASES = {
    "Δu": (lap(u), TRACE),
    "Δ²u": (lap(lap(u)), laplacian(TRACE)),
    "Δ(u³ − u)": (lap(sub(power(u, 3), u)), 3 * U**2 * TRACE + 6 * U * SQUARE - TRACE),
    "Δ√u": (lap(power(u, F(1, 2))), TRACE / (2 * sp.sqrt(U)) - SQUARE / (4 * U ** sp.Rational(3, 2))),
    "∇u": (gradient, G),
    "|∇u|": (ir.Norm(gradient), sp.sqrt(SQUARE)),
    "(∇u)²": (dot(gradient, gradient), SQUARE),
    "x·∇u": (dot(position, gradient), sum(a * b for a, b in zip(X, G, strict=True))),
    "Δ(x·∇u)": (
        lap(dot(position, gradient)),
        2 * TRACE + sum(c * sp.diff(TRACE, c) for c in X),
    ),
    "∇·(x u)": (div(mul(position, u)), D * U + sum(a * b for a, b in zip(X, G, strict=True))),
    "|x|²": (power(ir.Norm(position), 2), sum(c**2 for c in X)),
    "∇|x|": (grad(ir.Norm(position), D), [c / sp.sqrt(sum(a**2 for a in X)) for c in X]),
    "∇·(∇u/|∇u|)": (
        div(over(gradient, ir.Norm(gradient))),
        TRACE / sp.sqrt(SQUARE)
        - sum(G[i] * G[j] * H[i][j] for i, j in product(range(D), repeat=2)) / SQUARE ** sp.Rational(3, 2),
    ),
    "∇·(u∇u)": (div(mul(u, gradient)), SQUARE + U * TRACE),
    "∇Δu": (grad(lap(u), D), [sp.diff(TRACE, c) for c in X]),
    "D²u": (hessian(u, D), H),
    "tr D²u": (ir.Trace(hessian(u, D)), TRACE),
    "Hess(|x|²/2)": (
        hessian(mul(F(1, 2), power(ir.Norm(position), 2)), D),
        [[int(i == j) for j in range(D)] for i in range(D)],
    ),
    "D²u ∇u": (matmul(hessian(u, D), gradient), [sum(H[i][j] * G[j] for j in range(D)) for i in range(D)]),
    "Σ_i ∂_i⁴u": (sum_over("i", partial(u, *"iiii")), sum(sp.diff(U, c, 4) for c in X)),
    "Σ_{i=2}^{5} ∂_i²u": (sum_over("i", partial(u, *"ii"), 1, 4), sum(H[n][n] for n in range(1, 5))),
    "Σ_i x_i": (sum_over("i", x("x", "i")), sum(X)),
    "sin(Σ_i x_i)u": (mul(call("sin", sum_over("i", x("x", "i"))), u), sp.sin(sum(X)) * U),
    "∂_3 sin(Σ_i x_i²)": (
        partial(call("sin", sum_over("i", power(x("x", "i"), 2))), 3),
        sp.diff(sp.sin(sum(c**2 for c in X)), X[3]),
    ),
    "Σ_i x_i ∂_i u": (sum_over("i", mul(x("x", "i"), partial(u, "i"))), sum(a * b for a, b in zip(X, G, strict=True))),
    "Σ_i |∂_i u|^1.5": (
        sum_over("i", power(call("abs", partial(u, "i")), F(3, 2))),
        sum(sp.Abs(g) ** sp.Rational(3, 2) for g in G),
    ),
    "Σ_ij ∂_i∂_j u": (sum_over("i", sum_over("j", partial(u, "i", "j"))), sum(map(sum, H))),
    "Σ_i 1": (sum_over("i", num(1)), sp.Integer(D)),
    "Σ_i Σ_j x_i x_j": (sum_over("i", sum_over("j", mul(x("x", "i"), x("x", "j")))), sum(X) ** 2),
    "e_2·∇u + ∂_1 Δu": (
        add(dot(ir.UnitVector(1, shape=(D,)), gradient), partial(lap(u), 0)),
        G[1] + sp.diff(TRACE, X[0]),
    ),
    "(∇u)_3 + u_3": (add(ir.Component(gradient, (2,)), partial(u, 2)), 2 * G[2]),
}


@pytest.mark.parametrize("name", CASES)
def test_operator_has_the_value_that_sympy_gives(name):
    written, expected = CASES[name]
    means(written, expected, DECLARED, U, POINT)


A = tuple(tuple(F(i * j % 7 + i, 3) for j in range(D)) for i in range(D))
B = tuple(F(n, 3) for n in range(D))
a, b = ir.Parameter("A", shape=(D, D)), ir.Parameter("b", shape=(D,))
WITH_TABLES = declarations({"x": D}, parameters={"A": A, "b": B})
AH = sum(A[i][j] * H[i][j] for i, j in product(range(D), repeat=2))
GRAM = [[sum(A[i][k] * A[j][k] for k in range(D)) for j in range(D)] for i in range(D)]

TABLE_CASES = {
    "tr(A D²u)": (ir.Trace(matmul(a, hessian(u, D))), AH),
    "A : D²u": (ir.DoubleDot(a, hessian(u, D)), AH),
    "Σ_ij a_ij ∂_i∂_j u": (
        sum_over("i", sum_over("j", mul(ir.Component(a, ("i", "j")), partial(u, "i", "j")))),
        AH,
    ),
    "∇·(A∇u)": (div(matmul(a, gradient)), AH),
    "(A + Aᵀ) : D²u": (
        ir.DoubleDot(add(a, ir.Transpose(a, shape=(D, D))), hessian(u, D)),
        2 * AH,
    ),
    "tr(AAᵀ D²u)": (
        ir.Trace(matmul(matmul(a, ir.Transpose(a, shape=(D, D))), hessian(u, D))),
        sum(GRAM[i][j] * H[i][j] for i, j in product(range(D), repeat=2)),
    ),
    "b·∇Δu": (dot(b, grad(lap(u), D)), sum(B[n] * sp.diff(TRACE, X[n]) for n in range(D))),
}


@pytest.mark.parametrize("name", TABLE_CASES)
def test_numeric_tables_become_one_exact_symbol(name):
    written, expected = TABLE_CASES[name]
    normal_form = means(written, expected, WITH_TABLES, U, POINT)
    assert normal_form.outputs[0].body == ContractionValue(0)
    assert normal_form.is_plain


def test_numeric_tables_also_stand_alone():
    means(dot(b, b), sum(n**2 for n in B), WITH_TABLES, U, POINT)
    means(mul(b, u), [n * U for n in B], WITH_TABLES, U, POINT)
    means(matmul(a, position), [sum(A[i][j] * X[j] for j in range(D)) for i in range(D)], WITH_TABLES, U, POINT)
    means(ir.Component(a, (2, 3)), A[2][3], WITH_TABLES, U, POINT)


def test_run_time_tables_stay_parameters():
    declared = declarations({"x": D}, parameters={"A": ("runtime", (D, D)), "b": ("runtime", (D,))})
    values = {"A": A, "b": B}
    means(dot(b, gradient), sum(p * q for p, q in zip(B, G, strict=True)), declared, U, POINT, values)
    means(ir.Trace(matmul(a, hessian(u, D))), AH, declared, U, POINT, values)


V = [U * (n + 1) + X[n] ** 2 * X[0] for n in range(D)]
VECTOR = declarations({"x": D}, {"v": D, "w": 3, "u": None})
v, w = field("v", D), field("w", 3)
W = [U**2, X[0] * X[5], X[1]]
VALUES = {"v": V, "w": W, "u": U}

VECTOR_CASES = {
    "∇·v": (div(v), sum(sp.diff(V[n], X[n]) for n in range(D))),
    "(v·∇)u": (ir.Apply(ir.OperatorDirectional(v), u), sum(V[n] * G[n] for n in range(D))),
    "(v·∇)w": (
        ir.Apply(ir.OperatorDirectional(v), w, shape=(3,)),
        [sum(V[n] * sp.diff(W[i], X[n]) for n in range(D)) for i in range(3)],
    ),
    "∇·(v⊗v)_1": (
        ir.Component(div(ir.Outer(v, v, shape=(D, D))), (0,)),
        sum(sp.diff(V[0] * V[n], X[n]) for n in range(D)),
    ),
    "|v|²u": (mul(power(ir.Norm(v), 2), u), sum(n**2 for n in V) * U),
    "Σ_i v_i": (sum_over("i", ir.Component(v, ("i",))), sum(V)),
    "Δw": (lap(w), [laplacian(n) for n in W]),
}


@pytest.mark.parametrize("name", VECTOR_CASES)
def test_vector_fields_over_large_spaces(name):
    written, expected = VECTOR_CASES[name]
    means(written, expected, VECTOR, VALUES, POINT)


def test_coefficient_functions_of_a_whole_space():
    declared = declarations({"x": D}, functions=(FunctionDeclaration("c", ("x",)),))
    C = sp.sin(X[0] * X[1]) + sum(X) ** 2
    functions = {"c": (X, C)}
    c = ir.FunctionCall("c", (position,), (0,))
    flux = sum(sp.diff(C * g, n) for g, n in zip(G, X, strict=True))
    means(div(mul(c, gradient)), flux, declared, U, POINT, functions=functions)
    means(lap(c), laplacian(C), declared, U, POINT, functions=functions)


def test_several_spaces_and_single_coordinates_beside_blocks():
    declared = declarations({"x": D, "y": 18, "s": None, "t": None})
    Y, S, T = symbols("y", 18), symbols("s", 1)[0], symbols("t", 1)[0]
    W = X[0] ** 3 * Y[0] ** 2 * S**2 + sum(c**3 for c in X + Y) * T + X[0] * X[1]
    point = {**POINT, "y": [F(1, n + 2) for n in range(18)], "s": [F(1, 3)], "t": [F(2, 3)]}
    everything = sum(sp.diff(W, c, 2) for c in [*X, *Y, S])
    means(lap(u), everything, declared, W, point)
    means(lap(u, "y"), sum(sp.diff(W, c, 2) for c in Y), declared, W, point)
    means(sub(d(lap(u), "t"), d(u, ("x", 0))), sp.diff(everything, T) - sp.diff(W, X[0]), declared, W, point)
    squares = sum(sp.diff(W, c) ** 2 for c in [*X, *Y, S])
    means(power(ir.Norm(grad(u, 36)), 2), squares, declared, W, point)
    means(grad(u, 36), [sp.diff(W, c) for c in [*X, *Y, S]], declared, W, point)
    means(ir.DAlembertian(u), sp.diff(W, T, 2) - everything, declared, W, point)
    b36 = tuple(F(n) for n in range(36))
    tables = declarations({"x": D, "y": 18, "s": None, "t": None}, parameters={"b": b36})
    drift = sum(n * sp.diff(W, c) for n, c in zip(b36, [*X, *Y, S], strict=True))
    means(dot(ir.Parameter("b", shape=(36,)), grad(u, 36)), drift, tables, W, point)


def test_a_space_of_tuple_shape_is_one_flat_axis():
    declared = declarations({"r": (6, 3)})
    R = symbols("r", 18)
    W = sum(c**3 for c in R) * R[0] + R[4]
    point = {"r": [F(n, 5) for n in range(18)]}
    gradients = [[sp.diff(W, R[3 * i + j]) for j in range(3)] for i in range(6)]
    means(grad(u, 6, 3), gradients, declared, W, point)
    means(lap(u), sum(sp.diff(W, c, 2) for c in R), declared, W, point)
    means(ir.Component(grad(u, 6, 3), (1, 2)), gradients[1][2], declared, W, point)
    means(ir.Divergence(grad(u, 6, 3)), sum(sp.diff(W, c, 2) for c in R), declared, W, point)
    squares = sum(g**2 for row in gradients for g in row)
    means(power(ir.Norm(grad(u, 6, 3)), 2), squares, declared, W, point)
    small = declarations({"r": (2, 3)})
    S = symbols("r", 6)
    cubes = [[3 * S[3 * i + j] ** 2 for j in range(3)] for i in range(2)]
    means(grad(u, 2, 3), cubes, small, sum(c**3 for c in S), {"r": point["r"][:6]})


# --- the form, and that nothing loops over coordinates ----------------------------------------------------------

HUGE = declarations({"x": 10**6, "t": None}, {"u": None, "s": 10**6})


def symbol(*factors):
    return Symbol.from_terms({monomial(tuple(factors)): Symbol.one().terms[0][1]})


@pytest.mark.parametrize(
    ("written", "contractions"),
    [
        (lap(u), [Contraction("u", symbol((PowerSum("x", 2), 1)))]),
        (lap(lap(lap(u))), [Contraction("u", symbol((PowerSum("x", 2), 3)))]),
        (d(lap(u), "t"), [Contraction("u", symbol((PowerSum("x", 2), 1), (Xi("t"), 1)))]),
        (d(u, ("x", 7), ("x", 7)), [Contraction("u", symbol((Xi("x", 7), 2)))]),
        (sum_over("i", d(u, *((("x", "i"),) * 4)), 0, 10**6 - 1), [Contraction("u", symbol((PowerSum("x", 4), 1)))]),
        (grad(lap(u), 10**6), [Contraction("u", symbol((PowerSum("x", 2), 1)), (FreeIndex("x"),))]),
        (hessian(u, 10**6), [Contraction("u", Symbol.one(), (FreeIndex("x"), FreeIndex("x")))]),
        (div(field("s", 10**6)), [Contraction("s", Symbol.one(), (FreeIndex("x"),))]),
        (div(mul(u, grad(u, 10**6))), None),
        (lap(power(u, 5)), None),
        (lap(call("exp", neg(power(ir.Norm(ir.Position("x", shape=(10**6,))), 2)))), None),
        (add(d(u, "t"), lap(u), neg(power(ir.Norm(grad(u, 10**6)), 2))), None),
    ],
)
def test_a_million_coordinates_cost_milliseconds(written, contractions):
    reduced(lap(u), HUGE)
    start = time.process_time()
    normal_form = reduced(written, HUGE)
    assert time.process_time() - start < 0.2
    if contractions is not None:
        assert list(normal_form.contractions) == contractions


def test_divergence_is_one_diagonal_sum():
    normal_form = reduced(div(field("s", 10**6)), HUGE)
    assert normal_form.outputs[0].body == HeadSumOver("k1", 10**6, ContractionValue(0, ("k1", "k1")))


def test_matrices_are_symmetrised():
    declared = declarations({"x": D}, parameters={"A": A})
    (contraction,) = reduced(ir.Trace(matmul(a, hessian(u, D))), declared).contractions
    (((generator, _),), _) = contraction.symbol.terms[0]
    assert isinstance(generator, Quadric)
    assert generator.matrix[1][2] == generator.matrix[2][1] == (A[1][2] + A[2][1]) / 2


def test_an_axis_over_several_large_spaces_cannot_be_an_output():
    declared = declarations({"x": 10**4, "y": 10**4})
    with pytest.raises(UnsupportedError, match="20000 entries") as caught:
        reduced(grad(u, 2 * 10**4), declared)
    assert "∇_x" in caught.value.hint
    reduced(lap(u), declared)


def test_a_long_partial_sum_is_refused():
    with pytest.raises(UnsupportedError, match="a sum of 5001 terms"):
        reduced(sum_over("i", d(u, ("x", "i")), 0, 5000), HUGE)
