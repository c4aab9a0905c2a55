"""Depth, derivative order and constant value of every node, kept while the expression grows.

Each node is entered once, after its children; nothing here recurses, however long the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

from opcompiler.errors import LimitError, Span
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations
from opcompiler.language.limits import (
    MAX_DERIVATIVE_ORDER,
    MAX_EXPONENT,
    MAX_NODES,
    MAX_NUMBER_BITS,
    MAX_TREE_DEPTH,
)

__all__ = ["Ledger", "children"]


@dataclass(frozen=True, slots=True)
class _Record:
    node: Any
    depth: int
    order: int
    constant: Fraction | None


def children(node: Any) -> Iterator[Any]:
    """Yield the nodes directly below a node."""
    for item in fields(node):
        if item.name not in {"shape", "span"}:
            yield from _nodes_in(getattr(node, item.name))


def _nodes_in(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for entry in value:
            yield from _nodes_in(entry)
    elif hasattr(value, "span"):
        yield value


class Ledger:
    """The book of one expression.

    Raises (from `enter`):
        LimitError: the node is too deep, differentiates too often, divides by zero, or is too large a power.
    """

    def __init__(self, source: str, declarations: Declarations) -> None:
        """Open an empty book."""
        self._source = source
        self._values = {parameter.name: parameter.value for parameter in declarations.parameters}
        self._records: dict[int, _Record] = {}

    def enter(self, node: Any) -> Any:
        """Check the limits of a node and return it."""
        below = [self._record(child) for child in children(node)]
        depth = 1 + max((record.depth for record in below), default=0)
        order = self._order(node, below)
        if depth > MAX_TREE_DEPTH:
            raise self._error(f"the expression is nested more than {MAX_TREE_DEPTH} deep", node.span)
        if order > MAX_DERIVATIVE_ORDER:
            raise self._error(f"derivatives of an order above {MAX_DERIVATIVE_ORDER}", node.span)
        if len(self._records) > MAX_NODES:
            raise self._error(f"the expression has more than {MAX_NODES} nodes", node.span)
        self._records[id(node)] = _Record(node, depth, order, self._constant(node, below))
        return node

    def constant(self, node: Any) -> Fraction | None:
        """Return the value of a node that is a known rational number."""
        return self._record(node).constant

    def _record(self, node: Any) -> _Record:
        record = self._records.get(id(node))
        if record is None:
            self.enter(node)
            record = self._records[id(node)]
        return record

    def _error(self, problem: str, span: Span) -> LimitError:
        return LimitError(problem, source=self._source, span=span)

    def _order(self, node: Any, below: list[_Record]) -> int:
        highest = max((record.order for record in below), default=0)
        match node:
            case ir.Partial(coordinates=coordinates):
                return highest + sum(order for _, order in coordinates)
            case ir.OperatorPartial(coordinates=coordinates):
                return sum(order for _, order in coordinates)
            case ir.Laplacian() | ir.Hessian() | ir.DAlembertian() | ir.OperatorLaplacian() | ir.OperatorDAlembertian():
                return highest + 2
            case ir.Gradient() | ir.Divergence() | ir.Curl() | ir.OperatorDirectional():
                return highest + 1
            case ir.OperatorPower(exponent=exponent):
                return highest * exponent
            case ir.OperatorComposition() | ir.Apply():
                return sum(record.order for record in below)
            case _:
                return highest

    def _constant(self, node: Any, below: list[_Record]) -> Fraction | None:
        values = [record.constant for record in below]
        match node:
            case ir.Number(value=value):
                return value
            case ir.Parameter(name=name):
                value = self._values.get(name)
                return value if isinstance(value, Fraction) else None
            case ir.Quotient() if values[1] == 0:
                raise self._error("division by zero", node.denominator.span)
            case ir.Power():
                return self._power(node, values[0], values[1])
            case _:
                pass
        known = [value for value in values if value is not None]
        if not known or len(known) < len(values):
            return None
        match node:
            case ir.Negative():
                return -known[0]
            case ir.Sum():
                return self._bounded(sum(known, Fraction(0)))
            case ir.Product():
                product = Fraction(1)
                for value in known:
                    product *= value
                    if self._bounded(product) is None:
                        return None
                return product
            case ir.Quotient():
                return self._bounded(known[0] / known[1])
            case _:
                return None

    def _bounded(self, value: Fraction) -> Fraction | None:
        return value if _bits(value) <= MAX_NUMBER_BITS else None

    def _power(self, node: ir.Power, base: Fraction | None, exponent: Fraction | None) -> Fraction | None:
        if exponent is None:
            return None
        if base is None:
            if abs(exponent) > MAX_EXPONENT:
                raise self._error(f"an exponent above {MAX_EXPONENT}", node.exponent.span)
            return None
        if base == 0 and exponent < 0:
            raise self._error("division by zero", node.span)
        if abs(exponent) * _bits(base) > MAX_NUMBER_BITS:
            raise self._error(f"a constant power of more than {MAX_NUMBER_BITS} bits", node.span)
        return base**exponent.numerator if exponent.denominator == 1 else None


def _bits(value: Fraction) -> int:
    return max(abs(value.numerator).bit_length(), value.denominator.bit_length())
