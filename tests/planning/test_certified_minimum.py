"""The certified minimum of every operator of the table in docs/mathematics.md, as literal numbers."""

from __future__ import annotations

import pytest
from planning.forms import IDENTITY, gradient, laplacian, normal_form, of, quadric, scalars, smallest, times, xi

from opcompiler.planning import plan

x, y, z, t = (xi(name) for name in "xyzt")
XYT, XYZT = scalars("x", "y", "t"), scalars("x", "y", "z", "t")


def monomial(**powers):
    symbol = IDENTITY
    for name, power in powers.items():
        symbol = symbol * xi(name, power)
    return normal_form(scalars(*powers), of(symbol))


def laplace_power(power, dim):
    return normal_form({"x": dim}, of(laplacian("x", power)))


def time_laplacian(dim):
    return normal_form({"x": dim, "t": None}, of(t * laplacian()), time="t")


def kdv_2d(lumped):
    linear = [t * y, x * x * x * y, times(x * x, -1), times(y * y, 2)]
    if lumped:
        linear = [linear[0] + linear[1] + linear[2] + linear[3]]
    return normal_form(XYT, *map(of, [*linear, x, y, x * x, x * y]), time="t")


def kp():
    return normal_form(XYT, *map(of, (t * x + xi("x", 4) + times(y * y, 3), IDENTITY, x, x * x)), time="t")


def kuramoto_sivashinsky(dim):
    linear = t + laplacian() + laplacian("x", 2)
    return normal_form({"x": dim, "t": None}, of(linear), gradient(), of(IDENTITY), time="t")


def cahn_hilliard(dim):
    linear = t + times(laplacian("x", 2), "1/100")
    return normal_form({"x": dim, "t": None}, of(linear), of(laplacian()), gradient(), of(IDENTITY), time="t")


def gradient_of_laplacian(dim):
    return normal_form({"x": dim}, of(laplacian(), free=("x",)), of(laplacian()))


def elasticity():
    second = [x * x, y * y, z * z, x * y, x * z, y * z]
    return normal_form(scalars("x", "y", "z"), *(of(s, field) for field in ("u", "v", "w") for s in second))


def navier_stokes():
    heat = t + times(x * x + y * y + z * z, "-1/100")
    velocity = [of(s, f) for f in ("v1", "v2", "v3") for s in (heat, x, y, z, IDENTITY)]
    return normal_form(XYZT, *velocity, *(of(s, "p") for s in (x, y, z)), time="t")


def magnetohydrodynamics():
    laplace = x * x + y * y + z * z
    forms = [("v", t + times(laplace, "-1/100")), ("b", t + times(laplace, "-1/50"))]
    moved = [of(s, f) for f, heat in forms for s in (heat, x, y, z, IDENTITY)]
    return normal_form(XYZT, *moved, *(of(s, "p") for s in (x, y, z)), time="t")


def black_scholes():
    covariance = quadric("s", [[4, 1, 0], [1, 2, "1/2"], [0, "1/2", 1]])
    drift = times(xi("s", 1, 0), "1/10") + times(xi("s", 1, 1), "1/20") + xi("s", 1, 2)
    return normal_form({"s": 3, "t": None}, of(t + times(covariance, "1/2") + drift + IDENTITY), time="t")


ROWS = {
    "u_xy": (monomial(x=1, y=1), 4, (1, 2, 1)),
    "u_xxy": (monomial(x=2, y=1), 6, (1, 2, 2, 1)),
    "u_xxyy": (monomial(x=2, y=2), 9, (1, 2, 3, 2, 1)),
    "u_xxxy": (monomial(x=3, y=1), 8, (1, 2, 2, 2, 1)),
    "u_xyz": (monomial(x=1, y=1, z=1), 8, (1, 3, 3, 1)),
    "u_xxyz": (monomial(x=2, y=1, z=1), 12, (1, 3, 4, 3, 1)),
    "u_xxyyzz": (monomial(x=2, y=2, z=2), 27, (1, 3, 6, 7, 6, 3, 1)),
    "Δ, d=2": (laplace_power(1, 2), 4, (1, 2, 1)),
    "Δ, d=7": (laplace_power(1, 7), 9, (1, 7, 1)),
    "Δ, d=100000": (laplace_power(1, 100_000), 100_002, (1, 100_000, 1)),
    "Δ², d=2": (laplace_power(2, 2), 9, (1, 2, 3, 2, 1)),
    "Δ², d=3": (laplace_power(2, 3), 14, (1, 3, 6, 3, 1)),
    "Δ², d=5": (laplace_power(2, 5), 27, (1, 5, 15, 5, 1)),
    "Δ², d=8": (laplace_power(2, 8), 54, (1, 8, 36, 8, 1)),
    "Δ², d=12": (laplace_power(2, 12), 104, (1, 12, 78, 12, 1)),
    "Δ³, d=2": (laplace_power(3, 2), 16, (1, 2, 3, 4, 3, 2, 1)),
    "Δ³, d=3": (laplace_power(3, 3), 30, (1, 3, 6, 10, 6, 3, 1)),
    "Δ³, d=4": (laplace_power(3, 4), 50, (1, 4, 10, 20, 10, 4, 1)),
    "∂_tΔ, d=2": (time_laplacian(2), 8, (1, 3, 3, 1)),
    "∂_tΔ, d=3": (time_laplacian(3), 10, (1, 4, 4, 1)),
    "KdV-2D lumped": (kdv_2d(True), 8, (1, 2, 2, 2, 1)),
    "KdV-2D, all monomials separately": (kdv_2d(False), 11, (1, 3, 4, 2, 1)),
    "KP lumped": (kp(), 6, (1, 2, 1, 1, 1)),
    "KS, d=1": (kuramoto_sivashinsky(1), 5, (1, 1, 1, 1, 1)),
    "KS, d=2": (kuramoto_sivashinsky(2), 9, (1, 2, 3, 2, 1)),
    "Cahn–Hilliard, d=2": (cahn_hilliard(2), 9, (1, 2, 3, 2, 1)),
    "Cahn–Hilliard, d=3": (cahn_hilliard(3), 14, (1, 3, 6, 3, 1)),
    "∇Δ + Δ, d=2": (gradient_of_laplacian(2), 8, (1, 2, 3, 2)),
    "∇Δ + Δ, d=3": (gradient_of_laplacian(3), 13, (1, 3, 6, 3)),
    "∇Δ + Δ, d=5": (gradient_of_laplacian(5), 26, (1, 5, 15, 5)),
    "Δ² + Δ + ∇ jointly, d=3": (
        normal_form({"x": 3}, of(laplacian("x", 2)), of(laplacian()), gradient()), 14, (1, 3, 6, 3, 1)
    ),
    "elasticity 3-D": (elasticity(), 10, (1, 3, 6)),
    "full Hessian 3-D": (normal_form({"x": 3}, of(IDENTITY, free=("x", "x"))), 10, (1, 3, 6)),
    "Navier–Stokes 3-D": (navier_stokes(), 5, (1, 3, 1)),
    "MHD 3-D, ν ≠ η": (magnetohydrodynamics(), 6, (1, 4, 1)),
    "Black–Scholes, 3 assets + drift + t": (black_scholes(), 5, (1, 3, 1)),
    "u_xx + u_yy + u_xxyy": (normal_form(scalars("x", "y"), of(x * x + y * y + x * x * y * y)), 9, (1, 2, 3, 2, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_the_plan_carries_exactly_the_certified_minimum(name):
    form, minimum, by_order = ROWS[name]
    certificate = smallest(form).certificate
    assert (certificate.minimum, certificate.by_order) == (minimum, by_order)
    assert certificate.carried == minimum
    assert certificate.scope == "any u"


@pytest.mark.parametrize("name", [name for name in ROWS if name not in ("Δ, d=100000", "Δ², d=12")])
def test_the_hankel_rank_confirms_the_minimum(name):
    form, minimum, _ = ROWS[name]
    certificate = smallest(form).certificate
    assert certificate.hankel_rank == minimum
    assert certificate.prime == 2**61 - 1


def test_each_field_has_its_own_certificate():
    certificates = plan(magnetohydrodynamics()).certificates
    assert {field: own.minimum for field, own in certificates.items()} == {"v": 5, "b": 5, "p": 4}


def test_lower_order_terms_are_free():
    heat = t + times(laplacian(), "-1/3") + xi("x", 1, 0) + times(xi("x", 1, 4), 7)
    certificate = smallest(normal_form({"x": 9, "t": None}, of(heat), time="t")).certificate
    assert certificate.carried == certificate.minimum == 9 + 2
