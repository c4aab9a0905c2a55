"""A traced function as a flat list of steps: calls inlined, equal steps joined, dead ones left out.

Values have numbers that are unique over the whole program, so that what is found out about a value can be noted by its
number. Only checkpoints keep a body of their own: their values are meant to be computed again in a reverse pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, TypeAlias

import jax

from opcompiler.taylor import jaxpr as jx

__all__ = ["Atom", "Program", "Step", "living", "program_of", "run_step"]

_CALLS = {"jit": "jaxpr", "closed_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}
"""Primitives that are their bodies, as they are in the rule book, with the name of the body."""

_CHECKPOINT = "remat2"

Atom: TypeAlias = Any
"""The number of a value, or a literal."""


@dataclass(frozen=True, eq=False)
class Step:
    """One equation.

    Attributes:
        equation: as it was traced.
        inputs: its operands; of a checkpoint whatever its body reads.
        outputs: numbers of its results.
        body: the steps of a checkpoint.
    """

    equation: jx.Equation
    inputs: tuple[Atom, ...]
    outputs: tuple[int, ...]
    body: tuple[Step, ...] | None = None

    @property
    def name(self) -> str:
        """Name of the primitive."""
        return self.equation.primitive.name


@dataclass(frozen=True, eq=False)
class Program:
    """A function of arrays.

    Attributes:
        inputs: numbers of the arguments.
        steps: in the order of their evaluation.
        outputs: the results.
        constants: values by number.
        avals: shapes and types by number.
    """

    inputs: tuple[int, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Atom, ...]
    constants: dict[int, Any]
    avals: dict[int, Any]

    @property
    def flat_steps(self) -> Iterator[Step]:
        """All steps that are no checkpoints, those inside of checkpoints included."""
        return _flat(self.steps)

    def size(self, number: int) -> int:
        """Return the number of entries of a value."""
        return prod(self.avals[number].shape)

    def evaluate(self, arguments: Sequence[Any], at: Callable[[int, Any], Any]) -> list[Any]:
        """Return the results; `at` gets every computed value with its number and returns what takes its place."""
        environment = {**self.constants, **dict(zip(self.inputs, arguments, strict=True))}
        _run(self.steps, environment, at)
        return [_read(atom, environment) for atom in self.outputs]


def run_step(step: Step, environment: dict[int, Any]) -> list[Any]:
    """Return the results of a step that is no checkpoint."""
    with jx.located(step.equation):
        return jx.bind(step.equation, *(_read(atom, environment) for atom in step.inputs))


def program_of(closed: Any) -> Program:
    """Return a closed jaxpr as a program."""
    builder = _Builder()
    inputs = [builder.new(variable) for variable in closed.jaxpr.invars]
    steps: list[Step] = []
    outputs = builder.inlined(steps, closed, inputs, {})
    live = {atom for atom in outputs if isinstance(atom, int)}
    return Program(tuple(inputs), living(steps, live), tuple(outputs), builder.constants, builder.avals)


@dataclass
class _Builder:
    avals: dict[int, Any] = field(default_factory=dict)
    constants: dict[int, Any] = field(default_factory=dict)

    def new(self, variable: Any) -> int:
        number = len(self.avals)
        self.avals[number] = variable.aval
        return number

    def inlined(
        self, steps: list[Step], body: Any, arguments: Sequence[Atom], seen: dict[Any, list[int]]
    ) -> list[Atom]:
        """Add the steps of a jaxpr, calls in place of their equations, and return its results."""
        jaxpr = jx.open_jaxpr(body)
        known: dict[Any, Atom] = dict(zip(jaxpr.invars, arguments, strict=True))
        for variable, value in zip(jaxpr.constvars, jx.constants(body), strict=True):
            known[variable] = self.new(variable)
            self.constants[known[variable]] = value
        self._extend(steps, jaxpr, known, seen)
        return [_atom(variable, known) for variable in jaxpr.outvars]

    def _extend(self, steps: list[Step], jaxpr: Any, known: dict[Any, Atom], seen: dict[Any, list[int]]) -> None:
        for equation in jaxpr.eqns:
            inputs = [_atom(variable, known) for variable in equation.invars]
            name = equation.primitive.name
            if name in _CALLS:
                results = self.inlined(steps, equation.params[_CALLS[name]], inputs, seen)
            elif name == _CHECKPOINT:
                own: list[Step] = []
                results = self.inlined(own, equation.params["jaxpr"], inputs, {})
                made = {number for step in own for number in step.outputs}
                outputs = tuple(dict.fromkeys(atom for atom in results if isinstance(atom, int) and atom in made))
                steps.append(Step(equation, (), outputs, tuple(own)))
            else:
                results = self._once(steps, equation, inputs, seen)
            known.update(zip(equation.outvars, results, strict=True))

    def _once(
        self, steps: list[Step], equation: jx.Equation, inputs: list[Atom], seen: dict[Any, list[int]]
    ) -> list[int]:
        """Add a step, unless the same was done before."""
        key = _identity(equation, inputs)
        if key is not None and key in seen:
            return seen[key]
        numbers = [self.new(variable) for variable in equation.outvars]
        steps.append(Step(equation, tuple(inputs), tuple(numbers)))
        if key is not None:
            seen[key] = numbers
        return numbers


def _identity(equation: jx.Equation, inputs: list[Atom]) -> Any:
    """Return what two equations with equal results have in common; None where that is not known."""
    if equation.effects:
        return None
    operands = tuple(atom if isinstance(atom, int) else (str(atom.aval), repr(atom.val)) for atom in inputs)
    if equation.primitive.name == "custom_jvp_call":
        rule = jx.rule_of(equation)
        return None if rule is None else (equation.primitive, operands, rule)
    key = (equation.primitive, operands, tuple(sorted(equation.params.items(), key=lambda item: item[0])))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _atom(variable: Any, known: dict[Any, Atom]) -> Atom:
    return variable if jx.is_literal(variable) else known[variable]


def living(steps: Sequence[Step], live: set[int]) -> tuple[Step, ...]:
    """Return the steps that contribute to `live` values, to which theirs are added, or have effects."""
    kept: list[Step] = []
    for step in reversed(steps):
        if step.body is not None:
            inner = {number for number in step.outputs if number in live}
            body = living(step.body, inner)
            made = {number for own in body for number in own.outputs}
            if not body:
                continue
            inputs = sorted(inner - made)
            outputs = tuple(number for number in step.outputs if number in live)
            kept.append(replace(step, inputs=tuple(inputs), outputs=outputs, body=body))
            live.update(inputs)
        elif step.equation.effects or live.intersection(step.outputs):
            kept.append(step)
            live.update(atom for atom in step.inputs if isinstance(atom, int))
    return tuple(reversed(kept))


def _flat(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        if step.body is None:
            yield step
        else:
            yield from _flat(step.body)


def _read(atom: Atom, environment: dict[int, Any]) -> Any:
    return environment[atom] if isinstance(atom, int) else jx.literal(atom)


def _run(steps: Sequence[Step], environment: dict[int, Any], at: Callable[[int, Any], Any]) -> None:
    for step in steps:
        if step.body is None:
            values = [at(n, v) for n, v in zip(step.outputs, run_step(step, environment), strict=True)]
        else:
            values = _checkpointed(step, step.body, environment, at)
        environment.update(zip(step.outputs, values, strict=True))


def _checkpointed(
    step: Step, body: tuple[Step, ...], environment: dict[int, Any], at: Callable[[int, Any], Any]
) -> list[Any]:
    def values(*inputs: Any) -> list[Any]:
        own = dict(zip(step.inputs, inputs, strict=True))
        _run(body, own, at)
        return [own[number] for number in step.outputs]

    params = step.equation.params
    wrapped = jax.checkpoint(values, prevent_cse=params["prevent_cse"], policy=params["policy"])
    return wrapped(*(environment[number] for number in step.inputs))
