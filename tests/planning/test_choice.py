"""The choice between strategies: the cheapest by the model, the minimal algebra where it hardly matters."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from planning.forms import laplacian, normal_form, of, scalars, xi

from opcompiler.errors import UnsupportedError
from opcompiler.ir.cost import CPU, GPU, Cost
from opcompiler.ir.network import DEFAULT_PROFILE, NetworkProfile
from opcompiler.ir.plan import Plan
from opcompiler.ir.scheme import Exact
from opcompiler.planning import plan
from opcompiler.planning.choice import MOST_AMPLIFICATION, Setting, choose
from opcompiler.planning.strategies import weigh
from opcompiler.planning.tangents import joint_tangents
from opcompiler.planning.tangents.laplacians import collapsed_taylor_set
from opcompiler.planning.tangents.rounding import joint_amplification

x, y, z = xi("x"), xi("y"), xi("z")

BILAPLACIAN = normal_form({"x": 3}, of(laplacian("x", 2)))


def monomial(*alpha):
    return {alpha: Fraction(1)}


def by_name(planned):
    return {alternative.strategy: alternative for alternative in planned.alternatives}


def test_every_way_that_runs_has_a_price_and_a_reason():
    planned = plan(BILAPLACIAN)
    found = by_name(planned)
    assert planned.joint.strategy == planned.alternatives[0].strategy == "minimal algebra"
    assert found["minimal algebra"].cost == planned.cost
    assert found["collapsed jets"].cost.total > planned.cost.total
    assert "1.3× the work of the minimal algebra" in found["collapsed jets"].reason
    assert found["one multi-slot jet"].cost is None


def test_a_tie_goes_to_the_minimal_algebra():
    weighed = weigh(normal_form({"x": 3}, of(laplacian())), ("u",))
    chosen, told = choose(weighed, Setting(DEFAULT_PROFILE))
    assert chosen.strategy == "minimal algebra"
    assert [alternative.chosen for alternative in told] == [True] + [False] * (len(told) - 1)


def test_a_clearly_cheaper_way_is_taken():
    weighed = weigh(BILAPLACIAN, ("u",))
    first, other = weighed.candidates[0], weighed.candidates[1]
    swapped = replace(weighed, candidates=(other, first))
    chosen, told = choose(swapped, Setting(DEFAULT_PROFILE))
    assert chosen.strategy == "minimal algebra"
    assert "0.75× the work of the collapsed jets" in told[0].reason
    assert "1.3× the work of the minimal algebra" in told[1].reason


def test_gradients_in_many_dimensions_take_a_reverse_sweep():
    few, many = (plan(normal_form({"x": d}, of(laplacian(), free=("x",)))) for d in (3, 7))
    assert few.joint.strategy == "minimal algebra"
    assert many.joint.strategy == "reverse over forward"
    assert many.certificate.scope == "any u, before the reverse sweep"


def test_a_strategy_can_be_forced():
    planned = plan(BILAPLACIAN, Exact(strategy="nested differentiation"))
    assert planned.joint.strategy == "nested differentiation"
    assert planned.certificate.carried == 25
    assert "1.8× the work of the minimal algebra" in planned.alternatives[0].reason
    with pytest.raises(UnsupportedError):
        plan(BILAPLACIAN, Exact(strategy="one multi-slot jet"))


def test_what_amplifies_rounding_is_rejected_in_single_precision_only():
    weighed = weigh(BILAPLACIAN, ("u",))
    rough = next(c for c in weighed.candidates if c.strategy == "all partial derivatives")
    rough = replace(rough, propagation=weighed.candidates[0].propagation)  # as cheap as it gets
    dear = replace(weighed.candidates[0], propagation=weighed.candidates[1].propagation)
    ways = replace(weighed, candidates=(dear, rough))
    chosen, told = choose(ways, Setting(DEFAULT_PROFILE, precision="float32"))
    assert chosen.strategy == "minimal algebra"
    assert f"rounding errors grow up to 7.67 times, more than {MOST_AMPLIFICATION} in float32" in told[1].reason
    chosen, told = choose(ways, Setting(DEFAULT_PROFILE, precision="float64"))
    assert chosen.strategy == "all partial derivatives"
    assert "rounding" not in told[0].reason


@pytest.mark.parametrize(
    ("alpha", "mass", "norm"),
    [((2, 2), 1.0, (1.0, 1.0)), ((3, 1), 7 / 6, (1.0, 1.0)), ((1, 1, 1), 0.866, (0.866, 0.866)),
     ((2, 1, 1), 0.833, (0.802, 0.817)), ((2, 2, 2), 0.6, (0.575, 0.6))],
)  # fmt: skip
def test_amplification_of_monomials_is_enclosed(alpha, mass, norm):
    """Masses and nuclear norms as worked out by hand for the central-difference grids."""
    symbols = [[monomial(*alpha)]]
    tangents = joint_tangents(symbols, [("x", i) for i in range(len(alpha))], nodes=0)
    lower, upper = joint_amplification(tangents, symbols)
    assert 1 <= lower <= upper
    assert float(lower) == pytest.approx(max(1.0, mass / norm[1]), abs=3e-3)
    assert float(upper) == pytest.approx(max(1.0, mass / norm[0]), abs=3e-3)


def test_the_published_set_for_the_bilaplacian_is_too_rough_for_single_precision():
    assert MOST_AMPLIFICATION < 7.5
    found = by_name(plan(BILAPLACIAN))
    assert found["collapsed jets"].amplification == (1, 1)
    lower, upper = found["all partial derivatives"].amplification
    assert Fraction(76, 10) < lower <= upper < Fraction(77, 10)
    assert collapsed_taylor_set(3).size == 12


def test_forms_in_many_variables_have_unknown_amplification():
    symbols = [[monomial(1, 1, 1, 1, 1)]]
    tangents = joint_tangents(symbols, [("x", i) for i in range(5)], nodes=0)
    assert joint_amplification(tangents, symbols) is None


def test_time_is_work_by_rate():
    cost = Cost(linear=CPU.matmul, elementwise=CPU.elementwise, traffic=CPU.bandwidth)
    assert CPU.time(cost) == 3 * 10**12
    assert GPU.time(cost) < CPU.time(cost)


def test_the_kind_of_device_is_part_of_the_plan():
    cpu, gpu = (plan(BILAPLACIAN, device=kind) for kind in ("cpu", "gpu"))
    assert (cpu.device, gpu.device) == ("cpu", "gpu")
    assert cpu.cost.total == gpu.cost.total
    assert gpu.cost.time < cpu.cost.time
    assert Plan.from_json(gpu.to_json()) == gpu


def test_bilinear_layers_and_coordinates_are_priced():
    dense = NetworkProfile(linear_flops=1000, elementwise_outputs=10)
    attention = replace(dense, bilinear_flops=100)
    form = normal_form({"x": 100}, of(laplacian()))
    plain, bilinear = (plan(form, profile=profile).cost.linear for profile in (dense, attention))
    assert bilinear - plain == 100 * (2 * 102 + 100)
    few, many = (plan(form, profile=replace(dense, coordinate_outputs=n)).cost.elementwise for n in (0, 100))
    assert many - few < 100 * 20


PROGRAM = """
import sys
from planning.forms import *
from opcompiler.ir.network import AffineBottleneck, NetworkProfile
from opcompiler.ir.scheme import Exact
from opcompiler.planning import plan
x, y, z = (xi(n) for n in "xyz")
mlp = NetworkProfile(9000, 80, 100, (AffineBottleneck("x", 8),), widest=40, stored=80, operations=9)
mixed = normal_form(scalars("x", "y", "z"), of(x * x * y * z), of(x * y), of(z))
print(plan(mixed, profile=mlp, device="gpu").to_json())
print(plan(normal_form({"x": 3}, of(laplacian("x", 2))), Exact(memory="2GB", chunk=7), precision="float64").to_json())
print(plan(normal_form({"x": 50}, of(laplacian())), profile=mlp).to_json())
assert "jax" not in sys.modules
"""


def test_prices_and_choices_are_the_same_under_any_hash_seed_and_need_no_jax():
    root = Path(__file__).parents[2]
    texts = set()
    for seed in ("0", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{root / 'tests'}:{root}"}
        run = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True)
        texts.add(run.stdout)
    assert len(texts) == 1


def test_single_derivatives_of_scalars():
    assert plan(normal_form(scalars("x", "y"), of(x * y))).joint.strategy == "minimal algebra"
