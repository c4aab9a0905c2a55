"""The tangent h(x, t) of one equation, as JAX has it: by `jax.jvp`, hence by the rule of a `jax.custom_jvp`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.errors import UnsupportedPrimitiveError
from opcompiler.taylor.jaxpr import constants, is_elementwise, is_forgotten, rule_of, trace
from opcompiler.taylor.program import Program, Step, program_of
from opcompiler.taylor.registry import Application
from opcompiler.taylor.series import Series, constant, is_series
from opcompiler.taylor.tangent_program import closed_program, without_zeros

__all__ = ["Tangent", "without_derivative"]


@dataclass(frozen=True)
class Tangent:
    """h(x, t) of one equation, as a function of its inputs and of directions of some of them."""

    application: Application
    inputs: tuple[Any, ...]
    active: tuple[int, ...]
    values: tuple[Any, ...]
    """The primitive's own results."""
    smooth: tuple[int, ...]
    """Results that carry derivatives."""

    @classmethod
    def of(cls, application: Application, inputs: Sequence[Any]) -> Tangent:
        """Return the tangent of an equation; the inputs that vary are series."""
        active = tuple(i for i, v in enumerate(inputs) if is_series(v))
        values = application.bind(*map(constant, inputs))
        values = tuple(values) if isinstance(values, list | tuple) else (values,)
        smooth = tuple(i for i, v in enumerate(values) if jnp.issubdtype(jnp.result_type(v), jnp.inexact))
        return cls(application, tuple(inputs), active, values, smooth)

    @property
    def series(self) -> list[Series]:
        """The inputs that vary."""
        return [self.inputs[i] for i in self.active]

    @property
    def points(self) -> list[Any]:
        """Values of all inputs."""
        return [constant(v) for v in self.inputs]

    @property
    def directed(self) -> tuple[int, ...]:
        """Inputs with directions: a rule gets them for all, zeros for those that do not vary."""
        params = self.application.params
        if self.application.name != "custom_jvp_call" or params["symbolic_zeros"]:
            return self.active
        smooth = (i for i, v in enumerate(self.points) if jnp.issubdtype(jnp.result_type(v), jnp.inexact))
        return tuple(i for i in smooth if i in self.active or i >= params["num_consts"])

    def __call__(self, points: Sequence[Any], directions: Sequence[Any]) -> list[Any]:
        """Return the tangents of the smooth results, from values and directions of the active inputs."""
        values = self.points
        for i, point in zip(self.active, points, strict=True):
            values[i] = point
        return self.along(values, self.active, directions)

    def along(self, values: Sequence[Any], directed: Sequence[int], directions: Sequence[Any]) -> list[Any]:
        """Return the tangents of the smooth results, along directions of some of the inputs."""

        def function(*points: Any) -> list[Any]:
            arguments = list(values)
            for i, point in zip(directed, points, strict=True):
                arguments[i] = point
            results = self.application.bind(*arguments)
            results = results if isinstance(results, list | tuple) else [results]
            return [results[i] for i in self.smooth]

        try:
            return jax.jvp(function, tuple(values[i] for i in directed), tuple(directions))[1]
        except (NotImplementedError, ValueError, TypeError) as problem:
            raise without_derivative(self.application) from problem

    @cached_property
    def program(self) -> Program:
        """The tangent h as a program of all values and of the directions of the directed inputs."""
        points = self.points
        closed = trace(lambda p, t: self.along(p, self.directed, t), points, [points[i] for i in self.directed])[0]
        if any(map(is_forgotten, constants(closed))):
            # A compiled derivative rule turns its static arguments into tracers (that of `expn` does), and a call
            # inside it holds on to them when the trace is over; nested `jax.jvp` fails likewise.
            raise without_derivative(self.application)
        program = program_of(closed)
        directions = zip(self.directed, program.inputs[len(points) :], strict=True)
        return without_zeros(program, [number for i, number in directions if i not in self.active])

    def directions(self, along: Sequence[Any]) -> list[Any]:
        """Return directions of all directed inputs from those of the active ones."""
        given = dict(zip(self.active, along, strict=True))
        return [given[i] if i in given else jnp.zeros_like(self.points[i]) for i in self.directed]

    def calls_itself(self, step: Step) -> bool:
        """Whether a step of the program is the same call at the same inputs."""
        if step.name != "custom_jvp_call" or self.application.name != step.name:
            return False
        if step.inputs != self.program.inputs[: len(self.inputs)]:
            return False
        rule = rule_of(step.equation)
        return rule is not None and rule == rule_of(self.application.equation)

    @property
    def is_pointwise(self) -> bool:
        """Whether this is an elementwise function of one argument."""
        if len(self.active) != 1 or len(self.values) != 1 or self.smooth != (0,):
            return False
        (series,) = self.series
        return np.shape(self.values[0]) == series.shape and is_elementwise(closed_program(self.program), series.shape)


def without_derivative(application: Application) -> UnsupportedPrimitiveError:
    """Return the error for a primitive that JAX does not differentiate."""
    return UnsupportedPrimitiveError(
        f"primitive '{application.name}' at {application.source} has no derivative",
        hint="wrap the function in jax.custom_jvp, or give it a rule with opcompiler.taylor.register_rule",
    )
