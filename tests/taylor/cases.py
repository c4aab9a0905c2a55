"""One case, at least, for every primitive that has a Taylor rule: a function in which it occurs, and a point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jax.scipy import special

from opcompiler.taylor.jaxpr import ABSENT
from opcompiler.taylor.rows import rows_of

_RANDOM = np.random.default_rng(20)
X = jnp.asarray([0.31, -0.62, 0.87])
POSITIVE = jnp.asarray([0.54, 1.31, 0.92])
SMALL = jnp.asarray([0.25, -0.4, 0.1])
MATRIX = jnp.asarray(_RANDOM.normal(size=(3, 3)))
WIDE = jnp.asarray(_RANDOM.normal(size=(3, 4)))
STACK = jnp.asarray(_RANDOM.normal(size=(2, 3, 3)))


@dataclass(frozen=True, eq=False)
class Case:
    """A function of arrays, the primitive it shows, and where it is differentiated."""

    primitive: str
    function: Callable[..., Any]
    arguments: tuple[jax.Array, ...]
    note: str = ""
    reference: Callable[..., Any] | None = None
    """The same function for nested differentiation, where the function itself refuses forward mode."""

    @property
    def name(self) -> str:
        return f"{self.primitive} {self.note}".strip()


def case(primitive: str, function: Callable[..., Any], *arguments: jax.Array, note: str = "") -> Case:
    return Case(primitive, function, arguments, note)


@jax.custom_jvp
def doubled_slope(x):
    return jnp.sin(x) * x.sum()


doubled_slope.defjvp(lambda p, t: (doubled_slope(*p), jax.jvp(lambda x: jnp.cos(2 * x) * x.prod(), p, t)[1]))


@jax.custom_vjp
def own_reverse(x):
    return jnp.sin(x) ** 2


own_reverse.defvjp(lambda x: (own_reverse(x), x), lambda x, g: (g * jnp.sin(2 * x),))


@jax.custom_batching.custom_vmap
def own_batching(x):
    return jnp.sin(x) * x


own_batching.def_vmap(lambda size, batched, x: (jnp.sin(x) * x, batched[0]))


def linear_twice(x):
    return jax.custom_derivatives.linear_call(lambda _, y: 2 * y, lambda _, y: 2 * y, (), jnp.sin(x))


ELEMENTWISE = [
    case("tanh", jnp.tanh, X),
    case("logistic", jax.nn.sigmoid, X),
    case("tan", jnp.tan, X),
    case("exp", jnp.exp, X),
    case("exp2", jnp.exp2, X),
    case("expm1", jnp.expm1, X),
    case("log", jnp.log, POSITIVE),
    case("log1p", jnp.log1p, X),
    case("log2", jnp.log2, POSITIVE),
    case("sin", jnp.sin, X),
    case("cos", jnp.cos, X),
    case("sinh", jnp.sinh, X),
    case("cosh", jnp.cosh, X),
    case("sqrt", jnp.sqrt, POSITIVE),
    case("rsqrt", lax.rsqrt, POSITIVE),
    case("cbrt", jnp.cbrt, X),
    case("integer_pow", lambda x: x**5, X, note="positive"),
    case("integer_pow", lambda x: x**-3, X, note="negative"),
    case("integer_pow", lambda x: x**3, X * jnp.array([0.0, 1.0, 1.0]), note="at zero"),
    case("square", jnp.square, X),
    case("one_minus_square", lambda x: lax.one_minus_square(x), X),
    case("atan", jnp.arctan, X),
    case("asin", jnp.arcsin, SMALL),
    case("acos", jnp.arccos, SMALL),
    case("asinh", jnp.arcsinh, X),
    case("acosh", jnp.arccosh, POSITIVE + 1),
    case("atanh", jnp.arctanh, SMALL),
    case("erf", special.erf, X),
    case("erfc", special.erfc, X),
    case("erf_inv", special.erfinv, SMALL),
    case("lgamma", special.gammaln, POSITIVE),
    case("digamma", special.digamma, POSITIVE),
    case("polygamma", lambda x: special.polygamma(2, x), POSITIVE),
    case("bessel_i0e", special.i0e, POSITIVE),
    case("bessel_i1e", special.i1e, POSITIVE),
    case("igamma", lambda x: special.gammainc(1.5, x), POSITIVE),
    case("igammac", lambda x: special.gammaincc(1.5, x), POSITIVE),
    case("regularized_incomplete_beta", lambda x: special.betainc(1.5, 2.5, x), POSITIVE / 2),
]

POWERS = [
    Case("pow", lambda x: x**2.0, (X * jnp.array([0.0, 1.0, -1.0]),), "2.0 at zero and below", lambda x: x**2),
    case("pow", lambda x: x**3.0, X, note="3.0 below zero"),
    case("pow", lambda x: x**-1.5, POSITIVE, note="negative, fractional"),
    case("pow", lambda x: x ** jnp.array([2.0, 0.0, 1.0]), X, note="array of exponents"),
    case("pow", lambda x: 1.7**x, X, note="variable exponent"),
    case("pow", lambda x, y: x**y, POSITIVE, X, note="both variable"),
    case("atan2", jnp.arctan2, X, SMALL),
    case("atan2", lambda x: jnp.arctan2(x, -0.5), X, note="constant"),
    case("rem", lax.rem, X, SMALL),
]

BILINEAR = [
    case("mul", lambda x, y: x * y, X, POSITIVE),
    case("mul", lambda x, y: x[:1] * y + WIDE[:, :1] * y, X, POSITIVE, note="axes of length one"),
    case("mul", lambda x: x * x, X, note="square"),
    case("mul", lambda x: 3.0 * x * POSITIVE, X, note="constant"),
    case("div", lambda x, y: x / y, X, POSITIVE),
    case("div", lambda x: 2.0 / x, POSITIVE, note="constant over variable"),
    case("div", lambda x: x / POSITIVE, X, note="variable over constant"),
    case("dot_general", lambda a, b: a @ b, MATRIX, WIDE),
    case("dot_general", lambda a: a @ WIDE, MATRIX, note="constant right"),
    case("dot_general", lambda a: WIDE.T @ a, MATRIX, note="constant left"),
    case("dot_general", lambda a: jnp.einsum("bij,bjk->bik", a, STACK), STACK, note="batched, constant"),
    case("dot_general", lambda a, b: jnp.einsum("bij,bkj->bik", a, b), STACK, STACK + 1, note="batched"),
    case("conv_general_dilated", lambda a: jnp.convolve(a, jnp.arange(3.0)), X, note="constant kernel"),
    case("conv_general_dilated", lambda a: jnp.convolve(jnp.arange(1.0, 4.0), a), X, note="constant signal"),
    case("conv_general_dilated", jnp.convolve, X, POSITIVE),
    case("ragged_dot_general", lambda a, b: lax.ragged_dot(a, b, jnp.array([1, 2])), WIDE, STACK[:, :1].repeat(4, 1)),
]

LINEAR = [
    case("add", lambda x, y: x + y, X, POSITIVE),
    case("add", lambda x: 1.0 + x.sum() + MATRIX, X, note="scalar to matrix"),
    case("add_any", lambda x: jax.grad(lambda y: (y * jnp.sin(y)).sum())(x), X),
    case("sub", lambda x, y: x - y, X, POSITIVE),
    case("sub", lambda x: 1.0 - x, X, note="from constant"),
    case("neg", lambda x: -x, X),
    case("copy", jnp.copy, X),
    case("reduce_precision", lambda x: lax.reduce_precision(x, 11, 52), X),
    case("device_put", lambda x: jax.device_put(x, jax.devices()[0]), X),
    case("name", lambda x: checkpoint_name(x, "kept"), X),
    case("optimization_barrier", lambda x, y: lax.optimization_barrier((x, y)), X, POSITIVE),
    case("convert_element_type", lambda x: x.astype(jnp.complex128) * 1j, X),
    case("real", lambda x: jnp.real((x + 1j) ** 3), X),
    case("imag", lambda x: jnp.imag((x + 1j) ** 3), X),
    case("conj", lambda x: jnp.conj((x + 1j) ** 3), X),
    case("complex", lambda x, y: jnp.exp(lax.complex(x, y)), X, POSITIVE),
]

STRUCTURAL = [
    case("reshape", lambda a: a.reshape(4, 3), WIDE),
    case("squeeze", lambda a: lax.squeeze(a, (1,)), WIDE[:, None]),
    case("broadcast_in_dim", lambda x: jnp.broadcast_to(x[:, None], (3, 2)), X),
    case("transpose", lambda a: a.T, WIDE),
    case("slice", lambda a: a[1:, ::2], WIDE),
    case("rev", lambda a: a[::-1], WIDE),
    case("split", lambda a: jnp.split(a, 2, axis=1), WIDE),
    case("concatenate", lambda x, y: jnp.concatenate([x, jnp.ones(2), y]), X, POSITIVE),
    case("stack", lambda x, y: jnp.stack([x, jnp.ones(3), y], axis=1), X, POSITIVE),
    case("unstack", lambda a: lax.unstack(a, axis=1), WIDE),
    case("tile", lambda x: jnp.tile(x, 3), X),
]

INDEXING = [
    case("gather", lambda a: a[jnp.array([2, 0]), jnp.array([1, 3])], WIDE),
    case("rows", lambda a: rows_of(a, np.array([2, 0, 2, 1])), WIDE),
    case("dynamic_slice", lambda a: lax.dynamic_slice(a, (1, 0), (2, 3)), WIDE),
    case("dynamic_update_slice", lambda a, x: lax.dynamic_update_slice(a, x[None], (1, 0)), WIDE, X),
    case("pad", lambda a: jnp.pad(a, ((1, 0), (0, 2)), constant_values=3.0), WIDE),
    case("scatter", lambda a, x: a.at[jnp.array([1, 1, 0])].set(x), POSITIVE, X),
    case("scatter-add", lambda a, x: a.at[jnp.array([1, 1, 0])].add(x), POSITIVE, X),
    case("scatter-sub", lambda a, x: a.at[jnp.array([1, 1, 0])].subtract(x), POSITIVE, X),
    case("scatter-max", lambda a, x: a.at[jnp.array([2, 1, 0])].max(x), POSITIVE - 0.8, X),
    case("scatter-min", lambda a, x: a.at[jnp.array([2, 1, 0])].min(x), POSITIVE - 0.8, X),
    case("scatter-mul", lambda a, x: a.at[jnp.array([2, 0])].multiply(x[:2], unique_indices=True), POSITIVE, X),
    case("fft", lambda x: jnp.fft.fft(x), X),
    case("reduce_window_sum", lambda a: lax.reduce_window(a, 0.0, lax.add, (2, 2), (1, 1), "VALID"), WIDE),
]

PIECEWISE = [
    case("max", jnp.maximum, X, SMALL),
    case("max", lambda x: jnp.maximum(x, 0.1), X, note="constant"),
    case("max", lambda x: jnp.maximum(x, 0.0), jnp.array([0.0, 1.0, -1.0]), note="tie"),
    case("min", jnp.minimum, X, SMALL),
    case("clamp", lambda x: lax.clamp(-0.2, x, 0.5), X),
    case("clamp", lax.clamp, SMALL, X, SMALL + 0.3, note="variable bounds"),
    case("abs", jnp.abs, X),
    case("abs", lambda x: jnp.abs(jnp.exp(1j * x) * x), X, note="complex"),
    case("select_n", lambda x: jnp.where(x > 0, x**2, jnp.sin(x)), X),
    case("select_n", lambda x: lax.select_n(jnp.array([2, 0, 1]), x, x**2, jnp.ones(3)), X, note="three cases"),
    case("reduce_max", lambda a: a.max(0), WIDE),
    case("reduce_min", lambda a: a.min(), WIDE),
    case("sort", lambda a: jnp.sort(a, axis=0), WIDE),
    case("sort", lambda x, y: lax.sort((x, y), num_keys=1), X, POSITIVE, note="with a companion"),
    case("approx_top_k", lambda x: lax.approx_max_k(x, 2)[0], X),
    case("top_k", lambda a: lax.top_k(a, 2), WIDE),
    case("cummax", lambda a: lax.cummax(a, 1, reverse=True), WIDE),
    case("cummin", lambda a: lax.cummin(a, 1), WIDE),
    case("reduce_window_max", lambda a: lax.reduce_window(a, -jnp.inf, lax.max, (2, 2), (1, 1), "VALID"), WIDE),
    case("reduce_window_min", lambda a: lax.reduce_window(a, jnp.inf, lax.min, (2, 2), (1, 1), "VALID"), WIDE),
    case(
        "select_and_gather_add",
        lambda a: jax.jvp(lambda b: lax.reduce_window(b, -jnp.inf, lax.max, (2, 2), (1, 1), "VALID"), (WIDE,), (a,))[1],
        WIDE + 1,
    ),
    case(
        "select_and_scatter_add",
        lambda a: jax.grad(lambda b: (lax.reduce_window(b, -jnp.inf, lax.max, (2, 2), (1, 1), "VALID") ** 2).sum())(a),
        WIDE,
    ),
]

REDUCTIONS = [
    case("reduce", lambda a: lax.reduce(a, 1.0, lambda x, y: x * y, (1,)), WIDE),
    case("reduce_window", lambda x: lax.reduce_window(x, 1.0, lambda a, b: a * b + 0 * a, (2,), (1,), "VALID"), X),
    case("reduce_sum", lambda a: a.sum(1), WIDE),
    case("cumsum", lambda a: jnp.cumsum(a, 1), WIDE),
    case("cumsum", lambda a: lax.cumsum(a, 0, reverse=True), WIDE, note="reverse"),
    case("reduce_prod", lambda a: a.prod(1), WIDE),
    case("reduce_prod", lambda a: a.prod(), X * jnp.array([0.0, 1.0, 1.0]), note="with a zero"),
    case("cumprod", lambda a: jnp.cumprod(a, 1), WIDE),
    case("cumlogsumexp", lambda x: lax.cumlogsumexp(x), X),
]

CONTROL_FLOW = [
    case("jit", jax.jit(lambda x: jnp.sin(x) * x), X),
    case("custom_vmap_call", own_batching, X),
    Case("linear_call", linear_twice, (X,), reference=lambda x: 2 * jnp.sin(x)),
    case("remat2", jax.checkpoint(lambda x: jnp.sin(x) * x), X),
    case("custom_jvp_call", jax.nn.relu, X, note="relu"),
    case("custom_jvp_call", jax.nn.relu, jnp.zeros(3), note="relu at zero"),
    case("custom_jvp_call", jax.nn.softplus, X * jnp.array([0.0, 1.0, 1.0]), note="softplus"),
    case("custom_jvp_call", jnp.logaddexp, X, POSITIVE, note="logaddexp"),
    case("custom_jvp_call", doubled_slope, X, note="another slope"),
    case("custom_jvp_call", jax.nn.relu6, X * 7, note="relu6"),
    Case("custom_vjp_call", own_reverse, (X,), reference=lambda x: jnp.sin(x) ** 2),
    case("cond", lambda x: lax.cond(x.sum() > 0, lambda y: y**2, jnp.sin, x), X),
    case("cond", lambda x: lax.switch(2, [jnp.sin, jnp.cos, lambda y: jnp.ones(3)], x) * x, X, note="constant branch"),
    case("scan", lambda x, w: lax.scan(lambda c, t: (jnp.tanh(w @ c + t), c.sum()), x, MATRIX), X, MATRIX),
    case(
        "scan", lambda a: lax.scan(lambda c, t: (jnp.sin(c + t), c * t), jnp.zeros(4), a, reverse=True), WIDE, note="x"
    ),
    case("scan", lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) * x + i, jnp.ones(3)), X, note="fori"),
    case("while", lambda x: lax.while_loop(lambda c: c.sum() < 5, lambda c: c * 1.5 + c**2, x), POSITIVE),
]

SHIFTED = 3 * jnp.eye(3)
LINEAR_ALGEBRA = [
    case("cholesky", lambda a: jnp.linalg.cholesky(a @ a.T + SHIFTED), MATRIX),
    case("lu", lambda a: jnp.linalg.slogdet(a), MATRIX),
    case("triangular_solve", lambda a, b: lax.linalg.triangular_solve(a + SHIFTED, b, left_side=True), MATRIX, WIDE),
    case("custom_linear_solve", lambda a, b: jnp.linalg.solve(a + SHIFTED, b), MATRIX, X),
    case("tridiagonal_solve", lambda d, b: lax.linalg.tridiagonal_solve(SMALL, d + 3, SMALL, b), X, WIDE),
    case("eigh", lambda a: jnp.linalg.eigh(a + a.T)[0], MATRIX),
    Case("eig", lambda a: (jnp.linalg.eigvals(a) ** 3).sum(), (MATRIX,), reference=lambda a: jnp.trace(a @ a @ a) + 0j),
    case("svd", lambda a: jnp.linalg.svd(a, compute_uv=False), WIDE),
    case("qr", lambda a: jnp.linalg.qr(a), MATRIX),
]

HEAVY = (*CONTROL_FLOW, *LINEAR_ALGEBRA)
"""Large functions: third order is enough for them."""

_ALL = (
    *ELEMENTWISE, *POWERS, *BILINEAR, *LINEAR, *STRUCTURAL, *INDEXING, *PIECEWISE, *REDUCTIONS, *CONTROL_FLOW,
    *LINEAR_ALGEBRA,
)  # fmt: skip
CASES = [c for c in _ALL if c.primitive not in ABSENT]

NETWORKS = [
    case("", jax.nn.silu, X, note="silu"),
    case("", jax.nn.gelu, X, note="gelu"),
    case("", lambda x: jax.nn.gelu(x, approximate=False), X, note="exact gelu"),
    case("", jax.nn.elu, X, note="elu"),
    case("", jax.nn.leaky_relu, X, note="leaky relu"),
    case("", lambda a: jax.nn.softmax(a, axis=0), WIDE, note="softmax"),
    case("", lambda a: jax.nn.log_softmax(a), WIDE, note="log softmax"),
    case("", lambda a: jax.nn.logsumexp(a, axis=1), WIDE, note="logsumexp"),
    case("", lambda a: jax.nn.standardize(a), WIDE, note="standardize"),
    case("", jnp.linalg.norm, WIDE, note="norm"),
    case("", lambda x: jax.grad(lambda y: (jnp.tanh(y) ** 3).sum())(x), X, note="inner gradient"),
    case("", lambda x: jax.jvp(jnp.sin, (x,), (x**2,))[1], X, note="inner jvp"),
    case("", lambda x: jax.vmap(lambda y: jnp.outer(y, x).sum() * y)(MATRIX), X, note="inner vmap"),
    case("", lambda a: jax.lax.map(lambda r: jnp.tanh(r).sum(), a), WIDE, note="map"),
    case("", lambda a: lax.associative_scan(jnp.multiply, a), WIDE, note="associative scan"),
    case("", lambda x: {"value": (x, jnp.arange(3)), "none": None}, X, note="pytree"),
]

WITHOUT_DERIVATIVE = [
    case("stop_gradient", lambda x: x * lax.stop_gradient(x), X),
    case("eq", lambda x: x * (x == X), X),
    case("ne", lambda x: x * (x != X), X),
    case("lt", lambda x: x * (x < 0), X),
    case("le", lambda x: x * (x <= 0), X),
    case("gt", lambda x: x * (x > 0), X),
    case("ge", lambda x: x * (x >= 0), X),
    case("is_finite", lambda x: x * jnp.isfinite(x), X),
    case("sign", lambda x: x * jnp.sign(x), X),
    case("floor", lambda x: x * jnp.floor(3 * x), X),
    case("ceil", lambda x: x * jnp.ceil(3 * x), X),
    case("round", lambda x: x * jnp.round(3 * x), X),
    case("argmax", lambda x: x[jnp.argmax(x)] ** 2, X),
    case("argmin", lambda x: x[jnp.argmin(x)] ** 2, X),
]
