"""Truncated algebras with random curves through a point, and what nested `jax.jvp` makes of them.

Every algebra here is written down from the Leibniz rule for c_α = ∂^α f; nothing is planned. The variables follow a
polynomial curve or surface x(ε) = Σ c_α ε^α / α! with random coefficients; the reference values are the derivatives
of ε ↦ f(x(ε)) at 0 by nested forward differentiation of an ordinary JAX function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb, factorial
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.ir.algebra import Algebra, Axis, Element, Term
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.space import CoordinateRange

__all__ = ["KINDS", "Problem", "problem"]

KINDS = ("univariate", "family", "mixed", "ungraded")

DIRECTIONS = 2
WEIGHTS = (Fraction(1), Fraction(-3, 2))
MIXED = {1: (1, 0), 2: (1, 1), 3: (2, 1), 4: (2, 2), 6: (3, 3)}

Function = Callable[..., list[jax.Array]]


@dataclass(frozen=True)
class Problem:
    """An algebra, seeds for every variable, and the reference values of a function along them.

    Attributes:
        algebra: basis and product table.
        seeds: per variable, element number → coefficient (directions leading for a family).
        reference: function of the variables → per element (from 0 on) the list of its results' coefficients.
    """

    algebra: Algebra
    seeds: list[dict[int, np.ndarray]]
    reference: Callable[[Function], list[list[jax.Array]]]


def problem(kind: str, order: int, points: Sequence[np.ndarray], seed: int) -> Problem:
    """Return the algebra of one kind and order with random nonzero coefficients of every degree."""
    rng = np.random.default_rng(seed)
    makers = {"univariate": _univariate, "family": _family, "mixed": _mixed, "ungraded": _ungraded}
    return makers[kind](order, points, rng)


def _random(rng: np.random.Generator, shape: tuple[int, ...], degree: int, like: np.ndarray) -> np.ndarray:
    value = rng.uniform(0.3, 0.8, shape) * rng.choice([-1.0, 1.0], shape) / factorial(degree)
    if np.iscomplexobj(like):
        value = value + 1j * rng.uniform(0.3, 0.8, shape) / factorial(degree)
    # Exact in single precision too, so that errors there are those of the arithmetic.
    return value.astype(np.complex64 if np.iscomplexobj(like) else np.float32).astype(like.dtype)


# nested jvp ---------------------------------------------------------------------------------------------------------


def extended(function: Callable[..., tuple], argument: int) -> Callable[..., tuple]:
    """Return (F_0, …, F_k, ∂F_k) for a function that returns (F_0, …, F_k), F_j = ∂^j F_0."""

    def longer(*values: jax.Array) -> tuple:
        def of_one(value: jax.Array) -> tuple:
            return function(*values[:argument], value, *values[argument + 1 :])

        results, tangents = jax.jvp(of_one, (values[argument],), (jnp.ones_like(values[argument]),))
        return (*results, tangents[-1])

    return longer


def derivatives(function: Callable[..., Any], *orders: int, dtype: Any = jnp.float64) -> tuple:
    """Return the mixed derivatives at 0 as nested tuples, the first variable's orders outermost."""
    for argument in reversed(range(len(orders))):
        inner = function
        function = lambda *values, inner=inner: (inner(*values),)  # noqa: E731
        for _ in range(orders[argument]):
            function = extended(function, argument)
    return function(*(jnp.zeros((), dtype) for _ in orders))


def along(function: Function, points: Sequence[Any], curve: Callable[[int, Any], Any], *orders: int) -> tuple:
    """Return the derivatives of ε ↦ f(x + curve(ε)); `curve(i, ε)` moves variable i."""

    def composite(*eps: jax.Array) -> list[jax.Array]:
        return function(*(jnp.asarray(x) + curve(i, eps) for i, x in enumerate(points)))

    return derivatives(composite, *orders)


# the algebras -------------------------------------------------------------------------------------------------------


def _binomials(order: int, weights: tuple[Fraction, ...] | None = None) -> tuple[Term, ...]:
    return tuple(
        Term(j, k - j, k, Coefficient.of(comb(k, j)), weights if k == order else None)
        for k in range(2, order + 1)
        for j in range(1, k // 2 + 1)
    )


def _univariate(order: int, points: Sequence[np.ndarray], rng: np.random.Generator) -> Problem:
    """f, f', …, f⁽ᵏ⁾ along a curve."""
    algebra = Algebra(tuple(Element(f"∂^{k}", k) for k in range(order + 1)), (), _binomials(order))
    seeds = [{k: _random(rng, p.shape, k, p) for k in range(1, order + 1)} for p in points]

    def reference(function: Function) -> list[list[jax.Array]]:
        curve = lambda i, eps: sum(c * eps[0] ** k / factorial(k) for k, c in seeds[i].items())  # noqa: E731
        return [list(values) for values in along(function, points, curve, order)]

    return Problem(algebra, seeds, reference)


def _family(order: int, points: Sequence[np.ndarray], rng: np.random.Generator) -> Problem:
    """Jets in several directions with the top coefficients summed: Σ_r w_r ∂_r^k f; at order 2 a Laplacian."""
    if order == 1:
        elements = (Element("f", 0), Element("∂_r", 1, 0))
    else:
        elements = (
            Element("f", 0),
            *(Element(f"∂_r^{k}", k, 0) for k in range(1, order)),
            Element(f"Σ w ∂_r^{order}", order),
        )
    axes = (Axis((CoordinateRange("x", 0, DIRECTIONS),)),)
    weights = None if order == 2 else WEIGHTS
    algebra = Algebra(elements, axes, _binomials(order, weights))
    weight = np.array([float(w) for w in weights]) if weights and order > 1 else np.ones(DIRECTIONS)
    seeds = []
    for p in points:
        seed = {k: _random(rng, (DIRECTIONS, *p.shape), k, p) for k in range(1, max(order, 2))}
        if order > 1:
            seed[order] = _random(rng, p.shape, order, p)
        seeds.append(seed)

    def reference(function: Function) -> list[list[jax.Array]]:
        per_direction = []
        for r in range(DIRECTIONS):

            def curve(i: int, eps: Any, r: int = r) -> Any:
                low = sum(seeds[i][k][r] * eps[0] ** k / factorial(k) for k in range(1, max(order, 2)))
                # The seed of the single top element enters once: through direction 0, which has weight 1.
                top = seeds[i][order] * eps[0] ** order / factorial(order) if order > 1 and r == 0 else 0.0
                return low + top

            per_direction.append(along(function, points, curve, order))
        results: list[list[jax.Array]] = [list(per_direction[0][0])]
        for k in range(1, order + 1):
            stacked = [jnp.stack(values) for values in zip(*(d[k] for d in per_direction), strict=True)]
            single = k == order and order > 1
            results.append([jnp.tensordot(weight, s, 1) for s in stacked] if single else stacked)
        return results

    return Problem(algebra, seeds, reference)


def _mixed(order: int, points: Sequence[np.ndarray], rng: np.random.Generator) -> Problem:
    """∂_x^i ∂_y^j f for all (i, j) ≤ (a, b): what ∂_x^a ∂_y^b needs."""
    a, b = MIXED[order]
    labels = sorted(product(range(a + 1), range(b + 1)), key=lambda ij: (sum(ij), ij))
    number = {label: n for n, label in enumerate(labels)}
    terms = []
    for i, j in labels[1:]:
        for p, q in product(range(i + 1), range(j + 1)):
            left, right = number[p, q], number[i - p, j - q]
            if 0 < left <= right and right > 0:
                terms.append(Term(left, right, number[i, j], Coefficient.of(comb(i, p) * comb(j, q))))
    algebra = Algebra(tuple(Element(f"∂x^{i}∂y^{j}", i + j) for i, j in labels), (), tuple(terms))
    seeds = [{n: _random(rng, p.shape, i + j, p) for (i, j), n in number.items() if n} for p in points]

    def reference(function: Function) -> list[list[jax.Array]]:
        def surface(k: int, eps: Any) -> Any:
            return sum(
                seeds[k][n] * eps[0] ** i * eps[1] ** j / (factorial(i) * factorial(j))
                for (i, j), n in number.items()
                if n
            )

        table = along(function, points, surface, a, b)
        return [list(table[i][j]) for i, j in labels]

    return Problem(algebra, seeds, reference)


def _ungraded(order: int, points: Sequence[np.ndarray], rng: np.random.Generator) -> Problem:
    """The univariate algebra with ∂^k + ∂^(k−1) in place of ∂^k for the highest k: products drop a degree."""
    plain = _univariate(order, points, rng)
    if order < 3:
        return plain
    elements = (*plain.algebra.elements[:-1], Element(f"∂^{order} + ∂^{order - 1}", order))
    lower = tuple(Term(t.left, t.right, order, t.coefficient) for t in plain.algebra.table if t.out == order - 1)
    algebra = Algebra(elements, (), plain.algebra.table + lower)
    seeds = [{**s, order: s[order] + s[order - 1]} for s in plain.seeds]

    def reference(function: Function) -> list[list[jax.Array]]:
        values = plain.reference(function)
        top = [u + v for u, v in zip(values[order], values[order - 1], strict=True)]
        return [*values[:-1], top]

    return Problem(algebra, seeds, reference)
