"""Every operator of the design's table equals nested forward differentiation in float64."""

import itertools

import jax
import jax.numpy as jnp
import oracles
import pytest

import opcompiler as oc

TOLERANCE = 1e-11


def multi_index(dim, *coordinates):
    return tuple(coordinates.count(i) for i in range(dim))


def laplacian_power(dim, power, of=None):
    """The multi-index expansion of |ξ|^(2·power) over the coordinates `of`."""
    of = range(dim) if of is None else of
    terms = {}
    for chosen in itertools.product(of, repeat=power):
        alpha = multi_index(dim, *(i for c in chosen for i in (c, c)))
        terms[alpha] = terms.get(alpha, 0) + 1
    return terms


def times(terms, dim, *coordinates):
    return {
        tuple(a + b for a, b in zip(alpha, multi_index(dim, *coordinates), strict=True)): c
        for alpha, c in terms.items()
    }


def monomial(letters):
    """u_xxy and the like over exactly the coordinates that occur."""
    coordinates = tuple(sorted(set(letters)))
    alpha = multi_index(len(coordinates), *(coordinates.index(letter) for letter in letters))
    return f"u_{letters}", coordinates, {alpha: 1}


LINEAR = [
    *(monomial(letters) for letters in ("xy", "xxy", "xxyy", "xxxy", "xyz", "xxyz", "xxyyzz")),
    *(("Δu", d, laplacian_power(d, 1)) for d in (1, 3, 6)),
    *(("Δ²u", d, laplacian_power(d, 2)) for d in (2, 3, 5)),
    *(("Δ³u", d, laplacian_power(d, 3)) for d in (2, 3)),
    *(("∂_t Δ u", (d, "t"), times(laplacian_power(d + 1, 1, range(d)), d + 1, d)) for d in (2, 3)),
    ("u_xx + u_yy + u_xxyy", ("x", "y"), {(2, 0): 1, (0, 2): 1, (2, 2): 1}),
    ("u_t - 0.3Δu + 2u_x - u_y + u", ("x", "y", "t"),
     {(0, 0, 1): 1, (2, 0, 0): -0.3, (0, 2, 0): -0.3, (1, 0, 0): 2, (0, 1, 0): -1, (0, 0, 0): 1}),
    ("Δu + ∂⁴u/∂x1²∂x2²", 5, {**laplacian_power(5, 1), (2, 2, 0, 0, 0): 1}),
    ("□u", ("x", "y", "t"), {(0, 0, 2): 1, (2, 0, 0): -1, (0, 2, 0): -1}),
    ("u_xx + 3u_xy - 2u_yy", ("x", "y"), {(2, 0): 1, (1, 1): 3, (0, 2): -2}),
]  # fmt: skip


def spaces_of(shape):
    if isinstance(shape, int):
        return {"x": shape}
    if isinstance(shape[0], int):
        return {"x": shape[0], "t": None}
    return dict.fromkeys(shape)


def splitter(shape):
    """How a flat point becomes the arguments of u, and back."""
    if isinstance(shape, int):
        return (lambda z: (z,)), (lambda x: x)
    if isinstance(shape[0], int):
        return (lambda z: (z[..., :-1], z[..., -1])), (lambda x, t: jnp.concatenate([x, t[None]]))
    return (lambda z: tuple(jnp.moveaxis(z, -1, 0))), (lambda *c: jnp.stack(c))


def networks(dim):
    key = jax.random.key(dim)
    return {"mlp": oracles.tanh_mlp(key, [dim, 8, 8, 1]), "attention": oracles.attention_block(key, dim, width=4)}


def reference(function, z):
    """Evaluate the oracle operation by operation: compiling nested derivatives of order six takes minutes."""
    with jax.disable_jit():
        return function(z)


def close(actual, expected):
    scale = max(1.0, float(jnp.max(jnp.abs(jnp.asarray(expected)))))
    assert float(jnp.max(jnp.abs(jnp.asarray(actual) - jnp.asarray(expected)))) <= TOLERANCE * scale


def native_and_mapped(function, split, zs, compiled):
    """The operator on a batch, and mapped over it by `jax.vmap` where compiling that is cheap."""
    if not compiled:
        return function(split(zs)), None
    return jax.jit(lambda z: (function(split(z)), jax.vmap(lambda q: function(split(q)))(z)))(zs)


SMALL_NETWORK_ONLY = ("Δ³u 3",)
"""Ten derivatives of order six: the oracle takes a quarter of a minute on the attention block."""


def cases(operators):
    """Every operator on the small network; on the attention block those over at most three coordinates."""
    return [
        pytest.param(*what, architecture, architecture == "mlp" or order <= 2, id=f"{name}-{architecture}")
        for *what, dim, order, name in operators
        for architecture in (("mlp", "attention") if dim <= 3 and name not in SMALL_NETWORK_ONLY else ("mlp",))
    ]


@pytest.mark.parametrize(
    ("text", "shape", "terms", "architecture", "compiled"),
    cases(
        (text, shape, terms, len(next(iter(terms))), max(map(sum, terms)), f"{text} {shape}")
        for text, shape, terms in LINEAR
    ),
)
def test_linear_operators(text, shape, terms, architecture, compiled):
    op = oc.compile(text, spaces=spaces_of(shape))
    split, join = splitter(shape)
    dim = len(next(iter(terms)))
    flat = networks(dim)[architecture]
    zs = 0.7 * jax.random.normal(jax.random.key(9), (2, dim))
    function = lambda points: op(lambda *point: flat(join(*point)), *points)
    native, mapped = native_and_mapped(function, split, zs, compiled)
    close(native[0], reference(oracles.polynomial_operator(flat, terms), zs[0]))
    if mapped is not None:
        close(mapped, native)


def d(u, letters, names):
    """∂u along the coordinates called by these letters, innermost first."""
    return oracles.partial(u, [(names.index(letter), 1) for letter in letters])


def kdv_2d(u, x):
    at = lambda letters: d(u, letters, "xyt")(x)
    product = at("xy") * at("x") + at("y") * at("xx")
    return at("ty") + at("xxxy") + 3 * product - at("xx") + 2 * at("yy")


def kadomtsev_petviashvili(u, x):
    at = lambda letters: d(u, letters, "xyt")(x)
    return at("tx") + 6 * (at("x") ** 2 + u(x) * at("xx")) + at("xxxx") + 3 * at("yy")


def kuramoto_sivashinsky(u, x):
    at = lambda letters: d(u, letters, "xt")(x)
    return at("t") + at("xx") + at("xxxx") + u(x) * at("x")


def kuramoto_sivashinsky_2d(u, x):
    at = lambda letters: d(u, letters, "xyt")(x)
    bilaplacian = at("xxxx") + 2 * at("xxyy") + at("yyyy")
    return at("t") + at("xx") + at("yy") + bilaplacian + (at("x") ** 2 + at("y") ** 2) / 2


def cahn_hilliard(u, x):
    spatial = lambda f: lambda z: d(f, "xx", "xyt")(z) + d(f, "yy", "xyt")(z)
    return d(u, "t", "xyt")(x) - spatial(lambda z: u(z) ** 3 - u(z) - 0.02 * spatial(u)(z))(x)


def black_scholes(u, x):
    at = lambda letters: d(u, letters, "abct")(x)
    correlation = [[1, 0.5, 0], [0.5, 1, -0.25], [0, -0.25, 1]]
    second = sum(correlation[i][j] * at("abc"[i] + "abc"[j]) for i in range(3) for j in range(3))
    return at("t") + 0.5 * second + 0.05 * (at("a") + at("b") + at("c")) - 0.05 * u(x)


def gradient_of_laplacian(u, x):
    laplacian = oracles.laplacian(u)
    return jnp.concatenate([jax.jacfwd(laplacian)(x), laplacian(x)[None]])


def monge_ampere(u, x):
    return jnp.linalg.det(jax.jacfwd(jax.jacfwd(u))(x)) - jnp.sum(jax.jacfwd(u)(x) ** 2)


def jointly(u, x):
    laplacian = oracles.laplacian(u)
    return jnp.concatenate([oracles.laplacian(laplacian)(x)[None], laplacian(x)[None], jax.jacfwd(u)(x)])


NONLINEAR = [
    ("u_ty + u_xxxy + 3(u_y u_x)_x - u_xx + 2u_yy", ("x", "y", "t"), kdv_2d, 4),
    ("u_tx + 6(u u_x)_x + u_xxxx + 3u_yy", ("x", "y", "t"), kadomtsev_petviashvili, 4),
    ("u_t + u_xx + u_xxxx + u u_x", ("x", "t"), kuramoto_sivashinsky, 4),
    ("u_t + Δu + Δ²u + |∇u|²/2", ("x", "y", "t"), kuramoto_sivashinsky_2d, 4),
    ("u_t - Δ(u³ - u - 0.02Δu)", ("x", "y", "t"), cahn_hilliard, 4),
    (
        "u_t + ½(u_aa + u_bb + u_cc + u_ab - 0.5u_bc) + 0.05(u_a + u_b + u_c) - 0.05u",
        ("a", "b", "c", "t"),
        black_scholes,
        2,
    ),
    (["∇Δu", "Δu"], 3, gradient_of_laplacian, 3),
    (["Δ²u", "Δu", "∇u"], 3, jointly, 4),
    ("det(D²u) - |∇u|²", 3, monge_ampere, 2),
]


@pytest.mark.parametrize(
    ("text", "shape", "oracle", "architecture", "compiled"),
    cases(
        (text, shape, oracle, shape if isinstance(shape, int) else len(shape), order, oracle.__name__)
        for text, shape, oracle, order in NONLINEAR
    ),
)
def test_nonlinear_operators(text, shape, oracle, architecture, compiled):
    op = oc.compile(text, spaces=spaces_of(shape))
    split, join = splitter(shape)
    dim = shape if isinstance(shape, int) else len(shape)
    flat = networks(dim)[architecture]
    zs = 0.7 * jax.random.normal(jax.random.key(9), (2, dim))

    def function(points):
        result = op(lambda *point: flat(join(*point)), *points)
        parts = result if isinstance(result, tuple) else (result,)
        batch = points[0].ndim - (len(split(zs[0])[0].shape))
        return jnp.concatenate([part.reshape(*part.shape[:batch], -1) for part in parts], -1)

    native, mapped = native_and_mapped(function, split, zs, compiled)
    close(native[0], reference(lambda z: jnp.atleast_1d(oracle(flat, z)), zs[0]))
    if mapped is not None:
        close(mapped, native)


def vector_network(key, dim, size):
    parts = [oracles.tanh_mlp(jax.random.fold_in(key, n), [dim, 6, 6, 1]) for n in range(size)]
    return lambda z: jnp.stack([part(z) for part in parts])


def curl(jacobian):
    return jnp.stack(
        [jacobian[2, 1] - jacobian[1, 2], jacobian[0, 2] - jacobian[2, 0], jacobian[1, 0] - jacobian[0, 1]]
    )


def navier_stokes(z, v, p):
    jacobian, hessian = jax.jacfwd(v)(z), jax.jacfwd(jax.jacfwd(v))(z)
    laplacian = sum(hessian[:, i, i] for i in range(3))
    return jacobian[:, 3] + jacobian[:, :3] @ v(z) + jax.jacfwd(p)(z)[:3] - 0.01 * laplacian, jnp.trace(jacobian[:, :3])


def magnetohydrodynamics(z, v, b):
    jacobian, laplacian = {}, {}
    for name, field in (("v", v), ("b", b)):
        jacobian[name] = jax.jacfwd(field)(z)
        hessian = jax.jacfwd(jax.jacfwd(field))(z)
        laplacian[name] = sum(hessian[:, i, i] for i in range(3))
    space = {name: full[:, :3] for name, full in jacobian.items()}
    momentum = jacobian["v"][:, 3] + space["v"] @ v(z) - jnp.cross(curl(space["b"]), b(z)) - 0.1 * laplacian["v"]
    electric = lambda w: jnp.cross(v(w), b(w))
    induction = jacobian["b"][:, 3] - curl(jax.jacfwd(electric)(z)[:, :3]) - 0.3 * laplacian["b"]
    return momentum, induction


def elasticity(z, v):
    hessian = jax.jacfwd(jax.jacfwd(v))(z)
    return 1.5 * jnp.einsum("kii->k", hessian) + 4.0 * jnp.einsum("iij->j", hessian)


SYSTEMS = [
    (["v_t + (v·∇)v + ∇p - 0.01Δv", "∇·v"], {"x": 3, "t": None}, {"v": 3, "p": None}, navier_stokes, 5),
    (
        ["v_t + (v·∇)v - (∇×B)×B - 0.1Δv", "B_t - ∇×(v×B) - 0.3ΔB"],
        {"x": 3, "t": None}, {"v": 3, "B": 3}, magnetohydrodynamics, 6,
    ),
    (["1.5Δv + 4∇(∇·v)"], {"x": 3}, {"v": 3}, elasticity, 10),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "spaces", "fields", "oracle", "minimum"), SYSTEMS, ids=["ns", "mhd", "elasticity"])
def test_systems(texts, spaces, fields, oracle, minimum):
    op = oc.compile(texts, spaces=spaces, fields=fields)
    assert op.plan.certificate.minimum == minimum
    dim = 3 + ("t" in spaces)
    flat = {name: vector_network(jax.random.key(n), dim, size or 1) for n, (name, size) in enumerate(fields.items())}
    flat = {name: f if fields[name] else (lambda z, f=f: f(z)[0]) for name, f in flat.items()}
    zs = 0.7 * jax.random.normal(jax.random.key(9), (2, dim))
    split = (lambda z: (z[..., :3], z[..., 3])) if dim == 4 else (lambda z: (z,))
    join = lambda x, *t: jnp.concatenate([x, *(s[None] for s in t)])
    separate = {name: (lambda *point, f=f: f(join(*point))) for name, f in flat.items()}
    expected = reference(lambda z: oracle(z, *flat.values()), zs[0])
    expected = expected if isinstance(expected, tuple) else (expected,)
    joint = (lambda *p: tuple(f(*p) for f in separate.values())) if len(fields) > 1 else next(iter(separate.values()))
    for u in (separate, joint):
        for actual, wanted in zip(jax.jit(lambda points, u=u: op(u, *points))(split(zs)), expected, strict=True):
            close(actual[0], wanted)


@pytest.mark.parametrize("text", ["Δu - u²", "Δ²u + u u_x", "u_xxxy + u_y²"])
def test_gradients_with_respect_to_network_parameters(text):
    terms = {
        "Δu - u²": lambda u, x: oracles.laplacian(u)(x) - u(x) ** 2,
        "Δ²u + u u_x": lambda u, x: oracles.laplacian(oracles.laplacian(u))(x) + u(x) * d(u, "x", "xy")(x),
        "u_xxxy + u_y²": lambda u, x: d(u, "xxxy", "xy")(x) + d(u, "y", "xy")(x) ** 2,
    }
    op = oc.compile(text, spaces=("x", "y"))
    shapes = [(2, 6), (6,), (6, 6), (6,), (6,)]
    weights = [jax.random.normal(jax.random.fold_in(jax.random.key(3), n), s) / 2 for n, s in enumerate(shapes)]
    zs = 0.7 * jax.random.normal(jax.random.key(9), (3, 2))

    def network(w, z):
        return jnp.tanh(jnp.tanh(z @ w[0] + w[1]) @ w[2] + w[3]) @ w[4]

    def loss(w):
        return jnp.mean(op(lambda x, y: network(w, jnp.stack([x, y])), zs[:, 0], zs[:, 1]) ** 2)

    def oracle(w):
        return jnp.mean(jax.vmap(lambda z: terms[text](lambda x: network(w, x), z))(zs) ** 2)

    actual, expected = jax.jit(jax.value_and_grad(loss))(weights), reference(jax.value_and_grad(oracle), weights)
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        close(a, b)
