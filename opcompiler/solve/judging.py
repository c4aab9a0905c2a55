"""How far a function is from the solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler.solve.statement import Field, Points, Problem

__all__ = ["Judgement", "Test"]

_TEST_STREAM = 2**31 - 1
"""Key of the test points: a number that no step of a training run reaches."""

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Judgement:
    """Errors of a function.

    Attributes:
        relative_l1: Σ|u − u*| / Σ|u*| over the test points, None without a known solution.
        relative_l2: √(Σ|u − u*|² / Σ|u*|²), None without a known solution.
        reference: the largest |u − u*|/|u*| at the reference points, None without any.
    """

    relative_l1: float | None = None
    relative_l2: float | None = None
    reference: float | None = None


class Test:
    """The points that a run is judged at, drawn once, with the values of the solution."""

    def __init__(self, problem: Problem, solution: Callable[[Any], Field], seed: int, count: int) -> None:
        """Draw the points.

        Args:
            problem: with a solution or reference values, else every judgement is empty.
            solution: from the parameters of a network to the function that they stand for.
            seed: of the run.
            count: number of points.
        """
        self.points: Points = problem.sample(jax.random.fold_in(jax.random.key(seed), _TEST_STREAM), count)
        self.exact = None if problem.exact is None else jax.jit(partial(_values, problem.exact))(self.points)
        known = [tuple(map(jnp.asarray, reference.point)) for reference in problem.references]
        self.reference_points: Points = tuple(map(jnp.stack, zip(*known, strict=True)))
        self.references = jnp.array([reference.value for reference in problem.references])

        def errors(parameters: Any, points: Points, exact: jax.Array | None, places: Points) -> list[jax.Array | None]:
            u = solution(parameters)
            l1 = l2 = reference = None
            if exact is not None:
                difference = _values(u, points) - exact
                l1 = jnp.sum(jnp.abs(difference)) / jnp.sum(jnp.abs(exact))
                l2 = jnp.linalg.norm(difference) / jnp.linalg.norm(exact)
            if places:
                reference = jnp.max(jnp.abs(jax.vmap(u)(*places) - self.references) / jnp.abs(self.references))
            return [l1, l2, reference]

        self._errors = jax.jit(errors)

    def judge(self, parameters: Any) -> Judgement:
        """Return the errors of the function that these parameters stand for."""
        errors = self._errors(parameters, self.points, self.exact, self.reference_points)
        return Judgement(*(None if error is None else float(error) for error in errors))


def _values(u: Field, points: Points) -> jax.Array:
    """Return u at all points, in a sequence of batches where they are many, so that memory stays small."""
    if points[0].shape[0] <= _BATCH:
        return jax.vmap(u)(*points)
    return jax.lax.map(lambda point: u(*point), points, batch_size=_BATCH)
