"""The engine as a library: jets along curves, Laplacians with weights and chosen arguments, rules of one's own."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from jax import lax
from jax.sharding import AxisType, PartitionSpec
from readme import blocks

from opcompiler import taylor
from opcompiler.errors import ArgumentTypeError, ShapeError

RANDOM = np.random.default_rng(5)
X = jnp.asarray(RANDOM.normal(size=3))
W = jnp.asarray(RANDOM.normal(size=(3, 4)))
CURVES = [jnp.asarray(RANDOM.normal(size=(2, 3))) for _ in range(4)]


def u(x):
    return jnp.tanh(x @ W).sum() * jnp.exp(-0.1 * x @ x)


def nested(function, order):
    """Return [f, f', …] at 0 of a function of one number."""
    result = [function]
    for _ in range(order):
        result.append(lambda t, f=result[-1]: jax.jvp(f, (t,), (jnp.ones_like(t),))[1])
    return jax.jit(lambda t: [f(t) for f in result])(0.0)


def along(function, coefficients):
    return lambda t: function(X + sum(s * t**k / np.prod(range(1, k + 1)) for k, s in enumerate(coefficients, 1)))


# jets along curves --------------------------------------------------------------------------------------------------


def test_one_direction():
    value, derivatives = jax.jit(lambda x: taylor.jet(u, (x,), ([s[0] for s in CURVES],)))(X)
    np.testing.assert_allclose([value, *derivatives], nested(along(u, [s[0] for s in CURVES]), 4), rtol=1e-11)


def test_several_directions():
    _, derivatives = jax.jit(lambda x: taylor.jet(u, (x,), (CURVES,), directions=2))(X)
    want = np.stack([nested(along(u, [s[r] for s in CURVES]), 4)[1:] for r in range(2)], axis=1)
    np.testing.assert_allclose(np.stack(derivatives), want, rtol=1e-11)


def test_collapsed_directions():
    _, derivatives = jax.jit(lambda x: taylor.jet(u, (x,), (CURVES,), directions=2, weights=[0.3, -1.7]))(X)
    want = [nested(along(u, [s[r] for s in CURVES]), 4) for r in range(2)]
    assert derivatives[3].shape == ()
    np.testing.assert_allclose(derivatives[3], 0.3 * want[0][4] - 1.7 * want[1][4], rtol=1e-11)
    np.testing.assert_allclose(derivatives[2], [want[0][3], want[1][3]], rtol=1e-11)


def test_the_collapsed_second_order_is_the_laplacian():
    collapsed = lambda x: taylor.jet(u, (x,), ((jnp.eye(3), None),), directions=3, weights=[1.0] * 3)[1]
    gradient, laplacian = jax.jit(collapsed)(X)
    np.testing.assert_allclose(gradient, jax.grad(u)(X), rtol=1e-12)
    np.testing.assert_allclose(laplacian, oracles.laplacian(u)(X), rtol=1e-11)


def test_jets_of_pytrees_and_constant_arguments():
    def f(tree, scale):
        return {"a": tree["x"] ** 3 * scale, "b": (tree["y"][0] * tree["x"].sum(),)}

    tree = {"x": X, "y": [jnp.asarray(0.4)]}
    first = {"x": jnp.ones(3), "y": [None]}
    value, (one, two) = taylor.jet(f, (tree, 2.0), ((first, None), None))
    np.testing.assert_allclose(value["a"], 2 * X**3)
    np.testing.assert_allclose(one["a"], 6 * X**2, rtol=1e-13)
    np.testing.assert_allclose(two["a"], 12 * X, rtol=1e-13)
    np.testing.assert_allclose(one["b"][0], 1.2, rtol=1e-13)


def test_jets_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="same length"):
        taylor.jet(lambda x, y: x * y, (X, X), ((X,), (X, X)))
    with pytest.raises(ShapeError, match="coefficient 2 has shape"):
        taylor.jet(u, (X,), ((X, X[:2]),))
    with pytest.raises(ShapeError, match="3 weights for 2 directions"):
        taylor.jet(u, (X,), (CURVES,), directions=2, weights=[1.0] * 3)
    with pytest.raises(ArgumentTypeError, match="int64"):
        taylor.jet(lambda n: n * 1.0, (jnp.arange(3),), ((X,),))


# Laplacians ---------------------------------------------------------------------------------------------------------


def weighted(f, x, weights):
    """Σ_i w_i ∂²f/∂x_i² from the Hessian."""
    flat = lambda z: f(z.reshape(x.shape))
    hessian = jax.jit(jax.hessian(flat))(x.reshape(-1))
    return jnp.sum(jnp.diag(hessian) * jnp.broadcast_to(jnp.asarray(weights), x.shape).reshape(-1))


def test_the_laplacian_alone():
    xs = jnp.stack([X, X + 0.2])
    np.testing.assert_allclose(
        jax.jit(jax.vmap(taylor.laplacian(u)))(xs), jax.vmap(oracles.laplacian(u))(xs), rtol=1e-11
    )


def test_weights_are_reciprocal_masses():
    def psi(r):
        return jnp.sum(jnp.sin(r @ W)) * jnp.exp(-jnp.linalg.norm(r[0] - r[1]))

    r = jnp.stack([X, -X + 0.3])
    masses = jnp.array([[1.0], [1836.0]])
    result = jax.jit(taylor.forward_laplacian(psi, weights=1 / np.asarray(masses)))(r)
    np.testing.assert_allclose(result.laplacian, weighted(psi, r, 1 / masses), rtol=1e-11)
    np.testing.assert_allclose(result.jacobian, jax.grad(psi)(r).reshape(-1), rtol=1e-12)
    signed = jax.jit(taylor.laplacian(u, weights=np.array([1.0, -1.0, 0.0])))(X)
    np.testing.assert_allclose(signed, weighted(u, X, jnp.array([1.0, -1.0, 0.0])), rtol=1e-11)


def test_chosen_arguments():
    f = lambda w, x, t: jnp.tanh(x @ w).sum() * jnp.sin(t["t"])
    t = {"t": jnp.asarray(0.7)}
    np.testing.assert_allclose(
        taylor.laplacian(f, argnums=1)(W, X, t), oracles.laplacian(lambda x: f(W, x, t))(X), rtol=1e-11
    )
    both = taylor.forward_laplacian(f, argnums=(1, -1), weights=(2.0, {"t": 3.0}))(W, X, t)
    in_time = -jnp.tanh(X @ W).sum() * jnp.sin(0.7)
    np.testing.assert_allclose(both.laplacian, 2 * oracles.laplacian(lambda x: f(W, x, t))(X) + 3 * in_time, rtol=1e-11)
    assert both.jacobian.shape == (4,)


def test_laplacians_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="no argument 3"):
        taylor.laplacian(u, argnums=3)(X)
    with pytest.raises(ShapeError, match="weights of shape"):
        taylor.laplacian(u, weights=np.ones(2))(X)
    with pytest.raises(ShapeError, match="pytree of weights"):
        taylor.laplacian(u, argnums=0, weights={"x": 1.0})(X)
    with pytest.raises(ArgumentTypeError, match="floating-point"):
        taylor.laplacian(u)(jnp.arange(3))


def test_inputs_of_which_only_parts_meet_keep_their_directions_apart():
    """Features of one particle each: what is carried grows with the directions of one particle, not of all."""

    def f(r):
        return jnp.stack([jnp.sin(r[i] @ W).sum() for i in range(3)]).prod()

    r = jnp.stack([X, 2 * X, X - 1])
    np.testing.assert_allclose(jax.jit(taylor.laplacian(f))(r), weighted(f, r, 1.0), rtol=1e-10)


# inside transformations ---------------------------------------------------------------------------------------------


LOOPS = {
    "while": lambda x: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, jnp.ones(3)))[1],
    "fori": lambda x: lax.fori_loop(0, 3, lambda i, c: c * x[0] * (i + 1.0), 1.0),
    "scan": lambda x: lax.scan(lambda c, t: (c * x * t, c * x), jnp.ones(3), jnp.arange(1.0, 4.0))[1],
    "cond": lambda x: lax.cond(x[0] > 0, lambda y: y * jnp.exp(WEIGHTS), lambda y: y, x) ** 2,
}
WEIGHTS = jnp.array([0.5, 1.0, 2.0])


@pytest.mark.parametrize("loop", LOOPS)
def test_coordinates_meet_constants_in_loops(loop):
    f = lambda x: jnp.sum(LOOPS[loop](x))
    x = jnp.array([0.3, -0.6, 0.9])
    np.testing.assert_allclose(taylor.laplacian(f)(x), oracles.laplacian(f)(x), rtol=1e-12)


def test_gradients_of_a_laplacian_with_respect_to_parameters():
    f = lambda w, x: jnp.tanh(x @ w).sum() ** 2
    ours = jax.jit(jax.grad(lambda w: taylor.laplacian(f, argnums=1, weights=0.5)(w, X)))(W)
    theirs = jax.grad(lambda w: 0.5 * oracles.laplacian(lambda x: f(w, x))(X))(W)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_shard_map_over_one_device():
    mesh = jax.make_mesh((1,), ("points",), axis_types=(AxisType.Auto,))
    xs = jnp.stack([X, X + 0.2, X - 0.1])
    split = PartitionSpec("points")
    mapped = jax.shard_map(jax.vmap(taylor.laplacian(u)), mesh=mesh, in_specs=split, out_specs=split)
    want = jax.vmap(oracles.laplacian(u))(xs)
    np.testing.assert_allclose(jax.jit(mapped)(xs), want, rtol=1e-11)
    gradient = jax.jit(jax.grad(lambda z: mapped(z).sum()))(xs)
    exact = jax.jit(jax.grad(lambda z: jax.vmap(oracles.laplacian(u))(z).sum()))(xs)
    np.testing.assert_allclose(gradient, exact, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::opcompiler.taylor.TaylorFallbackWarning")
def test_collectives_inside_the_function():
    mesh = jax.make_mesh((1,), ("points",), axis_types=(AxisType.Auto,))
    f = lambda x: jnp.sin(lax.psum(jnp.tanh(x), "points")).prod()
    mapped = jax.shard_map(taylor.laplacian(f), mesh=mesh, in_specs=PartitionSpec(), out_specs=PartitionSpec())
    want = jax.jit(oracles.laplacian(lambda x: jnp.sin(jnp.tanh(x)).prod()))(X)
    np.testing.assert_allclose(jax.jit(mapped)(X), want, rtol=1e-11)


TWO_DEVICES = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, PartitionSpec
from opcompiler import taylor
assert jax.device_count() == 2
u = lambda x: jnp.sin(x).prod() * jnp.exp(x.sum())
xs = jnp.linspace(-1, 1, 12, dtype=jnp.float32).reshape(4, 3)
mesh = jax.make_mesh((2,), ("points",), axis_types=(AxisType.Auto,))
split = PartitionSpec("points")
mean = lambda z: jax.lax.pmean(jax.vmap(taylor.laplacian(u))(z).mean(), "points")
mapped = jax.shard_map(mean, mesh=mesh, in_specs=split, out_specs=PartitionSpec())
trace = jax.vmap(lambda x: jnp.trace(jax.hessian(u)(x)))(xs).mean()
np.testing.assert_allclose(jax.jit(mapped)(xs), trace, rtol=1e-5)
inside = lambda x: jax.shard_map(lambda y: jnp.tanh(y) ** 2, mesh=mesh, in_specs=split, out_specs=split)(x)
x = xs[:, 0]
_, (first, second) = taylor.jet(inside, (x,), ((jnp.ones_like(x), None),))
np.testing.assert_allclose(first, 2 * jnp.tanh(x) / jnp.cosh(x) ** 2, rtol=1e-5, atol=1e-6)
"""


def test_shard_map_over_two_devices_around_and_inside():
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr


# documents ----------------------------------------------------------------------------------------------------------

API = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_documented_local_energy_is_right():
    (example,) = (block for block in blocks(API.read_text("utf-8"), "python") if "kinetic_energy" in block)
    names = {}
    exec(example, names)
    psi = lambda r: jnp.exp(names["log_psi"](names["parameters"], r))
    want = jax.jit(jax.vmap(lambda r: -0.5 * weighted(psi, r, 1.0) / psi(r)))(names["walkers"])
    np.testing.assert_allclose(names["energies"], want, rtol=1e-9)
