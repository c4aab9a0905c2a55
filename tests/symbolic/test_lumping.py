"""What becomes one contraction: the linear part of every output, and linear factors of nonlinear products."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
from symbolic.writing import (
    add,
    call,
    d,
    declarations,
    div,
    field,
    grad,
    hessian,
    lap,
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
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.head import (
    Call,
    Components,
    ContractionValue,
    CoordinateValue,
    HeadPower,
    HeadProduct,
    HeadSum,
    Imaginary,
    ParameterValue,
    Rational,
)
from opcompiler.ir.normal_form import Contraction, FreeIndex
from opcompiler.ir.symbol import Symbol, Xi, monomial
from opcompiler.planning import plan

XT = declarations({"x": None, "t": None})
XYT = declarations({"x": None, "y": None, "t": None})
XY = declarations({"x": None, "y": None})
ux, ut, uxx, uxxx = d(u, "x"), d(u, "t"), d(u, "x", "x"), d(u, "x", "x", "x")


def symbol(*terms: tuple[F | int | Coefficient, str]) -> Symbol:
    """Σ coefficient · ξ_letters."""
    total = Symbol()
    for coefficient, letters in terms:
        value = coefficient if isinstance(coefficient, Coefficient) else Coefficient.of(coefficient)
        total = total + Symbol.from_terms({monomial(tuple((Xi(c), 1) for c in letters)): value})
    return total


def of_u(*terms) -> Contraction:
    return Contraction("u", symbol(*terms))


def rational(value) -> Rational:
    return Rational(F(value))


def test_the_linear_part_of_kdv_is_one_contraction():
    normal_form = reduced(add(ut, mul(6, u, ux), uxxx), XT)
    assert set(normal_form.contractions) == {of_u((1, "t"), (1, "xxx")), of_u((1, "x")), of_u((1, ""))}
    terms = normal_form.outputs[0].body.terms
    lumped = normal_form.contractions.index(of_u((1, "t"), (1, "xxx")))
    assert ContractionValue(lumped) in terms


def test_a_linear_operator_is_its_contraction_and_nothing_else():
    for written in (lap(u), neg(u), sub(ut, mul(F(1, 10), lap(u))), add(u, mul(-3, ut)), over(lap(u), 7)):
        normal_form = reduced(written, XYT)
        assert normal_form.outputs[0].body == ContractionValue(0)
        assert normal_form.is_plain


def test_decimals_are_folded_exactly():
    declared = declarations({"x": None, "t": None}, parameters={"nu": F(1, 10)})
    (contraction,) = reduced(sub(ut, mul(ir.Parameter("nu"), uxx)), declared).contractions
    assert contraction.symbol == symbol((1, "t"), (F(-1, 10), "xx"))


def test_fisher_keeps_the_undifferentiated_field_in_the_linear_part():
    declared = declarations({"x": None, "t": None}, parameters={"r": None})
    normal_form = reduced(sub(sub(ut, uxx), mul(ir.Parameter("r"), u, sub(1, u))), declared)
    r = Coefficient.scalar(0)
    assert normal_form.scalars == (ParameterValue("r"),)
    assert set(normal_form.contractions) == {of_u((1, "t"), (-1, "xx"), (-r, "")), of_u((1, ""))}


def test_kdv_2d_and_kp_need_as_many_coefficients_as_proven():
    kdv = add(d(u, "t", "y"), d(uxxx, "y"), mul(3, d(mul(d(u, "y"), ux), "x")), neg(uxx), mul(2, d(u, "y", "y")))
    kp = add(d(add(ut, mul(6, u, ux), uxxx), "x"), mul(3, d(u, "y", "y")))
    assert plan(reduced(kdv, XYT)).certificate.by_order == (1, 2, 2, 2, 1)
    assert plan(reduced(kp, XYT)).certificate.by_order == (1, 2, 1, 1, 1)


def test_one_coefficient_function_needs_one_contraction():
    normal_form = reduced(add(mul(x("x"), uxx), mul(x("x"), d(u, "y", "y"))), XY)
    assert normal_form.contractions == (of_u((1, "xx"), (1, "yy")),)
    assert normal_form.outputs[0].body == HeadProduct((CoordinateValue("x"), ContractionValue(0)))


def test_the_product_rule_leaves_a_laplacian_whole():
    normal_form = reduced(lap(power(u, 3)), XY)
    assert set(normal_form.contractions) == {
        of_u((1, "xx"), (1, "yy")),
        of_u((1, "x")),
        of_u((1, "y")),
        of_u((1, "")),
    }
    weak = reduced(div(mul(call("exp", u), grad(u, 2))), XY)
    assert plan(weak).certificate.minimum == 4


@pytest.mark.parametrize("dimension", [3, 100])
def test_the_laplacian_of_a_squared_modulus_needs_no_more_than_the_laplacian(dimension):
    modulus = call("abs", u)
    conjugate = call("conj", u)
    declared = declarations({"x": dimension})
    for written in (power(modulus, 2), mul(u, conjugate), power(modulus, 4), modulus, power(modulus, F(3, 2))):
        assert plan(reduced(lap(written), declared)).certificate.minimum == dimension + 2


def test_powers_of_a_linear_part_are_not_expanded():
    for exponent in (2, 3, 400):
        normal_form = reduced(power(add(lap(u), u), exponent), XY)
        assert normal_form.contractions == (of_u((1, "xx"), (1, "yy"), (1, "")),)
        assert normal_form.outputs[0].body == HeadPower(ContractionValue(0), rational(exponent))
    cube = reduced(power(call("abs", lap(u)), 3), XY)
    assert cube.outputs[0].body == HeadPower(Call("abs", (ContractionValue(0),)), rational(3))


def test_linear_factors_of_a_product_are_contractions():
    normal_form = reduced(sub(mul(d(u, "y"), d(lap(u), "x")), mul(ux, d(lap(u), "y"))), XY)
    assert set(normal_form.contractions) == {
        of_u((1, "xxx"), (1, "xyy")),
        of_u((1, "xxy"), (1, "yyy")),
        of_u((1, "x")),
        of_u((1, "y")),
    }


def test_scaled_factors_are_the_same_contraction():
    normal_form = reduced(add(mul(u, sub(mul(-2, uxx), mul(2, d(u, "y", "y")))), power(lap(u), 2)), XY)
    assert set(normal_form.contractions) == {of_u((1, "xx"), (1, "yy")), of_u((1, ""))}


def test_terms_that_cancel_leave_nothing():
    identity = sub(d(mul(u, ux), "x"), add(power(ux, 2), mul(u, uxx)))
    normal_form = reduced(identity, XT)
    assert normal_form.contractions == ()
    assert normal_form.outputs[0].body == rational(0)
    assert reduced(sub(d(mul(2, x("x"), ux), "x"), add(mul(2, ux), mul(2, x("x"), uxx))), XT).contractions == ()


def test_run_time_constants_become_scalars():
    eps = ir.Parameter("eps")
    declared = declarations({"x": None, "y": None}, parameters={"eps": None})
    written = add(mul(call("sin", eps), power(eps, 2), lap(u)), mul(ir.NamedConstant("pi"), u), over(d(u, "x"), eps))
    normal_form = reduced(written, declared)
    assert len(normal_form.contractions) == 1
    assert len(normal_form.scalars) == 4
    assert HeadPower(ParameterValue("eps"), rational(-1)) in normal_form.scalars
    assert Call("sin", (ParameterValue("eps"),)) in normal_form.scalars
    assert reduced(mul(u, u, eps), declared).scalars == ()


def test_constants_meet_before_they_become_scalars():
    eps = ir.Parameter("eps")
    declared = declarations({"x": None, "y": None}, parameters={"eps": None})
    normal_form = reduced(mul(over(1, eps), sub(mul(power(eps, 2), lap(u)), mul(3, eps, u))), declared)
    s = Coefficient.scalar(0)
    assert normal_form.scalars == (ParameterValue("eps"),)
    assert normal_form.contractions == (of_u((s, "xx"), (s, "yy"), (-3, "")),)


def test_a_whole_vector_field_is_one_contraction():
    declared = declarations({"x": 2, "t": None}, {"v": 2, "p": None})
    v, p = field("v", 2), ir.Field("p")
    normal_form = reduced(sub(d(v, "t"), lap(v)), declared)
    assert normal_form.contractions == (
        Contraction("v", Symbol.generator(Xi("t")) - Symbol.generator(Xi("x", 0), 2) - Symbol.generator(Xi("x", 1), 2)),
    )
    assert normal_form.outputs[0].body == ContractionValue(0, ("i",))
    assert normal_form.outputs[0].labels == (("i", 2),)
    mixed = reduced(add(d(v, "t"), grad(p, 2)), declared)
    assert isinstance(mixed.outputs[0].body, Components)
    assert len(mixed.contractions) == 4


def test_gradients_keep_one_free_index():
    declared = declarations({"x": 3})
    gradient = reduced(grad(lap(u), 3), declared)
    assert gradient.contractions[0].free == (FreeIndex("x"),)
    assert gradient.is_plain
    assert reduced(hessian(u, 3), declared).contractions == (
        Contraction("u", Symbol.one(), (FreeIndex("x"), FreeIndex("x"))),
    )
    pair = plan(reduced([grad(lap(u), 3), lap(u)], declared))
    assert pair.certificate.by_order == (1, 3, 6, 3)


def test_the_imaginary_unit_stays_outside_of_symbols():
    i = ir.ImaginaryUnit()
    schroedinger = reduced(add(mul(i, ut), uxx), XT)
    assert set(schroedinger.contractions) == {of_u((1, "t")), of_u((1, "xx"))}
    time_part = schroedinger.contractions.index(of_u((1, "t")))
    assert HeadProduct((Imaginary(), ContractionValue(time_part))) in schroedinger.outputs[0].body.terms
    ginzburg = reduced(mul(add(1, mul(F(3, 2), i)), lap(u)), XY)
    assert ginzburg.contractions == (of_u((1, "xx"), (1, "yy")),)
    assert ginzburg.outputs[0].body == HeadProduct(
        (ContractionValue(0), HeadSum((rational(1), HeadProduct((rational(F(3, 2)), Imaginary())))))
    )


def test_a_root_is_squared_only_where_that_keeps_the_domain():
    half = power(u, F(1, 2))
    assert reduced(mul(half, half), XY).outputs[0].body == HeadPower(
        HeadPower(ContractionValue(0), rational(F(1, 2))), rational(2)
    )
    norm = ir.Norm(grad(u, 2))
    body = reduced(mul(norm, norm), XY).outputs[0].body
    assert isinstance(body, HeadSum)
    assert all(isinstance(term, HeadPower) and isinstance(term.base, Call) for term in body.terms)


def test_integer_valued_parameters_are_integer_powers():
    declared = declarations({"x": None}, parameters={"n": F(5)})
    written = power(ux, ir.Parameter("n"))
    assert reduced(written, declared).outputs[0].body == HeadPower(ContractionValue(0), rational(5))
    third = reduced(power(uxx, F(1, 3)), declared)
    assert third.outputs[0].body == HeadPower(ContractionValue(0), rational(F(1, 3)))


@pytest.mark.parametrize("exponent", [F(1, 2), F(3, 2), F(-1, 2), F(1, 10)])
def test_rational_powers_are_one_power_of_the_head(exponent):
    body = reduced(power(u, exponent), XY).outputs[0].body
    assert body == HeadPower(ContractionValue(0), rational(exponent))


def test_gradient_of_a_product_of_linear_parts():
    X, Y = symbols("x", 1)[0], symbols("y", 1)[0]
    U = X**3 * Y + Y**2
    means(mul(add(u, num(1)), add(u, 2)), (U + 1) * (U + 2), XY, U, {"x": [2], "y": [3]})
