"""Coordinates, components and the letters that index sums bind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from opcompiler.errors import OperatorNameError, RankError, Span, UnsupportedError
from opcompiler.ir import expression as ir
from opcompiler.ir.expression import Expr, Index
from opcompiler.language.operators import OperatorBuilder
from opcompiler.language.scope import CoordinateName, Scope, SpaceName
from opcompiler.language.tensors import shape_name
from opcompiler.language.tokens import IndexItem, OperatorSymbol, SubscriptItem, SumBounds

__all__ = ["IndexResolver", "NeedsExpansion", "SumRange"]

_BOUND = re.compile(r"(\d+|[^\W\d]\w*)\s*(?:([+-])\s*(\d+))?")


class NeedsExpansion(Exception):
    """A sum must be written out: its letter indexes coordinates that are declared one by one, or is a number."""

    def __init__(self, reason: str = "over coordinates that are declared one by one") -> None:
        """Keep which sums these are, for the message about too many terms."""
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class SumRange:
    """Bounds of an index, 0-based and inclusive."""

    lower: int
    upper: int


class IndexResolver(OperatorBuilder):
    """Resolves coordinates and indices; knows which letters are bound."""

    def __init__(self, source: str, scope: Scope) -> None:
        """Start with no bound letter."""
        super().__init__(source, scope.declarations)
        self.scope = scope
        self.bound: dict[str, SumRange | int] = {}

    # --- letters --------------------------------------------------------------------------------------------------

    def bind(self, letter: str, bounds: SumRange | int, span: Span) -> None:
        """Bind a letter inside a sum."""
        if letter in self.bound:
            raise self.error(OperatorNameError, f"the index {letter!r} is already used by an outer sum", span)
        self.bound[letter] = bounds

    def unbind(self, letter: str) -> None:
        """Leave the sum."""
        del self.bound[letter]

    def sum_range(self, bounds: SumBounds, span: Span) -> SumRange:
        """Return the range of a sum; without bounds the index counts the spatial coordinates."""
        lower = int(bounds.lower[:15]) if bounds.lower is not None else 1
        upper = self.bound_value(bounds.upper, span) if bounds.upper is not None else self.declarations.spatial_dim
        if lower < 1 or upper < lower:
            raise self.error(OperatorNameError, f"the index runs from {lower} to {upper}; indices count from 1", span)
        return SumRange(lower - 1, upper - 1)

    def bound_value(self, written: str, span: Span) -> int:
        """Return the number that an upper bound such as d, 10 or d-1 stands for."""
        match = _BOUND.fullmatch(written)
        if match is None:
            raise self.error(
                OperatorNameError, f"the upper bound {written[:20]!r} cannot be read", span, "write a number or d"
            )
        name, sign, offset = match.groups()
        value = int(name[:15]) if name.isdigit() else self.named_bound(name, span)
        return value + (0 if offset is None else int(sign + offset[:15]))

    def named_bound(self, name: str, span: Span) -> int:
        """Return the value of d or of an integer parameter."""
        declared = {parameter.name: parameter.value for parameter in self.declarations.parameters}
        value = declared.get(name)
        if isinstance(value, Fraction) and value.denominator == 1:
            return int(value)
        if name == "d" and name not in self.scope.entries:
            return self.declarations.spatial_dim
        raise self.error(
            OperatorNameError,
            f"the upper bound {name!r} has no integer value",
            span,
            "declare it as a parameter, or write d for the number of space coordinates",
        )

    def letter_index(self, letter: str, size: int, what: str, span: Span) -> Index:
        """Return a bound letter as an index of something of this size."""
        bounds = self.bound.get(letter)
        if bounds is None:
            raise self.error(
                OperatorNameError, f"the index {letter!r} is bound by no sum", span, "write ∑_{i=1}^{d} before it"
            )
        last = bounds if isinstance(bounds, int) else bounds.upper
        if last >= size:
            raise self.error(
                OperatorNameError, f"the index {letter!r} runs to {last + 1}, but {what} has {size} entries", span
            )
        return bounds if isinstance(bounds, int) else letter

    def index_value(self, letter: str, span: Span) -> Expr:
        """Return an index as a number, which it has only where the sum is written out."""
        value = self.bound[letter]
        if not isinstance(value, int):
            raise NeedsExpansion(f"in which the index {letter!r} is a number")
        return self.ledger.enter(ir.Number(Fraction(value + 1), span=span))

    # --- coordinates ----------------------------------------------------------------------------------------------

    def coordinate(self, name: CoordinateName, span: Span) -> ir.Coordinate:
        """Return a coordinate; one that only a number or a letter names counts the spatial coordinates."""
        if name.space is None:
            return self.spatial_coordinate(name.index, span)
        space = self.declarations.space(name.space)
        index = name.index
        if isinstance(index, str):
            index = self.letter_index(index, space.dim, f"the space {space.name!r}", span)
        return self.ledger.enter(ir.Coordinate(name.space, index, span=span))

    def spatial_coordinate(self, index: Index, span: Span) -> ir.Coordinate:
        """Return spatial coordinate number `index` (0-based) in declared order."""
        dimension = self.declarations.spatial_dim
        if isinstance(index, str):
            index = self.letter_index(index, dimension, "space", span)
        if isinstance(index, str):
            space = self.only_space()
            if space is None:
                raise NeedsExpansion
            return self.ledger.enter(ir.Coordinate(space, index, span=span))
        if not 0 <= index < dimension:
            raise self.error(OperatorNameError, f"there is no space coordinate number {index + 1} of {dimension}", span)
        for space in self.declarations.spaces:
            time = self.time_index(space.name)
            size = space.dim - (time is not None)
            if index < size:
                own = index + (time is not None and index >= time)
                return self.ledger.enter(ir.Coordinate(space.name, own, span=span))
            index -= size
        raise AssertionError("unreachable")

    def time_index(self, space: str) -> int | None:
        """Return the place of the time coordinate in a space."""
        time = self.declarations.time
        return time[1] if time is not None and time[0] == space else None

    def only_space(self) -> str | None:
        """Return the space that holds all spatial coordinates and nothing else, if there is one."""
        spatial = [space for space in self.declarations.spaces if self.time_index(space.name) is None]
        packed = any(space.dim > 1 and self.time_index(space.name) is not None for space in self.declarations.spaces)
        return spatial[0].name if len(spatial) == 1 and not packed else None

    def coordinates(self, items: tuple[SubscriptItem, ...]) -> tuple[tuple[ir.Coordinate, int], ...]:
        """Return the coordinates of a subscript or denominator with their orders."""
        found: list[tuple[ir.Coordinate, int]] = []
        for item in items:
            match item.target:
                case CoordinateName():
                    coordinate = self.coordinate(item.target, item.span)
                case SpaceName(name):
                    size = self.declarations.space(name).dim
                    raise self.error(
                        RankError,
                        f"{name!r} is a space of {size} coordinates, not one coordinate",
                        item.span,
                        f"write ∇u for all of them, or name one: {name}1 … {name}{size}",
                    )
                case IndexItem(text):
                    raise self.error(OperatorNameError, f"{text!r} is not a coordinate", item.span)
                case _:
                    raise self.error(OperatorNameError, "this is not a coordinate", item.span)
            if found and found[-1][0] == coordinate:
                found[-1] = (coordinate, found[-1][1] + item.count)
            else:
                found.append((coordinate, item.count))
        return tuple(found)

    def space_of(self, symbol: OperatorSymbol, span: Span) -> str | None:
        """Return the space in Δ_x; None for a coordinate inside a packed space or where no space is written."""
        match symbol.space:
            case None:
                return None
            case SpaceName(name):
                return name
            case CoordinateName(space, index):
                if space is not None and self.declarations.space(space).dim == 1 and index == 0:
                    return space
                if symbol.kind != "laplacian":
                    raise self.error(UnsupportedError, f"{symbol.written} over a part of a space", span)
                return None

    # --- components -----------------------------------------------------------------------------------------------

    def component(self, operand: Expr, items: tuple[SubscriptItem, ...], span: Span) -> Expr:
        """Return an entry of a vector or matrix: v_1, a_12, a_ij."""
        texts: list[str] = [item.target.text for item in items if isinstance(item.target, IndexItem)]
        rank = len(operand.shape)
        if not rank:
            raise self.error(
                RankError,
                f"a scalar has no component {', '.join(texts)}",
                span,
                "derivatives are written u_x, ∂_i u or u_{3x}",
            )
        if len(texts) == 1 and rank > 1 and texts[0].isdigit() and len(texts[0]) == rank:
            texts = list(texts[0])
        if len(texts) != rank:
            raise self.error(RankError, f"{len(texts)} index(es) for {shape_name(operand.shape)}", span)
        indices: list[Index] = []
        for text, size in zip(texts, operand.shape, strict=True):
            if not text.isdigit():
                indices.append(self.letter_index(text, size, shape_name(operand.shape), span))
                continue
            number = int(text[:15])
            if not 1 <= number <= size:
                raise self.error(OperatorNameError, f"there is no component {number} of {size}", span)
            indices.append(number - 1)
        return self.ledger.enter(ir.Component(operand, tuple(indices), span=span))
