"""One multi-slot jet as a propagation: the algebra ℝ[s]/(s^(m+1)), every coordinate seeded at a slot of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb

from opcompiler.errors import UnsupportedError
from opcompiler.ir.algebra import Algebra, CoordinateSeed, Element, Seed, Term
from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.plan import Propagation
from opcompiler.planning.labels import combination_text, derivative_text
from opcompiler.planning.listing import Entry, Listing
from opcompiler.planning.readouts import Piece, readouts_of
from opcompiler.planning.slots import output_of_order, slot_conflicts
from opcompiler.planning.tangents.forms import MultiIndex

__all__ = ["one_slot_jet"]


def one_slot_jet(
    listing: Listing, slots: Sequence[int], fields: tuple[str, ...], declarations: Declarations
) -> Propagation:
    """Return the propagation of the jet x + Σ_i e_i s^slots[i]/slots[i]!, if every symbol can be read from it.

    A coordinate that occurs in one symbol only, and there only as ξ_i, may share the highest output with a derivative
    of that symbol: it is seeded with the factor that both have in the symbol.

    Args:
        listing: what is read out.
        slots: for each of its coordinates.
        fields: names of the fields.
        declarations: give the coordinates their names.

    Raises:
        UnsupportedError: some output is a sum of derivatives that the symbols need one by one; they are named.
    """
    names = [declarations.space(space).coordinate_name(index) for space, index in listing.coordinates]
    wanted = {alpha for entry in listing.entries for _, form in entry.parts for alpha in form if any(alpha)}
    order = max((_weight(slots, alpha) for alpha in wanted), default=0)
    riders = _riders(listing, slots, order)
    kept = [i for i in range(len(slots)) if i not in riders]
    inner = {tuple(alpha[i] for i in kept) for alpha in wanted if not any(alpha[i] for i in riders)}
    if riders and slot_conflicts([slots[i] for i in kept], inner):
        riders = {}
    if not riders:
        conflicts = slot_conflicts(slots, wanted)
        if conflicts:
            field = fields[0] if len(fields) == 1 else "u"
            found = ", ".join(dict.fromkeys(conflict.text(names, field) for conflict in conflicts))
            raise UnsupportedError(
                f"a jet with slots {tuple(slots)} adds up derivatives that are needed one by one: {found}",
                hint="take slots whose outputs have a unique preimage",
            )
    seeds: list[Seed] = [
        CoordinateSeed(slots[i], *coordinate, riders.get(i, ONE))
        for i, coordinate in enumerate(listing.coordinates)
        if slots[i] <= order
    ]
    readouts = readouts_of(listing, [list(_pieces(entry, slots, riders)) for entry in listing.entries])
    labels = [_label(slots, power, names, fields[0] if len(fields) == 1 else None) for power in range(1, order + 1)]
    elements = (
        Element(fields[0] if len(fields) == 1 else "1", 0),
        *(Element(label, power) for power, label in enumerate(labels, 1)),
    )
    table = tuple(
        Term(left, power - left, power, Coefficient.of(comb(power, left)))
        for power in range(2, order + 1)
        for left in range(1, power // 2 + 1)
    )
    return Propagation(fields, Algebra(elements, (), table), tuple(seeds), readouts, strategy="one multi-slot jet")


def _pieces(entry: Entry, slots: Sequence[int], riders: dict[int, Coefficient]) -> list[Piece]:
    found: list[Piece] = []
    for monomial, form in entry.parts:
        for alpha, value in form.items():
            if any(alpha[i] for i in riders):
                continue
            power = _weight(slots, alpha)
            factor = Fraction(1, output_of_order(slots, power)[alpha]) if power else Fraction(1)
            found.append(Piece(power, Coefficient.from_terms({monomial: value * factor})))
    return found


def _riders(listing: Listing, slots: Sequence[int], order: int) -> dict[int, Coefficient]:
    """Return the seeds of coordinates that ride in the highest output: the factor of ξ_i beside the derivative there.

    Only where all symbols that contain ξ_i, or that derivative, are the same one with one factor known at call.
    """
    riders: dict[int, Coefficient] = {}
    for i in (i for i, slot in enumerate(slots) if slot == order):
        unit = tuple(int(i == j) for j in range(len(slots)))
        others = [alpha for alpha in output_of_order(slots, order) if alpha != unit and sum(alpha) > 1]
        with_it = [entry.parts for entry in listing.entries if any(a[i] for _, form in entry.parts for a in form)]
        if len(others) != 1 or not with_it or any(parts != with_it[0] for parts in with_it) or len(with_it[0]) != 1:
            continue
        ((_, form),) = with_it[0]
        (top,) = others
        beside = [entry.parts for entry in listing.entries if any(top in form for _, form in entry.parts)]
        alone = all(not alpha[i] or alpha == unit for alpha in form)
        if top in form and alone and all(parts == with_it[0] for parts in beside):
            riders[i] = Coefficient.of(form[unit] / form[top] * output_of_order(slots, order)[top])
    return riders


def _weight(slots: Sequence[int], alpha: MultiIndex) -> int:
    return sum(slot * power for slot, power in zip(slots, alpha, strict=True))


def _label(slots: Sequence[int], order: int, names: Sequence[str], field: str | None) -> str:
    terms = [
        (
            Fraction(factor),
            derivative_text([n for n, power in zip(names, alpha, strict=True) for _ in range(power)], field),
        )
        for alpha, factor in output_of_order(slots, order).items()
    ]
    return combination_text(terms) or "0"
