"""Problems from the literature by name, each in a dimension of choice; and those that users write."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from opcompiler.errors import ArgumentTypeError, OperatorNameError
from opcompiler.solve.checks import require_count
from opcompiler.solve.problems.ball import EQUATIONS, houman, inseparable
from opcompiler.solve.problems.biharmonic import biharmonic
from opcompiler.solve.problems.control import black_scholes_barenblatt, hjb_linear, hjb_quadratic
from opcompiler.solve.problems.semilinear import EQUATIONS as PARABOLIC
from opcompiler.solve.problems.semilinear import semilinear
from opcompiler.solve.problems.solitons import (
    kadomtsev_petviashvili,
    korteweg_de_vries,
    korteweg_de_vries_2d,
    sine_gordon_1d,
)
from opcompiler.solve.problems.sums import InseparableSum, exponential, three_body, two_body
from opcompiler.solve.problems.wave import wave
from opcompiler.solve.problems.written import equation, generated_source
from opcompiler.solve.statement import Problem

__all__ = ["PROBLEMS", "Family", "equation", "generated_source", "problem"]

GRADIENT_WEIGHT = 0.1
"""Weight of |∇ residual|² in gradient-enhanced problems, before division by the number of coordinates."""


@dataclass(frozen=True, slots=True)
class Family:
    """A problem in every dimension.

    Attributes:
        build: (dim, seed of the solution's coefficients) → problem.
        dim: the dimension that is taken if none is asked for.
        fixed: whether there is no other.
    """

    build: Callable[[int, int], Problem]
    dim: int = 100
    fixed: bool = False


def _names_near(name: str) -> str:
    near = difflib.get_close_matches(name, PROBLEMS, n=1)
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(PROBLEMS)}"


def _on_ball(
    equation_name: str, solution: Callable[[int, int], InseparableSum], enhanced: bool, dim: int, seed: int
) -> Problem:
    return inseparable(equation_name, solution(dim, seed), dim, GRADIENT_WEIGHT / dim if enhanced else 0.0)


def _without_seed(build: Callable[[int], Problem]) -> Callable[[int, int], Problem]:
    return lambda dim, seed: build(dim)


def _fixed(build: Callable[[], Problem], dim: int) -> Family:
    return Family(lambda _dim, _seed: build(), dim, fixed=True)


PROBLEMS: dict[str, Family] = {
    **{
        f"{name}-{bodies}{'-gradient' if enhanced else ''}": Family(partial(_on_ball, name, solution, enhanced))
        for name in EQUATIONS
        for bodies, solution in (("two-body", two_body), ("three-body", three_body))
        for enhanced in (False, True)
    },
    "poisson-exp": Family(partial(_on_ball, "poisson", exponential, False)),
    "poisson-houman": Family(_without_seed(houman)),
    **{name: Family(_without_seed(partial(semilinear, name))) for name in PARABOLIC},
    "hjb-lin": Family(_without_seed(hjb_linear)),
    "hjb-lqg": Family(_without_seed(hjb_quadratic)),
    "black-scholes-barenblatt": Family(_without_seed(black_scholes_barenblatt)),
    "wave": Family(wave, dim=10),
    "biharmonic": Family(biharmonic, dim=5),
    "kdv": _fixed(korteweg_de_vries, 1),
    "kdv-gradient": _fixed(partial(korteweg_de_vries, 0.01), 1),
    "kdv-2d": _fixed(korteweg_de_vries_2d, 2),
    "kp": _fixed(kadomtsev_petviashvili, 2),
    "sine-gordon-1d": _fixed(sine_gordon_1d, 1),
}
"""Name → family."""


def problem(name: str, dim: int | None = None, seed: int = 0) -> Problem:
    """Return the problem called `name`.

    Args:
        name: one of `PROBLEMS`.
        dim: number of spatial coordinates; by default one that fits a laptop.
        seed: of the random coefficients of the solution.

    Raises:
        OperatorNameError: there is no such problem.
        ArgumentTypeError: the problem does not exist in this dimension.
    """
    if name not in PROBLEMS:
        raise OperatorNameError(f"no problem is called {name!r}", hint=_names_near(name))
    family = PROBLEMS[name]
    if dim is not None:
        require_count("dim", dim)
    if family.fixed and dim not in (None, family.dim):
        raise ArgumentTypeError(f"{name} has {family.dim} spatial dimension{'s' * (family.dim > 1)}, not {dim}")
    return family.build(family.dim if dim is None else dim, seed)
