"""Every strategy on networks: what a user can ask for by name equals derivatives in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest

import opcompiler as oc
from opcompiler.errors import UnsupportedError

TOLERANCE = 1e-9


def waves(dim, count=3):
    """Return u(z) = Σ_k sin(w_k·z) and (α, z) → ∂^α u(z) = Σ_k w_k^α sin(w_k·z + |α|π/2), in closed form."""
    weights = 0.7 * np.random.default_rng(dim).normal(size=(dim, count))

    def u(z):
        return jnp.sum(jnp.sin(z @ weights))

    def derivative(alpha, z):
        factors = np.prod(weights ** np.array(alpha)[:, None], axis=0)
        return np.sum(factors * np.sin(np.asarray(z) @ weights + sum(alpha) * np.pi / 2), axis=-1)

    return u, derivative


def unit(dim, *coordinates):
    return tuple(coordinates.count(i) for i in range(dim))


def close(actual, expected):
    assert jnp.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE * max(1.0, np.max(np.abs(expected))))


def points(dim, batch=2):
    return np.random.default_rng(99).normal(size=(batch, dim))


def runs(text, spaces, strategy, **options):
    op = oc.compile(text, spaces=spaces, scheme=oc.Exact(strategy=strategy), **options)
    assert op.plan.joint.strategy == strategy
    return op


NAMES = ("minimal algebra", "collapsed jets", "univariate jets", "nested differentiation", "all partial derivatives")


@pytest.mark.parametrize("strategy", [*NAMES, "one multi-slot jet"])
def test_a_mixed_derivative_beside_others(strategy):
    (u, derivative), z = waves(2), points(2)
    op = runs(("u_xxy - 2u_y", "u_xy * u + u_x"), ("x", "y"), strategy)
    with jax.disable_jit():
        third, mixed = op(lambda x, y: u(jnp.stack([x, y])), z[:, 0], z[:, 1])
    close(third, derivative((2, 1), z) - 2 * derivative((0, 1), z))
    close(mixed, derivative((1, 1), z) * derivative((0, 0), z) + derivative((1, 0), z))


@pytest.mark.parametrize("strategy", NAMES)
def test_irrational_directions_and_open_indices(strategy):
    (u, derivative), z = waves(3), points(3)
    op = runs({"bilaplacian": "Δ²u", "laplacian": "Δu", "gradient": "∇u"}, {"x": 3}, strategy)
    with jax.disable_jit():
        found = op(u, z)
    axes = range(3)
    close(found["bilaplacian"], sum(derivative(unit(3, i, i, j, j), z) for i in axes for j in axes))
    close(found["laplacian"], sum(derivative(unit(3, i, i), z) for i in axes))
    close(found["gradient"], np.stack([derivative(unit(3, i), z) for i in axes], axis=-1))


@pytest.mark.parametrize("strategy", ["collapsed jets", "univariate jets", "one multi-slot jet"])
def test_a_factor_known_at_call(strategy):
    (u, derivative), z = waves(2), points(2)
    op = runs("u_t + k u_xxxx + u u_x", ("x", "t"), strategy, parameters=("k",))
    with jax.disable_jit():
        value = op(lambda x, t: u(jnp.stack([x, t])), z[:, 0], z[:, 1], parameters={"k": 0.3})
    linear = derivative((0, 1), z) + 0.3 * derivative((4, 0), z)
    close(value, linear + derivative((0, 0), z) * derivative((1, 0), z))


def test_a_gradient_of_a_laplacian_in_fifty_dimensions_by_a_reverse_sweep():
    dim = 50
    u = oracles.tanh_mlp(jax.random.key(dim), [dim, 4, 1])
    z = jnp.asarray(points(dim))
    reverse = runs({"gradient": "∇Δu", "laplacian": "Δu"}, {"x": dim}, "reverse over forward")
    assert reverse.plan.joint.carried == dim + 2
    found = jax.jit(lambda z: reverse(u, z))(z)

    def forward(x):
        return jax.jacfwd(lambda x: jnp.trace(jax.jacfwd(jax.jacfwd(u))(x)))(x)

    close(found["gradient"], jax.jit(jax.vmap(forward))(z))
    close(found["laplacian"], jax.jit(jax.vmap(oracles.laplacian(u)))(z))
    by_forward = oc.compile("∇Δu", spaces={"x": dim}, scheme=oc.Exact(strategy="minimal algebra"))
    assert by_forward.plan.joint.carried == 1 + 2 * dim + dim * (dim + 1) // 2


def test_a_reverse_sweep_goes_through_the_bottleneck_of_a_network():
    dim = 30
    u, z = oracles.tanh_mlp(jax.random.key(1), [dim, 4, 4, 1]), jnp.asarray(points(dim))
    op = runs("∇Δu", {"x": dim}, "reverse over forward")
    assert op.plan_for(u, z).joint.carried == 4 + 2

    def forward(x):
        return jax.jacfwd(lambda x: jnp.trace(jax.jacfwd(jax.jacfwd(u))(x)))(x)

    close(jax.jit(lambda z: op(u, z))(z), jax.jit(jax.vmap(forward))(z))


def test_reverse_sweeps_over_pytrees_shared_points_and_single_points():
    (wave, derivative), z = waves(3), points(3)
    op = runs("∇Δu", {"x": 2, "t": None}, "reverse over forward", time="t")

    def u(x, t):
        value = wave(jnp.concatenate([x, t[None]]))
        return {"real": jnp.stack([value, 3 * value]), "complex": value * (1 + 2j)}

    def reference(z):
        parts = [derivative(unit(3, i, 0, 0), z) + derivative(unit(3, i, 1, 1), z) for i in range(2)]
        value = np.stack(parts, axis=-1)
        return {"real": np.stack([value, 3 * value], axis=-2), "complex": value * (1 + 2j)}

    shared, alone = jax.jit(lambda x, t: (op(u, x, t), op(u, x, t[1])))(z[0, :2], z[:, 2])
    expected = reference(np.stack([np.array([*z[0, :2], t]) for t in z[:, 2]]))
    close(shared["real"], expected["real"])
    close(shared["complex"], expected["complex"])
    close(alone["real"], expected["real"][1])
    close(alone["complex"], expected["complex"][1])


def test_a_strategy_that_does_not_apply_is_refused():
    with pytest.raises(UnsupportedError, match="reverse over forward") as refused:
        oc.compile("Δu", spaces={"x": 3}, scheme=oc.Exact(strategy="reverse over forward"))
    assert '"collapsed jets"' in refused.value.hint
    with pytest.raises(UnsupportedError, match="no strategy"):
        oc.compile("Δu", spaces={"x": 3}, scheme=oc.Exact(strategy="fastest"))


def test_plans_of_every_strategy_survive_json():
    for strategy in (*NAMES, "one multi-slot jet"):
        plan = runs("u_xxy + u_t", ("x", "y", "t"), strategy).plan
        assert oc.Plan.from_json(plan.to_json()) == plan
    reverse = runs("∇Δu", {"x": 3}, "reverse over forward").plan
    assert oc.Plan.from_json(reverse.to_json()) == reverse
    irrational = runs("Δ²u", {"x": 3}, "collapsed jets").plan
    assert oc.Plan.from_json(irrational.to_json()) == irrational
