"""Algebras worked out by hand in docs/mathematics.md, coefficient by coefficient."""

from __future__ import annotations

from planning.forms import gradient, laplacian, normal_form, of, runtime, scalars, smallest, times, xi

from opcompiler.ir.algebra import AxisSeed, CoordinateSeed
from opcompiler.planning.cost import elementwise_flops

x, y, t = xi("x"), xi("y"), xi("t")


def labels(algebra):
    return [element.label for element in algebra.elements]


def products(algebra):
    names = labels(algebra)
    return {(names[e.left], names[e.right], names[e.out]): str(e.coefficient) for e in algebra.table}


def kdv_2d():
    linear = t * y + x * x * x * y - x * x + times(y * y, 2)
    return smallest(normal_form(scalars("x", "y", "t"), *map(of, (linear, x, y, x * x, x * y)), time="t"))


def test_two_dimensional_kdv_is_the_truncated_algebra_with_one_extra_product():
    algebra = kdv_2d().joint.algebra
    xx, xxx, xxy = "1/2·u_xx", "1/6·u_xxx + 1/6·u_t", "1/2·u_xxy"
    top = "1/6·u_xxxy + 1/3·u_yy + 1/6·u_yt"
    assert labels(algebra) == ["u", "u_x", "u_y", xx, "u_xy", xxx, xxy, top]
    assert products(algebra) == {
        ("u_x", "u_x", xx): "1",
        ("u_x", "u_y", "u_xy"): "1",
        ("u_x", xx, xxx): "1",
        ("u_x", "u_xy", xxy): "1",
        ("u_y", xx, xxy): "1",
        ("u_x", xxy, top): "1",
        ("u_y", "u_y", top): "2/3",
        ("u_y", xxx, top): "1",
        (xx, "u_xy", top): "1",
    }


def test_time_is_seeded_in_a_higher_slot():
    seeds = [(s.element, s.space, str(s.coefficient)) for s in kdv_2d().joint.seeds if isinstance(s, CoordinateSeed)]
    assert seeds == [(1, "x", "1"), (2, "y", "1"), (5, "t", "1/6")]


def test_the_linear_part_is_read_out_of_the_top_slot():
    parts = [[(p.element, str(p.coefficient)) for p in r.parts] for r in kdv_2d().joint.readouts]
    assert parts == [[(3, "-2"), (7, "6")], [(1, "1")], [(2, "1")], [(3, "2")], [(4, "1")]]


def test_the_laplacian_is_value_gradient_and_half_laplacian():
    joint = smallest(normal_form({"x": 1000}, of(laplacian()))).joint
    assert labels(joint.algebra) == ["u", "∂ᵢu", "1/2·Σᵢ∂ᵢ²u"]
    assert [(e.left, e.right, e.out, str(e.coefficient), e.weights) for e in joint.algebra.table] == [
        (1, 1, 2, "1", None)
    ]
    assert [type(seed) for seed in joint.seeds] == [AxisSeed]
    assert joint.algebra.axes[0].invariant


def test_a_gradient_is_read_from_the_directions_of_the_laplacian():
    joint = smallest(normal_form({"x": 1000}, of(laplacian()), gradient())).joint
    assert joint.algebra.dim == 1002
    (part,) = joint.readouts[1].parts
    assert (part.element, part.positions, joint.readouts[1].shape) == (1, ((0, 0, 1000),), (1000,))
    assert not joint.algebra.axes[0].invariant


def test_a_run_time_diffusivity_is_a_structure_constant():
    form = normal_form({"x": 100, "t": None}, of(t - laplacian() * runtime(0)), time="t")
    algebra = smallest(form).joint.algebra
    assert products(algebra) == {("∂ᵢu", "∂ᵢu", "-k0·Σᵢ∂ᵢ²u + u_t"): "-2·s0"}


def test_most_products_have_coefficient_one():
    biharmonic = smallest(normal_form({"x": 5}, of(laplacian("x", 2)))).joint.algebra
    assert len(biharmonic.table) == 90
    assert sum(str(term.coefficient) == "1" for term in biharmonic.table) == 80


def test_elementwise_work_stays_small():
    assert elementwise_flops(kdv_2d().joint.algebra) <= 100
    assert elementwise_flops(smallest(normal_form({"x": 5}, of(laplacian("x", 2)))).joint.algebra) <= 1500
