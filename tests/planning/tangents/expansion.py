"""Exact values of forms and of sums of powers, in arithmetic of its own: pairs (a, b) for a + b√n."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product
from math import factorial, prod


def parts(number):
    """A rational or quadratic number as (a, b, n)."""
    if hasattr(number, "radicand"):
        return number.rational, number.factor, number.radicand
    return Fraction(number), Fraction(0), 1


def times(left, right):
    (a, b, n), (c, d, m) = left, right
    root = max(n, m)
    assert 1 in (n, m) or n == m
    return a * c + b * d * root, a * d + b * c, root


def plus(left, right):
    (a, b, n), (c, d, m) = left, right
    return a + c, b + d, max(n, m)


def value_of_powers(directions, coefficients, order, point):
    """Σ_r c_r (v_r·ξ)^order at a rational point, as (a, b, n)."""
    total = (Fraction(0), Fraction(0), 1)
    for direction, coefficient in zip(directions, coefficients, strict=True):
        inner = (Fraction(0), Fraction(0), 1)
        for entry, x in zip(direction, point, strict=True):
            a, b, n = parts(entry)
            inner = plus(inner, (a * x, b * x, n))
        term = parts(coefficient)
        for _ in range(order):
            term = times(term, inner)
        total = plus(total, term)
    return total


def value_of_form(form, point):
    return sum(
        (Fraction(c) * prod(x**e for x, e in zip(point, alpha, strict=True)) for alpha, c in form.items()), Fraction(0)
    )


def points(variables, count=4, size=10**6):
    """Pseudo-random integer points: two different forms of small degree agree at all of them only by a miracle."""
    generator = random.Random(variables)
    return [tuple(generator.randint(-size, size) for _ in range(variables)) for _ in range(count)]


def is_identity(form, tangents):
    """Whether Σ_r c_r (v_r·ξ)^k = P(ξ), exactly."""
    variables = len(next(iter(form)))
    for point in points(variables):
        a, b, _ = value_of_powers(tangents.directions, tangents.coefficients, tangents.order, point)
        if (a, b) != (value_of_form(form, point), 0):
            return False
    return True


def largest_error(form, tangents):
    """The largest coefficient of Σ_r c_r (v_r·ξ)^k − P, for rational directions."""
    variables, order = len(next(iter(form))), tangents.order
    worst = Fraction(0)
    for alpha in product(range(order + 1), repeat=variables):
        if sum(alpha) == order:
            factor = factorial(order) // prod(map(factorial, alpha))
            found = sum(
                factor * c * prod(x**e for x, e in zip(v, alpha, strict=True))
                for v, c in zip(tangents.directions, tangents.coefficients, strict=True)
            )
            worst = max(worst, abs(found - form.get(alpha, 0)))
    return worst


def laplacian_power(dimension, power):
    """|ξ|^(2·power), by multiplying out."""
    form = {(0,) * dimension: Fraction(1)}
    for _ in range(power):
        form = multiplied(form, {tuple(2 * (i == j) for j in range(dimension)): Fraction(1) for i in range(dimension)})
    return form


def multiplied(left, right):
    result = {}
    for alpha, a in left.items():
        for beta, b in right.items():
            gamma = tuple(i + j for i, j in zip(alpha, beta, strict=True))
            result[gamma] = result.get(gamma, 0) + a * b
    return {alpha: value for alpha, value in result.items() if value}
