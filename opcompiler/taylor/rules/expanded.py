"""Primitives that are rewritten as JAX functions of primitives with rules; their values stay their own.

Windows and reductions by a program, scatters that multiply or apply a function, calls with a special transpose or a
special batching rule, and products of ragged groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product as indices_of
from math import prod
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import demand
from opcompiler.taylor.demand import Elements
from opcompiler.taylor.jaxpr import as_function, close
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.series import constant, is_series

if TYPE_CHECKING:
    from opcompiler.taylor.interpreter import Interpreter

FAMILY = "by other primitives"


def _listed(results: Any) -> list[Any]:
    return list(results) if isinstance(results, list | tuple) else [results]


def _on_arrays(closed: Any) -> Callable[..., list[jax.Array]]:
    """Return the function of scalars as one of arrays of equal shape."""
    function = as_function(closed)

    def on_arrays(*arrays: jax.Array) -> list[jax.Array]:
        shape = np.broadcast_shapes(*map(np.shape, arrays))
        flat = [jnp.broadcast_to(a, shape).reshape(-1) for a in arrays]
        return [r.reshape(shape) for r in jax.vmap(lambda *scalars: tuple(function(*scalars)))(*flat)]

    return on_arrays


# reductions by a program --------------------------------------------------------------------------------------------


@taylor_rule("reduce_window", family=FAMILY)
def reduce_window(application: Application, *inputs: Any) -> list[Any]:
    """Fold the shifted copies of the array, one per place of the window."""
    params = application.params
    count = len(inputs) // 2
    combine = _on_arrays(close(params["jaxpr"], params["consts"]))
    window, strides = params["window_dimensions"], params["window_strides"]
    dilation = params["window_dilation"]
    primals = _listed(application.bind(*map(constant, inputs)))
    shape = np.shape(primals[0])

    def folded(*values: Any) -> list[jax.Array]:
        arrays, initial = values[:count], values[count:]
        config = [
            (low, high, step - 1) for (low, high), step in zip(params["padding"], params["base_dilation"], strict=True)
        ]
        padded = [lax.pad(a, i, config) for a, i in zip(arrays, initial, strict=True)]
        total = [jnp.full(shape, i) for i in initial]
        for place in indices_of(*map(range, window)):
            start = [p * d for p, d in zip(place, dilation, strict=True)]
            stop = [s + (n - 1) * t + 1 for s, n, t in zip(start, shape, strides, strict=True)]
            total = combine(*total, *(lax.slice(a, start, stop, strides) for a in padded))
        return total

    return application.interpreter.through(folded, inputs, application.needed, primals)


@taylor_rule("reduce", family=FAMILY)
def reduce(application: Application, *inputs: Any) -> list[Any]:
    """Combine halves until one is left (the program is associative by contract)."""
    params = application.params
    count = len(inputs) // 2
    combine, axes = _on_arrays(params["jaxpr"]), tuple(params["dimensions"])
    primals = _listed(application.bind(*map(constant, inputs)))

    def folded(*values: Any) -> list[jax.Array]:
        arrays = [jnp.moveaxis(a, axes, range(len(axes))) for a in values[:count]]
        arrays = [a.reshape((-1, *a.shape[len(axes) :])) for a in arrays]
        rest: list[jax.Array] = [jnp.broadcast_to(i, a.shape[1:]) for i, a in zip(values[count:], arrays, strict=True)]
        while arrays[0].shape[0] > 1:
            half = arrays[0].shape[0] // 2
            if arrays[0].shape[0] % 2:
                rest = combine(*rest, *(a[-1] for a in arrays))
            arrays = combine(*(a[:half] for a in arrays), *(a[half : 2 * half] for a in arrays))
        return combine(*rest, *(a[0] for a in arrays)) if arrays[0].shape[0] else rest

    return application.interpreter.through(folded, inputs, application.needed, primals)


@taylor_rule("approx_top_k", family="piecewise", demand=demand.linear)
def approx_top_k(application: Application, a: Any) -> list[Any]:
    """The coefficients of the chosen entries."""
    values, indices = application.bind(a.primal)
    axis = application.params["reduction_dimension"] % a.ndim

    def chosen(a: jax.Array) -> list[jax.Array]:
        return [jnp.take_along_axis(a, indices, axis)]

    (result,) = application.interpreter.through(chosen, [a], application.needed[:1], [values])
    return [result, indices]


# scatters -----------------------------------------------------------------------------------------------------------


def _targets(application: Application, operand: Any, indices: Any, updates: Any) -> jax.Array:
    """Return the flat position that every entry of the updates goes to, −1 if it is dropped."""
    numbers = application.params["dimension_numbers"]
    gather = lax.GatherDimensionNumbers(
        offset_dims=numbers.update_window_dims,
        collapsed_slice_dims=numbers.inserted_window_dims,
        start_index_map=numbers.scatter_dims_to_operand_dims,
        operand_batching_dims=numbers.operand_batching_dims,
        start_indices_batching_dims=numbers.scatter_indices_batching_dims,
    )
    shape = np.shape(operand)
    alone = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    window = iter(np.shape(updates)[axis] for axis in numbers.update_window_dims)
    sizes = tuple(1 if axis in alone else next(window) for axis in range(len(shape)))
    positions = jnp.arange(prod(shape)).reshape(shape)
    # A window that leaves the array is dropped as a whole by a scatter, clipped or filled by a gather alike.
    mode = application.params["mode"]
    clip = mode == lax.GatherScatterMode.CLIP
    mode = lax.GatherScatterMode.CLIP if clip else lax.GatherScatterMode.FILL_OR_DROP
    return lax.gather(positions, indices, gather, sizes, mode=mode, fill_value=-1).reshape(-1)


@taylor_rule("scatter-mul", family=FAMILY)
def scatter_multiply(application: Application, operand: Any, indices: Any, updates: Any) -> list[Any]:
    """Multiply every entry by the product of the updates that go to it: a segmented running product."""
    primal = application.bind(constant(operand), constant(indices), constant(updates))
    targets = _targets(application, constant(operand), constant(indices), constant(updates))
    order = jnp.argsort(targets, stable=True)
    sorted_targets = targets[order]
    size = prod(np.shape(constant(operand)))
    first = jnp.concatenate([jnp.ones(1, bool), sorted_targets[1:] != sorted_targets[:-1]])[: targets.size]
    last = (
        jnp.full(size, -1)
        .at[jnp.where(sorted_targets < 0, size, sorted_targets)]
        .max(jnp.arange(targets.size), mode="drop")
    )

    def multiplied(operand: jax.Array, updates: jax.Array) -> list[jax.Array]:
        def join(left: tuple[Any, Any], right: tuple[Any, Any]) -> tuple[Any, Any]:
            return left[0] | right[0], jnp.where(right[0], right[1], left[1] * right[1])

        if not targets.size:
            return [operand]
        _, running = lax.associative_scan(join, (first, updates.reshape(-1)[order]))
        factor = jnp.where(last < 0, jnp.ones((), operand.dtype), running[jnp.maximum(last, 0)])
        return [operand * factor.reshape(operand.shape)]

    return application.interpreter.through(multiplied, [operand, updates], application.needed, [primal])


def scatter_demand(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> Sequence[Elements]:
    """Writing is linear, applying a function is not."""
    rule = demand.linear if equation.params["update_jaxpr"] is None else demand.nonlinear
    return rule(interpreter, equation, active, needed)


@taylor_rule("scatter", family="indexing", demand=scatter_demand)
def scatter(application: Application, operand: Any, indices: Any, updates: Any) -> list[Any]:
    """Write the updates; or, for `scatter_apply`, replace entries by a function of them, as often as they are named."""
    from opcompiler.taylor.fallback import piecewise_linear

    params = application.params
    if params["update_jaxpr"] is None:
        return piecewise_linear(application, operand, indices, updates)
    function = _on_arrays(close(params["update_jaxpr"], params["update_consts"]))
    values = (constant(operand), constant(indices), constant(updates))
    primal = application.bind(*values)
    targets = _targets(application, *values)
    shape = np.shape(primal)
    hits = jnp.zeros(prod(shape), int).at[jnp.where(targets < 0, prod(shape), targets)].add(1, mode="drop")
    hits = hits.reshape(shape)

    def applied(operand: jax.Array) -> list[jax.Array]:
        def once(number: Any, value: jax.Array) -> jax.Array:
            return jnp.where(number < hits, function(value, value)[0].astype(value.dtype), value)

        if params["unique_indices"]:
            return [once(0, operand)]
        return [lax.fori_loop(0, jnp.max(hits, initial=0), once, operand)]

    return application.interpreter.through(applied, [operand], application.needed, [primal])


# calls --------------------------------------------------------------------------------------------------------------


def _body(equation: Any) -> Any:
    return equation.params["callee" if equation.primitive.name == "linear_call" else "call"]


def call_demand(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> Sequence[Elements]:
    """What the body needs of its inputs."""
    return interpreter.demands(_body(equation), active, needed)[1]


@taylor_rule("linear_call", "custom_vmap_call", family="control flow", demand=call_demand)
def call(application: Application, *inputs: Any) -> list[Any]:
    """A call is its body: a custom transpose or batching rule says nothing about forward derivatives."""
    return application.interpreter.run(_body(application.equation), inputs, application.needed)


# products of ragged groups ------------------------------------------------------------------------------------------


@taylor_rule("ragged_dot_general", family="bilinear", demand=demand.bilinear)
def ragged_dot(application: Application, a: Any, b: Any, sizes: Any) -> Any:
    """Bilinear in both operands; the sizes of the groups are values."""
    from opcompiler.taylor.rules.linalg import coefficients_of, inner_products, series_of

    structure, sizes = application.structure, constant(sizes)
    primal = application.bind(constant(a), constant(b), sizes)

    def product(x: jax.Array, y: jax.Array) -> jax.Array:
        # One direction at a time: the primitive cannot be batched.
        rows = max(x.shape[0], y.shape[0])
        left, right = (jnp.broadcast_to(v, (rows, *v.shape[1:])) for v in (x, y))
        return jnp.stack([application.bind(left[r], right[r], sizes) for r in range(rows)])

    left = coefficients_of(a) if is_series(a) else {}
    right = coefficients_of(b) if is_series(b) else {}
    result: dict[int, jax.Array] = {}
    for k in sorted(application.wanted - {0}):
        value = inner_products(structure, k, left, right, product)
        if k in left:
            value = value + product(left[k], constant(b)[None])
        if k in right:
            value = value + product(constant(a)[None], right[k])
        if not isinstance(value, int):
            result[k] = value
    return series_of(structure, primal, result, application.wanted) if result else primal
