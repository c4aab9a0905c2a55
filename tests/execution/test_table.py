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


def close(actual, expected):
    scale = max(1.0, float(jnp.max(jnp.abs(jnp.asarray(expected)))))
    assert float(jnp.max(jnp.abs(jnp.asarray(actual) - jnp.asarray(expected)))) <= TOLERANCE * scale


@pytest.mark.parametrize("architecture", ["mlp", "attention"])
@pytest.mark.parametrize(("text", "shape", "terms"), LINEAR, ids=[f"{text} {shape}" for text, shape, _ in LINEAR])
def test_linear_operators(text, shape, terms, architecture):
    op = oc.compile(text, spaces=spaces_of(shape))
    split, join = splitter(shape)
    dim = len(next(iter(terms)))
    flat = networks(dim)[architecture]
    zs = 0.7 * jax.random.normal(jax.random.key(9), (2, dim))

    def u(*point):
        return flat(join(*point))

    native = jax.jit(lambda points: op(u, *points))(split(zs))
    expected = jax.jit(jax.vmap(oracles.polynomial_operator(flat, terms)))(zs)
    close(native, expected)
    close(jax.vmap(lambda z: op(u, *split(z)))(zs), native)
