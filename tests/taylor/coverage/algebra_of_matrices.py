"""Linear algebra: jax.numpy.linalg, jax.lax.linalg and jax.scipy.linalg."""

from __future__ import annotations

import jax
import jax.scipy.linalg as scipy_linalg
import numpy as np
from jax import lax
from jax import numpy as jnp
from taylor.coverage.cases import Fixed, add, draw

M = draw(3, 3, salt=11) + 2.0 * np.diag([1.0, 1.4, 1.9])
B = draw(3, 2, salt=12)
V = draw(3, salt=13)
TALL = draw(4, 3, salt=14) + np.eye(4, 3)
BATCH = np.stack([M, M.T + 0.3])


def spd(a):
    return a @ jnp.swapaxes(a, -1, -2) + jnp.diag(jnp.array([1.0, 2.0, 3.5], a.dtype))


def symmetric(a):
    return (a + jnp.swapaxes(a, -1, -2)) / 2 + jnp.diag(jnp.array([0.0, 2.0, 5.0], jnp.real(a).dtype))


for name, function in {
    "inv": jnp.linalg.inv,
    "det": jnp.linalg.det,
    "slogdet": jnp.linalg.slogdet,
    "cholesky": lambda a: jnp.linalg.cholesky(spd(a)),
    "cholesky upper": lambda a: jnp.linalg.cholesky(spd(a), upper=True),
    "lu": lambda a: scipy_linalg.lu(a)[1:],
    "lu_factor": lambda a: scipy_linalg.lu_factor(a)[0],
    "qr": lambda a: jnp.linalg.qr(a),
    "qr of r": lambda a: jnp.linalg.qr(a, mode="r"),
    "eigh": lambda a: jnp.linalg.eigh(symmetric(a))[0],
    "eigh projectors": lambda a: jnp.einsum("ik,jk->kij", *(2 * (jnp.linalg.eigh(symmetric(a))[1],))),
    "eigvalsh": lambda a: jnp.linalg.eigvalsh(symmetric(a)),
    "svd values": lambda a: jnp.linalg.svd(a, compute_uv=False),
    "svd products": lambda a: (lambda u, s, v: jnp.einsum("ik,kj->kij", u * s, v))(*jnp.linalg.svd(a)),
    "expm": scipy_linalg.expm,
    "matrix_power -2": lambda a: jnp.linalg.matrix_power(a, -2),
    "pinv": jnp.linalg.pinv,
    "trace of inverse": lambda a: jnp.trace(jnp.linalg.inv(a)),
    "logdet of spd": lambda a: jnp.linalg.slogdet(spd(a))[1],
    "condition number": lambda a: jnp.linalg.cond(a),
    "nuclear norm": lambda a: jnp.linalg.norm(a, "nuc"),
    "spectral norm": lambda a: jnp.linalg.norm(a, 2),
    "matrix function": lambda a: (lambda w, q: (q * jnp.exp(w)) @ q.T)(*jnp.linalg.eigh(symmetric(a))),
    "sqrtm of spd": lambda a: (lambda w, q: (q * jnp.sqrt(w)) @ q.T)(*jnp.linalg.eigh(spd(a))),
    "det of a product": lambda a: jnp.linalg.det(a @ a.T + a),
    "adjugate": lambda a: jnp.linalg.det(a) * jnp.linalg.inv(a),
    "cho_factor and cho_solve": lambda a: scipy_linalg.cho_solve(scipy_linalg.cho_factor(spd(a)), a),
    "cross entropy of gaussians": lambda a: (
        jnp.trace(jnp.linalg.solve(spd(a), spd(a.T))) - jnp.linalg.slogdet(spd(a.T))[1]
    ),
    "complex inverse": lambda a: jnp.linalg.inv(a + 1j * a.T),
    "complex slogdet": lambda a: jnp.linalg.slogdet(a + 0.5j * a.T)[1],
    "complex cholesky": lambda a: jnp.linalg.cholesky(spd(a) + 0.1j * (a - a.T)),
    "hermitian eigenvalues": lambda a: jnp.linalg.eigvalsh(symmetric(a) + 0.3j * (a - a.T)),
    "complex lu": lambda a: scipy_linalg.lu_factor(a + 0.5j * a.T)[0],
    "complex qr": lambda a: jnp.linalg.qr(a + 0.5j * a.T),
    "complex svd values": lambda a: jnp.linalg.svd(a + 0.5j * a.T, compute_uv=False),
    "triangular inverse": lambda a: lax.linalg.triangular_solve(
        jnp.tril(a) + 2 * jnp.eye(3), jnp.eye(3), left_side=True, lower=True
    ),
    "norm of solve": lambda a: jnp.sum(jnp.linalg.solve(a, jnp.ones(3)) ** 2),
    "toeplitz": lambda a: jnp.linalg.inv(scipy_linalg.toeplitz(a[0], a[:, 0]) + 3 * jnp.eye(3)),
    "block_diag": lambda a: jnp.linalg.slogdet(scipy_linalg.block_diag(a, a.T))[1],
    "lstsq": lambda a: jnp.linalg.lstsq(a, jnp.ones(3))[0],
}.items():
    add(name, "linear algebra", function, M, short=1 if "expm" in name else 2)


def eigenvalues_by_newton(a):
    """Roots of the characteristic polynomial, from their values by Newton steps that can be differentiated."""
    a, m = symmetric(a) + 0.2 * a, (M + M.T) / 2 + np.diag([0.0, 2.0, 5.0]) + 0.2 * M
    roots = np.linalg.eigvals(m)
    minors = jnp.trace(a) ** 2 / 2 - jnp.trace(a @ a) / 2
    determinant = jnp.dot(a[0], jnp.cross(a[1], a[2]))
    x = jnp.asarray(roots)
    for _ in range(4):
        x = x - (x**3 - jnp.trace(a) * x**2 + minors * x - determinant) / (3 * x**2 - 2 * jnp.trace(a) * x + minors)
    return x + 0j


add(
    "general eigenvalues",
    "linear algebra",
    lambda a: jnp.linalg.eigvals(symmetric(a) + 0.2 * a),
    M,
    reference=eigenvalues_by_newton,
)

for name, function in {
    "solve": jnp.linalg.solve,
    "solve transposed": lambda a, b: jnp.linalg.solve(a.T, b),
    "solve by lu": lambda a, b: scipy_linalg.lu_solve(scipy_linalg.lu_factor(a), b),
    "triangular solve lower": lambda a, b: scipy_linalg.solve_triangular(a, b, lower=True),
    "triangular solve upper transposed": lambda a, b: scipy_linalg.solve_triangular(a, b, trans=1),
    "triangular solve unit diagonal": lambda a, b: lax.linalg.triangular_solve(
        a, b, left_side=True, lower=True, unit_diagonal=True
    ),
    "triangular solve right": lambda a, b: lax.linalg.triangular_solve(a, b.T, left_side=False, lower=False),
    "solve spd": lambda a, b: scipy_linalg.solve(spd(a), b, assume_a="pos"),
    "solve constant matrix": lambda a, b: jnp.linalg.solve(jnp.array(M), a @ b),
    "solve constant right side": lambda a, b: jnp.linalg.solve(a @ a.T + 3 * jnp.eye(3), jnp.array(B)) + b,
    "conjugate gradients": lambda a, b: jax.scipy.sparse.linalg.cg(
        lambda v: spd(a) @ v, b[:, 0], maxiter=30, tol=1e-14
    )[0],
    "custom linear solve": lambda a, b: lax.custom_linear_solve(
        lambda v: spd(a) @ v, b[:, 0], lambda f, r: jnp.linalg.solve(jax.jacobian(f)(r), r), symmetric=True
    ),
    "gaussian quadratic form": lambda a, b: b[:, 0] @ jnp.linalg.solve(spd(a), b[:, 0]),
    "complex solve": lambda a, b: jnp.linalg.solve(a + 1j * a.T, b + 1j),
    "complex triangular solve conjugate": lambda a, b: lax.linalg.triangular_solve(
        a + 0.4j, b + 1j, left_side=True, lower=True, transpose_a=True, conjugate_a=True
    ),
    "kalman gain": lambda a, b: spd(a) @ b @ jnp.linalg.inv(b.T @ spd(a) @ b + jnp.eye(2)),
    "generalised eigenvalues": lambda a, b: (
        (
            lambda c: jnp.linalg.eigvalsh(
                symmetric(
                    scipy_linalg.solve_triangular(
                        c, scipy_linalg.solve_triangular(c, symmetric(a), lower=True).T, lower=True
                    )
                )
            )
        )(jnp.linalg.cholesky(spd(a.T)))
        + b[0, 0]
    ),
}.items():
    add(name, "linear algebra", function, M, B)

for name, function in {
    "inv in a batch": jnp.linalg.inv,
    "slogdet in a batch": lambda a: jnp.linalg.slogdet(a)[1],
    "cholesky in a batch": lambda a: jnp.linalg.cholesky(spd(a)),
    "eigh in a batch": lambda a: jnp.linalg.eigh(symmetric(a))[0],
    "qr in a batch": jnp.linalg.qr,
    "det in a batch": jnp.linalg.det,
    "solve in a batch": lambda a: jnp.linalg.solve(a, jnp.array(B)),
    "svd in a batch": lambda a: jnp.linalg.svd(a, compute_uv=False),
}.items():
    add(name, "linear algebra", function, BATCH)

add("qr of a tall matrix", "linear algebra", jnp.linalg.qr, TALL)
add("svd of a tall matrix", "linear algebra", lambda a: jnp.linalg.svd(a, full_matrices=False)[1], TALL)
add(
    "svd projectors of a wide matrix",
    "linear algebra",
    lambda a: (lambda u, s, v: (u * s**2) @ v)(*jnp.linalg.svd(a.T, full_matrices=False)),
    TALL,
)
add("pinv of a tall matrix", "linear algebra", jnp.linalg.pinv, TALL)
add("lu of a tall matrix", "linear algebra", lambda a: lax.linalg.lu(a)[0], TALL)
add("lu of a wide matrix", "linear algebra", lambda a: lax.linalg.lu(a.T)[0], TALL)
add(
    "least squares by normal equations",
    "linear algebra",
    lambda a, b: jnp.linalg.solve(a.T @ a, a.T @ b),
    TALL,
    draw(4, salt=15),
)
BELOW = np.array([0.0, 1.0, 0.7])
add(
    "tridiagonal solve",
    "linear algebra",
    lambda d, b: lax.linalg.tridiagonal_solve(0.3 * BELOW.astype(d.dtype), d + 3, BELOW[::-1].astype(d.dtype), b),
    V,
    B,
)
add("vandermonde determinant", "linear algebra", lambda x: jnp.linalg.det(jnp.vander(x)), V)
add(
    "determinant at a singular matrix",
    "linear algebra",
    jnp.linalg.det,
    np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.5, -1.0, 1.0]]),
    reference=lambda a: jnp.sum(a[0] * jnp.cross(a[1], a[2])),
    # JAX 0.11 eliminates with pivots and gives NaN for the second derivative where a pivot vanishes.
    limit=6 if jax.__version_info__ < (0, 11) else 1,
)
add("repeated eigenvalues", "linear algebra", lambda a: jnp.linalg.eigvalsh((a + a.T) / 2), np.eye(3), limit=1)
add("householder product", "linear algebra", lambda v: jnp.eye(3) - 2 * jnp.outer(v, v) / (v @ v), V)
add(
    "rotation by expm",
    "linear algebra",
    lambda v: scipy_linalg.expm(jnp.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]) * v[0] + jnp.diag(v)),
    V,
    short=1,
)
add(
    "matrix logarithm series",
    "linear algebra",
    lambda a: sum((-1) ** (k + 1) * jnp.linalg.matrix_power(0.1 * a, k) / k for k in range(1, 5)),
    M,
)
add(
    "schur complement",
    "linear algebra",
    lambda a, f: a[:2, :2] - a[:2, 2:] @ jnp.linalg.inv(a[2:, 2:]) @ a[2:, :2] + f[:2, :2],
    M,
    Fixed(np.eye(3)),
)
