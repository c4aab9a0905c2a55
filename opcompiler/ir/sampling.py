"""`Sampling`: a stochastic estimator of a normal form, as a random normal form whose mean it is.

An estimator of P(∂) is P̂(∂) with a random symbol P̂, E P̂ = P, that has few essential directions η_r = v_r·ξ. The
coordinates η_r form a *drawn space* whose directions v_r are known only at run time; the random normal form is planned
like any other, and its certificate is the fewest coefficients for one draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from opcompiler.ir.law import Law
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.variance import VarianceFormula

__all__ = ["Draw", "Sampling"]


@dataclass(frozen=True, slots=True)
class Draw:
    """One drawn space: coordinate r of it is the derivative along the run-time direction v_r of another space.

    Attributes:
        space: name of the drawn space in the rewritten declarations; it has `directions` coordinates.
        of: the space that the directions lie in.
        directions: how many.
        dim: number of dimensions that the law draws in: that of `of`, or the number of `rows`; less the `rank` of the
            subspace where it draws in the complement of one.
        law: a concrete law (never `Auto`) with the normalisation of `ir.law`; `Terms` draws one row of `table`. None
            for directions that are not random: the orthonormal basis of a subspace.
        degree: order k of the homogeneous symbol for importance weights, v = e_i·p_i^(−1/k).
        replace: whether `Coordinates` are drawn with replacement.
        repeated: whether every repeat has draws of its own; otherwise one draw serves all repeats.
        rows: None, or (√)factors of a quadratic form: what is drawn is z, and v = Σ_k z_k·√weights[k]·rows[k].
        weights: of `rows`.
        table: for `Terms`: the coordinates i_1 … i_directions of each term, v_r = e_{i_r}.
        coefficients: for `Terms`: the coefficient c_j of each term; a draw of term j has the weight c_j/p_j.
        probabilities: for `Terms`: p_j.
        subspace: name of the run-time parameter whose rows span a subspace: this draw is its basis, or lies in its
            orthogonal complement. With `rows` both are meant for z, and a row of the parameter stands for the z whose v
            is nearest to it.
        rank: number of dimensions of the subspace.
    """

    space: str
    of: str
    directions: int
    dim: int
    law: Law | None
    degree: int = 2
    replace: bool = False
    repeated: bool = False
    rows: tuple[tuple[Fraction, ...], ...] | None = None
    weights: tuple[Fraction, ...] | None = None
    table: tuple[tuple[int, ...], ...] = ()
    coefficients: tuple[Fraction, ...] = ()
    probabilities: tuple[Fraction, ...] = ()
    subspace: str | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Sampling:
    """A random normal form and how it is drawn.

    Attributes:
        normal_form: the random normal form; its declarations have the drawn spaces behind the original ones, and one
            run-time parameter of shape (directions, dim of the space) per entry of `parameters`.
        draws: the drawn spaces, in the order in which their keys are derived.
        repeats: every point is evaluated that often with independent draws (those that are `repeated`), and the values
            of the contractions are averaged.
        weighted: (contraction, drawn space): the contraction is multiplied by the weight of the drawn term.
        parameters: (parameter, drawn space): the parameter's value is the matrix of directions.
        variance: formulas of the variance of the contractions.
    """

    normal_form: NormalForm
    draws: tuple[Draw, ...]
    repeats: int = 1
    weighted: tuple[tuple[int, str], ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    variance: tuple[VarianceFormula, ...] = ()

    def draw(self, space: str) -> Draw:
        """Return the draw of a drawn space."""
        return next(draw for draw in self.draws if draw.space == space)
