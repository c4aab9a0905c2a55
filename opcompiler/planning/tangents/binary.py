"""Binary forms by Sylvester's theorem: directions are the real roots of an apolar form.

P = Σ_i C(k,i) a_i x^(k−i) y^i is Σ_r c_r (α_r x + β_r y)^k with given different (α_r:β_r) iff g = Π(β_r X − α_r Y)
satisfies Σ_j a_(i+j) g_j = 0 for i = 0 … k−deg g. The apolar forms are the ideal of two generators of degrees r₀ and
k+2−r₀ (Sylvester 1851; Comas & Seiguer 2011).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, islice
from math import comb

from opcompiler.ir.strategy import Direction, TangentSet
from opcompiler.ir.surd import Number, Surd
from opcompiler.planning.tangents.exact import solve
from opcompiler.planning.tangents.forms import Form, degree_of, integral, mass, monomials, power_column, residual
from opcompiler.planning.tangents.roots import distinct_real_roots, is_real_rooted, root_directions

__all__ = ["sylvester"]

_TRIED = 120
"""Choices of prescribed roots that are tried for one number of directions."""

_COMPARED = 12
"""Rational decompositions that are compared before the best conditioned one is taken."""

_SLOPES: tuple[tuple[int, int], ...] = (
    (1, 0), (0, 1), (1, 1), (1, -1), (1, 2), (1, -2), (2, 1), (2, -1), (1, 3), (1, -3), (3, 1), (3, -1),
)  # fmt: skip


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
    for apolar in islice(_members(_apolar(moments, count), count), _TRIED):
        if not distinct_real_roots(apolar):
            continue
        directions = [_readable(direction) for direction in root_directions(apolar)]
        pairs = [(v, c) for v, c in zip(directions, _weights(form, directions), strict=True) if c]
        kept, weights = tuple(v for v, _ in pairs), tuple(c for _, c in pairs)
        found.append((_difficulty(kept), mass(kept, weights, degree_of(form)), kept, weights))
        if sum(difficulty == 0 for difficulty, *_ in found) == _COMPARED:
            break
    if not found:
        return None
    _, _, kept, weights = min(found, key=lambda choice: choice[:2])
    return kept, weights


def _weights(form: Form, directions: Sequence[Direction]) -> list[Number]:
    """Return the coefficients; from as many equations as there are directions where the roots are rounded."""
    order, size = degree_of(form), len(directions)
    indices = monomials(2, order)
    target: list[Number] = [form.get(alpha, Fraction(0)) for alpha in indices]
    columns = [power_column(direction, indices) for direction in directions]
    # The first equations determine all but a root (0, 1), the last all but a root (1, 0): a Vandermonde matrix.
    for rows in (range(order + 1), range(size), range(order + 1 - size, order + 1), [*range(size - 1), order]):
        found = solve([[column[n] for n in rows] for column in columns], [target[n] for n in rows])
        if found is not None:
            return found
    raise AssertionError("powers of different linear forms are independent")


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
    pivots: list[tuple[int, list[Fraction]]] = []
    for i in range(order - degree + 1):
        row = list(moments[i : i + degree + 1])
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
    for free in (n for n in range(degree + 1) if n not in taken):
        vector = [Fraction(n == free) for n in range(degree + 1)]
        for column, pivot in pivots:
            vector[column] = -pivot[free]
        kernel.append(vector)
    return kernel


def _members(kernel: list[list[Fraction]], degree: int) -> Iterator[list[Fraction]]:
    """Yield members of the kernel with as many roots prescribed among simple slopes as there is freedom."""
    freedom = len(kernel) - 1
    for chosen in combinations(_SLOPES, freedom) if freedom <= len(_SLOPES) else ():
        conditions = [
            [sum((g[j] * x ** (degree - j) * y**j for j in range(degree + 1)), Fraction(0)) for g in kernel]
            for x, y in chosen
        ]
        weights = _null_vector(conditions, len(kernel))
        yield [sum((w * g[j] for w, g in zip(weights, kernel, strict=True)), Fraction(0)) for j in range(degree + 1)]


def _null_vector(rows: list[list[Fraction]], size: int) -> list[Fraction]:
    """Return a nonzero vector that all rows annihilate; there are fewer rows than entries."""
    pivots: list[tuple[int, list[Fraction]]] = []
    for row in rows:
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
    free = next(n for n in range(size) if n not in taken)
    vector = [Fraction(n == free) for n in range(size)]
    for column, pivot in pivots:
        vector[column] = -pivot[free]
    return vector
