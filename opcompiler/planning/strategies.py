"""Every strategy that can run a normal form, as a propagation with what is known of it, and those that cannot.

All candidates compute the same contractions with the same engine; they differ in what is carried. The minimal algebra
comes first and is the default. Searches are limited by counts, so that the same request gives the same candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from opcompiler.errors import UnsupportedError
from opcompiler.ir.algebra import Algebra, Element
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.normal_form import Contraction, NormalForm
from opcompiler.ir.plan import Certificate, Propagation
from opcompiler.ir.strategy import Alternative, Direction, Jet, JointTangents, SlotJet, Status
from opcompiler.planning.bottleneck import compressed
from opcompiler.planning.counts import diagonal_counts, down_set, griewank
from opcompiler.planning.jets import collapsed_jets, separate_jets
from opcompiler.planning.labels import scalar_names
from opcompiler.planning.listing import MAX_COORDINATES, ListedSymbols, Listing, different_symbols, listed_entries
from opcompiler.planning.minimal_algebra import minimal_algebra
from opcompiler.planning.nested import nested_jets
from opcompiler.planning.reverse import SWEEP_FACTOR, reverse_over_forward
from opcompiler.planning.slot_algebra import one_slot_jet
from opcompiler.planning.slots import slot_jet
from opcompiler.planning.tangents.forms import monomials
from opcompiler.planning.tangents.layered import joint_tangents
from opcompiler.planning.tangents.rounding import joint_amplification

__all__ = ["DIRECTED", "STRATEGIES", "Candidate", "Weighed", "candidates", "forced", "weigh"]

MINIMAL, COLLAPSED, SEPARATE = "minimal algebra", "collapsed jets", "univariate jets"
SLOT, NESTED, PARTIALS, REVERSE = (
    "one multi-slot jet",
    "nested differentiation",
    "all partial derivatives",
    "reverse over forward",
)

STRATEGIES = (MINIMAL, COLLAPSED, SEPARATE, SLOT, NESTED, PARTIALS, REVERSE)
"""Names of the strategies for one normal form, as in `Exact(strategy=…)`."""

DIRECTED = "run-time directions"
"""Name of the strategy that plans another normal form of the same value, see `planning.directing`."""

_HIGHEST_SLOT_ORDER = 40
_SLOT_TRIES = 1500
_SLOT_COORDINATES = 5
_MOST_SYMBOLS = 24
_MOST_PARTIALS = 30
"""Work limits of the searches, in units that do not depend on the machine."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run a normal form.

    Attributes:
        strategy: its name, one of `STRATEGIES`.
        propagation: computes all contractions of the fields.
        alternative: what it takes, and why it is not chosen if it is not.
        certificate: the proven minimum beside what this candidate carries.
    """

    strategy: str
    propagation: Propagation
    alternative: Alternative
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Weighed:
    """Candidates, the minimal algebra first, and the strategies that do not apply, with the reasons."""

    candidates: tuple[Candidate, ...]
    refused: tuple[Alternative, ...]


def candidates(
    normal_form: NormalForm,
    fields: tuple[str, ...],
    profile: NetworkProfile | None = None,
    search_nodes: int = 0,
) -> tuple[Candidate, ...]:
    """Return the strategies that compute all contractions of some fields, the minimal algebra first.

    Args:
        normal_form: what is computed.
        fields: names of the fields.
        profile: the network; its affine bottlenecks narrow what they can.
        search_nodes: branch-and-bound nodes of each search for directions.

    Raises:
        LimitError: the operator needs more coefficients than can be listed.
    """
    return weigh(normal_form, fields, profile, search_nodes).candidates


def weigh(
    normal_form: NormalForm,
    fields: tuple[str, ...],
    profile: NetworkProfile | None = None,
    search_nodes: int = 0,
) -> Weighed:
    """Return the candidates (see `candidates`) together with the strategies that do not apply."""
    weighed = _weighed(normal_form, fields, search_nodes)
    if profile is None or not profile.bottlenecks:
        return weighed
    return replace(weighed, candidates=tuple(_narrowed(own, profile, normal_form) for own in weighed.candidates))


def forced(
    normal_form: NormalForm,
    fields: tuple[str, ...],
    strategy: str,
    profile: NetworkProfile | None = None,
    search_nodes: int = 0,
) -> Candidate:
    """Return the candidate of one strategy.

    Raises:
        UnsupportedError: it does not exist, or does not apply to this operator; those that do are listed.
    """
    weighed = weigh(normal_form, fields, profile, search_nodes)
    for candidate in weighed.candidates:
        if candidate.strategy == strategy:
            return candidate
    known = ", ".join(f'"{candidate.strategy}"' for candidate in weighed.candidates)
    if strategy not in (*STRATEGIES, DIRECTED):
        raise UnsupportedError(f"there is no strategy {strategy!r}", hint=f"for this operator: {known}")
    reasons = [refused.reason for refused in weighed.refused if refused.strategy == strategy]
    reason = reasons[0] if reasons else "it does not apply to this operator"
    raise UnsupportedError(f"the strategy {strategy!r} cannot be used here: {reason}", hint=f"there are {known}")


@lru_cache(maxsize=128)
def _weighed(normal_form: NormalForm, fields: tuple[str, ...], search_nodes: int) -> Weighed:
    contractions = tuple((n, c) for n, c in enumerate(normal_form.contractions) if c.field in fields)
    if not contractions:
        value = Propagation((), Algebra((Element("1", 0),)), (), ())
        nothing = Alternative("evaluation", False, 1, None, 1, "proved", "no derivative occurs")
        return Weighed((Candidate(MINIMAL, value, nothing, Certificate(1, 1, (1,))),), ())
    propagation, certificate = minimal_algebra(
        contractions, normal_form.declarations, scalar_names(normal_form.scalars)
    )
    first = Candidate(MINIMAL, propagation, _minimal(certificate), certificate)
    if certificate.minimum == 1:
        evaluation = Alternative("evaluation", False, 1, None, 1, "proved", "no derivative occurs")
        return Weighed((replace(first, alternative=evaluation),), ())
    found = list(_others(normal_form, contractions, propagation.fields, certificate, search_nodes))
    ranked = sorted(found, key=lambda item: STRATEGIES.index(item.strategy))
    return Weighed(
        (first, *(item for item in ranked if isinstance(item, Candidate))),
        tuple(item for item in ranked if isinstance(item, Alternative)),
    )


def _narrowed(candidate: Candidate, profile: NetworkProfile, normal_form: NormalForm) -> Candidate:
    """Use the affine bottlenecks of a network where the axes of the candidate allow it."""
    if candidate.strategy not in (MINIMAL, REVERSE):
        return candidate
    propagation, certificate = compressed(
        candidate.propagation, candidate.certificate, profile, normal_form.declarations
    )
    alternative = replace(candidate.alternative, coefficients=propagation.carried)
    return Candidate(candidate.strategy, propagation, alternative, certificate)


def _minimal(certificate: Certificate) -> Alternative:
    status: Status = "proved" if certificate.carried == certificate.minimum else "bracketed"
    reason = (
        "the fewest coefficients of any scheme that evaluates the field once and reads off linearly"
        if status == "proved"
        else "the smallest algebra that needs no division by what is known only at call"
    )
    return Alternative(MINIMAL, False, certificate.carried, None, certificate.minimum, status, reason)


def _others(
    normal_form: NormalForm,
    contractions: tuple[tuple[int, Contraction], ...],
    fields: tuple[str, ...],
    certificate: Certificate,
    search_nodes: int,
) -> Iterator[Candidate | Alternative]:
    listing = listed_entries(contractions, normal_form.declarations)
    if listing is None:
        yield from _large(normal_form, contractions, certificate)
    else:
        symbols = different_symbols(listing)
        yield from _jets(listing, symbols, fields, certificate, search_nodes)
        yield _slots(normal_form, listing, symbols, fields, certificate)
        yield _nested(normal_form, listing, symbols, fields, certificate)
    yield from _reverse(normal_form, contractions, certificate)


def _jets(
    listing: Listing, symbols: ListedSymbols, fields: tuple[str, ...], minimum: Certificate, search_nodes: int
) -> Iterator[Candidate | Alternative]:
    """Weigh univariate jets, collapsed and whole, along few directions and along all of one degree."""
    if len(symbols.symbols) <= _MOST_SYMBOLS:
        tangents = joint_tangents(symbols.symbols, symbols.coordinates, nodes=search_nodes)
        for name, construction in ((COLLAPSED, collapsed_jets), (SEPARATE, separate_jets)):
            propagation = construction(tangents, listing, fields, name)
            if propagation is None:
                yield _refused(name, "not weighed: the directions found span the symbols only up to rounding")
                continue
            candidate = _candidate(propagation, minimum, "the minimal algebra in other words", tangents)
            yield _with(candidate, amplification=joint_amplification(tangents, symbols.symbols))
    else:
        for name in (COLLAPSED, SEPARATE):
            yield _refused(name, f"not weighed: more than {_MOST_SYMBOLS} different symbols")
    yield _all_partials(listing, symbols, fields, minimum)


def _all_partials(
    listing: Listing, symbols: ListedSymbols, fields: tuple[str, ...], minimum: Certificate
) -> Candidate | Alternative:
    """Weigh the jets along all multi-indices of one degree (Griewank, Utke & Walther 2000)."""
    variables, order = len(symbols.coordinates), symbols.order
    count = griewank(variables, order)
    if count > 1 + order * _MOST_PARTIALS:
        return Alternative(PARTIALS, False, count, None, None, "unknown", _against(count, minimum.carried))
    jets = [Jet(_fractions(alpha), order) for alpha in monomials(variables, order)]
    every = JointTangents(symbols.coordinates, tuple(jets), 0, 0, "unknown", "all multi-indices")
    propagation = separate_jets(every, listing, fields, PARTIALS)
    if propagation is None:
        raise RuntimeError("internal error: the powers along all multi-indices of a degree do not span a symbol")
    candidate = _candidate(propagation, minimum, "no fewer")
    return _with(candidate, amplification=joint_amplification(every, symbols.symbols))


def _slots(
    normal_form: NormalForm,
    listing: Listing,
    symbols: ListedSymbols,
    fields: tuple[str, ...],
    minimum: Certificate,
) -> Candidate | Alternative:
    found: SlotJet | None = None
    if len(symbols.coordinates) > _SLOT_COORDINATES:
        return _refused(SLOT, f"not weighed: more than {_SLOT_COORDINATES} coordinates occur")
    found = slot_jet(symbols.symbols, symbols.coordinates, _HIGHEST_SLOT_ORDER, _SLOT_TRIES)
    if found is None:
        return _refused(
            SLOT, f"no slots of order ≤ {_HIGHEST_SLOT_ORDER} found that give every derivative a unique preimage"
        )
    propagation = one_slot_jet(listing, found.slots, fields, normal_form.declarations)
    return _with(_candidate(propagation, minimum, "a single jet"), directions=1, slots=found)


def _nested(
    normal_form: NormalForm,
    listing: Listing,
    symbols: ListedSymbols,
    fields: tuple[str, ...],
    minimum: Certificate,
) -> Candidate | Alternative:
    status: Status = "proved" if down_set(symbols.symbols) == minimum.minimum else "bracketed"
    propagation = nested_jets(listing, fields, normal_form.declarations)
    if propagation is None:
        count = down_set(symbols.symbols)
        reason = _against(count, minimum.carried, "the same derivatives, nested")
        return Alternative(NESTED, False, count, None, minimum.minimum, status, reason)
    candidate = _candidate(propagation, minimum, "the same derivatives, nested")
    return _with(candidate, lower_bound=minimum.minimum, status=status)


def _large(
    normal_form: NormalForm, contractions: tuple[tuple[int, Contraction], ...], minimum: Certificate
) -> Iterator[Alternative]:
    """Count what other strategies would carry for one diagonal operator of second order over large spaces."""
    counts = diagonal_counts([contraction for _, contraction in contractions], normal_form.declarations)
    if counts is None:
        reason = f"more than {MAX_COORDINATES} coordinates or too many monomials to write out"
        yield _refused(SEPARATE, f"not weighed: {reason}")
        return
    rank, equal = counts.rank, "the minimal algebra in other words"
    for strategy, count in ((COLLAPSED, counts.collapsed), (SEPARATE, counts.separate)):
        yield Alternative(strategy, False, count, rank, rank, "proved", _against(count, minimum.carried, equal))
    for strategy, count in ((NESTED, counts.down_set), (PARTIALS, griewank(counts.coordinates, 2))):
        yield Alternative(strategy, False, count, None, None, "unknown", _against(count, minimum.carried))


def _reverse(
    normal_form: NormalForm, contractions: tuple[tuple[int, Contraction], ...], minimum: Certificate
) -> Iterator[Candidate]:
    found = reverse_over_forward(contractions, normal_form.declarations, scalar_names(normal_form.scalars))
    if found is None:
        return
    propagation, forward = found
    price = SWEEP_FACTOR * forward.carried
    verdict = (
        f"worth about {price} coefficients, not fewer than {minimum.carried}, and stores every layer"
        if price >= minimum.carried
        else f"worth about {price} coefficients against {minimum.carried}; outside the theorem, and stores every layer"
    )
    alternative = Alternative(REVERSE, False, forward.carried, None, None, "unknown", verdict)
    yield Candidate(REVERSE, propagation, alternative, forward)


def _candidate(
    propagation: Propagation, minimum: Certificate, equal: str, tangents: JointTangents | None = None
) -> Candidate:
    count, strategy = propagation.carried, propagation.strategy
    reason = _against(count, minimum.carried, equal)
    alternative = Alternative(strategy, False, count, None, None, "unknown", reason)
    if tangents is not None:
        alternative = replace(
            alternative,
            directions=tangents.directions,
            lower_bound=tangents.lower_bound,
            status=tangents.status,
            tangents=tangents,
        )
    return Candidate(strategy, propagation, alternative, replace(minimum, carried=count))


def _with(candidate: Candidate, **known: Any) -> Candidate:
    return replace(candidate, alternative=replace(candidate.alternative, **known))


def _refused(strategy: str, reason: str) -> Alternative:
    return Alternative(strategy, False, None, None, None, "unknown", reason)


def _against(count: int, carried: int, equal: str = "no fewer") -> str:
    if count == carried:
        return f"as many coefficients: {equal}"
    if count < carried:
        return f"{carried - count} fewer coefficients"
    return f"{count - carried} more coefficients"


def _fractions(alpha: tuple[int, ...]) -> Direction:
    return tuple(Fraction(entry) for entry in alpha)
