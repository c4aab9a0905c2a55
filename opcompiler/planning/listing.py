"""The symbols of a normal form written out monomial by monomial, for the strategies that need single coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb, prod

from opcompiler.ir.coefficient import ScalarMonomial
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import Contraction, NormalForm
from opcompiler.ir.symbol import Generator, PowerSum, Quadric, Symbol, Xi
from opcompiler.planning.tangents.forms import Form, MultiIndex

__all__ = [
    "MAX_COORDINATES",
    "Entry",
    "ListedSymbols",
    "Listing",
    "different_symbols",
    "listed_entries",
    "listed_symbols",
]

MAX_COORDINATES = 16
"""Coordinates that may occur in symbols that are written out."""

_MAX_TERMS = 4000

_Terms = dict[tuple[ScalarMonomial, MultiIndex], Fraction]


@dataclass(frozen=True, slots=True)
class Entry:
    """One number that is read out: a scalar contraction, or one entry of a derivative tensor.

    Attributes:
        contraction: its number in the normal form.
        position: flat position in the free axes, None for a scalar contraction.
        parts: the symbol Σ_m s^m·p_m by the scalars that are known only at call.
    """

    contraction: int
    position: int | None
    parts: tuple[tuple[ScalarMonomial, Form], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that is read out, over the coordinates that occur.

    Attributes:
        coordinates: (space, index) in declared order.
        entries: of all contractions.
        shapes: (contraction, lengths of its free axes).
    """

    coordinates: tuple[tuple[str, int], ...]
    entries: tuple[Entry, ...]
    shapes: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class ListedSymbols:
    """Different symbols of all contractions over the coordinates that occur.

    Attributes:
        coordinates: (space, index) in declared order.
        symbols: each split by the scalars that are known only at call: Σ_m s^m·p_m is the tuple of the p_m.
    """

    coordinates: tuple[tuple[str, int], ...]
    symbols: tuple[tuple[Form, ...], ...]

    @property
    def order(self) -> int:
        """Highest order of a derivative."""
        return max((sum(alpha) for symbol in self.symbols for form in symbol for alpha in form), default=0)


def listed_symbols(normal_form: NormalForm) -> ListedSymbols | None:
    """Return the symbols of a normal form, None where too many coordinates or monomials occur."""
    listing = listed_entries(tuple(enumerate(normal_form.contractions)), normal_form.declarations)
    return None if listing is None else different_symbols(listing)


def different_symbols(listing: Listing) -> ListedSymbols:
    """Return the symbols of a listing without repetitions and constants."""
    found: dict[tuple[object, ...], tuple[Form, ...]] = {}
    for entry in listing.entries:
        symbol = tuple(form for _, form in entry.parts)
        if any(any(alpha) for form in symbol for alpha in form):
            found.setdefault(tuple(tuple(sorted(form.items())) for form in symbol), symbol)
    return ListedSymbols(listing.coordinates, tuple(found.values()))


def listed_entries(contractions: Sequence[tuple[int, Contraction]], declarations: Declarations) -> Listing | None:
    """Return all entries of numbered contractions, None where too many coordinates or monomials occur."""
    coordinates = _coordinates([contraction for _, contraction in contractions], declarations)
    if coordinates is None:
        return None
    place = {coordinate: n for n, coordinate in enumerate(coordinates)}
    entries: list[Entry] = []
    shapes: list[tuple[int, tuple[int, ...]]] = []
    for number, contraction in contractions:
        dims = [declarations.space(index.space).dim for index in contraction.free]
        if prod(dims) * _size(contraction.symbol, declarations) > _MAX_TERMS:
            return None
        shapes.append((number, tuple(dims)))
        terms = _expanded(contraction.symbol, place, declarations)
        for position, factor in enumerate(_free_factors(contraction, dims, place)):
            shifted = {(m, _sum(alpha, factor)): value for (m, alpha), value in terms.items()}
            entries.append(Entry(number, position if dims else None, _by_scalars(shifted)))
    return Listing(coordinates, tuple(entries), tuple(shapes))


def _coordinates(contractions: Sequence[Contraction], declarations: Declarations) -> tuple[tuple[str, int], ...] | None:
    single: set[tuple[str, int]] = set()
    whole: set[str] = set()
    for contraction in contractions:
        whole |= {index.space for index in contraction.free}
        for monomial, _ in contraction.symbol.terms:
            for generator, _ in monomial:
                if isinstance(generator, Xi):
                    single.add((generator.space, generator.index))
                else:
                    whole.add(generator.space)
    count = sum(declarations.space(name).dim for name in whole)
    if count + len({c for c in single if c[0] not in whole}) > MAX_COORDINATES:
        return None
    return tuple(
        (space.name, index)
        for space in declarations.spaces
        for index in range(space.dim)
        if space.name in whole or (space.name, index) in single
    )


def _size(symbol: Symbol, declarations: Declarations) -> int:
    """Return an upper bound on the monomials of a symbol."""
    total = 0
    for monomial, _ in symbol.terms:
        terms = 1
        for generator, power in monomial:
            dim = 1 if isinstance(generator, Xi) else declarations.space(generator.space).dim
            terms *= comb((dim * dim if isinstance(generator, Quadric) else dim) + power - 1, power)
        total += terms
    return total


def _free_factors(contraction: Contraction, dims: list[int], place: dict[tuple[str, int], int]) -> Iterator[MultiIndex]:
    for indices in product(*map(range, dims)):
        alpha = [0] * len(place)
        for free, index in zip(contraction.free, indices, strict=True):
            alpha[place[(free.space, index)]] += free.power
        yield tuple(alpha)


def _expanded(symbol: Symbol, place: dict[tuple[str, int], int], declarations: Declarations) -> _Terms:
    total: _Terms = {}
    for monomial, coefficient in symbol.terms:
        expanded: Form = {(0,) * len(place): Fraction(1)}
        for generator, power in monomial:
            base = _generator(generator, place, declarations)
            for _ in range(power):
                expanded = _product(expanded, base)
        for scalars, factor in coefficient.terms:
            for alpha, value in expanded.items():
                key = (scalars, alpha)
                total[key] = total.get(key, Fraction(0)) + factor * value
    return {key: value for key, value in total.items() if value}


def _generator(generator: Generator, place: dict[tuple[str, int], int], declarations: Declarations) -> Form:
    def power_of(*coordinates: tuple[str, int]) -> MultiIndex:
        alpha = [0] * len(place)
        for coordinate in coordinates:
            alpha[place[coordinate]] += 1
        return tuple(alpha)

    match generator:
        case Xi(space, index):
            return {power_of((space, index)): Fraction(1)}
        case PowerSum(space, degree):
            return {power_of(*[(space, i)] * degree): Fraction(1) for i in range(declarations.space(space).dim)}
        case Quadric(space, matrix):
            result: Form = {}
            for i, row in enumerate(matrix):
                for j, value in enumerate(row):
                    alpha = power_of((space, i), (space, j))
                    result[alpha] = result.get(alpha, Fraction(0)) + value
            return {alpha: value for alpha, value in result.items() if value}


def _product(left: Form, right: Form) -> Form:
    result: Form = {}
    for alpha, value in left.items():
        for beta, other in right.items():
            key = _sum(alpha, beta)
            result[key] = result.get(key, Fraction(0)) + value * other
    return {alpha: value for alpha, value in result.items() if value}


def _sum(alpha: MultiIndex, beta: MultiIndex) -> MultiIndex:
    return tuple(a + b for a, b in zip(alpha, beta, strict=True))


def _by_scalars(terms: _Terms) -> tuple[tuple[ScalarMonomial, Form], ...]:
    parts: dict[ScalarMonomial, Form] = {}
    for (scalars, alpha), value in terms.items():
        parts.setdefault(scalars, {})[alpha] = value
    return tuple(sorted(parts.items(), key=lambda part: part[0]))
