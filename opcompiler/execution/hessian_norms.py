"""Norms of second-order tensors, measured so that their differences keep their digits.

Variances are differences of norms: of Rademacher directions ‖A‖² − Σ A_ii², of single coordinates d·Σ A_ii² − (tr A)².
Where A is nearly a multiple of the unit matrix, as for u = (1 − |x|²)·net(x), they are far smaller than the norms, and
independent estimates of the norms say nothing of them. What is measured are therefore the differences,

    Σ_{i≠j} A_ij B_ij = ½ Cov(sᵀAs, sᵀBs), s of random signs,
    d·Σ A_ii B_ii − tr A·tr B = d²·Cov(A_ii, B_ii), i a random coordinate,

and tr A·tr B; norms follow by addition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.execution.norms import PointFunction, along_rows, basis_of, derivative_of
from opcompiler.ir.variance import Quantity, Tensor

__all__ = ["HessianProducts", "coordinates_of", "is_hessian_norm", "measured_products"]

_FROBENIUS, _DIAGONAL, _TRACES = ((1, 1), (1, 1)), ((2, 2),), ((0, 2), (2, 0))


class HessianProducts(NamedTuple):
    """What is measured of two symmetric matrices, with standard errors, at a point or as means over points.

    Attributes:
        apart: Σ_{i≠j} A_ij B_ij.
        spread: Σ A_ii B_ii − tr A·tr B/d.
        traces: tr A·tr B/d.
        errors: standard errors of the three.
    """

    apart: Any
    spread: Any
    traces: Any
    errors: tuple[Any, Any, Any]

    @staticmethod
    def added(parts: Sequence[HessianProducts]) -> HessianProducts:
        """Return the sum over parts whose errors are independent."""
        first, second, third = (jnp.sqrt(sum(part.errors[n] ** 2 for part in parts)) for n in range(3))
        return HessianProducts(
            sum(part.apart for part in parts),
            sum(part.spread for part in parts),
            sum(part.traces for part in parts),
            (first, second, third),
        )

    def averaged(self) -> HessianProducts:
        """Return the means over the points, in double precision: what follows are differences."""
        apart, spread, traces = (np.mean(np.asarray(v, np.float64)) for v in (self.apart, self.spread, self.traces))
        first, second, third = (np.linalg.norm(np.asarray(error, np.float64)) / np.size(error) for error in self.errors)
        return HessianProducts(float(apart), float(spread), float(traces), (first, second, third))

    def norm(self, quantity: Quantity, dim: int) -> tuple[float, float]:
        """Return a contraction of the two and its standard error; d is the number of coordinates."""
        apart, spread, traces = (float(error) ** 2 for error in self.errors)
        match tuple(sorted(quantity.blocks)):
            case blocks if blocks == _FROBENIUS:
                return self.apart + self.spread + self.traces, (apart + spread + traces) ** 0.5
            case blocks if blocks == _DIAGONAL:
                return self.spread + self.traces, (spread + traces) ** 0.5
            case _:
                return dim * self.traces, dim * traces**0.5


def is_hessian_norm(quantity: Quantity) -> bool:
    """Return whether it is ⟨A, B⟩, Σ A_ii B_ii or tr A·tr B of two second-order tensors in the same coordinates."""
    left, right = quantity.left, quantity.right
    return (
        left.order == right.order == 2
        and quantity.weights is None
        and (left.rows, left.weights, left.complement) == (right.rows, right.weights, right.complement)
        and tuple(sorted(quantity.blocks)) in (_FROBENIUS, _DIAGONAL, _TRACES)
    )


def coordinates_of(tensor: Tensor, dim: int) -> int:
    """Return the number of coordinates that a tensor is taken along, of d of its space."""
    return dim if tensor.rows is None else len(tensor.rows)


def measured_products(
    left: Tensor,
    right: Tensor,
    entry: Callable[[Tensor], PointFunction],
    point: dict[str, jax.Array],
    key: jax.Array,
    probes: int,
    spans: Mapping[str, jax.Array],
) -> HessianProducts:
    """Return the products of two second-order tensors at one point.

    All coordinates are visited, and the diagonal is exact, if there are no more of them than probes.

    Args:
        left: A.
        right: B.
        entry: returns the entry of the field that a tensor differentiates.
        point: flat coordinates of every space.
        key: for the directions; the same key gives the same directions, which serve several pairs.
        probes: number of directions of each kind, two at least.
        spans: values of the parameters whose rows span the subspaces that tensors are orthogonal to.

    Raises:
        UnsupportedError: a tensor is not the derivative of one entry of one field.
    """
    tensors = (left,) if left == right else (left, right)
    functions = [derivative_of(tensor, entry) for tensor in tensors]
    basis, dtype = basis_of(left, point, spans), point[left.space].dtype
    dim = coordinates_of(left, point[left.space].shape[0])

    def forms(direction: jax.Array) -> tuple[jax.Array, jax.Array]:
        v = along_rows(left, direction, basis)
        values = [function(point, [v, v]) for function in functions]
        return values[0], values[-1]

    for_signs, for_coordinates = jax.random.split(key)
    signs = jax.lax.map(lambda k: forms(jax.random.rademacher(k, (dim,), dtype)), jax.random.split(for_signs, probes))
    exact = dim <= probes
    visited = jnp.arange(dim) if exact else jax.random.randint(for_coordinates, (probes,), 0, dim)
    diagonal = jax.lax.map(lambda i: forms((jnp.arange(dim) == i).astype(dtype)), visited)
    apart, apart_error = _covariance(*signs)
    spread, spread_error = _covariance(*diagonal)
    if exact:
        spread, spread_error = spread * (max(dim - 1, 1) / dim), jnp.zeros_like(spread)
        traces, traces_error = jnp.sum(diagonal[0]) * jnp.sum(diagonal[1]), jnp.zeros_like(spread)
    else:
        a, b = (jnp.mean(values) for values in signs)
        traces = a * b - apart / probes
        traces_error = jnp.sqrt((a**2 * jnp.var(signs[1]) + b**2 * jnp.var(signs[0])) / probes)
    return HessianProducts(
        apart / 2, dim * spread, traces / dim, (apart_error / 2, dim * spread_error, traces_error / dim)
    )


def _covariance(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the unbiased covariance of two samples and its standard error."""
    count = a.shape[0]
    products = (a - jnp.mean(a)) * (b - jnp.mean(b))
    return jnp.sum(products) / max(count - 1, 1), jnp.std(products) / np.sqrt(count)
