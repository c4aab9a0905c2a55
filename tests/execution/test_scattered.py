"""Directions at positions known only at run time give what the same directions give when they are written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.execution.directions import Drawn
from opcompiler.execution.draws import directions_for, key_per_point
from opcompiler.execution.run import run

D, POINTS = 40, 3
W = jax.random.normal(jax.random.key(0), (D, 6)) / 6
V = jax.random.normal(jax.random.key(1), (6, D + 1)) / 6

NETWORKS = {
    "dense layer": lambda x, t: jnp.sum(jnp.tanh(x @ W)) * t,
    "transposed layer": lambda x, t: jnp.sum(jnp.sin(W.T @ (2 * x - 1) + t)),
    "joined with another argument": lambda x, t: jnp.sum(jnp.tanh(V @ jnp.concatenate([x, t[None]]))),
    "sum of squares": lambda x, t: jnp.sin(0.1 * jnp.sum(x**2)) * t,
    "scalar product with itself": lambda x, t: jnp.exp(-0.1 * (x @ x)),
    "boundary factor": lambda x, t: (1 - jnp.sum(x * x)) * jnp.sum(jnp.tanh((x - 0.1) / 2 @ W)),
    "elementwise functions": lambda x, t: jnp.sum(jnp.sin(x) * x - x / (2 + jnp.cos(x))) * jnp.tanh(x @ W)[0],
    "slices": lambda x, t: jnp.prod(jnp.cos(x[:4])) + jnp.sum(x[1:] * x[:-1]),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_values_as_dense_directions(name):
    u = NETWORKS[name]
    x, t = jax.random.normal(jax.random.key(2), (POINTS, D)), jnp.linspace(0.2, 0.4, POINTS)
    scheme = oc.Stochastic(samples=5, law=oc.laws.Coordinates())
    operator = oc.compile("∂Δu/∂t + ∂u/∂x2", spaces={"x": D, "t": None}, scheme=scheme)
    call = operator.bound(u, x, t)
    drawn = directions_for(operator.plan.sampling, key_per_point(jax.random.key(3), (POINTS,)), call.dtype)
    dense = {space: Drawn(rows=directions.dense(D, call.dtype)) for space, directions in drawn.items()}
    found, expected = jax.jit(lambda *both: [run(operator.plan, call, one) for one in both])(drawn, dense)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "slices"])
def test_no_direction_is_written_out(name):
    """Nothing in the program is as large as one vector of the dimension per direction and point."""
    u, samples = NETWORKS[name], 8
    operator = oc.compile(
        "Δu", spaces={"x": D, "t": None}, scheme=oc.Stochastic(samples=samples, law=oc.laws.Coordinates())
    )
    x, t = jnp.zeros((POINTS, D)), jnp.zeros(POINTS)
    program = jax.make_jaxpr(lambda x, t, key: operator(u, x, t, key=key))(x, t, jax.random.key(0))
    assert max(_sizes(program.jaxpr)) < samples * POINTS * D / 2


def _sizes(jaxpr):
    for equation in jaxpr.eqns:
        yield from (np.prod(variable.aval.shape) for variable in equation.outvars)
        for inner in jax.tree.leaves(equation.params, is_leaf=lambda p: hasattr(p, "jaxpr")):
            if hasattr(inner, "jaxpr"):
                yield from _sizes(inner.jaxpr)
