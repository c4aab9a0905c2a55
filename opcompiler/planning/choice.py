"""Which of several ways to compute the same is taken: the cheapest that keeps the rounding errors small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.strategy import Alternative
from opcompiler.planning.cost import cost_of
from opcompiler.planning.strategies import Candidate, Weighed

__all__ = ["MOST_AMPLIFICATION", "WORTHWHILE", "Setting", "choose", "ratio_text"]

MOST_AMPLIFICATION = 4
"""Largest κ of jets in single precision: two of 24 bits may be lost to cancellation in sums over directions."""

_WIDE = frozenset({"float64"})
"""Precisions in which κ is reported only: 29 more bits outlast every set of directions that the planner makes."""

WORTHWHILE = Fraction(95, 100)
"""The first way is kept unless another is expected to take less than this part of its time: the model is not exact."""

_WORTH_STORING = Fraction(1, 2)
"""The same for a reverse sweep, which stores every layer: to train through it takes two more sweeps over all that."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What decides beside the operator.

    Attributes:
        profile: the network.
        device: kind of device.
        precision: name of the floating type.
        strategy: the strategy that was asked for, or None.
    """

    profile: NetworkProfile
    device: str = "cpu"
    precision: str = "float32"
    strategy: str | None = None


def choose(weighed: Weighed, setting: Setting) -> tuple[Candidate, tuple[Alternative, ...]]:
    """Return the candidate that is run, and every alternative with its cost and reason, the chosen one first.

    Args:
        weighed: the candidates, the minimal algebra first, and what does not apply.
        setting: network, device, precision, and the strategy that was asked for, which is one of the candidates.
    """
    priced = [_priced(candidate, setting) for candidate in weighed.candidates]
    if setting.strategy is None:
        chosen = _cheapest(priced, setting)
    else:
        chosen = next(candidate for candidate in priced if candidate.strategy == setting.strategy)
    first = replace(_explained(chosen, priced[0], setting), chosen=True)
    rest = [replace(_explained(other, chosen, setting), chosen=False) for other in priced if other is not chosen]
    return chosen, (first, *rest, *weighed.refused)


def _priced(candidate: Candidate, setting: Setting) -> Candidate:
    cost = cost_of(candidate.propagation, setting.profile, setting.device)
    return replace(candidate, alternative=replace(candidate.alternative, cost=cost))


def _cheapest(candidates: Sequence[Candidate], setting: Setting) -> Candidate:
    first = candidates[0]
    worthwhile = [
        candidate
        for candidate in candidates
        if _time(candidate) < _time(first) * (_WORTH_STORING if candidate.propagation.gradients else WORTHWHILE)
        and not _too_rough(candidate, setting)
    ]
    return min(worthwhile, key=_time, default=first)


def _time(candidate: Candidate) -> int:
    return 0 if candidate.alternative.cost is None else candidate.alternative.cost.time


def _too_rough(candidate: Candidate, setting: Setting) -> bool:
    bounds = candidate.alternative.amplification
    return bounds is not None and setting.precision not in _WIDE and bounds[1] > MOST_AMPLIFICATION


def _explained(candidate: Candidate, other: Candidate, setting: Setting) -> Alternative:
    """Return the alternative with its work against that of another, and its rounding where that is large."""
    alternative = candidate.alternative
    reasons = [alternative.reason]
    if candidate is not other:
        reasons.append(f"{ratio_text(_time(candidate), _time(other))} the work of the {other.strategy}")
    if alternative.amplification is not None and _too_rough(candidate, setting):
        growth = f"rounding errors grow up to {float(alternative.amplification[1]):.3g} times"
        reasons.append(f"{growth}, more than {MOST_AMPLIFICATION} in {setting.precision}")
    return replace(alternative, reason="; ".join(reasons))


def ratio_text(part: int, whole: int) -> str:
    """Return how many times the whole a part is, e.g. `0.25×`."""
    ratio = part / max(whole, 1)
    return f"{ratio:.2g}×" if ratio < 100 else f"{ratio:,.0f}×"
