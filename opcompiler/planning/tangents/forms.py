"""Homogeneous polynomials by multi-index, powers of linear forms, and the change to essential variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import comb, factorial, gcd, lcm, prod
from typing import TypeAlias

from opcompiler.ir.strategy import Direction
from opcompiler.ir.surd import Number, Surd

__all__ = [
    "Form",
    "MultiIndex",
    "by_degree",
    "degree_of",
    "derivative",
    "essential",
    "expansion",
    "integral",
    "laplacian_power",
    "mass",
    "monomials",
    "multinomial",
    "norm_squared",
    "power_column",
    "residual",
    "restricted",
]

MultiIndex: TypeAlias = tuple[int, ...]
Form: TypeAlias = dict[MultiIndex, Fraction]
"""Nonzero coefficients by multi-index, all of one length; mostly of one degree."""


@lru_cache(maxsize=64)
def monomials(variables: int, degree: int) -> tuple[MultiIndex, ...]:
    """Return all multi-indices of a degree, C(variables+degree−1, degree) of them, in falling order."""
    if variables == 0:
        return ((),) if degree == 0 else ()
    if variables == 1:
        return ((degree,),)
    return tuple((first, *rest) for first in range(degree, -1, -1) for rest in monomials(variables - 1, degree - first))


def multinomial(alpha: MultiIndex) -> int:
    """Return |α|!/α!."""
    return factorial(sum(alpha)) // prod(map(factorial, alpha))


def degree_of(form: Form) -> int:
    """Return the degree of a nonzero polynomial."""
    return max(map(sum, form))


def by_degree(form: Form) -> dict[int, Form]:
    """Return the homogeneous parts, highest degree first."""
    parts: dict[int, Form] = {}
    for alpha, value in form.items():
        parts.setdefault(sum(alpha), {})[alpha] = value
    return dict(sorted(parts.items(), reverse=True))


def derivative(form: Form, variable: int) -> Form:
    """Return ∂/∂ξ_variable."""
    result: Form = {}
    for alpha, value in form.items():
        if alpha[variable]:
            lower = (*alpha[:variable], alpha[variable] - 1, *alpha[variable + 1 :])
            result[lower] = value * alpha[variable]
    return result


def laplacian_power(dimension: int, power: int) -> Form:
    """Return |ξ|^(2·power) = Σ power!/j!·ξ^(2j)."""
    return {tuple(2 * j for j in half): Fraction(multinomial(half)) for half in monomials(dimension, power)}


def power_column(direction: Direction, indices: Sequence[MultiIndex]) -> list[Number]:
    """Return the coefficients of (v·ξ)^k at the given multi-indices."""
    highest = max((max(alpha, default=0) for alpha in indices), default=0)
    powers: list[list[Number]] = []
    for entry in direction:
        row: list[Number] = [Fraction(1)]
        for _ in range(highest):
            row.append(row[-1] * entry)
        powers.append(row)
    column: list[Number] = []
    for alpha in indices:
        value: Number = Fraction(multinomial(alpha))
        for row, exponent in zip(powers, alpha, strict=True):
            if exponent:
                value = value * row[exponent]
        column.append(value)
    return column


def expansion(directions: Iterable[Direction], coefficients: Iterable[Number], order: int) -> dict[MultiIndex, Number]:
    """Return Σ_r c_r (v_r·ξ)^order multiplied out, zeros dropped."""
    total: dict[MultiIndex, Number] = {}
    for direction, coefficient in zip(directions, coefficients, strict=True):
        indices = monomials(len(direction), order)
        for alpha, value in zip(indices, power_column(direction, indices), strict=True):
            total[alpha] = total.get(alpha, Fraction(0)) + coefficient * value
    return {alpha: value for alpha, value in total.items() if value}


def residual(form: Form, directions: Sequence[Direction], coefficients: Sequence[Number], order: int) -> Fraction:
    """Return the largest coefficient of Σ_r c_r (v_r·ξ)^order − P in size: 0 if they are equal, else rounded up."""
    found = expansion(directions, coefficients, order)
    worst = Fraction(0)
    for alpha in found.keys() | form.keys():
        error = found.get(alpha, Fraction(0)) - form.get(alpha, Fraction(0))
        size = abs(error) if isinstance(error, Fraction) else abs(Fraction(float(error)))
        worst = max(worst, size)
    return worst


def mass(directions: Iterable[Direction], coefficients: Iterable[Number], order: int) -> float:
    """Return Σ_r |c_r||v_r|^order."""
    return sum(
        abs(float(c)) * float(norm_squared(v)) ** (order / 2) for v, c in zip(directions, coefficients, strict=True)
    )


def norm_squared(direction: Direction) -> Number:
    """Return |v|²."""
    return sum((entry * entry for entry in direction), Fraction(0))


def integral(direction: Direction) -> tuple[Direction, Fraction]:
    """Return the primitive integer multiple w of a rational direction with first nonzero entry positive, and v/w.

    A direction with irrational entries is returned as it is.
    """
    if any(isinstance(entry, Surd) for entry in direction):
        return direction, Fraction(1)
    entries = [entry for entry in direction if not isinstance(entry, Surd)]
    denominator = lcm(*(entry.denominator for entry in entries))
    scaled = [int(entry * denominator) for entry in entries]
    divisor = gcd(*scaled)
    sign = 1 if next(value for value in scaled if value) > 0 else -1
    return tuple(Fraction(sign * value // divisor) for value in scaled), Fraction(sign * divisor, denominator)


def essential(form: Form) -> tuple[list[list[Fraction]], Form]:
    """Write P(ξ) = Q(Lξ) with as few variables as possible.

    The essential variables span the space of linear forms that vanish wherever a directional derivative of P does
    (Carlini 2006). With L in reduced echelon form, Q is P with all but the pivot variables set to 0.

    Returns:
        The rows of L, and Q. A decomposition of Q along w is one of P along Lᵀw.
    """
    count = len(next(iter(form)))
    partials = [derivative(form, variable) for variable in range(count)]
    columns = sorted({alpha for partial in partials for alpha in partial})
    rows = _reduced([[partial.get(alpha, Fraction(0)) for partial in partials] for alpha in columns])
    pivots = [next(i for i, value in enumerate(row) if value) for row in rows]
    return rows, restricted(form, pivots)


def restricted(form: Form, variables: Sequence[int]) -> Form:
    """Return the form with all other variables set to 0, in these variables alone."""
    kept = set(variables)
    return {
        tuple(alpha[i] for i in variables): value
        for alpha, value in form.items()
        if all(i in kept for i, exponent in enumerate(alpha) if exponent)
    }


def _reduced(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """Return the reduced row echelon form, without zero rows."""
    result: list[list[Fraction]] = []
    width = len(rows[0]) if rows else 0
    for column in range(width):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is None:
            continue
        rows = [row for row in rows if row is not pivot]
        pivot = [value / pivot[column] for value in pivot]
        rows = [_without(row, pivot, column) for row in rows]
        result = [_without(row, pivot, column) for row in result] + [pivot]
    return result


def _without(row: list[Fraction], pivot: list[Fraction], column: int) -> list[Fraction]:
    factor = row[column]
    return [a - factor * b for a, b in zip(row, pivot, strict=True)] if factor else row


def all_partials(variables: int, order: int) -> int:
    """Return the number of partial derivatives of one order, C(variables+order−1, order)."""
    return comb(variables + order - 1, order)


def iterate_divisors(alpha: MultiIndex, degree: int) -> Iterator[MultiIndex]:
    """Yield all β ≤ α of a degree."""
    if not alpha:
        if degree == 0:
            yield ()
        return
    for first in range(min(alpha[0], degree) + 1):
        for rest in iterate_divisors(alpha[1:], degree - first):
            yield (first, *rest)


def scaled(form: Mapping[MultiIndex, Fraction], factor: Fraction) -> Form:
    """Return factor·P."""
    return {alpha: value * factor for alpha, value in form.items()}
