"""What is refused: quickly, with the reason and a hint, never with a wrong result."""

from __future__ import annotations

import time
from fractions import Fraction as F

import pytest
from symbolic.writing import (  # fmt: skip
    add,
    call,
    d,
    declarations,
    div,
    field,
    grad,
    hessian,
    lap,
    mul,
    num,
    over,
    power,
    reduced,
    sub,
    u,
)

from opcompiler.errors import LimitError, Span, UnsupportedError
from opcompiler.ir import expression as ir
from opcompiler.ir.expression import System
from opcompiler.symbolic import reduce

XY = declarations({"x": None, "y": None})


def laplacian_power(e: ir.Expr, times: int) -> ir.Expr:
    return ir.Apply(ir.OperatorPower(ir.OperatorLaplacian(), times), e)


@pytest.mark.parametrize(
    ("written", "declared", "message"),
    [
        (laplacian_power(power(u, 5), 20), XY, "product rule"),
        (laplacian_power(power(u, 5), 20), declarations({"x": 10**5}), "product rule|sum over an index"),
        (laplacian_power(call("sin", mul(u, call("exp", u))), 12), XY, "product rule"),
        (laplacian_power(u, 100_000), XY, "power 100000"),
        (laplacian_power(u, 60), XY, "order 10"),
        (laplacian_power(u, 40), declarations({"x": 16}), "terms"),
        (ir.Partial(u, ((ir.Coordinate("x"), 10**6),)), XY, "order"),
        (over(u, sub(num(2), 2)), XY, "divides by zero"),
        (over(u, sub(u, u)), XY, "divides by zero"),
        (power(sub(u, u), -2), XY, "divides by zero"),
        (power(num(3), 10**9), XY, "bits"),
        (power(mul(3, u), 10**9), XY, "bits"),
        (ir.Determinant(hessian(u, 7)), declarations({"x": 7}), "determinant"),
    ],
)
def test_too_large_an_operator_is_refused_within_two_seconds(written, declared, message):
    start = time.process_time()
    with pytest.raises(LimitError, match=message):
        reduced(written, declared)
    assert time.process_time() - start < 2


def test_deep_nesting_is_refused():
    written = u
    for _ in range(100_000):
        written = ir.Negative(written)
    with pytest.raises(LimitError, match="nested too deeply"):
        reduced(written, XY)
    while isinstance(written, ir.Negative):  # free the chain without recursion
        written = written.operand


def test_errors_point_into_the_text():
    quotient = ir.Quotient(u, ir.Sum((u, ir.Negative(u))), span=Span(4, 11))
    system = System((add(u, quotient),), XY, None, ("u + u/(u-u)",))
    with pytest.raises(LimitError) as caught:
        reduce(system)
    assert caught.value.span == Span(4, 11)
    assert "^^^^^^^" in str(caught.value)


def test_what_does_not_fit_is_unsupported():
    declared = declarations({"x": None, "y": None, "z": None}, {"v": 2})
    with pytest.raises(UnsupportedError, match="∇×"):
        reduced(ir.Curl(field("v", 2), shape=(3,)), declared)
    with pytest.raises(UnsupportedError, match="time"):
        reduced(ir.DAlembertian(u), XY)


def test_reasonable_operators_pass():
    declared = declarations({"x": 16})
    start = time.process_time()
    reduced(laplacian_power(u, 3), declared)
    reduced(lap(lap(power(u, 2))), declarations({"x": 6}))
    reduced(d(power(u, 4), *("x",) * 6), XY)
    reduced(div(mul(power(ir.Norm(grad(u, 3)), F(3, 2)), grad(u, 3))), declarations({"x": 3}))
    assert time.process_time() - start < 4
