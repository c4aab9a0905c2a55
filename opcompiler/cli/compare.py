"""The compiled operator and nested forward differentiation, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler.cli.reference import Reference
from opcompiler.ir.expression import System

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What both cost and how far they are apart.

    Attributes:
        relative_error: largest |compiled − reference| of an entry, relative to the largest |reference| of that entry.
        carried: coefficients per value of the plan that ran.
        minimum: the proven minimum.
        flops: of the compiled program, counted by XLA for the whole batch.
        reference_flops: the same for nested differentiation.
    """

    relative_error: float
    carried: int
    minimum: int
    flops: float
    reference_flops: float

    @property
    def ratio(self) -> float:
        """How many times the work nested differentiation takes."""
        return self.reference_flops / self.flops if self.flops else float("inf")


def compare(
    operator: Any,
    system: System,
    network: Callable[..., Any],
    points: tuple[jax.Array, ...],
    parameters: Mapping[str, jax.Array],
    functions: Mapping[str, Callable[..., jax.Array]],
) -> Comparison:
    """Run both on a batch of points.

    Args:
        operator: the compiled operator.
        system: what was read; the meaning that the reference evaluates.
        network: all fields at one point: an array, or name → array.
        points: one batched array per space.
        parameters: values of run-time parameters.
        functions: name → coefficient function.
    """
    reference = Reference(system.declarations, _fields(network, system), parameters, functions)

    def expected(*batch: jax.Array) -> tuple[jax.Array, ...]:
        return jax.vmap(lambda *point: tuple(reference.value(e, point) for e in system.expressions))(*batch)

    def compiled(*batch: jax.Array) -> tuple[jax.Array, ...]:
        result = operator(network, *batch, parameters=dict(parameters) or None)
        return tuple(jax.tree.leaves(result))

    ours, flops = _run(compiled, points)
    theirs, reference_flops = _run(expected, points)
    certificate = operator.plan_for(network, *points).certificate
    return Comparison(
        relative_error=max(_relative_error(a, b) for a, b in zip(ours, theirs, strict=True)),
        carried=certificate.carried,
        minimum=certificate.minimum,
        flops=flops,
        reference_flops=reference_flops,
    )


def _fields(network: Callable[..., Any], system: System) -> dict[str, Callable[..., jax.Array]]:
    names = [field.name for field in system.declarations.fields]
    if len(names) == 1:
        return {names[0]: network}
    return {name: lambda *point, name=name: network(*point)[name] for name in names}


def _run(function: Callable[..., Any], points: tuple[jax.Array, ...]) -> tuple[tuple[jax.Array, ...], float]:
    executable = jax.jit(function).lower(*points).compile()
    costs: Any = executable.cost_analysis()
    return executable(*points), float((costs or {}).get("flops", 0.0))


def _relative_error(a: jax.Array, b: jax.Array) -> float:
    """Return NaN where a value is not finite, which no tolerance accepts."""
    size = float(jnp.max(jnp.abs(b)))
    difference = float(jnp.max(jnp.abs(a - b)))
    return difference / size if size > 0 else difference
