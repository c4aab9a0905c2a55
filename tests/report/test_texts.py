"""Symbols, heads and coefficients as mathematics, on hand-made data."""

from __future__ import annotations

from fractions import Fraction

import pytest

from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.declarations import Declarations, FieldDeclaration, ParameterDeclaration
from opcompiler.ir.head import (
    Call,
    Components,
    ContractionValue,
    CoordinateValue,
    FunctionValue,
    HeadPower,
    HeadProduct,
    HeadSum,
    HeadSumOver,
    Kronecker,
    Output,
    ParameterValue,
    PositionValue,
    Rational,
)
from opcompiler.ir.normal_form import Contraction, FreeIndex
from opcompiler.ir.space import Space
from opcompiler.ir.symbol import PowerSum, Quadric, Symbol, Xi
from opcompiler.report import coefficient_text, contraction_text, head_text, output_text, symbol_text
from opcompiler.report.symbols import contraction_name

HEAT = Declarations(
    spaces=(Space("x", (3,)), Space("t")),
    fields=(FieldDeclaration("u"), FieldDeclaration("v", (2,)), FieldDeclaration("E", (2,), ("Ex", "Ey"))),
    time=("t", 0),
    parameters=(ParameterDeclaration("ε"),),
)
S0 = Coefficient.scalar(0)
LAPLACIAN = Symbol.generator(PowerSum("x", 2))
HEAT_SYMBOL = Symbol.generator(Xi("t")) + LAPLACIAN * -(S0 * 2)


@pytest.mark.parametrize(
    ("coefficient", "text"),
    [
        (Coefficient(), "0"),
        (ONE, "1"),
        (Coefficient.of(Fraction(-1, 3)), "−1/3"),
        (-S0, "−ε"),
        (S0 * S0 * Fraction(2, 3) + ONE, "1 + 2/3·ε²"),
        (ONE - S0, "1 − ε"),
    ],
)
def test_coefficients(coefficient: Coefficient, text: str):
    assert coefficient_text(coefficient, ["ε"]) == text


@pytest.mark.parametrize(
    ("symbol", "text"),
    [
        (Symbol(), "0"),
        (Symbol.one(), "1"),
        (HEAT_SYMBOL, "−2·ε·|ξ_x|² + ξ_t"),
        (LAPLACIAN * LAPLACIAN, "|ξ_x|⁴"),
        (Symbol.generator(Xi("x", 0), 2) * Symbol.generator(Xi("x", 1)), "ξ_x1²·ξ_x2"),
        (LAPLACIAN * (ONE + S0), "(1 + ε)·|ξ_x|²"),
        (Symbol.generator(PowerSum("x", 4)), "(Σᵢ ξ_xᵢ⁴)"),
        (Symbol.generator(Quadric("x", ((Fraction(1),),))), "(ξ_xᵀ A ξ_x)"),
    ],
)
def test_symbols(symbol: Symbol, text: str):
    assert symbol_text(symbol, HEAT, ["ε"]) == text


def test_a_long_symbol_is_cut_and_counted():
    symbol = Symbol.from_terms({((Xi("x", n), 1),): ONE for n in range(100)})
    declarations = Declarations(spaces=(Space("x", (100,)),))
    assert symbol_text(symbol, declarations).endswith("+ ξ_x24 + … (76 more terms)")


@pytest.mark.parametrize(
    ("contraction", "name"),
    [
        (Contraction("u", Symbol.one()), "u"),
        (Contraction("v", Symbol.one(), component=(1,)), "v₂"),
        (Contraction("E", Symbol.one(), component=(1,)), "Ey"),
        (Contraction("u", LAPLACIAN), "Δu"),
        (Contraction("u", LAPLACIAN * LAPLACIAN), "Δ²u"),
        (Contraction("u", Symbol.one(), (FreeIndex("x"),)), "∇u"),
        (Contraction("u", Symbol.generator(Xi("t"), 2)), "u_tt"),
        (Contraction("u", Symbol.generator(Xi("x", 0)) * Symbol.generator(Xi("t"))), "u_{t x1}"),
        (Contraction("u", HEAT_SYMBOL), "L₇"),
    ],
)
def test_contractions_are_called_what_they_are(contraction: Contraction, name: str):
    assert contraction_name(7, contraction, HEAT) == name


def test_contractions_in_full():
    assert contraction_text(Contraction("u", HEAT_SYMBOL), HEAT, ["ε"]) == "p(∂)u, p(ξ) = −2·ε·|ξ_x|² + ξ_t"
    gradient = Contraction("u", LAPLACIAN, (FreeIndex("x"),))
    assert contraction_text(gradient, HEAT) == "∂_xᵢ p(∂)u for all i, p(ξ) = |ξ_x|²"


U, UX = ContractionValue(0), ContractionValue(1)
NAMES = ["u", "u_x", "∇v"]


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (HeadSum((U, HeadProduct((Rational(Fraction(6)), U, UX)))), "u + 6·u·u_x"),
        (HeadSum((U, HeadProduct((Rational(Fraction(-1)), UX)))), "u − u_x"),
        (HeadProduct((U, HeadSum((UX, Rational(Fraction(1)))))), "u·(u_x + 1)"),
        (HeadProduct((Rational(Fraction(1, 2)), U)), "1/2·u"),
        (HeadPower(HeadSum((U, UX)), Rational(Fraction(2))), "(u + u_x)²"),
        (HeadPower(U, Rational(Fraction(-1))), "u⁻¹"),
        (HeadPower(U, Rational(Fraction(1, 2))), "u^(1/2)"),
        (HeadPower(HeadPower(U, Rational(Fraction(2))), ParameterValue("ε")), "(u²)^ε"),
        (HeadPower(Rational(Fraction(-2)), Rational(Fraction(2))), "(−2)²"),
        (Call("sin", (HeadSum((U, CoordinateValue("x", 0))),)), "sin(u + x1)"),
        (FunctionValue("c", (PositionValue("x"),), ((0, 1),)), "∂1[2]c(x)"),
        (FunctionValue("f", (U,), ((0, 0),)), "∂1f(u)"),
        (Components("i", (U, UX)), "[u, u_x]_i"),
        (
            HeadSumOver("i", 3, HeadProduct((ContractionValue(2, ("i", 0)), Kronecker("i", 1)))),
            "Σ_i=1…3 ∇v[i,1]·δ[i,2]",
        ),
    ],
)
def test_heads(head, text: str):
    assert head_text(head, HEAT, NAMES) == text


def test_an_entry_of_tensor_shape_says_its_ranges():
    output = Output(ContractionValue(2, ("i", "j")), (("i", 2), ("j", 3)), (2, 3))
    assert output_text(output, HEAT, NAMES) == "∇v[i,j]   for i = 1…2, j = 1…3 (shape 2×3)"
