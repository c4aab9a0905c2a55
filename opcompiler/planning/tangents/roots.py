"""Real roots of binary forms over ℚ, counted and isolated exactly (Sturm), as directions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import gcd, isqrt, lcm

from opcompiler.ir.strategy import Direction
from opcompiler.ir.surd import square_root

__all__ = ["distinct_real_roots", "has_simple_roots", "is_real_rooted", "root_directions"]

_DIGITS = 40
"""Decimal digits of a root that is neither rational nor quadratic."""

Univariate = list[Fraction]
"""Coefficients by falling power."""


def is_real_rooted(form: Sequence[Fraction]) -> bool:
    """Whether Σ_j form[j] X^(r−j) Y^j is a product of real linear forms."""
    rest, at_infinity = _dehomogenised(form)
    count = at_infinity
    while len(rest) > 1:
        common = _gcd(rest, _derivative(rest))
        count += _count_real(_quotient(rest, common))
        rest = common
    return count == len(form) - 1


def distinct_real_roots(form: Sequence[Fraction]) -> bool:
    """Whether Σ_j form[j] X^(r−j) Y^j is a product of different real linear forms."""
    rest, at_infinity = _dehomogenised(form)
    if at_infinity > 1:
        return False
    return len(rest) == 1 or (len(_gcd(rest, _derivative(rest))) == 1 and _count_real(rest) == len(rest) - 1)


def has_simple_roots(form: Sequence[Fraction]) -> bool:
    """Whether at most two roots are irrational, so that all are found exactly."""
    return len(_rational_roots(_dehomogenised(form)[0])[1]) <= 3


def root_directions(form: Sequence[Fraction]) -> list[Direction]:
    """Return the roots (X, Y) of a form with different real roots: rational, quadratic, or to 40 digits."""
    rest, at_infinity = _dehomogenised(form)
    directions: list[Direction] = [(Fraction(1), Fraction(0))] * at_infinity
    rational, rest = _rational_roots(rest)
    directions += [(root, Fraction(1)) for root in rational]
    if len(rest) == 3:
        a, b, c = rest
        centre, spread = -b / (2 * a), square_root(b * b - 4 * a * c)
        directions += [(centre + spread / (2 * abs(a)) * sign, Fraction(1)) for sign in (-1, 1)]
    elif len(rest) > 1:
        directions += [(root, Fraction(1)) for root in _refined(rest)]
    return directions


def _dehomogenised(form: Sequence[Fraction]) -> tuple[Univariate, int]:
    """Return the polynomial in X/Y and the multiplicity of the root (1, 0)."""
    lead = next(n for n, value in enumerate(form) if value)
    return list(form[lead:]), lead


def _derivative(p: Univariate) -> Univariate:
    degree = len(p) - 1
    return [value * (degree - n) for n, value in enumerate(p[:-1])]


def _divided(p: Univariate, q: Univariate) -> tuple[Univariate, Univariate]:
    rest = list(p)
    quotient: Univariate = []
    while len(rest) >= len(q):
        factor = rest[0] / q[0]
        quotient.append(factor)
        rest = [a - factor * b for a, b in zip(rest[1:], [*q[1:], *[Fraction(0)] * (len(rest) - len(q))], strict=True)]
    while rest and not rest[0]:
        rest = rest[1:]
    return quotient, rest


def _quotient(p: Univariate, q: Univariate) -> Univariate:
    return _divided(p, q)[0]


def _gcd(p: Univariate, q: Univariate) -> Univariate:
    while q:
        p, q = q, _divided(p, q)[1]
    return [value / p[0] for value in p]


def _sturm(p: Univariate) -> list[Univariate]:
    chain = [p, _derivative(p)]
    while True:
        rest = _divided(chain[-2], chain[-1])[1]
        if not rest:
            return chain
        chain.append([-value for value in rest])


def _count_real(p: Univariate) -> int:
    """Return the number of different real roots."""
    if len(p) <= 1:
        return 0
    chain = _sturm(p)
    above = [q[0] for q in chain]
    below = [q[0] * (-1) ** (len(q) - 1) for q in chain]
    return _changes(below) - _changes(above)


def _changes(values: Sequence[Fraction]) -> int:
    signs = [value > 0 for value in values if value]
    return sum(a != b for a, b in pairwise(signs))


def _value(p: Univariate, x: Fraction) -> Fraction:
    total = Fraction(0)
    for coefficient in p:
        total = total * x + coefficient
    return total


def _rational_roots(p: Univariate) -> tuple[list[Fraction], Univariate]:
    """Return the rational roots of a squarefree polynomial that has small ones, and what is left."""
    roots: list[Fraction] = []
    while len(p) > 1:
        if not p[-1]:
            root: Fraction | None = Fraction(0)
        elif len(p) == 2:
            root = -p[1] / p[0]
        elif len(p) == 3:
            root = _rational_root_of_quadratic(p)
        else:
            root = _small_root(p)
        if root is None:
            break
        roots.append(root)
        p = _quotient(p, [Fraction(1), -root])
    return roots, p


def _rational_root_of_quadratic(p: Univariate) -> Fraction | None:
    a, b, c = p
    discriminant = b * b - 4 * a * c
    inside = discriminant.numerator * discriminant.denominator
    if inside < 0 or isqrt(inside) ** 2 != inside:
        return None
    return (-b + Fraction(isqrt(inside), discriminant.denominator)) / (2 * a)


def _small_root(p: Univariate) -> Fraction | None:
    denominator = lcm(*(value.denominator for value in p))
    whole = [int(value * denominator) for value in p]
    divisor = gcd(*whole)
    last, first = abs(whole[-1] // divisor), abs(whole[0] // divisor)
    numerators = [n for n in range(1, 65) if last % n == 0]
    denominators = [n for n in range(1, 65) if first % n == 0]
    candidates = (Fraction(s * n, d) for d in denominators for n in numerators for s in (1, -1))
    return next((x for x in candidates if not _value(p, x)), None)


def _refined(p: Univariate) -> list[Fraction]:
    """Return the real roots by bisection between Sturm counts, to `_DIGITS` decimal digits."""
    chain = _sturm(p)
    bound = 1 + max(abs(value / p[0]) for value in p)

    def below(x: Fraction) -> int:
        return _changes([_value(q, x) for q in chain])

    found: list[Fraction] = []
    open_intervals = [(-bound, bound)]
    while open_intervals:
        low, high = open_intervals.pop()
        count = below(low) - below(high)
        if count == 1:
            found.append(_bisected(p, low, high))
        elif count > 1:
            middle = (low + high) / 2
            open_intervals += [(low, middle), (middle, high)]
    return sorted(found)


def _bisected(p: Univariate, low: Fraction, high: Fraction) -> Fraction:
    """Return the only root in (low, high]: bisection to 50 bits, then Newton's method."""
    if not _value(p, high):
        return high
    rising = _value(p, high) > 0
    width = (high - low) / 2**50
    while high - low > width:
        middle = (low + high) / 2
        value = _value(p, middle)
        if not value:
            return middle
        if (value > 0) == rising:
            high = middle
        else:
            low = middle
    root, slope = _rounded((low + high) / 2), _derivative(p)
    for _ in range(3):
        root = _rounded(root - _value(p, root) / _value(slope, root))
    return root


def _rounded(value: Fraction) -> Fraction:
    return Fraction(round(value * 10**_DIGITS), 10**_DIGITS)
