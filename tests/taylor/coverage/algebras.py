"""Truncated algebras with random curves through a point, and how derivatives along curves give their coefficients.

Every algebra here is written down from the Leibniz rule for c_α = ∂^α f; nothing is planned. The variables follow a
polynomial curve or surface x(ε) = Σ c_α ε^α / α! with random coefficients. What the engine should give follows from
the derivatives of ε ↦ f(x(ε)) along a few curves in one parameter: mixed derivatives by polarisation,

    ∂ᵏ of t ↦ g(αt, βt) = Σ_i C(k, i) αⁱ βᵏ⁻ⁱ ∂_xⁱ ∂_yᵏ⁻ⁱ g,

solved for k + 1 or more directions (α, β). So one nested differentiation serves all algebras at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb, factorial
from typing import Any

import numpy as np
from taylor.coverage.nested import Curve

from opcompiler.ir.algebra import Algebra, Axis, Element, Term
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.space import CoordinateRange

__all__ = ["KINDS", "Problem", "problem"]

KINDS = ("univariate", "family", "mixed", "ungraded")

DIRECTIONS = 2
WEIGHTS = (Fraction(1), Fraction(-3, 2))
MIXED = {1: (1, 0), 2: (1, 1), 3: (2, 1), 4: (2, 2), 6: (3, 3)}

Table = Sequence[Sequence[np.ndarray]]
"""Per order from 0 on, per result: the derivative, with the curves as leading axis."""


@dataclass(frozen=True)
class Problem:
    """An algebra, seeds for every variable, and what its coefficients are in terms of derivatives along curves.

    Attributes:
        algebra: basis and product table.
        seeds: per variable, element number → coefficient (directions leading for a family).
        curves: the curves along which the reference differentiates.
        order: the highest derivative along them that is needed.
        collect: derivatives along the curves → per element (from 0 on) the coefficients of the results.
    """

    algebra: Algebra
    seeds: list[dict[int, np.ndarray]]
    curves: list[Curve]
    order: int
    collect: Callable[[Table], list[list[np.ndarray]]]


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

    def collect(table: Table) -> list[list[np.ndarray]]:
        return [[value[0] for value in table[k]] for k in range(order + 1)]

    return Problem(algebra, seeds, [seeds], order, collect)


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

    def curve(r: int) -> Curve:
        low = [{k: seed[k][r] for k in range(1, max(order, 2))} for seed in seeds]
        # The seed of the single top element enters once: through direction 0, which has weight 1.
        return [{**c, order: s[order]} for c, s in zip(low, seeds, strict=True)] if order > 1 and r == 0 else low

    def collect(table: Table) -> list[list[np.ndarray]]:
        values = [[value[0] for value in table[0]], *(list(table[k]) for k in range(1, order + 1))]
        if order > 1:
            values[order] = [np.tensordot(weight, value, 1) for value in values[order]]
        return values

    return Problem(algebra, seeds, [curve(r) for r in range(DIRECTIONS)], order, collect)


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
    angles = np.pi * np.arange(order + 1) / (order + 1)
    directions = np.stack([np.cos(angles), np.sin(angles)], -1)

    def part(k: int, i: int) -> np.ndarray:
        return comb(k, i) * directions[:, 0] ** i * directions[:, 1] ** (k - i)

    def curve(r: int) -> Curve:
        def derivative(seed: dict[int, np.ndarray], k: int) -> Any:
            return sum(part(k, i)[r] * seed[number[i, k - i]] for i in range(k + 1) if (i, k - i) in number)

        return [{k: derivative(seed, k) for k in range(1, order + 1)} for seed in seeds]

    def collect(table: Table) -> list[list[np.ndarray]]:
        partials: dict[tuple[int, int], list[np.ndarray]] = {}
        for k in range(order + 1):
            solve = np.linalg.pinv(np.stack([part(k, i) for i in range(k + 1)], -1))
            for i in range(k + 1):
                partials[i, k - i] = [np.tensordot(solve[i], value, 1) for value in table[k]]
        return [partials[label] for label in labels]

    return Problem(algebra, seeds, [curve(r) for r in range(order + 1)], order, collect)


def _ungraded(order: int, points: Sequence[np.ndarray], rng: np.random.Generator) -> Problem:
    """The univariate algebra with ∂^k + ∂^(k−1) in place of ∂^k for the highest k: products drop a degree."""
    plain = _univariate(order, points, rng)
    if order < 3:
        return plain
    elements = (*plain.algebra.elements[:-1], Element(f"∂^{order} + ∂^{order - 1}", order))
    lower = tuple(Term(t.left, t.right, order, t.coefficient) for t in plain.algebra.table if t.out == order - 1)
    algebra = Algebra(elements, (), plain.algebra.table + lower)
    seeds = [{**s, order: s[order] + s[order - 1]} for s in plain.seeds]

    def collect(table: Table) -> list[list[np.ndarray]]:
        values = plain.collect(table)
        return [*values[:-1], [u + v for u, v in zip(values[order], values[order - 1], strict=True)]]

    return Problem(algebra, seeds, plain.curves, order, collect)
