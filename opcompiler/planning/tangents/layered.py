"""Univariate jets for several symbols of several orders at once: high orders first, existing directions are free.

A jet of order k along v carries (v·∂)^j u for all j ≤ k. So the parts of degree k of all symbols need new directions
only as far as the powers (v·ξ)^k of the jets of higher order do not span them already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import permutations
from math import comb

import numpy as np

from opcompiler.ir.strategy import Direction, Jet, JointTangents
from opcompiler.ir.surd import Surd
from opcompiler.planning.tangents.bounds import rank_bound
from opcompiler.planning.tangents.forms import (
    Form,
    by_degree,
    derivative,
    integral,
    laplacian_power,
    monomials,
    restricted,
)
from opcompiler.planning.tangents.numeric import Array, columns_of, spanned, vector_of
from opcompiler.planning.tangents.quadrics import matrix_of, squares
from opcompiler.planning.tangents.solvers import fewest_columns
from opcompiler.planning.tangents.waring import DEFAULT_NODES, LARGEST_WEIGHT, decompose, lattice_for
from opcompiler.planning.tangents.weights import is_rounded

__all__ = ["joint_tangents"]

_PERMUTED = 3
"""Forms of one degree that are decomposed in every order; more of them in three orders."""

_FREE_TRIED = 6
"""Known directions that are tried singly as free squares."""


@dataclass(slots=True)
class _Layers:
    """The jets found so far."""

    variables: int
    jets: list[Jet] = field(default_factory=list[Jet])
    sources: list[str] = field(default_factory=list[str])

    @property
    def directions(self) -> list[Direction]:
        return [jet.direction for jet in self.jets]

    def missing(self, forms: Sequence[Form], degree: int, directions: Sequence[Direction]) -> list[Form]:
        """Return forms that, with the given directions, span all of them and are independent modulo these."""
        kept: list[Form] = []
        columns = _columns(directions, degree, self.variables)
        for form in forms:
            target = vector_of(form, degree, self.variables)[:, None]
            if spanned(columns, target).any():
                kept.append(form)
                columns = np.hstack([columns, target / np.linalg.norm(target)])
        return kept


def joint_tangents(
    symbols: Sequence[Sequence[Form]],
    coordinates: Sequence[tuple[str, int]],
    nodes: int = DEFAULT_NODES,
) -> JointTangents:
    """Return jets that carry all symbols.

    Args:
        symbols: each a sequence of polynomials of any degrees whose sum, with factors known only at call, is read
            out as one number; most have one polynomial.
        coordinates: what the entries of the multi-indices mean.
        nodes: limit of each lattice search.
    """
    layers = _Layers(len(coordinates))
    parts = [part for symbol in symbols for form in symbol for part in by_degree(form).items()]
    degrees = sorted({degree for degree, _ in parts if degree > 0}, reverse=True)
    bound = 0
    for degree in degrees:
        forms = [form for k, form in parts if k == degree]
        bound = max(bound, _bound(forms, degree))
        missing = layers.missing(forms, degree, layers.directions)
        if not missing:
            continue
        new, source = _new_directions(missing, degree, layers, nodes)
        layers.jets += [Jet(direction, degree) for direction in new]
        layers.sources.append(f"order {degree}: {source}")
    used = sum(jet.order > 1 for jet in layers.jets)
    return JointTangents(
        tuple(coordinates),
        tuple(layers.jets),
        _accumulators(symbols, layers),
        bound,
        "proved" if bound == used else "bracketed",
        "; ".join(layers.sources),
    )


def _columns(directions: Sequence[Direction], degree: int, variables: int) -> Array:
    if not directions:
        return np.zeros((comb(variables + degree - 1, degree), 0))
    return columns_of(directions, degree, variables)


def _bound(forms: Sequence[Form], degree: int) -> int:
    """Return a lower bound on the jets of this order or more: they decompose each form, and all of them jointly."""
    if degree == 1:
        return 0
    return max(rank_bound(forms), *(decompose(form, 0).lower_bound for form in forms))


def _accumulators(symbols: Sequence[Sequence[Form]], layers: _Layers) -> int:
    """Return how many sums of last coefficients are carried.

    That is the rank of the symbols modulo what the lower coefficients of the jets span. Factors known at call enter
    at a generic value.
    """
    degrees = sorted({degree for symbol in symbols for form in symbol for degree in by_degree(form)} - {0})
    rows: list[Array] = []
    for symbol in symbols:
        row: list[Array] = []
        for degree in degrees:
            columns = _columns([jet.direction for jet in layers.jets if jet.order > degree], degree, layers.variables)
            total = np.zeros(columns.shape[0])
            for number, form in enumerate(symbol):
                part = by_degree(form).get(degree)
                if part is not None:
                    total += np.cos(1.0 + number) * vector_of(part, degree, layers.variables)
            row.append(spanned(columns, total[:, None])[:, 0])
        if row:
            rows.append(np.concatenate(row))
    if not rows:
        return 0
    return int(np.linalg.matrix_rank(np.array(rows), tol=1e-9 * max(1.0, float(np.max(np.abs(rows))))))


def _new_directions(forms: Sequence[Form], degree: int, layers: _Layers, nodes: int) -> tuple[list[Direction], str]:
    """Return directions that span the forms together with those of the layers."""
    if degree == 1:
        return [_linear(form) for form in forms], "the linear forms themselves"
    gradient = _gradient_of_laplacian(forms, degree, layers)
    if gradient is not None:
        return gradient, "directions of the Laplacian whose gradient this is"
    choices: list[tuple[list[Direction], str]] = []
    bound = rank_bound(forms)
    least = max(bound - len(layers.jets), len(forms))
    every = _all_partials(forms, degree, layers)
    if every is not None:
        choices.append((every, "all partial derivatives"))
        if len(every) == bound:
            return choices[0]
    for ordered in _orderings(forms):
        found: list[Direction] = []
        sources: list[str] = []
        for form in ordered:
            known = [*layers.directions, *found]
            if layers.missing([form], degree, known):
                new, source = _for_one(form, degree, known, layers, nodes)
                found += new
                sources.append(source)
        choices.append((found, ", ".join(dict.fromkeys(sources))))
        if len(found) == least:
            break
    best = min(choices, key=lambda choice: len(choice[0]))
    if nodes and degree > 2 and len(best[0]) > least and (layers.jets or len(forms) > 1):
        searched = _lattice_search(forms, degree, layers, nodes)
        if searched is not None and len(searched) < len(best[0]):
            best = searched, "lattice search"
    return best


def _orderings(forms: Sequence[Form]) -> list[tuple[Form, ...]]:
    if len(forms) <= _PERMUTED:
        return list(permutations(forms))
    return [tuple(sorted(forms, key=len)), tuple(sorted(forms, key=len, reverse=True)), tuple(forms)]


def _linear(form: Form) -> Direction:
    variables = len(next(iter(form)))
    return integral(tuple(form.get(alpha, Fraction(0)) for alpha in monomials(variables, 1)))[0]


def _for_one(
    form: Form, degree: int, known: Sequence[Direction], layers: _Layers, nodes: int
) -> tuple[list[Direction], str]:
    """Return new directions for one form, given known ones."""
    if degree == 2:
        found = min((squares(matrix_of(form), free) for free in _free_subspaces(known, form)), key=len)
        directions = [integral(vector)[0] for vector, _ in found]
        source = "LDLᵀ" if not known else "LDLᵀ with free directions"
    else:
        # What the known directions span already may be added; the plain form is the only candidate tried.
        tangents = decompose(form, 0 if known else nodes)
        directions, source = list(tangents.directions), tangents.source
    lines = {_normal(direction) for direction in known}
    return [direction for direction in directions if _normal(direction) not in lines], source


def _normal(direction: Direction) -> Direction:
    """Return the direction scaled to first nonzero entry 1: equal for equal lines."""
    first = next(entry for entry in direction if entry)
    return tuple(entry / first for entry in direction)


def _free_subspaces(known: Sequence[Direction], form: Form) -> list[list[tuple[Fraction, ...]]]:
    """Return subspaces, as independent vectors, over which the squares of known directions span all quadratic forms.

    Only directions along the coordinates of the form can save one of its squares.
    """
    inside = {i for alpha in form for i, exponent in enumerate(alpha) if exponent}
    known = [v for v in known if all(not entry or i in inside for i, entry in enumerate(v))]
    rational = [
        tuple(entry for entry in direction if not isinstance(entry, Surd))
        for direction in known
        if not any(isinstance(entry, Surd) for entry in direction) and not is_rounded(direction)
    ]
    found: list[list[tuple[Fraction, ...]]] = [[], *([vector] for vector in rational[:_FREE_TRIED])]
    if len(known) > 1:
        size = len(known[0])
        for used in _support_groups(known):
            inside = [d for d in known if all(not d[i] or i in used for i in range(size))]
            columns = columns_of(inside, 2, size)
            if len(inside) and np.linalg.matrix_rank(columns, tol=1e-9) == comb(len(used) + 1, 2):
                found.append([tuple(Fraction(i == j) for j in range(size)) for i in sorted(used)])
    return found


def _support_groups(known: Sequence[Direction]) -> list[frozenset[int]]:
    """Return the sets of coordinates that occur in some direction, and their union."""
    supports = {frozenset(i for i, entry in enumerate(direction) if entry) for direction in known}
    union = frozenset(i for support in supports for i in support)
    return sorted({*supports, union}, key=lambda support: (len(support), sorted(support)))


def _gradient_of_laplacian(forms: Sequence[Form], degree: int, layers: _Layers) -> list[Direction] | None:
    """Recognise all ∂_jΔ^s over a block of coordinates: differentiating Σ c_r (v_r·ξ)^(2s+2) gives them at once."""
    size = layers.variables
    used = sorted({i for form in forms for alpha in form for i, exponent in enumerate(alpha) if exponent})
    if degree % 2 == 0 or len(forms) != len(used) or len(used) < 2:
        return None
    power = (degree + 1) // 2
    whole = laplacian_power(len(used), power)
    gradients = [derivative(whole, i) for i in range(len(used))]
    targets = np.array([vector_of(restricted(form, used), degree, len(used)) for form in forms]).T
    columns = np.array([vector_of(gradient, degree, len(used)) for gradient in gradients]).T
    if spanned(columns, targets).any():
        return None
    place = {i: n for n, i in enumerate(used)}
    over_all = {tuple(alpha[place[i]] if i in place else 0 for i in range(size)): q for alpha, q in whole.items()}
    directions = decompose(over_all, 0).directions
    lines = {_normal(direction) for direction in layers.directions}
    return [direction for direction in directions if _normal(direction) not in lines]


def _all_partials(forms: Sequence[Form], degree: int, layers: _Layers) -> list[Direction] | None:
    """Return the multi-indices of the degree over the coordinates that occur, when known directions are of no use."""
    used = sorted({i for form in forms for alpha in form for i, exponent in enumerate(alpha) if exponent})
    if layers.jets or comb(len(used) + degree - 1, degree) > 200:
        return None
    directions: list[Direction] = []
    for alpha in monomials(len(used), degree):
        entries = [Fraction(0)] * layers.variables
        for place, exponent in zip(used, alpha, strict=True):
            entries[place] = Fraction(exponent)
        directions.append(integral(tuple(entries))[0])
    unique = list(dict.fromkeys(directions))
    return unique if not layers.missing(forms, degree, unique) else None


def _lattice_search(forms: Sequence[Form], degree: int, layers: _Layers, nodes: int) -> list[Direction] | None:
    """Return the fewest new lattice directions found, or None."""
    candidates = lattice_for(layers.variables)
    known = {_normal(direction) for direction in layers.directions}
    candidates = tuple(direction for direction in candidates if _normal(direction) not in known)
    if not candidates or len(forms) * len(candidates) > 200:
        return None
    free = _columns(layers.directions, degree, layers.variables)
    columns = np.hstack([free, columns_of(candidates, degree, layers.variables)])
    targets = np.array([vector_of(form, degree, layers.variables) for form in forms]).T
    targets = targets / np.linalg.norm(targets, axis=0)
    chosen = fewest_columns(columns, targets, len(layers.jets), 1, largest=LARGEST_WEIGHT, nodes=nodes)
    if chosen is None:
        return None
    first = len(layers.jets)
    new: list[Direction] = [candidates[r - first] for r in chosen[0]]
    return None if layers.missing(forms, degree, [*layers.directions, *new]) else new
