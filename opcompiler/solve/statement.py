"""A problem as data: the equation as text, where it holds, what holds on the boundary, and what is known of u."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jax

from opcompiler import api
from opcompiler.errors import ArgumentTypeError
from opcompiler.execution.operator import CompiledOperator
from opcompiler.ir.scheme import Exact, Scheme

__all__ = ["Condition", "Field", "Points", "Problem", "Reference"]

Points: TypeAlias = tuple[jax.Array, ...]
"""One array per space, shaped (count, *point shape)."""

Field: TypeAlias = Callable[..., jax.Array]
"""A scalar function of one point: one positional argument per space."""

Sampler: TypeAlias = Callable[[jax.Array, int], Points]
"""(key, count) → points."""


@dataclass(frozen=True, eq=False)
class Condition:
    """operator(u) = value on part of the boundary of space-time.

    Attributes:
        name: as it appears in logs.
        text: the operator, usually "u".
        sample: draws points of that part.
        value: of one point.
        weight: of its mean square in the loss.
    """

    name: str
    text: str
    sample: Sampler
    value: Field
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Reference:
    """A value of the solution at one point, found by other means."""

    point: tuple[Any, ...]
    value: float
    source: str


@dataclass(frozen=True, eq=False)
class Problem:
    """An equation with everything that a physics-informed network is trained and judged with.

    Attributes:
        name: short, unique.
        text: one equation, or several that hold together.
        spaces: as for `opcompiler.compile`.
        sample: draws points where the equation holds.
        summary: one line for people.
        weights: of the mean squares of the equations in the loss; all 1 by default.
        parameters: as for `opcompiler.compile`.
        functions: coefficient functions, the right-hand side among them.
        exact: the solution, where it is known.
        references: single values of the solution.
        hard: turns a network into a function that satisfies `enforced` whatever the network; None if there is no such
            construction.
        enforced: conditions that `hard` satisfies; part of the loss without it.
        conditions: conditions that are always part of the loss.
        gradient_weight: of the mean of |∇ residual|² in the loss, for gradient-enhanced training.
        sizes: lengths by which networks divide their input, one per space; see `Domain.size`.
        amplitude: typical magnitude of what the network has to represent.
        slice_start: pictures show u on s a for slice_start < s < 1, a a point of the domain; above 0 where the domain
            has a hole around the origin.
    """

    name: str
    text: str | tuple[str, ...]
    spaces: Mapping[str, Any]
    sample: Sampler
    summary: str = ""
    weights: tuple[float, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    exact: Field | None = None
    references: tuple[Reference, ...] = ()
    hard: Callable[[Field], Field] | None = None
    enforced: tuple[Condition, ...] = ()
    conditions: tuple[Condition, ...] = ()
    gradient_weight: float = 0.0
    sizes: tuple[float, ...] = ()
    amplitude: float = 1.0
    slice_start: float = -1.0

    def __post_init__(self) -> None:
        """Refuse weights that do not belong to the equations."""
        if self.weights and (isinstance(self.text, str) or len(self.weights) != len(self.text)):
            raise ArgumentTypeError(f"{len(self.weights)} weights do not fit the equations of {self.name}")

    @property
    def equations(self) -> tuple[str, ...]:
        """The texts."""
        return (self.text,) if isinstance(self.text, str) else self.text

    @property
    def inputs(self) -> int:
        """Number of coordinates of all spaces together."""
        declarations = api.parse("u", spaces=self.spaces).declarations
        return sum(space.dim for space in declarations.spaces)

    def operator(self, scheme: Scheme | None = None) -> CompiledOperator:
        """Return the residual of the equations as a compiled operator."""
        return self.compile(self.text, scheme, self.functions)

    def compile(
        self,
        text: str | Sequence[str],
        scheme: Scheme | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> CompiledOperator:
        """Compile a text under the declarations of this problem."""
        return api.compile(
            text,
            spaces=self.spaces,
            parameters=self.parameters,
            functions=functions or {},
            scheme=Exact() if scheme is None else scheme,
        )
