"""One univariate jet for mixed derivatives: coordinates seeded at different powers of s (Kronecker substitution).

With γ(s) = x + Σ_i e_i s^(a_i)/a_i! the m-th derivative of u(γ(s)) at 0 is

    Σ_{α: a·α = m} m!/Π(a_i!^α_i α_i!) ∂^α u,

so ∂^α u can be read off iff no other multi-index has the weight a·α: outputs of different order have no derivative in
common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, prod
from typing import TypeAlias

from opcompiler.ir.strategy import SlotJet

__all__ = ["SlotConflict", "output_of_order", "slot_conflicts", "slot_jet", "smallest_slots"]

MultiIndex: TypeAlias = tuple[int, ...]
Form: TypeAlias = dict[MultiIndex, Fraction]


@dataclass(frozen=True, slots=True)
class SlotConflict:
    """An output from which a wanted derivative cannot be read, because others are added to it.

    Attributes:
        order: of the output.
        wanted: the derivative, as a multi-index.
        output: (multi-index, factor) of everything in that output, the wanted one first.
    """

    order: int
    wanted: MultiIndex
    output: tuple[tuple[MultiIndex, int], ...]

    def text(self, names: Sequence[str], field: str = "u") -> str:
        """Return e.g. `order 7 is 35·u_xy + u_t`."""
        terms = [
            (f"{factor}·" if factor != 1 else "")
            + f"{field}_{''.join(name * power for name, power in zip(names, alpha, strict=True))}"
            for alpha, factor in self.output
        ]
        return f"order {self.order} is {' + '.join(terms)}"


def output_of_order(slots: Sequence[int], order: int) -> dict[MultiIndex, int]:
    """Return the derivatives in the output of one order with their factors m!/Π(a_i!^α_i α_i!)."""
    return {
        alpha: factorial(order)
        // prod(factorial(slot) ** power * factorial(power) for slot, power in zip(slots, alpha, strict=True))
        for alpha in _of_weight(slots, order)
    }


def slot_conflicts(slots: Sequence[int], wanted: Iterable[MultiIndex]) -> tuple[SlotConflict, ...]:
    """Return why these slots do not give the wanted derivatives; empty if every preimage is unique."""
    conflicts: list[SlotConflict] = []
    for alpha in sorted(set(wanted), key=lambda alpha: (_weight(slots, alpha), alpha)):
        order = _weight(slots, alpha)
        output = output_of_order(slots, order)
        if len(output) > 1:
            ordered = sorted(output.items(), key=lambda term: (term[0] != alpha, [-power for power in term[0]]))
            conflicts.append(SlotConflict(order, alpha, tuple(ordered)))
    return tuple(conflicts)


def smallest_slots(
    wanted: Iterable[MultiIndex], highest: int = 64, tries: int = 1_000_000
) -> tuple[tuple[int, ...], int] | None:
    """Return the slots of the smallest order that give all wanted derivatives, by exhaustive search.

    Args:
        wanted: multi-indices of one length, not 0.
        highest: largest order that is tried.
        tries: number of slots that are examined before the search is given up.

    Returns:
        The lexicographically first slots of that order, and the order; None if none were found.
    """
    needed = sorted(set(wanted))
    if not needed:
        return None
    start = max(map(sum, needed))
    for order in range(start, highest + 1):
        for slots in _slots_of_order(needed, order):
            if slots:
                return slots, order
            tries -= 1
            if tries < 0:
                return None
    return None


def slot_jet(
    symbols: Sequence[Sequence[Form]],
    coordinates: Sequence[tuple[str, int]],
    highest: int = 64,
    tries: int = 1_000_000,
) -> SlotJet | None:
    """Return the smallest jet from which all symbols are read, or None.

    A coordinate that occurs in one symbol only, and there only as ξ_i, is seeded at the highest slot where that
    symbol alone is read off: it is then added to the sum for free (u_t + u_xx + u_xxxx is one 4-jet).

    Args:
        symbols: each a sequence of polynomials that are read out together.
        coordinates: what the entries of the multi-indices mean.
        highest: largest order that is tried.
        tries: number of slots that are examined in one search before it is given up.
    """
    wanted = [alpha for symbol in symbols for form in symbol for alpha in form if any(alpha)]
    if not wanted:
        return None
    drifts = _drifts(symbols, len(coordinates))
    best: tuple[tuple[int, ...], int] | None = None
    for symbol, drifting in drifts:
        kept = [i for i in range(len(coordinates)) if i not in drifting]
        inner = {tuple(alpha[i] for i in kept) for alpha in wanted} - {(0,) * len(kept)}
        found = smallest_slots(inner, highest, tries)
        if found is None:
            continue
        slots, order = found
        top = next(iter(output_of_order(slots, order)))
        top_users = {
            number
            for number, forms in enumerate(symbols)
            if any(tuple(alpha[i] for i in kept) == top for form in forms for alpha in form)
        }
        if top_users == {symbol} and (best is None or order < best[1]):
            place = dict(zip(kept, slots, strict=True))
            best = tuple(place.get(i, order) for i in range(len(coordinates))), order
    if best is None:
        best = smallest_slots(wanted, highest, tries)
    return None if best is None else SlotJet(tuple(coordinates), *best)


def _drifts(symbols: Sequence[Sequence[Form]], variables: int) -> list[tuple[int, set[int]]]:
    """Return, per symbol, the coordinates that occur only there and only to first order by themselves."""
    result: list[tuple[int, set[int]]] = []
    for number, forms in enumerate(symbols):
        if len(forms) != 1:
            continue
        unit = {tuple(int(i == j) for j in range(variables)): i for i in range(variables)}
        found = {unit[alpha] for alpha in forms[0] if alpha in unit}
        for other, parts in enumerate(symbols):
            for alpha in (alpha for form in parts for alpha in form):
                if other != number or alpha not in unit:
                    found -= {i for i, power in enumerate(alpha) if power}
        if found:
            result.append((number, found))
    return result


def _weight(slots: Sequence[int], alpha: MultiIndex) -> int:
    return sum(slot * power for slot, power in zip(slots, alpha, strict=True))


def _of_weight(slots: Sequence[int], weight: int) -> Iterator[MultiIndex]:
    if not slots:
        if weight == 0:
            yield ()
        return
    for power in range(weight // slots[0], -1, -1):
        for rest in _of_weight(slots[1:], weight - power * slots[0]):
            yield (power, *rest)


def _slots_of_order(needed: Sequence[MultiIndex], order: int) -> Iterator[tuple[int, ...]]:
    """Yield the slots that give all wanted derivatives, the heaviest at weight `order`, in lexicographic order.

    What is dropped on the way is yielded as (), so that the caller can count the work. The set of weights that some
    multi-index has, and of those that two have, are kept as bits of integers.
    """
    variables = len(needed[0])
    rest = [[sum(alpha[place:]) for alpha in needed] for place in range(variables + 1)]
    everything = (1 << (order + 1)) - 1

    def extended(slots: tuple[int, ...], weights: list[int], once: int, twice: int) -> Iterator[tuple[int, ...]]:
        place = len(slots)
        if place == variables:
            yield slots if max(weights) == order else ()
            return
        for slot in range(1, order + 1):
            longer = [weight + slot * alpha[place] for weight, alpha in zip(weights, needed, strict=True)]
            # The coordinates still to come weigh at least 1 each.
            if max(weight + least for weight, least in zip(longer, rest[place + 1], strict=True)) > order:
                break
            one, two = once, twice
            for _ in range(order // slot):
                shifted = (one << slot) & everything
                two |= ((two << slot) & everything) | (once & shifted)
                one |= shifted
            finished = zip(longer, rest[place + 1], strict=True)
            if any(not least and two >> weight & 1 for weight, least in finished):
                yield ()
            else:
                yield from extended((*slots, slot), longer, one, two)

    return extended((), [0] * len(needed), 1, 0)
