"""Every way to compute a normal form that was weighed, with its price and the reason why it is (not) chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from opcompiler.ir.normal_form import Contraction, NormalForm
from opcompiler.ir.plan import Certificate
from opcompiler.ir.strategy import Alternative, JointTangents, SlotJet
from opcompiler.planning.counts import DiagonalCounts, diagonal_counts, down_set, griewank
from opcompiler.planning.listing import MAX_COORDINATES, ListedSymbols, listed_symbols
from opcompiler.planning.minimal_algebra import minimal_algebra
from opcompiler.planning.slots import slot_jet
from opcompiler.planning.tangents.layered import joint_tangents

__all__ = ["alternatives"]

_HIGHEST_SLOT_ORDER = 40
_SLOT_TRIES = 1500
_SLOT_COORDINATES = 5
_MOST_SYMBOLS = 24
"""Work limits of the searches, in units that do not depend on the machine."""

_REVERSE_FACTOR = 4
"""A reverse sweep over a propagation in multiples of the propagation (Griewank & Walther 2008, section 3.3)."""


def alternatives(normal_form: NormalForm, certificate: Certificate | None = None) -> tuple[Alternative, ...]:
    """Return the strategies that can compute a normal form, the chosen one first.

    Args:
        normal_form: what is computed.
        certificate: of the minimal algebra of all contractions, if it is already known.
    """
    numbered = tuple(enumerate(normal_form.contractions))
    if certificate is None and numbered:
        _, certificate = minimal_algebra(numbered, normal_form.declarations)
    if certificate is None or certificate.minimum == 1:
        return (Alternative("evaluation", True, 1, None, 1, "proved", "no derivative occurs"),)
    return (_minimal(certificate), *_others(normal_form, certificate))


@lru_cache(maxsize=64)
def _searched(normal_form: NormalForm) -> tuple[ListedSymbols | None, JointTangents | None, SlotJet | None]:
    """Return the symbols written out, and what the searches find: the same for every network."""
    listed = listed_symbols(normal_form)
    if listed is None:
        return None, None, None
    tangents = slots = None
    if len(listed.symbols) <= _MOST_SYMBOLS:
        tangents = joint_tangents(listed.symbols, listed.coordinates, nodes=0)
    if len(listed.coordinates) <= _SLOT_COORDINATES:
        slots = slot_jet(listed.symbols, listed.coordinates, _HIGHEST_SLOT_ORDER, _SLOT_TRIES)
    return listed, tangents, slots


def _minimal(certificate: Certificate) -> Alternative:
    if certificate.carried == certificate.minimum:
        reason = "the fewest coefficients of any scheme that evaluates the field once and reads off linearly"
        return Alternative("minimal algebra", True, certificate.carried, None, certificate.minimum, "proved", reason)
    reason = "the smallest algebra that needs no division by what is known only at call"
    return Alternative("minimal algebra", True, certificate.carried, None, certificate.minimum, "bracketed", reason)


def _others(normal_form: NormalForm, certificate: Certificate) -> Iterator[Alternative]:
    listed, tangents, slots = _searched(normal_form)
    large = None if listed is not None else diagonal_counts(normal_form)
    if large is not None:
        yield from _counted(large, certificate.carried)
    elif listed is None:
        reason = f"more than {MAX_COORDINATES} coordinates or too many monomials to write out"
        yield Alternative("univariate jets", False, None, None, None, "unknown", f"not weighed: {reason}")
    if listed is not None:
        yield from _jets(tangents, certificate.carried)
        yield _slots(listed, slots, certificate.carried)
        count = down_set(listed.symbols)
        yield Alternative(
            "nested differentiation", False, count, None, certificate.minimum,
            "proved" if count == certificate.minimum else "bracketed",
            _against(count, certificate.carried, "the same derivatives, nested"),
        )  # fmt: skip
        count = griewank(len(listed.coordinates), listed.order)
        yield Alternative(
            "all partial derivatives", False, count, None, None, "unknown", _against(count, certificate.carried)
        )
    yield from _reverse(normal_form, certificate)


def _counted(counts: DiagonalCounts, carried: int) -> Iterator[Alternative]:
    """Weigh one diagonal operator of second order over spaces too large to be written out."""
    rank, equal = counts.rank, "the minimal algebra in other words"
    for strategy, count in (("collapsed jets", counts.collapsed), ("univariate jets", counts.separate)):
        yield Alternative(strategy, False, count, rank, rank, "proved", _against(count, carried, equal))
    for strategy, count in (
        ("nested differentiation", counts.down_set),
        ("all partial derivatives", griewank(counts.coordinates, 2)),
    ):
        yield Alternative(strategy, False, count, None, None, "unknown", _against(count, carried))


def _jets(tangents: JointTangents | None, carried: int) -> Iterator[Alternative]:
    if tangents is None:
        reason = f"not weighed: more than {_MOST_SYMBOLS} different symbols"
        yield Alternative("univariate jets", False, None, None, None, "unknown", reason)
        return
    for strategy, count in (("collapsed jets", tangents.collapsed), ("univariate jets", tangents.separate)):
        yield Alternative(
            strategy, False, count, tangents.directions, tangents.lower_bound, tangents.status,
            _against(count, carried, "the minimal algebra in other words"),
        )  # fmt: skip


def _slots(listed: ListedSymbols, found: SlotJet | None, carried: int) -> Alternative:
    strategy = "one multi-slot jet"
    if found is not None:
        return Alternative(
            strategy, False, found.carried, 1, None, "unknown", _against(found.carried, carried, "a single jet")
        )
    reason = f"no slots of order ≤ {_HIGHEST_SLOT_ORDER} found that give every derivative a unique preimage"
    if len(listed.coordinates) > _SLOT_COORDINATES:
        reason = f"not weighed: more than {_SLOT_COORDINATES} coordinates occur"
    return Alternative(strategy, False, None, None, None, "unknown", reason)


def _reverse(normal_form: NormalForm, certificate: Certificate) -> Iterator[Alternative]:
    """Weigh ∇(P(∂)u) by one reverse sweep over the propagation of P(∂)u."""
    plain = tuple(dict.fromkeys(_without_gradient(contraction) for contraction in normal_form.contractions))
    if plain == normal_form.contractions:
        return
    _, forward = minimal_algebra(tuple(enumerate(plain)), normal_form.declarations)
    price = _REVERSE_FACTOR * forward.carried
    verdict = (
        f"worth about {price} coefficients, not fewer than {certificate.carried}, and stores every layer"
        if price >= certificate.carried
        else f"worth about {price} coefficients against {certificate.carried}; outside the theorem, stores every "
        "layer, and is not built by this version"
    )
    yield Alternative("reverse over forward", False, forward.carried, None, None, "unknown", verdict)


def _without_gradient(contraction: Contraction) -> Contraction:
    """Return P(∂)u for ∇P(∂)u with P of order one or more, any other contraction unchanged."""
    if len(contraction.free) == 1 and contraction.free[0].power == 1 and contraction.symbol.order > 0:
        return replace(contraction, free=())
    return contraction


def _against(count: int, carried: int, equal: str = "no fewer") -> str:
    if count == carried:
        return f"as many coefficients: {equal}"
    if count < carried:
        return f"{carried - count} fewer coefficients, but not built by this version"
    return f"{count - carried} more coefficients"
