"""One order for everything: equal operators give equal normal forms, byte by byte, on every run.

Scalars that no coefficient uses are dropped; scalars, contractions, terms and factors are sorted by what they are.
"""

from __future__ import annotations

from typing import assert_never

from opcompiler.ir.coefficient import Coefficient
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
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.symbol import Symbol

__all__ = ["canonical"]

_RANK = {
    kind: chr(ord("A") + number)
    for number, kind in enumerate(
        (
            Rational,
            Imaginary,
            Constant,
            ParameterValue,
            CoordinateValue,
            PositionValue,
            FunctionValue,
            Kronecker,
            ContractionValue,
            HeadPower,
            Call,
            HeadProduct,
            HeadSum,
            HeadSumOver,
            Components,
        )
    )
}

_Keyed = tuple[str, Head]


def canonical(
    declarations: Declarations,
    contractions: tuple[Contraction, ...],
    scalars: tuple[Head, ...],
    outputs: tuple[Output, ...],
) -> tuple[tuple[Contraction, ...], tuple[Head, ...], tuple[Output, ...]]:
    """Return contractions, scalars and outputs renumbered and sorted."""
    used = sorted({n for c in contractions for _, value in c.symbol.terms for m, _ in value.terms for n, _ in m})
    keyed = sorted((*_sorted_head(scalars[number], {}), number) for number in used)
    numbers = {old: new for new, (_, _, old) in enumerate(keyed)}
    renamed = [
        Contraction(c.field, _renumbered(c.symbol, numbers), c.free, c.component) if numbers else c
        for c in contractions
    ]
    fields = {f.name: number for number, f in enumerate(declarations.fields)}
    order = sorted(
        range(len(renamed)),
        key=lambda n: (
            fields[renamed[n].field],
            renamed[n].component or (),
            -renamed[n].order,
            repr(renamed[n].free),
            repr(renamed[n].symbol.terms),
        ),
    )
    places = {old: new for new, old in enumerate(order)}
    return (
        tuple(renamed[n] for n in order),
        tuple(head for _, head, _ in keyed),
        tuple(Output(_sorted_head(o.body, places)[1], o.labels, o.shape) for o in outputs),
    )


def _renumbered(symbol: Symbol, numbers: dict[int, int]) -> Symbol:
    return Symbol(
        tuple(
            (
                m,
                Coefficient.from_terms({tuple(sorted((numbers[n], p) for n, p in s)): q for s, q in value.terms}),
            )
            for m, value in symbol.terms
        )
    )


def _sorted_head(head: Head, places: dict[int, int]) -> _Keyed:
    """Return the head with contractions renumbered and operands sorted, after a text to sort it by."""
    key, result = _sorted_node(head, places)
    return f"{_RANK[type(head)]}{key}", result


def _sorted_node(head: Head, places: dict[int, int]) -> _Keyed:
    match head:
        case Rational(value):
            return str(value), head
        case Imaginary():
            return "", head
        case Constant(name):
            return name, head
        case ParameterValue(name, indices):
            return f"{name}{_index_key(indices)}", head
        case CoordinateValue(space, index):
            return f"{space}{_index_key((index,))}", head
        case PositionValue(space):
            return space, head
        case ContractionValue(number, indices):
            place = places[number]
            return f"{place:06d}{_index_key(indices)}", ContractionValue(place, indices)
        case FunctionValue(name, arguments, derivatives, indices):
            key, operands = _operands(arguments, places)
            return f"{name}{derivatives}{_index_key(indices)}({key})", FunctionValue(
                name, operands, derivatives, indices
            )
        case HeadSum(terms):
            key, operands = _operands(terms, places, ordered=False)
            return f"({key})", HeadSum(operands)
        case HeadProduct(factors):
            key, operands = _operands(factors, places, ordered=False)
            return f"({key})", HeadProduct(operands)
        case HeadPower(base, exponent):
            key, operands = _operands((base, exponent), places)
            return f"({key})", HeadPower(operands[0], operands[1])
        case Call(function, arguments):
            key, operands = _operands(arguments, places)
            return f"{function}({key})", Call(function, operands)
        case Kronecker(left, right):
            return _index_key((left, right)), head
        case HeadSumOver(label, size, body):
            key, operands = _operands((body,), places)
            return f"{label}:{size}({key})", HeadSumOver(label, size, operands[0])
        case Components(label, entries):
            key, operands = _operands(entries, places)
            return f"{label}({key})", Components(label, operands)
    assert_never(head)


def _operands(heads: tuple[Head, ...], places: dict[int, int], ordered: bool = True) -> tuple[str, tuple[Head, ...]]:
    keyed = [_sorted_head(head, places) for head in heads]
    if not ordered:
        keyed.sort(key=lambda pair: pair[0])
    return ",".join(key for key, _ in keyed), tuple(head for _, head in keyed)


def _index_key(indices: tuple[HeadIndex, ...]) -> str:
    return "".join(f"[{index:08d}]" if isinstance(index, int) else f"[{index}]" for index in indices)
