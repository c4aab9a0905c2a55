"""An estimate is weighed against the exact operator, and plans say when that is no more work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opcompiler import language, planning, report, symbolic
from opcompiler.ir.law import Coordinates, Frame, Rademacher
from opcompiler.ir.network import AffineBottleneck, NetworkProfile
from opcompiler.ir.scheme import Exact, Stochastic

DIM = 10_000


def normal_form(text, dim=DIM):
    return symbolic.reduce(language.parse(text, language.declare({"x": dim})))


def network(width, dim=DIM):
    """A perceptron of four layers, the first of them affine in x."""
    first, hidden = 2 * dim * width, 3 * 2 * 128 * 128
    return NetworkProfile(
        linear_flops=first + hidden,
        elementwise_outputs=width + 3 * 128,
        first_layer_flops=first,
        bottlenecks=(AffineBottleneck("x", width),),
        widest=max(width, 128),
        stored=width + 3 * 128,
        operations=20,
    )


def weighed(text, samples, width, law=Coordinates()):  # noqa: B008
    plan = planning.plan(normal_form(text), Stochastic(samples, law), network(width))
    estimated, exact = plan.alternatives
    return plan, estimated, exact


@pytest.mark.parametrize(("samples", "width", "is_exact"), [(8, 64, False), (64, 16, True), (64, 512, False)])
def test_single_coordinates_are_weighed_against_the_width_of_the_first_layer(samples, width, is_exact):
    plan, estimated, exact = weighed("Δu", samples, width)
    assert estimated.coefficients == plan.certificate.carried == samples + 2
    assert exact.coefficients == width + 2
    assert (exact.cost.time <= estimated.cost.time) == is_exact
    assert exact.reason.startswith("exact for u = g(Wx+b); ")
    assert exact.reason.endswith("take scheme=Exact()") == is_exact
    assert exact.reason in report.explain_text(plan, ())


def test_dense_directions_cost_more_than_the_exact_operator_behind_a_bottleneck():
    """16 directions take 16 products with the first layer, the exact operator none beside that of the point."""
    for law in (Rademacher(), Frame(4)):
        _, estimated, exact = weighed("Δu", 16, 64, law)
        assert estimated.cost.linear > 16 * 2 * DIM * 64
        assert exact.cost.time < estimated.cost.time / 2
        assert "take scheme=Exact()" in exact.reason


def test_repeats_are_counted():
    plan, estimated, _ = weighed("Δ²u", 16, 64, Coordinates())
    assert plan.sampling.repeats == 16
    assert estimated.cost.total == 16 * plan.cost.total


def test_the_weights_of_the_first_layer_are_recombined_once_per_call():
    _, _, narrow = weighed("Δu", 16, 64)
    _, _, wide = weighed("Δu", 16, 1024)
    exact = planning.plan(normal_form("Δu"), Exact(strategy="minimal algebra"), network(1024))
    assert wide.cost.linear == exact.cost.linear + 2 * DIM * 1024 * 1024 // 1000
    assert narrow.cost.time < wide.cost.time


def test_without_a_bottleneck_every_coordinate_is_carried():
    _, _, exact = weighed("Δu", 16, 64)
    plain = planning.plan(normal_form("Δu"), Stochastic(16, Coordinates()), replace(network(64), bottlenecks=()))
    assert plain.alternatives[1].coefficients == DIM + 2
    assert plain.alternatives[1].cost.time > 10 * exact.cost.time
    assert plain.alternatives[1].reason.startswith("exact; ")
