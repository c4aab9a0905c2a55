"""Norms of derivative tensors, measured: unbiased estimates of what a variance formula needs to know of u.

A contraction Σ_{i,k} T_{iik} T'_{k…} is the mean of T[v, v, w]·T'[w, …] over independent directions, one for every
summation index: signs for an index that occurs twice in all, a single coordinate times d for one that occurs more
often. T[v, w, …] is a derivative along directions, by nested forward differentiation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, assert_never

import jax
import jax.numpy as jnp

from opcompiler.errors import UnsupportedError
from opcompiler.execution.subspaces import orthonormal_basis, outside
from opcompiler.ir.symbol import PowerSum, Quadric, Xi
from opcompiler.ir.variance import Block, Quantity, Tensor

__all__ = ["PointFunction", "along_rows", "basis_of", "derivative_of", "measured_norm"]

_NOTHING: Mapping[str, jax.Array] = MappingProxyType({})

PointFunction: TypeAlias = Callable[[dict[str, jax.Array]], jax.Array]
"""An entry of a field as a scalar function of one point, given by the flat coordinates of every space."""


def measured_norm(
    quantity: Quantity,
    entry: Callable[[Tensor], PointFunction],
    point: dict[str, jax.Array],
    key: jax.Array,
    probes: int,
    spans: Mapping[str, jax.Array] = _NOTHING,
) -> tuple[jax.Array, jax.Array]:
    """Return (estimate, its standard error) of a complete contraction at one point.

    Args:
        quantity: which contraction.
        entry: returns the entry of the field that a tensor differentiates.
        point: flat coordinates of every space.
        key: for the directions.
        probes: number of independent products, two at least.
        spans: values of the parameters whose rows span the subspaces that tensors are orthogonal to.

    Raises:
        UnsupportedError: a tensor is not the derivative of one entry of one field.
    """
    basis = basis_of(quantity.left, point, spans)
    left = derivative_of(quantity.left, entry)
    right = derivative_of(quantity.right, entry)
    space = quantity.left.space

    def product(probe: jax.Array) -> jax.Array:
        keys = jax.random.split(probe, len(quantity.blocks))
        drawn = [
            _direction(block, quantity, number == 0, point[space], one, basis)
            for number, (block, one) in enumerate(zip(quantity.blocks, keys, strict=True))
        ]
        scale = 1.0
        for _, factor in drawn:
            scale = scale * factor
        of_left = [v for (v, _), (times, _) in zip(drawn, quantity.blocks, strict=True) for _ in range(times)]
        of_right = [v for (v, _), (_, times) in zip(drawn, quantity.blocks, strict=True) for _ in range(times)]
        return scale * left(point, of_left) * right(point, of_right)

    products = jax.lax.map(product, jax.random.split(key, probes))
    return jnp.mean(products), jnp.std(products, ddof=1) / jnp.sqrt(probes)


def _direction(
    block: Block, quantity: Quantity, is_first: bool, coordinates: jax.Array, key: jax.Array, basis: jax.Array | None
) -> tuple[jax.Array, Any]:
    """Return a direction for one summation index and the factor that makes the mean the sum over the index."""
    tensor, dtype = quantity.left, coordinates.dtype
    dim = coordinates.shape[0] if tensor.rows is None else len(tensor.rows)
    if sum(block) == 2:
        return along_rows(tensor, jax.random.rademacher(key, (dim,), dtype), basis), 1.0
    index = jax.random.randint(key, (), 0, dim)
    factor: Any = float(dim)
    if is_first and quantity.weights is not None:
        factor = dim / jnp.asarray([float(p) for p in quantity.weights], dtype)[index]
    return along_rows(tensor, (jnp.arange(dim) == index).astype(dtype), basis), factor


def basis_of(tensor: Tensor, point: dict[str, jax.Array], spans: Mapping[str, jax.Array]) -> jax.Array | None:
    """Return the orthonormal rows in whose complement a tensor is taken, None where it is taken everywhere."""
    if tensor.complement is None:
        return None
    return orthonormal_basis(spans[tensor.complement], tensor.rows, tensor.weights, point[tensor.space].dtype)


def along_rows(tensor: Tensor, direction: jax.Array, basis: jax.Array | None) -> jax.Array:
    """Return the direction of x that a direction along a tensor's own coordinates is, less its part along the basis."""
    if basis is not None:
        direction = outside(direction[None], basis)[0]
    if tensor.rows is None:
        return direction
    rows = jnp.asarray([[float(value) for value in row] for row in tensor.rows], direction.dtype)
    weights = jnp.asarray([float(value) for value in tensor.weights or ()], direction.dtype)
    return jnp.matmul(direction * jnp.sqrt(weights), rows, precision=jax.lax.Precision.HIGHEST)


def derivative_of(
    tensor: Tensor, entry: Callable[[Tensor], PointFunction]
) -> Callable[[dict[str, jax.Array], Sequence[jax.Array]], jax.Array]:
    """Return the function (point, directions) → Dⁿf[directions]."""
    if not tensor.field:
        raise UnsupportedError(
            f"the norms of D{tensor.order} {tensor.function} cannot be measured by themselves",
            hint="pass a law, or a sampled operator without run-time parameters in its linear part",
        )

    def value(point: dict[str, jax.Array], directions: Sequence[jax.Array]) -> jax.Array:
        function = entry(tensor)
        for generator, power in tensor.prefix:
            match generator:
                case Xi(space, index):
                    for _ in range(power):
                        function = _along(function, space, _unit(point[space], index))
                case PowerSum() | Quadric():
                    raise AssertionError("a tensor with such a prefix names no field")
                case _:
                    assert_never(generator)
        for direction in directions:
            function = _along(function, tensor.space, direction)
        return function(point)

    return value


def _along(function: PointFunction, space: str, direction: jax.Array) -> PointFunction:
    def derivative(point: dict[str, jax.Array]) -> jax.Array:
        return jax.jvp(lambda x: function({**point, space: x}), (point[space],), (direction,))[1]

    return derivative


def _unit(coordinates: jax.Array, index: int) -> jax.Array:
    return (jnp.arange(coordinates.shape[0]) == index).astype(coordinates.dtype)
