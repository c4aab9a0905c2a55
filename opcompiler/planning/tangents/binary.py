"""Binary forms by Sylvester's theorem: directions are the real roots of an apolar form.

P = Σ_i C(k,i) a_i x^(k−i) y^i is Σ_r c_r (α_r x + β_r y)^k with given different (α_r:β_r) iff g = Π(β_r X − α_r Y)
satisfies Σ_j a_(i+j) g_j = 0 for i = 0 … k−deg g. The apolar forms are the ideal of two generators of degrees r₀ and
k+2−r₀ (Sylvester 1851; Comas & Seiguer 2011).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, islice
from math import comb
from random import Random

from opcompiler.ir.strategy import Direction, TangentSet
from opcompiler.ir.surd import Number, Surd
from opcompiler.planning.tangents.exact import solve
from opcompiler.planning.tangents.forms import Form, degree_of, integral, mass, monomials, power_column, residual
from opcompiler.planning.tangents.monomials import symmetric_slopes
from opcompiler.planning.tangents.roots import distinct_real_roots, has_simple_roots, is_real_rooted, root_directions

__all__ = ["sylvester"]

_TRIED = 60
"""Choices of prescribed roots that are tried for one number of directions, half of them at random."""

_COMPARED = 12
"""Exact decompositions that are compared before the simplest and best conditioned one is taken."""


def sylvester(form: Form) -> TangentSet:
    """Return a real decomposition of a form in two variables.

    With r₀ the least degree of an apolar form g₁: R = r₀ if g₁ has r₀ different real roots, else R ≥ k+2−r₀, for all
    apolar forms of smaller degree are multiples of g₁. A real-rooted form that is no power has R = k (Causa & Re
    2011; Comon & Ottaviani 2012; with repeated roots Blekherman & Sinn 2016).
    """
    order = degree_of(form)
    moments = [form.get((order - i, i), Fraction(0)) / comb(order, i) for i in range(order + 1)]
    least = next(r for r in range(1, order + 1) if _apolar(moments, r))
    bound, source = least, "Sylvester: the apolar form of least degree"
    for count in (least, *range(max(order + 2 - least, least + 1), order + 1)):
        found = _with_directions(form, moments, count)
        if found is not None:
            if count > bound and is_real_rooted([form.get((order - i, i), Fraction(0)) for i in range(order + 1)]):
                bound, source = order, "Sylvester: the form is real-rooted"
            status = "proved" if count == bound else "bracketed"
            return TangentSet(order, *found, bound, status, source, residual(form, *found, order))
        if count == least:
            bound, source = max(order + 2 - least, least + 1), "Sylvester: multiples of the least apolar form excluded"
    raise AssertionError("every binary form of degree k is a sum of k powers of real linear forms")


def _with_directions(
    form: Form, moments: Sequence[Fraction], count: int
) -> tuple[tuple[Direction, ...], tuple[Number, ...]] | None:
    """Return directions and coefficients: rational ones where some are found, of least mass Σ|c||v|^k among those."""
    found: list[tuple[int, float, tuple[Direction, ...], tuple[Number, ...]]] = []
    rounded: Sequence[Fraction] | None = None
    # With as many directions as the degree almost every choice is good, so the search goes on until one is found.
    limit = None if count == degree_of(form) else _TRIED
    for number, apolar in enumerate(islice(_members(_apolar(moments, count), count), limit)):
        if len(found) == _COMPARED or (found and number >= _TRIED):
            break
        if not distinct_real_roots(apolar):
            continue
        if not has_simple_roots(apolar):
            # Roots of degree three or more are worked out only when nothing simpler turns up.
            rounded = rounded or apolar
            continue
        found.append(_decomposition(form, apolar))
    if not found and rounded is not None:
        found.append(_decomposition(form, rounded))
    if not found:
        return None
    _, _, kept, weights = min(found, key=lambda choice: choice[:2])
    return kept, weights


def _decomposition(
    form: Form, apolar: Sequence[Fraction]
) -> tuple[int, float, tuple[Direction, ...], tuple[Number, ...]]:
    """Return difficulty, mass, directions and coefficients."""
    directions = [_readable(direction) for direction in root_directions(apolar)]
    pairs = [(v, c) for v, c in zip(directions, _weights(form, directions), strict=True) if c]
    kept, weights = tuple(v for v, _ in pairs), tuple(c for _, c in pairs)
    return _difficulty(kept), mass(kept, weights, degree_of(form)), kept, weights


def _weights(form: Form, directions: Sequence[Direction]) -> list[Number]:
    """Return the coefficients; from as many equations as there are directions where the roots are rounded."""
    order, size = degree_of(form), len(directions)
    indices = monomials(2, order)
    target: list[Number] = [form.get(alpha, Fraction(0)) for alpha in indices]
    columns = [power_column(direction, indices) for direction in directions]
    exact = solve(columns, target)
    if exact is not None:
        return exact
    # The first equations are a Vandermonde matrix, except that (0, 1) occurs in the last one only.
    rows = [*range(size - 1), order if (Fraction(0), Fraction(1)) in directions else size - 1]
    found = solve([[column[n] for n in rows] for column in columns], [target[n] for n in rows])
    assert found is not None
    return found


def _readable(direction: Direction) -> Direction:
    return direction if _difficulty([direction]) == 2 else integral(direction)[0]


def _difficulty(directions: Sequence[Direction]) -> int:
    """Return 0 for rational directions, 1 for quadratic ones, 2 for rounded ones."""
    entries = [entry for direction in directions for entry in direction]
    if any(not isinstance(entry, Surd) and entry.denominator > 10**9 for entry in entries):
        return 2
    return int(any(isinstance(entry, Surd) for entry in entries))


def _apolar(moments: Sequence[Fraction], degree: int) -> list[list[Fraction]]:
    """Return a basis of the apolar forms of a degree: the kernel of the Hankel matrix."""
    order = len(moments) - 1
    return _kernel([moments[i : i + degree + 1] for i in range(order - degree + 1)], degree + 1)


def _members(kernel: list[list[Fraction]], degree: int) -> Iterator[list[Fraction]]:
    """Yield members of the kernel with as many roots prescribed among simple slopes as there is freedom."""
    for chosen in _prescribed(len(kernel) - 1):
        conditions = [
            [sum((g[j] * x ** (degree - j) * y**j for j in range(degree + 1)), Fraction(0)) for g in kernel]
            for x, y in chosen
        ]
        weights = _kernel(conditions, len(kernel))[0]  # fewer conditions than weights
        yield [sum((w * g[j] for w, g in zip(weights, kernel, strict=True)), Fraction(0)) for j in range(degree + 1)]


def _prescribed(count: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield sets of different slopes: the simplest ones in order, then pseudo-random ones without end."""
    slopes = [(1, 0), (0, 1)]
    for p, q in islice(symmetric_slopes(), count + 5):
        slopes += [(int(p), int(q)), (int(p), -int(q))]
    yield from islice(combinations(slopes, count), _TRIED // 2)
    if count == 0:
        return
    generator = Random(count)
    while True:
        yield tuple(generator.sample(slopes, count))


def _kernel(rows: Iterable[Sequence[Fraction]], size: int) -> list[list[Fraction]]:
    """Return a basis of the vectors that all rows annihilate."""
    pivots: list[tuple[int, list[Fraction]]] = []
    for given in rows:
        row = list(given)
        for column, pivot in pivots:
            factor = row[column]
            if factor:
                row = [a - factor * b for a, b in zip(row, pivot, strict=True)]
        lead = next((n for n, value in enumerate(row) if value), None)
        if lead is None:
            continue
        row = [value / row[lead] for value in row]
        pivots = [(c, [a - p[lead] * b for a, b in zip(p, row, strict=True)]) for c, p in pivots]
        pivots.append((lead, row))
    taken = {column for column, _ in pivots}
    kernel: list[list[Fraction]] = []
    for free in (n for n in range(size) if n not in taken):
        vector = [Fraction(n == free) for n in range(size)]
        for column, pivot in pivots:
            vector[column] = -pivot[free]
        kernel.append(vector)
    return kernel
