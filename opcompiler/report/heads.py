"""Heads, the pointwise expressions over contractions, as mathematics in Unicode."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import assert_never

from opcompiler.ir.declarations import Declarations
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
from opcompiler.report.symbols import join_terms, power_text

__all__ = ["head_text", "output_text"]

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_CONSTANTS = {"pi": "π", "e": "e"}


def head_text(head: Head, declarations: Declarations, contractions: Sequence[str] = ()) -> str:
    """Return a head as a formula; `contractions` names the contraction values."""
    return _Printer(declarations, tuple(contractions)).text(head)


def output_text(output: Output, declarations: Declarations, contractions: Sequence[str] = ()) -> str:
    """Return one entry of the result, with its shape and index ranges when it is not a scalar."""
    body = head_text(output.body, declarations, contractions)
    if not output.labels:
        return body
    ranges = ", ".join(f"{label} = 1…{size}" for label, size in output.labels)
    shape = "×".join(str(size) for size in output.shape) or "scalar"
    return f"{body}   for {ranges} (shape {shape})"


class _Printer:
    """Renders a head; the declarations and names of contractions are the same for the whole tree."""

    def __init__(self, declarations: Declarations, contractions: tuple[str, ...]) -> None:
        self.declarations = declarations
        self.contractions = contractions

    def text(self, head: Head, level: int = _SUM) -> str:
        """Return the head, bracketed when it binds weaker than `level`."""
        text, binding = self.bound(head)
        return f"({text})" if binding < level else text

    def bound(self, head: Head) -> tuple[str, int]:
        """Return the text of a head and how tightly it binds."""
        match head:
            case Rational(value):
                return _rational(value)
            case Imaginary():
                return "i", _ATOM
            case Constant(name):
                return _CONSTANTS.get(name, name), _ATOM
            case ParameterValue(name, indices):
                return name + _indices(indices), _ATOM
            case CoordinateValue(space, index):
                return self.coordinate(space, index), _ATOM
            case PositionValue(space):
                return space, _ATOM
            case ContractionValue(number, indices):
                name = self.contractions[number] if number < len(self.contractions) else f"c{number}"
                is_prefixed = name.startswith(("Δ", "∇", "∂")) and not indices
                return name + _indices(indices), _PRODUCT if is_prefixed else _ATOM
            case FunctionValue():
                return self.function(head), _ATOM
            case HeadSum(terms):
                return join_terms([self.text(term, _PRODUCT) for term in terms]), _SUM
            case HeadProduct(factors):
                return self.product(factors)
            case HeadPower(base, exponent):
                return self.power(base, exponent), _POWER
            case Call(function, arguments):
                return f"{function}({', '.join(self.text(a) for a in arguments)})", _ATOM
            case Kronecker(left, right):
                return f"δ{_indices((left, right))}", _ATOM
            case HeadSumOver(label, size, body):
                return f"Σ_{label}=1…{size} {self.text(body, _PRODUCT)}", _PRODUCT
            case Components(label, entries):
                return f"[{', '.join(self.text(entry) for entry in entries)}]_{label}", _ATOM
            case _:
                assert_never(head)

    def coordinate(self, space: str, index: HeadIndex) -> str:
        """Return the written name of a coordinate."""
        return f"{space}[{index}]" if isinstance(index, str) else self.declarations.space(space).coordinate_name(index)

    def function(self, value: FunctionValue) -> str:
        """Return a coefficient function with its derivatives and arguments."""
        derivatives = "".join(
            f"∂{argument + 1}" if self.is_scalar(value.arguments[argument]) else f"∂{argument + 1}{_indices((index,))}"
            for argument, index in value.derivatives
        )
        arguments = ", ".join(self.text(argument) for argument in value.arguments)
        return f"{derivatives}{value.name}{_indices(value.indices)}({arguments})"

    def is_scalar(self, argument: Head) -> bool:
        """Whether an argument of a coefficient function is a number, not a whole space."""
        return not isinstance(argument, PositionValue)

    def product(self, factors: tuple[Head, ...]) -> tuple[str, int]:
        """Return a product; a leading −1 becomes a sign."""
        match factors:
            case (Rational(value), *others) if others and value < 0:
                rest = "·".join(self.text(factor, _POWER) for factor in others)
                return (f"−{rest}" if value == -1 else f"−{_rational(-value)[0]}·{rest}"), _PRODUCT
        return "·".join(
            _rational(f.value)[0] if isinstance(f, Rational) else self.text(f, _POWER) for f in factors
        ), _PRODUCT

    def power(self, base: Head, exponent: Head) -> str:
        """Return a power, with a raised exponent where it is an integer."""
        if isinstance(exponent, Rational) and exponent.value.denominator == 1:
            return power_text(self.text(base, _ATOM), int(exponent.value))
        return f"{self.text(base, _ATOM)}^{self.text(exponent, _ATOM)}"


def _rational(value: Fraction) -> tuple[str, int]:
    text = str(value).replace("-", "−")
    return text, _ATOM if value >= 0 and value.denominator == 1 else _SUM if value < 0 else _PRODUCT


def _indices(indices: Sequence[HeadIndex]) -> str:
    """Return indices as written: labels as they are, numbers counted from 1."""
    shown = ",".join(index if isinstance(index, str) else str(index + 1) for index in indices)
    return f"[{shown}]" if shown else ""
