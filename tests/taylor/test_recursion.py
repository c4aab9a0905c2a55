"""Without a rule: recursion on `jax.jvp`, at every order, over graded algebras and others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from taylor import algebras
from taylor.cases import MATRIX, POSITIVE, SMALL, WIDE, X, case
from taylor.checks import assert_agrees, jets

from opcompiler.errors import UnsupportedPrimitiveError
from opcompiler.taylor import TaylorFallbackWarning, deregister_rule, evaluate, fallback, register_rule
from opcompiler.taylor.registry import RULES

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
