"""Entry-by-entry functions: jax.numpy, jax.lax, jax.nn and jax.scipy.special."""

from __future__ import annotations

import jax
import jax.scipy.special as special
import numpy as np
from jax import lax, nn
from jax import numpy as jnp
from taylor.coverage.cases import add, case, draw

X = draw(3)
POSITIVE = draw(3, low=0.4, high=1.9, salt=1)
UNIT = draw(3, low=-0.8, high=0.8, salt=2)
ABOVE_ONE = draw(3, low=1.3, high=2.6, salt=3)
Y = draw(3, salt=4)

BESSEL_ORDERS = 6 if jax.__version_info__ < (0, 11) else 1
"""Up to which i0 and i1 are compared: second derivatives of their traced vmap raise in JAX 0.11 itself."""

for name, function in {
    "exp": jnp.exp,
    "exp2": jnp.exp2,
    "expm1": jnp.expm1,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tan": jnp.tan,
    "sinh": jnp.sinh,
    "cosh": jnp.cosh,
    "tanh": jnp.tanh,
    "arcsinh": jnp.arcsinh,
    "arctan": jnp.arctan,
    "square": jnp.square,
    "one minus square": getattr(lax, "one_minus_square", lambda x: (1 + x) * (1 - x)),
    "negative": jnp.negative,
    "abs": jnp.abs,
    "sinc": jnp.sinc,
    "deg2rad": jnp.deg2rad,
    "cube by **": lambda x: x**3,
    "polynomial by **": lambda x: x**4 - 2 * x**2 + x,
    "nan_to_num": jnp.nan_to_num,
    "copysign": lambda x: jnp.copysign(x, -1.0),
    "rint": lambda x: x * jnp.rint(3 * x),
    "floor and ceil": lambda x: x * jnp.floor(3 * x) + jnp.ceil(2 * x),
    "round": lambda x: jnp.round(x, 1) * x,
    "sign": lambda x: jnp.sign(x) * x**2,
    "heaviside": lambda x: jnp.heaviside(x, 0.5) * x**3,
    "modf": lambda x: jnp.modf(2 * x),
    "trunc": lambda x: jnp.trunc(3 * x) * x,
    "positive": jnp.positive,
    "nextafter": lambda x: lax.nextafter(x, jnp.ones_like(x)) * x,
    "stop_gradient": lambda x: lax.stop_gradient(x) * x,
    "reciprocal square of shifted": lambda x: 1 / (2 + x) ** 2,
    "rational": lambda x: (1 + x) / (2 + x**2),
    "gaussian": lambda x: jnp.exp(-(x**2) / 2),
    "logistic of exp": lambda x: nn.sigmoid(jnp.exp(x)),
    "select by comparison": lambda x: jnp.where(x > 0, jnp.sin(x), x**2),
    "piecewise": lambda x: jnp.piecewise(x, [x < -0.3, x > 0.3], [jnp.sin, jnp.cos, lambda t: t**2]),
    "polyval": lambda x: jnp.polyval(jnp.array([1.0, -2.0, 0.5]), x),
    "unwrap": lambda x: jnp.unwrap(4 * x),
    "float_power": lambda x: jnp.float_power(2 + x, 1.5),
    "reduce_precision": lambda x: lax.reduce_precision(x, 11, 52) ** 2,
    "conj of real": lambda x: jnp.conj(x) * x,
    "real of real": lambda x: jnp.real(x) * x,
    "integer_pow negative": lambda x: lax.integer_pow(2 + x, -3),
    "interp": lambda x: jnp.interp(x, jnp.linspace(-2, 2, 5), jnp.array([0.0, 1.0, -1.0, 2.0, 0.5])),
    "cast down and up": lambda x: jnp.sin(x).astype(jnp.float64) * x,
}.items():
    # nextafter has no derivative in JAX.
    add(name, "elementwise", function, X, unsupported_from=1 if name == "nextafter" else None)

for name, function in {
    "log": jnp.log,
    "log2": jnp.log2,
    "log10": jnp.log10,
    "log1p": jnp.log1p,
    "sqrt": jnp.sqrt,
    "rsqrt": lax.rsqrt,
    "cbrt": jnp.cbrt,
    "reciprocal": jnp.reciprocal,
    "x to the x": lambda x: x**x,
    "power 2.5": lambda x: x**2.5,
    "power -1.3": lambda x: x**-1.3,
    "base 2": lambda x: 2.0**x,
    "exp of log": lambda x: jnp.exp(jnp.log(x)),
}.items():
    add(name, "elementwise", function, POSITIVE)

for name, function in {
    "arcsin": jnp.arcsin,
    "arccos": jnp.arccos,
    "arctanh": jnp.arctanh,
    "erfinv": special.erfinv,
}.items():
    add(name, "elementwise", function, UNIT)

add("arccosh", "elementwise", jnp.arccosh, ABOVE_ONE)

for name, function in {
    "add": jnp.add,
    "subtract": jnp.subtract,
    "multiply": jnp.multiply,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "hypot": jnp.hypot,
    "arctan2": jnp.arctan2,
    "logaddexp": jnp.logaddexp,
    "logaddexp2": jnp.logaddexp2,
    "fmax": jnp.fmax,
    "fmin": jnp.fmin,
    "atan2 negative": lambda x, y: jnp.arctan2(x, y - 2),
    "outer product": jnp.outer,
    "broadcast product": lambda x, y: x[:, None] * y + jnp.sin(x),
    "where": lambda x, y: jnp.where(jnp.array([True, False, True]), jnp.exp(x), jnp.exp(y)),
    "select by index": lambda x, y: lax.select_n(jnp.array([0, 2, 1]), x, y * x, y**2),
    "clip by arrays": lambda x, y: jnp.clip(x, y - 0.5, y + 0.5) ** 2,
    "square by product": lambda x, y: x * x * y,
    "lax clamp": lambda x, y: lax.clamp(jnp.asarray(-0.4, x.dtype), x * y, jnp.asarray(0.4, x.dtype)),
    "cross": jnp.cross,
    "vdot": jnp.vdot,
}.items():
    add(name, "elementwise", function, X, Y)

for name, function in {
    "divide": jnp.divide,
    "power": lambda x, y: jnp.power(y, x),
    "remainder": lambda x, y: jnp.remainder(5 * x, y),
    "fmod": lambda x, y: jnp.fmod(5 * x, y),
    "divmod": lambda x, y: jnp.divmod(5 * x, y)[1],
    "floor divide": lambda x, y: x * (5 * x // y),
    "lax rem": lambda x, y: lax.rem(7 * x, y) * x,
    "ldexp": lambda x, y: jnp.ldexp(x, 3) * y,
    "xlogy": lambda x, y: special.xlogy(x, y),
    "xlog1py": lambda x, y: special.xlog1py(x, y),
    "quotient of series": lambda x, y: jnp.sin(x) / (y + x**2),
    "constant over series": lambda x, y: 3.0 / y + x / 2.0,
    "rem by constant": lambda x, y: (4 * y % 1.3) * x,
}.items():
    add(name, "elementwise", function, X, POSITIVE)

# Powers where exponents are constants, arrays or variables, and bases change sign.
NEGATIVE = np.array([-1.3, 0.7, -0.4])
add("power with constant 2.0", "powers", lambda x: x**2.0, NEGATIVE)
add(
    "power with constant 3.0 at 0",
    "powers",
    lambda x: x**3.0,
    np.array([-1.0, 0.0, 0.5]),
    reference=lambda x: x * x * x,
)
add("power with constant 2.0 at 0", "powers", lambda x: jnp.power(x, 2.0), np.zeros(3), reference=lambda x: x * x)
add("lax.pow with integer exponent", "powers", lambda x: lax.pow(x, jnp.array([2, 3, 5])), NEGATIVE)
add(
    "power with array of exponents",
    "powers",
    lambda x: x ** jnp.array([2.0, 0.5, 3.0]),
    np.array([-1.3, 0.7, -0.4]),
    reference=lambda x: jnp.stack([x[0] * x[0], jnp.sqrt(x[1]), x[2] * x[2] * x[2]]),
)
add(
    "power with zero exponent at 0",
    "powers",
    lambda x: x ** jnp.array([0.0, 1.0, 2.0]),
    np.zeros(3),
    reference=lambda x: jnp.stack([1 + 0 * x[0], x[1], x[2] ** 2]),
)
add(
    "power of negative base to a float integer array",
    "powers",
    lambda x: x ** jnp.array([-1.0, 2.0, 4.0]),
    NEGATIVE,
    reference=lambda x: jnp.stack([1 / x[0], x[1] ** 2, x[2] ** 4]),
)
add("power with variable exponent", "powers", lambda x, y: x**y, POSITIVE, Y)
add("variable exponent of a constant base", "powers", lambda y: jnp.array([0.5, 1.7, 3.0]) ** y, Y)
add("scalar power of array", "powers", lambda x, p: x ** p[0], POSITIVE, draw(1, salt=9))
add("integer powers", "powers", lambda x: x**5 + x**-2 + x**1 + x**0, NEGATIVE)
add("square at 0", "powers", jnp.square, np.zeros(3))
add("sqrt of a shifted square", "powers", lambda x: jnp.sqrt(1e-2 + x**2), np.zeros(3))


def kummer(x):
    """Return ₁F₁(1.2; 2.3; x) = Σ (1.2)_k / (2.3)_k xᵏ/k! for |x| < 2."""
    terms = np.arange(40.0)
    ratios = (1.2 + terms[:-1]) / ((2.3 + terms[:-1]) * (1 + terms[:-1]))
    return x[:, None] ** terms @ np.concatenate([[1.0], np.cumprod(ratios)])


# The rules of these call the function again: nested `jax.jvp` evaluates it 2ⁿ times.
CHEAPER = {"poch": lambda x: jnp.exp(special.gammaln(x + 1.5) - special.gammaln(x)), "hyp1f1": kummer}

for name, function in {
    "lgamma": special.gammaln,
    "digamma": special.digamma,
    "gamma": special.gamma,
    "factorial": special.factorial,
    "polygamma 1": lambda x: special.polygamma(1, x),
    "polygamma 3": lambda x: special.polygamma(3, x),
    "zeta": lambda x: special.zeta(1.5 + x, 0.9),
    "zeta in q": lambda x: special.zeta(2.5, x + 0.3),
    "igamma in x": lambda x: special.gammainc(1.7, x),
    "igammac in x": lambda x: special.gammaincc(1.7, x),
    "betainc in x": lambda x: special.betainc(1.5, 2.5, x / 2.1),
    "entr": special.entr,
    "beta": lambda x: special.beta(x, 1.5),
    "betaln": lambda x: special.betaln(x, x + 1),
    "logit": lambda x: special.logit(x / 2),
    "rel_entr": lambda x: special.rel_entr(x, 1.3),
    "kl_div": lambda x: special.kl_div(x, 0.8),
    "poch": lambda x: special.poch(x, 1.5),
    "multigammaln": lambda x: special.multigammaln(x + 2.0, 2),
    "expi": special.expi,
    "exp1": special.exp1,
    "expn": lambda x: special.expn(2, x),
    "spence": special.spence,
    "hyp1f1": lambda x: special.hyp1f1(1.2, 2.3, x),
    "bernoulli-like logsumexp": lambda x: special.logsumexp(x, b=jnp.array([1.0, 2.0, 0.5])),
}.items():
    # The rule of E_n computes the static argument of the next E_n inside a trace: JAX has no second derivative either.
    options = {"limit": 1, "unsupported_from": 2} if name in ("exp1", "expn") else {}
    if "zeta" in name or "beta" in name or name == "expi":
        options = {"short": 1}
    if name in CHEAPER:
        options = {"short": 1, "reference": CHEAPER[name]}
    add(name, "special", function, POSITIVE, **options)

for name, function in {
    "erf": special.erf,
    "erfc": special.erfc,
    "ndtr": special.ndtr,
    "log_ndtr": special.log_ndtr,
    "expit": special.expit,
    "i0e": special.i0e,
    "i1e": special.i1e,
    "ndtri": lambda x: special.ndtri(0.5 + 0.4 * x),
    "xlogy at constant": lambda x: special.xlogy(2.0, 2 + x),
    "sici": lambda x: special.sici(2 + x),
    "fresnel": lambda x: special.fresnel(2 + x),
    "lambertw-like newton": lambda x: lax.fori_loop(
        0, 4, lambda _, w: w - (w * jnp.exp(w) - 0.3 * x - 0.5) / (jnp.exp(w) * (w + 1)), 0.3 * x + 0.4
    ),
    "sph_harm-like legendre": lambda x: 0.5 * (5 * x**3 - 3 * x) * jnp.sin(x),
    "log_softmax special": special.log_softmax,
    "softmax special": special.softmax,
    "logsumexp": special.logsumexp,
    # Not near 0: the backward recurrence divides by its argument, and derivatives of its terms cancel in a quotient.
    "bessel_jn": lambda x: special.bessel_jn(4 + x, v=2, n_iter=12),
}.items():
    add(name, "special", function, X)

for name, function in {"i0": jnp.i0, "i0 special": special.i0, "i1": special.i1}.items():
    add(name, "special", function, X, limit=BESSEL_ORDERS)

# I0(x) = Σ (x/2)^2k / (k!)²; nested jvp divides by x.
add("i0 at 0", "special", special.i0, np.zeros(3), reference=lambda x: 1 + x**2 / 4 + x**4 / 64 + x**6 / 2304)
add("i1 at 0", "special", special.i1, np.zeros(3), reference=lambda x: x / 2 + x**3 / 16 + x**5 / 384)
add("igamma in a", "special", lambda a: special.gammainc(a, 1.2), POSITIVE, unsupported_from=2, limit=1)
add("betainc in a", "special", lambda a: special.betainc(a, 1.2, 0.4), POSITIVE, unsupported_from=1)
add("polygamma in n", "special", lambda n: lax.polygamma(n, jnp.full(3, 1.5)), POSITIVE, unsupported_from=1)

for name in (
    "relu",
    "relu6",
    "sigmoid",
    "softplus",
    "sparse_plus",
    "soft_sign",
    "silu",
    "mish",
    "log_sigmoid",
    "leaky_relu",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "elu",
    "celu",
    "selu",
    "gelu",
    "glu",
    "squareplus",
    "softmax",
    "log_softmax",
    "logsumexp",
    "standardize",
    "sparse_sigmoid",
    "identity",
):
    add(f"nn.{name}", "activations", getattr(nn, name), draw(2, 4, low=-2.1, high=2.3, salt=5))
add("nn.gelu exact", "activations", lambda x: nn.gelu(x, approximate=False), X)
add("nn.relu at 0", "activations", nn.relu, np.zeros(3))
add("nn.one_hot", "activations", lambda x: nn.one_hot(jnp.argmax(x), 3) @ x**2, X)
add("softplus far out", "activations", lambda x: nn.softplus(x) + nn.sigmoid(x), np.array([-40.0, 1e-6, 40.0]))
add("prelu", "activations", lambda x, a: jnp.where(x > 0, x, a * x), X, draw(1, salt=6))
add("swiglu", "activations", lambda x, w: nn.silu(x @ w[0]) * (x @ w[1]), X, draw(2, 3, 4, salt=7))
add("maxout", "activations", lambda x, w: jnp.max((x @ w).reshape(3, 2), -1), X, draw(3, 6, salt=8))
add("softmax with mask", "activations", lambda x: nn.softmax(x, where=jnp.array([True, True, False]), axis=-1), X)
add("logsumexp of two arrays", "activations", lambda x, y: nn.logsumexp(jnp.stack([x, y]), 0), X, Y)


@case("activations", X)
def snake(x):
    return x + jnp.sin(3 * x) ** 2 / 3


@jax.custom_jvp
def redefined(x):
    return jnp.maximum(x, 0.0)


redefined.defjvp(lambda primals, tangents: (redefined(primals[0]), tangents[0] * jnp.tanh(primals[0]) * primals[0]))
add("custom_jvp with another derivative", "custom rules", redefined, X)


@jax.custom_jvp
def safe_norm(x):
    return jnp.sqrt(jnp.sum(x**2))


@safe_norm.defjvp
def _safe_norm_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return safe_norm(x), jnp.sum(x * t) / jnp.sqrt(jnp.sum(x**2) + 1e-3)


add("custom_jvp of several entries", "custom rules", safe_norm, X)
add("custom_jvp inside a network", "custom rules", lambda x, w: redefined(x @ w).sum() * safe_norm(x), X, draw(3, 4))


@jax.custom_jvp
def two_in_two_out(x, y):
    return x * y, jnp.sin(x) + y


@two_in_two_out.defjvp
def _two_jvp(primals, tangents):
    (x, y), (s, t) = primals, tangents
    return two_in_two_out(x, y), (y * s + x * t, 1.1 * jnp.cos(x) * s + t)


add("custom_jvp with two arguments and results", "custom rules", two_in_two_out, X, Y)


@jax.custom_vjp
def clipped_gradient(x):
    return jnp.sin(x) * x


clipped_gradient.defvjp(lambda x: (clipped_gradient(x), x), lambda x, g: (jnp.clip(g, -1, 1) * x,))
# Nested jvp refuses a custom_vjp; its forward derivatives are those of the function itself.
add("custom_vjp", "custom rules", clipped_gradient, X, reference=lambda x: jnp.sin(x) * x)


@jax.custom_vjp
def straight_through(x, scale):
    return jnp.tanh(x * scale) * x


straight_through.defvjp(lambda x, s: (straight_through(x, s), s), lambda s, g: (g * s, jnp.zeros_like(s)))
add("custom_vjp of two arguments", "custom rules", straight_through, X, Y, reference=lambda x, s: jnp.tanh(x * s) * x)
add("custom_jvp with nondiff argument", "custom rules", lambda x: _scaled_relu(2.5, x), X)


def _scaled(factor, x):
    return factor * jnp.maximum(x, 0)


_scaled_relu = jax.custom_jvp(_scaled, nondiff_argnums=(0,))
_scaled_relu.defjvp(lambda factor, p, t: (_scaled_relu(factor, p[0]), factor * nn.sigmoid(p[0]) * t[0]))
