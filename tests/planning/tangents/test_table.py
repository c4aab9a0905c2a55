"""Every column of the table of operators: what each strategy carries, as literal numbers."""

from __future__ import annotations

import pytest
from planning.forms import normal_form, of, quadric, times, xi
from planning.test_certified_minimum import ROWS as CERTIFIED

from opcompiler.planning import plan
from opcompiler.planning.counts import down_set, griewank
from opcompiler.planning.listing import listed_symbols
from opcompiler.planning.slots import slot_jet
from opcompiler.planning.tangents import joint_tangents

FULL_COVARIANCE = [[4, 1, 1], [1, 3, "1/2"], [1, "1/2", 2]]
BLACK_SCHOLES = normal_form(
    {"s": 3, "t": None},
    of(xi("t") + times(quadric("s", FULL_COVARIANCE), "1/2") + times(xi("s", 1, 0), "1/10") + xi("s", 1, 2)),
    time="t",
)
OPERATORS = {name: form for name, (form, _, _) in CERTIFIED.items()} | {
    "Black–Scholes, 3 correlated assets": BLACK_SCHOLES
}

# Order of the columns: minimal algebra, down-set, directions R, collapsed, one multi-slot jet, all partial derivatives.
# None: no multi-slot jet is listed for it.
TABLE = {
    "u_xy": (4, 4, 2, 4, 6, 7),
    "u_xxy": (6, 6, 3, 8, 8, 13),
    "u_xxyy": (9, 9, 4, 14, 15, 21),
    "u_xxxy": (8, 8, 4, 14, 12, 21),
    "u_xyz": (8, 8, 4, 10, 18, 31),
    "u_xxyz": (12, 12, 6, 20, 24, 61),
    "u_xxyyzz": (27, 27, 13, 67, None, 169),
    "Δ, d=2": (4, 5, 2, 4, None, 7),
    "Δ, d=7": (9, 15, 7, 9, None, 57),
    "Δ², d=2": (9, 13, 3, 11, None, 21),
    "Δ², d=3": (14, 25, 6, 20, None, 61),
    "Δ², d=5": (27, 61, 16, 50, None, 281),
    "Δ², d=8": (54, 145, 45, 137, None, 1321),
    "Δ³, d=2": (16, 25, 4, 22, None, 43),
    "Δ³, d=3": (30, 63, 11, 57, None, 169),
    "Δ³, d=4": (50, 129, 23, 117, None, 505),
    "∂_tΔ, d=2": (8, 10, 5, 12, None, 31),
    "∂_tΔ, d=3": (10, 14, 7, 16, None, 61),
    "KdV-2D lumped": (8, 11, 6, 16, 22, 61),
    "KdV-2D, all monomials separately": (11, 11, 6, 17, 22, 61),
    "KP lumped": (6, 9, 4, 8, 18, 61),
    "KS, d=1": (5, 6, 1, 5, 5, 21),
    "KS, d=2": (9, 14, 3, 11, None, 61),
    "Cahn–Hilliard, d=2": (9, 14, 3, 11, None, 61),
    "Cahn–Hilliard, d=3": (14, 26, 6, 20, None, 141),
    "∇Δ + Δ, d=2": (8, 10, 3, 9, None, 13),
    "∇Δ + Δ, d=3": (13, 19, 6, 16, None, 31),
    "∇Δ + Δ, d=5": (26, 46, 16, 38, None, 106),
    "Δ² + Δ + ∇ jointly, d=3": (14, 25, 6, 20, None, 61),
    "elasticity 3-D": (10, 10, 6, 13, None, 13),
    "full Hessian 3-D": (10, 10, 6, 13, None, 13),
    "Navier–Stokes 3-D": (5, 8, 3, 5, None, 21),
    "MHD 3-D, ν ≠ η": (6, 8, 3, 6, None, 21),
    "Black–Scholes, 3 correlated assets": (5, 11, 3, 5, None, 21),
    "u_xx + u_yy + u_xxyy": (9, 9, 4, 14, 15, 21),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_column(name):
    algebra, nested, directions, collapsed, slots, partials = TABLE[name]
    form = OPERATORS[name]
    listed = listed_symbols(form)
    tangents = joint_tangents(listed.symbols, listed.coordinates, nodes=0)
    assert plan(form).certificate.minimum == algebra
    assert down_set(listed.symbols) == nested
    assert (tangents.directions, tangents.collapsed) == (directions, collapsed)
    assert griewank(len(listed.coordinates), listed.order) == partials
    if slots is not None:
        assert slot_jet(listed.symbols, listed.coordinates).carried == slots


JETS = {
    "KdV-2D lumped": {4: 4, 2: 2},
    "KdV-2D, all monomials separately": {4: 4, 2: 2},
    "KP lumped": {4: 1, 2: 3},
    "MHD 3-D, ν ≠ η": {2: 3, 1: 1},
    "KS, d=1": {4: 1, 1: 1},
}


@pytest.mark.parametrize("name", JETS)
def test_jets_by_order(name):
    listed = listed_symbols(OPERATORS[name])
    tangents = joint_tangents(listed.symbols, listed.coordinates, nodes=0)
    assert {order: tangents.of_order(order) for order in {jet.order for jet in tangents.jets}} == JETS[name]


def test_the_minimum_is_never_undercut():
    for name, (algebra, *others) in TABLE.items():
        nested, _, collapsed, slots, partials = others
        assert algebra <= min(nested, collapsed, partials, slots or partials), name
