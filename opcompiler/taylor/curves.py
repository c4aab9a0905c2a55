"""Derivatives along curves: `jet`, univariate Taylor mode in one direction, in several, or collapsed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import comb
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.errors import ArgumentTypeError, ShapeError
from opcompiler.ir.algebra import Algebra, Axis, Element, Term
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.space import CoordinateRange
from opcompiler.taylor.evaluate import evaluate
from opcompiler.taylor.jet import Jet, variable
from opcompiler.taylor.univariate import univariate_algebra

__all__ = ["jet"]


def jet(
    function: Callable[..., Any],
    primals: Sequence[Any],
    series: Sequence[Sequence[Any] | None],
    *,
    directions: int | None = None,
    weights: Sequence[float] | None = None,
) -> tuple[Any, list[Any]]:
    """Return f(x) and the derivatives d^k/dε^k f(x(ε)) at ε = 0 along curves x(ε) = x + Σ_k s_k ε^k / k!.

    Nothing is divided by factorials: s_k and the results are derivatives, as in `jax.experimental.jet`. One pass
    carries 1 + R·k coefficients for R directions. With `weights` it carries the highest derivative only as
    Σ_r w_r d^k f(x_r(ε))/dε^k, which saves R − 1 of them: collapsed Taylor mode.

        value, (first, second) = jet(f, (x,), ((v, jnp.zeros_like(v)),))          # ∂f·v and vᵀ∇²f v
        value, (gradient, laplacian) = jet(f, (x,), ((jnp.eye(n), None),), directions=n, weights=[1.0] * n)

    Args:
        function: any JAX function of the primals.
        primals: one pytree per argument of the function.
        series: per argument the sequence (s_1, …, s_k) of pytrees like the argument, each None where it vanishes; or
            None for an argument that stays constant. All sequences have the same length.
        directions: the number R of curves; every s_j then has R as an additional leading axis.
        weights: R numbers (known when tracing) with which the highest derivatives are summed.

    Returns:
        (f(x), [first, …, k-th derivative]), all pytrees like the result of the function; with `directions` the
        derivatives have R as leading axis, except for a collapsed one.

    Raises:
        ArgumentTypeError: coefficients for an array of integers or booleans.
        ShapeError: sequences of different length or none, a coefficient that does not fit its argument, or weights
            that are not one per direction.
        UnsupportedPrimitiveError: a primitive of the function has no derivative.

    Source: the collapsed form is that of Dangel, Siebert, Zeinhofer & Walther 2025.
    """
    orders = {len(s) for s in series if s is not None}
    if len(primals) != len(series) or len(orders) != 1 or 0 in orders:
        raise ShapeError(
            "jet needs one sequence of coefficients per argument, all of the same length",
            hint="None stands for an argument that stays constant",
        )
    (order,) = orders
    if weights is not None and len(weights) != directions:
        raise ShapeError(f"{len(weights)} weights for {directions} directions")
    algebra = _algebra(order, directions, weights)
    collapsed = None if weights is None else np.asarray(weights, float)
    arguments = [
        primal if s is None else _seeded(primal, s, algebra, directions, collapsed)
        for primal, s in zip(primals, series, strict=True)
    ]
    result = evaluate(function, arguments, algebra)

    def part(number: int) -> Any:
        return jax.tree_util.tree_map(lambda j: j.coefficient(number), result, is_leaf=lambda v: isinstance(v, Jet))

    return part(0), [part(k) for k in range(1, order + 1)]


def _algebra(order: int, directions: int | None, weights: Sequence[float] | None) -> Algebra:
    """The univariate algebra for every direction; the highest element is single if it is collapsed."""
    if directions is None:
        return univariate_algebra(order)
    top = None if weights is None else order
    elements = [Element("f", 0)]
    elements += [Element(f"∂_r^{k}", k, None if k == top else 0) for k in range(1, order + 1)]
    exact = None if weights is None else tuple(Fraction(float(w)) for w in weights)
    table = tuple(
        Term(j, k - j, k, Coefficient.of(comb(k, j)), exact if k == top else None)
        for k in range(2, order + 1)
        for j in range(1, k // 2 + 1)
    )
    return Algebra(tuple(elements), (Axis((CoordinateRange("directions", 0, directions),)),), table)


def _seeded(
    primal: Any, series: Sequence[Any], algebra: Algebra, directions: int | None, collapsed: np.ndarray | None
) -> Any:
    """Return the pytree of variables with the coefficients of the curve."""
    leaves, tree = jax.tree_util.tree_flatten(primal)
    seeds: list[dict[int, Any]] = [{} for _ in leaves]
    for k, coefficient in enumerate(series, 1):
        if coefficient is None:
            continue
        for leaf, seed, value in zip(leaves, seeds, tree.flatten_up_to(coefficient), strict=True):
            if value is None:
                continue
            if not jnp.issubdtype(jnp.result_type(leaf), jnp.inexact):
                raise ArgumentTypeError(f"jet cannot differentiate by an array of {jnp.result_type(leaf)}")
            leading = () if directions is None else (directions,)
            if np.shape(value) != (*leading, *np.shape(leaf)):
                raise ShapeError(
                    f"coefficient {k} has shape {np.shape(value)}, its argument {np.shape(leaf)}",
                    hint=None if directions is None else f"the {directions} directions are the leading axis",
                )
            if collapsed is not None and k == len(series):
                value = jnp.tensordot(jnp.asarray(collapsed, jnp.result_type(value)), value, 1)
            seed[k] = value
    return tree.unflatten([variable(leaf, algebra, seed) for leaf, seed in zip(leaves, seeds, strict=True)])
