"""Control flow, calls, nested differentiation, and networks as people write them."""

from __future__ import annotations

import equinox as eqx
import jax
import numpy as np
import optax
from flax import linen, nnx
from jax import lax, nn
from jax import numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from taylor.coverage.cases import Fixed, add, case, draw

X = draw(3, salt=21)
W = draw(3, 4, salt=22)
U = draw(4, 4, salt=23, low=-0.6, high=0.6)
READ = draw(4, salt=24)
SEQUENCE = draw(4, 3, salt=25)


@jax.custom_batching.custom_vmap
def batched_by_hand(x):
    return jnp.sin(x) * x


batched_by_hand.def_vmap(lambda size, batched, x: (jnp.sin(x) * x, True))

# control flow -------------------------------------------------------------------------------------------------------

for name, function in {
    "scan over a sequence": lambda x: lax.scan(lambda c, v: (jnp.sin(c) + v * c, c**2), x[0], x),
    "scan reversed": lambda x: lax.scan(lambda c, v: (c * v, c + v), x[0], x, reverse=True),
    "scan without inputs": lambda x: lax.scan(lambda c, _: (jnp.cos(c) * x[1], None), x[0], None, length=3)[0],
    "scan with constant carry": lambda x: lax.scan(lambda c, v: (c + 1.0, c * v**2), 0.0, x),
    "scan with integer carry": lambda x: lax.scan(lambda c, v: ((c[0] + 1, c[1] * v + c[0]), c[1]), (0, x[0]), x),
    "scan of scans": lambda x: lax.scan(lambda c, v: lax.scan(lambda d, w: (d * jnp.sin(w), d), c * v, x), x[0], x)[0],
    "scan that swaps its carry": lambda x: lax.scan(lambda c, v: ((c[1], c[0] * v), None), (x[0], 1.0), x)[0],
    "scan unrolled": lambda x: lax.scan(lambda c, v: (c * v + v, c), x[0], x, unroll=2),
    "scan of length zero": lambda x: lax.scan(lambda c, v: (c * v, c), x[0] ** 2, x[:0])[0],
    "fori loop": lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) * x[i], x[0]),
    "fori loop with dynamic bound": lambda x: lax.fori_loop(0, jnp.sum(x > -2), lambda i, c: jnp.sin(c) + x[1], x[0]),
    "while loop": lambda x: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x[0] + x[1]), (0, x[2]))[1],
    "while on a value": lambda x: lax.while_loop(
        lambda c: jnp.sum(jnp.abs(c)) > 0.4, lambda c: 0.5 * c * jnp.cos(c), x
    ),
    "cond": lambda x: lax.cond(x[0] > 5, jnp.sin, lambda v: v**2, x),
    "cond with one constant branch": lambda x: lax.cond(x[0] < 5, lambda v: v * v, jnp.ones_like, x),
    "switch": lambda x: lax.switch(jnp.argmax(x), [jnp.sin, jnp.cos, jnp.exp], x),
    "map": lambda x: lax.map(lambda v: jnp.tanh(v) * x[0], x),
    "associative scan of products": lambda x: lax.associative_scan(jnp.multiply, x),
    "associative scan of affine maps": lambda x: lax.associative_scan(
        lambda p, q: (p[0] * q[0], p[1] * q[0] + q[1]), (x, x**2)
    ),
    "cond inside scan": lambda x: lax.scan(lambda c, v: (lax.cond(v > 0, jnp.sin, lambda t: t * v, c), c), x[0], x),
    "jit": jax.jit(lambda x: jnp.sin(x) * x),
    "nested jit": jax.jit(lambda x: jax.jit(jnp.tanh)(x) * jax.jit(lambda v: v**2)(x)),
    "checkpoint": jax.checkpoint(lambda x: jnp.sin(jnp.exp(x))),
    "checkpoint in scan": lambda x: lax.scan(jax.checkpoint(lambda c, v: (jnp.sin(c * v), c)), x[0], x),
    "vmap inside": lambda x: jax.vmap(lambda a: a * x)(x),
    "vmap of cond": lambda x: jax.vmap(lambda a: lax.cond(a > 0, jnp.sin, jnp.exp, a))(x),
    "vmap of while": lambda x: jax.vmap(
        lambda a: lax.while_loop(lambda c: jnp.abs(c) > 0.3, lambda c: c * 0.5 * jnp.cos(c), a)
    )(x),
    "vmap of scan": lambda x: jax.vmap(lambda a: lax.scan(lambda c, v: (c * v + a, c), a, x)[0])(x),
    "checkpoint_name": lambda x: checkpoint_name(jnp.sin(x), "wave") ** 2,
    "named_call": jax.named_call(lambda x: jnp.sin(x) ** 2, name="wave"),
    "closure over constants": lambda x: x * jnp.arange(3.0) @ jnp.ones((3, 2)),
    "python branch": lambda x: sum(v**k for k, v in enumerate(x)),
    "optimization_barrier": lambda x: lax.optimization_barrier((jnp.sin(x), x**2)),
    "pure derivative of scan": lambda x: jax.grad(lambda y: lax.scan(lambda c, v: (c * jnp.sin(v), None), 1.0, y)[0])(
        x
    ),
    "debug print": lambda x: (jax.debug.callback(lambda _: None, x[0]), x**2)[1],
    "linear_call": lambda x: jax.custom_derivatives.linear_call(lambda r, v: v * r, lambda r, t: t * r, 2.0, x**2),
    "custom_vmap": lambda x: batched_by_hand(x) * x,
}.items():
    # The reference runs without jit, where scans have at least one step, and over a batch of curves.
    reference = {
        "scan of length zero": lambda x: x[0] ** 2,
        "linear_call": lambda x: 2 * x**2,
    }.get(name)
    add(name, "control flow", function, X, reference=reference)

# nested differentiation ---------------------------------------------------------------------------------------------


def potential(x):
    return jnp.sum(jnp.sin(x) ** 2) * x[0] + jnp.prod(x)


for name, function in {
    "grad inside": jax.grad(potential),
    "jvp inside": lambda x: jax.jvp(potential, (x,), (x**2,)),
    "hessian inside": jax.hessian(potential),
    "jacfwd inside": jax.jacfwd(lambda x: jnp.outer(x, jnp.sin(x))),
    "jacrev inside": jax.jacrev(lambda x: jnp.tanh(x) * x[0]),
    "vjp inside": lambda x: jax.vjp(lambda y: jnp.exp(y) * y[1], x)[1](x**2)[0],
    "linearize inside": lambda x: jax.linearize(potential, x)[1](jnp.ones_like(x)),
    "laplacian inside": lambda x: jnp.trace(jax.hessian(potential)(x)),
    "value_and_grad inside": jax.value_and_grad(potential),
    "gradient of relu": jax.grad(lambda x: jnp.sum(nn.relu(x) ** 3)),
    "gradient of a norm": jax.grad(lambda x: jnp.linalg.norm(x) ** 3),
    "gradient of softmax": jax.grad(lambda x: nn.softmax(x)[0]),
    "gradient of gather": jax.grad(lambda x: jnp.sum(x[jnp.array([0, 2, 2])] ** 3)),
    "gradient of slogdet": jax.grad(lambda x: jnp.linalg.slogdet(jnp.outer(x, x) + 2 * jnp.eye(3))[1]),
    "gradient of checkpoint": jax.grad(lambda x: jnp.sum(jax.checkpoint(jnp.sin)(x) ** 2)),
    "gradient through max": jax.grad(lambda x: jnp.max(x) ** 3 + jnp.sort(x)[1] ** 2),
    "gradient of cumprod": jax.grad(lambda x: jnp.sum(jnp.cumprod(x))),
    "lie bracket": lambda x: jax.jvp(jnp.sin, (x,), (jnp.cos(x),))[1] - jax.jvp(jnp.cos, (x,), (jnp.sin(x),))[1],
    "hamiltonian flow step": lambda x: x + 0.1 * jax.grad(lambda q: jnp.sum(jnp.cos(q)) + q[0] * q[1])(x),
    "newton step inside": lambda x: (
        x - jnp.linalg.solve(jax.hessian(potential)(x) + 9 * jnp.eye(3), jax.grad(potential)(x))
    ),
}.items():
    add(name, "nested differentiation", function, X)

# side inputs --------------------------------------------------------------------------------------------------------

add("integer side input", "side inputs", lambda x, n: x**2 * n + x[n[0]], X, Fixed(np.array([1, 0, 2])))
add(
    "boolean side input",
    "side inputs",
    lambda x, b: jnp.where(b, jnp.sin(x), x**3),
    X,
    Fixed(np.array([True, False, True])),
)
add("fixed float input", "side inputs", lambda x, p: jnp.tanh(x @ p), X, Fixed(W))
add(
    "typed random key",
    "side inputs",
    lambda x, n: jnp.sin(x) * jax.random.normal(jax.random.fold_in(jax.random.key(0), n), (3,)),
    X,
    Fixed(np.array(7)),
)
add(
    "raw random key",
    "side inputs",
    lambda x, k: x**2 * nn.sigmoid(jax.random.uniform(k, (3,))),
    X,
    Fixed(np.array([0, 7], np.uint32)),
)
add(
    "dropout",
    "side inputs",
    lambda x, k: jnp.where(jax.random.bernoulli(k, 0.6, (3,)), x / 0.6, 0.0) ** 2,
    X,
    Fixed(np.array([0, 3], np.uint32)),
)
add(
    "random normal path",
    "side inputs",
    lambda x, k: x[0] + jnp.exp(x[1]) * jax.random.normal(k, (2,)),
    X,
    Fixed(np.array([0, 5], np.uint32)),
)
add(
    "random choice of entries",
    "side inputs",
    lambda x, k: x[jax.random.permutation(k, 3)] ** 2 * x,
    X,
    Fixed(np.array([0, 5], np.uint32)),
)
add(
    "pytree in and out",
    "side inputs",
    lambda t: {"a": t["x"] ** 2, "b": (jnp.sin(t["y"][0]) * t["x"], [t["y"][0]])},
    {"x": X, "y": (X**2,)},
)
add(
    "pytree with fixed leaves",
    "side inputs",
    lambda t: t["x"] * t["n"] + jnp.sin(t["x"]),
    {"x": X, "n": Fixed(np.array([3, 1, 2]))},
)
add("result that is constant", "side inputs", lambda x: (x**2, jnp.ones(2), 3.0), X)
add("result that is an integer", "side inputs", lambda x: (x**2, jnp.argmax(x), x > 0), X)
add("result that is the input", "side inputs", lambda x: (x, x), X)
add("scalar point", "side inputs", lambda t: jnp.sin(t) * t, np.array(0.4))
add("empty array", "side inputs", lambda x: (jnp.sum(x[:0] ** 2) + jnp.sin(x[0])) * x, X)
add(
    "time embedding",
    "side inputs",
    lambda t, n: jnp.concatenate([jnp.sin(t * 2.0**n), jnp.cos(t * 2.0**n)]),
    np.array(0.3),
    Fixed(np.array([0, 1, 2])),
)

# networks -----------------------------------------------------------------------------------------------------------


def layer_norm(h, axis=-1):
    centred = h - jnp.mean(h, axis, keepdims=True)
    return centred * lax.rsqrt(jnp.mean(centred**2, axis, keepdims=True) + 1e-2)


@case("networks", X, W, U, READ)
def mlp(x, w, u, r):
    return jnp.tanh(jnp.tanh(x @ w) @ u) @ r


@case("networks", X, W, U)
def residual_network(x, w, u):
    h = x @ w
    for _ in range(2):
        h = h + nn.gelu(h @ u)
    return h.mean()


@case("networks", X, W, U)
def gated_network(x, w, u):
    h = jnp.sin(x @ w)
    return (nn.sigmoid(h @ u) * jnp.tanh(h @ u.T) + (1 - nn.sigmoid(h @ u)) * h).sum()


@case("networks", X, W, U)
def modified_mlp(x, w, u):
    a, b = jnp.tanh(x @ w), jnp.tanh(x @ w[::-1])
    h = jnp.tanh(x @ w * 0.5)
    for _ in range(2):
        z = jnp.tanh(h @ u)
        h = (1 - z) * a + z * b
    return h.sum()


@case("networks", X, W, U)
def layer_normalised(x, w, u):
    return layer_norm(nn.silu(layer_norm(x @ w) @ u)) @ READ


@case("networks", X, W)
def group_normalised(x, w):
    return layer_norm((x @ w).reshape(2, 2)).ravel() ** 2 @ READ


@case("networks", SEQUENCE, W)
def batch_normalised(x, w):
    return nn.relu(layer_norm(x @ w, 0) + 0.1).sum(1)


@case("networks", X, W)
def rms_normalised(x, w):
    h = x @ w
    return h / jnp.sqrt(jnp.mean(h**2) + 1e-3)


@case("networks", X, W)
def weight_normalised(x, w):
    return x @ (w / jnp.linalg.norm(w, axis=0))


@case("networks", X, draw(3, 5, salt=26))
def fourier_features(x, b):
    return jnp.concatenate([jnp.sin(x @ b), jnp.cos(x @ b)]).mean()


@case("networks", SEQUENCE, W)
def attention(x, w):
    q, k, v = x @ w, jnp.sin(x @ w), x @ w * 0.5
    return (nn.softmax(q @ k.T / 2.0) @ v).sum(0)


@case("networks", SEQUENCE, W)
def masked_attention(x, w):
    scores = jnp.where(jnp.tril(jnp.ones((4, 4), bool)), (x @ w) @ (x @ w).T, -1e9)
    return nn.softmax(scores) @ x


def attention_of_heads(x):
    """Attention of (batch, time, heads, features) to itself, in the precision of its arguments."""
    logits = jnp.einsum("btnh,bsnh->bnts", x, jnp.sin(x)) / jnp.sqrt(x.shape[-1])
    return jnp.einsum("bnts,bsnh->btnh", nn.softmax(logits), x**2)


# That of jax.nn accumulates in single precision, in which nested `jax.jvp` loses five digits at order 6.
@case("networks", draw(1, 3, 2, 4, salt=27), tolerance=1e-5, reference=attention_of_heads)
def dot_product_attention(x):
    return nn.dot_product_attention(x, jnp.sin(x), x**2)


@case("networks", SEQUENCE, W, U)
def transformer_block(x, w, u):
    h = layer_norm(x @ w)
    h = h + nn.softmax(h @ h.T) @ h
    return (h + nn.gelu(layer_norm(h) @ u)).mean(0)


@case("networks", draw(1, 4, 4, 1, salt=28), draw(2, 2, 1, 2, salt=29))
def convolutional_network(x, k):
    h = nn.relu(lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")))
    return lax.reduce_window(h, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID").mean((1, 2))


@case("networks", draw(5, 2, salt=30), draw(3, 2, 2, salt=31))
def causal_convolution(x, k):
    h = jnp.pad(x, ((2, 0), (0, 0)))
    return jnp.tanh(sum(h[i : i + 5] @ k[i] for i in range(3)))


@case("networks", SEQUENCE, W, U)
def elman_network(x, w, u):
    return lax.scan(lambda h, v: (jnp.tanh(v @ w + h @ u), h.sum()), jnp.zeros(4), x)


@case("networks", SEQUENCE, W, U)
def gru(x, w, u):
    def step(h, v):
        z, r = nn.sigmoid(v @ w + h @ u), nn.sigmoid(v @ w - h @ u)
        h = (1 - z) * h + z * jnp.tanh(v @ w + (r * h) @ u)
        return h, None

    return lax.scan(step, jnp.zeros(4), x)[0]


@case("networks", SEQUENCE, draw(7, 16, salt=32))
def lstm(x, w):
    def step(state, v):
        h, c = state
        i, f, g, o = jnp.split(jnp.concatenate([v, h]) @ w, 4)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        return (nn.sigmoid(o) * jnp.tanh(c), c), None

    return lax.scan(step, (jnp.zeros(4), jnp.zeros(4)), x)[0][0]


@case("networks", READ, draw(3, 4, 4, salt=33, low=-0.5, high=0.5))
def layers_by_scan(h, ws):
    return lax.scan(lambda h, w: (jnp.tanh(h @ w), None), h, ws)[0].sum()


@case("networks", READ, U)
def neural_ode(y, u):
    field = lambda y: jnp.tanh(y @ u)

    def step(y, _):
        k1 = field(y)
        k2 = field(y + 0.1 * k1)
        return y + 0.2 * field(y + 0.1 * k2), None

    return lax.scan(step, y, None, length=2)[0]


@case("networks", READ, U)
def deep_equilibrium(x, u):
    return lax.fori_loop(0, 4, lambda _, h: jnp.tanh(0.5 * h @ u + x), jnp.zeros(4))


@case("networks", draw(3, 2, salt=34), draw(2, 4, salt=35), draw(4, 3, salt=36))
def fermi_network(r, w, orbitals):
    h = jnp.tanh(r @ w)
    h = h + h.mean(0)
    distance = jnp.sqrt(jnp.sum((r[:, None] - r[None]) ** 2, -1) + jnp.eye(3))
    sign, log = jnp.linalg.slogdet(jnp.tanh(h) @ orbitals * jnp.exp(-jnp.sum(r**2, -1))[:, None])
    return log - jnp.sum(jnp.triu(distance, 1)), sign


@case("networks", draw(3, 2, salt=37))
def slater_jastrow(r):
    orbitals = jnp.stack([jnp.exp(-jnp.sum(r**2, -1)), r[:, 0], r[:, 1] * r[:, 0]], -1)
    pair = jnp.linalg.norm(r[:, None] - r[None] + jnp.eye(3)[..., None], axis=-1)
    return jnp.log(jnp.abs(jnp.linalg.det(orbitals))) - jnp.sum(jnp.triu(pair / (1 + pair), 1))


@case("networks", draw(2, 3, 3, salt=38))
def sum_of_determinants(m):
    sign, log = jnp.linalg.slogdet(m + 2 * jnp.eye(3))
    top = jnp.max(log)
    return jnp.log(jnp.abs(jnp.sum(sign * jnp.exp(log - top)))) + top


@case("networks", draw(4, salt=39), draw(3, 4, salt=40))
def restricted_boltzmann_machine(s, w):
    return jnp.sum(jnp.log(2 * jnp.cosh(w @ s)))


@case("networks", X, draw(5, 3, salt=41))
def radial_basis_network(x, centres):
    return jnp.exp(-jnp.sum((x - centres) ** 2, -1)).sum()


@case("networks", X, W, U)
def deep_operator_network(x, w, u):
    branch, trunk = jnp.tanh(jnp.sin(x) @ w) @ u, jnp.tanh(x @ w)
    return branch @ trunk


@case("networks", draw(8, salt=42))
def fourier_neural_operator(x):
    modes = jnp.fft.rfft(x)[:3] * jnp.array([1.0, 0.5j, -0.3])
    return nn.gelu(jnp.fft.irfft(jnp.pad(modes, (0, 2)), 8) + x)


@case("networks", X, W)
def hard_constraint(x, w):
    return (1 - jnp.sum(x**2)) * jnp.tanh(x @ w).sum()


@case("networks", X, W)
def periodic_embedding(x, w):
    return jnp.tanh(jnp.stack([jnp.cos(2 * jnp.pi * x[0]), jnp.sin(2 * jnp.pi * x[0]), x[1]]) @ w)


@case("networks", draw(3, 2, salt=43), Fixed(np.array([0, 1, 2])), Fixed(np.array([1, 2, 0])))
def graph_network(h, senders, receivers):
    messages = jnp.tanh(h[senders] - h[receivers])
    return h + jax.ops.segment_sum(messages, receivers, 3) ** 2


@case("networks", X, draw(3, 3, salt=44))
def mixture_of_experts(x, gates):
    weight, chosen = lax.top_k(nn.softmax(x @ gates), 2)
    return weight @ jnp.stack([jnp.sin(x), x**2, jnp.cos(x)])[chosen]


@case("networks", X)
def normalising_flow(x):
    scale = jnp.tanh(x[:1])
    y = x[1:] * jnp.exp(scale) + x[:1] ** 2
    return jnp.sum(-(y**2) / 2) + jnp.sum(scale)


@case("networks", X)
def kolmogorov_arnold_splines(x):
    knots = jnp.linspace(-1.5, 1.5, 6)
    return jnp.sum(jnp.maximum(x[:, None] - knots, 0) ** 3 @ jnp.array([1.0, -2.0, 0.5, 1.0, 0.3, -0.7]))


@case("networks", X)
def soliton(x):
    return 2 / jnp.cosh(x - 0.4) ** 2 + jnp.log(jnp.cosh(x))


@case("networks", {"w": [W, U], "b": [READ, READ[::-1].copy()]}, Fixed(X))
def differentiated_parameters(parameters, x):
    for w, b in zip(parameters["w"], parameters["b"], strict=True):
        x = jnp.tanh(x @ w + b)
    return x.sum()


# equinox and flax -----------------------------------------------------------------------------------------------------

_mlp = eqx.nn.MLP(3, "scalar", 4, 2, jnp.tanh, key=jax.random.key(0), dtype=jnp.float64)
_sequential = eqx.nn.Sequential(
    [
        eqx.nn.Linear(3, 4, key=jax.random.key(1), dtype=jnp.float64),
        eqx.nn.LayerNorm(4, dtype=jnp.float64),
        eqx.nn.Lambda(nn.gelu),
    ]
)
_attention = eqx.nn.MultiheadAttention(2, 4, key=jax.random.key(2), dtype=jnp.float64)
_cell = eqx.nn.GRUCell(3, 4, key=jax.random.key(3), dtype=jnp.float64)
_convolution = eqx.nn.Conv1d(2, 3, 2, key=jax.random.key(4), dtype=jnp.float64)
_pooling = eqx.nn.AvgPool1d(2, 1)


def in_precision_of(x, module):
    return jax.tree.map(lambda w: w.astype(x.dtype) if eqx.is_inexact_array(w) else w, module)


_group = eqx.nn.GroupNorm(2, 4, dtype=jnp.float64)
add("equinox MLP", "equinox", _mlp, X)
add("equinox MLP under filter_jit", "equinox", eqx.filter_jit(_mlp), X)
add("equinox Sequential", "equinox", _sequential, X)
add("equinox MultiheadAttention", "equinox", lambda x: _attention(x, x, x), draw(3, 4, salt=45))
add("equinox GRUCell", "equinox", lambda x: _cell(x, jnp.sin(jnp.ones(4) * x[0])), X)
add(
    "equinox Conv1d and pooling",
    "equinox",
    lambda x: _pooling(in_precision_of(x, _convolution)(x)),
    draw(2, 5, salt=46),
)
add("equinox GroupNorm", "equinox", _group, draw(4, 3, salt=47))


class _Linen(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.LayerNorm(param_dtype=jnp.float64)(jnp.tanh(linen.Dense(4, param_dtype=jnp.float64)(x)))
        return linen.Dense(1, param_dtype=jnp.float64)(x)[0]


_linen = _Linen()
_linen_parameters = _linen.init(jax.random.key(0), jnp.ones(3))
_nnx = nnx.Linear(3, 4, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
_nnx_norm = nnx.LayerNorm(4, param_dtype=jnp.float64, rngs=nnx.Rngs(1))
_nnx_conv = nnx.Conv(2, 3, (2,), param_dtype=jnp.float64, rngs=nnx.Rngs(2))
add("flax linen module", "flax", lambda x: _linen.apply(_linen_parameters, x), X)
add("flax nnx layers", "flax", lambda x: _nnx_norm(nn.gelu(_nnx(x))), X)
add("flax nnx convolution", "flax", lambda x: _nnx_conv(x), draw(1, 5, 2, salt=48))

_attends = linen.MultiHeadDotProductAttention(2, param_dtype=jnp.float64)
_attends_parameters = _attends.init(jax.random.key(3), jnp.ones((3, 4)))
_gates = linen.GRUCell(4, param_dtype=jnp.float64)
_gates_parameters = _gates.init(jax.random.key(4), jnp.zeros(4), jnp.ones(3))
add("flax linen attention", "flax", lambda x: _attends.apply(_attends_parameters, x, x), draw(3, 4, salt=49))
add("flax linen GRUCell", "flax", lambda x: _gates.apply(_gates_parameters, jnp.sin(jnp.ones(4) * x[0]), x)[0], X)


# parameters as optax has them ---------------------------------------------------------------------------------------


@case("optax", {"dense": {"kernel": W, "bias": READ}, "scale": (READ**2,)}, Fixed(X))
def clipped_update(parameters, x):
    """One step of gradient descent with clipped gradients, and the loss after it."""

    def loss(p):
        return jnp.sum(jnp.tanh(x @ p["dense"]["kernel"] + p["dense"]["bias"]) * p["scale"][0])

    transform = optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1))
    updates, _ = transform.update(jax.grad(loss)(parameters), transform.init(parameters), parameters)
    return loss(optax.apply_updates(parameters, updates))


add("optax losses", "optax", lambda x: (optax.huber_loss(3 * x, delta=0.7), optax.log_cosh(x), optax.l2_loss(x)), X)
