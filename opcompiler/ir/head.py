"""The pointwise expression that combines contractions into the result, in index notation.

A head stands for one scalar for every value of its free indices. An index is a 0-based number or a label (`str`);
labels are bound by `IndexSum` and `Components`, or free, in which case they are axes of the output. Pointwise
nodes align their operands by label, like einsum; equal labels mean the same index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias, assert_never

__all__ = [
    "Call",
    "Components",
    "Constant",
    "ContractionValue",
    "CoordinateValue",
    "FunctionValue",
    "Head",
    "HeadIndex",
    "HeadPower",
    "HeadProduct",
    "HeadSum",
    "HeadSumOver",
    "Imaginary",
    "Kronecker",
    "Output",
    "ParameterValue",
    "PositionValue",
    "Rational",
    "free_labels",
    "operands",
    "with_operands",
]

HeadIndex: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Rational:
    """An exact number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Imaginary:
    """The imaginary unit; it makes the result complex."""


@dataclass(frozen=True, slots=True)
class Constant:
    """`pi` or `e`."""

    name: str


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """An entry of a run-time parameter; `indices` has one index per axis of its declared shape."""

    name: str
    indices: tuple[HeadIndex, ...] = ()


@dataclass(frozen=True, slots=True)
class CoordinateValue:
    """A coordinate of the point; `index` counts in C order inside the space."""

    space: str
    index: HeadIndex = 0


@dataclass(frozen=True, slots=True)
class PositionValue:
    """A whole space as an array; occurs only as an argument of a coefficient function."""

    space: str


@dataclass(frozen=True, slots=True)
class ContractionValue:
    """An entry of contraction `number`: first the component indices, then one index per free index.

    A contraction that names a component has no component indices.
    """

    number: int
    indices: tuple[HeadIndex, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A coefficient function at `arguments`, differentiated, one entry of it.

    Attributes:
        name: declared name.
        arguments: heads without free labels, or `PositionValue`s.
        derivatives: one (argument number, index inside that argument) per differentiation; the index is 0 for a
            scalar argument and may be a label for a `PositionValue`.
        indices: the entry of the value, one index per axis of the declared shape.
    """

    name: str
    arguments: tuple[Head, ...]
    derivatives: tuple[tuple[int, HeadIndex], ...] = ()
    indices: tuple[HeadIndex, ...] = ()


@dataclass(frozen=True, slots=True)
class HeadSum:
    """Sum of the terms."""

    terms: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class HeadProduct:
    """Product of the factors."""

    factors: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class HeadPower:
    """base ** exponent; a `Rational` integer exponent is an integer power, exact for every sign of the base."""

    base: Head
    exponent: Head


@dataclass(frozen=True, slots=True)
class Call:
    """A built-in pointwise function, by its name in the language (sin, exp, abs, sign, heaviside, min, …)."""

    function: str
    arguments: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class Kronecker:
    """1 where both indices are equal, else 0."""

    left: HeadIndex
    right: HeadIndex


@dataclass(frozen=True, slots=True)
class HeadSumOver:
    """Σ over label = 0 … size−1 of the body."""

    label: str
    size: int
    body: Head


@dataclass(frozen=True, slots=True)
class Components:
    """The vector along `label` whose entries are written out."""

    label: str
    entries: tuple[Head, ...]


Head: TypeAlias = (
    Rational
    | Imaginary
    | Constant
    | ParameterValue
    | CoordinateValue
    | PositionValue
    | ContractionValue
    | FunctionValue
    | HeadSum
    | HeadProduct
    | HeadPower
    | Call
    | Kronecker
    | HeadSumOver
    | Components
)


def operands(head: Head) -> tuple[Head, ...]:
    """Return the heads that a head is made of, one level down."""
    match head:
        case HeadSum(heads) | HeadProduct(heads) | Components(_, heads) | Call(_, heads) | FunctionValue(_, heads):
            return heads
        case HeadPower(base, exponent):
            return (base, exponent)
        case HeadSumOver(_, _, body):
            return (body,)
        case (
            Rational()
            | Imaginary()
            | Constant()
            | ParameterValue()
            | CoordinateValue()
            | PositionValue()
            | ContractionValue()
            | Kronecker()
        ):
            return ()
        case _:
            assert_never(head)


def with_operands(head: Head, heads: tuple[Head, ...]) -> Head:
    """Return the head made of other heads, as many as `operands` gives."""
    match head:
        case HeadSum():
            return HeadSum(heads)
        case HeadProduct():
            return HeadProduct(heads)
        case Components(label, _):
            return Components(label, heads)
        case Call() | FunctionValue():
            return replace(head, arguments=heads)
        case HeadPower():
            return HeadPower(*heads)
        case HeadSumOver(label, size, _):
            return HeadSumOver(label, size, *heads)
        case (
            Rational()
            | Imaginary()
            | Constant()
            | ParameterValue()
            | CoordinateValue()
            | PositionValue()
            | ContractionValue()
            | Kronecker()
        ):
            return head
        case _:
            assert_never(head)


def free_labels(head: Head) -> frozenset[str]:
    """Return the labels of a head that no sum inside it binds; the label of `Components` is one of them."""
    inside = frozenset[str]().union(*map(free_labels, operands(head)))
    match head:
        case ParameterValue(_, indices) | ContractionValue(_, indices):
            return inside | _labels(indices)
        case FunctionValue(_, _, derivatives, indices):
            return inside | _labels((*indices, *(index for _, index in derivatives)))
        case CoordinateValue(_, index):
            return inside | _labels((index,))
        case Kronecker(left, right):
            return _labels((left, right))
        case Components(label, _):
            return inside | {label}
        case HeadSumOver(label, _, _):
            return inside - {label}
        case _:
            return inside


def _labels(indices: tuple[HeadIndex, ...]) -> frozenset[str]:
    return frozenset(index for index in indices if isinstance(index, str))


@dataclass(frozen=True, slots=True)
class Output:
    """One entry of the result: `body` with its free labels, in the order of the result's axes.

    `shape` is the tensor shape of the entry (field axes, then derivative axes); `labels` names one flat axis per
    group: sizes multiply up to prod(shape), and the executor reshapes to `shape`.
    """

    body: Head
    labels: tuple[tuple[str, int], ...] = ()
    shape: tuple[int, ...] = ()
