"""Term sampling: a contraction written out in coordinates, one term drawn with probability p ∝ |c|.

Terms of the same shape (the same powers, the same exact factors) share one small random symbol Π_r η_r^{k_r} on a
drawn space whose directions are the coordinates of the drawn term; its value is multiplied by c/p.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from opcompiler.errors import LimitError, UnsupportedError
from opcompiler.ir.coefficient import Coefficient, ScalarMonomial
from opcompiler.ir.law import Terms
from opcompiler.ir.sampling import Draw
from opcompiler.ir.symbol import Monomial, Symbol, Xi, monomial
from opcompiler.planning.sampling.draws import DrawRequest, Draws
from opcompiler.planning.sampling.factors import MAX_FOLDED, written_out

__all__ = ["TermGroup", "random_term", "term_groups"]


@dataclass(frozen=True, slots=True)
class TermGroup:
    """Terms c_j · rest · Π_r ξ_{i_jr}^{powers_r} of one shape.

    Attributes:
        space: of the coordinates.
        rest: exact factors.
        scalars: run-time scalars of the coefficients, the same for all terms.
        powers: k_r, highest first.
        table: the coordinates i_jr of every term.
        coefficients: the rational numbers c_j.
    """

    space: str
    rest: Monomial
    scalars: ScalarMonomial
    powers: tuple[int, ...]
    table: tuple[tuple[int, ...], ...]
    coefficients: tuple[Fraction, ...]


def term_groups(
    symbol: Symbol, spaces: Mapping[str, int], fewest: int, everything: bool
) -> tuple[Symbol, tuple[TermGroup, ...]]:
    """Return the exact part of a symbol and the groups of terms to be drawn from.

    Args:
        symbol: of a contraction.
        spaces: name → dimension of the sampled spaces.
        fewest: groups of at most so many terms stay exact, as do terms that are linear in the sampled coordinates.
        everything: whether generators of whole spaces are written out, and terms over two sampled spaces refused;
            otherwise both stay exact.

    Raises:
        LimitError: there are too many terms to be written out.
        UnsupportedError: a term has coordinates of two sampled spaces.
    """
    for space, dim in spaces.items() if everything else ():
        expanded = written_out(symbol, space, dim)
        if expanded is None:
            raise LimitError(
                f"an operator over the {dim} coordinates of {space} has more than {MAX_FOLDED} terms to be drawn from",
                hint="Coordinates(), Orthogonal() and the other laws of directions need no list of terms",
            )
        symbol = expanded
    exact: dict[Monomial, Coefficient] = {}
    found: dict[tuple[str, Monomial, ScalarMonomial, tuple[int, ...]], dict[tuple[int, ...], Fraction]] = {}
    for factors, coefficient in symbol.terms:
        own = [(g, p) for g, p in factors if isinstance(g, Xi) and g.space in spaces]
        along = {g.space for g, _ in own}
        if sum(p for _, p in own) < 2 or (len(along) > 1 and not everything):
            exact[factors] = coefficient
            continue
        space = own[0][0].space
        if len(along) > 1:
            raise UnsupportedError(
                f"a term has derivatives along two sampled spaces, {space} and another one",
                hint='sample one of them: over=("…",)',
            )
        rest = tuple((g, p) for g, p in factors if not (isinstance(g, Xi) and g.space == space))
        ordered = sorted(((p, g.index) for g, p in own), key=lambda entry: (-entry[0], entry[1]))
        powers, indices = tuple(p for p, _ in ordered), tuple(i for _, i in ordered)
        for scalars, value in coefficient.terms:
            found.setdefault((space, rest, scalars, powers), {})[indices] = value
    total = Symbol.from_terms(exact)
    groups: list[TermGroup] = []
    for (space, rest, scalars, powers), rows in found.items():
        group = TermGroup(space, rest, scalars, powers, tuple(rows), tuple(rows.values()))
        if len(rows) > fewest:
            groups.append(group)
        else:
            total = total + _exact(group)
    return total, tuple(groups)


def random_term(group: TermGroup, law: Terms, draws: Draws, copies: Mapping[str, int]) -> tuple[Symbol, Draw]:
    """Return the random symbol of a group, still to be multiplied by the weight of the drawn term, and its draw.

    Raises:
        UnsupportedError: probabilities that do not belong to the terms.
    """
    if law.probabilities is not None and len(law.probabilities) != len(group.table):
        raise UnsupportedError(
            f"{len(law.probabilities)} probabilities were given for {len(group.table)} terms",
            hint="without probabilities terms are drawn in proportion to their coefficients",
        )
    request = DrawRequest(
        group.space,
        law,
        copies.get(group.space, 0),
        slot=0,
        table=group.table,
        coefficients=group.coefficients,
    )
    draw = draws.draw(request)
    factors = tuple((Xi(draw.space, n), power) for n, power in enumerate(group.powers))
    coefficient = Coefficient.from_terms({group.scalars: Fraction(1)})
    return Symbol.from_terms({monomial(group.rest + factors): coefficient}), draw


def _exact(group: TermGroup) -> Symbol:
    total = Symbol()
    for indices, value in zip(group.table, group.coefficients, strict=True):
        factors = tuple((Xi(group.space, index), power) for index, power in zip(indices, group.powers, strict=True))
        coefficient = Coefficient.from_terms({group.scalars: value})
        total = total + Symbol.from_terms({monomial(group.rest + factors): coefficient})
    return total
