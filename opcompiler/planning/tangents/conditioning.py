"""How much a decomposition amplifies rounding: Σ|c_r||v_r|^k against the least mass ‖P‖_* of any decomposition."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from opcompiler.ir.strategy import TangentSet
from opcompiler.planning.tangents.forms import Form, degree_of, mass, monomials, multinomial
from opcompiler.planning.tangents.numeric import Array, columns_of, lattice, vector_of
from opcompiler.planning.tangents.solvers import least_mass

__all__ = ["Amplification", "NuclearNorm", "amplification", "nuclear_norm_bounds"]

_MESH = {2: 400, 3: 320, 4: 48}
"""Points per half turn of the mesh on which the dual polynomial is maximised, by number of variables."""

_LATTICE = {2: 12, 3: 4, 4: 2}
"""Largest entry of the directions in the linear program, by number of variables."""


@dataclass(frozen=True, slots=True)
class NuclearNorm:
    """lower ≤ ‖P‖_* ≤ upper, where ‖P‖_* = min Σ|c_r||v_r|^k over all decompositions (Friedland & Lim 2018)."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Amplification:
    """lower ≤ κ ≤ upper, κ = Σ|c_r||v_r|^k/‖P‖_* ≥ 1: rounding errors of the jets grow by at most κ."""

    lower: float
    upper: float


def amplification(tangents: TangentSet, form: Form, size: int | None = None) -> Amplification:
    """Return κ of a decomposition; `size` as in `nuclear_norm_bounds`.

    Raises:
        ValueError: more than four variables.
    """
    norm = nuclear_norm_bounds(form, size)
    own = mass(tangents.directions, tangents.coefficients, tangents.order)
    return Amplification(max(1.0, own / norm.upper), max(1.0, own / norm.lower))


def nuclear_norm_bounds(form: Form, size: int | None = None) -> NuclearNorm:
    """Return bounds of the symmetric nuclear norm of a form in two to four variables.

    The linear program over lattice directions gives the upper bound. Its dual is a polynomial q with |q| ≤ 1 on
    these directions; divided by its maximum on the sphere it is feasible everywhere and gives the lower bound.

    Args:
        form: homogeneous.
        size: largest entry of the lattice directions, by default small enough for a fraction of a second.

    Raises:
        ValueError: the form has another number of variables, or the lattice cannot represent it.
    """
    variables, order = len(next(iter(form))), degree_of(form)
    if variables not in _MESH:
        raise ValueError(f"the nuclear norm is bounded in 2 to 4 variables, not in {variables}")
    directions = lattice(variables, size or _LATTICE[variables])
    found = least_mass(columns_of(directions, order, variables), vector_of(form, order, variables))
    if found is None:
        raise ValueError("these directions do not span the form; take a larger lattice")
    upper, dual = found
    return NuclearNorm(upper / sphere_maximum(dual, variables, order), upper)


def sphere_maximum(dual: Array, variables: int, order: int) -> float:
    """Return an upper bound of max |q| on the unit sphere, q given in the orthonormal basis of `columns_of`.

    On a great circle q is a trigonometric polynomial of degree k, so |q''| ≤ k²·max|q| (Bernstein), and a mesh point
    within the angle h of the maximiser has |q| ≥ (1 − k²h²/2)·max|q|.
    """
    points, spacing = _mesh(variables)
    weights = np.sqrt(np.array([multinomial(alpha) for alpha in monomials(variables, order)], dtype=np.float64))
    total = np.zeros(len(points))
    for weight, value, alpha in zip(weights, dual, monomials(variables, order), strict=True):
        if value:
            total += weight * value * np.prod([points[:, i] ** e for i, e in enumerate(alpha) if e], axis=0)
    return max(1.0, float(np.max(np.abs(total))) / (1 - order**2 * spacing**2 / 2))


@lru_cache(maxsize=4)
def _mesh(variables: int) -> tuple[Array, float]:
    """Return points on the sphere up to sign and the greatest angle of any point to the nearest of them."""
    count = _MESH[variables]
    step = np.pi / count
    half = (np.arange(count) + 0.5) * step
    points = np.stack([np.cos(half), np.sin(half)], axis=-1)
    for _ in range(variables - 2):
        # Every further polar angle appends one coordinate; up to sign it runs over a half turn.
        polar = (np.arange(count) + 0.5) * step
        whole = np.concatenate([points, -points])
        points = np.concatenate(
            [
                np.sin(polar)[:, None, None] * whole[None],
                np.broadcast_to(np.cos(polar)[:, None, None], (count, len(whole), 1)),
            ],
            axis=-1,
        ).reshape(-1, points.shape[-1] + 1)
        points = points[points[:, -1] >= 0]
    return np.asarray(points, dtype=np.float64), step / 2 * float(np.sqrt(variables - 1))
