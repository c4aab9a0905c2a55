"""A sympy expression is accepted wherever a text is, means the same, and is refused as strictly."""

import corpus
import jax.numpy as jnp
import pytest
import sympy as sp
from test_corpus import TOLERANCE, evaluated, meaning

import opcompiler as oc

x, y, t, nu = sp.symbols("x y t nu")
u = sp.Function("u")(x, t)
F, G, c = sp.Function("F"), sp.Function("G"), sp.Function("c")
LINE = {
    "spaces": ("x", "t"),
    "parameters": {"nu": None, "a": 2},
    "functions": {"F(s)": None, "G(r,s)": None, "c(x,t)": None},
}

x1, x2, x3 = X = sp.symbols("x1:4")
v1, v2, v3 = v = [sp.Function(f"v{n}")(*X) for n in (1, 2, 3)]
p = sp.Function("p")(*X)
BLOCK = {
    "spaces": {"x": 3},
    "fields": {"v": 3, "p": None, "w": ("w_a", "w_b")},
    "parameters": {"A": oc.Runtime((3, 3)), "b": oc.Runtime((3,)), "C": oc.Runtime((12, 12))},
    "functions": {"k(x)": None, "g(x)": oc.Runtime((3,))},
}


def means(expression, **declared):
    return meaning(oc.reduce(oc.parse(expression, **declared)))


ON_A_LINE = [
    (u.diff(t) + 6 * u * u.diff(x) + u.diff(x, 3), "u_t + 6 u u_x + u_xxx"),
    (sp.Eq(u.diff(t), nu * u.diff(x, 2)), "u_t = nu u_xx"),
    (sp.Derivative(c(x, t) * u.diff(x), x), "(c u_x)_x"),
    (sp.Derivative(u**2, x, t), "(u²)_xt"),
    (F(u).diff(x), "F(u)_x"),
    (F(u).diff(x, 2), "F''(u) u_x² + F'(u) u_xx"),
    (F(x * u).diff(x), "F(x u)_x"),
    (G(x, u).diff(x), "G(x, u)_x"),
    (sp.Derivative(G(x, u), x), "G(x, u)_x"),
    (sp.Float("0.1") * u, "u/10"),
    (0.1 * u, "u/10"),
    (sp.Float("0.1", 50) * u, "u/10"),
    (sp.Float("1e-20") * u, "u/10^20"),
    (sp.Rational(-1, 3) * u, "-u/3"),
    (2 * sp.UnevaluatedExpr(u), "2 u"),
    (sp.pi * u + sp.E * u.diff(x) + sp.I * u, "π u + e u_x + i u"),
    (x / sp.sqrt(u), "x/sqrt(u)"),
    (u**-2, "1/u²"),
    (u ** sp.Symbol("a"), "u^a"),
    (sp.exp(-u) + 2**nu, "exp(-u) + 2^nu"),
    (sp.Abs(u) ** 2 * u, "|u|² u"),
    (sp.conjugate(u) + sp.re(u) - sp.im(u), "conj(u) + re(u) - im(u)"),
    (sp.Max(u, 0, x) + sp.Min(u, 1), "max(0, x, u) + min(1, u)"),
    (sp.sign(u) * sp.Heaviside(x), "sign(u) heaviside(x)"),
    (sp.atan2(u, x) + sp.acosh(u) + sp.log(u, 2), "atan2(u, x) + acosh(u) + log(u)/log(2)"),
    (sp.real_root(u, 3), "cbrt(u)"),
    (sp.Function("cbrt")(u), "cbrt(u)"),
    (sp.Sum(x ** sp.Symbol("k") * u, (sp.Symbol("k"), 1, 3)), "x u + x² u + x³ u"),
    (sp.Matrix([u, u.diff(x)]), "(u, u_x)"),
    (sp.Matrix([[u, x], [t, 1]]), "((u, x), (t, 1))"),
    (sp.Eq(sp.Matrix([u, x]), sp.Matrix([t, 1])), "(u - t, x - 1)"),
    (sp.Array([u, x]), "(u, x)"),
    (sp.Symbol("ｎｕ") * u, "nu u"),
]


@pytest.mark.parametrize(("expression", "text"), ON_A_LINE, ids=[text for _, text in ON_A_LINE])
def test_an_expression_means_what_the_text_means(expression, text):
    assert means(expression, **LINE) == means(text, **LINE)


IN_SPACE = [
    (v1.diff(x1) + v2.diff(x2) + v3.diff(x3), "∇·v"),
    (sp.Matrix([p.diff(z) for z in X]), "∇p"),
    (sp.Function("w_b")(*X) + sp.Function("w_1")(*X), "w_b + w_a"),
    (sp.Symbol("A12") * p + sp.Symbol("A_{3,1}") * v3 + sp.Symbol("b_2"), "A_12 p + A_31 v_3 + b_2"),
    (sp.Symbol("C_{1,11}") * p, "C_{1,11} p"),
    (sp.MatrixSymbol("A", 3, 3) * sp.Matrix(v), "A v"),
    (sp.MatrixSymbol("b", 3, 1), "b"),
    (sp.Derivative(sp.Function("k")(*X) * p.diff(x1), x1), "(k p_{x1})_{x1}"),
    (sp.Function("g2")(*X) * p, "g_2 p"),
    (sp.Symbol("x_2") * sp.Function("p")(x1, sp.Symbol("x_2"), x3), "x_2 p"),
]


@pytest.mark.parametrize(("expression", "text"), IN_SPACE, ids=[text for _, text in IN_SPACE])
def test_numbered_names_are_entries_of_spaces_fields_and_parameters(expression, text):
    assert means(expression, **BLOCK) == means(text, **BLOCK)


def test_packed_coordinates_are_symbols_of_their_own():
    assert means(u.diff(t) - u.diff(x, 2), spaces={"z": ("x", "t")}) == means("u_t - u_xx", spaces={"z": ("x", "t")})


def test_an_argument_is_held_while_another_is_differentiated():
    """∂G/∂s at r = u is not the total derivative of G(u, x)."""
    held = sp.Subs(sp.Derivative(G(y, x), x), y, u)
    total = sp.Derivative(G(u, x), x)
    along = sp.Derivative(G(u, x), u) * u.diff(x)
    assert means(sp.Add(total, -along, evaluate=False), **LINE) == means(held, **LINE)
    assert means(total, **LINE) != means(held, **LINE)


def test_expressions_and_texts_stand_side_by_side():
    heat = u.diff(t) - u.diff(x, 2)
    one = oc.compile(heat, spaces=("x", "t"))
    several = oc.compile([heat, "u_x"], spaces=("x", "t"))
    named = oc.compile({"heat": heat, "slope": "u_x"}, spaces=("x", "t"))
    place = jnp.asarray(0.3), jnp.asarray(0.2)

    def wave(x, t):
        return jnp.sin(x) * jnp.exp(-2 * t)

    assert one(wave, *place) == pytest.approx(float(-wave(*place)))
    assert several(wave, *place)[0] == pytest.approx(float(-wave(*place)))
    assert named(wave, *place)["slope"] == pytest.approx(float(jnp.cos(0.3) * jnp.exp(-0.4)))
    assert one.plan == oc.compile(heat, spaces=("x", "t")).plan


def test_explain_shows_how_an_expression_was_read():
    story = oc.explain(sp.Eq(u.diff(t), nu * u.diff(x, 2)), **LINE)
    assert "u_t - nu u_xx" in story
    held = oc.reduce(oc.parse(sp.Subs(sp.Derivative(G(y, x), x), y, u), **LINE))
    assert held.written == ("(G(u, x)_{s})",)


REFUSED = [
    (sp.Function("v")(x, t), oc.OperatorNameError, "'v' is not declared"),
    (sp.Symbol("nuu") * u, oc.OperatorNameError, "did you mean 'nu'"),
    (sp.Function("u")(t, x), oc.OperatorNameError, "exactly x, t, in this order"),
    (sp.Function("u")(x), oc.OperatorNameError, "exactly x, t"),
    (u.subs(x, 0), oc.OperatorNameError, "exactly x, t"),
    (u.diff(x).subs(x, 0), oc.UnsupportedError, "something else than a coordinate"),
    (sp.Derivative(u, y), oc.OperatorNameError, "'y' is not declared"),
    (sp.Derivative(u, nu), oc.OperatorNameError, "no coordinate"),
    (2 * sp.Symbol("u"), oc.OperatorNameError, "whose derivatives sympy drops"),
    (2 * sp.Symbol("c"), oc.OperatorNameError, "whose derivatives sympy drops"),
    (sp.Symbol("x", real=True) * u, oc.OperatorNameError, "two different sympy symbols"),
    (sp.Symbol("pi") * u, oc.OperatorNameError, r"sympy\.pi"),
    (F(u, x), oc.OperatorNameError, r"takes 1 argument\(s\), not 2"),
    (sp.Function("tanh")(u, x), oc.OperatorSyntaxError, r"takes 1 argument\(s\), not 2"),
    (sp.Integral(u, x), oc.DerivativeOrderError, "non-local"),
    (sp.Derivative(sp.Integral(u, (x, 0, x)), t), oc.DerivativeOrderError, "non-local"),
    (sp.Derivative(u, (x, sp.Symbol("n"))), oc.DerivativeOrderError, "no natural number"),
    (sp.Derivative(u, (x, 1000)), oc.LimitError, "order above"),
    (sp.Piecewise((u, x > 0), (0, True)), oc.UnsupportedError, "Piecewise"),
    (sp.Heaviside(u, 0), oc.UnsupportedError, "1/2 at zero"),
    (sp.DiracDelta(x) * u, oc.UnsupportedError, "DiracDelta"),
    (sp.LambertW(u), oc.UnsupportedError, "LambertW"),
    (sp.oo, oc.UnsupportedError, "Infinity"),
    (sp.nan, oc.UnsupportedError, "NaN"),
    (u > 0, oc.OperatorSyntaxError, "no equation"),
    (sp.Eq(u, u), oc.OperatorSyntaxError, "no equation"),
    (sp.Sum(u, (y, 1, nu)), oc.UnsupportedError, "between two numbers"),
    (sp.Sum(y * u, (y, 1, 10**9)), oc.UnsupportedError, "1000000000 terms"),
    (sp.Sum(u.diff(x), (x, 1, 3)), oc.UnsupportedError, "a variable inside it"),
    (sp.Symbol("a", commutative=False) * u, oc.UnsupportedError, "does not commute"),
    (sp.Matrix([[]]), oc.RankError, "empty"),
    (sp.Float("1e100000") * u, oc.LimitError, "too long"),
    (sp.Integer(10) ** 10000 * u, oc.LimitError, "bits"),
    (sp.Tuple(u, x), oc.UnsupportedError, "Tuple"),
]


@pytest.mark.parametrize(
    ("expression", "error", "message"), REFUSED, ids=[f"{type(e).__name__}-{m[:20]}" for e, _, m in REFUSED]
)
def test_what_the_language_refuses_is_refused(expression, error, message):
    with pytest.raises(error, match=message):
        oc.parse(expression, **LINE)


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        (sp.Symbol("C111") * p, oc.OperatorNameError, "several entries"),
        (sp.Symbol("A14") * p, oc.OperatorNameError, "not declared"),
        (sp.Symbol("A") * p, oc.RankError, r"shape \(3, 3\)"),
        (sp.Symbol("x") * p, oc.RankError, "space of 3 coordinates"),
        (sp.Symbol("x4") * p, oc.OperatorNameError, "not declared"),
        (sp.Function("v")(*X), oc.RankError, "vector"),
        (sp.Function("g")(*X), oc.RankError, "values of shape"),
        (sp.Function("k")(x2, x1, x3), oc.OperatorNameError, "all entries of x"),
        (sp.Symbol("x_2") * x2, oc.OperatorNameError, "two different sympy symbols"),
    ],
)
def test_numbered_names_are_as_strict(expression, error, message):
    with pytest.raises(error, match=message):
        oc.parse(expression, **BLOCK)


def test_a_deep_expression_is_a_limit():
    deep = u
    for _ in range(200):
        deep = sp.sin(deep + x)
    with pytest.raises(oc.LimitError, match="nested deeper"):
        oc.parse(deep, **LINE)


CORPUS = corpus.entries("unicode")


@pytest.mark.parametrize("part", range(3))
def test_the_residuals_of_the_corpus(part, capsys):
    """The stored residual means what the text means; where the normal forms differ, the values agree."""
    same, entries = 0, CORPUS[part::3]
    for entry in entries:
        declared = entry.declarations
        residual = entry.residual
        if means(residual, **declared) == means(entry.text, **declared):
            same += 1
            continue
        assert entry.error(evaluated(oc.compile(residual, **declared), entry)) <= TOLERANCE, entry.id
    with capsys.disabled():
        print(f"\ncorpus, sympy: {len(entries)} of {len(entries)} residuals, {same} with the normal form of the text")


def test_export_and_import_are_inverse(capsys):
    """What `to_sympy` writes means the same operator again, for every equation of the corpus."""
    same = 0
    for entry in CORPUS:
        declared = entry.declarations
        normal_form = oc.reduce(oc.parse(entry.text, **declared))
        written = oc.to_sympy(normal_form)
        if means(written, **declared) == meaning(normal_form):
            same += 1
            continue
        assert entry.error(evaluated(oc.compile(written, **declared), entry)) <= TOLERANCE, entry.id
    with capsys.disabled():
        print(f"\ncorpus, export and import: {len(CORPUS)} of {len(CORPUS)}, {same} with the same normal form")
