"""The choice of a law: what is valid, and what is best for given norms and a given network."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from opcompiler import language, planning, symbolic
from opcompiler.ir.law import Auto, Coordinates, Frame, IndependentPair, Orthogonal, Pilot, Rademacher, ThreePoint
from opcompiler.ir.network import DEFAULT_PROFILE
from opcompiler.ir.scheme import Stochastic
from opcompiler.planning.sampling.auto import best, drawing, norms_of, weighed_laws
from opcompiler.planning.sampling.rewrite import random_normal_form


def normal_form(text, dim=50, **spaces):
    declarations = language.declare({"x": dim, **spaces})
    return symbolic.reduce(language.parse(text, declarations))


def weighed(text, scheme, dim=50):
    return weighed_laws(normal_form(text, dim), scheme, lambda sampling: sampling.repeats)


def test_only_laws_with_the_moments_of_the_operator_are_weighed():
    def laws(text):
        return {type(law.law) for law in weighed(text, Stochastic(samples=4))}

    assert {Rademacher, ThreePoint, IndependentPair, Frame} < laws("Δ²u")
    assert not {Rademacher, ThreePoint} & laws("Δ³u")
    assert laws("Σ_i ∂_i⁴ u") == laws("Δu")


def test_frames_stay_small():
    sizes = {law.law.size for law in weighed("Δ³u", Stochastic(samples=16)) if isinstance(law.law, Frame)}
    assert sizes == {2, 4, 8}


@pytest.mark.parametrize(
    ("norms", "law"),
    [
        # Off-diagonal derivatives: single coordinates see nothing of them.
        ({"‖∇²u‖²": 100, "Σ_i (∂_i²u)²": 1, "(Δu)²": 1}, Coordinates()),
        # A diagonal Hessian: signs are exact.
        ({"‖∇²u‖²": 100, "Σ_i (∂_i²u)²": 100, "(Δu)²": 1}, Rademacher()),
        # A multiple of the identity: orthogonal directions are exact, and so are others, to equal price.
        ({"‖∇²u‖²": 2, "Σ_i (∂_i²u)²": 2, "(Δu)²": 100}, Orthogonal()),
    ],
)
def test_a_pilot_decides(norms, law):
    pilot = Pilot(tuple((name, Fraction(value)) for name, value in norms.items()))
    chosen = best(weighed("Δu", Stochastic(samples=8, law=Auto(pilot))))
    assert chosen.law == law


def test_what_a_pilot_has_to_measure():
    names = {str(norm) for norm in norms_of(weighed("Δu", Stochastic(samples=4)))}
    assert names == {"‖∇²u‖²", "Σ_i (∂_i²u)²", "(Δu)²"}


def test_a_norm_that_was_not_measured_rules_a_law_out():
    pilot = Pilot((("‖∇²u‖²", Fraction(1)),))
    known = {type(law.law).__name__ for law in weighed("Δu", Stochastic(law=Auto(pilot))) if law.variance is not None}
    assert known == {"Gaussian", "ThreePoint", "IndependentPair"}


def test_dense_directions_pay_for_the_first_layer():
    """Coordinates are columns of it; others are d numbers each, whatever the operator carries behind."""
    work = {}
    for law in (Coordinates(), Rademacher(), Orthogonal()):
        sampling = random_normal_form(normal_form("Δu", 1000), Stochastic(samples=16, law=law))
        work[law] = drawing(sampling, replace(DEFAULT_PROFILE, first_layer_flops=2 * 1000 * 128))
    assert work[Coordinates()].total == 0
    assert work[Rademacher()].linear == 16 * 2 * 1000 * 128
    assert work[Orthogonal()].total > work[Rademacher()].total


def test_the_plan_is_that_of_the_best_law():
    nf = normal_form("Δu", 1000)
    plan = planning.plan(nf, Stochastic(samples=16))
    assert [draw.law for draw in plan.sampling.draws] == [Coordinates()]
    assert plan.scheme == Stochastic(samples=16)


def test_sums_of_powers_keep_their_law_beside_powers_of_the_laplacian():
    plan = planning.plan(normal_form("Δu + Σ_i ∂_i⁴ u", 60), Stochastic(samples=4, law=Auto(law=Rademacher())))
    assert {draw.law for draw in plan.sampling.draws} == {Rademacher(), Coordinates()}
