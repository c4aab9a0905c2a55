"""Keys → directions: what the laws of `opcompiler.ir.law` mean at run time.

Which key is used for what is part of the interface, so that an estimate can be repeated point by point:

    point i of a batch (flat index)      fold_in(key, i); a call without a batch, and shared draws, use `key` itself;
                                         an array of keys of the batch shape has one key per point
    draw n, repeat r of a point          fold_in(fold_in(key of the point, n), r), with r = 0 if all repeats share it

Everything is a function of these keys alone: the same on every number of devices, inside and outside of `vmap`, `scan`
and `jit`, with JAX's default key implementation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, assert_never

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.errors import ArgumentTypeError, ShapeError
from opcompiler.execution.directions import Directions, Drawn
from opcompiler.execution.heads import Argument
from opcompiler.execution.scalars import rational_value
from opcompiler.execution.subspaces import gram_schmidt, orthonormal_basis, outside, weighted_rows
from opcompiler.ir.law import (
    Auto,
    Coordinates,
    Frame,
    Gaussian,
    IndependentPair,
    Orthogonal,
    Rademacher,
    Sphere,
    Terms,
    ThreePoint,
)
from opcompiler.ir.sampling import Draw, Sampling

__all__ = ["arrangement", "directions_for", "key_per_point"]

_NOTHING: Mapping[str, Argument] = MappingProxyType({})

_LOOP = 64
"""Up to so many coordinates are drawn one by one; more of them by sorting, if there are not many more."""


def key_per_point(key: Any, batch_shape: tuple[int, ...], shared: bool = False) -> jax.Array:
    """Return the keys of the points of a call, shaped (number of points,), or one key, shaped ().

    Args:
        key: one key, of `jax.random.key` or `jax.random.PRNGKey`, or an array of them of the batch shape.
        batch_shape: of the call.
        shared: whether one draw serves all points.

    Raises:
        ArgumentTypeError: no key, or something else.
        ShapeError: an array of keys that has not the batch shape.
    """
    keys = _typed(key)
    if shared or not batch_shape:
        if keys.shape:
            wanted = "shared draws take one key" if shared else "one point takes one key"
            raise ShapeError(f"the keys have shape {keys.shape}; {wanted}", hint="pass key=jax.random.key(0)")
        return keys
    if keys.shape == batch_shape:
        return jnp.reshape(keys, (-1,))
    if keys.shape:
        raise ShapeError(
            f"the keys have shape {keys.shape}, the points have batch shape {batch_shape}",
            hint="pass one key, or an array of keys with one for every point",
        )
    return jax.vmap(lambda number: jax.random.fold_in(keys, number))(jnp.arange(math.prod(batch_shape)))


def directions_for(
    sampling: Sampling, keys: jax.Array, dtype: Any, parameters: Mapping[str, Argument] = _NOTHING
) -> Directions:
    """Return what is drawn with the keys of `key_per_point`, by drawn space; see `Drawn` for the shapes.

    Args:
        sampling: which draws.
        keys: of the points, shaped (number of points,), or one for all, shaped ().
        dtype: floating type of the directions.
        parameters: of the call; those that span subspaces are used.
    """
    by_point = jnp.reshape(keys, (-1,))
    drawn = {}
    for number, draw in enumerate(sampling.draws):
        repeats = jnp.arange(sampling.repeats if draw.repeated else 1)
        bases = _bases(draw, parameters, dtype)
        if draw.law is None and bases is not None:
            drawn[draw.space] = Drawn(rows=_placed(draw, bases, dtype)[:, None])
            continue

        def at(key: jax.Array, basis: Any, repeat: jax.Array, number: int = number, draw: Draw = draw) -> Drawn:
            return _drawn(draw, jax.random.fold_in(jax.random.fold_in(key, number), repeat), dtype, basis)

        many = jax.vmap(at, in_axes=(None, None, 0))
        if bases is None or bases.shape[0] == 1:
            basis = None if bases is None else bases[0]
            drawn[draw.space] = jax.vmap(many, in_axes=(0, None, None))(by_point, basis, repeats)
        else:
            axis, key = (None, by_point[0]) if by_point.shape[0] == 1 else (0, by_point)
            drawn[draw.space] = jax.vmap(many, in_axes=(axis, 0, None))(key, bases, repeats)
    return drawn


def arrangement(numbers: jax.Array, size: int) -> jax.Array:
    """Return m different elements of 0 … size−1 in random order, every arrangement equally often.

    A shuffle that stops after m exchanges (R. A. Fisher and F. Yates; D. Knuth, The Art of Computer Programming 2,
    section 3.4.2, algorithm P) and remembers only what it moved: memory O(m), whatever the size.

    Args:
        numbers: m integers, number j uniform on 0 … size−1−j and independent of the others.
        size: of the set.
    """
    count = numbers.shape[0]
    places = numbers + jnp.arange(count, dtype=numbers.dtype)

    def exchange(step: Any, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        taken, moved = state

        def at(place: Any) -> jax.Array:
            """Return the element at a place: the one moved there last, or its own."""
            last = jnp.max(jnp.where((places == place) & (jnp.arange(count) < step), jnp.arange(count), -1))
            return jnp.where(last < 0, place, moved[last])

        return taken.at[step].set(at(places[step])), moved.at[step].set(at(jnp.asarray(step, places.dtype)))

    return jax.lax.fori_loop(0, count, exchange, (jnp.zeros_like(places), jnp.zeros_like(places)))[0]


# --- laws -------------------------------------------------------------------------------------------------------


def _drawn(draw: Draw, key: jax.Array, dtype: Any, basis: jax.Array | None = None) -> Drawn:
    """Return one draw at one point, without the axes of points and repeats; orthogonal to the basis, if any."""
    match draw.law:
        case Coordinates() | Terms() as law:
            drawn = _coordinates(draw, law, key, dtype)
            return drawn if draw.rows is None else _gathered(draw, drawn, dtype)
        case Auto():
            raise AssertionError("an automatic law is replaced by a concrete one when it is planned")
        case None:
            raise AssertionError(f"nothing is drawn for {draw.space}")
        case law:
            entries = _dense(law, key, draw, _wide(dtype), basis)
            return Drawn(rows=_placed(draw, entries, dtype))


def _placed(draw: Draw, entries: jax.Array, dtype: Any) -> jax.Array:
    """Return directions of the space from those in the space that was drawn in, as rows."""
    if draw.rows is not None:
        rows = jnp.asarray(_weighted_rows(draw), entries.dtype)
        entries = jnp.matmul(entries, rows, precision=jax.lax.Precision.HIGHEST)
    return entries.astype(dtype)


def _bases(draw: Draw, parameters: Mapping[str, Argument], dtype: Any) -> jax.Array | None:
    """Return the basis of the subspace of a draw, shaped (points or 1, rank, dimensions), or None."""
    if draw.subspace is None:
        return None
    given = parameters[draw.subspace]
    found = orthonormal_basis(given.value, draw.rows, draw.weights, _wide(dtype))
    return found if given.batched else found[None]


def _wide(dtype: Any) -> Any:
    return jnp.promote_types(dtype, jnp.float32)


def _coordinates(draw: Draw, law: Coordinates | Terms, key: jax.Array, dtype: Any) -> Drawn:
    match law:
        case Terms():
            term = _by_probability(key, (), draw.probabilities)
            realised = _alias_table(draw.probabilities)[2]
            weights = np.array([rational_value(c) for c in draw.coefficients]) / realised
            return Drawn(indices=jnp.asarray(draw.table)[term], weight=jnp.asarray(weights, dtype)[term])
        case Coordinates(weights=None) if draw.replace:
            return Drawn(indices=jax.random.randint(key, (draw.directions,), 0, draw.dim))
        case Coordinates(weights=None):
            return Drawn(indices=_distinct(key, draw.directions, draw.dim))
        case Coordinates(weights=weights):
            indices = _by_probability(key, (draw.directions,), weights)
            lengths = _alias_table(weights)[2] ** (-1.0 / draw.degree)
            return Drawn(indices=indices, lengths=jnp.asarray(lengths, dtype)[indices])


def _distinct(key: jax.Array, count: int, size: int) -> jax.Array:
    if count > size:
        raise AssertionError(f"{count} different coordinates of {size}")
    if count == size:
        return jnp.arange(size)
    if count > _LOOP and size < count * count:
        return jax.random.permutation(key, size)[:count]
    return arrangement(jax.random.randint(key, (count,), 0, size - jnp.arange(count)), size)


def _gathered(draw: Draw, drawn: Drawn, dtype: Any) -> Drawn:
    """Return the directions whose coordinates in the basis of `draw.rows` were drawn."""
    rows = jnp.asarray(_weighted_rows(draw), dtype)[drawn.indices]
    return Drawn(rows=rows if drawn.lengths is None else rows * drawn.lengths[:, None], weight=drawn.weight)


def _dense(law: Any, key: jax.Array, draw: Draw, dtype: Any, basis: jax.Array | None) -> jax.Array:
    """Return directions as rows.

    A normal vector less its part in a subspace is normal in the complement; to be drawn there is to be normalised after
    that.
    """
    count, dim = draw.directions, draw.dim + draw.rank
    match law:
        case Rademacher():
            return _outside(_signs(key, count, dim, dtype), basis)
        case Gaussian() | IndependentPair():
            return _outside(jax.random.normal(key, (count, dim), dtype), basis)
        case ThreePoint():
            faces = jax.random.randint(key, (count, dim), 0, 6)
            values = jnp.where(faces > 1, 0.0, jnp.where(faces == 0, math.sqrt(3), -math.sqrt(3))).astype(dtype)
            return _outside(values, basis)
        case Sphere():
            rows = _outside(jax.random.normal(key, (count, dim), dtype), basis)
            return rows / jnp.linalg.norm(rows, axis=-1, keepdims=True)
        case Orthogonal():
            return _orthonormal_blocks(key, draw, min(count, draw.dim), dtype, basis)
        case Frame(size):
            return _orthonormal_blocks(key, draw, size, dtype, basis)
        case _:
            assert_never(law)


def _outside(rows: jax.Array, basis: jax.Array | None) -> jax.Array:
    return rows if basis is None else outside(rows, basis)


def _signs(key: jax.Array, count: int, dim: int, dtype: Any) -> jax.Array:
    """Return ±1, one random bit each."""
    words = jax.random.bits(key, (count, math.ceil(dim / 32)), jnp.uint32)
    bits = (words[..., None] >> jnp.arange(32, dtype=jnp.uint32)) & 1
    return 1 - 2 * jnp.reshape(bits, (count, -1))[:, :dim].astype(dtype)


def _orthonormal_blocks(key: jax.Array, draw: Draw, size: int, dtype: Any, basis: jax.Array | None) -> jax.Array:
    """Return rows, `size` at a time orthonormal and uniform on the Stiefel manifold, blocks independent."""
    count, dim = draw.directions, draw.dim + draw.rank
    blocks = math.ceil(count / size)
    normal = _outside(jax.random.normal(key, (blocks, size, dim), dtype), basis)
    return jnp.reshape(_orthonormal(normal, draw.dim), (blocks * size, dim))[:count]


def _orthonormal(rows: jax.Array, dim: int | None = None) -> jax.Array:
    """Return the orthonormal rows of the decomposition rows = L·Q with a positive diagonal of L.

    For normal entries Q is uniform because the positive diagonal makes the decomposition unique (F. Mezzadri, Notices
    of the AMS 54, 2007, p. 592). Few rows in many dimensions are well conditioned, and a Cholesky factor of their
    products does, inverted because a substitution in all dim columns costs a hundred times as much where threads of
    the linear algebra library wait for each other; else rows are orthogonalised one by one. (Two batched
    decompositions by reflections side by side never end where XLA has two threads.) `dim` is that of the space that the
    rows fill, by default all.
    """
    count = rows.shape[-2]
    if 4 * count <= (dim or rows.shape[-1]):
        full = jax.lax.Precision.HIGHEST
        factor = jnp.linalg.cholesky(jnp.matmul(rows, jnp.swapaxes(rows, -1, -2), precision=full))
        unit = jnp.broadcast_to(jnp.eye(count, dtype=rows.dtype), factor.shape)
        inverse = jax.scipy.linalg.solve_triangular(factor, unit, lower=True)
        return jnp.matmul(inverse, rows, precision=full)
    return gram_schmidt(rows)


# --- given probabilities ----------------------------------------------------------------------------------------


def _by_probability(key: jax.Array, shape: tuple[int, ...], probabilities: Any) -> jax.Array:
    """Draw indices by A. J. Walker's alias method: one table look-up each, exact to 2⁻³²/n whatever the float type."""
    thresholds, aliases, _ = _alias_table(probabilities)
    first, second = jax.random.split(key)
    cell = jax.random.randint(first, shape, 0, len(thresholds))
    level = jax.random.bits(second, shape, jnp.uint32)
    return jnp.where(level < jnp.asarray(thresholds)[cell], cell, jnp.asarray(aliases)[cell])


@lru_cache(maxsize=64)
def _alias_table(probabilities: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (thresholds, aliases, the probabilities that are realised), in whole multiples of 2⁻³²/n.

    Estimates divide by the realised probabilities, so that the rounding to such multiples is no bias.
    """
    count, unit = len(probabilities), 2**32
    shares = [max(1, round(p * count * unit)) for p in probabilities]
    largest = max(range(count), key=shares.__getitem__)
    shares[largest] += count * unit - sum(shares)
    thresholds, aliases = [unit] * count, list(range(count))
    left = list(shares)
    small = [number for number in range(count) if left[number] < unit]
    large = [number for number in range(count) if left[number] > unit]
    while small and large:
        poor, rich = small.pop(), large[-1]
        thresholds[poor], aliases[poor] = left[poor], rich
        left[rich] -= unit - left[poor]
        if left[rich] <= unit:
            large.pop()
            if left[rich] < unit:
                small.append(rich)
    # A full cell is its own alias, and 2³² does not fit into 32 bits.
    kept = [min(threshold, unit - 1) for threshold in thresholds]
    realised = np.array([share / (count * unit) for share in shares])
    return np.array(kept, np.uint32), np.array(aliases, np.int32), realised


def _weighted_rows(draw: Draw) -> np.ndarray:
    if draw.rows is None:
        raise AssertionError(f"{draw.space} is drawn in the space itself")
    return weighted_rows(draw.rows, draw.weights)


def _typed(key: Any) -> jax.Array:
    hint = "pass key=jax.random.key(0)"
    if key is None:
        raise ArgumentTypeError("a stochastic operator needs a key", hint=hint)
    dtype = getattr(key, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key):
        return key
    if dtype == jnp.uint32 and np.ndim(key) and np.shape(key)[-1] == jax.random.key_data(jax.random.key(0)).shape[-1]:
        return jax.random.wrap_key_data(jnp.asarray(key))
    found = type(key).__name__ if dtype is None else f"an array of {dtype} of shape {np.shape(key)}"
    raise ArgumentTypeError(f"key is {found}, not a key", hint=hint)
