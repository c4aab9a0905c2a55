"""What the three dialects look like, and names and quotients that must not be taken for something else."""

from __future__ import annotations

from fractions import Fraction

import pytest

import opcompiler as oc
from opcompiler.errors import LimitError, OpCompilerError
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations
from opcompiler.language import declare, parse, to_ascii, to_latex, to_unicode

PLANE = declare(
    ("x", "y", "t"), {"u": None, "w": None, "v": 2}, parameters={"ν": 1, "k_c": 2, "T": 1, "M": [[1, 2], [3, 4]]}
)
SPACE = declare({"x": 3, "t": None}, {"u": None, "v": 3})
NAMES = declare(
    {"z": ("θ", "tau"), "t": None},
    {"ψ": None, "φ_12": None, "u": 2, "J": None},
    parameters=[
        "omega",
        "σ",
        "sigma",
        "EI",
        "βS",
        "G'",
        "a_b_c",
        "k_cd",
        "a_1b",
        "Re",
        "μ₀",
        "sigma_v",
        "du",
        "pi",
        "norm",
    ],
    functions=["F_i(s)", "ρ(θ)", "h(ψ,u)"],
)


def read(text: str, declarations: Declarations) -> ir.Expr:
    return parse(text, declarations).expressions[0]


LOOKS = [
    ("u_t - ν Δu", PLANE, "u_t - ν Δu", "u_t - ν lap(u)", r"\frac{\partial u}{\partial t} - \nu \Delta u"),
    ("u_xxyy", PLANE, "u_xxyy", "u_xxyy", r"\frac{\partial^{4} u}{\partial x^{2} \partial y^{2}}"),
    ("u_{2x1, 2x2}", SPACE, "∂⁴u/∂x1²∂x2²", "u_{2x1, 2x2}",
     r"\frac{\partial^{4} u}{\partial x_{1}^{2} \partial x_{2}^{2}}"),
    ("∂²u/∂x1∂x2", SPACE, *["u_{x1, x2}"] * 2, r"\frac{\partial^{2} u}{\partial x_{1} \partial x_{2}}"),
    ("u u_{3x1}/u_{2x2}²", SPACE, "(u ∂³u/∂x1³)/(∂²u/∂x2²)²", "(u u_{3x1})/u_{2x2}^2",
     r"\frac{u \frac{\partial^{3} u}{\partial x_{1}^{3}}}{\left(\frac{\partial^{2} u}{\partial x_{2}^{2}}\right)^{2}}"),
    ("Δ²u_{2x1}", SPACE, "Δ²(∂²u/∂x1²)", "lap(lap(u_{2x1}))",
     r"\Delta^{2} \left(\frac{\partial^{2} u}{\partial x_{1}^{2}}\right)"),
    ("(u²)_x", PLANE, "(u²)_x", "(u^2)_x", r"\frac{\partial}{\partial x} \left(u^{2}\right)"),
    ("∇·(u∇u)", PLANE, "∇·(u ∇u)", "div(u grad(u))", r"\nabla\cdot \left(u \nabla u\right)"),
    ("(v·∇)v", PLANE, "(v·∇) v", "(dot(v, grad)) v", r"\left(v \cdot \nabla\right) v"),
    ("v·v", PLANE, "v²", "v^2", "v^{2}"),
    ("∇×v", PLANE, "∇×v", "curl(v)", r"\nabla\times v"),
    ("tr(Hess u)", PLANE, *["tr(Hess(u))"] * 2,
     r"\operatorname{tr}\left(\operatorname{Hess}\left(u\right)\right)"),
    ("transpose(M) v", PLANE, "Mᵀ v", "transpose(M) v", r"M^{\top} v"),
    ("|∇u|²", PLANE, "|∇u|²", "|grad(u)|^2", r"\left|\nabla u\right|^{2}"),
    ("½u/(1+u²)", PLANE, "(½ u)/(1 + u²)", "(0.5 u)/(1 + u^2)", r"\frac{\frac{1}{2} u}{1 + u^{2}}"),
    ("u_xx u/3", PLANE, "(u_xx u)/3", "(u_xx u)/3", r"\frac{\frac{\partial^{2} u}{\partial x^{2}} u}{3}"),
    ("5/7 u", PLANE, "(5/7) u", "(5/7) u", r"\frac{5}{7} u"),
    ("Δ²u", PLANE, "Δ²u", "lap(lap(u))", r"\Delta^{2} u"),
    ("[ν-(k_c²+∇²)²]u", PLANE, "(ν - (k_c² + Δ)²) u", "(ν - (k_c^2 + lap)^2) u",
     r"\left(\nu - \left(k_{c}^{2} + \Delta\right)^{2}\right) u"),
    ("e^{-u} sin(u)", PLANE, "e^(-u) sin(u)", "e^(-u) sin(u)", r"e^{-u} \sin\left(u\right)"),
    ("π log2(|u|) √w", PLANE, "π log2(|u|) sqrt(w)", "pi log2(|u|) sqrt(w)",
     r"\pi \operatorname{log2}\left(\left|u\right|\right) \sqrt{w}"),
    ("∑_i x_i ∂_i u", SPACE, "∑_{i=1}^{3} x_{i} u_{x_{i}}", "sum_{i=1}^{3} x_{i} u_{x_{i}}",
     r"\sum_{i=1}^{3} x_{i} \frac{\partial u}{\partial x_{i}}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "declarations", "unicode", "ascii_", "latex"), LOOKS, ids=[row[0] for row in LOOKS])
def test_looks(text: str, declarations: Declarations, unicode: str, ascii_: str, latex: str) -> None:
    expression = read(text, declarations)
    printed = [print_(expression, declarations) for print_ in (to_unicode, to_ascii, to_latex)]
    assert printed == [unicode, ascii_, latex]
    assert [read(each, declarations) for each in printed] == [expression] * 3


@pytest.mark.parametrize("name", ["d", "du", "D", "e", "L", "lapse", "ψ", "u2", "xi", "x1x", "∇u"[1:]])
def test_quotients_of_differentials_survive_beside_any_name(name: str) -> None:
    declarations = declare({"x": 3, "d_1": None}, {name: None, "w": None})
    field = ir.Field(name)
    first, second = ir.Coordinate("x", 0), ir.Coordinate("d_1")
    derivative = ir.Partial(field, ((first, 2), (second, 1)))
    for expression in (
        derivative,
        ir.Product((field, derivative, field)),
        ir.Product((derivative, derivative)),
        ir.Quotient(derivative, field),
        ir.Quotient(field, derivative),
        ir.Power(derivative, ir.Number(Fraction(2))),
        ir.Laplacian(derivative),
    ):
        for print_ in (to_unicode, to_ascii, to_latex):
            assert read(print_(expression, declarations), declarations) == expression, print_(expression, declarations)


LATEX_NAMES = {
    "ψ": r"\psi",
    "φ_12": r"\phi_{12}",
    "omega": r"\omega",
    "σ": r"\sigma",
    "sigma": r"\mathrm{sigma}",
    "EI": r"\mathrm{EI}",
    "k_cd": "k_{cd}",
    "a_b_c": "a_{b_c}",
    "a_1b": "a_{1b}",
    "Re": r"\mathrm{Re}",
    "βS": r"\beta S",
    "G'": "G'",
    "du": r"\mathrm{du}",
}


@pytest.mark.parametrize(
    "name", [*LATEX_NAMES, "J", "μ₀", "sigma_v", "pi", "norm", "u_2", "θ", "tau", "ρ(θ)", "ρ'(θ)", "h_ψ"]
)
def test_names_survive_alone_and_between_others(name: str) -> None:
    for text in (
        name,
        f"2 {name} ψ {name}",
        f"{name}/{name}",
        f"({name} + 1)²*{name}",
        f"F_i({name})*(ψ + 1)",
        f"ψ_θ {name}",
    ):
        expression = read(text, NAMES)
        for print_ in (to_unicode, to_ascii, to_latex):
            printed = print_(expression, NAMES)
            assert read(printed, NAMES) == expression, printed
    if name in LATEX_NAMES:
        assert to_latex(read(name, NAMES), NAMES) == LATEX_NAMES[name]


def test_a_constant_whose_name_is_taken() -> None:
    for names, text in ((["pi"], "π u"), (["π"], "pi u")):
        declarations = declare(("x",), parameters=names)
        expression = read(text, declarations)
        assert ir.NamedConstant("pi") in expression.factors  # type: ignore[union-attr]
        for print_ in (to_unicode, to_ascii, to_latex):
            assert read(print_(expression, declarations), declarations) == expression


QUOTIENTS = [
    (r"\frac{\partial_x u + u}{\partial_y w + 2}", "(u_x + u)/(w_y + 2)"),
    (r"\frac{\partial_x u}{w \partial_y w}", "u_x/(w*w_y)"),
    (r"\frac{d + 1}{d + 2}", "(d + 1)/(d + 2)"),
    (r"\frac{d u}{d w}", "(d*u)/(d*w)"),
    (r"\frac{d u}{d}", "(d*u)/d"),
    (r"\frac{d\,u}{d\,x}", "u_x"),
    (r"\frac{\partial u}{\partial x}w", "u_x*w"),
    (r"\frac{\partial^2}{\partial x\partial y}\left(u w\right)", "(u w)_xy"),
    (r"\left|u\left|w\right|\right|", "|u*|w||"),
    (r"\left|u\right|_x\left|w\right|", "abs(u)_x*abs(w)"),
]


@pytest.mark.parametrize(("latex", "plain"), QUOTIENTS)
def test_fractions_and_bars_of_latex_keep_together(latex: str, plain: str) -> None:
    declarations = declare(("x", "y"), ("u", "w"), parameters={"d": 2})
    assert read(latex, declarations) == read(plain, declarations)


@pytest.mark.parametrize("text", [r"\frac{\partial u}{\partial x w}", r"\frac{\partial u + w}{\partial x}"])
def test_what_is_no_quotient_of_differentials_is_refused(text: str) -> None:
    with pytest.raises(OpCompilerError):
        read(text, PLANE)


def test_a_quotient_of_names_is_no_derivative() -> None:
    declarations = declare(("x",), parameters={"d": 2, "dx": 3})
    quotient = ir.Quotient(ir.Parameter("d"), ir.Parameter("dx"))
    for print_ in (to_unicode, to_ascii, to_latex):
        assert read(print_(quotient, declarations), declarations) == quotient


def test_a_quotient_of_numbers_is_a_number() -> None:
    assert read("1/2 u", PLANE) == read("½u", PLANE) == read("0.5u", PLANE) == read(r"\tfrac12 u", PLANE)
    assert read("1/3 u", PLANE) == read("⅓ u", PLANE)


def test_an_index_is_a_number_where_the_sum_is_written_out() -> None:
    assert read("∑_{i=1}^{d} i x_i", SPACE) == read("1 x1 + 2 x2 + 3 x3", SPACE)
    assert read("∑_{j=2}^{3} j² ∂_j u", SPACE) == read("2² ∂_2 u + 3² ∂_3 u", SPACE)
    with pytest.raises(LimitError, match="the index 'j' is a number"):
        read("∑_j j x_j", declare({"x": 1000}))


def test_a_system_is_printed_in_the_form_it_was_given_in() -> None:
    spaces = ("x", "t")
    assert oc.to_latex(oc.parse("u_t", spaces=spaces)) == r"\frac{\partial u}{\partial t}"
    assert oc.to_ascii(oc.parse(["Δu", "u²"], spaces=spaces)) == ("lap(u)", "u^2")
    assert oc.to_unicode(oc.parse({"heat": "u_t - lap(u)"}, spaces=spaces)) == {"heat": "u_t - Δu"}
    assert oc.to_ascii(oc.parse(["u"], spaces=spaces)) == ("u",)
