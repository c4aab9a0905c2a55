"""Primitives without a rule of their own, and functions with a derivative rule: recursion on `jax.jvp`.

The rule of a `jax.custom_jvp` function is honoured: it is what is differentiated further.
"""

from __future__ import annotations

import warnings
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.taylor import demand
from opcompiler.taylor.composition import COMPOSITION
from opcompiler.taylor.jaxpr import dtype_of, is_call_of
from opcompiler.taylor.recursion import differentiated
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.rules.indexing import stacked
from opcompiler.taylor.series import Series, constant
from opcompiler.taylor.tangent import Tangent

__all__ = ["TaylorFallbackWarning", "by_recursion", "piecewise_linear"]


class TaylorFallbackWarning(UserWarning):
    """A primitive has no Taylor rule; it is evaluated by recursion on `jax.jvp`: right, but slower."""


_WARNED: set[tuple[str, str]] = set()


def by_recursion(application: Application, *inputs: Any) -> list[Any]:
    """Evaluate any primitive that has a JVP, with one warning per primitive and source line.

    Raises:
        UnsupportedPrimitiveError: the primitive has no JVP.
    """
    if all(not jnp.issubdtype(dtype_of(v), jnp.inexact) for v in application.equation.outvars):
        return application.bind(*map(constant, inputs))
    place = (application.name, application.source)
    if place not in _WARNED:
        _WARNED.add(place)
        warnings.warn(
            f"no Taylor rule for primitive '{application.name}' at {application.source}: recursion on jax.jvp",
            TaylorFallbackWarning,
            stacklevel=2,
        )
    return differentiated(application, *inputs)


@taylor_rule(
    "cumlogsumexp", "igamma", "igammac", "polygamma", "regularized_incomplete_beta",
    family="by their first derivative",
)  # fmt: skip
def by_first_derivative(application: Application, *inputs: Any) -> list[Any]:
    """Functions whose first derivative is an ordinary JAX function: that is what is differentiated further."""
    return differentiated(application, *inputs)


@taylor_rule(
    "scatter-max", "scatter-min", "reduce_window_max", "reduce_window_min", "cummax", "cummin",
    "select_and_scatter_add", "select_and_gather_add",
    family="piecewise", demand=demand.linear,
)  # fmt: skip
def piecewise_linear(application: Application, *inputs: Any) -> list[Any]:
    """f(a)_w = h(a₀, a_w) with the tangent map h of `jax.jvp`, which is locally constant in a₀."""
    tangent = Tangent.of(application, inputs)
    series = tangent.series
    members = sorted({k for s in series for k in s.present})
    rows = {k: max(d.shape[0] for d in (s.dense(k) for s in series) if d is not None) for k in members}
    stacks = [stacked(s, members, rows) for s in series]
    points = [s.primal for s in series]
    along = jax.vmap(lambda *t: tangent(points, t))(*stacks)
    results: list[Any] = list(tangent.values)
    for i, product in zip(tangent.smooth, along, strict=True):
        pieces = dict(zip(members, jnp.split(product, np.cumsum([rows[k] for k in members])[:-1]), strict=True))
        results[i] = Series(tangent.values[i], tuple(pieces.get(k) for k in range(1, application.structure.size)))
    return results


@taylor_rule("custom_jvp_call", family="control flow")
def custom_jvp_call(application: Application, *inputs: Any) -> list[Any]:
    """A function with its own derivative rule: the rule is what is differentiated further.

    The rule of a composition of series is not a redefinition; operators inside u are entered.
    """
    if is_call_of(application.equation, COMPOSITION):
        return application.interpreter.run(application.params["call_jaxpr"], inputs, application.needed)
    return differentiated(application, *inputs)
