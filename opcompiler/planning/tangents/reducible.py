"""Cubics t·Q(x), a coordinate times a quadratic form in the others (∂_tΔ)."""

from __future__ import annotations

from fractions import Fraction

from opcompiler.ir.strategy import Direction, TangentSet
from opcompiler.ir.surd import Number, square_root
from opcompiler.planning.tangents.forms import Form, degree_of
from opcompiler.planning.tangents.quadrics import matrix_of, squares

__all__ = ["linear_times_quadric"]


def linear_times_quadric(form: Form) -> TangentSet | None:
    """Return t·Σ_{i≤d} a_i l_i² with 2d+1 directions, 2d when the a_i have both signs; None for other forms.

    t·l² = [(l+t)³ − (l−t)³ − 2t³]/6. Scaling the l_i of one sign makes the multiples of t³ cancel. The complex rank
    is 2d (Carlini, Guo & Ventura 2017). For t(x²+y²) four real points would need a pencil of conics in
    ⟨T², XY, X²−Y²⟩ with four real base points, but ⟨XY, aT²+b(X²−Y²)⟩ has only two, hence R = 5.
    """
    variables = len(next(iter(form)))
    t = next((i for i in range(variables) if all(alpha[i] == 1 for alpha in form)), None)
    if degree_of(form) != 3 or t is None or variables < 3:
        return None
    others = [i for i in range(variables) if i != t]
    quadric = {tuple(alpha[i] for i in others): value for alpha, value in form.items()}
    terms = squares(matrix_of(quadric))
    scale, indefinite = _balance([weight for _, weight in terms])
    directions: list[Direction] = []
    coefficients: list[Number] = []
    left: Number = Fraction(0)
    for vector, weight in terms:
        factor = scale if weight > 0 else Fraction(1)
        line = [factor * entry for entry in vector]
        own = weight / (factor * factor) / 6
        for sign in (1, -1):
            entries = [*line[:t], Fraction(sign), *line[t:]]
            directions.append(tuple(entries))
            coefficients.append(own * sign)
        left = left - 2 * own
    if left:
        directions.append(tuple(Fraction(i == t) for i in range(variables)))
        coefficients.append(left)
    rank = len(terms)
    bound = 2 * rank + (rank == 2 and not indefinite)
    source = "a coordinate times squares; bound by the complex rank of a reducible cubic"
    status = "proved" if bound == len(directions) else "bracketed"
    return TangentSet(3, tuple(directions), tuple(coefficients), bound, status, source)


def _balance(weights: list[Fraction]) -> tuple[Number, bool]:
    """Return the factor for the positive squares that makes the weights cancel, and whether both signs occur."""
    positive = sum((weight for weight in weights if weight > 0), Fraction(0))
    negative = sum((-weight for weight in weights if weight < 0), Fraction(0))
    if not positive or not negative:
        return Fraction(1), False
    return square_root(positive / negative), True
