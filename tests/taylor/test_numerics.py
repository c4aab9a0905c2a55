"""Values, dtypes and extreme arguments."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import oracles
import pytest
from taylor import algebras
from taylor.cases import CASES, HEAVY, NETWORKS, POSITIVE, WIDE, X, case
from taylor.checks import assert_agrees, jets

from opcompiler.errors import LimitError, ShapeError
from opcompiler.taylor import OneHot, evaluate, forward_laplacian, variable
from opcompiler.taylor.laplacian import laplacian_algebra

SMOOTH = [
    ("tanh", jnp.tanh), ("logistic", jax.nn.sigmoid), ("softplus", jax.nn.softplus), ("silu", jax.nn.silu),
    ("gelu", jax.nn.gelu), ("sin", jnp.sin), ("erf", jax.scipy.special.erf), ("asinh", jnp.arcsinh),
    ("square", lambda x: x**2.0), ("cube", lambda x: x**3.0), ("integer powers", lambda x: x**2 * x**5),
    ("sinc", jnp.sinc), ("atan", jnp.arctan), ("erfc", jax.scipy.special.erfc), ("log_sigmoid", jax.nn.log_sigmoid),
]  # fmt: skip
EXTREME = jnp.asarray([0.0, 1e-6, -1e-4, 40.0, -40.0, -1e4], jnp.float32)


@pytest.mark.parametrize(("name", "function"), SMOOTH, ids=[n for n, _ in SMOOTH])
def test_extreme_arguments_in_single_precision_stay_finite(name, function):
    example = algebras.univariate(4)
    jet = evaluate(function, [variable(EXTREME, example.algebra, {1: jnp.ones_like(EXTREME)})], example.algebra)
    for k in range(1, 5):
        assert jet.coefficient(k).dtype == jnp.float32
        moderate = jnp.abs(EXTREME) < 100 if name in ("cube", "integer powers") else jnp.full(EXTREME.shape, True)
        assert jnp.isfinite(jet.coefficient(k)[moderate]).all(), (name, k)


@pytest.mark.parametrize("function", [jnp.tanh, jax.nn.sigmoid, jax.nn.softplus, jnp.log1p, jnp.expm1, jnp.arctan])
def test_single_precision_is_as_good_as_nested_differentiation(function):
    example = algebras.univariate(4)
    points = np.linspace(-0.9, 6.0, 200)

    def derivatives(x):
        jet = evaluate(function, [variable(x, example.algebra, {1: jnp.ones_like(x)})], example.algebra)
        return [np.asarray(jet.coefficient(k), np.float64) for k in range(1, 5)]

    def nested(x):
        result, f = [], lambda y: function(y)
        for _ in range(4):
            f = lambda y, g=f: jax.jvp(g, (y,), (jnp.ones_like(y),))[1]
            result.append(np.asarray(f(x), np.float64))
        return result

    exact = nested(jnp.asarray(points))
    for ours, theirs, true in zip(
        derivatives(jnp.asarray(points, jnp.float32)), nested(jnp.asarray(points, jnp.float32)), exact, strict=True
    ):
        scale = np.abs(true).max()
        rounding = np.finfo(np.float32).eps * scale
        assert np.abs(ours - true).max() <= max(2 * np.abs(theirs - true).max(), 8 * rounding)


@pytest.mark.parametrize("nu", [0, 1])
def test_scaled_bessel_functions_lose_no_digits_anywhere(nu):
    """Of the fourth derivative, where sums of Bessel functions keep one digit at 20 and none at 100."""
    example, function = algebras.univariate(4), (jax.scipy.special.i0e, jax.scipy.special.i1e)[nu]
    points = jnp.asarray([1e-6, 0.1, -0.4, 2.0, -7.0, 8.1, -20.0, 99.0, 101.0, 1e4], jnp.float32)
    jet = evaluate(function, [variable(points, example.algebra, {1: jnp.ones_like(points)})], example.algebra)
    with mpmath.workdps(60):
        of = lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(nu, x)
        exact = [float(mpmath.diff(of, mpmath.mpf(float(x)), 4, h=mpmath.mpf(10) ** -9)) for x in points]
    np.testing.assert_allclose(np.asarray(jet.coefficient(4), np.float64), exact, rtol=2e-6)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
def test_dtypes_are_those_of_the_function(dtype):
    u = lambda x: jnp.tanh(x @ WIDE.astype(dtype)).sum(-1) * 2 + jax.nn.softmax(x).max(-1)
    algebra = laplacian_algebra(3)
    x = jnp.ones((5, 3), dtype)
    jet = evaluate(u, [variable(x, algebra, {1: OneHot(((0, 0, 3),))})], algebra)
    assert [jet.coefficient(k).dtype for k in range(3)] == [jnp.dtype(dtype)] * 3
    np.testing.assert_array_equal(jet.primal, u(x))


@pytest.mark.parametrize("case", [c for c in CASES if c not in HEAVY][::6] + NETWORKS[::2], ids=lambda c: c.name)
def test_strict_promotion(case):
    """A user may forbid implicit promotion of ranks and dtypes."""
    example = algebras.laplacian(2)
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        seeded = jets(example, [x.astype(jnp.float32) for x in case.arguments])[1]
        try:
            case.function(*(s.primal for s in seeded))
        except (ValueError, TypeError, jax.dtypes.TypePromotionError):
            return  # the function itself promotes
        evaluate(case.function, seeded, example.algebra)


def test_the_value_is_the_functions_own():
    u = oracles.attention_block(jax.random.key(0), 4, dtype=jnp.float32)
    x = jax.random.normal(jax.random.key(1), (4,), jnp.float32)
    found, expected = jax.jit(lambda x: (forward_laplacian(u)(x).value, u(x)))(x)
    np.testing.assert_allclose(found, expected, rtol=3e-7)


def test_batch_axes_anywhere_give_the_same_as_vmap():
    u = oracles.attention_block(jax.random.key(0), 4)
    xs = jax.random.normal(jax.random.key(1), (3, 4))
    algebra = laplacian_algebra(4)
    seeds = {1: OneHot(((0, 0, 4),))}
    laplacian = lambda u, x: evaluate(u, [variable(x, algebra, seeds)], algebra).coefficient(2)
    native = jax.jit(lambda xs: laplacian(jax.vmap(u), xs))(xs)
    mapped = jax.jit(jax.vmap(lambda x: laplacian(u, x)))(xs)
    np.testing.assert_allclose(native, mapped, rtol=1e-12)
    np.testing.assert_allclose(mapped, jax.jit(jax.vmap(oracles.laplacian(u)))(xs), rtol=1e-10)


def test_gradients_with_respect_to_parameters():
    """Reverse mode through `evaluate` equals reverse mode through nested forward differentiation."""
    keys = jax.random.split(jax.random.key(0), 3)
    sizes = [(3, 5), (5, 5), (5,)]
    weights = [jax.random.normal(k, s) for k, s in zip(keys, sizes, strict=True)]
    xs = jax.random.normal(jax.random.key(7), (4, 3))

    def u(weights, x):
        h = jnp.tanh(x @ weights[0])
        h = jax.nn.gelu(h @ weights[1]) + jnp.sqrt(1 + h**2)
        return h @ weights[2]

    def ours(weights):
        result = jax.vmap(forward_laplacian(lambda x: u(weights, x)))(xs)
        return (result.laplacian**2).sum() + jnp.sin(result.jacobian).sum()

    def nested(weights):
        f = lambda x: u(weights, x)
        return (jax.vmap(oracles.laplacian(f))(xs) ** 2).sum() + jnp.sin(jax.vmap(jax.grad(f))(xs)).sum()

    for a, b in zip(jax.jit(jax.grad(ours))(weights), jax.jit(jax.grad(nested))(weights), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_inside_jit_vmap_grad_and_scan():
    algebra = laplacian_algebra(3)

    def laplacian(scale, x):
        seeds = {1: OneHot(((0, 0, 3),))}
        return evaluate(lambda y: jnp.tanh(scale * y).prod(), [variable(x, algebra, seeds)], algebra).coefficient(2)

    exact = lambda scale, x: oracles.laplacian(lambda y: jnp.tanh(scale * y).prod())(x)
    scales = jnp.linspace(0.5, 1.5, 4)
    mapped = jax.jit(jax.vmap(laplacian, in_axes=(0, None)))(scales, X)
    np.testing.assert_allclose(mapped, jax.vmap(exact, in_axes=(0, None))(scales, X), rtol=1e-10)
    np.testing.assert_allclose(jax.grad(laplacian)(0.7, X), jax.grad(exact)(0.7, X), rtol=1e-10)
    scanned = jax.lax.scan(lambda c, s: (c, laplacian(s, X)), 0.0, scales)[1]
    np.testing.assert_allclose(scanned, mapped, rtol=1e-12)


def test_checkpoint_keeps_coefficients_out_of_the_reverse_pass():
    u = lambda w, x: jax.checkpoint(lambda y: jnp.tanh(y @ w))(jnp.tanh(x @ w)).sum()
    w = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3)))
    value = lambda w: forward_laplacian(lambda x: u(w, x))(X).laplacian
    exact = lambda w: oracles.laplacian(lambda x: u(w, x))(X)
    np.testing.assert_allclose(jax.grad(value)(w), jax.grad(exact)(w), rtol=1e-9)
    assert "remat" in str(jax.make_jaxpr(value)(w)) or "checkpoint" in str(jax.make_jaxpr(value)(w))


def test_scalars_of_the_table():
    from opcompiler.ir.algebra import Algebra, Element, Term
    from opcompiler.ir.coefficient import Coefficient

    algebra = Algebra(
        (Element("1", 0), Element("x", 1), Element("s·xx", 2)), (), (Term(1, 1, 2, Coefficient.scalar(0) * 2),)
    )

    def value(s):
        return evaluate(jnp.sin, [variable(X, algebra, {1: 1.0})], algebra, scalars=(s,)).coefficient(2)

    np.testing.assert_allclose(jax.jit(value)(0.3), -0.3 * jnp.sin(X), rtol=1e-14)
    np.testing.assert_allclose(jax.jacfwd(value)(0.3), -jnp.sin(X), rtol=1e-14)
    with pytest.raises(ShapeError, match="needs scalar s0"):
        evaluate(jnp.sin, [variable(X, algebra, {1: 1.0})], algebra)


def test_seeds_that_do_not_fit_are_refused():
    algebra = laplacian_algebra(3)
    with pytest.raises(ShapeError, match="run"):
        variable(X, algebra, {1: OneHot(((0, 1, 3),))})
    with pytest.raises(ShapeError, match="does not fit"):
        variable(X, algebra, {2: jnp.ones(4)})
    with pytest.raises(ShapeError, match="no nilpotent element"):
        variable(X, algebra, {3: 1.0})
    with pytest.raises(ShapeError, match="coefficients"):
        evaluate(jnp.sin, [variable(X, algebra, {})], algebras.univariate(4).algebra)


def test_a_seed_too_large_to_be_written_out_is_refused():
    algebra = laplacian_algebra(10**5)
    x = jnp.ones((10**5,), jnp.float32)
    with pytest.raises(LimitError, match="coordinate directions"):
        jax.eval_shape(lambda x: evaluate(jnp.sort, [variable(x, algebra, {1: OneHot(((0, 0, 10**5),))})], algebra), x)


SEEDED = [
    case("", lambda x: jnp.concatenate([x[1:], x[:1]]) @ WIDE, POSITIVE, note="roll"),
    case(
        "",
        lambda x: (x.reshape(3, 1).T[0, ::-1] * jnp.arange(3.0)) @ WIDE,
        POSITIVE,
        note="reshape, transpose, reverse",
    ),
    case("", lambda x: jnp.stack([x[2], jnp.sin(x[0]), x[1] ** 2]) @ WIDE, POSITIVE, note="indexing and stacking"),
    case("", lambda x: jnp.exp((x**2).sum()) * jnp.tanh(x * 2.0).sum() * x, POSITIVE, note="sums of functions"),
    case("", lambda x: (x * (x @ WIDE).sum()).sum() + (1.0 - x @ x) * x.prod(), POSITIVE, note="radial factors"),
    case(
        "",
        lambda x: jnp.where(x > 1, x, -x).astype(jnp.float64).max() + jnp.pad(x, 1).sum(),
        POSITIVE,
        note="written out",
    ),
    case("", lambda x: (x[:, None] - x[None]) ** 2, POSITIVE, note="pairs"),
    case("", lambda x: jnp.split(x, 3)[1] * jnp.squeeze(x[None]) / (1 + x), POSITIVE, note="split, divide"),
    case("", lambda x: WIDE.T @ (x - 1.0) + (2.0 - x) @ WIDE, POSITIVE, note="constants on either side"),
    case(
        "", lambda x: x[:1] * x + x / x[1:2] - jnp.maximum(x[2:], x) + x ** x[:1], POSITIVE, note="axes of length one"
    ),
    case(
        "",
        lambda x: jnp.arctan2(x[:1], x) + jnp.clip(x, x[:1], 1.1) + (x[0] * WIDE).sum(),
        POSITIVE,
        note="more of them",
    ),
    case("", lambda x: jnp.broadcast_to(x, (2, 3)) @ WIDE, POSITIVE, note="broadcast"),
    case("", lambda x: jnp.einsum("i,j,ij->", x, x, WIDE[:, :3]), POSITIVE, note="quadratic form"),
]


@pytest.mark.parametrize("case", SEEDED, ids=lambda c: c.name)
@pytest.mark.parametrize(("weights", "batched"), [(None, True), ((1, 2, 3), False)])
def test_symbolic_coordinate_seeds_equal_written_out_ones(case, weights, batched):
    example = algebras.laplacian(3, weights)
    function = jax.vmap(case.function) if batched else case.function
    x = jnp.stack([case.arguments[0], case.arguments[0] + 0.3]) if batched else case.arguments[0]
    eye = jnp.eye(3)[:, None] if batched else jnp.eye(3)
    symbolic = evaluate(function, [variable(x, example.algebra, {1: OneHot(((0, 0, 3),))})], example.algebra)
    dense = evaluate(function, [variable(x, example.algebra, {1: eye})], example.algebra)
    for k in range(3):
        np.testing.assert_allclose(symbolic.coefficient(k), dense.coefficient(k), rtol=1e-12, atol=1e-13)


def test_seeds_of_several_arguments_join():
    algebra = laplacian_algebra(4)
    u = lambda x, t: jnp.tanh(jnp.concatenate([x, t[None]]) @ jnp.ones((4, 2))).sum() + jnp.stack([t, x[0]]).prod()
    x, t = variable(X, algebra, {1: OneHot(((0, 0, 3),))}), variable(0.3, algebra, {1: OneHot(((3, 0, 1),), 1.0, 0)})
    jet = evaluate(u, (x, t), algebra)
    flat = jnp.append(X, 0.3)
    f = lambda z: u(z[:3], z[3])
    np.testing.assert_allclose(jet.coefficient(1), jax.grad(f)(flat), rtol=1e-12)
    np.testing.assert_allclose(jet.coefficient(2), oracles.laplacian(f)(flat), rtol=1e-12)


def test_single_elements_take_symbolic_seeds_too():
    example = algebras.mixed(1, 1)
    u = lambda x: jnp.tanh(x @ WIDE).sum() + x.prod() + x[0] * x[1]
    number = {e.label: k for k, e in enumerate(example.algebra.elements)}
    first, second = number["(((1, 0), 1),)"], number["(((0, 1), 1),)"]
    seeds = {first: OneHot(((0, 0, 1),)), second: OneHot(((0, 2, 1),))}
    jet = evaluate(u, [variable(X, example.algebra, seeds)], example.algebra)
    np.testing.assert_allclose(jet.coefficient(3), oracles.partial(u, [(0, 1), (2, 1)])(X), rtol=1e-12)


def test_pytrees_go_in_and_come_out():
    example = algebras.univariate(2)
    surf, (x, y) = jets(example, [X, POSITIVE])
    result = evaluate(
        lambda tree, n: {"sum": tree["x"] + tree["y"][0], "n": n}, ({"x": x, "y": [y]}, 3), example.algebra
    )
    np.testing.assert_allclose(result["sum"].coefficient(2), surf.seeds(0)[2] + surf.seeds(1)[2])
    assert result["n"].coefficients == (None, None)
    assert_agrees(lambda x, y: [x * y, (x, None)], (X, POSITIVE), example)
