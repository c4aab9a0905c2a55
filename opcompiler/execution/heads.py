"""Evaluation of heads: index notation → arrays, aligned by label, sums kept small."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any, assert_never

import jax.numpy as jnp

from opcompiler.errors import LimitError
from opcompiler.execution.elementary import ELEMENTARY, power
from opcompiler.execution.functions import function_entry
from opcompiler.execution.labelled import BATCH, Labelled, broadcast_to_labels, contract, entry, pointwise, stack
from opcompiler.execution.scalars import rational_value
from opcompiler.ir.head import (
    Call,
    Components,
    Constant,
    ContractionValue,
    CoordinateValue,
    FunctionValue,
    Head,
    HeadIndex,
    HeadPower,
    HeadProduct,
    HeadSum,
    HeadSumOver,
    Imaginary,
    Kronecker,
    Output,
    ParameterValue,
    PositionValue,
    Rational,
)
from opcompiler.ir.reindexing import reindexed

__all__ = ["Argument", "Environment", "evaluate_head", "evaluate_output"]

_CONSTANTS = {"pi": math.pi, "e": math.e}

_EXACT_POWER_BITS = 10_000
"""Powers of rational numbers up to this size are taken exactly before they become floats."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An array with the batch axis in front where it differs from point to point (`batched`)."""

    value: Any
    batched: bool = False


@dataclass(frozen=True)
class Environment:
    """What a head may refer to.

    Attributes:
        dtype: of the points; constants that become arrays take it.
        batch: size of the batch axis, None without one.
        points: by space, shaped batch + point shape.
        parameters: by name.
        contractions: by number, shaped batch + component axes + one axis per free index.
        functions: by name: (callable, shape of its value).
        sizes: of the labels bound so far.
        cache: values of coefficient functions, so that f(u) written twice calls f once.
    """

    dtype: Any
    batch: int | None
    points: Mapping[str, Argument]
    parameters: Mapping[str, Argument]
    contractions: Mapping[int, Argument]
    functions: Mapping[str, tuple[Callable[..., Any], tuple[int, ...]]]
    sizes: Mapping[str, int]
    cache: dict[tuple[Head, tuple[int, ...]], Labelled]

    def bind(self, label: str, size: int) -> Environment:
        """Return the environment in which `label` also has a size."""
        return self if self.sizes.get(label) == size else replace(self, sizes={**self.sizes, label: size})


def evaluate_output(output: Output, environment: Environment) -> Any:
    """Return one entry of the result, shaped (batch,) + `output.shape`."""
    sizes = dict(output.labels)
    value = evaluate_head(output.body, replace(environment, sizes={**environment.sizes, **sizes}))
    leading: tuple[int, ...] = ()
    labels = tuple(sizes)
    if environment.batch is not None:
        leading, labels = (environment.batch,), (BATCH, *labels)
        sizes[BATCH] = environment.batch
    array = broadcast_to_labels(value, labels, sizes)
    if getattr(array, "weak_type", False):
        array = array.astype(jnp.result_type(environment.dtype, array))
    return jnp.reshape(array, leading + output.shape)


def evaluate_head(head: Head, environment: Environment) -> Labelled:
    """Return the value of a head with its free labels as axes."""
    match head:
        case Rational(value):
            return Labelled(rational_value(value))
        case Imaginary():
            return Labelled(1j)
        case Constant(name):
            return Labelled(_CONSTANTS[name])
        case ParameterValue(name, indices):
            return _argument_entry(environment.parameters[name], indices)
        case ContractionValue(number, indices):
            return _argument_entry(environment.contractions[number], indices)
        case CoordinateValue(space, index):
            return _coordinate(environment.points[space], index)
        case PositionValue(space):
            point = environment.points[space]
            return Labelled(point.value, (BATCH,) if point.batched else ())
        case FunctionValue():
            return _function(head, environment)
        case HeadSum(terms):
            return _total([evaluate_head(term, environment) for term in terms])
        case HeadProduct():
            return _sum_over({}, head, environment)
        case HeadPower(base, exponent):
            return _power(base, exponent, environment)
        case Call(name, arguments):
            return pointwise(ELEMENTARY[name], *(evaluate_head(argument, environment) for argument in arguments))
        case Kronecker(left, right):
            return _kronecker(left, right, environment)
        case HeadSumOver(label, size, body):
            return _sum_over({label: size}, body, environment.bind(label, size))
        case Components(label, entries):
            inner = environment.bind(label, len(entries))
            return stack(label, [evaluate_head(item, inner) for item in entries])
        case _:
            assert_never(head)


def _argument_entry(argument: Argument, indices: tuple[HeadIndex, ...]) -> Labelled:
    return entry(argument.value, indices, leading=(BATCH,) if argument.batched else ())


def _coordinate(point: Argument, index: HeadIndex) -> Labelled:
    leading = point.value.shape[:1] if point.batched else ()
    flat = jnp.reshape(point.value, (*leading, -1))
    return entry(flat, (index,), leading=(BATCH,) if point.batched else ())


def _function(head: FunctionValue, environment: Environment) -> Labelled:
    sizes = tuple(environment.sizes[index] for _, index in head.derivatives if isinstance(index, str))
    known = environment.cache.get((head, sizes))
    if known is not None:
        return known
    callable_, shape = environment.functions[head.name]
    arguments = [evaluate_head(argument, environment) for argument in head.arguments]
    arrays = [
        argument
        if not isinstance(argument.value, (int, float, complex))
        else Labelled(jnp.asarray(argument.value, jnp.result_type(environment.dtype, argument.value)))
        for argument in arguments
    ]
    value = function_entry(head.name, callable_, shape, arrays, head.derivatives, head.indices, environment.sizes)
    environment.cache[head, sizes] = value
    return value


def _total(terms: list[Labelled]) -> Labelled:
    """Add, numbers among themselves first: they are exact to rounding and stay weakly typed."""
    numbers = [term.value for term in terms if isinstance(term.value, (int, float, complex))]
    arrays = [term for term in terms if not isinstance(term.value, (int, float, complex))]
    if not arrays:
        return Labelled(sum(numbers))
    result = pointwise(lambda *values: reduce(add, values), *arrays)
    return Labelled(result.value + sum(numbers), result.labels) if numbers else result


def _power(base: Head, exponent: Head, environment: Environment) -> Labelled:
    match base, exponent:
        case Rational(number), Rational(times) if times.denominator == 1 and (number or times >= 0):
            bits = max(number.numerator.bit_length(), number.denominator.bit_length())
            if abs(times) * bits > _EXACT_POWER_BITS:
                raise LimitError(f"the number {number}^{times} is too large to be computed exactly")
            return Labelled(rational_value(Fraction(number ** int(times))))
        case _, Rational(times):
            value = evaluate_head(base, environment)
            chosen = int(times) if times.denominator == 1 else rational_value(times)
            if isinstance(value.value, (int, float)) and value.value < 0 and not isinstance(chosen, int):
                value = Labelled(complex(value.value))
            return pointwise(lambda b: power(b, chosen), value)
        case _:
            return pointwise(power, evaluate_head(base, environment), _float(evaluate_head(exponent, environment)))


def _float(exponent: Labelled) -> Labelled:
    """Keep an exponent that is a Python number from being read as an exact integer by accident of its type."""
    return Labelled(float(exponent.value), ()) if isinstance(exponent.value, int) else exponent


def _kronecker(left: HeadIndex, right: HeadIndex, environment: Environment) -> Labelled:
    match left, right:
        case int(), int():
            return Labelled(1.0 if left == right else 0.0)
        case (str(label), int(index)) | (int(index), str(label)):
            return Labelled((jnp.arange(environment.sizes[label]) == index).astype(environment.dtype), (label,))
        case str(), str():
            if left == right:
                return Labelled(1.0)
            rows, columns = environment.sizes[left], environment.sizes[right]
            return Labelled(jnp.eye(rows, columns, dtype=environment.dtype), (left, right))
        case _:
            raise AssertionError(left, right)


def _sum_over(summed: dict[str, int], body: Head, environment: Environment) -> Labelled:
    """Return Σ over all labels of `summed` of the body, without forming the product where a contraction will do."""
    match body:
        case HeadSum(terms) if summed:
            return _total([_sum_over(summed, term, environment) for term in terms])
        case HeadSumOver(label, size, inner) if label not in summed:
            return _sum_over({**summed, label: size}, inner, environment.bind(label, size))
    factors = _factors(body)
    summed, factors = _without_kroneckers(summed, factors, environment.sizes)
    values = [evaluate_head(factor, environment) for factor in factors]
    carried = {label for value in values for label in value.labels}
    repeats = math.prod(size for label, size in summed.items() if label not in carried)
    if repeats != 1:
        values.append(Labelled(float(repeats)))
    return contract(values, [label for label in summed if label in carried])


def _factors(body: Head) -> list[Head]:
    if isinstance(body, HeadProduct):
        return [inner for factor in body.factors for inner in _factors(factor)]
    return [body]


def _without_kroneckers(
    summed: dict[str, int], factors: list[Head], sizes: Mapping[str, int]
) -> tuple[dict[str, int], list[Head]]:
    """Use every δ with a summed index to substitute that index."""
    for position, factor in enumerate(factors):
        if not isinstance(factor, Kronecker) or factor.left == factor.right:
            continue
        for label, index in ((factor.left, factor.right), (factor.right, factor.left)):
            if not isinstance(label, str) or label not in summed:
                continue
            if isinstance(index, int) and not 0 <= index < summed[label]:
                return {}, [Rational(Fraction(0))]
            if isinstance(index, str) and sizes[index] != summed[label]:
                continue
            remaining = {name: size for name, size in summed.items() if name != label}
            others = [reindexed(other, label, index) for n, other in enumerate(factors) if n != position]
            return _without_kroneckers(remaining, others, sizes)
    return summed, factors
