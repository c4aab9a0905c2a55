"""Directions as floating-point columns, for the searches; what they find is solved again exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import gcd, sqrt

import numpy as np
from numpy.typing import NDArray

from opcompiler.ir.strategy import Direction
from opcompiler.planning.tangents.forms import Form, monomials, multinomial

__all__ = ["Array", "columns_of", "lattice", "spanned", "vector_of"]

Array = NDArray[np.float64]

_TOLERANCE = 1e-9


@lru_cache(maxsize=32)
def lattice(variables: int, size: int) -> tuple[Direction, ...]:
    """Return the primitive vectors of {−size … size}^variables up to sign, shortest first."""
    found = [
        vector
        for vector in product(range(-size, size + 1), repeat=variables)
        if any(vector) and gcd(*vector) == 1 and next(entry for entry in vector if entry) > 0
    ]
    found.sort(key=lambda vector: (sum(entry * entry for entry in vector), [-entry for entry in vector]))
    return tuple(tuple(Fraction(entry) for entry in vector) for vector in found)


def columns_of(directions: Sequence[Direction], order: int, variables: int) -> Array:
    """Return (v·ξ)^order/|v|^order in an orthonormal basis: unit columns, [monomials][directions].

    The inner product is the one for which the products of (v·ξ)^k and (w·ξ)^k is (v·w)^k (Bombieri).
    """
    indices = monomials(variables, order)
    vectors = np.array([[float(entry) for entry in v] for v in directions], dtype=np.float64).reshape(-1, variables)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    exponents = np.array(indices, dtype=np.int64)
    weights = np.array([sqrt(multinomial(alpha)) for alpha in indices], dtype=np.float64)
    powers = vectors[:, None, :] ** exponents[None, :, :]
    return np.asarray((weights * powers.prod(axis=2)).T, dtype=np.float64)


def vector_of(form: Form, order: int, variables: int) -> Array:
    """Return the coefficients of a form in the same basis."""
    return np.array(
        [float(form.get(alpha, Fraction(0))) / sqrt(multinomial(alpha)) for alpha in monomials(variables, order)],
        dtype=np.float64,
    )


def spanned(columns: Array, targets: Array) -> Array:
    """Return what is left of each target after projection on the columns: zero columns where it is spanned."""
    if not columns.shape[1] or not targets.shape[1]:
        return targets
    solution = np.linalg.lstsq(columns, targets, rcond=None)[0]
    rest = targets - columns @ solution
    sizes = np.maximum(np.linalg.norm(targets, axis=0), 1e-300)
    rest[:, np.linalg.norm(rest, axis=0) <= _TOLERANCE * sizes] = 0.0
    return rest
