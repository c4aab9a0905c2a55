"""Oracles in exact rational arithmetic: evaluation over a planned algebra, derivatives, dimensions by brute force."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from planning.forms import evaluate_coefficient, multiply

from opcompiler.ir.algebra import Algebra, AxisSeed, CoordinateSeed
from opcompiler.ir.plan import Propagation

Value = dict[tuple[int, int], Fraction]
"""(element, direction) → coefficient; zeros may be left out."""


def number(value):
    """A rational number as it is, an irrational one in floating point."""
    return value if isinstance(value, int | Fraction) else float(value)


def product_in(algebra: Algebra, f: Value, g: Value, values=()) -> Value:
    """The Leibniz rule as the docstring of `ir.algebra` states it, entry by entry."""
    zero = Fraction(0)
    result: Value = {(0, 0): f.get((0, 0), zero) * g.get((0, 0), zero)}

    def add(key, value):
        result[key] = result.get(key, zero) + value

    for n, element in enumerate(algebra.elements):
        for r in range(algebra.size(element)) if n else ():
            key = (n, r)
            add(key, f.get((0, 0), zero) * g.get(key, zero) + f.get(key, zero) * g.get((0, 0), zero))
    for term in algebra.table:
        factor = evaluate_coefficient(term.coefficient, values)
        left, right, out = (algebra.elements[n] for n in (term.left, term.right, term.out))
        axes = {element.axis for element in (left, right, out)} - {None}
        assert len(axes) <= 1
        for r in range(algebra.axes[axes.pop()].size) if axes else (0,):
            a, b, c = (
                (n, r if element.axis is not None else 0)
                for n, element in ((term.left, left), (term.right, right), (term.out, out))
            )
            value = f.get(a, zero) * g.get(b, zero)
            if term.left != term.right:
                value += f.get(b, zero) * g.get(a, zero)
            weight = number(term.weights[r]) if term.weights is not None and out.axis is None else 1
            add(c, factor * weight * value)
    return result


def coordinate_jets(propagation: Propagation, names, point, values=()) -> list[Value]:
    """Every coordinate function as an element of the algebra."""
    algebra = propagation.algebra
    jets: list[Value] = [{(0, 0): Fraction(x)} for x in point]
    for seed in propagation.seeds:
        factor = evaluate_coefficient(seed.coefficient, values)
        match seed:
            case CoordinateSeed(element, space, index, _):
                jet = jets[names.index((space, index))]
                for r in range(algebra.size(algebra.elements[element])):
                    jet[(element, r)] = jet.get((element, r), Fraction(0)) + factor
            case AxisSeed(element, _):
                axis = algebra.axes[algebra.elements[element].axis]
                columns = [(part.space, i) for part in axis.ranges for i in range(part.start, part.stop)]
                for r in range(axis.size):
                    row = axis.matrix[r] if axis.matrix is not None else [int(r == c) for c in range(len(columns))]
                    for name, entry in zip(columns, row, strict=True):
                        jet = jets[names.index(name)]
                        jet[(element, r)] = jet.get((element, r), Fraction(0)) + factor * number(entry)
    return jets


def evaluate(propagation: Propagation, polynomial, names, point, values=()) -> dict[int, list[Fraction]]:
    """Evaluate a polynomial u over the planned algebra and read all contractions out, flattened."""
    algebra = propagation.algebra
    jets = coordinate_jets(propagation, names, point, values)
    total: Value = {}
    for alpha, q in polynomial.items():
        term: Value = {(0, 0): Fraction(q)}
        for jet, power in zip(jets, alpha, strict=True):
            for _ in range(power):
                term = product_in(algebra, term, jet, values)
        for key, value in term.items():
            total[key] = total.get(key, Fraction(0)) + value
    result = {}
    for readout in propagation.readouts:
        out = [Fraction(0)] * prod(readout.shape)
        for part in readout.parts:
            size = algebra.size(algebra.elements[part.element])
            factor = evaluate_coefficient(part.coefficient, values)
            runs = [(r, 0, 1) for r in range(size)] if part.positions is None else part.positions
            if part.weights is not None:
                position = 0 if part.positions is None else part.positions[0][1]
                out[position] += factor * sum(
                    number(w) * total.get((part.element, r), Fraction(0)) for r, w in enumerate(part.weights)
                )
                continue
            for direction, position, length in runs:
                for n in range(length):
                    out[position + n] += factor * total.get((part.element, direction + n), Fraction(0))
        result[readout.contraction] = out
    return result


def derivative(symbol, polynomial, point) -> Fraction:
    """P(∂)u at a point, differentiating the monomials of u one by one."""
    total = Fraction(0)
    for alpha, p in symbol.items():
        for beta, q in polynomial.items():
            if all(a <= b for a, b in zip(alpha, beta, strict=True)):
                value = p * q
                for a, b, x in zip(alpha, beta, point, strict=True):
                    value *= prod(range(b - a + 1, b + 1)) * Fraction(x) ** (b - a)
                total += value
    return total


def hilbert_function(symbols) -> tuple[int, ...]:
    """Dimensions by order of the span of 1 and all derivatives, by listing every derivative and eliminating."""
    variables = len(next(iter(symbols[0]))) if symbols and symbols[0] else 0
    pending = [dict(symbol) for symbol in symbols if symbol]
    seen = []
    while pending:
        polynomial = pending.pop()
        if polynomial and polynomial not in seen:
            seen.append(polynomial)
            pending += [_along(polynomial, n) for n in range(variables)]
    rows: dict[tuple[int, ...], dict] = {}
    for polynomial in [*seen, {(0,) * variables: Fraction(1)}]:
        left = dict(polynomial)
        while left:
            lead = max(left, key=lambda alpha: (sum(alpha), alpha))
            if lead not in rows:
                rows[lead] = left
                break
            factor = left[lead] / rows[lead][lead]
            for alpha, q in rows[lead].items():
                left[alpha] = left.get(alpha, Fraction(0)) - factor * q
                if not left[alpha]:
                    del left[alpha]
    orders = [sum(lead) for lead in rows]
    return tuple(orders.count(k) for k in range(max(orders) + 1))


def _along(polynomial, n):
    return {(*alpha[:n], alpha[n] - 1, *alpha[n + 1 :]): q * alpha[n] for alpha, q in polynomial.items() if alpha[n]}


__all__ = ["coordinate_jets", "derivative", "evaluate", "hilbert_function", "multiply", "product_in"]
