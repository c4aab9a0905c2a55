"""Eigenvalues, eigenvectors and singular values, degree by degree (see `linalg` for the principle)."""

from __future__ import annotations

from typing import Any

import jax
from jax import numpy as jnp

from opcompiler.taylor.demand import Elements
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.rules.linalg import (
    FAMILY,
    SOURCE,
    Coefficients,
    adjoint,
    by_degree,
    by_recursion,
    coefficients_of,
    diagonal,
    inner_products,
    is_zero,
    matmul,
    series_of,
)
from opcompiler.taylor.series import Series
from opcompiler.taylor.structure import Structure


def _gaps(values: jax.Array) -> jax.Array:
    """Return 1/(λ_j − λ_i), zero on the diagonal; infinite where eigenvalues repeat, as their derivative."""
    unit = jnp.eye(values.shape[-1], dtype=values.dtype)
    return 1 / (values[..., None, :] - values[..., :, None] + unit) - unit


def _columns(x: jax.Array, y: jax.Array) -> jax.Array:
    """Scale the columns of x by the entries of y."""
    return x * y[..., None, :]


def _factors(structure: Structure, wanted: Elements) -> Elements:
    """Return the elements that enter products of the wanted ones."""
    return frozenset(f for k in structure.closure(wanted) for p in structure.products[k] for f in (p.left, p.right))


@taylor_rule("eigh", family=FAMILY, source=SOURCE)
def eigh(application: Application, a: Series) -> list[Any]:
    """A V = V Λ, Vᵀ V = 1, for real A; the phases of complex eigenvectors follow the tangent, by recursion on it.

    With M = V₀ᵀ (A_k V₀ + Σ' A V − Σ' V Λ): Λ_k = diag M, V_k = V₀ C, C_ij = M_ij/(λ_j − λ_i), C_ii from Vᵀ V = 1.
    """
    structure, coefficients = application.structure, coefficients_of(a)
    if jnp.iscomplexobj(a.primal):
        return by_recursion(application, a)
    v, w = application.bind(a.primal)
    if w.shape[-1] != a.shape[-1]:
        return by_recursion(application, a)
    vectors_wanted, values_wanted = application.needed
    gaps, unit = _gaps(w), jnp.eye(w.shape[-1], dtype=a.dtype)
    vectors: Coefficients = {}
    values: Coefficients = {}
    inside = _factors(structure, application.wanted) | vectors_wanted
    for k in by_degree(structure, application.wanted):
        forced = inner_products(structure, k, coefficients, vectors, matmul)
        forced = forced - inner_products(structure, k, vectors, values, _columns)
        if k in coefficients:
            forced = forced + matmul(coefficients[k], v)
        gram = inner_products(structure, k, vectors, vectors, lambda x, y: matmul(adjoint(x), y))
        if is_zero(forced) and is_zero(gram):
            continue
        middle = jnp.zeros((1, *v.shape), v.dtype) if is_zero(forced) else matmul(adjoint(v), forced)
        values[k] = diagonal(middle)
        if k in inside:
            vectors[k] = matmul(v, middle * gaps - gram * unit / 2)
    return [series_of(structure, v, vectors, vectors_wanted), series_of(structure, w, values, values_wanted)]


@taylor_rule("eig", family=FAMILY)
def eig(application: Application, a: Series) -> list[Any]:
    """Eigenvalues of a general matrix, from A V = V Λ with any scaling of V; eigenvectors have no derivative in JAX.

    With M = V₀⁻¹ (A_k V₀ + Σ' A V − Σ' V Λ): Λ_k = diag M, V_k = V₀ C, C_ij = M_ij/(λ_j − λ_i), C_ii = 0.
    """
    params = application.params
    if params["compute_left_eigenvectors"] or params["compute_right_eigenvectors"]:
        return by_recursion(application, a)
    structure = application.structure
    (primal,) = application.bind(a.primal)
    w, v = application.apply(a.primal, compute_right_eigenvectors=True)
    inverse = jnp.linalg.inv(v)
    coefficients = {k: c.astype(v.dtype) for k, c in coefficients_of(a).items()}
    gaps = _gaps(w)
    vectors: Coefficients = {}
    values: Coefficients = {}
    for k in by_degree(structure, application.wanted):
        forced = inner_products(structure, k, coefficients, vectors, matmul)
        forced = forced - inner_products(structure, k, vectors, values, _columns)
        if k in coefficients:
            forced = forced + matmul(coefficients[k], v)
        if not is_zero(forced):
            middle = matmul(inverse, forced)
            values[k], vectors[k] = diagonal(middle), matmul(v, middle * gaps)
    return [series_of(structure, primal, values, application.wanted)]


@taylor_rule("svd", family=FAMILY, source=SOURCE)
def svd(application: Application, a: Series) -> list[Any]:
    """A = U S Vᴴ, Uᴴ U = 1 = Vᴴ V; full or complex singular vectors by recursion on the tangent.

    With N = A_k − (products of lower degree), P = U₀ᴴ N V₀ = Ω S₀ + S_k + S₀ Ψᴴ, Ω = U₀ᴴ U_k, Ψ = V₀ᴴ V_k and
    Ω + Ωᴴ = G, Ψ + Ψᴴ = H known: off the diagonal two linear equations for Ω_ij and Ψ_ij, on it S_k.
    """
    params = application.params
    rows, columns = a.shape[-2:]
    with_vectors = params["compute_uv"]
    partial = params.get("subset_by_index") is not None or (params["full_matrices"] and rows != columns)
    if with_vectors and (partial or jnp.iscomplexobj(a.primal)):
        return by_recursion(application, a)
    structure, coefficients = application.structure, coefficients_of(a)
    primal = application.bind(a.primal)
    s, u, vh = primal if with_vectors else application.apply(a.primal, compute_uv=True, full_matrices=False)
    v, dtype = adjoint(vh), a.dtype
    wanted = application.wanted
    needed = [*application.needed, frozenset(), frozenset()][:3]
    inside = _factors(structure, wanted) | needed[1] | needed[2]
    squares = _gaps(s * s).astype(dtype)
    unit = jnp.eye(s.shape[-1], dtype=dtype)
    inverse = 1 / jnp.where(s == 0, jnp.ones_like(s), s) * (s != 0)
    left, right = s[..., :, None].astype(dtype), s[..., None, :].astype(dtype)
    us: Coefficients = {}
    ss: Coefficients = {}
    vs: Coefficients = {}
    products: Coefficients = {}  # U S
    for k in by_degree(structure, wanted):
        both = inner_products(structure, k, us, ss, _columns)
        rest = -inner_products(structure, k, products, vs, lambda x, y: matmul(x, adjoint(y)))
        if not is_zero(both):
            rest = rest - matmul(both, vh)
        if k in coefficients:
            rest = rest + coefficients[k]
        gram_u = -inner_products(structure, k, us, us, lambda x, y: matmul(adjoint(x), y))
        gram_v = -inner_products(structure, k, vs, vs, lambda x, y: matmul(adjoint(x), y))
        if is_zero(rest) and is_zero(gram_u) and is_zero(gram_v):
            continue
        if is_zero(rest):
            rest = jnp.zeros((1, *a.shape), dtype)
        core = matmul(matmul(adjoint(u), rest), v)
        slopes = jnp.real(diagonal(core - left * (gram_u + gram_v) * unit / 2))
        ss[k] = slopes.astype(dtype)
        if k not in inside:
            continue
        p, q = core - left * gram_v, adjoint(core) - left * gram_u
        omega = (p * right + q * left) * squares + gram_u * unit / 2
        psi = (q * right + p * left) * squares + gram_v * unit / 2
        if jnp.iscomplexobj(core):
            omega = omega + 1j * jnp.imag(core) * unit * inverse[..., None, :]
        us[k], vs[k] = matmul(u, omega), matmul(v, psi)
        if rows > columns:
            image = matmul(rest, v)
            us[k] = us[k] + _columns(image - matmul(u, matmul(adjoint(u), image)), inverse.astype(dtype))
        if columns > rows:
            image = matmul(adjoint(rest), u)
            vs[k] = vs[k] + _columns(image - matmul(v, matmul(vh, image)), inverse.astype(dtype))
        products[k] = _columns(us[k], s.astype(dtype)) + _columns(u, ss[k]) + both
    values = series_of(structure, primal[0], {k: jnp.real(c).astype(s.dtype) for k, c in ss.items()}, needed[0])
    if not with_vectors:
        return [values]
    transposed = {k: adjoint(c) for k, c in vs.items()}
    return [values, series_of(structure, u, us, needed[1]), series_of(structure, vh, transposed, needed[2])]
