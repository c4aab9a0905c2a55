"""Does a law of random directions exist: is P(ξ) = E (v·ξ)^k for some random vector v?

P has such a law iff it lies in the cone of sums of k-th powers. For odd k that is everything: a sign goes into v. For
even k the middle catalecticant must be positive semidefinite (it is E of a square), which suffices for quadrics,
binary forms and ternary quartics (Hilbert 1888, by duality; Reznick 1992, section 3). A monomial in two or more
variables is never in the cone: E v_1^k = 0 leaves nothing of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from opcompiler.ir.strategy import Direction
from opcompiler.planning.tangents.bounds import inertia
from opcompiler.planning.tangents.forms import Form, degree_of
from opcompiler.planning.tangents.numeric import columns_of, lattice, vector_of
from opcompiler.planning.tangents.solvers import positive_weights
from opcompiler.planning.tangents.waring import exact_weights

__all__ = ["ConeTest", "in_moment_cone"]

_LATTICE = {1: 1, 2: 8, 3: 4, 4: 2}
"""Largest entry of the directions in the linear program, by number of variables."""


@dataclass(frozen=True, slots=True)
class ConeTest:
    """The answer, and what shows it.

    Attributes:
        exists: whether P is a mean of k-th powers; None where neither criterion decides.
        reason: the criterion, in words.
        directions: v_r of P = Σ_r w_r (v_r·ξ)^k with w_r > 0, where such a law was found.
        weights: w_r.
    """

    exists: bool | None
    reason: str
    directions: tuple[Direction, ...] = ()
    weights: tuple[Fraction, ...] = ()


def in_moment_cone(form: Form) -> ConeTest:
    """Decide whether a homogeneous symbol is the mean of powers of linear forms.

    Args:
        form: nonzero, homogeneous, by multi-index.
    """
    order = degree_of(form)
    if order % 2:
        return ConeTest(True, "the order is odd: signs go into the directions")
    used = [i for i in range(len(next(iter(form)))) if any(alpha[i] for alpha in form)]
    form = {tuple(alpha[i] for i in used): value for alpha, value in form.items()}
    _, negative = inertia(form)
    if negative:
        return ConeTest(False, f"the middle catalecticant has {negative} negative eigenvalue(s)")
    known = order == 2 or len(used) <= 2 or (len(used) == 3 and order == 4)
    found = _on_lattice(form, order, len(used))
    if found is not None:
        directions, weights = found
        full = tuple(_placed(direction, used, max(used) + 1) for direction in directions)
        return ConeTest(True, "a positive combination of powers over small integer directions", full, weights)
    if known:
        return ConeTest(True, "the middle catalecticant is positive semidefinite, which suffices for this form")
    return ConeTest(None, "positive semidefinite, but no law was found over small integer directions")


def _on_lattice(form: Form, order: int, variables: int) -> tuple[tuple[Direction, ...], tuple[Fraction, ...]] | None:
    if variables not in _LATTICE:
        return None
    directions = lattice(variables, _LATTICE[variables])
    found = positive_weights(columns_of(directions, order, variables), vector_of(form, order, variables))
    if found is None:
        return None
    support = tuple(direction for direction, weight in zip(directions, found, strict=True) if weight > 1e-12)
    exact = exact_weights(support, form, order)
    if exact is None or not all(isinstance(weight, Fraction) and weight >= 0 for weight in exact):
        return None
    pairs = [(v, w) for v, w in zip(support, exact, strict=True) if isinstance(w, Fraction) and w]
    return tuple(v for v, _ in pairs), tuple(w for _, w in pairs)


def _placed(direction: Direction, used: list[int], size: int) -> Direction:
    entries = dict(zip(used, direction, strict=True))
    return tuple(entries.get(i, Fraction(0)) for i in range(size))
