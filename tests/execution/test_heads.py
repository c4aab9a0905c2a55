"""Heads in index notation, evaluated against the formulas they stand for."""

from dataclasses import replace
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from opcompiler.errors import LimitError
from opcompiler.execution.heads import Argument, Environment, evaluate_head, evaluate_output
from opcompiler.ir.head import (
    Call,
    Components,
    Constant,
    ContractionValue,
    CoordinateValue,
    FunctionValue,
    HeadPower,
    HeadProduct,
    HeadSum,
    HeadSumOver,
    Imaginary,
    Kronecker,
    Output,
    ParameterValue,
    PositionValue,
    Rational,
)

BATCH = 4
KEY = jax.random.key(0)
VECTOR = jax.random.normal(KEY, (BATCH, 3))
MATRIX = jax.random.normal(jax.random.fold_in(KEY, 1), (BATCH, 3, 3))
SCALAR = jax.random.uniform(jax.random.fold_in(KEY, 2), (BATCH,)) + 0.5
SHARED = jax.random.normal(jax.random.fold_in(KEY, 3), (3, 3))
POINTS = jax.random.normal(jax.random.fold_in(KEY, 4), (BATCH, 3))
TIMES = jax.random.normal(jax.random.fold_in(KEY, 5), (BATCH,))

ENVIRONMENT = Environment(
    dtype=jnp.dtype("float64"),
    batch=BATCH,
    points={"x": Argument(POINTS, True), "t": Argument(TIMES, True)},
    parameters={"A": Argument(SHARED), "k": Argument(SCALAR, True), "eps": Argument(jnp.asarray(0.25))},
    contractions={0: Argument(SCALAR, True), 1: Argument(VECTOR, True), 2: Argument(MATRIX, True)},
    functions={
        "c": (lambda x, t: jnp.sin(x[0] * t) * x[1] ** 3 * x[2], ()),
        "b": (lambda x: jnp.stack([x[0] * x[1], x[2] ** 2]), (2,)),
        "f": (lambda s: s**4, ()),
    },
    sizes={},
    cache={},
)

u, v, D = ContractionValue(0), lambda i: ContractionValue(1, (i,)), lambda i, j: ContractionValue(2, (i, j))


def number(value):
    return Rational(Fraction(value))


def value(body, labels=(), shape=()):
    return evaluate_output(Output(body, labels, shape), ENVIRONMENT)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-14)


def test_pointwise_nodes_align_by_label():
    body = HeadProduct((D("i", "j"), v("j"), u))
    expected = MATRIX * VECTOR[:, None, :] * SCALAR[:, None, None]
    close(value(body, (("i", 3), ("j", 3)), (3, 3)), expected)
    close(value(body, (("j", 3), ("i", 3)), (3, 3)), expected.transpose(0, 2, 1))


def test_numbers_select_and_repeated_labels_are_diagonals():
    close(value(D(0, 2)), MATRIX[:, 0, 2])
    close(value(HeadSumOver("i", 3, D("i", "i"))), jnp.trace(MATRIX, axis1=1, axis2=2))


def test_a_label_that_the_body_does_not_carry_is_repeated():
    close(value(u, (("i", 2),), (2,)), jnp.stack([SCALAR, SCALAR], -1))
    close(value(HeadSumOver("i", 5, u)), 5 * SCALAR)


def test_sums_of_sums_and_of_products():
    body = HeadSumOver("i", 3, HeadSum((HeadProduct((v("i"), v("i"))), HeadProduct((number(2), v("i"), u)))))
    close(value(body), (VECTOR**2).sum(-1) + 2 * VECTOR.sum(-1) * SCALAR)


def test_nested_sums_contract_a_shared_matrix():
    entries = HeadProduct((ParameterValue("A", ("i", "j")), v("j"), v("i")))
    close(value(HeadSumOver("i", 3, HeadSumOver("j", 3, entries))), jnp.einsum("ij,bi,bj->b", SHARED, VECTOR, VECTOR))
    row = HeadSumOver("j", 3, HeadProduct((ParameterValue("A", ("i", "j")), v("j"))))
    close(value(row, (("i", 3),), (3,)), VECTOR @ SHARED.T)


def test_a_matrix_vector_product_of_a_shared_matrix_never_forms_the_outer_product():
    wide = 64
    environment = Environment(
        dtype=jnp.dtype("float64"), batch=32, points={}, functions={}, sizes={}, cache={},
        parameters={"A": Argument(jnp.ones((wide, wide)))},
        contractions={0: Argument(jnp.ones((32, wide)), True)},
    )  # fmt: skip
    body = HeadSumOver("j", wide, HeadProduct((ParameterValue("A", ("i", "j")), ContractionValue(0, ("j",)))))
    jaxpr = jax.make_jaxpr(lambda: evaluate_output(Output(body, (("i", wide),), (wide,)), environment))()
    assert max(np.prod(out.aval.shape) for eqn in jaxpr.eqns for out in eqn.outvars) < 32 * wide * wide


def test_kronecker_deltas_substitute_select_or_stand_alone():
    close(value(HeadSumOver("j", 3, HeadProduct((Kronecker("i", "j"), v("j")))), (("i", 3),), (3,)), VECTOR)
    close(value(HeadSumOver("j", 3, HeadProduct((Kronecker("j", 1), v("j"), u)))), VECTOR[:, 1] * SCALAR)
    close(value(Kronecker("i", "j"), (("i", 3), ("j", 3)), (3, 3)), jnp.broadcast_to(jnp.eye(3), (BATCH, 3, 3)))
    close(value(Kronecker("i", 2), (("i", 3),), (3,)), jnp.broadcast_to(jnp.eye(3)[2], (BATCH, 3)))
    close(value(HeadSumOver("i", 3, HeadSumOver("j", 3, Kronecker("i", "j")))), jnp.full(BATCH, 3.0))
    close(value(HeadSumOver("j", 3, HeadProduct((Kronecker("j", 7), v("j"))))), jnp.zeros(BATCH))


def test_a_delta_between_axes_of_different_length_is_no_substitution():
    body = HeadSumOver("j", 2, HeadProduct((Kronecker("i", "j"), v("i"))))
    close(value(body, (("i", 3),), (3,)), VECTOR * jnp.array([1.0, 1.0, 0.0]))


def test_a_delta_picks_the_entry_of_a_written_out_vector():
    vector = Components("j", (u, number(3), v(1)))
    close(value(HeadSumOver("j", 3, HeadProduct((Kronecker("j", 2), vector)))), VECTOR[:, 1])
    renamed = HeadSumOver("j", 3, HeadProduct((Kronecker("i", "j"), vector)))
    close(value(renamed, (("i", 3),), (3,)), jnp.stack([SCALAR, jnp.full(BATCH, 3.0), VECTOR[:, 1]], -1))


def test_components_stack_entries_of_different_labels_and_types():
    body = Components("i", (u, number(2), HeadSumOver("k", 3, v("k"))))
    close(value(body, (("i", 3),), (3,)), jnp.stack([SCALAR, jnp.full(BATCH, 2.0), VECTOR.sum(-1)], -1))


def test_coordinates_count_in_c_order_and_along_labels():
    close(value(HeadProduct((CoordinateValue("x", 1), CoordinateValue("t")))), POINTS[:, 1] * TIMES)
    close(value(CoordinateValue("x", "i"), (("i", 3),), (3,)), POINTS)


def test_parameters_may_differ_from_point_to_point():
    close(value(HeadProduct((ParameterValue("k"), ParameterValue("eps"), u))), SCALAR * 0.25 * SCALAR)


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(2, lambda x: x * x), (3, lambda x: x**3), (-1, lambda x: 1 / x), (0, jnp.ones_like), (1, lambda x: x)],
)
def test_integer_powers_are_exact_for_negative_bases(exponent, expected):
    close(value(HeadPower(CoordinateValue("x", 0), number(exponent))), expected(POINTS[:, 0]))


def test_other_powers():
    close(value(HeadPower(u, Rational(Fraction(1, 2)))), jnp.sqrt(SCALAR))
    close(value(HeadPower(u, Rational(Fraction(-1, 2)))), 1 / jnp.sqrt(SCALAR))
    close(value(HeadPower(u, Rational(Fraction(7, 3)))), SCALAR ** (7 / 3))
    close(value(HeadPower(number(2), u)), 2**SCALAR)
    close(value(HeadPower(number(-2), Rational(Fraction(1, 2)))), jnp.full(BATCH, 1j * 2**0.5))


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("sin", np.sin), ("cot", lambda x: 1 / np.tan(x)), ("sec", lambda x: 1 / np.cos(x)), ("log2", np.log2),
        ("csc", lambda x: 1 / np.sin(x)), ("sech", lambda x: 1 / np.cosh(x)), ("csch", lambda x: 1 / np.sinh(x)),
        ("coth", lambda x: 1 / np.tanh(x)), ("log10", np.log10), ("cbrt", np.cbrt), ("sqrt", np.sqrt), ("exp", np.exp),
    ],
)  # fmt: skip
def test_built_in_functions(name, oracle):
    close(value(Call(name, (u,))), oracle(np.asarray(SCALAR)))


def test_piecewise_functions():
    first = CoordinateValue("x", 0)
    close(value(Call("heaviside", (number(0),))), jnp.full(BATCH, 0.5))
    close(value(Call("sign", (first,))), jnp.sign(POINTS[:, 0]))
    close(value(Call("min", (first, u, number(0)))), jnp.minimum(jnp.minimum(POINTS[:, 0], SCALAR), 0))
    close(value(Call("atan2", (first, u))), jnp.arctan2(POINTS[:, 0], SCALAR))


def test_the_imaginary_unit_makes_the_result_complex():
    body = HeadProduct((Imaginary(), u))
    close(value(body), 1j * SCALAR)
    close(value(Call("abs", (HeadSum((number(3), HeadProduct((Imaginary(), number(4))))),))), jnp.full(BATCH, 5.0))


def test_coefficient_functions_and_their_derivatives():
    at = (PositionValue("x"), CoordinateValue("t"))
    x, t = POINTS, TIMES
    close(value(FunctionValue("c", at)), jnp.sin(x[:, 0] * t) * x[:, 1] ** 3 * x[:, 2])
    close(value(FunctionValue("c", at, ((1, 0),))), jnp.cos(x[:, 0] * t) * x[:, 0] * x[:, 1] ** 3 * x[:, 2])
    gradient = jax.vmap(jax.grad(ENVIRONMENT.functions["c"][0]))(x, t)
    close(value(FunctionValue("c", at, ((0, "i"),)), (("i", 3),), (3,)), gradient)
    hessian = jax.vmap(jax.hessian(ENVIRONMENT.functions["c"][0]))(x, t)
    close(value(FunctionValue("c", at, ((0, "i"), (0, "j"))), (("i", 3), ("j", 3)), (3, 3)), hessian)
    laplacian = HeadSumOver("i", 3, FunctionValue("c", at, ((0, "i"), (0, "i"))))
    close(value(laplacian), jnp.trace(hessian, axis1=1, axis2=2))


def test_vector_valued_functions_and_functions_of_fields():
    close(value(FunctionValue("b", (PositionValue("x"),), (), (1,))), POINTS[:, 2] ** 2)
    jacobian = jax.vmap(jax.jacfwd(ENVIRONMENT.functions["b"][0]))(POINTS)
    entries = FunctionValue("b", (PositionValue("x"),), ((0, "j"),), ("i",))
    close(value(entries, (("i", 2), ("j", 3)), (2, 3)), jacobian)
    close(value(FunctionValue("f", (u,), ((0, 0), (0, 0)))), 12 * SCALAR**2)
    close(value(FunctionValue("f", (number(2),), ((0, 0),))), jnp.full(BATCH, 32.0))


def test_the_gradient_of_a_function_over_a_large_space_is_taken_in_reverse():
    dim = 200
    points = jax.random.normal(KEY, (BATCH, dim))
    complex_wave = lambda x, t: jnp.exp(1j * t * jnp.sum(x**2))
    environment = Environment(
        dtype=jnp.dtype("float64"), batch=BATCH, points={"x": Argument(points, True), "t": Argument(TIMES, True)},
        parameters={}, contractions={}, functions={"c": (complex_wave, ())}, sizes={}, cache={},
    )  # fmt: skip
    body = FunctionValue("c", (PositionValue("x"), CoordinateValue("t")), ((0, "i"), (1, 0)))
    output = Output(body, (("i", dim),), (dim,))
    evaluate = lambda: evaluate_output(output, replace(environment, cache={}))
    expected = jax.vmap(jax.jacfwd(jax.jacfwd(complex_wave, 1)))(points, TIMES)
    np.testing.assert_allclose(evaluate(), expected, rtol=1e-9, atol=1e-9)
    sizes = [np.prod(out.aval.shape) for equation in jax.make_jaxpr(evaluate)().eqns for out in equation.outvars]
    assert max(sizes) < dim * dim


def test_equal_labels_of_different_size_are_not_confused():
    b = FunctionValue("b", (PositionValue("x"),), ((0, "j"),), (0,))
    close(value(HeadSumOver("j", 3, b)), POINTS[:, 1] + POINTS[:, 0])
    environment = Environment(**{**vars(ENVIRONMENT), "points": {"x": Argument(POINTS[:, :2], True)}, "cache": {}})
    two = FunctionValue("f", (CoordinateValue("x", 1),), ((0, 0),))
    close(evaluate_output(Output(HeadSumOver("j", 2, two)), environment), 2 * 4 * POINTS[:, 1] ** 3)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_constants_are_weakly_typed(dtype):
    environment = Environment(
        dtype=jnp.dtype(dtype), batch=None, points={"x": Argument(jnp.ones(3, dtype))}, sizes={}, cache={},
        parameters={"eps": Argument(jnp.asarray(0.1))}, contractions={0: Argument(jnp.ones((), dtype))}, functions={},
    )  # fmt: skip
    body = HeadSum(
        (
            HeadProduct((Constant("pi"), u, ParameterValue("eps"))),
            HeadProduct((Rational(Fraction(1, 3)), Call("sin", (Constant("e"),)), CoordinateValue("x", 0))),
            HeadPower(HeadSum((u, number(1))), Rational(Fraction(5, 3))),
        )
    )
    assert evaluate_output(Output(body), environment).dtype == dtype
    assert evaluate_output(Output(number(3)), environment).dtype == dtype
    assert evaluate_output(Output(ParameterValue("eps")), environment).dtype == dtype


def test_huge_fractions_are_rounded_once_and_infinite_ones_refused():
    quotient = Rational(Fraction(10**400 + 1, 3 * 10**400))
    close(value(HeadProduct((quotient, u))), SCALAR / 3)
    with pytest.raises(LimitError, match="does not fit"):
        value(number(10**400))
    with pytest.raises(LimitError, match="too large"):
        value(HeadPower(number(10), number(10**6)))


def test_numbers_alone_stay_numbers():
    assert evaluate_head(HeadSum((number(1), HeadProduct((number(2), Constant("pi"))))), ENVIRONMENT).labels == ()
