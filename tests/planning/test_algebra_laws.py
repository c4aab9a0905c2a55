"""Random operators: the planned algebra is an algebra, computes P(∂)u exactly, and its size is the Hankel rank."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from planning.exact import derivative, evaluate, hilbert_function, product_in
from planning.forms import (
    coordinates,
    gradient,
    laplacian,
    normal_form,
    of,
    polynomials,
    power_sum,
    quadric,
    scalars,
    smallest,
    times,
    xi,
)

from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.symbol import Symbol
from opcompiler.planning.quadrics import completed_inverse, diagonal_form

NAMES = ("x", "y", "z", "t")
FRACTIONS = st.fractions(min_value=-3, max_value=3, max_denominator=4)


@st.composite
def symbols(draw, variables: int, max_terms: int = 6, max_order: int = 6):
    """A polynomial of order ≤ 6 in few coordinates, not zero."""
    total = Symbol()
    for _ in range(draw(st.integers(1, max_terms))):
        powers = draw(st.lists(st.integers(0, 3), min_size=variables, max_size=variables))
        while sum(powers) > max_order:
            powers[powers.index(max(powers))] -= 1
        term = Symbol.one()
        for name, power in zip(NAMES, powers, strict=False):
            term = term * xi(name, power)
        total = total + times(term, draw(FRACTIONS.filter(bool)))
    return total


@st.composite
def explicit_forms(draw):
    """One to three contractions over one to four scalar coordinates."""
    variables = draw(st.integers(1, 4))
    contractions = draw(st.lists(symbols(variables), min_size=1, max_size=3))
    return normal_form(scalars(*NAMES[:variables]), *map(of, contractions), time="t" if variables == 4 else None)


@st.composite
def spatial_forms(draw):
    """Power sums, gradients and single coordinates over a space of dimension 2 to 4, and a time."""
    dim = draw(st.integers(2, 4))
    pieces = [
        laplacian(),
        power_sum("x", 3),
        power_sum("x", 1),
        xi("t") * laplacian(),
        xi("t", 2) * power_sum("x", 1),
        xi("t", 3) * power_sum("x", 1) + laplacian(),
        laplacian("x", 2),
        xi("x", 2, 0),
        xi("x", 1, 1) * xi("t"),
        xi("x", 1, 0) + times(xi("x", 1, 1), 2),
        xi("t"),
    ]
    contractions = []
    for _ in range(draw(st.integers(1, 3))):
        symbol = Symbol()
        for piece in draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=3)):
            symbol = symbol + times(piece, draw(FRACTIONS.filter(bool)))
        if symbol:
            contractions.append(of(symbol))
    free = draw(st.sampled_from([None, ("x",), (("x", 2),), ("x", "x"), ("x", "t")]))
    if free is not None:
        contractions.append(of(draw(st.sampled_from([Symbol.one(), xi("t"), laplacian()])), free=free))
    contractions = contractions or [gradient()]
    return normal_form({"x": dim, "t": None}, *dict.fromkeys(contractions), time="t")


def expected(form, values=()):
    return [symbol for c in form.contractions for symbol in polynomials(form, c, values)]


@st.composite
def functions(draw, variables: int, order: int):
    """A random polynomial u with terms that the operator sees."""
    alphas = st.lists(st.integers(0, 3), min_size=variables, max_size=variables).map(tuple)
    terms = draw(st.dictionaries(alphas.filter(lambda a: sum(a) <= order + 1), FRACTIONS, min_size=1, max_size=4))
    return {alpha: Fraction(q) for alpha, q in terms.items()}


def check_values(form, data, values=()):
    planned = smallest(form)
    names = coordinates(form)
    order = max(contraction.order for contraction in form.contractions)
    # One monomial that the operator certainly sees, besides random ones.
    seen = next((alpha for symbol in expected(form, values) for alpha in symbol), (0,) * len(names))
    u = {seen: Fraction(1), **data.draw(functions(len(names), order))}
    point = data.draw(st.lists(st.integers(-2, 2), min_size=len(names), max_size=len(names)))
    got = evaluate(planned.joint, u, names, point, values)
    for number, contraction in enumerate(form.contractions):
        want = [derivative(symbol, u, point) for symbol in polynomials(form, contraction, values)]
        assert got[number] == want


@settings(max_examples=50, deadline=None, derandomize=True)
@given(explicit_forms(), st.data())
def test_evaluating_a_polynomial_over_the_algebra_gives_its_derivatives(form, data):
    check_values(form, data)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(spatial_forms(), st.data())
def test_families_compute_the_same_derivatives(form, data):
    check_values(form, data)


def test_the_minimum_is_the_rank_of_the_hankel_matrix_and_the_size_of_the_closure():
    ranks = []

    @settings(max_examples=140, deadline=None, derandomize=True, database=None)
    @given(st.one_of(explicit_forms(), spatial_forms()))
    def check(form):
        certificate = smallest(form).certificate
        assert certificate.by_order == hilbert_function(expected(form))
        assert certificate.minimum == sum(certificate.by_order) == certificate.carried
        if certificate.hankel_rank is not None:
            assert certificate.hankel_rank == certificate.minimum
            ranks.append(certificate.hankel_rank)

    check()
    assert len(ranks) >= 100


def elements_of(algebra, draw):
    keys = [(n, r) for n, element in enumerate(algebra.elements) for r in range(algebra.size(element))]
    chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=4, unique=True))
    return {key: draw(FRACTIONS) for key in chosen}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.one_of(explicit_forms(), spatial_forms()), st.data())
def test_products_are_associative_and_commutative(form, data):
    algebra = smallest(form).joint.algebra
    f, g, h = (elements_of(algebra, data.draw) for _ in range(3))
    fg, gf = product_in(algebra, f, g), product_in(algebra, g, f)
    assert nonzero(fg) == nonzero(gf)
    assert nonzero(product_in(algebra, fg, h)) == nonzero(product_in(algebra, f, product_in(algebra, g, h)))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.one_of(explicit_forms(), spatial_forms()))
def test_the_product_table_is_well_formed(form):
    algebra = smallest(form).joint.algebra
    for term in algebra.table:
        left, right, out = (algebra.elements[n] for n in (term.left, term.right, term.out))
        assert 1 <= term.left <= term.right
        assert left.degree + right.degree <= out.degree
        assert term.coefficient
    assert algebra.elements[0].degree == 0
    assert sum(algebra.by_order) == algebra.dim


@st.composite
def quadratic_forms(draw):
    """A constant-coefficient elliptic, hyperbolic or degenerate operator with drift and time derivative."""
    dim = draw(st.integers(2, 4))
    upper = draw(st.lists(st.sampled_from([-2, -1, 0, 0, 1, 3]), min_size=dim * dim, max_size=dim * dim))
    matrix = [[upper[min(i, j) * dim + max(i, j)] for j in range(dim)] for i in range(dim)]
    symbol = quadric("x", matrix) + times(xi("t"), draw(FRACTIONS))
    for index in range(dim):
        symbol = symbol + times(xi("x", 1, index), draw(st.sampled_from([0, 0, 1, -2])))
    extra = draw(st.sampled_from([[], [gradient()], [of(laplacian())], [of(xi("x", 1, 1))]]))
    return normal_form({"x": dim, "t": None}, of(symbol), *extra, time="t"), matrix


@settings(max_examples=50, deadline=None, derandomize=True)
@given(quadratic_forms(), st.data())
def test_quadrics_compute_the_same_derivatives(form_and_matrix, data):
    form, _ = form_and_matrix
    check_values(form, data)
    certificate = smallest(form).certificate
    assert certificate.by_order == hilbert_function(expected(form))
    assert certificate.carried == certificate.minimum == certificate.hankel_rank


@settings(max_examples=50, deadline=None, derandomize=True)
@given(quadratic_forms())
def test_rows_and_weights_restore_the_matrix(form_and_matrix):
    _, matrix = form_and_matrix
    rows, weights = diagonal_form([[Fraction(v) for v in row] for row in matrix])
    size = range(len(matrix))
    restored = [[sum(w * r[i] * r[j] for r, w in zip(rows, weights, strict=True)) for j in size] for i in size]
    assert restored == matrix
    assert all(weights)
    if rows:
        forward, backward = completed_inverse(rows)
        product = [
            [sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*backward, strict=True)]
            for row in forward
        ]
        assert forward[: len(rows)] == rows
        assert product == [[int(i == j) for j in size] for i in size]


@st.composite
def forms_with_scalars(draw):
    """Symbols whose coefficients are polynomials in two run-time scalars."""
    a, b = Coefficient.scalar(0), Coefficient.scalar(1)
    factors = [a, b, a * b, a - b, a * a + b, Coefficient.of(2), a * a - b * b]
    contractions = []
    for _ in range(draw(st.integers(1, 2))):
        symbol = draw(symbols(2, 2, 4)) * draw(st.sampled_from(factors)) + draw(symbols(2, 2, 4))
        symbol = symbol + draw(symbols(2, 1, 3)) * draw(st.sampled_from(factors))
        if symbol:
            contractions.append(of(symbol))
    return normal_form(scalars("x", "y"), *contractions or [of(xi("x") * a)])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(forms_with_scalars(), st.data())
def test_run_time_scalars_may_take_any_value(form, data):
    values = data.draw(st.lists(st.integers(-2, 2), min_size=2, max_size=2))
    check_values(form, data, values)
    certificate = smallest(form).certificate
    assert certificate.minimum <= certificate.carried
    # At a generic point nothing degenerates: there the minimum is the size of the closure.
    assert certificate.by_order == hilbert_function(expected(form, (10_007, 65_537)))


def nonzero(value):
    return {key: q for key, q in value.items() if q}
