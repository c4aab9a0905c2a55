"""Operators along directions given at call, against nested differentiation in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

import opcompiler as oc
from opcompiler.ir.declarations import Runtime

DIRECTED = "run-time directions"
ALONG = oc.Exact(strategy=DIRECTED)
RNG = np.random.default_rng(7)


def normal(*shape):
    return jnp.asarray(RNG.normal(size=shape))


def field(d):
    """A function of x ∈ ℝᵈ and t that is no polynomial and has mixed derivatives."""
    w, v = normal(2, d) / d**0.5
    return lambda x, t: jnp.sin(w @ x + t) * (v @ x) ** 2 + t**2 * (w @ x)


def along(u, v):
    """v·∇u."""
    return lambda x: jax.jvp(u, (x,), (v,))[1]


def diffusion(u, sigma, x):
    """tr(σσᵀ∇²u)."""
    return jnp.sum(jax.vmap(lambda v: along(along(u, v), v)(x))(sigma.T))


def sigma_of(x):
    return jnp.stack([jnp.cos(x), x**2 + 1, jnp.ones_like(x)], axis=-1)


def close(found, wanted):
    assert_allclose(found, wanted, rtol=1e-11, atol=1e-11)


def agree(found, wanted, *arguments):
    """Compile both as one program and compare the results, part by part."""
    for one, other in zip(*jax.jit(lambda *a: (found(*a), wanted(*a)))(*arguments), strict=True):
        close(one, other)


@pytest.mark.parametrize(("d", "r"), [(4, 3), (18, 17)])
def test_a_matrix_for_all_points_and_one_per_point(d, r):
    op = oc.compile("tr(σσᵀ Hess(u))", spaces={"x": d}, parameters={"σ": Runtime((d, r))}, scheme=ALONG)
    u = (lambda inner: lambda x: inner(x, 0.3))(field(d))
    each = jax.vmap(lambda x, sigma: diffusion(u, sigma, x), in_axes=(0, 0))

    def found(x, sigma):
        own, shared = {"σ": sigma}, {"σ": sigma[0]}
        return op(u, x, parameters=shared), op(u, x, parameters=own), op(u, x[0], parameters=own)

    def wanted(x, sigma):
        repeated = lambda a: jnp.broadcast_to(a[0], a.shape)
        return each(x, repeated(sigma)), each(x, sigma), each(repeated(x), sigma)

    agree(found, wanted, normal(3, d), normal(3, d, r))


@pytest.mark.parametrize("d", [4, 18])
def test_diffusion_with_drift_and_time_and_a_nonlinear_part(d):
    declared = {
        "spaces": {"x": d, "t": None},
        "parameters": {"b": Runtime((d,)), "k": None},
        "functions": {"s(x)": oc.Function(sigma_of, (d, 3)), "c(x)": oc.Function(jnp.tanh, (d,))},
    }
    text = "u_t + ½ tr(s(x)s(x)ᵀ Hess(u)) + b·∇u + k c·∇u - k |s(x)ᵀ ∇u|² - u"
    op = oc.compile(text, scheme=ALONG, **declared)
    u, k = field(d), 0.7

    def wanted(x, t, b):
        at, sigma = (lambda x: u(x, t)), sigma_of(x)
        first = jax.vmap(lambda v: along(at, v)(x))(sigma.T)
        drift = along(at, b + k * jnp.tanh(x))(x)
        time = jax.jvp(lambda t: u(x, t), (t,), (1.0,))[1]
        return time + diffusion(at, sigma, x) / 2 + drift - k * jnp.sum(first**2) - u(x, t)

    agree(
        lambda x, t, b: (op(u, x, t, parameters={"b": b, "k": k}),),
        lambda x, t, b: (jax.vmap(wanted)(x, t, b),),
        *(normal(3, d), normal(3), normal(3, d)),
    )


def test_transformations_go_through_the_directions():
    op = oc.compile("tr(σσᵀ Hess(u))", spaces={"x": 4}, parameters={"σ": Runtime((4, 2))}, scheme=ALONG)
    inner = field(4)

    def value(scale, x, sigma):
        return op(lambda x: scale * inner(x, 0.3), x, parameters={"σ": sigma})

    def wanted(scale, x, sigma):
        return diffusion(lambda x: scale * inner(x, 0.3), sigma, x)

    def all_of(function):
        gradients = jax.grad(function, (0, 1, 2))
        return lambda x, sigma: (*gradients(1.5, x, sigma[0]), jax.vmap(function, (None, None, 0))(1.5, x, sigma))

    agree(all_of(value), all_of(wanted), normal(4), normal(3, 4, 2))


def test_directions_across_spaces_and_in_several_fields():
    op = oc.compile(
        ["(w·∇)²u + u v", "(w·∇)²v + ∂u/∂x"],
        spaces=("x", "y"),
        fields=("u", "v"),
        functions={"w(x,y)": oc.Function(lambda x, y: jnp.stack([x * y, jnp.exp(y)]), (2,))},
        scheme=ALONG,
    )
    known = {"u": lambda x, y: jnp.sin(x * y), "v": lambda x, y: x**3 * y**2}

    def squared(f, x, y):
        """(w·∇)² of a function, w differentiated as well."""

        def along_w(f):
            return lambda z: jax.jvp(f, (z,), (jnp.stack([z[0] * z[1], jnp.exp(z[1])]),))[1]

        return along_w(along_w(lambda z: f(*z)))(jnp.stack([x, y]))

    def wanted(x, y):
        u, v = known["u"](x, y), known["v"](x, y)
        rate = jax.vmap(jax.grad(known["u"]))(x, y)
        second = [jax.vmap(lambda x, y, f=f: squared(f, x, y))(x, y) for f in known.values()]
        return second[0] + u * v, second[1] + rate, second[0] + u * v, second[1] + rate

    together = oc.lower(op.plan, dict(op.functions))
    both = lambda x, y: {name: f(x, y) for name, f in known.items()}
    agree(lambda x, y: (*op(known, x, y), *together(both, x, y)), wanted, normal(3), normal(3))


def test_a_budget_counts_the_directions_and_cuts_the_points():
    declared = {"spaces": {"x": 18}, "functions": {"s(x)": oc.Function(sigma_of, (18, 3))}}
    text = "tr(s(x)s(x)ᵀ Hess(u))"
    op = oc.compile(text, scheme=oc.Exact(chunk=2, strategy=DIRECTED), **declared)
    inner = field(18)
    u, x = (lambda x: inner(x, 0.3)), normal(5, 18)
    assert op.plan_for(u, x).schedule.points == 2
    agree(lambda x: (op(u, x),), lambda x: (jax.vmap(lambda x: diffusion(u, sigma_of(x), x))(x),), x)
    assert op(u, x[:0]).shape == (0,)


def test_complex_coefficients_are_refused_with_a_way_out():
    declared = {"spaces": {"x": 3}, "functions": {"s(x)": oc.Function(lambda x: 1j * sigma_of(x), (3, 3))}}
    text, x, u = "tr(s(x)s(x)ᵀ Hess(u))", normal(3), lambda x: x[0] * x[1] * x[2]
    with pytest.raises(oc.OpCompilerError, match="no real directions"):
        oc.compile(text, scheme=ALONG, **declared)(u, x)
    plain = oc.compile(text, scheme=oc.Exact(strategy="minimal algebra"), **declared)
    agree(lambda x: (plain(u, x),), lambda x: (-diffusion(u, sigma_of(x), x),), x)


def test_no_array_of_the_program_is_larger_than_the_directions():
    d = 1000
    op = oc.compile("tr(σσᵀ Hess(u))", spaces={"x": d}, parameters={"σ": Runtime((d, 2))})
    weights = normal(3, d) / d**0.5
    u = lambda x: jnp.sum(jnp.tanh(weights @ x))
    x, sigma = normal(d), normal(d, 2)
    jaxpr = jax.make_jaxpr(lambda x, sigma: op(u, x, parameters={"σ": sigma}))(x, sigma)
    sizes = [v.aval.size for equation in jaxpr.jaxpr.eqns for v in equation.outvars if hasattr(v.aval, "size")]
    assert max(sizes) <= 4 * d
