"""The reference evaluator, on expressions built by hand, against the oracles and closed forms."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import laplacian, partial, tanh_mlp

from opcompiler.cli.reference import Reference
from opcompiler.errors import OperatorNameError
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations, FieldDeclaration, FunctionDeclaration, ParameterDeclaration
from opcompiler.ir.space import Space

X3 = Declarations(spaces=(Space("x", (3,)),))
U = ir.Field(name="u")
POINT = (jnp.array([0.3, -0.4, 0.7]),)


def x(index: int) -> ir.Coordinate:
    return ir.Coordinate(space="x", index=index)


def scalar_network():
    return tanh_mlp(jax.random.key(0), [3, 16, 16, 1])


def value(node: ir.Expr, declarations: Declarations = X3, point=POINT, **given) -> np.ndarray:
    given.setdefault("fields", {"u": scalar_network()})
    return np.asarray(Reference(declarations, **given).value(node, point))


def test_partial_derivatives():
    node = ir.Partial(operand=U, coordinates=((x(0), 2), (x(2), 1)))
    np.testing.assert_allclose(value(node), partial(scalar_network(), [(0, 2), (2, 1)])(*POINT), rtol=1e-12)


def test_laplacian_and_its_square():
    node = ir.Laplacian(operand=ir.Laplacian(operand=U))
    np.testing.assert_allclose(value(node), laplacian(laplacian(scalar_network()))(*POINT), rtol=1e-12)


def test_product_rule_comes_from_differentiating_the_product():
    node = ir.Laplacian(operand=ir.Product(factors=(U, x(1))))
    expected = laplacian(lambda p: scalar_network()(p) * p[1])(*POINT)
    np.testing.assert_allclose(value(node), expected, rtol=1e-12)


def test_gradient_hessian_trace_and_determinant():
    hessian = jax.hessian(scalar_network())(*POINT)
    node = ir.Hessian(operand=U, shape=(3, 3))
    gradient = ir.Gradient(operand=U, shape=(3,))
    np.testing.assert_allclose(value(gradient), jax.grad(scalar_network())(*POINT), rtol=1e-12)
    np.testing.assert_allclose(value(node), hessian, rtol=1e-12)
    np.testing.assert_allclose(value(ir.Trace(operand=node)), jnp.trace(hessian), rtol=1e-12)
    np.testing.assert_allclose(value(ir.Determinant(operand=node)), jnp.linalg.det(hessian), rtol=1e-12)


def vector_field(p):
    return jnp.stack([p[0] * p[1] ** 2, jnp.sin(p[2]), p[0] * p[2]])


VECTOR = Declarations(spaces=(Space("x", (3,)),), fields=(FieldDeclaration("v", (3,)),))
V = ir.Field(name="v", shape=(3,))


def test_divergence_curl_and_convection():
    given = {"declarations": VECTOR, "fields": {"v": vector_field}}
    jacobian = jax.jacobian(vector_field)(*POINT)
    np.testing.assert_allclose(value(ir.Divergence(operand=V), **given), jnp.trace(jacobian), rtol=1e-12)
    curl = [jacobian[2, 1] - jacobian[1, 2], jacobian[0, 2] - jacobian[2, 0], jacobian[1, 0] - jacobian[0, 1]]
    np.testing.assert_allclose(value(ir.Curl(operand=V, shape=(3,)), **given), jnp.array(curl), rtol=1e-12)
    convection = ir.Apply(operator=ir.OperatorDirectional(vector=V), operand=V, shape=(3,))
    np.testing.assert_allclose(value(convection, **given), jacobian @ vector_field(*POINT), rtol=1e-12)
    by_dot = ir.Dot(left=ir.Gradient(operand=V, shape=(3, 3)), right=V, shape=(3,))
    np.testing.assert_allclose(value(by_dot, **given), jacobian @ vector_field(*POINT), rtol=1e-12)


def test_divergence_of_a_matrix_contracts_the_last_axis():
    given = {"declarations": VECTOR, "fields": {"v": vector_field}}
    dyad = ir.Outer(left=V, right=V, shape=(3, 3))
    derivative = jax.jacobian(lambda p: jnp.outer(vector_field(p), vector_field(p)))(*POINT)
    expected = jnp.einsum("ijj->i", derivative)
    np.testing.assert_allclose(value(ir.Divergence(operand=dyad, shape=(3,)), **given), expected, rtol=1e-12)


def test_time_is_left_out_of_space():
    declarations = Declarations(spaces=(Space("x", (2,)), Space("t")), time=("t", 0))
    point = (jnp.array([0.2, 0.5]), jnp.array(0.3))

    def u(p, t):
        return jnp.sin(p[0] + 2 * p[1]) * t**3

    given = {"declarations": declarations, "point": point, "fields": {"u": u}}
    np.testing.assert_allclose(value(ir.Laplacian(operand=U), **given), -5 * u(*point), rtol=1e-12)
    wave = 6 * 0.3 * jnp.sin(1.2) + 5 * u(*point)
    np.testing.assert_allclose(value(ir.DAlembertian(operand=U), **given), wave, rtol=1e-12)
    gradient = value(ir.Gradient(operand=U, shape=(2,)), **given)
    np.testing.assert_allclose(gradient, jnp.array([1.0, 2.0]) * jnp.cos(1.2) * 0.3**3, rtol=1e-12)


def test_operators_in_brackets_compose():
    one_plus_laplacian = ir.OperatorSum(
        terms=(ir.OperatorMultiplication(factor=ir.Number(value=Fraction(1))), ir.OperatorLaplacian())
    )
    node = ir.Apply(operator=ir.OperatorPower(base=one_plus_laplacian, exponent=2), operand=U)
    u = scalar_network()
    expected = u(*POINT) + 2 * laplacian(u)(*POINT) + laplacian(laplacian(u))(*POINT)
    np.testing.assert_allclose(value(node), expected, rtol=1e-12)


def test_the_last_factor_of_a_composition_acts_first():
    times_x = ir.OperatorMultiplication(factor=x(0))
    along_x = ir.OperatorPartial(coordinates=((x(0), 1),))
    node = ir.Apply(operator=ir.OperatorComposition(factors=(along_x, times_x)), operand=U)
    u = scalar_network()
    expected = u(*POINT) + POINT[0][0] * partial(u, [(0, 1)])(*POINT)
    np.testing.assert_allclose(value(node), expected, rtol=1e-12)


def test_sums_bind_their_letter():
    body = ir.Product(
        factors=(
            ir.Coordinate(space="x", index="i"),
            ir.Partial(operand=U, coordinates=((ir.Coordinate(space="x", index="i"), 1),)),
        )
    )
    node = ir.IndexSum(index="i", lower=0, upper=2, body=body)
    np.testing.assert_allclose(value(node), POINT[0] @ jax.grad(scalar_network())(*POINT), rtol=1e-12)


def test_coefficient_functions_and_their_derivatives():
    declarations = Declarations(
        spaces=(Space("x", (3,)),), functions=(FunctionDeclaration("f", ("s",), implicit=False),)
    )
    node = ir.FunctionCall(name="f", arguments=(U,), derivative=(2,))
    given = {"declarations": declarations, "functions": {"f": jnp.sin}}
    np.testing.assert_allclose(value(node, **given), -jnp.sin(scalar_network()(*POINT)), rtol=1e-12)


def test_parameters_are_read_exactly_or_given():
    declarations = Declarations(
        spaces=(Space("x", (3,)),),
        parameters=(ParameterDeclaration("a", (2,), (Fraction(1, 10), Fraction(3))), ParameterDeclaration("b")),
    )
    entry = ir.Component(operand=ir.Parameter(name="a", shape=(2,)), indices=(0,))
    node = ir.Product(factors=(entry, ir.Parameter(name="b")))
    given = {"declarations": declarations}
    np.testing.assert_allclose(value(node, parameters={"b": jnp.array(2.0)}, **given), 0.2, rtol=1e-15)
    with pytest.raises(OperatorNameError, match="b has no value"):
        value(node, **given)


def test_complex_values():
    node = ir.Power(base=ir.Elementary(name="abs", arguments=(U,)), exponent=ir.Number(value=Fraction(2)))

    def u(p):
        return jnp.exp(1j * p[0]) * p[1]

    np.testing.assert_allclose(value(node, fields={"u": u}), 0.16, rtol=1e-12)
    product = ir.Partial(
        operand=ir.Product(factors=(U, ir.Elementary(name="conj", arguments=(U,)))), coordinates=((x(1), 1),)
    )
    np.testing.assert_allclose(value(product, fields={"u": u}), -0.8, rtol=1e-12)
