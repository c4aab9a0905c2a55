"""The page and its drawings: self-contained, escaped, and showing what the plan says."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from xml.etree import ElementTree

import jax.numpy as jnp
import pytest
from planning.forms import gradient, laplacian, normal_form, of, runtime, xi
from report.reading import Page

import opcompiler as oc
from opcompiler.ir.algebra import Algebra, Element
from opcompiler.ir.network import AffineBottleneck, NetworkProfile
from opcompiler.ir.plan import Plan
from opcompiler.ir.surd import square_root
from opcompiler.planning import plan
from opcompiler.report import explain_html, explain_latex, explain_text, notebook_html
from opcompiler.report.directions import Arrow, directions_svg
from opcompiler.report.hasse import hasse_svg

SVG = "{http://www.w3.org/2000/svg}"
MIXED = oc.compile("Δu + ∂⁴u/∂x1²∂x2²", spaces={"x": 5}).plan
LARGE = plan(
    normal_form({"x": 10**6}, of(laplacian()), gradient()),
    profile=NetworkProfile(1000, 10, 100, (AffineBottleneck("x", 8),), "traced"),
)
PLANS = {
    "mixed": MIXED,
    "biharmonic": oc.compile("Δ²u", spaces={"x": 3}).plan,
    "two coordinates": oc.compile("∂⁴u/∂x³∂y + u_xx", spaces=("x", "y")).plan,
    "fields": oc.compile(
        {"momentum": "v_t + (v·∇)v + ∇p - ν Δv + ε c v", "continuity": "∇·v"},
        spaces={"x": 2, "t": None}, fields={"v": 2, "p": None}, parameters={"ν": 0.01, "ε": None},
        functions={"c(x)": oc.Runtime(())},
    ).plan,
    "no derivative": oc.compile("u³ - u", spaces=("x",)).plan,
    "a million coordinates": LARGE,
    "parameter": plan(normal_form({"x": 9, "t": None}, of(xi("t") - laplacian() * runtime(0)), time="t")),
    "estimated": oc.compile("Δu + u³", spaces={"x": 1000}, scheme=oc.Stochastic(samples=8)).plan,
}  # fmt: skip

by_name = pytest.mark.parametrize("name", PLANS)


def drawings(html: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]


@by_name
def test_a_page_is_well_formed_and_needs_nothing_from_elsewhere(name: str):
    html = explain_html(PLANS[name])
    page = Page(html)
    tags = {tag for tag, _ in page.tags}
    assert html.startswith("<!DOCTYPE html>")
    assert {"html", "head", "title", "style", "h2", "dl"} <= tags
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"}
    attributes = {key for _, own in page.tags for key in own}
    assert not {key for key in attributes if key.startswith("on")} | attributes & {"src", "href", "srcset"}
    assert "url(" not in html
    assert "@import" not in html
    assert "//" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme:dark" in html


@by_name
def test_a_page_tells_what_the_text_tells(name: str):
    planned = PLANS[name]
    text, page = explain_text(planned), Page(explain_html(planned))
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    shown = page.text
    for heading in headings:
        assert heading in shown
    for alternative in planned.alternatives:
        assert alternative.strategy in shown
        assert alternative.reason in shown
    assert f"{planned.certificate.minimum:,} coefficient" in shown
    assert planned.certificate.scope in shown


HOSTILE = "<script>alert(1)</script>&\"'\\input{/etc/passwd}$^_%#~"


def hostile_plan() -> Plan:
    """A plan as it could come out of a JSON file of somebody else."""
    planned = oc.compile("u_xx", spaces=("x",)).plan
    document = json.loads(planned.to_json())
    document["plan"]["joint"]["algebra"]["elements"][1]["label"] = HOSTILE
    document["plan"]["joint"]["strategy"] = HOSTILE
    document["plan"]["normal_form"]["written"] = [HOSTILE]
    document["plan"]["profile"]["description"] = HOSTILE
    document["plan"]["alternatives"][0]["reason"] = HOSTILE
    return Plan.from_json(json.dumps(document))


def test_nothing_in_a_plan_becomes_markup():
    planned = hostile_plan()
    for html in (explain_html(planned, [HOSTILE]), notebook_html(planned)):
        page = Page(html)
        assert not {tag for tag, _ in page.tags} & {"script", "input"}
        assert "<script" not in html
        assert html.count("&lt;script&gt;") >= 5
        assert len(drawings(html)) == 1
    latex = explain_latex(planned, [HOSTILE])
    assert r"\input" not in latex.replace(r"\textbackslash{}input", "").replace(r"\backslash", "")
    assert HOSTILE in explain_text(planned, [HOSTILE])


# --- the Hasse diagram -------------------------------------------------------------------------------------------


def boxes(svg: ElementTree.Element) -> dict[str, tuple[float, float, float, float]]:
    """The rectangle of every box, by the name written into it; of a stack the one in front."""
    found = {}
    for group in svg.iter(f"{SVG}g"):
        rectangle = group.findall(f"{SVG}rect")[-1].attrib
        name = str(group.findtext(f"{SVG}text")).split(" × ")[0]
        found[name] = tuple(float(rectangle[key]) for key in ("x", "y", "width", "height"))
    return found


def links(svg: ElementTree.Element) -> set[tuple[str, str]]:
    """The pairs (lower, upper) of boxes that are linked, found by where the curves begin and end."""
    places = boxes(svg)
    pairs = set()
    for path in svg.findall(f"{SVG}path"):
        numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path.attrib["d"])]
        start, end = numbers[:2], numbers[-2:]
        lower = [n for n, (bx, by, w, _) in places.items() if abs(bx + w / 2 - start[0]) < 1 and abs(by - start[1]) < 1]
        upper = [n for n, (bx, by, w, h) in places.items() if abs(bx + w / 2 - end[0]) < 1 and abs(by + h - end[1]) < 1]
        pairs.add((*lower, *upper))
    return pairs


def named(number: int) -> str:
    return f"w{number}".translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def needed(algebra: Algebra) -> set[tuple[str, str]]:
    """Brute force: b needs a if a chain of products leads from a to b; a cover has nothing between."""
    count = len(algebra.elements)
    relation = {(0, b) for b in range(1, count)} | {(a, t.out) for t in algebra.table for a in (t.left, t.right)}
    for middle in range(count):
        relation |= {(a, b) for a, m in relation if m == middle for n, b in relation if n == middle}
    return {(named(a), named(b)) for a, b in relation if not any((a, m) in relation and (m, b) in relation
                                                                 for m in range(count))}  # fmt: skip


@pytest.mark.parametrize("name", ["mixed", "biharmonic", "two coordinates", "fields", "a million coordinates"])
def test_the_diagram_has_the_elements_by_order_and_the_links_of_the_product_table(name: str):
    algebra = PLANS[name].joint.algebra
    svg = ElementTree.fromstring(hasse_svg(algebra))
    places = boxes(svg)
    assert set(places) == {named(number) for number in range(len(algebra.elements))}
    assert links(svg) == needed(algebra)
    heights: dict[float, set[int]] = {}
    for number, element in enumerate(algebra.elements):
        heights.setdefault(places[named(number)][1], set()).add(element.degree)
    assert [own for _, own in sorted(heights.items(), reverse=True)] == [
        {degree} for degree in sorted({element.degree for element in algebra.elements})
    ]


@pytest.mark.parametrize("name", ["mixed", "biharmonic", "fields", "a million coordinates"])
def test_boxes_do_not_overlap_and_stay_inside(name: str):
    svg = ElementTree.fromstring(hasse_svg(PLANS[name].joint.algebra))
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    places = list(boxes(svg).values())
    for left, top, w, h in places:
        assert left >= 0
        assert top >= 0
        assert left + w <= width
        assert top + h <= height
    for (ax, ay, aw, _), (bx, by, bw, _) in combinations(places, 2):
        assert ay != by or ax + aw < bx or bx + bw < ax


def test_a_family_is_one_stack_with_its_size():
    svg = ElementTree.fromstring(hasse_svg(LARGE.joint.algebra))
    stacks = [group for group in svg.iter(f"{SVG}g") if len(group.findall(f"{SVG}rect")) == 2]
    assert [group.findtext(f"{SVG}text") for group in stacks] == ["w₁ × 1,000,000"]


def test_many_elements_of_one_order_are_one_box():
    algebra = Algebra((Element("u", 0), *(Element(f"d{n}", 1) for n in range(200)), Element("last", 2)))
    svg = ElementTree.fromstring(hasse_svg(algebra))
    assert [group.findtext(f"{SVG}text") for group in svg.iter(f"{SVG}g")] == ["w₀", "w₁ … w₂₀₀", "w₂₀₁"]
    assert "200 elements" in hasse_svg(algebra)


# --- directions --------------------------------------------------------------------------------------------------


def tips(svg: ElementTree.Element) -> list[tuple[float, float]]:
    lines = [line.attrib for group in svg.iter(f"{SVG}g") for line in group.findall(f"{SVG}line")]
    return [(float(a["x2"]) - float(a["x1"]), float(a["y1"]) - float(a["y2"])) for a in lines]


def test_directions_in_the_plane_point_where_they_should_with_true_lengths():
    directions = [(Fraction(3), Fraction(4)), (Fraction(-5), Fraction(0)), (Fraction(1), square_root(3))]
    svg = ElementTree.fromstring(directions_svg([Arrow(d, 4, "v") for d in directions], ["x", "y"]))
    for direction, (across, up) in zip(directions, tips(svg), strict=True):
        assert across == pytest.approx(26 * float(direction[0]), abs=0.06)
        assert up == pytest.approx(26 * float(direction[1]), abs=0.06)


def test_directions_in_space_are_seen_from_one_side_without_distortion():
    axes = [tuple(Fraction(int(i == j)) for j in range(3)) for i in range(3)]
    across, up = zip(
        *tips(ElementTree.fromstring(directions_svg([Arrow(a, 2, "e") for a in axes], "xyz"))), strict=True
    )
    # Rows of an orthogonal projection are orthonormal.
    assert math.hypot(*across) == pytest.approx(130, abs=0.2)
    assert math.hypot(*up) == pytest.approx(130, abs=0.2)
    assert sum(a * b for a, b in zip(across, up, strict=True)) == pytest.approx(0, abs=20)


@pytest.mark.parametrize(("name", "count"), [("biharmonic", 6), ("two coordinates", 4)])
def test_the_directions_that_were_weighed_are_listed_and_drawn(name: str, count: int):
    planned = PLANS[name]
    _, arrows = drawings(explain_html(planned))
    assert len(list(arrows.iter(f"{SVG}g"))) == count
    (tangents,) = {a.tangents for a in planned.alternatives if a.tangents is not None}
    text = explain_text(planned)
    assert f"v{str(count).translate(str.maketrans('0123456789', '₀₁₂₃₄₅₆₇₈₉'))} = " in text
    assert tangents.source in text


def test_directions_in_more_dimensions_are_listed_only():
    assert len(drawings(explain_html(MIXED))) == 1


# --- what else a plan may hold -----------------------------------------------------------------------------------


def test_an_estimator_tells_its_law_and_its_variance():
    planned = PLANS["estimated"]
    told = explain_text(planned)
    assert "8 directions in the 1,000 dimensions of x" in told
    assert f"Var Δu = {planned.variance[0]}" in told


def test_a_schedule_tells_the_steps():
    operator = oc.compile("Δu", spaces={"x": 50}, scheme=oc.Exact(chunk=16))
    told = explain_text(operator.plan_for(lambda x: (x**3).sum(), jnp.zeros((64, 50))))
    assert re.search(r"schedule   16 of 64 points at once; predicted peak [\d.]+ kB", told)


def test_costs_and_amplification_are_columns_where_they_are_known():
    first, *rest = MIXED.alternatives
    priced = replace(
        first, cost=replace(MIXED.cost, linear=1000, elementwise=234), amplification=(Fraction(2), Fraction(5, 2))
    )
    told = explain_text(replace(MIXED, alternatives=(priced, *rest)))
    heading = next(line for line in told.splitlines() if "strategy  " in line)
    assert "κ: how many times" in told
    assert heading.split() == ["strategy", "coefficients", "flops", "κ", "reason"]
    assert re.search(r"minimal algebra \(chosen\) +12 +1,234 +2…2.5 ", told)
