"""The loss: mean squares of the residual, of its gradient where asked for, and of the conditions."""

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
from opcompiler.solve.statement import Condition, Field, Points, Problem

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
        unbiased: whether the square of an estimated residual is the product of two independent estimates, whose mean
            is the square of the exact residual, instead of the square of one.
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
        point_key, draw_key, gradient_key, condition_key = jax.random.split(key, 4)
        points = self.problem.sample(point_key, self.points)
        terms = {"residual": self._residual(u, points, draw_key)}
        if self.problem.gradient_weight:
            terms["gradient"] = self.problem.gradient_weight * self._gradient(u, points, gradient_key)
        for number, (condition, operator) in enumerate(self.conditions):
            places = condition.sample(jax.random.fold_in(condition_key, number), self.boundary_points)
            difference = operator(u, *places) - jax.vmap(condition.value)(*places)
            terms[condition.name] = condition.weight * jnp.mean(difference**2)
        return terms

    def _residual(self, u: Field, points: Points, key: jax.Array) -> jax.Array:
        weights = self.problem.weights or None
        if self.unbiased or self._exact:
            return mean_squared(self.operator, u, *points, weights=weights, key=key)
        values = self._values(u, points, key)
        given = weights or (1.0,) * len(values)
        return sum((w * jnp.mean(value**2) for w, value in zip(given, values, strict=True)), jnp.zeros(()))

    def _gradient(self, u: Field, points: Points, key: jax.Array) -> jax.Array:
        """Return an unbiased estimate of the mean of |∇ residual|², from one direction per point.

        For v with independent entries ±1, E (v·∇R)² = |∇R|².
        """
        direction_key, first_key, second_key = jax.random.split(key, 3)
        direction = tuple(
            jax.random.rademacher(jax.random.fold_in(direction_key, number), part.shape, part.dtype)
            for number, part in enumerate(points)
        )

        def slopes(draw_key: jax.Array) -> tuple[jax.Array, ...]:
            return jax.jvp(lambda *at: self._values(u, at, draw_key), points, direction)[1]

        first = slopes(first_key)
        second = first if self._exact or not self.unbiased else slopes(second_key)
        return sum((jnp.mean(a * b) for a, b in zip(first, second, strict=True)), jnp.zeros(()))

    def _values(self, u: Field, points: Points, key: jax.Array) -> tuple[jax.Array, ...]:
        return tuple(jax.tree.leaves(self.operator(u, *points, key=key)))

    @property
    def _exact(self) -> bool:
        return isinstance(self.operator.plan.scheme, Exact)


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
    if points < 1 or boundary_points < 1:
        raise ArgumentTypeError(f"a loss needs points, got {points} and {boundary_points} on the boundary")
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
