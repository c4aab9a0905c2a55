"""What a report shows of an algebra is an algebra: read back, it obeys the Leibniz rule and yields the operator."""

from __future__ import annotations

import re

import pytest
import sympy
from report import reading

import opcompiler as oc

x, y, t, x1, x2 = sympy.symbols("x y t x1 x2")
READERS = {"text": reading.from_text, "html": reading.from_html, "latex": reading.from_latex}

OPERATORS = [
    ("u_t + 6 u u_x + u_xxx", ("x", "t"), {"L_{0}": t + x**3, "u_{x}": x, "u": sympy.Integer(1)}),
    ("u_xxy - 3 u_yt + u_xx/2", ("x", "y", "t"), {"L_{0}": x**2 * y - 3 * y * t + x**2 / 2}),
    ("∂⁴u/∂x1²∂x2² + Δu", {"x": 2}, {"L_{0}": x1**2 * x2**2 + x1**2 + x2**2}),
    ("u_xxxx - 2u_xxyy + 5 u_yyy", ("x", "y"), {"L_{0}": x**4 - 2 * x**2 * y**2 + 5 * y**3}),
]


@pytest.mark.parametrize("format", READERS)
@pytest.mark.parametrize(("text", "spaces", "symbols"), OPERATORS, ids=[row[0] for row in OPERATORS])
def test_the_algebra_that_is_shown_obeys_the_leibniz_rule_and_yields_the_operator(text, spaces, symbols, format):
    operator = oc.compile(text, spaces=spaces, scheme=oc.Exact(strategy="minimal algebra"))
    shown = READERS[format](oc.explain(operator, format=format))
    assert len(shown.labels) == operator.plan.certificate.minimum
    at = {letter: {k: reading.polynomial(label, letter) for k, label in shown.labels.items()} for letter in ("ξ", "η")}
    both = {symbol: symbol + sympy.Symbol(f"η{symbol.name[1:]}") for w in at["ξ"].values() for symbol in w.free_symbols}
    factors = {f"f{k}": w for k, w in at["ξ"].items()} | {f"g{k}": w for k, w in at["η"].items()}
    for k, w in at["ξ"].items():
        expected = w.subs(both, simultaneous=True) - w - at["η"][k] if k else sympy.Integer(0)
        assert sympy.expand(expected - reading.value(shown.products.get(k, ""), factors)) == 0, (k, shown.labels[k])
    named = {sympy.Symbol(f"ξ{symbol.name}"): symbol for symbol in (x, y, t, x1, x2)}
    carried = {f"w{k}": w.subs(named) for k, w in at["ξ"].items()}
    assert set(shown.readouts) == set(symbols)
    for name, symbol in symbols.items():
        assert sympy.expand(reading.value(shown.readouts[name], carried) - symbol) == 0, shown.readouts[name]


@pytest.mark.parametrize("strategy", ["univariate jets", "collapsed jets"])
def test_the_directions_that_are_shown_yield_the_operator(strategy: str):
    """Σ_r c_r (v_r·ξ)^k of the directions and the readout on the page is the symbol."""
    operator = oc.compile("Δ²u + u_x", spaces=("x", "y"), scheme=oc.Exact(strategy=strategy))
    told = oc.explain(operator)
    told = told[told.index("propagation\n") : told.index("certificate\n")]
    shown = re.findall(r"v[₀-₉]+ = (.*), order 4\n", told)
    directions = [
        sympy.parse_expr(re.sub(r"√(\d+)", r"sqrt(\1)", line).replace("∂_", "").replace("·", "*").replace("−", "-"))
        for line in shown
    ]
    assert len(directions) == 3
    readout = re.search(r"L₀ = (.*)\n", told)
    assert readout is not None
    if strategy == "univariate jets":
        factor = re.fullmatch(r"w₁\[1\] \+ (\d+/\d+)·Σ w₄", readout[1])
        assert factor is not None
        symbol = directions[0] + sympy.Rational(factor[1]) * sum(v**4 for v in directions)
    else:
        # The last coefficient is the sum over the directions: c = 32/9 : 4 in (f·g)₄ = c·Σ (4·f₁·g₃ + …).
        assert readout[1] == "w₁[1] + w₄"
        factor = re.search(r"\(f·g\)₄ has (\d+/\d+)·\(Σ \(f₁·g₃ \+ f₃·g₁\)\)", told)
        assert factor is not None
        symbol = directions[0] + sympy.Rational(factor[1]) / 4 * sum(v**4 for v in directions)
    assert sympy.expand(symbol - (x**2 + y**2) ** 2 - x) == 0
