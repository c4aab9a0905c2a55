"""The loss: the mean square of the residual, with its gradient where asked for, and those of the conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from opcompiler.errors import ArgumentTypeError
from opcompiler.execution.losses import mean_squared
from opcompiler.execution.operator import CompiledOperator
from opcompiler.ir.scheme import Exact, Scheme
from opcompiler.solve.checks import require_count
from opcompiler.solve.statement import Condition, Field, Problem

__all__ = ["Boundary", "Loss", "Terms", "loss_of"]

Boundary: TypeAlias = Literal["hard", "soft"]

Terms: TypeAlias = dict[str, jax.Array]
"""Weighted terms of the loss by name; their sum is the loss."""


@dataclass(frozen=True, eq=False)
class Loss:
    """(network, key) ↦ terms of the loss at points drawn with the key.

    Attributes:
        problem: what is solved.
        operator: its residual.
        conditions: those in the loss, with their operators.
        points: points of the residual.
        boundary_points: points of each condition.
        boundary: whether enforced conditions are built into u.
        unbiased: whether the square of an estimated residual is estimated without bias; see `opcompiler.mean_squared`.
    """

    problem: Problem
    operator: CompiledOperator
    conditions: tuple[tuple[Condition, CompiledOperator], ...]
    points: int
    boundary_points: int
    boundary: Boundary
    unbiased: bool

    def solution(self, network: Callable[..., Any]) -> Field:
        """Return the function that the network stands for."""
        hard = self.problem.hard
        return hard(network) if hard is not None and self.boundary == "hard" else network

    def __call__(self, network: Callable[..., Any], key: jax.Array) -> Terms:
        """Return the terms."""
        u = self.solution(network)
        point_key, draw_key, condition_key = jax.random.split(key, 3)
        points = self.problem.sample(point_key, self.points)
        # An exact residual gives its whole gradient in one reverse pass; one direction is as exact as an estimate is.
        directions = None if isinstance(self.operator.plan.scheme, Exact) else 1
        residual = mean_squared(
            self.operator,
            u,
            *points,
            weights=self.problem.weights or None,
            plug_in=not self.unbiased,
            gradient_weight=self.problem.gradient_weight,
            gradient_directions=directions if self.problem.gradient_weight else None,
            key=draw_key,
        )
        return {"residual": residual, **self.of_conditions(u, condition_key)}

    def of_conditions(self, u: Field, key: jax.Array) -> Terms:
        """Return the terms of the conditions alone, for a function that satisfies the enforced ones."""
        terms = {}
        for number, (condition, operator) in enumerate(self.conditions):
            places = condition.sample(jax.random.fold_in(key, number), self.boundary_points)
            difference = operator(u, *places) - jax.vmap(condition.value)(*places)
            terms[condition.name] = condition.weight * jnp.mean(difference**2)
        return terms


def loss_of(
    problem: Problem,
    *,
    scheme: Scheme | None = None,
    points: int = 100,
    boundary_points: int = 100,
    boundary: Boundary = "hard",
    unbiased: bool = True,
) -> Loss:
    """Compile the equation and the conditions of a problem; see `Loss` for the arguments.

    Raises:
        ArgumentTypeError: numbers of points that are not positive, or no kind of boundary.
        OpCompilerError: a text is wrong.
    """
    require_count("points", points)
    require_count("boundary_points", boundary_points)
    if boundary not in ("hard", "soft"):
        raise ArgumentTypeError(f"no boundary is called {boundary!r}", hint='"hard" or "soft"')
    soft = problem.conditions if problem.hard and boundary == "hard" else problem.enforced + problem.conditions
    return Loss(
        problem=problem,
        operator=problem.operator(scheme),
        conditions=tuple((condition, problem.compile(condition.text)) for condition in soft),
        points=points,
        boundary_points=boundary_points,
        boundary=boundary,
        unbiased=unbiased,
    )
