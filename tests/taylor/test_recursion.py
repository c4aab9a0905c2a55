"""Without a rule: recursion on `jax.jvp`, at every order, over graded algebras and others."""

import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.experimental import sparse
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from taylor import algebras
from taylor.cases import MATRIX, POSITIVE, SMALL, WIDE, X, case
from taylor.checks import assert_agrees, jets

from opcompiler.errors import UnsupportedPrimitiveError
from opcompiler.taylor import TaylorFallbackWarning, deregister_rule, evaluate, fallback, register_rule
from opcompiler.taylor.registry import CONSTANT, RULES

EXAMPLES = [
    algebras.joint((3, 0), (2, 1)), algebras.lumped(), algebras.laplacian(2, (2, 5)), algebras.heat_gradient(2)
]  # fmt: skip

UNRULED = [
    case("tanh", jnp.tanh, X),
    case("reduce_prod", lambda a: a.prod(1), WIDE),
    case("dot_general", lambda a, b: a @ b, MATRIX, SMALL),
    case("pow", lambda x, y: x**y, POSITIVE, X),
    case("cholesky", lambda a: jnp.linalg.cholesky(a @ a.T + 3 * jnp.eye(3)), MATRIX),
]


@pytest.fixture
def without_rule(request):
    rule = RULES[request.param.primitive]
    deregister_rule(request.param.primitive)
    yield request.param
    RULES[request.param.primitive] = rule


@pytest.mark.filterwarnings("ignore::opcompiler.taylor.TaylorFallbackWarning")
@pytest.mark.parametrize("without_rule", UNRULED, ids=lambda c: c.name, indirect=True)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
def test_recursion_on_jvp(without_rule, example):
    assert_agrees(without_rule.function, without_rule.arguments, example)


@pytest.mark.parametrize("without_rule", UNRULED[:1], indirect=True)
def test_one_warning_names_primitive_and_source_line(without_rule, monkeypatch):
    monkeypatch.setattr(fallback, "_WARNED", set())
    example = algebras.univariate(2)
    with pytest.warns(TaylorFallbackWarning, match=r"'tanh' at .*test_recursion\.py:\d+") as caught:
        evaluate(lambda x: jnp.tanh(x), jets(example, [X])[1], example.algebra)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "example", [algebras.lumped(), algebras.laplacian(2, (2, 5)), algebras.heat_gradient(2)], ids=lambda e: e.name
)
@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: jnp.tanh(x @ WIDE) @ WIDE.T * y,
        lambda x, y: jnp.exp(jnp.sin(x) / y) ** 3,
        lambda x, y: jax.nn.softmax(x * y) - jnp.logaddexp(x, y),
        lambda x, y: (
            jnp.einsum("ij,j->i", jnp.outer(x, y), x).cumsum() * jax.lax.fori_loop(0, 2, lambda i, c: c * x, y)
        ),
    ],
)
def test_functions_over_ungraded_weighted_and_mixed_family_algebras(function, example):
    assert_agrees(function, (X, POSITIVE), example)


def test_a_primitive_without_any_derivative_is_refused_with_its_source_line():
    example = algebras.univariate(2)
    second_of_the_first = lambda x: jax.scipy.special.gammainc(x, POSITIVE)
    with pytest.raises(UnsupportedPrimitiveError, match=r"igamma_grad_a.*test_recursion\.py"):
        evaluate(second_of_the_first, jets(example, [X + 2])[1], example.algebra)


def test_a_registered_rule_replaces_the_derivatives_and_keeps_the_value():
    rule = RULES["erf_inv"]
    deregister_rule("erf_inv")
    try:
        register_rule("erf_inv", lambda x: jnp.sin(x))
        example = algebras.univariate(3)
        surf, seeded = jets(example, [SMALL])
        result = evaluate(jax.scipy.special.erfinv, seeded, example.algebra)
        wanted = algebras.expected(jnp.sin, surf)
        np.testing.assert_allclose(result.primal, jax.scipy.special.erfinv(SMALL))
        for k in (1, 2, 3):
            np.testing.assert_allclose(result.coefficient(k), wanted[k][0], rtol=1e-12)
        with pytest.raises(ValueError, match="already has a Taylor rule"):
            register_rule("erf_inv", jnp.sin)
    finally:
        RULES["erf_inv"] = rule


API = Path(__file__).parents[2] / "docs" / "api.md"
SPARSE = sparse.BCOO.fromdense(jnp.where(jnp.abs(MATRIX) > 0.5, MATRIX, 0.0))
MESH = jax.make_mesh((1,), ("points",), axis_types=(AxisType.Auto,))

DOCUMENTED = [
    case("bcoo_dot_general", lambda x: jnp.sin(SPARSE @ (x**2)), X),
    case(
        "sharding_constraint",
        lambda x: lax.with_sharding_constraint(x**3, NamedSharding(MESH, PartitionSpec("points"))),
        X,
    ),
]


@pytest.mark.filterwarnings("ignore::opcompiler.taylor.TaylorFallbackWarning")
@pytest.mark.parametrize("case", DOCUMENTED, ids=lambda c: c.name)
def test_documented_primitives_without_a_rule(case):
    assert case.primitive in str(jax.make_jaxpr(case.function)(*case.arguments))
    assert case.primitive not in RULES
    assert_agrees(case.function, case.arguments, algebras.joint((3, 0), (2, 1)))


WITHOUT_FLOATS = {
    "and", "bitcast_convert_type", "eq_to", "from_edtype", "le_to", "lt_to", "mulhi", "not", "or", "random_bits",
    "random_fold_in", "random_seed", "random_split", "random_unwrap", "random_wrap", "shift_left",
    "shift_right_arithmetic", "shift_right_logical", "to_edtype", "xor",
}  # fmt: skip
"""Primitives whose results are integers, booleans or keys: they are evaluated as they are."""

WITH_EFFECTS = {
    "accum_grad_in_ref", "addupdate", "box_get", "box_set", "check", "dce_sink", "debug_callback", "debug_print",
    "empty_ref", "ffi_call", "free_ref", "freeze", "get", "io_callback", "log_extend", "log_read", "new_box",
    "new_log", "new_ref", "pure_callback", "run_state", "swap",
}  # fmt: skip
"""References, logs and foreign functions: no functions of their operands alone."""

INTERNAL = {
    "call_hi_primitive", "eval_jaxpr", "global_array_to_host_local_array", "host_local_array_to_global_array", "stage",
    "tie",
}  # fmt: skip
"""Of JAX's own making, in no program that a user traces."""


def test_a_composite_is_refused_as_jax_refuses_it():
    example = algebras.univariate(1)
    with pytest.raises(UnsupportedPrimitiveError, match="composite"):
        evaluate(lax.composite(jnp.sin, "example.wave"), jets(example, [X])[1], example.algebra)


def differentiated_by_jax() -> set[str]:
    """Return the primitives with a rule of differentiation, asked of a process without other libraries."""
    code = "import jax.numpy, jax.scipy.special; from jax.interpreters import ad; print(*ad.primitive_jvps, sep='\\n')"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_every_primitive_that_jax_differentiates_has_a_rule_or_is_documented():
    table = API.read_text("utf-8").split("| by recursion on `jax.jvp` | primitives |")[1].split("\n\n")[0]
    documented = set(re.findall(r"`(\w+)`", table))
    known = {*RULES, *CONSTANT, *documented, *WITHOUT_FLOATS, *WITH_EFFECTS, *INTERNAL, "composite", "random_gamma"}
    assert differentiated_by_jax() <= known
    assert documented.isdisjoint({*RULES, *CONSTANT})
