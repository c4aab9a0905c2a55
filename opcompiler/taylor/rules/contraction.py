"""dot_general on series: coordinate seeds become a gather of columns, everything else one matmul."""

from __future__ import annotations

from math import prod
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.jaxpr import dtype_of
from opcompiler.taylor.pairs import Pairs
from opcompiler.taylor.registry import Application
from opcompiler.taylor.seeds import Seed, by_direction, scale_by_position
from opcompiler.taylor.series import Series
from opcompiler.taylor.sparse import Sparse, rows_gathered
from opcompiler.taylor.structure import Product

Axes = tuple[int, ...]


def contract_constant(application: Application, a: Series, weight: Any, *, series_is_left: bool) -> Any:
    """(aW)_w = a_w W: one matmul over the primal and all coefficients of equal shape, then one split."""
    (left, right), (left_batch, right_batch) = application.params["dimension_numbers"]
    contracted, batch = (left, left_batch) if series_is_left else (right, right_batch)
    other_contracted = right if series_is_left else left
    results: list[Block] = [None] * len(a.blocks)
    stacked: dict[tuple[int, ...], list[int]] = {a.shape: [0]}
    touched = {*contracted, *batch}
    gathered: dict[int, tuple[Seed, jax.Array]] = {}
    dense: dict[int, jax.Array] = {0: a.primal[None]}
    for k, block in enumerate(a.blocks, 1):
        if isinstance(block, Seed) and not batch:
            matrix = _by_position(application, a, block, weight, tuple(contracted), tuple(other_contracted))
            if matrix is not None:
                gathered[k] = (block, matrix)
                continue
        if isinstance(block, Sparse) and not batch:
            rows = _drawn_rows(application, a, block, weight, tuple(contracted), tuple(other_contracted))
            if rows is not None:
                results[k - 1] = _placed(rows, a.ndim - len(contracted), np.ndim(weight), series_is_left)
                continue
        array = a.dense(k)
        if array is not None:
            dense[k] = blocks.expand(array, a.shape, touched)
            stacked.setdefault(dense[k].shape[1:], []).append(k)
    primal: Any = None
    for members in stacked.values():
        pieces = _one_matmul(application, [dense[k] for k in members], weight, series_is_left)
        for k, piece in zip(members, pieces, strict=True):
            if k:
                results[k - 1] = piece
            else:
                primal = lax.squeeze(piece, (0,))
    lead = a.ndim - len(contracted)
    for k, (block, matrix) in gathered.items():
        rows = by_direction(block, matrix)
        if np.ndim(block.scale) == 0 and not block.is_unit:
            rows = rows * jnp.asarray(block.scale, rows.dtype)
        results[k - 1] = _placed(rows, lead, np.ndim(weight), series_is_left)
    return Series(primal, tuple(results))


def _one_matmul(application: Application, rows: list[jax.Array], weight: Any, series_is_left: bool) -> list[jax.Array]:
    """Apply the contraction to the concatenated rows; the leading axis becomes a free axis of the matmul."""
    (left, right), (left_batch, right_batch) = application.params["dimension_numbers"]
    sizes = [row.shape[0] for row in rows]
    stack = rows[0] if len(rows) == 1 else lax.concatenate(rows, 0)
    if not left_batch and application.params["out_sharding"] is None:
        product = _flat_matmul(application, stack, jnp.asarray(weight), series_is_left)
        pieces = [product] if len(sizes) == 1 else lax.split(product, sizes, 0)
        return [_placed(piece, stack.ndim - 1 - len(left), np.ndim(weight), series_is_left) for piece in pieces]
    if series_is_left:
        numbers = ((_behind_rows(left), right), (_behind_rows(left_batch), right_batch))
        product = application.apply(stack, weight, dimension_numbers=numbers)
        axis = len(left_batch)
    else:
        numbers = ((left, _behind_rows(right)), (left_batch, _behind_rows(right_batch)))
        product = application.apply(weight, stack, dimension_numbers=numbers)
        axis = np.ndim(weight) - len(left)
    pieces = [product] if len(sizes) == 1 else lax.split(product, sizes, axis)
    return [piece if axis == 0 else jnp.moveaxis(piece, axis, 0) for piece in pieces]


def _behind_rows(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of a primal as axes of a block, whose leading axis counts the directions."""
    return tuple(axis + 1 for axis in axes)


def _flat_matmul(application: Application, stack: jax.Array, weight: jax.Array, series_is_left: bool) -> jax.Array:
    """The contraction as a product of two matrices, shaped (rows, lead axes, free axes of the weight).

    Written this way the gradient with respect to the weight is one product of two matrices as they lie in memory; that
    of a contraction over three axes transposes and copies all rows first.
    """
    (left, right), _ = application.params["dimension_numbers"]
    contracted, other = (left, right) if series_is_left else (right, left)
    lead = [axis for axis in range(1, stack.ndim) if axis - 1 not in contracted]
    free = [axis for axis in range(weight.ndim) if axis not in other]
    rows, columns = [stack.shape[axis] for axis in (0, *lead)], [weight.shape[axis] for axis in free]
    length = prod(weight.shape[axis] for axis in other)
    matrix = jnp.transpose(stack, (0, *lead, *_behind_rows(contracted))).reshape((prod(rows), length))
    if tuple(other) == tuple(range(len(free), weight.ndim)):
        product = application.apply(
            matrix, weight.reshape((prod(columns), length)), dimension_numbers=(((1,), (1,)), ((), ()))
        )
    else:
        factor = jnp.transpose(weight, (*other, *free)).reshape((length, prod(columns)))
        product = application.apply(matrix, factor, dimension_numbers=(((1,), (0,)), ((), ())))
    return product.reshape((*rows, *columns))


def _placed(rows: jax.Array, lead: int, weight_ndim: int, series_is_left: bool) -> jax.Array:
    """Order (directions, lead axes, weight axes) as dot_general orders its result: left operand's axes first."""
    if series_is_left:
        return rows
    free = rows.ndim - 1 - lead
    return jnp.moveaxis(rows, tuple(range(1 + lead, rows.ndim)), tuple(range(1, 1 + free)))


def _drawn_rows(
    application: Application, a: Series, block: Sparse, weight: Any, contracted: Axes, other: Axes
) -> jax.Array | None:
    """Rows of the weights at the places of a block: (directions, lead, free); None unless the point is contracted."""
    axes = tuple(range(a.ndim - len(block.point), a.ndim))
    if sorted(contracted) != list(axes):
        return None
    order = tuple(other[contracted.index(axis)] for axis in axes)
    return rows_gathered(block, jnp.asarray(weight).astype(dtype_of(application.equation.outvars[0])), order)


def _by_position(
    application: Application, a: Series, seed: Seed, weight: Any, contracted: Axes, other: Axes
) -> jax.Array | None:
    """scale[p] W[p, …] for every position p of the point, up to a number: (positions, lead, free).

    None unless exactly the point is contracted. Direction r then has row p(r): Σ_p seed_r[p] W[p, …].
    """
    if sorted(contracted) != sorted(seed.axes):
        return None
    order = [other[contracted.index(axis)] for axis in seed.axes]
    free = [axis for axis in range(np.ndim(weight)) if axis not in other]
    dtype = dtype_of(application.equation.outvars[0])
    lead = a.ndim - len(seed.axes)
    matrix = jnp.transpose(jnp.asarray(weight), order + free)
    matrix = matrix.reshape((prod(seed.point(a.shape)), *(1,) * lead, *matrix.shape[len(order) :])).astype(dtype)
    if np.ndim(seed.scale) == 0:
        return matrix
    scale = scale_by_position(seed, a.shape, dtype)
    others = tuple(n for axis, n in enumerate(scale.shape[1:]) if axis not in seed.axes)
    return matrix * scale.reshape((scale.shape[0], *others, *(1,) * len(free)))


def contract_series(application: Application, a: Series, b: Series) -> Series:
    """Both factors are series: two stacked matmuls with the primals, one contraction per product of the table."""
    structure, needed = application.structure, application.wanted
    result = contract_constant(application, a, b.primal, series_is_left=True)
    from_b = contract_constant(application, b, a.primal, series_is_left=False)
    shape, dtype = result.shape, result.dtype
    entries: list[Block] = []
    for k in range(1, structure.size):
        if k not in needed:
            entries.append(None)
            continue
        contributions = [result.block(k), from_b.block(k)]
        for term in structure.products[k]:
            summed = (structure.is_family(term.left) or structure.is_family(term.right)) and not structure.is_family(k)
            for left, right, meeting in term.orientations:
                if meeting is None:
                    value = _pair(application, a, b, (left, right), term, summed)
                else:
                    value = _stacked_pair(application, a, b, (left, right), meeting)
                contributions.append(blocks.scale(value, term.constant))
        entries.append(blocks.total(contributions, shape, dtype))
    return Series(result.primal, tuple(entries))


def _pair(
    application: Application, a: Series, b: Series, pair: tuple[int, int], term: Product, summed: bool
) -> jax.Array | None:
    """a_l · b_r contracted as the primitive does, direction by direction; summed over the directions if asked."""
    (left, right), (left_batch, right_batch) = application.params["dimension_numbers"]
    x, y = a.dense(pair[0]), b.dense(pair[1])
    if x is None or y is None:
        return None
    x = blocks.expand(x, a.shape)
    y = blocks.expand(y, b.shape)
    weights = term.weights_of(max(x.shape[0], y.shape[0]))
    if weights is not None:
        weighted = jnp.asarray(weights, x.dtype).reshape((-1,) + (1,) * (x.ndim - 1))
        x = x * weighted
    if x.shape[0] == y.shape[0] and summed:
        numbers = (
            ((0, *_behind_rows(left)), (0, *_behind_rows(right))),
            (_behind_rows(left_batch), _behind_rows(right_batch)),
        )
        return application.apply(x, y, dimension_numbers=numbers)[None]
    if x.shape[0] == y.shape[0]:
        numbers = (
            (_behind_rows(left), _behind_rows(right)),
            ((0, *_behind_rows(left_batch)), (0, *_behind_rows(right_batch))),
        )
        return application.apply(x, y, dimension_numbers=numbers)
    if summed:
        x, y = x.sum(0, keepdims=True), y.sum(0, keepdims=True)
        return _pair_single(application, x, y)
    return _pair_single(application, x, y)


def _stacked_pair(
    application: Application, a: Series, b: Series, pair: tuple[int, int], meeting: Pairs
) -> jax.Array | None:
    """Σ a_l · b_r over the rows that meet, contracted row by row."""
    (left, right), (left_batch, right_batch) = application.params["dimension_numbers"]
    x, y = a.dense(pair[0]), b.dense(pair[1])
    if x is None or y is None:
        return None
    numbers = (
        (_behind_rows(left), _behind_rows(right)),
        ((0, *_behind_rows(left_batch)), (0, *_behind_rows(right_batch))),
    )
    x, y = blocks.expand(x, a.shape), blocks.expand(y, b.shape)
    return meeting.product(x, y, lambda x, y: application.apply(x, y, dimension_numbers=numbers))


def _pair_single(application: Application, x: jax.Array, y: jax.Array) -> jax.Array:
    """One of the factors has a single direction."""
    if x.shape[0] == 1:
        return jax.vmap(lambda t: application.apply(x[0], t))(y)
    return jax.vmap(lambda t: application.apply(t, y[0]))(x)
