"""Nested `jax.jvp`, with equal equations merged after every level.

Differentiating k times makes the program 2ᵏ times as large, nearly all of it repetitions. What is differentiated next
is therefore the jaxpr of the previous level in which every equation that repeats an earlier one is left out; a sixth
derivative then takes a few hundred equations. The derivatives are those of `jax.jvp`, at every level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import factorial
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from jax.extend import core

__all__ = ["Curve", "along_curves", "evaluated", "merged", "tower"]

Curve = Sequence[dict[int, np.ndarray]]
"""Per variable, order k → ∂ᵏ of the curve at 0; for k = 0 how far it starts from the point."""


def along_curves(
    function: Callable[..., list[jax.Array]],
    points: Sequence[Any],
    curves: Sequence[Curve],
    order: int,
    dtype: Any = np.float64,
) -> tuple[core.ClosedJaxpr, int]:
    """Return the program of ∂ᵏ of ε ↦ function(x(ε)), k = 0 … order, along several curves, and the number of results.

    The results of the program have the curves as leading axis.
    """
    coefficients = []
    for i, point in enumerate(points):
        zero = np.zeros(np.shape(point), np.asarray(point).dtype)
        rows = [np.stack([np.asarray(c[i].get(k, zero)) / factorial(k) for c in curves]) for k in range(order + 1)]
        coefficients.append([row.astype(zero.dtype) for row in rows])

    def composite(eps: jax.Array) -> list[jax.Array]:
        moved = [
            jnp.asarray(point)[None] + sum(row * eps**k for k, row in enumerate(rows) if row.any())
            for point, rows in zip(points, coefficients, strict=True)
        ]
        return jax.vmap(function)(*[jnp.broadcast_to(m, (len(curves), *m.shape[1:])) for m in moved])

    with jax.disable_jit():
        return tower(composite, order, dtype)


def evaluated(program: core.ClosedJaxpr, count: int) -> list[list[jax.Array]]:
    """Return the derivatives at 0: per order, per result."""
    (eps,) = program.in_avals
    values = core.jaxpr_as_fun(program)(np.zeros((), eps.dtype))
    return [list(values[first : first + count]) for first in range(0, len(values), count or 1)]


def tower(function: Callable[[jax.Array], list[jax.Array]], order: int, dtype: Any) -> tuple[core.ClosedJaxpr, int]:
    """Return the program of (F, F', …, F⁽ᵒʳᵈᵉʳ⁾) for a function F of one number, and how many results F has."""
    zero = np.zeros((), dtype)
    program = merged(jax.make_jaxpr(function)(zero))
    count = len(program.jaxpr.outvars)
    for _ in range(order):
        program = merged(jax.make_jaxpr(_longer(program, count))(zero))
    return program, count


def _longer(program: core.ClosedJaxpr, count: int) -> Callable[[jax.Array], list[jax.Array]]:
    """(F, …, F⁽ᵏ⁾) → (F, …, F⁽ᵏ⁺¹⁾)."""
    inner = core.jaxpr_as_fun(program)

    def longer(eps: jax.Array) -> list[jax.Array]:
        results, tangents = jax.jvp(lambda e: inner(e), (eps,), (jnp.ones_like(eps),))
        return [*results, *tangents[len(tangents) - count :]]

    return longer


def merged(program: core.ClosedJaxpr) -> core.ClosedJaxpr:
    """Leave out equations that repeat an earlier one, and those whose results nobody uses."""
    jaxpr = program.jaxpr
    known: dict[Any, list[Any]] = {}
    replaced: dict[Any, Any] = {}
    equations = []
    for equation in jaxpr.eqns:
        operands = [a if isinstance(a, core.Literal) else replaced.get(a, a) for a in equation.invars]
        label = _label(equation, operands)
        if label in known:
            replaced.update(zip(equation.outvars, known[label], strict=True))
        else:
            known[label] = equation.outvars
            equations.append(equation.replace(invars=operands))
    results = [a if isinstance(a, core.Literal) else replaced.get(a, a) for a in jaxpr.outvars]
    used = {a for a in results if not isinstance(a, core.Literal)}
    kept = []
    for equation in reversed(equations):
        if equation.effects or not used.isdisjoint(equation.outvars):
            kept.append(equation)
            used.update(a for a in equation.invars if not isinstance(a, core.Literal))
    return core.ClosedJaxpr(jaxpr.replace(eqns=kept[::-1], outvars=results), program.consts)


def _label(equation: Any, operands: Sequence[Any]) -> Any:
    """Return what equal equations have in common; something unique where parameters cannot be compared."""
    if equation.effects:
        return object()
    inputs = tuple((str(a.aval), np.asarray(a.val).tobytes()) if isinstance(a, core.Literal) else a for a in operands)
    label = (equation.primitive.name, inputs, tuple(sorted(equation.params.items(), key=lambda item: item[0])))
    try:
        hash(label)
    except TypeError:
        return object()
    return label
