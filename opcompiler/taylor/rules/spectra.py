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


def _inverse_sums(values: jax.Array) -> jax.Array:
    """Return 1/(s_j + s_i), zero on the diagonal."""
    unit = jnp.eye(values.shape[-1], dtype=values.dtype)
    return (1 - unit) / (values[..., None, :] + values[..., :, None] + unit)


def _columns(x: jax.Array, y: jax.Array) -> jax.Array:
    """Scale the columns of x by the entries of y."""
    return x * y[..., None, :]


def _gram(x: jax.Array, y: jax.Array) -> jax.Array:
    """Return xᴴ y."""
    return matmul(adjoint(x), y)


def _orthogonal(change: jax.Array, gram: Any) -> jax.Array:
    """Return the change X of an orthogonal basis with X + Xᴴ = −Σ' Vᴴ V, where X − Xᴴ is that of `change`.

    The equations for X give both parts, but the rounding errors of the sum divided by small gaps; here they are not.
    """
    return (change - adjoint(change) - gram) / 2


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
    gaps = _gaps(w)
    vectors: Coefficients = {}
    values: Coefficients = {}
    inside = _factors(structure, application.wanted) | vectors_wanted
    for k in structure.by_degree(application.wanted):
        forced = inner_products(structure, k, coefficients, vectors, matmul)
        forced = forced - inner_products(structure, k, vectors, values, _columns)
        if k in coefficients:
            forced = forced + matmul(coefficients[k], v)
        norms = inner_products(structure, k, vectors, vectors, _gram)
        if is_zero(forced) and is_zero(norms):
            continue
        middle = jnp.zeros((1, *v.shape), v.dtype) if is_zero(forced) else matmul(adjoint(v), forced)
        values[k] = diagonal(middle)
        if k in inside:
            vectors[k] = matmul(v, _orthogonal(middle * gaps, norms))
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
    for k in structure.by_degree(application.wanted):
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
    """A V = U S, Aᴴ U = V S; full or complex singular vectors by recursion on the tangent.

    With F = A_k V₀ + Σ' A V − Σ' U S, F* = A_kᴴ U₀ + Σ' Aᴴ U − Σ' V S, X = U₀ᴴ U_k, Y = V₀ᴴ V_k, N = U₀ᴴ F,
    M = V₀ᴴ F*: X S₀ + S_k − S₀ Y = N, Y S₀ + S_k − S₀ X = M. So S_k = diag(N + M)/2 and off the diagonal
    (X + Y)_ij = (N + M)_ij/(s_j − s_i), (X − Y)_ij = (N − M)_ij/(s_j + s_i); on it Uᴴ U = 1 = Vᴴ V. What leaves the
    range of U₀ is F S₀⁻¹. From A = U S Vᴴ in one piece S_k would be a small difference of products with S₀.
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
    differences, sums = _gaps(s).astype(dtype) / 2, _inverse_sums(s).astype(dtype) / 2
    unit = jnp.eye(s.shape[-1], dtype=dtype)
    inverse = (1 / jnp.where(s == 0, jnp.ones_like(s), s) * (s != 0)).astype(dtype)
    adjoints = {k: adjoint(c) for k, c in coefficients.items()}
    us: Coefficients = {}
    ss: Coefficients = {}
    vs: Coefficients = {}

    def forced(k: int, matrix: Coefficients, factor: jax.Array, factors: Coefficients, images: Coefficients) -> Any:
        """A_k V₀ + Σ' A V − Σ' U S, or its counterpart."""
        result = inner_products(structure, k, matrix, factors, matmul)
        result = result - inner_products(structure, k, images, ss, _columns)
        return result + matmul(matrix[k], factor) if k in matrix else result

    for k in structure.by_degree(wanted):
        right, left = forced(k, coefficients, v, vs, us), forced(k, adjoints, u, us, vs)
        norms_u = inner_products(structure, k, us, us, _gram)
        norms_v = inner_products(structure, k, vs, vs, _gram)
        if all(map(is_zero, (right, left, norms_u, norms_v))):
            continue
        n = jnp.zeros((1, *unit.shape), dtype) if is_zero(right) else matmul(adjoint(u), right)
        m = jnp.zeros((1, *unit.shape), dtype) if is_zero(left) else matmul(vh, left)
        ss[k] = jnp.real(diagonal(n + m) / 2).astype(dtype)
        if k not in inside:
            continue
        even, odd = (n + m) * differences, (n - m) * sums
        x, y = _orthogonal(even + odd, norms_u), _orthogonal(even - odd, norms_v)
        if jnp.iscomplexobj(n):
            x = x + 1j * jnp.imag(n) * unit * inverse[..., None, :]
        us[k], vs[k] = matmul(u, x), matmul(v, y)
        if rows > columns and not is_zero(right):
            us[k] = us[k] + _columns(right - matmul(u, n), inverse)
        if columns > rows and not is_zero(left):
            vs[k] = vs[k] + _columns(left - matmul(v, m), inverse)
    values = series_of(structure, primal[0], {k: jnp.real(c).astype(s.dtype) for k, c in ss.items()}, needed[0])
    if not with_vectors:
        return [values]
    transposed = {k: adjoint(c) for k, c in vs.items()}
    return [values, series_of(structure, u, us, needed[1]), series_of(structure, vh, transposed, needed[2])]
