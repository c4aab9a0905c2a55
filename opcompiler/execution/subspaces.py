"""Subspaces that are given at call: orthonormal bases, and what is left of directions in the complement."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.errors import ArgumentTypeError
from opcompiler.execution.scalars import rational_value

__all__ = ["gram_schmidt", "orthonormal_basis", "outside", "weighted_rows"]

Rows = tuple[tuple[Fraction, ...], ...]


def orthonormal_basis(value: Any, rows: Rows | None, weights: tuple[Fraction, ...] | None, dtype: Any) -> jax.Array:
    """Return orthonormal rows with the span of the given ones, shaped (…, r, n).

    A row that depends on those before it is replaced by another one: an estimate is unbiased beside every subspace of r
    dimensions. Its mean does not depend on the subspace, so that there is nothing to be differentiated.

    Args:
        value: shaped (…, r, d).
        rows: of a quadratic form: what is returned spans, in n = len(rows) dimensions, the z that are nearest to the
            given rows as v = Σ_k z_k·√weights[k]·rows[k], at most n of them.
        weights: of `rows`.
        dtype: floating type.

    Raises:
        ArgumentTypeError: the rows are complex.
    """
    if jnp.iscomplexobj(value):
        raise ArgumentTypeError("the rows that span a subspace are complex", hint="points are real, and directions too")
    given = jax.lax.stop_gradient(jnp.asarray(value, dtype))
    if rows is not None:
        given = jnp.matmul(given, jnp.asarray(_inverse(rows, weights), dtype), precision=jax.lax.Precision.HIGHEST)
    count, dim = given.shape[-2:]
    if count >= dim:
        return jnp.broadcast_to(jnp.eye(dim, dtype=dtype), (*given.shape[:-2], dim, dim))
    return gram_schmidt(given, jax.random.normal(jax.random.key(0), (count, dim), dtype))


def gram_schmidt(rows: jax.Array, spare: jax.Array | None = None) -> jax.Array:
    """Return orthonormal rows, row n in the span of the first n + 1 rows, shaped as the rows.

    Every projection is done twice, after which rows are orthogonal to working precision unless they are dependent in
    that precision.

    Args:
        rows: shaped (…, count, dim), count ≤ dim.
        spare: rows that take the place of dependent ones, shaped (count, dim); None where there are none.
    """

    def alone(rows: jax.Array, number: Any, basis: jax.Array) -> tuple[jax.Array, jax.Array]:
        row = jax.lax.dynamic_index_in_dim(rows, number, axis=-2)
        # Rows of the basis that are not made yet are zero.
        return row, outside(outside(row, basis), basis)

    def step(number: Any, basis: jax.Array) -> jax.Array:
        row, left = alone(rows, number, basis)
        if spare is not None:
            floor = 1000 * jnp.finfo(rows.dtype).eps * jnp.linalg.norm(row, axis=-1, keepdims=True)
            is_new = jnp.linalg.norm(left, axis=-1, keepdims=True) > floor
            left = jnp.where(is_new, left, alone(spare, number, basis)[1])
        left = left / jnp.linalg.norm(left, axis=-1, keepdims=True)
        return jax.lax.dynamic_update_index_in_dim(basis, left, number, axis=-2)

    return jax.lax.fori_loop(0, rows.shape[-2], step, jnp.zeros_like(rows))


def outside(directions: jax.Array, orthonormal: jax.Array) -> jax.Array:
    """Return directions, as rows, less their parts in the span of orthonormal rows."""
    highest = jax.lax.Precision.HIGHEST
    inside = jnp.matmul(directions, jnp.swapaxes(orthonormal, -1, -2), precision=highest)
    return directions - jnp.matmul(inside, orthonormal, precision=highest)


@lru_cache(maxsize=64)
def weighted_rows(rows: Rows, weights: tuple[Fraction, ...] | None) -> np.ndarray:
    """Return √weights[k]·rows[k]."""
    matrix = np.array([[rational_value(number) for number in row] for row in rows])
    lengths = 1.0 if weights is None else np.sqrt([[rational_value(weight)] for weight in weights])
    return matrix * lengths


@lru_cache(maxsize=64)
def _inverse(rows: Rows, weights: tuple[Fraction, ...] | None) -> np.ndarray:
    """Return the matrix [d, n] that takes v to the z with the nearest Σ_k z_k·√weights[k]·rows[k]."""
    return np.linalg.pinv(weighted_rows(rows, weights))
