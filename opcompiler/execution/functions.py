"""Coefficient functions: user callables of the arguments of ONE point, and their derivatives by nested jvp."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.errors import ShapeError
from opcompiler.execution.labelled import BATCH, Labelled, entry

__all__ = ["Function", "function_entry"]

_FORWARD_LIMIT = 64
"""A gradient along more directions than this is taken in reverse: one-hot tangents would be a square array."""


@dataclass(frozen=True, slots=True)
class Function:
    """A coefficient function with the shape of its value declared, `functions={"c(x,y)": Function(f, shape=(2,))}`.

    Attributes:
        callable: takes the declared arguments of one point; None when it is given at call.
        shape: shape of one value.
    """

    callable: Callable[..., Any] | None = None
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Accept any sequence, or one number, as the shape."""
        shape = (self.shape,) if isinstance(self.shape, int) else tuple(self.shape)
        object.__setattr__(self, "shape", shape)


def function_entry(
    name: str,
    function: Callable[..., Any],
    shape: tuple[int, ...],
    arguments: Sequence[Labelled],
    derivatives: Sequence[tuple[int, int | str]],
    indices: Sequence[int | str],
    sizes: Mapping[str, int],
) -> Labelled:
    """Return one entry of a derivative of a coefficient function.

    Args:
        name: for messages.
        function: the user's callable.
        shape: declared shape of its value.
        arguments: values, with the batch label where they differ from point to point.
        derivatives: (argument number, flat index in it) per differentiation; a label leaves the index open.
        indices: entry of the value.
        sizes: of all labels.

    Raises:
        ShapeError: the callable returns another shape than declared.
    """
    reverse = _reverse_gradient(shape, derivatives, sizes)
    if reverse is not None:
        number, label, remaining = reverse
        gradient = _gradient(_differentiated(_checked(name, function, shape), remaining), number)
        return _mapped(gradient, arguments, (label,))
    open_labels = list(dict.fromkeys(index for _, index in derivatives if isinstance(index, str)))
    values = [argument.value for argument in arguments]

    def at(directions: dict[str, Any], *points: Any) -> Any:
        chosen = [(number, directions[index] if isinstance(index, str) else index) for number, index in derivatives]
        return _differentiated(_checked(name, function, shape), chosen)(*points)

    evaluate: Callable[..., Any] = at
    for label in open_labels:
        # One second derivative per direction: Σ_i ∂_i∂_i c never forms the Hessian.
        axes: dict[str, int | None] = {other: 0 if other == label else None for other in open_labels}
        evaluate = jax.vmap(evaluate, in_axes=(axes, *(None for _ in values)))
    labels: tuple[str, ...] = tuple(reversed(open_labels))
    if any(BATCH in argument.labels for argument in arguments):
        evaluate = jax.vmap(evaluate, in_axes=(None, *(0 if BATCH in a.labels else None for a in arguments)))
        labels = (BATCH, *labels)
    directions = {label: np.arange(sizes[label]) for label in open_labels}
    return entry(evaluate(directions, *values), indices, leading=labels)


def _reverse_gradient(
    shape: tuple[int, ...], derivatives: Sequence[tuple[int, int | str]], sizes: Mapping[str, int]
) -> tuple[int, str, list[tuple[int, int | str]]] | None:
    """Return (argument, label, other derivatives) where one gradient of a scalar is best taken in reverse."""
    labelled = [(number, index) for number, index in derivatives if isinstance(index, str)]
    if shape or len(labelled) != 1 or sizes[labelled[0][1]] <= _FORWARD_LIMIT:
        return None
    return (*labelled[0], [derivative for derivative in derivatives if derivative != labelled[0]])


def _mapped(gradient: Callable[..., Any], arguments: Sequence[Labelled], labels: tuple[str, ...]) -> Labelled:
    values = [argument.value for argument in arguments]
    if not any(BATCH in argument.labels for argument in arguments):
        return Labelled(gradient(*values), labels)
    mapped = jax.vmap(gradient, in_axes=tuple(0 if BATCH in argument.labels else None for argument in arguments))
    return Labelled(mapped(*values), (BATCH, *labels))


def _gradient(function: Callable[..., Any], number: int) -> Callable[..., Any]:
    """Return the flat gradient of a scalar function, real or complex, in one argument."""

    def gradient(*arguments: Any) -> Any:
        parts = [jnp.real] + ([jnp.imag] if jnp.iscomplexobj(jax.eval_shape(function, *arguments)) else [])
        flat = [jnp.ravel(jax.grad(lambda *a, p=part: p(function(*a)), number)(*arguments)) for part in parts]
        return flat[0] if len(flat) == 1 else flat[0] + 1j * flat[1]

    return gradient


def _differentiated(function: Callable[..., Any], derivatives: Sequence[tuple[int, Any]]) -> Callable[..., Any]:
    for number, index in derivatives:
        function = _derivative(function, number, index)
    return function


def _checked(name: str, function: Callable[..., Any], shape: tuple[int, ...]) -> Callable[..., Any]:
    def checked(*arguments: Any) -> Any:
        value = jnp.asarray(function(*arguments))
        if value.shape != shape:
            raise ShapeError(
                f"the coefficient function {name} returned shape {value.shape}, declared is {shape}",
                hint=f'declare it: functions={{"{name}(…)": oc.Function(f, shape={value.shape})}}',
            )
        return value

    return checked


def _derivative(function: Callable[..., Any], number: int, index: Any) -> Callable[..., Any]:
    """Return ∂function/∂argument[number][index], the index counting in C order."""

    def derivative(*arguments: Any) -> Any:
        argument = arguments[number]

        def along(value: Any) -> Any:
            return function(*arguments[:number], value, *arguments[number + 1 :])

        direction = (jnp.arange(argument.size) == index).astype(argument.dtype).reshape(argument.shape)
        return jax.jvp(along, (argument,), (direction,))[1]

    return derivative
