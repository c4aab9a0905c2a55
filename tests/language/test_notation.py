"""Notations people use, each beside another spelling of the same expression."""

from __future__ import annotations

import pytest

from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations
from opcompiler.language import declare, parse, to_unicode

LINE = declare(
    ("x", "t"),
    ("u", "w"),
    parameters={"a": 2, "k": None, "m": 3, "D_u": 1, "βS": 1, "G'": 1, "d": 5},
    functions=["c(x)", "F(s)", "g(x,t)", "q(u)"],
)
PLANE = declare(("x", "y", "t"), {"u": None, "ψ": None, "v": 2}, parameters={"ν": 0.1, "b": [1, 2]})
BOX = declare(
    {"x": 3, "t": None},
    {"u": None, "v": 3, "w": ("p", "q", "r"), "T": None},
    parameters={"a": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "b": [1, 2, 3], "ν": 0.1, "ε": 0.5, "n": 3},
)


def read(text: str, declarations: Declarations) -> ir.Expr:
    return parse(text, declarations).expressions[0]


SAME = {
    "one space coordinate": (
        LINE,
        [
            ["u_xx", "uₓₓ", "u_{xx}", "u_{2x}", "u''", "u″", 'u"', "u’’", "∂²u/∂x²", "∂^2u/∂x^2", "∂^{2}u/∂x^{2}"],
            ["u_xx", "d^2u/dx^2", "d²u/dx²", "d2u/dx2", "d**2u/dx**2", "d^2 u/dx^2", "∂²/∂x² u", "d^2/dx^2(u)"],
            ["u_xx", "∂_x^2u", "∂_x²u", "∂ₓ²u", "∂^2_x u", "∂²ₓ u", "∂xx u", "∂ₓₓu", "∂_{xx}u", "𝜕ₓₓ u"],
            ["u_xx", "Dxx(u)", "dxx(u)", "Dx2(u)", "d_xx(u)", "d_x^2(u)", "D_xx u", "diff(u,2)", "diff(u,x,2)"],
            ["u_xx", "diff(u, x, x)", "Dxx(u(t, x))", "u(x,t)_xx", "u_xx(x,t)", "∂²u/∂x²(x,t)", r"\frac{d^2u}{dx^2}"],
            ["u_xx", r"\frac{\partial^2 u}{\partial x^2}", r"\partial_x^2 u", r"\partial_{xx} u", "u_{x,x}"],
            ["u_xx", r"\frac{\partial^2}{\partial x^2} u", r"\dfrac{\partial ^{2} u}{\partial x^{2}}", "u_{x x}"],
            ["(u_x)_x", "dx(dx(u))", "∂ₓ∂ₓu", "∂/∂x(∂u/∂x)", "(u')'", "∂_x u_x", "(uₓ)ₓ"],
            ["u_t", "u̇", "∂u/∂t", "∂_t u", "∂t u", "dt(u)", "du/dt", r"\dot u", r"\dot{u}", "uₜ"],
            [
                "u_xxt",
                "∂³u/∂x²∂t",
                "d^3u/dx^2dt",
                "u_{xxt}",
                "∂_{xxt}u",
                r"\frac{\partial^3 u}{\partial x^2\partial t}",
            ],
            ["u*u_x", "uu_x", "u u_x", "u·u_x", "uuₓ", "u∂u/∂x", "u∂ₓu", "uu'", "u*du/dx", r"u\partial_x u"],
            ["6*u*u_x", "6uu_x", "6u u_x", "6uu′"],
            ["u_xxx*u", "u_xxxu", "u_xxx u", "u_{xxx}u"],
            ["u_x*w", "u_xw", "u_x w", "uₓw"],
            ["u_x*u_xx", "u_xu_xx", "u_{x}u_{xx}"],
            ["d*u_x", "du_x", "d u_x", "d·u_x"],
            ["D_u*Δu", "D_uΔu", "D_u Δu", "D_u Delta u", r"D_u\Delta u", r"D_{u}\Delta u"],
            ["βS*u", "βSu", r"\beta S u"],
            ["G'*u_xx", "G'u_xx", "G′ u_xx"],
            ["u_x^2", "u_x²", "(u_x)²", "u'^2", "u′²", "uₓ²", "u_{x}^{2}", "u_x**2"],
            ["Δ(u^2)", "Δu²", "Δ u^2", "lap(u^2)", r"\Delta u^2"],
            ["(Δu)^2", "lap(u)^2", "(Δu)²"],
            ["(u^2)_xx", "(u²)″", "∂ₓₓ(u²)", "∂²(u²)/∂x²", "∂²u²/∂x²"],
            ["(a*u)_x", "∂(au)/∂x", "∂au/∂x", "d(a u)/dx", r"\frac{\partial (a u)}{\partial x}"],
            ["u_x*w", "∂ₓ u w", "∂_x u w", "(∂ₓu)w"],
            ["(a/2)*u", "a/2 u", "a/2u"],
            ["1/2*u_x^2", "1/2 u_x²", "1/2u_x^2"],
            ["u^(m-2)*u", "u^{m-2}u", r"u^{m-2} u"],
            ["e^(u)", "eᵘ", "e^u", "e^{u}", r"e^{u}", r"\mathrm{e}^u"],
            ["e^(-a*u)", "e^{-au}", "e^(-au)", r"e^{-a u}"],
            ["cos(t)^2", "cos²(t)", "cos^2(t)", r"\cos^2(t)", r"\cos^2 t", "cos² t"],
            ["log(u)", "ln(u)", "log u", "ln u", r"\ln u", r"\log(u)", r"\log\left(u\right)"],
            ["sqrt(u)", "√u", "√(u)", r"\sqrt{u}", r"\sqrt u"],
            ["F'(u)", "F′(u)"],
            ["q(u)", "q"],
            ["c(x)*u", "c u", "cu", "c*u"],
            ["c(x)_x", "c_x", "cₓ"],
            ["c'(x)", "c'"],
            ["|u|^2*u", "|u|²u", r"|u|^2 u", r"\left|u\right|^2 u", r"\lvert u\rvert^2u"],
            ["u*|u|^2", "u|u|²", "u |u|^2", "u*|u|**2"],
            ["i*u_t", "i u_t", "iu_t", r"\mathrm{i} u_t"],
            ["(1 + ∂_x^2)^2 u", "(1+∂ₓ²)²u", "(1 + d_x^2)^2(u)", r"\left(1+\partial_x^2\right)^2 u", "(1+∂ₓₓ)² u"],
            ["u - a", "u = a", "u ~ a", "u − a", "u – a"],
            ["u_t", "u_t = 0", "u_t=0"],
            ["2*10^(-5)*u", "2·10⁻⁵u", "2×10⁻⁵ u", "2·10^{-5}u", r"2\cdot10^{-5}u", r"2\times 10^{-5} u"],
        ],
    ),
    "two space coordinates": (
        PLANE,
        [
            ["u_xxyy", "∂⁴u/∂x²∂y²", "d^4u/dx^2dy^2", "u_{xxyy}", "u_{2x,2y}", "∂⁴u/(∂x²∂y²)", "d^4u/(dx^2 dy^2)"],
            ["∂_x∂_y u", "∂ₓ∂_yu", "(u_y)_x"],
            ["Δu", "∇²u", "∆u", "△u", "lap(u)", "laplace(u)", "laplacian(u)", "Delta u", r"\Delta u", r"\nabla^2 u"],
            ["Δ(Δu)", "Δ²u", "Δ^2 u", "∇⁴u", "lap^2(u)", "lap(lap(u))", "biharmonic(u)", r"\nabla^4 u", "Δ Δ u"],
            ["∇·(∇u)", "∇·∇u", "div(grad(u))", "div grad u", "∇⋅∇u", "∇∙∇u", "∇ · ∇u", r"\nabla\cdot\nabla u"],
            [
                "|∇u|^2",
                "|∇u|²",
                "‖∇u‖²",
                "‖∇u‖₂²",
                "|grad u|^2",
                "|grad(u)|²",
                "gradient_squared(u)",
                r"\|\nabla u\|^2",
            ],
            ["(∇u)^2", "(∇u)²", "grad(u)^2", r"(\nabla u)^2"],
            ["(v·∇)v", "v·∇v", "v@grad(v)", "dot(v, grad)(v)", "dot(v, grad(v))", r"(\mathbf v\cdot\nabla)\mathbf v"],
            ["∇×v", "curl(v)", "curl v", r"\nabla\times v", "rot v"],
            ["J(ψ, u)", "ψ_x u_y - ψ_y u_x"],
            ["□u", "dalembert(u)", "box(u)", r"\Box u"],
            ["∇·(ν∇u)", "div(ν grad u)", r"\nabla\cdot\left(\nu\nabla u\right)"],
            ["e_y*u", "e_y u", "e_yu"],
            [
                "det(D²u)",
                "det(Hess u)",
                "det(hess(u))",
                "det(∇²u)",
                r"\det(D^2 u)",
                r"\det\left(\operatorname{Hess} u\right)",
            ],
        ],
    ),
    "three space coordinates, vectors and matrices": (
        BOX,
        [
            [
                "u_x1",
                "u_{x1}",
                "u_{x_1}",
                "u_x₁",
                "∂u/∂x1",
                "∂u/∂x_1",
                "∂u/∂x₁",
                "∂_1 u",
                r"\frac{\partial u}{\partial x_1}",
            ],
            ["∂²u/∂x1²", "∂²u/∂x₁²", "∂²u/∂x_1²", "d^2u/dx_1^2", "u_{x1x1}", "u_{2x1}"],
            [
                "∂²u/∂x1∂x2",
                "u_{x1x2}",
                "u_{x_1x_2}",
                "u_{x1, x2}",
                "u_x1x2",
                r"\frac{\partial^2 u}{\partial x_1\partial x_2}",
            ],
            ["x·∇u", "xᵀ∇u", "dot(x, grad(u))", r"x\cdot\nabla u", r"x^\top\nabla u", "x^T∇u"],
            ["½*tr(a*aᵀ*D²u)", "½tr((a*aᵀ)*D²u)", "½ tr(a*a^T*hess(u))"],
            ["½ tr(a aᵀ D²u)", "½Tr(aaᵀ∇²u)", r"½\operatorname{Tr}(aa^\top\nabla^2u)", "½ Tr(a a^T Hess u)"],
            ["a:D²u", "a:∇²u", "a : Hess(u)", "inner(a, hess(u))"],
            ["v_1", "v1", "v₁", "v_{1}"],
            ["(v_1)_t", "v_{1,t}", "v1_t", "∂_t v_1", "∂v₁/∂t"],
            ["p", "w_1", "w₁"],
            ["a_12", "a_{12}", "a_{1,2}", "a₁₂"],
            ["∑_{i=1}^{d} ∂²u/∂x_i²", "∑ᵢ ∂²u/∂xᵢ²", "∑_i u_{x_ix_i}", "sum_{i=1}^{d} d^2u/dx_i^2", "∑_{i=1}^3 ∂ᵢ²u"],
            ["∑_{i=1}^{d} ∂²u/∂x_i²", r"\sum_{i=1}^{d}\frac{\partial^2 u}{\partial x_i^2}", "Σ_{i=1}^{n} ∂_i^2 u"],
            ["∑_{i,j} a_ij ∂_i∂_j u", "∑_i ∑_j a_ij ∂_i∂_j u", "∑_{i,j=1}^{d} a_{ij}∂ᵢ∂ⱼu"],
            ["∇·(v⊗v)", "div(outer(v,v))", r"\nabla\cdot(v\otimes v)"],
            ["∇×(∇×v)", "curl curl v", "curl(curl(v))", r"\nabla\times(\nabla\times v)"],
            ["∇(∇·v)", "grad div v", "grad(div(v))"],
            ["v×w", "cross(v, w)", r"v\times w"],
            ["v·v", "v²", "v^2", "dot(v, v)"],
            ["[ε - (1+∇²)²]u", "(ε - (1 + lap)^2)(u)", "(ε - (1+Δ)^2) u", r"\left[\varepsilon-(1+\nabla^2)^2\right]u"],
            ["-((Δ + ε^2)u)", "-(Δ + ε²)u", "-(lap + ε^2)(u)"],
            ["Δ_x u", "Δₓu", "lap_x(u)"],
            ["‖∇u‖_3^3", "∑ᵢ |∂ᵢu|^3", r"\|\nabla u\|_3^3"],
        ],
    ),
}


@pytest.mark.parametrize(
    ("declarations", "spellings"),
    [(declarations, spellings) for declarations, groups in SAME.values() for spellings in groups],
    ids=[spellings[0] for _, groups in SAME.values() for spellings in groups],
)
def test_spellings_mean_the_same(declarations: Declarations, spellings: list[str]) -> None:
    first = read(spellings[0], declarations)
    for spelling in spellings[1:]:
        assert read(spelling, declarations) == first, spelling


DIFFERENT = [
    ("Δu²", "(Δu)²", LINE),
    ("u_x²", "(u²)_x", LINE),
    ("a/2 u", "a/(2u)", LINE),
    ("∂ₓ u w", "∂ₓ(u w)", LINE),
    ("∇²u", "Hess u", PLANE),
    ("tr(∇²u)", "∇²u", PLANE),
    ("u(1-u)", "u", LINE),
    ("sin(u)²", "sin(u²)", LINE),
]


@pytest.mark.parametrize(("one", "other", "declarations"), DIFFERENT)
def test_readings_that_differ(one: str, other: str, declarations: Declarations) -> None:
    assert read(one, declarations) != read(other, declarations)


def test_spans_take_no_part_in_equality_and_point_into_the_source() -> None:
    spaced = read("  Δu  +  u_x² ", LINE)
    assert spaced == read("Δu+u_x^2", LINE)
    assert (spaced.span.start, spaced.span.stop) == (2, 13)


def test_a_laplacian_in_a_million_dimensions_is_one_node() -> None:
    million = declare({"x": 10**6})
    assert read("Δu", million) == ir.Laplacian(ir.Field("u"))
    assert read("∑_{i=1}^{d} sin(x_i) ∂ᵢ²u", million) == ir.IndexSum(
        "i",
        0,
        10**6 - 1,
        ir.Product(
            (
                ir.Elementary("sin", (ir.Coordinate("x", "i"),)),
                ir.Partial(ir.Field("u"), ((ir.Coordinate("x", "i"), 2),)),
            )
        ),
    )


def test_an_index_sum_over_single_coordinates_is_written_out() -> None:
    assert read("∑ᵢ ∂ᵢ²u", PLANE) == read("u_xx + u_yy", PLANE)


def test_a_sequence_and_a_mapping_keep_their_form() -> None:
    pair = parse(["u", "∇u"], PLANE)
    named = parse({"flow": "u", "slope": "∇u"}, PLANE)
    assert (pair.labels, named.labels, parse("u", PLANE).labels) == ((), ("flow", "slope"), None)
    assert pair.expressions == named.expressions


def test_shapes() -> None:
    shapes = {
        text: read(text, BOX).shape for text in ("u", "∇u", "∇v", "Hess u", "∇×v", "∇·v", "∇∇v", "Δv", "a v", "v⊗w")
    }
    assert shapes == {
        "u": (),
        "∇u": (3,),
        "∇v": (3, 3),
        "Hess u": (3, 3),
        "∇×v": (3,),
        "∇·v": (),
        "∇∇v": (3, 3, 3),
        "Δv": (3,),
        "a v": (3,),
        "v⊗w": (3, 3),
    }


def test_gradients_over_a_space_of_several_axes() -> None:
    electrons = declare({"r": (30, 3)}, ("w",))
    assert read("∇w", electrons).shape == (30, 3)
    assert read("∇·∇w", electrons).shape == ()
    assert read("|∇w|²", electrons).shape == ()
    assert read("r·∇w", electrons).shape == ()


def test_explained_reading() -> None:
    assert to_unicode(read("6uu_x + Δu² - a/2 u", LINE), LINE) == "6 u u_x + Δ(u²) - (a/2) u"
