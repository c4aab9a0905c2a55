"""What a plan says besides its algebra: fields, scalars, bottlenecks, cost, determinism."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from planning.forms import IDENTITY, gradient, laplacian, normal_form, of, runtime, scalars, times, xi

from opcompiler.ir.network import AffineBottleneck, NetworkProfile
from opcompiler.ir.plan import Compression, Plan
from opcompiler.ir.symbol import Symbol
from opcompiler.planning import plan

x, y, z, t = (xi(name) for name in "xyzt")


def test_without_contractions_only_the_value_is_carried():
    planned = plan(normal_form(scalars("x")))
    assert planned.joint.fields == ()
    assert planned.separate == ()
    assert planned.certificate.by_order == (1,)


def test_the_identity_carries_one_coefficient():
    planned = plan(normal_form({"x": 5}, of(IDENTITY)))
    assert planned.certificate.carried == planned.certificate.minimum == 1
    assert [(part.element, str(part.coefficient)) for part in planned.joint.readouts[0].parts] == [(0, "1")]


def test_the_zero_operator_reads_nothing():
    assert plan(normal_form(scalars("x"), of(Symbol()))).joint.readouts[0].parts == ()


def test_every_field_that_occurs_has_its_own_propagation():
    heat = t + times(laplacian(), "-1/2")
    planned = plan(normal_form({"x": 3, "t": None}, of(heat, "v"), gradient(field="p"), time="t"))
    assert planned.joint.fields == ("v", "p")
    assert [propagation.fields for propagation in planned.separate] == [("v",), ("p",)]
    assert [[r.contraction for r in propagation.readouts] for propagation in planned.separate] == [[0], [1]]
    assert planned.certificate.minimum == 5
    assert {name: own.minimum for name, own in planned.certificates.items()} == {"v": 5, "p": 4}


def test_run_time_coefficients_are_lumped_generically():
    allen_cahn = of(t - laplacian() * runtime(0) + IDENTITY)
    certificate = plan(normal_form({"x": 100, "t": None}, allen_cahn, of(IDENTITY), time="t")).certificate
    assert certificate.minimum == certificate.carried == 102


def test_two_run_time_diffusivities_share_one_laplacian():
    laplace = x * x + y * y + z * z
    forms = [of(t - laplace * runtime(0), "v"), of(t - laplace * runtime(1), "b")]
    certificate = plan(normal_form(scalars("x", "y", "z", "t"), *forms, time="t")).certificate
    assert certificate.by_order == (1, 4, 1)
    assert certificate.carried == 6


def test_what_would_need_a_division_by_a_run_time_scalar_is_carried_apart():
    a, b = runtime(0), runtime(1)
    entangled = normal_form(scalars("x", "y"), of(x * x * x * a + y * y * b), of(x * x * x * b + y * y * a))
    certificate = plan(entangled).certificate
    assert certificate.minimum <= certificate.carried <= 6
    assert certificate.hankel_rank == certificate.minimum


NARROW = NetworkProfile(50_000, 256, 20_000, (AffineBottleneck("x", 64),))


def test_an_affine_bottleneck_narrows_the_axis_and_the_scope():
    planned = plan(normal_form({"x": 1000, "t": None}, of(t - laplacian()), time="t"), profile=NARROW)
    assert planned.joint.compressions == (Compression(0, 64),)
    certificate = planned.certificate
    assert (certificate.minimum, certificate.carried, certificate.by_order) == (66, 66, (1, 64, 1))
    assert certificate.scope == "u = g(Wx+b)"
    assert planned.joint.carried == 66
    assert planned.joint.algebra.dim == 1002


def test_a_bottleneck_is_no_use_where_single_directions_are_read():
    planned = plan(normal_form({"x": 1000}, of(laplacian()), gradient()), profile=NARROW)
    assert planned.joint.compressions == ()
    assert planned.certificate.scope == "any u"


def test_a_bottleneck_wider_than_the_space_is_no_use():
    assert plan(normal_form({"x": 50}, of(laplacian())), profile=NARROW).joint.compressions == ()


def test_a_bottleneck_needs_the_whole_space():
    planned = plan(normal_form({"x": 1000}, of(laplacian() + xi("x", 4, 0))), profile=NARROW)
    assert planned.joint.compressions == ()


def test_cost_grows_with_carried_coefficients():
    small, large = (plan(normal_form({"x": d}, of(laplacian()))).cost for d in (10, 100))
    assert 8 < large.linear / small.linear < 9
    assert large.total == large.linear + large.elementwise


def test_plans_are_equal_hashable_and_survive_json():
    first, second = (plan(normal_form({"x": 4}, of(laplacian("x", 2)), gradient())) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert Plan.from_json(first.to_json()) == first


PROGRAM = """
from planning.forms import *
from opcompiler.planning import plan
x, y, z, t = (xi(n) for n in "xyzt")
heat = t - (x * x + y * y + z * z) * runtime(0)
forms = [
    normal_form(scalars("x", "y", "z", "t"), of(heat, "v"), *(of(s, f) for s in (x, y, z) for f in "vp"), time="t"),
    normal_form({"x": 4, "t": None}, of(t * laplacian() + laplacian("x", 2)), gradient(), of(xi("x", 3, 1)), time="t"),
    normal_form({"x": 9}, of(xi("x", 2, 1) + xi("x", 2, 4) + xi("x", 4, 6) + xi("x", 4, 3)), gradient()),
]
print("".join(plan(form).to_json() for form in forms))
"""


def test_the_same_operator_gives_the_same_plan_under_any_hash_seed():
    root = Path(__file__).parents[2]
    texts = set()
    for seed in ("0", "1", "7"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{root / 'tests'}:{root}"}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        texts.add(run.stdout)
    assert len(texts) == 1
    assert len(texts.pop()) > 1000


def test_planning_loads_neither_jax_nor_sympy():
    program = "import sys, opcompiler.planning; print([m for m in ('jax', 'sympy', 'lark') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
