"""The tangent h(x, t) of a function f, taken apart into what is computed once and what is computed per direction.

h is linear in t, with coefficients c(x) that are computed once for all directions. A rule of differentiation often
calls f itself at the very same x, as that of the exponential function does: then h(x, t) = h̃(x, f(x), t), which is a
differential equation for f along a series. Its coefficients of degree k need those of f below degree k only, which
are known by then, and f is not evaluated again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from opcompiler.taylor.jaxpr import ClosedJaxpr, assembled, is_literal, literal
from opcompiler.taylor.program import Atom, Program, Step, living

__all__ = ["Part", "TangentProgram", "closed_program", "taken_apart", "without_zeros"]

_SUMS = frozenset(("add", "add_any", "sub"))
_PRODUCTS = frozenset(("mul", "dot_general"))
_MAPS = frozenset((
    "broadcast_in_dim", "convert_element_type", "copy", "div", "expand_dims", "imag", "neg", "real", "reduce_sum",
    "reshape", "slice", "squeeze", "transpose",
))  # fmt: skip
"""Primitives that are linear in their first operand, whatever the others are."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some steps of a program: inputs and outputs are numbers of values there."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    closed: ClosedJaxpr


@dataclass(frozen=True, eq=False)
class TangentProgram:
    """The three parts of h(x, t).

    Attributes:
        points: numbers of the inputs x.
        directions: numbers of the inputs t.
        own: numbers of the results of f itself, one tuple per result of f; empty where h does not call f.
        fixed: what depends on x only.
        following: what depends on f(x) too.
        linear: what depends on t, with the tangents as outputs.
    """

    points: tuple[int, ...]
    directions: tuple[int, ...]
    own: tuple[tuple[int, ...], ...]
    fixed: Part
    following: Part
    linear: Part


def closed_program(program: Program) -> ClosedJaxpr:
    """Return the program as a jaxpr, calls and checkpoints written out and equal equations joined."""
    equations = [(step.equation, step.inputs, step.outputs) for step in program.flat_steps]
    return assembled(equations, program.inputs, program.outputs, program.constants, program.avals)


def without_zeros(program: Program, zeros: Collection[int]) -> Program:
    """Leave out what some directions contribute that are zero, with checkpoints written out.

    Without this, the derivatives of f by arguments that do not vary would be computed, and multiplied by zero.

    Args:
        program: h(x, t).
        zeros: numbers of inputs t that are zero.
    """
    vanishing = set(zeros)
    instead: dict[int, Atom] = {}
    steps: list[Step] = []

    def vanishes(atom: Atom) -> bool:
        if isinstance(atom, int):
            return atom in vanishing
        return is_literal(atom) and not literal(atom)

    for original in program.flat_steps:
        step = replace(original, inputs=tuple(instead.get(a, a) if isinstance(a, int) else a for a in original.inputs))
        steps.append(step)
        if not any(isinstance(a, int) and a in vanishing for a in step.inputs):
            continue
        flags = [vanishes(a) for a in step.inputs]
        (output,) = step.outputs if len(step.outputs) == 1 else (None,)
        if output is None:
            continue
        if step.name in _SUMS:
            if all(flags):
                vanishing.add(output)
                continue
            other = step.inputs[flags.index(False)]
            negative = step.name == "sub" and flags[0]
            if not negative and isinstance(other, int) and program.avals[other] == program.avals[output]:
                instead[output] = other
        elif (
            (step.name in _PRODUCTS and any(isinstance(a, int) and a in vanishing for a in step.inputs))
            or (step.name in _MAPS and isinstance(step.inputs[0], int) and step.inputs[0] in vanishing)
            or (step.name == "select_n" and all(flags[1:]))
        ):
            vanishing.add(output)
    outputs = tuple(instead.get(a, a) if isinstance(a, int) else a for a in program.outputs)
    return replace(program, steps=living(steps, {a for a in outputs if isinstance(a, int)}), outputs=outputs)


def taken_apart(program: Program, points: int, is_own: Callable[[Step], bool]) -> TangentProgram:
    """Return the parts of h(x, t).

    Args:
        program: h, without checkpoints.
        points: how many of its inputs are x.
        is_own: whether a step calls f itself at x.
    """
    directed, known = set(program.inputs[points:]), set()
    own: list[tuple[int, ...]] = []
    fixed: list[Step] = []
    following: list[Step] = []
    linear: list[Step] = []
    for step in program.steps:
        read = {a for a in step.inputs if isinstance(a, int)}
        if read & directed:
            linear.append(step)
            directed.update(step.outputs)
        elif is_own(step):
            own.append(step.outputs)
            known.update(step.outputs)
        elif read & known:
            following.append(step)
            known.update(step.outputs)
        else:
            fixed.append(step)
    tangents = _part(program, linear, program.outputs)
    later = _part(program, following, _made(following, tangents.inputs))
    first = _part(program, fixed, _made(fixed, (*tangents.inputs, *later.inputs)))
    inputs = program.inputs
    return TangentProgram(
        inputs[:points], inputs[points:], tuple(zip(*own, strict=True)) if own else (), first, later, tangents
    )


def _made(steps: Sequence[Step], wanted: Sequence[int]) -> tuple[int, ...]:
    made = {number for step in steps for number in step.outputs}
    return tuple(dict.fromkeys(number for number in wanted if number in made))


def _part(program: Program, steps: Sequence[Step], outputs: Sequence[Atom]) -> Part:
    made = {number for step in steps for number in step.outputs} | set(program.constants)
    read = {a for step in steps for a in step.inputs if isinstance(a, int)}
    read |= {a for a in outputs if isinstance(a, int)}
    part = replace(program, inputs=tuple(sorted(read - made)), steps=tuple(steps), outputs=tuple(outputs))
    return Part(part.inputs, tuple(a for a in outputs if isinstance(a, int)), closed_program(part))
