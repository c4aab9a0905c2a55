"""The rules for arguments of a call: batch shapes, types, names."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from opcompiler.errors import ArgumentTypeError, OperatorNameError, ShapeError
from opcompiler.execution.arguments import bind
from opcompiler.ir.declarations import Declarations, FieldDeclaration, FunctionDeclaration, ParameterDeclaration
from opcompiler.ir.space import Space

DECLARATIONS = Declarations(
    spaces=(Space("x", (3,)), Space("t")),
    fields=(FieldDeclaration("v", (2,)), FieldDeclaration("p")),
    parameters=(ParameterDeclaration("ε"), ParameterDeclaration("A", (2, 2)), ParameterDeclaration("ν", (), 1)),
    functions=(FunctionDeclaration("c", ("x",)), FunctionDeclaration("f", ("s",), implicit=False)),
)
PARAMETERS = {"ε": 0.1, "A": [[1, 2], [3, 4]]}
KNOWN = {"c": jnp.sum}


def call(*points, parameters=PARAMETERS, functions=None, u=jnp.sum, aux=None):
    return bind(DECLARATIONS, KNOWN, u, points, aux, parameters, {"f": jnp.sin} if functions is None else functions)


@pytest.mark.parametrize(
    ("x_shape", "t_shape", "batch"),
    [((3,), (), ()), ((5, 3), (5,), (5,)), ((5, 3), (), (5,)), ((3,), (5,), (5,)), ((2, 5, 3), (2, 5), (2, 5)),
     ((0, 3), (), (0,)), ((3, 3), (3,), (3,))],
)  # fmt: skip
def test_the_batch_shape_is_what_stands_before_the_declared_shape(x_shape, t_shape, batch):
    assert call(jnp.zeros(x_shape), jnp.zeros(t_shape)).batch_shape == batch


def test_several_batch_axes_become_one():
    bound = call(jnp.zeros((2, 5, 3)), jnp.zeros(()), aux={"spins": np.ones((2, 5, 4))})
    assert bound.points[0].value.shape == (10, 3)
    assert bound.points[0].batched
    assert not bound.points[1].batched
    assert bound.aux["spins"].shape == (10, 4)


@pytest.mark.parametrize(
    ("x_shape", "t_shape"), [((5, 3), (4,)), ((5, 3), (1,)), ((1, 3), (5,)), ((2, 5, 3), (5,)), ((2, 5, 3), (5, 2))]
)
def test_nothing_broadcasts(x_shape, t_shape):
    with pytest.raises(ShapeError) as error:
        call(jnp.zeros(x_shape), jnp.zeros(t_shape))
    assert isinstance(error.value, ValueError)
    for listed in (str(x_shape), str(t_shape), "x", "t", "ε", "A"):
        assert listed in str(error.value)


@pytest.mark.parametrize(("x_shape", "t_shape"), [((4,), ()), ((), ()), ((3, 5), (5,))])
def test_a_point_of_the_wrong_shape_lists_all_shapes(x_shape, t_shape):
    with pytest.raises(ShapeError, match="declared is \\(3,\\)"):
        call(jnp.zeros(x_shape), jnp.zeros(t_shape))


@pytest.mark.parametrize(
    "x", [jnp.arange(3), np.arange(3), [0.0, 1.0, 2.0], jnp.zeros(3, complex), jnp.zeros(3, bool), None, "x"]
)
def test_points_are_real_floating_arrays(x):
    with pytest.raises(ArgumentTypeError) as error:
        call(x, 0.5)
    assert isinstance(error.value, TypeError)
    assert error.value.hint


@pytest.mark.parametrize("t", [1, True, 1j])
def test_scalar_points_are_real_floats(t):
    with pytest.raises(ArgumentTypeError):
        call(jnp.zeros(3), t)


def test_a_python_float_takes_the_type_of_the_other_points():
    bound = call(jnp.zeros(3, jnp.float32), 0.5)
    assert bound.dtype == jnp.float32
    assert bound.points[1].value.dtype == jnp.float32


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_number_of_points_is_the_number_of_spaces(count):
    with pytest.raises(ArgumentTypeError, match="2 spaces: x \\[3\\], t"):
        call(*[jnp.zeros(3)] * count)


def test_parameters_adapt_to_the_points_unless_they_are_jax_arrays():
    bound = call(jnp.zeros(3, jnp.float32), 0.5, parameters={"ε": np.float64(2), "A": np.eye(2)})
    assert bound.parameters["A"].value.dtype == jnp.float32
    assert bound.parameters["ε"].value.weak_type
    bound = call(jnp.zeros(3, jnp.float32), 0.5, parameters={"ε": 1, "A": jnp.eye(2, dtype=jnp.float64)})
    assert bound.parameters["A"].value.dtype == jnp.float64
    assert bound.parameters["ε"].value.dtype.kind == "f"
    bound = call(jnp.zeros(3, jnp.float32), 0.5, parameters={"ε": 1j, "A": jnp.ones((2, 2), int)})
    assert bound.parameters["ε"].value.dtype.kind == "c"
    assert bound.parameters["A"].value.dtype == jnp.float32


def test_parameters_may_carry_the_batch_axes_in_front():
    bound = call(jnp.zeros((5, 3)), 0.5, parameters={"ε": jnp.ones(5), "A": jnp.ones((5, 2, 2))})
    assert bound.parameters["ε"].batched
    assert bound.parameters["A"].batched
    bound = call(jnp.zeros((2, 5, 3)), 0.5, parameters={"ε": jnp.ones((2, 5)), "A": jnp.ones((2, 2))})
    assert bound.parameters["ε"].value.shape == (10,)
    assert not bound.parameters["A"].batched
    with pytest.raises(ShapeError):
        call(jnp.zeros((5, 3)), 0.5, parameters={"ε": jnp.ones(4), "A": jnp.ones((2, 2))})
    with pytest.raises(ShapeError, match="declared is \\(2, 2\\)"):
        call(jnp.zeros((5, 3)), 0.5, parameters={"ε": 1.0, "A": jnp.ones((2, 3))})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (None, "the parameter ε, A has no value"),
        ({"ε": 1.0}, "the parameter A has no value"),
        ({**PARAMETERS, "k": 1.0}, "k is no declared parameter"),
        ({**PARAMETERS, "ν": 1.0}, "when the operator was compiled"),
    ],
)
def test_parameter_names(parameters, message):
    with pytest.raises(OperatorNameError, match=message) as error:
        call(jnp.zeros(3), 0.5, parameters=parameters)
    assert isinstance(error.value, NameError)


@pytest.mark.parametrize("value", ["a", None, [1, [2]], object()])
def test_parameters_are_numbers(value):
    with pytest.raises(ArgumentTypeError):
        call(jnp.zeros(3), 0.5, parameters={**PARAMETERS, "ε": value})


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({}, "the function f has no callable"),
        ({"f": jnp.sin, "g": jnp.sin}, "g is no declared function"),
        ({"f": jnp.sin, "c": jnp.sin}, "c was given when the operator was compiled"),
    ],
)
def test_function_names(functions, message):
    with pytest.raises(OperatorNameError, match=message):
        call(jnp.zeros(3), 0.5, functions=functions)


def test_functions_are_known_by_name_or_full_key_after_nfkc():
    assert call(jnp.zeros(3), 0.5, functions={"f(s)": jnp.cos}).functions["f"] is jnp.cos
    assert call(jnp.zeros(3), 0.5, functions={"𝑓": jnp.cos}).functions["f"] is jnp.cos


@pytest.mark.parametrize(
    ("u", "error"),
    [
        ({"v": jnp.sum}, OperatorNameError),
        ({"v": jnp.sum, "p": jnp.sum, "q": jnp.sum}, OperatorNameError),
        ({"v": jnp.sum, "p": 3.0}, ArgumentTypeError),
        (jnp.zeros(3), ArgumentTypeError),
        (None, ArgumentTypeError),
    ],
)
def test_u_is_a_callable_or_a_mapping_of_them(u, error):
    with pytest.raises(error):
        call(jnp.zeros(3), 0.5, u=u)


def test_every_leaf_of_aux_carries_the_batch_axes():
    assert call(jnp.zeros((5, 3)), 0.5, aux=(jnp.zeros((5, 7)), np.zeros(5))).aux[0].shape == (5, 7)
    assert call(jnp.zeros(3), 0.5, aux=[jnp.zeros((4, 7)), 3]).batch_shape == ()
    with pytest.raises(ShapeError, match="leaf 1 of aux has shape \\(4,\\)"):
        call(jnp.zeros((5, 3)), 0.5, aux=(jnp.zeros((5, 7)), np.zeros(4)))


def test_binding_works_on_tracers():
    @jax.jit
    def traced(x, eps):
        bound = call(x, x[..., 0], parameters={**PARAMETERS, "ε": eps})
        assert bound.batch_shape == (5,)
        return bound.points[0].value

    assert traced(jnp.zeros((5, 3)), 0.5).shape == (5, 3)
