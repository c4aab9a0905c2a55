"""Rules of `jax.custom_jvp` that call their own function: right at every order, by programs of polynomial size.

The rules here are no true derivatives: what counts is nested `jax.jvp`, which honours them at every level.
"""

from functools import partial

import jax
import numpy as np
import pytest
from jax import numpy as jnp
from jax.scipy import special
from taylor.coverage.cases import Case
from taylor.coverage.compare import problem_of, references_of, relative_error, results_of

from opcompiler.taylor import evaluate, variable
from opcompiler.taylor.univariate import univariate_algebra

X = np.array([0.3, 0.8, 1.4])
Y = np.array([0.5, 0.7, 0.2])


def ruled(function, rule, **options):
    """Return the function with tangents rule(itself, *primals, *tangents)."""
    own = jax.custom_jvp(function, **options)
    own.defjvp(lambda primals, tangents: (own(*primals), rule(own, *primals, *tangents)))
    return own


damped = ruled(jnp.sin, lambda f, x, t: t * (1.0 - f(x) ** 2 + 0.1 * x))
"""One argument, entry by entry."""

coupled = ruled(lambda x, y: x * jnp.cos(y), lambda f, x, y, s, t: f(x, y) * (y * s + f(x, y) * t) - s)
"""Two arguments, with two calls in the rule."""

mean_field = ruled(lambda x: x / (1 + jnp.sum(x**2)), lambda f, x, t: f(x) * (t - jnp.sum(f(x) * t)))
"""The rule mixes the entries."""

swapped = ruled(lambda x, y: x + 2 * y, lambda f, x, y, s, t: f(y, x) * s - jnp.sin(f(x, y)) * t)
"""One of the calls is at other inputs."""

compiled = ruled(lambda x, y: x * y, jax.jit(lambda f, x, y, s, t: jax.jit(f)(x, y) * s + t * x, static_argnums=0))
"""The rule is compiled, and so is the call in it."""

inner = ruled(lambda x: jnp.sum(x) * x, lambda f, x, t: t * jnp.sum(x))
outer = ruled(lambda x: jnp.sum(x) * x, lambda f, x, t: t * inner(x) + jnp.sum(t))
"""A rule that calls a function with the same values and another rule."""


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def numbered(n, x):
    return x * jnp.sum(x)


@numbered.defjvp
def _numbered_rule(n, primals, tangents):
    (x,), (t,) = primals, tangents
    return numbered(n, x), n * numbered(n + 1, x) * t + jnp.sum(t)


@jax.custom_jvp
def pair(x, y):
    return x * y, jnp.sin(x) + jnp.sum(y)


@pair.defjvp
def _pair_rule(primals, tangents):
    (s, t), (first, second) = tangents, pair(*primals)
    return (first, second), (second * s, jnp.cos(first) * jnp.sum(t) + second * s)


looping = ruled(
    lambda x: jnp.sin(x) * jnp.sum(x),
    lambda f, x, t: (
        jax.checkpoint(lambda x: jnp.exp(jnp.sin(x) * f(x)))(x) * t
        + jax.lax.fori_loop(0, 2, lambda _, c: c * f(x) + 0.1, x) * jnp.sum(t)
    ),
)
"""The function is called in a checkpoint and in a loop."""

RULED = {
    "one argument": (damped, (X,)),
    "two arguments and two calls": (coupled, (X, Y)),
    "one of two arguments": (lambda x: coupled(x, Y), (X,)),
    "entries are mixed": (mean_field, (X,)),
    "another call at other inputs": (swapped, (X, Y)),
    "compiled": (compiled, (X, Y)),
    "another rule of the same values": (outer, (X,)),
    "a static argument": (lambda x: numbered(1, x), (X,)),
    "in a checkpoint and in a loop": (looping, (X,)),
    "two results": (pair, (X, Y)),
    "batched": (jax.vmap(mean_field, in_axes=1, out_axes=1), (np.stack([X, Y, X + 1]),)),
    "inside a loop": (lambda x, y: jax.lax.fori_loop(0, 2, lambda _, c: coupled(c, y), x), (X, Y)),
    "inside a function": (lambda x, y: jnp.exp(coupled(x * y, mean_field(y))), (X, Y)),
}


ORDERS = {"one of two arguments": 6, "two arguments and two calls": 4, "batched": 2}


def assert_as_nested_jvp(name, kinds):
    function, arguments = RULED[name]
    case = Case(name, "custom rules", function, arguments)
    tasks = [problem_of(case, kind, order) for kind, order in kinds]
    for want, have in zip(references_of(case, tasks), results_of(case, tasks, jit=False), strict=True):
        assert relative_error(have, want) < 1e-9


@pytest.mark.parametrize("name", RULED)
def test_coefficients_along_a_curve_are_those_of_nested_jvp(name):
    assert_as_nested_jvp(name, [("univariate", ORDERS.get(name, 3))])


@pytest.mark.parametrize("name", ["two arguments and two calls", "entries are mixed"])
def test_coefficients_of_other_algebras_are_those_of_nested_jvp(name):
    assert_as_nested_jvp(name, [("family", 2), ("mixed", 3), ("ungraded", 2)])


def test_redefined_derivatives_at_a_kink():
    safe = ruled(lambda x: jnp.sqrt(jnp.sum(x**2)), lambda f, x, t: jnp.sum(x * t) / jnp.where(f(x) > 0, f(x), 1.0))
    algebra = univariate_algebra(2)
    zero = variable(np.zeros(2), algebra, {1: np.array([1.0, 2.0])})
    assert [float(evaluate(safe, [zero], algebra).coefficient(k)) for k in range(3)] == [0.0, 0.0, 5.0]


chained = ruled(lambda x: x * jnp.sum(x), lambda f, x, t: jnp.cos(x) * (jnp.sum(x) * t) * jnp.sin(x))
"""The rule does not call its function, and multiplies a direction twice."""


@pytest.mark.parametrize("function", [chained, mean_field])
def test_a_single_coefficient_is_that_of_all(function):
    algebra = univariate_algebra(4)
    x = variable(X, algebra, {1: np.array([0.5, -0.7, 0.2])})
    everything = evaluate(function, [x], algebra)
    for k in range(1, 5):
        alone = evaluate(function, [x], algebra, wanted={k}).coefficient(k)
        np.testing.assert_allclose(alone, everything.coefficient(k), rtol=1e-12)


def test_gradients_of_coefficients_are_those_of_nested_jvp():
    algebra, along = univariate_algebra(2), np.array([1.0, 0.5, -0.3])

    def ours(x):
        return jnp.sum(evaluate(looping, [variable(x, algebra, {1: along})], algebra).coefficient(2))

    def nested(x):
        first = lambda x: jax.jvp(looping, (x,), (along,))[1]
        return jnp.sum(jax.jvp(first, (x,), (along,))[1])

    np.testing.assert_allclose(jax.jit(jax.grad(ours))(X), jax.jit(jax.jacfwd(nested))(X), rtol=1e-11)


GROWING = {
    "logaddexp": (jnp.logaddexp, (X, Y)),
    "logaddexp2": (jnp.logaddexp2, (X, Y)),
    "poch": (special.poch, (X, Y)),
    "poch of one argument": (lambda x: special.poch(x, 1.5), (X,)),
    "hyp1f1": (lambda x: special.hyp1f1(1.2, 2.3, x), (X,)),
    "two calls": (coupled, (X, Y)),
    "mixed entries": (mean_field, (X,)),
    "batched": (jax.vmap(mean_field), (np.stack([X, Y]),)),
}


def equations(jaxpr) -> int:
    inner = (
        getattr(v, "jaxpr", v)
        for e in jaxpr.eqns
        for p in e.params.values()
        for v in (p if isinstance(p, tuple | list) else [p])
    )
    return len(jaxpr.eqns) + sum(equations(j) for j in inner if hasattr(j, "eqns"))


def size(function, arguments, order) -> int:
    """Return the equations of the program for all derivatives along a curve."""
    algebra = univariate_algebra(order)

    def run(seeds):
        jets = [variable(x, algebra, s) for x, s in zip(arguments, seeds, strict=True)]
        result = evaluate(function, jets, algebra)
        return [result.coefficient(k) for k in range(order + 1)]

    seeds = [{k: np.ones_like(x) for k in range(1, order + 1)} for x in arguments]
    return equations(jax.make_jaxpr(run)(seeds).jaxpr)


@pytest.mark.parametrize("name", GROWING)
def test_programs_grow_like_a_polynomial_of_the_order(name):
    two, four, six = (size(*GROWING[name], order) for order in (2, 4, 6))
    cubic = (6**3 - 4**3) / (4**3 - 2**3)
    assert six - four < cubic * (four - two)  # doubling with every order would give 4


def test_a_function_is_not_evaluated_again_for_higher_orders():
    calls = []

    def traced(x):
        calls.append(x)
        return jnp.tanh(x) * jnp.sum(x)

    recurrent = ruled(traced, lambda f, x, t: f(x) * t + jnp.sum(t))
    size(recurrent, (X,), 2)
    low = len(calls)
    size(recurrent, (X,), 6)
    assert len(calls) == 2 * low
