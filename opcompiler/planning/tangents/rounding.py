"""How much the jets of a whole plan amplify rounding: the worst κ of any homogeneous part of any symbol."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor, sqrt

import numpy as np

from opcompiler.ir.strategy import JointTangents
from opcompiler.planning.tangents.conditioning import NuclearNorm, nuclear_norm_bounds
from opcompiler.planning.tangents.forms import Form, by_degree, laplacian_power, mass, restricted
from opcompiler.planning.tangents.laplacians import nuclear_norm
from opcompiler.planning.tangents.quadrics import matrix_of
from opcompiler.planning.tangents.weights import jet_coefficients

__all__ = ["bounds_of_norm", "joint_amplification"]

_MOST_FORMS = 24
"""Different forms whose norms are bounded for one plan; the others would take long."""

_PLACES = 1000
"""Bounds are rounded outwards to thousandths: the linear programs are solved in floating point."""


def joint_amplification(tangents: JointTangents, symbols: Sequence[Sequence[Form]]) -> tuple[Fraction, Fraction] | None:
    """Return (lower, upper) with lower ≤ κ ≤ upper for the worst part of the symbols, or None where it is unknown.

    κ = Σ|c_r||v_r|^k / ‖P‖_* for a part P of degree k that is read as Σ c_r (v_r·ξ)^k from the jets.
    """
    lower = upper = 1.0
    forms = {tuple(sorted(form.items())): form for symbol in symbols for form in symbol}
    if len(forms) > _MOST_FORMS:
        return None
    for form in forms.values():
        weights = jet_coefficients(tangents, form)
        if weights is None:
            return None
        for degree, part in by_degree(form).items():
            if degree == 0:
                continue
            norm = bounds_of_norm(part, degree)
            if norm is None:
                return None
            used = [(tangents.jets[jet].direction, c) for (jet, power), c in weights.items() if power == degree]
            own = mass([direction for direction, _ in used], [c for _, c in used], degree)
            lower, upper = max(lower, own / norm.upper), max(upper, own / norm.lower)
    return Fraction(floor(lower * _PLACES + 1e-6), _PLACES), Fraction(ceil(upper * _PLACES - 1e-6), _PLACES)


def bounds_of_norm(form: Form, degree: int) -> NuclearNorm | None:
    """Return bounds on the least mass of any decomposition of a form, exact ones where a formula gives it.

    A linear form is one power; a quadratic form has the sum of the sizes of its eigenvalues; a multiple of |ξ|^(2s) the
    value in `nuclear_norm`. Forms in two to four variables are bounded by linear programs, for others None is returned.
    """
    count = len(next(iter(form)))
    used = [i for i in range(count) if any(alpha[i] for alpha in form)]
    return _norm(tuple(sorted(restricted(form, used).items())), degree)


@lru_cache(maxsize=512)
def _norm(items: tuple[tuple[tuple[int, ...], Fraction], ...], degree: int) -> NuclearNorm | None:
    form = dict(items)
    variables = len(items[0][0])
    exact: float | None = None
    if degree == 1 or variables == 1:
        exact = sqrt(sum(float(value) ** 2 for value in form.values()))
    elif degree == 2:
        matrix = np.array([[float(value) for value in row] for row in matrix_of(form)])
        exact = float(np.sum(np.abs(np.linalg.eigvalsh(matrix))))
    elif degree % 2 == 0:
        factor = form.get((degree, *(0,) * (variables - 1)), Fraction(0))
        multiple = {alpha: factor * value for alpha, value in laplacian_power(variables, degree // 2).items()}
        if factor and form == multiple:
            exact = float(abs(factor) * nuclear_norm(variables, degree // 2))
    if exact is not None:
        return NuclearNorm(exact, exact)
    try:
        return nuclear_norm_bounds(form)
    except ValueError:
        return None
