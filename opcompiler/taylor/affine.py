"""How the values of a program depend on one argument x: not at all, affinely, affinely in x and |x|², or otherwise.

Affine means with a matrix that is the same at all points: it depends on nothing but constants of the program. What is
added may depend on other arguments, as in W x + f(t).

|x|² is found as the sum of the squares of v = A x + c with AᵀA a multiple of the unit matrix: x itself, scaled,
shifted, rearranged or with other entries beside it. That sum is s|x|² + 2(Aᵀc)·x + |c|².
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from math import prod
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

from opcompiler.taylor import jaxpr as jx
from opcompiler.taylor.program import Atom, Program, Step
from opcompiler.taylor.registry import CONSTANT

__all__ = ["Affine", "Dependence", "Fixed", "Offset", "dependence_on"]

_REARRANGING = frozenset({"reshape", "squeeze", "transpose", "rev", "copy", "copy_p", "neg"})
"""Every entry of the operand occurs once, up to the sign."""

_ENTRYWISE = jx.ELEMENTWISE | _REARRANGING | {"broadcast_in_dim"}
"""Applied to arrays of equal entries they give such an array."""

_SELECTING = {
    **dict.fromkeys((*_REARRANGING, "broadcast_in_dim", "convert_element_type", "slice", "reduce_sum", "cumsum"), (0,)),
    **dict.fromkeys(("split", "unstack", "tile", "gather", "dynamic_slice", "reduce_window_sum"), (0,)),
    **dict.fromkeys(("pad", "dynamic_update_slice"), (0, 1)),
    **dict.fromkeys(("scatter", "scatter-add"), (0, 2)),
}
"""Primitives that are linear in these operands together, the others being indices."""

_ADDING = frozenset({"add", "sub", "add_any", "concatenate", "stack", "select_n"})
"""Primitives that are linear in all operands together, `select_n` in all but the first."""


class Offset(IntEnum):
    """What is added to the linear part: nothing, the same at all points, or something that depends on the point."""

    NONE = 0
    FIXED = 1
    VARYING = 2


@dataclass(frozen=True, slots=True)
class Fixed:
    """Does not depend on x.

    Attributes:
        varying: whether it depends on other arguments.
        uniform: whether all its entries are equal.
    """

    varying: bool = False
    uniform: bool = False


@dataclass(frozen=True, slots=True)
class Affine:
    """A x + a s|x|² + c with constant A, a, s.

    Attributes:
        linear: whether A may be other than 0.
        radial: whether a may be other than 0.
        offset: what is known of c.
        isometric: whether a = 0 and AᵀA is a multiple of the unit matrix.
        centred: whether Aᵀc = 0 as well.
        multiple_of: number of a value of which it is a multiple, by one constant factor.
    """

    linear: bool = True
    radial: bool = False
    offset: Offset = Offset.NONE
    isometric: bool = False
    centred: bool = False
    multiple_of: int | None = None

    @property
    def is_layer(self) -> bool:
        """Whether it is A x and nothing else."""
        return self.offset == Offset.NONE and not self.radial


@dataclass(frozen=True, slots=True)
class _Squares:
    """Entries that add up to Σ v², up to a constant factor and what does not depend on x."""

    of: int
    linear: bool
    offset: Offset


@dataclass(frozen=True, slots=True)
class _Other:
    """Depends on x in another way."""


Value: TypeAlias = Fixed | Affine | _Squares | _Other

_OTHER = _Other()


@dataclass(eq=False)
class Dependence:
    """How the values of a program depend on one argument.

    Attributes:
        program: whose values these are.
        argument: number of x.
        values: by number.
        feeds: (operand, result) where an affine value enters another.
        consumed: affine values that enter something else, results of the program among them.
        squares: |x|², by number.
        makers: the steps that made the values.
        carrying: values whose derivatives contribute to those of the results.
    """

    program: Program
    argument: int
    values: dict[int, Value] = field(default_factory=dict)
    feeds: list[tuple[int, int]] = field(default_factory=list)
    consumed: set[int] = field(default_factory=set)
    squares: set[int] = field(default_factory=set)
    makers: dict[int, Step] = field(default_factory=dict)
    carrying: set[int] = field(default_factory=set)

    def of(self, atom: Atom) -> Value:
        """Return how an operand depends on x."""
        return self.values[atom] if isinstance(atom, int) else Fixed(uniform=np.size(atom.val) == 1)

    def affine(self, number: int) -> Affine:
        """Return what is known of an affine value."""
        value = self.values[number]
        if not isinstance(value, Affine):
            raise AssertionError(f"value {number} is not affine")
        return value


def dependence_on(program: Program, argument: int) -> Dependence:
    """Return how all values of a program depend on one argument, given by its position."""
    found = Dependence(program, program.inputs[argument])
    found.values.update((n, Fixed(uniform=program.size(n) == 1)) for n in program.constants)
    found.values.update((n, Fixed(varying=True)) for n in program.inputs)
    found.values[found.argument] = Affine(isometric=True, centred=True)
    steps = list(program.flat_steps)
    found.carrying.update(atom for atom in program.outputs if isinstance(atom, int))
    for step in reversed(steps):
        if step.name not in CONSTANT and found.carrying.intersection(step.outputs):
            found.carrying.update(atom for atom in step.inputs if isinstance(atom, int))
    for step in steps:
        _follow(step, found)
    for atom in program.outputs:
        _consume([atom], found)
    return found


def _follow(step: Step, found: Dependence) -> None:
    """Note how the results of a step depend on x."""
    inputs = [found.of(atom) for atom in step.inputs]
    result = _result(step, inputs, found)
    if isinstance(result, _Other) and found.carrying.intersection(step.outputs):
        _consume(step.inputs, found)
    for number in step.outputs:
        found.values[number] = result
        found.makers[number] = step
        if isinstance(result, Affine):
            origins = [value.of for value in inputs if isinstance(value, _Squares)]
            origins += [atom for atom, value in zip(step.inputs, inputs, strict=True) if isinstance(value, Affine)]
            found.feeds += [(origin, number) for origin in origins]


def _consume(atoms: Any, found: Dependence) -> None:
    for atom in atoms:
        match found.of(atom):
            case Affine():
                found.consumed.add(atom)
            case _Squares(of):
                found.consumed.add(of)


def _result(step: Step, inputs: list[Value], found: Dependence) -> Value:
    fixed = [value for value in inputs if isinstance(value, Fixed)]
    types = [jx.dtype_of(variable) for variable in step.equation.outvars]
    if len(fixed) == len(inputs):
        uniform = all(_size(variable) == 1 for variable in step.equation.outvars)
        uniform = uniform or (step.name in _ENTRYWISE and all(value.uniform for value in fixed))
        return Fixed(any(value.varying for value in fixed), uniform)
    if step.name in CONSTANT or not any(jnp.issubdtype(dtype, jnp.inexact) for dtype in types):
        return Fixed(varying=True)
    if any(isinstance(value, _Other) for value in inputs):
        return _OTHER
    if not all(jnp.issubdtype(dtype, jnp.floating) for dtype in types):
        return _OTHER  # products of complex rows are not those of a Gram matrix
    if any(isinstance(value, _Squares) for value in inputs):
        return _of_squares(step, inputs, found)
    if step.name in _ADDING or step.name in _SELECTING:
        return _sum(step, inputs)
    return _product(step, inputs, found)


def _sum(step: Step, inputs: list[Value]) -> Value:
    """Linear in several operands together."""
    places = _SELECTING.get(step.name, range(step.name == "select_n", len(inputs)))
    if any(not isinstance(value, Fixed) or value.varying for n, value in enumerate(inputs) if n not in places):
        return _OTHER
    terms = [inputs[n] for n in places]
    dependent = [value for value in terms if isinstance(value, Affine)]
    kept = all(value.isometric for value in dependent) and _keeps_lengths(step, terms)
    return Affine(
        linear=any(value.linear for value in dependent),
        radial=any(value.radial for value in dependent),
        offset=max(Offset.FIXED if step.name == "gather" else Offset.NONE, *map(_offset, terms)),
        isometric=kept,
        centred=kept and all(value.centred for value in dependent) and not _adds(step, terms),
        multiple_of=_base(step.inputs[0], dependent[0]) if step.name == "neg" else None,
    )


def _keeps_lengths(step: Step, terms: list[Value]) -> bool:
    """Whether AᵀA stays a multiple of the unit matrix."""
    match step.name:
        case "concatenate" | "stack" | "broadcast_in_dim" | "convert_element_type":
            return True
        case "pad":
            return isinstance(terms[1], Fixed) and all(low >= 0 and high >= 0 for low, high, _ in _padding(step))
        case "add" | "sub" | "add_any":
            return _adds(step, terms)
        case name:
            return name in _REARRANGING


def _padding(step: Step) -> Any:
    return step.equation.params["padding_config"]


def _adds(step: Step, terms: list[Value]) -> bool:
    """Whether something that does not depend on x is added to entries that do."""
    return step.name in ("add", "sub", "add_any") and any(isinstance(value, Fixed) for value in terms)


def _offset(value: Value) -> Offset:
    match value:
        case Fixed(varying):
            return Offset.VARYING if varying else Offset.FIXED
        case Affine(offset=offset) | _Squares(offset=offset):
            return offset
        case _Other():
            return Offset.VARYING


def _product(step: Step, inputs: list[Value], found: Dependence) -> Value:
    """Linear in one operand while the others are constant; or a square."""
    squared = _squared(step, inputs)
    if squared is not None:
        total = isinstance(squared, Affine)
        found.squares.update(step.outputs if total else ())
        return squared
    if step.name not in ("mul", "div", "dot_general", "conv_general_dilated") or len(inputs) != 2:
        return _OTHER
    left, right = inputs
    match left, right:
        case Affine(), Fixed(varying=False):
            value, factor = left, right
        case Fixed(varying=False), Affine() if step.name != "div":
            value, factor = right, left
        case _:
            return _OTHER
    scaled = step.name in ("mul", "div") and factor.uniform
    multiple = _base(step.inputs[inputs.index(value)], value) if scaled else None
    isometric = value.isometric and scaled
    return replace(value, isometric=isometric, centred=value.centred and scaled, multiple_of=multiple)


def _base(atom: Atom, value: Affine) -> int:
    """Return what an affine value is a multiple of, itself if nothing else."""
    return atom if value.multiple_of is None else value.multiple_of


def _squared(step: Step, inputs: list[Value]) -> Value | None:
    """Return what v² or v·v is, if Σ v² is |x|² up to constants."""
    value, operands, params = inputs[0], step.inputs, step.equation.params
    if not isinstance(value, Affine) or not value.isometric or (value.offset == Offset.VARYING and not value.centred):
        return None
    factors = [_base(atom, v) for atom, v in zip(operands, inputs, strict=True) if isinstance(v, Affine)]
    twice = len(operands) == 2 and factors == factors[:1] * 2
    entrywise = step.name == "square" or (step.name == "integer_pow" and params["y"] == 2)
    if entrywise or (step.name == "mul" and twice):
        return _Squares(operands[0], not value.centred, value.offset)
    if step.name == "dot_general" and twice and not jx.shape_of(step.equation.outvars[0]):
        (left, right), _ = params["dimension_numbers"]
        return Affine(not value.centred, True, value.offset) if tuple(left) == tuple(right) else None
    return None


def _of_squares(step: Step, inputs: list[Value], found: Dependence) -> Value:
    """Follow v² on its way into a sum."""
    (squares, *more) = [value for value in inputs if isinstance(value, _Squares)]
    others = [value for value in inputs if isinstance(value, Fixed)]
    if more or len(others) != len(inputs) - 1:
        return _OTHER
    constant = all(not value.varying and value.uniform for value in others)
    if step.name in ("add", "sub"):
        same = all(
            jx.shape_of(variable) == jx.shape_of(step.equation.outvars[0])
            for variable, value in zip(step.equation.invars, inputs, strict=True)
            if isinstance(value, _Squares)
        )
        return replace(squares, offset=max(squares.offset, *map(_offset, others))) if same else _OTHER
    if step.name == "mul" or (step.name == "div" and isinstance(inputs[0], _Squares)):
        kept = constant and _size(step.equation.outvars[0]) == max(map(_size, step.equation.invars))
        return squares if kept else _OTHER
    if step.name in _REARRANGING or step.name == "convert_element_type":
        return squares
    if step.name != "reduce_sum":
        return _OTHER
    if _size(step.equation.outvars[0]) > 1:
        return squares
    found.squares.update(step.outputs)
    return Affine(squares.linear, True, squares.offset)


def _size(variable: Any) -> int:
    """Return the number of entries of a variable or literal."""
    return prod(jx.shape_of(variable))
