"""A lagged control variate: an earlier function whose exact value is known takes most of the noise away.

With the same directions for both, r̂[u] − r̂[v] + r[v] has the mean r[u] for every frozen v. Where the operator is
linear this is the estimate of u − v and the exact value of v, with the variance that the formulas give for u − v.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.errors import ArgumentTypeError, ShapeError
from opcompiler.execution.arguments import BoundCall, BoundControl
from opcompiler.execution.directions import Directions
from opcompiler.execution.run import run
from opcompiler.ir.plan import Plan

__all__ = ["Control", "bound_control", "drawn_value"]


@dataclass(frozen=True)
class Control:
    """An earlier function v with the exact value of the operator on it, at the points of a call.

    Attributes:
        u: v, as the first argument of a call: the network with earlier weights.
        value: what the exact operator returns for v at the points; None computes it in every call. An unbiased
            estimate that is independent of the call's key serves as well.
    """

    u: Callable[..., Any] | Mapping[str, Callable[..., Any]]
    value: Any = None


def bound_control(call: BoundCall, plan: Plan, value: Any) -> BoundControl:
    """Return the control of a call with its values brought to the flat batch axis.

    Args:
        call: of the operator on v.
        plan: that it runs.
        value: of the exact operator on v.

    Raises:
        ArgumentTypeError: a value is no array.
        ShapeError: the values have not the batch shape of the call.
    """
    rank = len(call.batch_shape)

    def flat(leaf: Any) -> jax.Array:
        try:
            array = jnp.asarray(leaf)
        except (TypeError, ValueError):
            raise ArgumentTypeError(
                f"a value of the control is {type(leaf).__name__}, not an array", hint="op.control(v, *points)"
            ) from None
        if array.shape[:rank] != call.batch_shape:
            raise ShapeError(
                f"a value of the control has shape {array.shape}, the points have batch shape {call.batch_shape}",
                hint="make the control with op.control(v, *points) at the points of the call",
            )
        return jnp.reshape(array, (prod(call.batch_shape), *array.shape[rank:])) if rank else array

    return BoundControl(call.u, plan, jax.tree.map(flat, value))


def drawn_value(plan: Plan, call: BoundCall, directions: Directions) -> Any:
    """Return the value of a stochastic plan for given directions, less the error that its control shows.

    The error of the control is a number of mean zero and no function of what is differentiated: gradients are those
    of the plain estimate.

    Raises:
        ShapeError: the values of the control are not structured and shaped as the result.
    """
    value = run(plan, call, directions)
    if call.control is None:
        return value
    other = run(call.control.plan, replace(call, u=call.control.u, control=None), directions)
    _check(jax.tree.leaves_with_path(call.control.value), jax.tree.leaves_with_path(other), len(call.batch_shape))
    return jax.tree.map(
        lambda own, estimated, exact: (
            own + jax.lax.stop_gradient((jnp.reshape(exact, own.shape) - estimated).astype(own.dtype))
        ),
        value,
        other,
        call.control.value,
    )


def _check(given: Sequence[tuple[Any, Any]], expected: Sequence[tuple[Any, Any]], rank: int) -> None:
    """Refuse values of another structure or shape than the result; theirs have one batch axis at most."""

    def shapes(leaves: Sequence[tuple[Any, Any]], axes: int) -> list[tuple[Any, tuple[int, ...]]]:
        return [(path, np.shape(leaf)[axes:]) for path, leaf in leaves]

    if shapes(given, min(rank, 1)) != shapes(expected, rank):
        raise ShapeError(
            "the values of the control are not structured and shaped as the result of the operator",
            hint="make the control with op.control(v, *points) at the points of the call",
        )
