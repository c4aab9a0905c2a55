"""`parse(print(e)) == e` in Unicode, ASCII and LaTeX: for the corpus, and for expressions generated node by node."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opcompiler.ir import expression as ir
from opcompiler.language import declare, parse, to_ascii, to_latex, to_unicode
from tests.language import corpus

NAMES = declare(
    {"x": 3, "t": None},
    {"u": None, "v": 3, "w": ("p", "q", "r")},
    parameters={"a": None, "ν_1": 0.1, "M": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]},
    functions=["c(x)", "f(s)", "g(t)"],
)
U, T = ir.Field("u"), ir.Coordinate("t")
VECTOR = (3,)
PRINTERS = (to_unicode, to_ascii, to_latex)


@pytest.mark.parametrize("entry", corpus.entries(), ids=lambda entry: entry["id"])
def test_the_corpus_survives_printing(entry: dict[str, Any]) -> None:
    for form, texts in corpus.texts(entry):
        declarations = corpus.declarations(entry, form)
        for expression in parse(texts, declarations).expressions:
            for print_ in PRINTERS:
                printed = print_(expression, declarations)
                assert parse(printed, declarations).expressions == (expression,), (form, printed)


coordinates = st.one_of(st.just(T), st.builds(ir.Coordinate, st.just("x"), st.integers(0, 2)))
numbers = st.one_of(
    st.integers(0, 9).map(lambda n: ir.Number(Fraction(n))),
    st.sampled_from([ir.Number(Fraction(1, 2)), ir.Number(Fraction(1, 3)), ir.Number(Fraction(7, 100))]),
)
scalar_leaves = st.one_of(
    numbers,
    coordinates,
    st.sampled_from(
        [
            U,
            ir.Parameter("a"),
            ir.Parameter("ν_1"),
            ir.ImaginaryUnit(),
            ir.NamedConstant("pi"),
            ir.NamedConstant("e"),
            ir.Component(ir.Field("v", shape=VECTOR), (1,)),
            ir.Component(ir.Field("w", shape=VECTOR), (2,)),
            ir.Component(ir.Parameter("M", shape=(3, 3)), (0, 2)),
            ir.FunctionCall("c", (ir.Position("x", shape=VECTOR),), (0,)),
            ir.FunctionCall("g", (T,), (2,)),
        ]
    ),
)
vector_leaves = st.sampled_from(
    [
        ir.Field("v", shape=VECTOR),
        ir.Field("w", shape=VECTOR),
        ir.Position("x", shape=VECTOR),
        ir.UnitVector(1, shape=VECTOR),
    ]
)


def distinct(pairs: list[tuple[ir.Coordinate, int]]) -> tuple[tuple[ir.Coordinate, int], ...]:
    """Neighbouring coordinates differ, as the language writes them."""
    kept: list[tuple[ir.Coordinate, int]] = []
    for pair in pairs:
        if not kept or kept[-1][0] != pair[0]:
            kept.append(pair)
    return tuple(kept)


orders = st.lists(st.tuples(coordinates, st.integers(1, 3)), min_size=1, max_size=3).map(distinct)


def operators(scalars: Any) -> Any:
    """Operator-valued brackets."""
    multiplication = scalars.map(ir.OperatorMultiplication)
    derivative = st.one_of(
        st.just(ir.OperatorLaplacian()), st.just(ir.OperatorDAlembertian()), orders.map(ir.OperatorPartial)
    )
    scaled = st.tuples(multiplication, derivative).map(ir.OperatorComposition)
    total = st.tuples(st.one_of(multiplication, derivative), st.one_of(derivative, scaled)).map(ir.OperatorSum)
    return st.one_of(total, st.builds(ir.OperatorPower, total, st.integers(2, 3)))


def summed(body: ir.Expr) -> ir.Expr:
    """Σ_j x_j body, over a letter that the body does not use."""
    letter = next(letter for letter in "jklmn" if f"index='{letter}'" not in repr(body))
    return ir.IndexSum(letter, 0, 2, ir.Product((ir.Coordinate("x", letter), body)))


def scalars_from(parts: tuple[Any, Any]) -> Any:
    """Scalar nodes over scalar and vector parts."""
    scalars, vectors = parts
    several = st.lists(scalars, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda terms: ir.Sum(tuple(terms))),
        several.map(lambda factors: ir.Product(tuple(factors))),
        st.builds(ir.Quotient, scalars, scalars.filter(lambda e: "Field" in repr(e))),
        st.builds(ir.Power, scalars, st.one_of(numbers, st.just(ir.Parameter("a")))),
        scalars.map(ir.Negative),
        st.builds(lambda name, e: ir.Elementary(name, (e,)), st.sampled_from(["sin", "exp", "abs", "log2"]), scalars),
        st.builds(lambda a, b: ir.Elementary("min", (a, b)), scalars, scalars),
        st.builds(lambda e, n: ir.FunctionCall("f", (e,), (n,)), scalars, st.integers(0, 2)),
        st.builds(ir.Partial, scalars, orders),
        scalars.map(ir.Laplacian),
        scalars.map(lambda e: ir.Laplacian(e, "x")),
        scalars.map(ir.DAlembertian),
        vectors.map(ir.Divergence),
        vectors.map(ir.Norm),
        st.builds(lambda a, b: ir.Dot(a, b), vectors, vectors.filter(lambda v: not isinstance(v, ir.Gradient))),
        scalars.map(lambda e: ir.Trace(ir.Hessian(e, shape=(3, 3)))),
        scalars.map(lambda e: ir.DoubleDot(ir.Parameter("M", shape=(3, 3)), ir.Hessian(e, shape=(3, 3)))),
        st.builds(lambda v, e: ir.Apply(ir.OperatorDirectional(v), e), vectors, scalars),
        st.builds(ir.Apply, operators(scalars), scalars),
        scalars.map(summed),
    )


def vectors_from(parts: tuple[Any, Any]) -> Any:
    """Vector nodes over scalar and vector parts."""
    scalars, vectors = parts
    matrix = ir.Parameter("M", shape=(3, 3))
    return st.one_of(
        st.lists(vectors, min_size=2, max_size=3).map(lambda terms: ir.Sum(tuple(terms), shape=VECTOR)),
        st.builds(lambda e, v: ir.Product((e, v), shape=VECTOR), scalars, vectors),
        st.builds(lambda v, e: ir.Quotient(v, e, shape=VECTOR), vectors, scalars.filter(lambda e: "Field" in repr(e))),
        scalars.map(lambda e: ir.Gradient(e, shape=VECTOR)),
        vectors.map(lambda v: ir.Curl(v, shape=VECTOR)),
        st.builds(lambda a, b: ir.Cross(a, b, shape=VECTOR), vectors, vectors),
        vectors.map(lambda v: ir.MatrixProduct(matrix, v, shape=VECTOR)),
        st.builds(lambda v, o: ir.Partial(v, o, shape=VECTOR), vectors, orders),
        st.builds(lambda a, b: ir.Apply(ir.OperatorDirectional(a), b, shape=VECTOR), vectors, vectors),
        st.tuples(scalars, scalars, scalars).map(lambda entries: ir.Vector(entries, shape=VECTOR)),
    )


level_one = (
    st.one_of(scalar_leaves, scalars_from((scalar_leaves, vector_leaves))),
    vectors_from((scalar_leaves, vector_leaves)),
)
level_one = (level_one[0], st.one_of(vector_leaves, level_one[1]))
level_two = (scalars_from(level_one), vectors_from(level_one))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.one_of(*level_one, *level_two))
def test_generated_expressions_survive_printing(expression: ir.Expr) -> None:
    for print_ in PRINTERS:
        printed = print_(expression, NAMES)
        assert parse(printed, NAMES).expressions == (expression,), printed
    assert to_ascii(expression, NAMES).replace("ν", "").isascii()
