"""Single symbols: number of directions, lower bound, what is proved, and the identity itself."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from planning.tangents.expansion import is_identity, largest_error, multiplied

from opcompiler.planning.tangents import decompose
from opcompiler.planning.tangents.monomials import binary_monomial, central_differences


def monomial(*alpha):
    return {alpha: Fraction(1)}


def form(text, *letters):
    """A polynomial written in sympy's syntax, as a form in these letters."""
    polynomial = sympy.Poly(sympy.sympify(text), *map(sympy.Symbol, letters))
    return {alpha: Fraction(int(c.p), int(c.q)) for alpha, c in polynomial.terms()}


# (form, directions, lower bound)
KNOWN = {
    "xy": (monomial(1, 1), 2, 2),
    "x²y": (monomial(2, 1), 3, 3),
    "x²y²": (monomial(2, 2), 4, 4),
    "x³y": (monomial(3, 1), 4, 4),
    "x⁴y²": (monomial(4, 2), 6, 6),
    "x³y³": (monomial(3, 3), 6, 6),
    "xyz": (monomial(1, 1, 1), 4, 4),
    "x²yz": (monomial(2, 1, 1), 6, 6),
    "x²y²z²": (monomial(2, 2, 2), 13, 10),
    "wxyz": (monomial(1, 1, 1, 1), 8, 8),
    "x⁵": (monomial(5), 1, 1),
    "t(x²+y²)": (form("t*(x**2+y**2)", "x", "y", "t"), 5, 5),
    "t(x²−y²)": (form("t*(x**2-y**2)", "x", "y", "t"), 4, 4),
    "t(x²−2y²)": (form("t*(x**2-2*y**2)", "x", "y", "t"), 4, 4),
    "t(x²+y²+z²)": (form("t*(x**2+y**2+z**2)", "x", "y", "z", "t"), 7, 6),
    "t(x²+y²−z²)": (form("t*(x**2+y**2-z**2)", "x", "y", "z", "t"), 6, 6),
    "wave operator": (form("t**2-x**2-y**2-z**2", "x", "y", "z", "t"), 4, 4),
    "degenerate quadric": (form("(x+y)**2+4*(x+y)*z+4*z**2", "x", "y", "z"), 1, 1),
    "binary, irrational directions": (form("x**3+3*x*y**2", "x", "y"), 2, 2),
    "binary, real-rooted": (form("x*(x-y)*(x+y)*(x+2*y)", "x", "y"), 4, 4),
    "power of a sum": (form("(x+2*y-z)**4", "x", "y", "z"), 1, 1),
    "monomial in sums": (form("(x+y)**2*(x-z)", "x", "y", "z"), 3, 3),
    "stretched Δ²": (form("(x**2+4*y**2)**2", "x", "y"), 3, 3),
    "x⁴+y³z": (form("x**4+y**3*z", "x", "y", "z"), 5, 3),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_symbols(name):
    symbol, directions, bound = KNOWN[name]
    tangents = decompose(symbol, nodes=0)
    assert is_identity(symbol, tangents)
    assert tangents.residual == 0
    assert (tangents.size, tangents.lower_bound) == (directions, bound)
    assert tangents.status == ("proved" if directions == bound else "bracketed")


# The explicit sets of the literature, written out by hand: (k, {(vector): coefficient × denominator}, denominator).
EXPLICIT = {
    "x*y": (2, {(1, 1): 1, (1, -1): -1}, 4),
    "x**2*y": (3, {(1, 1): 1, (1, -1): -1, (0, 1): -2}, 6),
    "x**2*y**2": (4, {(1, 1): 1, (1, -1): 1, (1, 0): -2, (0, 1): -2}, 12),
    "x**3*y": (4, {(1, 1): 8, (1, -1): -8, (1, 2): -1, (1, -2): 1}, 48),
}


@pytest.mark.parametrize("text", EXPLICIT)
def test_explicit_binary_sets(text):
    order, weights, denominator = EXPLICIT[text]
    x, y = sympy.symbols("x y")
    total = sum(c * (a * x + b * y) ** order for (a, b), c in weights.items()) / denominator
    assert sympy.expand(total - sympy.sympify(text)) == 0
    ((alpha, _),) = form(text, "x", "y").items()
    directions, coefficients = binary_monomial(*alpha)
    assert len(directions) == (2 if order == 2 else len(weights))
    if order > 2:
        assert {tuple(map(int, v)): c * denominator for v, c in zip(directions, coefficients, strict=True)} == weights


@pytest.mark.parametrize(
    "alpha", [(1, 1), (2, 1), (3, 1), (2, 2), (5, 3), (1, 1, 1), (2, 1, 1), (2, 2, 2), (3, 2, 1, 1)]
)
def test_the_grid_of_central_differences(alpha):
    directions, coefficients = central_differences(alpha)
    size = 1
    for exponent in alpha:
        size *= exponent + 1
    # Parallel grid vectors such as (3, 3) and (1, 1) in x⁵y³ merge too.
    assert len(directions) == (10 if alpha == (5, 3) else size // 2)
    letters = sympy.symbols(f"x:{len(alpha)}")
    total = sum(
        sympy.Rational(c.numerator, c.denominator)
        * sum(int(e) * x for e, x in zip(v, letters, strict=True)) ** sum(alpha)
        for v, c in zip(directions, coefficients, strict=True)
    )
    assert sympy.expand(total) == sympy.prod(x**e for x, e in zip(letters, alpha, strict=True))


@pytest.mark.parametrize(("a", "b"), [(a, b) for a in range(1, 6) for b in range(1, 6)])
def test_binary_monomials_need_as_many_directions_as_their_degree(a, b):
    tangents = decompose(monomial(a, b), nodes=0)
    assert (tangents.size, tangents.status) == (a + b, "proved")
    assert is_identity(monomial(a, b), tangents)
    directions, _ = binary_monomial(a, b)
    assert len(directions) == a + b


def test_the_lattice_search_beats_the_formulas():
    symbol = form("x**3+2*x*y*z+y**2*z", "x", "y", "z")
    formulas, searched = decompose(symbol, nodes=0), decompose(symbol, nodes=20)
    assert searched.source.startswith("lattice search")
    assert formulas.lower_bound <= searched.size < formulas.size
    assert is_identity(symbol, searched)


def test_blocks_without_common_variables_are_decomposed_separately():
    left, right = form("x**2*y", "x", "y", "z", "w"), form("z**2*w", "x", "y", "z", "w")
    tangents = decompose(left | right, nodes=0)
    assert tangents.size == 6
    assert is_identity(left | right, tangents)


@pytest.mark.parametrize("symbol", [{}, {(0, 0): Fraction(1)}, {(1, 0): Fraction(1), (1, 1): Fraction(1)}])
def test_only_forms_of_one_positive_degree_are_decomposed(symbol):
    with pytest.raises(ValueError, match="one degree"):
        decompose(symbol)


def test_rounded_directions_say_so():
    symbol = form("3*x**5+x**4*y-2*x**3*y**2-x**2*y**3-3*x*y**4+2*y**5", "x", "y")
    tangents = decompose(symbol)
    assert (tangents.size, tangents.status) == (3, "proved")
    assert 0 < tangents.residual < Fraction(1, 10**30)


def test_products_of_two_quadrics_are_identities_too():
    symbol = multiplied(form("x**2+y**2", "x", "y"), form("x**2-3*y**2", "x", "y"))
    assert is_identity(symbol, decompose(symbol))


def test_rounding_in_one_block_is_told_of_the_whole():
    rounded = form("3*x**5+x**4*y-2*x**3*y**2-x**2*y**3-3*x*y**4+2*y**5", "x", "y", "z", "w")
    whole = rounded | form("1000*z**3*w**2", "x", "y", "z", "w")
    tangents = decompose(whole, nodes=0)
    assert tangents.source.startswith("separate blocks")
    assert tangents.size == 3 + 5
    assert 0 < tangents.residual < Fraction(1, 10**30)
    assert largest_error(whole, tangents) <= tangents.residual
