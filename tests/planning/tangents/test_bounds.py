"""Lower bounds and exact searches that the constructions rest on."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy

from opcompiler.planning.tangents.bounds import catalecticant_rank, inertia, rank_bound
from opcompiler.planning.tangents.exact import solve
from opcompiler.planning.tangents.forms import derivative, essential, laplacian_power
from opcompiler.planning.tangents.quadrics import matrix_of, squares
from opcompiler.planning.tangents.roots import distinct_real_roots, is_real_rooted, root_directions


def form(text, *letters):
    polynomial = sympy.Poly(sympy.sympify(text), *map(sympy.Symbol, letters))
    return {alpha: Fraction(int(c.p), int(c.q)) for alpha, c in polynomial.terms()}


def exact(number):
    if hasattr(number, "radicand"):
        return exact(number.rational) + exact(number.factor) * sympy.sqrt(number.radicand)
    return sympy.Rational(number.numerator, number.denominator)


@pytest.mark.parametrize(
    ("text", "order", "rank"),
    [("x**2*y**2", 2, 3), ("x**3*y", 1, 2), ("x*y*z", 1, 3), ("x**2*y**2*z**2", 3, 7), ("(x+y+z)**4", 2, 1)],
)
def test_catalecticant_ranks(text, order, rank):
    assert catalecticant_rank([form(text, "x", "y", "z")], order) == rank


def test_joint_bound_of_the_gradient_of_a_laplacian():
    for dimension in (2, 3, 5):
        gradients = [derivative(laplacian_power(dimension, 2), i) for i in range(dimension)]
        assert rank_bound(gradients) == dimension * (dimension + 1) // 2


def test_independent_forms_need_as_many_directions():
    hessian = [form(text, "x", "y") for text in ("x**2", "x*y", "y**2")]
    assert rank_bound(hessian) == 3


@pytest.mark.parametrize(
    ("text", "expected"), [("x**2-y**2+2*z**2", (2, 1)), ("x**2*y**2", (2, 1)), ("(x**2+y**2)**2", (3, 0))]
)
def test_inertia(text, expected):
    letters = ("x", "y", "z") if "z" in text else ("x", "y")
    assert inertia(form(text, *letters)) == expected


@pytest.mark.parametrize(
    ("text", "free", "count"),
    [("x*y", [], 2), ("x*y", [(1, 0)], 2), ("x**2+3*x*y+y**2", [(1, 0)], 1), ("t*x+3*y**2", [(1, 0, 0)], 3),
     ("t*y", [(1, 0, 0), (0, 1, 0)], 2), ("(x+y)**2+t**2", [(1, 0, 0), (0, 1, 0)], 1)],
)  # fmt: skip
def test_fewest_squares_beside_free_ones(text, free, count):
    letters = ("x", "y", "t")[: 3 if "t" in text else 2]
    matrix = matrix_of(form(text, *letters))
    found = squares(matrix, [tuple(map(Fraction, vector)) for vector in free])
    assert len(found) == count
    left = sympy.Matrix(matrix) - sum(
        (sympy.Rational(w.numerator, w.denominator) * sympy.Matrix(v) * sympy.Matrix(v).T for v, w in found),
        sympy.zeros(len(letters)),
    )
    span = sympy.Matrix([list(map(int, vector)) for vector in free] or [[0] * len(letters)]).T
    kernel = span.T.nullspace()
    assert all(left * k == sympy.zeros(len(letters), 1) for k in kernel)


@pytest.mark.parametrize(
    ("text", "rooted", "distinct"),
    [("x**2-2*y**2", True, True), ("x**2+y**2", False, False), ("x**2*y**2", True, False), ("x**3*y", True, False),
     ("x**3-x*y**2", True, True), ("y*(x**2-3*y**2)*(x+y)", True, True), ("x**4+y**4", False, False)],
)  # fmt: skip
def test_real_roots(text, rooted, distinct):
    terms = form(text, "x", "y")
    order = sum(next(iter(terms)))
    coefficients = [terms.get((order - i, i), Fraction(0)) for i in range(order + 1)]
    assert is_real_rooted(coefficients) is rooted
    assert distinct_real_roots(coefficients) is distinct
    if distinct:
        x, y = sympy.symbols("x y")
        for a, b in root_directions(coefficients):
            values = [exact(entry) for entry in (a, b)]
            assert sympy.expand(sympy.sympify(text).subs({x: values[0], y: values[1]}, simultaneous=True)) == 0


def test_essential_variables():
    rows, reduced = essential(form("(x+y)**2*(y-z)", "x", "y", "z"))
    assert len(rows) == 2
    letters = sympy.symbols("x y z")
    inner = [
        sum(sympy.Rational(v.numerator, v.denominator) * s for v, s in zip(row, letters, strict=True)) for row in rows
    ]
    back = sum(c * inner[0] ** a * inner[1] ** b for (a, b), c in reduced.items())
    assert sympy.expand(back - (letters[0] + letters[1]) ** 2 * (letters[1] - letters[2])) == 0


def test_inconsistent_systems_are_refused():
    one, zero = Fraction(1), Fraction(0)
    assert solve([[one, zero], [zero, zero]], [one, one]) is None
    assert solve([[one, one], [one, one]], [one, one]) == [1, 0]
