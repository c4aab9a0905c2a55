"""Arrays whose axes have names, aligned by name like the operands of einsum.

The batch axis of a call is one more label, `BATCH`. A Python number has no axes and stays weakly typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["BATCH", "Labelled", "broadcast_to_labels", "contract", "entry", "pointwise", "stack"]

BATCH = "*"
"""Label of the batch axis; no label of a head contains a star."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value with one label per axis; a Python number or an array without axes has none."""

    value: Any
    labels: tuple[str, ...] = ()


def pointwise(function: Callable[..., Any], *operands: Labelled) -> Labelled:
    """Apply a pointwise function to operands aligned by label."""
    labels = _union(operands)
    return Labelled(function(*(_aligned(operand, labels) for operand in operands)), labels)


def contract(factors: Sequence[Labelled], summed: Sequence[str] = ()) -> Labelled:
    """Multiply the factors and sum over the labels in `summed`, each of which some factor carries.

    Where one factor carries all labels nothing grows by multiplying first, and the compiler fuses product and sum.
    Otherwise an einsum keeps the intermediate small: Σ_j A_ij x_j of a shared matrix is one matrix product.
    """
    number: Any = 1
    arrays: list[Labelled] = []
    for factor in factors:
        if isinstance(factor.value, (int, float, complex)):
            number = number * factor.value
        else:
            arrays.append(factor)
    if not arrays:
        return Labelled(number)
    labels = _union(arrays)
    kept = tuple(label for label in labels if label not in summed)
    if not summed or any(len(array.labels) == len(labels) for array in arrays):
        product: Any = 1
        for array in arrays:
            aligned = _aligned(array, labels)
            product = aligned if isinstance(product, int) else product * aligned
        axes = tuple(n for n, label in enumerate(labels) if label in summed)
        value = jnp.sum(product, axis=axes) if axes else product
    else:
        number_of = {label: n for n, label in enumerate(labels)}
        operands: list[Any] = []
        for array in arrays:
            operands += [array.value, [number_of[label] for label in array.labels]]
        # Results must not depend on the fast, inexact matrix units that a network may be content with.
        value = jnp.einsum(*operands, [number_of[label] for label in kept], precision=jax.lax.Precision.HIGHEST)
    return Labelled(value if isinstance(number, int) and number == 1 else number * value, kept)


def entry(array: Any, indices: Sequence[int | str], leading: tuple[str, ...] = ()) -> Labelled:
    """Return array[leading…, indices…]: a number selects, a label names the axis, a repeated label is a diagonal."""
    selectors = (slice(None),) * len(leading) + tuple(i if isinstance(i, int) else slice(None) for i in indices)
    if any(isinstance(selector, int) for selector in selectors):
        array = array[selectors]
    labels = [*leading, *(i for i in indices if isinstance(i, str))]
    while len(set(labels)) < len(labels):
        first = next(n for n, label in enumerate(labels) if label in labels[n + 1 :])
        second = labels.index(labels[first], first + 1)
        array = jnp.diagonal(array, axis1=first, axis2=second)
        label = labels[first]
        labels = [name for n, name in enumerate(labels) if n not in (first, second)] + [label]
    return Labelled(array, tuple(labels))


def stack(label: str, entries: Sequence[Labelled]) -> Labelled:
    """Return the vector along `label` with these entries."""
    labels = _union(entries)
    aligned = jnp.broadcast_arrays(*(_full_rank(_aligned(item, labels), len(labels)) for item in entries))
    return entry(jnp.stack(_one_type(aligned), axis=-1), (*labels, label))


def broadcast_to_labels(operand: Labelled, labels: Sequence[str], sizes: Mapping[str, int]) -> Any:
    """Return the array with exactly these axes in this order; a label that is not carried is repeated."""
    aligned = _full_rank(_aligned(operand, tuple(labels)), len(labels))
    return jnp.broadcast_to(aligned, tuple(sizes[label] for label in labels))


def _union(operands: Sequence[Labelled]) -> tuple[str, ...]:
    found = dict.fromkeys(label for operand in operands for label in operand.labels)
    return ((BATCH,) if BATCH in found else ()) + tuple(label for label in found if label != BATCH)


def _aligned(operand: Labelled, labels: tuple[str, ...]) -> Any:
    if operand.labels == labels or not operand.labels:
        return operand.value
    order = [operand.labels.index(label) for label in labels if label in operand.labels]
    transposed = operand.value if order == sorted(order) else jnp.transpose(operand.value, order)
    sizes = iter(transposed.shape)
    return jnp.reshape(transposed, tuple(next(sizes) if label in operand.labels else 1 for label in labels))


def _full_rank(value: Any, rank: int) -> Any:
    array = jnp.asarray(value)
    return array if array.ndim == rank else jnp.reshape(array, (1,) * rank)


def _one_type(arrays: Sequence[Any]) -> list[Any]:
    """Weakly typed entries must not widen the others, so the common type is found before stacking."""
    dtype = jnp.result_type(*arrays)
    return [array.astype(dtype) for array in arrays]
