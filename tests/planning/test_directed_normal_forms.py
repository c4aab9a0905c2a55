"""Directions given at call: the same operator, with as many coefficients as it has directions."""

import pytest
from planning.head_polynomials import Polynomials

import opcompiler as oc
from opcompiler.ir.declarations import Runtime
from opcompiler.planning.directing.rewrite import directed_normal_form

DIRECTED = "run-time directions"
ALONG = oc.Exact(strategy=DIRECTED)


def normal_form(text, **declared):
    return oc.reduce(oc.parse(text, **declared))


def polynomials(text, **declared):
    asked = normal_form(text, **declared)
    found = directed_normal_form(asked)
    assert found is not None
    return Polynomials(asked).outputs(), Polynomials(found.normal_form, found.spaces).outputs()


def carried(text, scheme=ALONG, **declared):
    return oc.compile(text, scheme=scheme, **declared).plan.certificate.carried


@pytest.mark.parametrize(("d", "r"), [(d, r) for d in range(3, 7) for r in range(1, d + 1)])
@pytest.mark.parametrize("kind", ["parameters", "functions"])
def test_the_columns_of_a_matrix_are_found_in_its_quadratic_form(d, r, kind):
    declared = {"spaces": {"x": d}, kind: {"σ" if kind == "parameters" else "σ(x)": Runtime((d, r))}}
    before, after = polynomials("tr(σσᵀ Hess(u))", **declared)
    assert before == after
    assert carried("tr(σσᵀ Hess(u))", **declared) == r + 2


TEXTS = {
    "σσᵀ:Hess(u)": 4,
    "Σ_{i,j} (σσᵀ)_{ij} ∂_i∂_j u": 4,
    "tr(σᵀ Hess(u) σ)": 4,
    "½ tr(σσᵀ Hess(u)) + b·∇u + u_t": 4,
    "½ tr(σσᵀ Hess(u)) + c(x)·∇u + u_t - k u": 4,
    "u_t + ½ tr(σσᵀ Hess(u)) + Δu": None,
    "u_t + ½ tr(σσᵀ Hess(u)) - |σᵀ ∇u|²": 4,
    "u_t + ½ tr(s(x)s(x)ᵀ Hess(u)) + (c(x)·∇u)²": None,
    "c(x)ᵀ Hess(u) c(x) + k² u³": 3,
    "c(x)ᵀ Hess(u) b": None,
    "k tr(σσᵀ Hess(u)) + u (b·∇)²u": None,
    "u tr(σσᵀ Hess(u)) + (b·∇)²u - 2 (c(x)·∇) u": None,
    "∂_t (b·∇)² u": None,
    "(b·∇)³ u": None,
}
"""What is carried, where that is said."""

ONLY_INDEXED = ("c(x)ᵀ Hess(u) b", "∂_t (b·∇)² u", "(b·∇)³ u")
"""No squares of second order: found where the derivatives are not written out, in more than 16 dimensions."""


@pytest.mark.parametrize("d", [4, 17])
@pytest.mark.parametrize(("text", "count"), TEXTS.items())
def test_rewriting_changes_no_operator(text, count, d):
    declared = {
        "spaces": {"x": d, "t": None},
        "parameters": {"σ": Runtime((d, 2)), "b": Runtime((d,)), "k": None},
        "functions": {"s(x)": Runtime((d, 2)), "c(x)": Runtime((d,))},
    }
    if d < 17 and text in ONLY_INDEXED:
        assert directed_normal_form(normal_form(text, **declared)) is None
        return
    before, after = polynomials(text, **declared)
    assert before == after
    if count is not None and d < 17:
        assert carried(text, **declared) == count


def test_more_columns_than_are_written_out_are_one_indexed_space():
    declared = {"spaces": {"x": 20, "t": None}, "functions": {"σ(x)": Runtime((20, 17))}}
    text = "u_t + ½ tr(σσᵀ Hess(u)) - |σᵀ ∇u|²"
    before, after = polynomials(text, **declared)
    assert before == after
    plan = oc.compile(text, **declared).plan
    assert (plan.joint.strategy, plan.certificate.carried) == (DIRECTED, 19)


def test_directions_may_lie_in_several_spaces_and_share_a_factor():
    heston = "V_t + ½ v S² V_SS + k v S V_Sv + ½ k² v V_vv"
    declared = {"spaces": ("S", "v", "t"), "fields": ("V",), "parameters": ("k",)}
    before, after = polynomials(heston, **declared)
    assert before == after
    assert carried(heston, **declared) == 4
    assert carried("(w·∇)²u + u_t", spaces=("x", "y", "t"), functions={"w(x,y)": Runtime((2,))}) == 3


def test_what_is_no_square_stays_as_it_is():
    declared = {"spaces": {"x": 4}, "parameters": {"a": Runtime((4, 4)), "k": None}}
    for text in ("tr(a Hess(u))", "Δu", "k Δu + u", "x1² ∂²u/∂x1²", "∂²u/∂x1² + k ∂²u/∂x1∂x2"):
        assert directed_normal_form(normal_form(text, **declared)) is None
    with pytest.raises(oc.OpCompilerError, match="cannot be used here"):
        oc.compile("Δu", spaces={"x": 4}, scheme=ALONG)


def test_the_cheaper_plan_is_taken_and_the_other_one_told():
    declared = {"spaces": {"x": 4}, "parameters": {"σ": Runtime((4, 2)), "b": Runtime((4,))}}
    plan = oc.compile("tr(σσᵀ Hess(u))", **declared).plan
    assert [(a.strategy, a.coefficients) for a in plan.alternatives[:2]] == [(DIRECTED, 4), ("minimal algebra", 15)]
    assert "of the minimal algebra" in plan.alternatives[0].reason
    assert plan.alternatives[0].cost == plan.cost
    # One direction by parameters is a single element in coordinates as well.
    plan = oc.compile("(b·∇)²u", **declared).plan
    assert plan.directing is None
    assert [a.strategy for a in plan.alternatives if a.chosen] == ["minimal algebra"]
    assert any(a.strategy == DIRECTED and a.coefficients == 3 for a in plan.alternatives)
    plan = oc.compile("tr(σσᵀ Hess(u))", scheme=oc.Exact(strategy="minimal algebra"), **declared).plan
    assert plan.directing is None


def test_a_thousand_dimensions_carry_the_directions_only():
    declared = {
        "spaces": {"x": 1000, "t": None},
        "parameters": {"σ": Runtime((1000, 2))},
        "functions": {"b(x)": Runtime((1000,))},
    }
    plan = oc.compile("u_t + ½ tr(σσᵀ Hess(u)) + b·∇u", **declared).plan
    assert plan.certificate.by_order == (1, 2, 1)
    assert plan.certificate.carried == plan.certificate.hankel_rank == 4
    assert plan.certificate.scope == "any u, directions given at call counted as coordinates"
    assert plan.alternatives[1].coefficients is None
    assert "in coordinates: not weighed: 501,502 derivatives" in plan.alternatives[1].reason


def test_plans_along_directions_travel_as_json_and_are_explained():
    declared = {"spaces": {"x": 30}, "functions": {"σ(x)": Runtime((30, 2))}, "parameters": {"b": Runtime((30,))}}
    plan = oc.compile("tr(σσᵀ Hess(u)) + b·∇u", **declared).plan
    text = plan.to_json()
    assert oc.Plan.from_json(text) == plan
    with pytest.raises(oc.OpCompilerError, match="damaged"):
        oc.Plan.from_json(text.replace('"directions":3', '"directions":4'))
    story = oc.explain(plan)
    assert "v2   σ[i,1](x) for the coordinates i of x" in story
    assert "v1   b[i] for the coordinates i of x" in story
    assert "directions given at call counted as coordinates" in story
    assert "v: 3 directions in x" in str(plan)
    for layout in ("html", "latex"):
        assert "run-time directions" in oc.explain(plan, format=layout)
