"""A plan along directions given at call against the plan in coordinates: what both cost, and which is taken."""

from __future__ import annotations

from dataclasses import replace
from math import comb, prod

from opcompiler.ir.cost import CPU, DEVICES, Cost
from opcompiler.ir.directing import Directing
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Certificate, Plan
from opcompiler.ir.strategy import Alternative
from opcompiler.ir.symbol import Monomial
from opcompiler.planning.choice import WORTHWHILE, ratio_text
from opcompiler.planning.strategies import DIRECTED

__all__ = ["cheaper", "counted_directions", "hopeless", "with_directions"]

_MOST_WEIGHED = 30
"""Derivatives in coordinates up to which both plans are made: algebras over many run-time scalars take long to find."""


def with_directions(cost: Cost, directing: Directing, profile: NetworkProfile, device: str) -> Cost:
    """Return the cost of a propagation with that of its directions: d numbers each, and a product with the first layer.

    Directions that are coordinates, as in Δ, are columns of the first layer instead.
    """
    dims = {space.name: space.dim for space in directing.normal_form.declarations.spaces}
    entries = sum(own.directions * dims[own.of] for own in directing.spaces)
    total = sum(dims[space] for space in {own.of for own in directing.spaces})
    first = profile.first_layer_flops or 2 * total * profile.widest
    cost = replace(cost, linear=cost.linear + directing.directions * first, elementwise=cost.elementwise + entries)
    return replace(cost, time=DEVICES.get(device, CPU).time(cost))


def counted_directions(certificate: Certificate) -> Certificate:
    """Return a certificate that says what its proof takes the directions for."""
    return replace(certificate, scope=f"{certificate.scope}, directions given at call counted as coordinates")


def hopeless(normal_form: NormalForm, directed: Certificate) -> str | None:
    """Return why a plan in coordinates need not be made, where it would carry far more; None where it is made."""
    dims = {space.name: space.dim for space in normal_form.declarations.spaces}
    listed: set[tuple[str, Monomial]] = set()
    count = 0
    for contraction in normal_form.contractions:
        if contraction.free:
            count += _entries([dims[index.space] for index in contraction.free])
        listed |= {(contraction.field, generators) for generators, _ in contraction.symbol.terms}
    count += len(listed)
    if count <= max(_MOST_WEIGHED, 2 * directed.carried):
        return None
    return f"not weighed: {count:,} derivatives against {directed.carried:,} coefficients"


def cheaper(directed: Plan, ordinary: Plan | str, asked_for: bool) -> Plan:
    """Return the plan along directions or the one in coordinates, with what was weighed for both.

    Args:
        directed: along directions given at call.
        ordinary: in coordinates, or why there is none.
        asked_for: whether directions are to be taken in any case.
    """
    count = 0 if directed.directing is None else directed.directing.directions
    carried = directed.certificate.carried
    known = f"{count:,} direction{'' if count == 1 else 's'} at call, counted as coordinates"
    minimum = directed.certificate.minimum
    status = "proved" if carried == minimum else "bracketed"
    own = Alternative(DIRECTED, True, carried, None, minimum, status, known, cost=directed.cost)
    if isinstance(ordinary, str):
        refused = Alternative("minimal algebra", False, None, None, None, "unknown", f"in coordinates: {ordinary}")
        return replace(directed, alternatives=(own, refused))
    first, *others = ordinary.alternatives
    if asked_for or directed.cost.time < ordinary.cost.time * WORTHWHILE:
        own = replace(own, reason=f"{known}; {_work(directed, ordinary)} of the {first.strategy}")
        against = f"{first.reason}; {_work(ordinary, directed)} of the {DIRECTED}"
        rest = (replace(first, chosen=False, reason=against), *others)
        return replace(directed, alternatives=(own, *rest))
    reason = f"{known}; {_work(directed, ordinary)} of the {first.strategy}"
    return replace(ordinary, alternatives=(first, *others, replace(own, chosen=False, reason=reason)))


def _work(plan: Plan, other: Plan) -> str:
    return f"{ratio_text(plan.cost.time, other.cost.time)} the work"


def _entries(dims: list[int]) -> int:
    """Return how many different entries a derivative tensor over spaces of these dimensions has."""
    return comb(dims[0] + len(dims) - 1, len(dims)) if len(set(dims)) == 1 else prod(dims)
