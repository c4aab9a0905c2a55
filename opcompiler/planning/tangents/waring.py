"""One homogeneous symbol as few powers of linear forms: the constructions tried in turn, the best one kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np

from opcompiler.ir.strategy import Direction, TangentSet
from opcompiler.ir.surd import Number, Surd
from opcompiler.planning.tangents.binary import sylvester
from opcompiler.planning.tangents.bounds import rank_bound
from opcompiler.planning.tangents.exact import solve
from opcompiler.planning.tangents.forms import (
    Form,
    MultiIndex,
    by_degree,
    degree_of,
    essential,
    integral,
    laplacian_power,
    mass,
    monomials,
    power_column,
    residual,
)
from opcompiler.planning.tangents.laplacians import laplacian_set
from opcompiler.planning.tangents.monomials import (
    binary_monomial,
    central_differences,
    complex_rank_of_monomial,
    merged_grids,
    rank_of_monomial,
)
from opcompiler.planning.tangents.numeric import columns_of, lattice, vector_of
from opcompiler.planning.tangents.quadrics import matrix_of, squares
from opcompiler.planning.tangents.reducible import linear_times_quadric
from opcompiler.planning.tangents.solvers import fewest_columns

__all__ = ["DEFAULT_NODES", "LARGEST_WEIGHT", "decompose", "exact_weights", "lattice_for"]

DEFAULT_NODES = 100
"""Branch-and-bound nodes of one mixed-integer program."""

LARGEST_WEIGHT = 2.0
"""Largest coefficient of a searched decomposition, for a form of norm 1 and unit directions."""

_LARGEST_LATTICE = 50
_LARGEST_SIMPLEX = 60
"""Directions among which is searched, and of the set of all partial derivatives that is solved exactly."""


def decompose(form: Form, nodes: int = DEFAULT_NODES) -> TangentSet:
    """Return a decomposition Σ_r c_r (v_r·ξ)^k = P with few directions, a lower bound and what is proved.

    Args:
        form: homogeneous and not zero, of degree ≥ 1.
        nodes: limit of the lattice search where no formula applies; 0 leaves it out.

    Raises:
        ValueError: the form is zero or mixes degrees.
    """
    if len(by_degree(form)) != 1 or degree_of(form) == 0:
        raise ValueError("a decomposition needs a form of one degree ≥ 1 that is not zero")
    return _decomposed(tuple(sorted(form.items())), nodes)


@lru_cache(maxsize=256)
def _decomposed(terms: tuple[tuple[MultiIndex, Fraction], ...], nodes: int) -> TangentSet:
    rows, reduced = essential(dict(terms))
    found = _of_essential(reduced, nodes)
    lifted = [_lifted(direction, rows) for direction in found.directions]
    tidy = _tidy(replace(found, directions=tuple(lifted)))
    return replace(tidy, residual=_rounding(dict(terms), tidy)) if found.residual else tidy


def _rounding(form: Form, tangents: TangentSet) -> Fraction:
    """Return the residual of a set with rounded directions; its irrational numbers may be of several fields."""
    directions = [tuple(e.rounded() if isinstance(e, Surd) else e for e in v) for v in tangents.directions]
    weights = [c.rounded() if isinstance(c, Surd) else c for c in tangents.coefficients]
    return residual(form, directions, weights, tangents.order)


def _of_essential(form: Form, nodes: int) -> TangentSet:
    variables, order = len(next(iter(form))), degree_of(form)
    if variables == 1:
        return TangentSet(order, ((Fraction(1),),), (form[(order,)],), 1, "proved", "power of one linear form")
    if order == 2:
        terms = squares(matrix_of(form))
        directions, weights = tuple(v for v, _ in terms), tuple(c for _, c in terms)
        return TangentSet(2, directions, weights, len(terms), "proved", "LDLᵀ; bound by the rank")
    for construction in (_power_of_laplacian, _monomial, _binary, linear_times_quadric):
        found = construction(form)
        if found is not None:
            return found
    return _searched(form, nodes)


def _power_of_laplacian(form: Form) -> TangentSet | None:
    """Recognise c·(Σ b_i² ξ_i²)^s with rational b_i: |η|^(2s) in η_i = b_i ξ_i."""
    variables, order = len(next(iter(form))), degree_of(form)
    if order % 2 or len(form) != comb(variables + order // 2 - 1, order // 2):
        return None
    pure = [form.get(tuple(order * (i == j) for j in range(variables)), Fraction(0)) for i in range(variables)]
    if not all(pure):
        return None
    factors = [_root(value / pure[0], order) for value in pure]
    if any(factor is None for factor in factors):
        return None
    scale = [factor for factor in factors if factor is not None]
    for alpha, value in laplacian_power(variables, order // 2).items():
        for factor, exponent in zip(scale, alpha, strict=True):
            value *= factor**exponent
        if form.get(alpha, Fraction(0)) != value * pure[0]:
            return None
    found = laplacian_set(variables, order // 2)
    directions = tuple(tuple(b * entry for b, entry in zip(scale, v, strict=True)) for v in found.directions)
    return replace(found, directions=directions, coefficients=tuple(c * pure[0] for c in found.coefficients))


def _root(value: Fraction, degree: int) -> Fraction | None:
    """Return the positive rational root, or None."""
    if value <= 0:
        return None
    parts: list[int] = []
    for number in (value.numerator, value.denominator):
        guess = round(number ** (1 / degree)) if number < 10**15 else 0
        if guess**degree != number:
            return None
        parts.append(guess)
    return Fraction(parts[0], parts[1])


def _monomial(form: Form) -> TangentSet | None:
    if len(form) != 1:
        return None
    ((alpha, value),) = form.items()
    order = sum(alpha)
    choices: list[tuple[tuple[Direction, ...], tuple[Number, ...]]] = [central_differences(alpha)]
    if len(alpha) == 2:
        choices.append(binary_monomial(*alpha))
    directions, weights = min(choices, key=lambda choice: (len(choice[0]), mass(*choice, order)))
    rank = rank_of_monomial(alpha)
    # With all exponents ≥ 2 the real rank exceeds the complex one (Carlini, Kummer, Oneto & Ventura 2017).
    bound = rank if rank is not None else complex_rank_of_monomial(alpha) + 1
    status = "proved" if bound == len(directions) else "bracketed"
    source = "monomial; bound by its real rank" if rank is not None else "monomial; bound above its complex rank"
    return TangentSet(order, directions, tuple(c * value for c in weights), bound, status, source)


def _binary(form: Form) -> TangentSet | None:
    return sylvester(form) if len(next(iter(form))) == 2 else None


def _searched(form: Form, nodes: int) -> TangentSet:
    """Return the smallest of the sets that are always available, and of the lattice search."""
    order, bound = degree_of(form), rank_bound([form])
    candidates = [("central differences", merged_grids(form))]
    blocks = [decompose(part, nodes) for part in parts] if len(parts := _blocks(form)) > 1 else []
    if blocks:
        candidates.append(("separate blocks", _merged(blocks)))
    candidates.append(
        ("term by term", _merged([decompose({alpha: value}, 0) for alpha, value in sorted(form.items())]))
    )
    simplex = _simplex_directions(len(next(iter(form))), order)
    if len(simplex) <= _LARGEST_SIMPLEX:
        weights = exact_weights(simplex, form, order)
        if weights is not None:
            candidates.append(("all partial derivatives", _nonzero(simplex, weights)))
    best = min(candidates, key=lambda item: len(item[1][0]))
    if nodes and len(best[1][0]) > bound:
        searched = _lattice_search(form, bound, nodes)
        if searched is not None and len(searched[0]) < len(best[1][0]):
            best = ("lattice search", searched)
    directions, weights = best[1]
    rounded = (
        max((part.residual for part in blocks), default=Fraction(0)) if best[0] == "separate blocks" else Fraction(0)
    )
    status = "proved" if bound == len(directions) else "bracketed"
    return TangentSet(order, directions, weights, bound, status, f"{best[0]}; bound by catalecticant ranks", rounded)


def _lattice_search(form: Form, least: int, nodes: int) -> tuple[tuple[Direction, ...], tuple[Number, ...]] | None:
    variables, order = len(next(iter(form))), degree_of(form)
    directions = lattice_for(variables)
    if not directions:
        return None
    target = vector_of(form, order, variables)
    size = float(np.linalg.norm(target))
    chosen = fewest_columns(
        columns_of(directions, order, variables), target[:, None] / size, 0, least, largest=LARGEST_WEIGHT, nodes=nodes
    )
    if chosen is None:
        return None
    support = [directions[r] for r in chosen[0]]
    weights = exact_weights(support, form, order)
    return None if weights is None else _nonzero(support, weights)


def lattice_for(variables: int) -> tuple[Direction, ...]:
    """Return the largest lattice that is small enough to be searched, or none."""
    for size in (3, 2, 1):
        if (2 * size + 1) ** variables <= 4 * _LARGEST_LATTICE:
            directions = lattice(variables, size)
            if len(directions) <= _LARGEST_LATTICE:
                return directions
    return ()


def exact_weights(directions: Sequence[Direction], form: Form, order: int) -> list[Number] | None:
    """Return c with Σ c_r (v_r·ξ)^order = P exactly, later directions unused where there is a choice; None if none."""
    variables = len(directions[0]) if directions else 0
    if not directions:
        return None
    indices = monomials(variables, order)
    target: list[Number] = [form.get(alpha, Fraction(0)) for alpha in indices]
    return solve([power_column(direction, indices) for direction in directions], target)


def _nonzero(
    directions: Sequence[Direction], weights: Sequence[Number]
) -> tuple[tuple[Direction, ...], tuple[Number, ...]]:
    kept = [(direction, weight) for direction, weight in zip(directions, weights, strict=True) if weight]
    return tuple(direction for direction, _ in kept), tuple(weight for _, weight in kept)


def _simplex_directions(variables: int, order: int) -> list[Direction]:
    """Return the multi-indices of a degree as directions: all forms are combinations of their powers.

    (Griewank, Utke & Walther 2000.)
    """
    return [tuple(map(Fraction, alpha)) for alpha in monomials(variables, order)]


def _blocks(form: Form) -> list[Form]:
    """Split a form into parts without common variables."""
    parts: list[tuple[set[int], Form]] = []
    for alpha, value in form.items():
        used = {i for i, exponent in enumerate(alpha) if exponent}
        joined: Form = {alpha: value}
        separate: list[tuple[set[int], Form]] = []
        for variables, part in parts:
            if variables & used:
                used |= variables
                joined |= part
            else:
                separate.append((variables, part))
        parts = [*separate, (used, joined)]
    return [part for _, part in sorted(parts, key=lambda item: min(item[0]))]


def _merged(sets: Sequence[TangentSet]) -> tuple[tuple[Direction, ...], tuple[Number, ...]]:
    """Return the sum of decompositions, equal directions joined."""
    total: dict[Direction, Number] = {}
    for tangents in sets:
        for direction, weight in zip(tangents.directions, tangents.coefficients, strict=True):
            total[direction] = total.get(direction, Fraction(0)) + weight
    return _nonzero(list(total), list(total.values()))


def _lifted(direction: Direction, rows: Sequence[Sequence[Fraction]]) -> Direction:
    """Return Lᵀw."""
    entries: list[Number] = [Fraction(0)] * len(rows[0])
    for weight, row in zip(direction, rows, strict=True):
        entries = [entry + weight * value for entry, value in zip(entries, row, strict=True)]
    return tuple(entries)


def _tidy(tangents: TangentSet) -> TangentSet:
    """Scale rational directions to primitive integers, unless they are rounded numbers."""
    directions: list[Direction] = []
    coefficients: list[Number] = []
    for direction, weight in zip(tangents.directions, tangents.coefficients, strict=True):
        if tangents.residual:
            directions.append(direction)
            coefficients.append(weight)
            continue
        whole, factor = integral(direction)
        directions.append(whole)
        coefficients.append(weight * factor**tangents.order)
    return replace(tangents, directions=tuple(directions), coefficients=tuple(coefficients))
