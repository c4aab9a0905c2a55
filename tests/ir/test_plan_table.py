"""`str(plan)` is a readable table."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from planning.forms import gradient, laplacian, normal_form, of, runtime, scalars, times, xi

from opcompiler.ir.coefficient import ONE
from opcompiler.ir.network import AffineBottleneck, NetworkProfile
from opcompiler.ir.plan import Gradient, ReadoutPart
from opcompiler.ir.scheme import Exact
from opcompiler.ir.surd import Surd
from opcompiler.planning import plan
from opcompiler.report import explain_text

x, y, t = xi("x"), xi("y"), xi("t")


def test_the_table_of_two_dimensional_kdv():
    linear = t * y + x * x * x * y - x * x + times(y * y, 2)
    planned = plan(normal_form(scalars("x", "y", "t"), *map(of, (linear, x, y, x * x, x * y)), time="t"))
    table, _, weighed = str(planned).partition("weighed   ")
    assert table == (
        "operator  Pu\n"
        "scheme    Exact()\n"
        "fields    u\n"
        "carried   8 coefficients\n"
        "minimum   8 for any u, Hankel rank 8 mod 2305843009213693951\n"
        "by order  1, 2, 2, 2, 1\n"
        "strategy  minimal algebra\n"
        "basis     [0] u\n"
        "          [1] u_x\n"
        "          [2] u_y\n"
        "          [3] 1/2·u_xx\n"
        "          [4] u_xy\n"
        "          [5] 1/6·u_xxx + 1/6·u_t\n"
        "          [6] 1/2·u_xxy\n"
        "          [7] 1/6·u_xxxy + 1/3·u_yy + 1/6·u_yt\n"
        "products  9 in the Leibniz table\n"
        "seeds     x→[1], y→[2], 1/6·t→[5]\n"
        "readouts  contraction 0 of u = -2·[3] + 6·[7]\n"
        "          contraction 1 of u = [1]\n"
        "          contraction 2 of u = [2]\n"
        "          contraction 3 of u = 2·[3]\n"
        "          contraction 4 of u = [4]\n"
        "cost      827,904 flops per point (788,480 linear + 39,424 elementwise), default: tanh MLP 4×128\n"
    )
    rows = [line.strip() for line in weighed.splitlines()]
    assert rows == [f"{a.strategy} {a.coefficients}: {a.reason}" for a in planned.alternatives if not a.chosen]
    counts = [16, 21, 22, 11, 61]  # collapsed, univariate, multi-slot, nested, all partial derivatives
    assert [a.coefficients for a in planned.alternatives if not a.chosen] == counts


def test_a_large_family_is_one_row():
    text = str(plan(normal_form({"x": 10**6}, of(laplacian()), gradient())))
    assert "[1] ∂ᵢu   × 1,000,000 directions" in text
    assert "1,000,002 coefficients" in text
    assert "contraction 1 of u of shape (1000000,) = [1](0…999999 at 0)" in text
    assert len(text.splitlines()) < 20


def test_a_bottleneck_shows_the_scope_and_the_width():
    profile = NetworkProfile(1000, 10, 100, (AffineBottleneck("x", 8),), "traced")
    text = str(plan(normal_form({"x": 500}, of(laplacian())), profile=profile))
    assert "10 for u = g(Wx+b)" in text
    assert "× 500 directions, recombined to 8" in text


def test_fields_with_their_own_callables_are_listed():
    text = str(plan(normal_form({"x": 3, "t": None}, of(t - laplacian(), "v"), gradient(field="p"), time="t")))
    assert "coefficients carried when each field is its own callable: v 5, p 4" in text


def test_weights_of_directions_and_gradients_are_shown():
    planned = plan(normal_form({"x": 9}, of(laplacian()), gradient()), Exact(strategy="minimal algebra"))
    (first, _) = planned.joint.readouts
    weights = (Fraction(1, 2), Surd(Fraction(0), Fraction(-1), 3), *[Fraction(1)] * 7)
    weighted = replace(first, parts=(ReadoutPart(1, ONE, None, weights),))
    joint = replace(planned.joint, readouts=(weighted,), gradients=(Gradient("x", replace(first, contraction=1)),))
    text = str(replace(planned, joint=joint))
    assert "contraction 0 of u = (1/2, -√3, 1, 1, 1, 1, … (3 more))·[1]\n" in text
    assert re.search(r"contraction 1 of u = gradient along x of \S*\[\d+\]", text)
    told = explain_text(replace(planned, joint=joint))
    assert "Δu = 1/2·w₁[1] − √3·w₁[2] + w₁[3] + w₁[4]" in told.replace("(", "")
    assert "∇u = gradient along x, by one reverse sweep, of " in told


def test_scalars_keep_their_names():
    text = str(plan(normal_form({"x": 9, "t": None}, of(t - laplacian() * runtime(0)), time="t")))
    assert "-k0·Σᵢ∂ᵢ²u + u_t" in text
