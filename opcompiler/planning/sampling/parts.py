"""Which parts of which contraction are sampled, and by which law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opcompiler.errors import UnsupportedError
from opcompiler.ir.law import Auto, Coordinates, Frame, Law, Orthogonal, Terms
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.scheme import Stochastic
from opcompiler.ir.symbol import Symbol
from opcompiler.planning.sampling.factors import Part, Powers, split
from opcompiler.planning.sampling.terms import TermGroup, term_groups

__all__ = ["SampledContraction", "concrete_law", "taken_apart"]


@dataclass(frozen=True, slots=True)
class SampledContraction:
    """The symbol of a contraction: exact + Σ parts + Σ groups of terms.

    Attributes:
        exact: what is computed exactly.
        parts: invariants of whole spaces, estimated by directions.
        groups: terms to be drawn from.
    """

    exact: Symbol
    parts: tuple[Part, ...]
    groups: tuple[TermGroup, ...]

    @property
    def spaces(self) -> frozenset[str]:
        """The spaces whose draws the estimate uses."""
        along_directions = {factor.space for part in self.parts for factor in part.factors}
        return frozenset(along_directions | {group.space for group in self.groups})


def taken_apart(
    normal_form: NormalForm, scheme: Stochastic, spaces: Mapping[str, int]
) -> tuple[SampledContraction, ...]:
    """Return what is sampled of every contraction.

    Raises:
        LimitError: there are too many terms to be drawn from.
        UnsupportedError: the law does not fit the dimension.
    """
    _check_law(scheme.law, spaces)
    # Few coordinates are exact at the price of their estimate; whoever names a space wants it sampled.
    fewest = 1 if scheme.over is not None else scheme.samples
    result: list[SampledContraction] = []
    for contraction in normal_form.contractions:
        if isinstance(scheme.law, Terms):
            exact, groups = term_groups(contraction.symbol, spaces, fewest, everything=True)
            result.append(SampledContraction(exact, (), groups))
            continue
        exact, parts = split(contraction.symbol, spaces, fewest)
        groups: tuple[TermGroup, ...] = ()
        if isinstance(scheme.law, Auto):
            exact, groups = term_groups(exact, spaces, fewest, everything=False)
        result.append(SampledContraction(exact, parts, groups))
    return tuple(result)


def concrete_law(law: Law, part: Part | None) -> Law:
    """Return the law that estimates a part; `part` None stands for the identity of a space."""
    if not isinstance(law, Auto):
        return law
    if part is not None and any(isinstance(factor, Powers) for factor in part.factors):
        return Coordinates()
    return law.law or Orthogonal()


def _check_law(law: Law, spaces: Mapping[str, int]) -> None:
    for space, dim in spaces.items():
        match law:
            case Coordinates(weights) if weights is not None:
                if len(weights) != dim or sum(weights) != 1 or min(weights) <= 0:
                    raise UnsupportedError(
                        f"{len(weights)} probabilities do not fit the {dim} coordinates of {space}",
                        hint="weights are positive fractions of sum one, one per coordinate",
                    )
            case Frame(size) if not 1 <= size <= dim:
                raise UnsupportedError(
                    f"{space} has {dim} dimensions and no {size} orthonormal directions",
                    hint=f"Frame(r) with 1 ≤ r ≤ {dim}",
                )
            case _:
                pass
