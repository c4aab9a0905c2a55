"""A user's network as data: one evaluation at one point, read off its jaxpr."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from opcompiler import taylor
from opcompiler.execution.fields import at_one_point
from opcompiler.ir.network import AffineBottleneck, NetworkProfile
from opcompiler.ir.space import Space
from opcompiler.taylor.jaxpr import scan_operands

__all__ = ["network_profile"]

_PASSED_ON = frozenset({"reshape", "squeeze", "convert_element_type", "expand_dims", "copy", "copy_p", "neg"})
"""Primitives through which a point stays itself, up to a factor, on its way to the first layer."""

_PASSED_ON_BESIDE_CONSTANTS = frozenset({"broadcast_in_dim", "add", "sub", "mul", "div"})
"""The same, as long as everything else is constant and the number of entries stays: (x − mean) / deviation."""

_JOINED = frozenset({"concatenate", "stack", "pad"})
"""Primitives that put points and constants side by side."""

_NONLINEAR = frozenset(
    {
        *("abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "erf", "erfc"),
        *("erf_inv", "exp", "exp2", "expm1", "integer_pow", "lgamma", "digamma", "log", "log1p", "log2", "logistic"),
        *("max", "min", "one_minus_square", "pow", "rsqrt", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh"),
        *("reduce_max", "reduce_min"),
    }
)
"""Elementwise (and piecewise) primitives that cost products of coefficients; `mul` and `div` are judged apart."""

_ADDITIONS = frozenset({"add", "sub", "add_any", "mul", "div", "neg", "select_n", "reduce_sum"})
"""Primitives that take every coefficient by itself, at the price of one operation for each."""


@dataclass
class _Tally:
    """What has been counted so far."""

    linear: int = 0
    first: int = 0
    bilinear: int = 0
    elementwise: int = 0
    additions: int = 0
    by_coordinate: int = 0
    widest: int = 0
    stored: int = 0
    operations: int = 0


@dataclass(frozen=True, slots=True)
class _Value:
    """What is known of an intermediate.

    Attributes:
        depends: whether it depends on the arguments.
        space: the space whose point it is, up to factors and shifts.
        by_coordinate: the space, with more than one coordinate, of which every entry sees one coordinate only.
    """

    depends: bool = False
    space: str | None = None
    by_coordinate: str | None = None


_CONSTANT = _Value()
_DEPENDENT = _Value(depends=True)


def network_profile(
    u: Callable[..., Any], spaces: Sequence[Space], points: Sequence[Any], aux: Any = None
) -> NetworkProfile:
    """Return sizes, work and affine bottlenecks of one evaluation of u at one point.

    Args:
        u: a function of one point.
        spaces: the declared spaces, in order.
        points: arrays (or shapes with types) of one point, one per space.
        aux: the extra argument of u at one point, or None.
    """
    arguments = (*points,) if aux is None else (*points, aux)
    closed = jax.make_jaxpr(at_one_point(u))(*arguments)
    jaxpr = closed.jaxpr
    values = [_Value(True, space.name, space.name if space.dim > 1 else None) for space in spaces]
    values += [_DEPENDENT] * (len(jaxpr.invars) - len(values))
    tally = _Tally()
    _walk(jaxpr, [_CONSTANT] * len(jaxpr.constvars), values, tally, 1)
    return NetworkProfile(
        linear_flops=tally.linear,
        elementwise_outputs=tally.elementwise,
        first_layer_flops=tally.first,
        bottlenecks=_bottlenecks(closed, spaces),
        bilinear_flops=tally.bilinear,
        addition_outputs=tally.additions,
        coordinate_outputs=tally.by_coordinate,
        widest=tally.widest,
        stored=tally.stored,
        operations=tally.operations,
    )


def _bottlenecks(closed: Any, spaces: Sequence[Space]) -> tuple[AffineBottleneck, ...]:
    """Return the affine bottlenecks between single spaces and the rest of u."""
    found = [(space.name, taylor.width_of(closed, number)) for number, space in enumerate(spaces) if space.dim > 1]
    return tuple(AffineBottleneck(name, *width) for name, width in found if width is not None)


def _walk(
    jaxpr: Any, constants: Sequence[_Value], arguments: Sequence[_Value], tally: _Tally, times: int
) -> list[_Value]:
    """Count every equation of a jaxpr and return what is known of its results."""
    known: dict[Any, _Value] = {}
    known.update(zip(jaxpr.constvars, constants, strict=True))
    known.update(zip(jaxpr.invars, arguments, strict=True))

    def value_of(atom: Any) -> _Value:
        return _CONSTANT if hasattr(atom, "val") else known.get(atom, _CONSTANT)

    for equation in jaxpr.eqns:
        inputs = [value_of(atom) for atom in equation.invars]
        results = _equation(equation, inputs, tally, times)
        known.update(zip(equation.outvars, results, strict=True))
    return [value_of(atom) for atom in jaxpr.outvars]


def _equation(equation: Any, inputs: list[_Value], tally: _Tally, times: int) -> list[_Value]:
    outputs = len(equation.outvars)
    depends = any(value.depends for value in inputs)
    if not depends:
        return [_CONSTANT] * outputs
    inner = _inner_call(equation)
    if inner is not None and len(inner.jaxpr.invars) == len(inputs) and len(inner.jaxpr.outvars) == outputs:
        return _walk(inner.jaxpr, [_CONSTANT] * len(inner.jaxpr.constvars), inputs, tally, times)
    if (passed := _passed_on(equation, inputs)) is not None:
        return [passed]
    bodies = _bodies(equation, inputs)
    for body, arguments, repeats in bodies:
        _walk(body.jaxpr, [_CONSTANT] * len(body.jaxpr.constvars), arguments, tally, times * repeats)
    result = _result(equation, inputs)
    if not bodies:
        tally.operations += times
        _count(equation, inputs, result, tally, times)
    if result.by_coordinate is None:
        tally.widest = max(tally.widest, *map(_size, equation.outvars))
    return [result] * outputs


def _result(equation: Any, inputs: list[_Value]) -> _Value:
    """Return what is known of the result of an operation that is no call."""
    name, spaces = equation.primitive.name, {value.by_coordinate for value in inputs if value.depends}
    if len(spaces) == 1 and (name in _NONLINEAR or name in ("add", "sub", "mul", "div", "neg")):
        sizes = {math.prod(atom.aval.shape) for atom, v in zip(equation.invars, inputs, strict=True) if v.depends}
        if sizes == {_size(equation.outvars[0])}:
            return _Value(True, by_coordinate=next(iter(spaces)))
    return _DEPENDENT


def _count(equation: Any, inputs: list[_Value], result: _Value, tally: _Tally, times: int) -> None:
    """Add the work of one operation that is no call."""
    name, size = equation.primitive.name, _size(equation.outvars[0])
    taken = [atom for atom, value in zip(equation.invars, inputs, strict=True) if value.depends]
    nonlinear = name in _NONLINEAR or (name in ("mul", "div") and _is_product(name, inputs))
    if name == "dot_general" and len(taken) > 1:
        tally.bilinear += times * _dot_flops(equation)
        nonlinear = True
    elif name == "dot_general":
        _count_dot(equation, inputs, tally, times)
    elif name == "conv_general_dilated":
        _count_convolution(equation, inputs, tally, times)
    elif nonlinear and result.by_coordinate:
        tally.by_coordinate += times * size
    elif nonlinear:
        tally.elementwise += times * size
    elif name in _ADDITIONS and not result.by_coordinate and (len(taken) > 1 or name in ("mul", "div", "reduce_sum")):
        tally.additions += times * max(size, _size(taken[0]))
    if nonlinear and not result.by_coordinate:
        tally.stored += times * sum(_size(atom) for atom in dict.fromkeys(taken))


def _passed_on(equation: Any, inputs: list[_Value]) -> _Value | None:
    """Return the point that an equation only reshapes, shifts, scales or puts beside others, entry by entry."""
    name = equation.primitive.name
    points = [(value, atom) for value, atom in zip(inputs, equation.invars, strict=True) if value.depends]
    if name in _JOINED and all(value.space is not None for value, _ in points):
        return max(points, key=lambda point: _size(point[1]))[0]
    if len(points) != 1 or points[0][0].space is None:
        return None
    value, atom = points[0]
    if name in _PASSED_ON:
        return value
    same_size = math.prod(atom.aval.shape) == _size(equation.outvars[0])
    divided = name == "div" and inputs[1].depends
    return value if name in _PASSED_ON_BESIDE_CONSTANTS and same_size and not divided else None


def _is_product(name: str, inputs: list[_Value]) -> bool:
    if name == "div":
        return inputs[1].depends
    return all(value.depends for value in inputs)


def _inner_call(equation: Any) -> Any:
    """Return the closed jaxpr of a call that only wraps (jit, custom_jvp, checkpoint), or None."""
    if equation.primitive.name in ("scan", "while", "cond"):
        return None
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        inner = equation.params.get(key)
        if inner is not None:
            return inner if hasattr(inner, "jaxpr") else _Closed(inner)
    return None


@dataclass(frozen=True, slots=True)
class _Closed:
    """An open jaxpr (as `checkpoint` carries) in the place of a closed one."""

    jaxpr: Any


def _bodies(equation: Any, inputs: list[_Value]) -> list[tuple[Any, list[_Value], int]]:
    """Return the bodies of control flow, what is known of their arguments, how often they run (once if unknown)."""
    known, parameters = [_DEPENDENT if value.depends else _CONSTANT for value in inputs], equation.params
    match equation.primitive.name:
        case "scan":
            first, carried = scan_operands(equation)
            known[first : first + carried] = [_DEPENDENT] * carried
            return [(parameters["jaxpr"], known, parameters["length"])]
        case "while":
            first = parameters["cond_nconsts"]
            last = first + parameters["body_nconsts"]
            return [(parameters["body_jaxpr"], known[first:last] + [_DEPENDENT] * (len(known) - last), 1)]
        case "cond":
            return [(branch, known[1:], 1) for branch in parameters["branches"][:1]]
        case _:
            return []


def _count_dot(equation: Any, inputs: list[_Value], tally: _Tally, times: int) -> None:
    flops = times * _dot_flops(equation)
    tally.linear += flops
    for value, other in zip(inputs, reversed(inputs), strict=True):
        if value.space is not None and not other.depends:
            tally.first += flops


def _dot_flops(equation: Any) -> int:
    return 2 * _size(equation.outvars[0]) * _depth(equation)


def _depth(equation: Any) -> int:
    """Return the number of products that are added up in each entry of a dot_general."""
    (contracted, _), (_, _) = equation.params["dimension_numbers"]
    left = equation.invars[0].aval.shape
    return math.prod(left[axis] for axis in contracted)


def _count_convolution(equation: Any, inputs: list[_Value], tally: _Tally, times: int) -> None:
    kernel = equation.invars[1].aval.shape
    output_features = equation.params["dimension_numbers"].rhs_spec[0]
    flops = 2 * times * _size(equation.outvars[0]) * math.prod(kernel) // kernel[output_features]
    tally.linear += flops
    if inputs[0].space is not None:
        tally.first += flops


def _size(variable: Any) -> int:
    return math.prod(variable.aval.shape)
