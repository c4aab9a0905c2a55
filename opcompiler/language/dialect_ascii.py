"""The ASCII dialect: operators are words, derivatives of names stay subscripts."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar

from opcompiler.language.dialect import Coordinates, Dialect, Level, Piece, PrefixOperator, TensorProduct, decimal

__all__ = ["Ascii"]


class Ascii(Dialect):
    """Words that no declaration can take (`dalembertian`, not `box`)."""

    prefixes: ClassVar[Mapping[PrefixOperator, str]] = {
        "laplacian": "lap", "dalembertian": "dalembertian", "gradient": "grad", "divergence": "div", "curl": "curl",
    }  # fmt: skip
    pi = "pi"

    def number(self, value: Fraction) -> Piece:
        """Spell a positive number."""
        return decimal(value) or (f"{value.numerator}/{value.denominator}", Level.PRODUCT)

    def integer_power(self, base: str, exponent: int) -> str:
        """Raise to a whole number."""
        return f"{base}^{exponent}" if exponent >= 0 else self.power(base, str(exponent))

    def tensor_product(self, kind: TensorProduct, left: Piece, right: Piece) -> Piece:
        """Join two matrices by a sign, and call everything else by its word; `inner` may be a declared name."""
        if kind == "double_dot":
            return super().tensor_product(kind, left, right)
        return self.call(kind, f"{left[0]}, {right[0]}"), Level.ATOM

    def transpose(self, operand: Piece) -> Piece:
        """Transpose a matrix; `^T` would be a power where T is declared."""
        return self.call("transpose", operand[0]), Level.ATOM

    def index_sum(self, index: str, lower: int, upper: int, body: str) -> str:
        """Sum over an index."""
        return f"sum_{{{index}={lower}}}^{{{upper}}} {body}"

    def applied(self, operator: str, operand: Piece) -> Piece:
        """Call the operator."""
        return self.call(operator, operand[0]), Level.ATOM

    def directional(self, vector: str) -> str:
        """Spell v·∇ that waits for its operand."""
        return f"dot({vector}, grad)"

    def partial_operator(self, coordinates: Coordinates) -> str:
        """Spell ∂ along coordinates as d/dx, which is a derivative even where d or d_x is declared."""
        order = sum(order for _, order in coordinates)
        below = "".join(f"d{name}" + (f"^{count}" if count > 1 else "") for name, count in coordinates)
        return f"d{f'^{order}' if order > 1 else ''}/{below}"

    def partial(self, operand: Piece, coordinates: Coordinates, is_name: bool, is_constant: bool) -> Piece:
        """Differentiate; a subscript of a constant would look like a part of its name."""
        del is_name
        if is_constant:
            return f"({self.partial_operator(coordinates)})({operand[0]})", Level.PREFIX
        # d^4u/dx^2 would be misread where a name begins with d, so subscripts keep their numbers.
        return super().partial(operand, coordinates, is_name=False, is_constant=False)

    def iterated(self, operator: str, count: int) -> str | None:
        """Leave an operator applied several times as nested calls."""
        del operator, count
        return None
