"""Powers of the Laplacian: |ξ|^(2s) as a sum of few 2s-th powers of linear forms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from itertools import combinations, product
from math import comb, prod

from opcompiler.ir.strategy import Direction, TangentSet
from opcompiler.ir.surd import Number, Surd, square_root
from opcompiler.planning.tangents.binary import sylvester
from opcompiler.planning.tangents.bounds import laplacian_bound, tight_design_exists
from opcompiler.planning.tangents.exact import solve
from opcompiler.planning.tangents.forms import laplacian_power, norm_squared, power_column
from opcompiler.planning.tangents.monomials import Decomposition, merged_grids

__all__ = ["collapsed_taylor_set", "laplacian_set", "nuclear_norm"]

_ZERO, _ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True, slots=True)
class _Orbits:
    """Directions in classes of equal coefficient."""

    name: str
    classes: tuple[tuple[Number, tuple[Direction, ...]], ...]
    residual: Fraction = Fraction(0)

    @property
    def size(self) -> int:
        return sum(len(directions) for weight, directions in self.classes if weight)


@lru_cache(maxsize=64)
def laplacian_set(dimension: int, power: int, rational: bool = False) -> TangentSet:
    """Return Δ^power in `dimension` variables with the fewest directions known.

    Args:
        dimension: d ≥ 1.
        power: s ≥ 1.
        rational: only rational directions.

    Returns:
        The set, with the lower bound C(d+s−1, s), plus one where no tight design exists; "proved" where they meet.
    """
    best = min(_candidates(dimension, power, rational), key=lambda orbits: orbits.size)
    pairs = [(direction, weight) for weight, directions in best.classes if weight for direction in directions]
    bound, argument = laplacian_bound(dimension, power), "definite middle catalecticant"
    if tight_design_exists(dimension, power) is False:
        argument += ", no tight design"
    if rational and power == 2 and dimension in (2, 3):
        # Rational lines at the angle of a tight set force d+2 to be a rational square.
        bound, argument = {2: 4, 3: 7}[dimension], argument + ", no rational tight set"
    return TangentSet(
        2 * power,
        tuple(direction for direction, _ in pairs),
        tuple(weight for _, weight in pairs),
        bound,
        "proved" if bound == len(pairs) else "bracketed",
        f"{best.name}; bound by {argument}",
        best.residual,
    )


def nuclear_norm(dimension: int, power: int) -> Fraction:
    """Return the symmetric nuclear norm of |ξ|^(2s): Π_{j<s}(d+2j)/(2s−1)!!, the mass of any positive decomposition."""
    return Fraction(prod(dimension + 2 * j for j in range(power)), prod(range(1, 2 * power, 2)))


def collapsed_taylor_set(dimension: int) -> TangentSet:
    """Return the (3d²−d)/2 directions e_i, e_i+e_j, 3e_i+e_j that collapsed Taylor mode was published with for Δ²."""
    pairs = list(combinations(range(dimension), 2))
    three = [_vector(dimension, {i: 3, j: 1}) for i, j in pairs] + [_vector(dimension, {i: 1, j: 3}) for i, j in pairs]
    orbits = _solved(
        "published set", dimension, 2, (_axes(dimension), tuple(three), _signed(dimension, 2, signs=False))
    )
    assert orbits is not None
    pairs_of = [(direction, weight) for weight, directions in orbits.classes for direction in directions]
    directions, weights = tuple(v for v, _ in pairs_of), tuple(c for _, c in pairs_of)
    return TangentSet(4, directions, weights, laplacian_bound(dimension, 2), "bracketed", "Dangel et al. 2025")


def _candidates(d: int, s: int, rational: bool) -> list[_Orbits]:
    found: list[_Orbits] = []
    if s == 1 or d == 1:
        return [_Orbits("coordinate axes", ((_ONE, _axes(d)),))]
    if d == 2:
        found += _polygons(s)
    if s == 2:
        if d == 3:
            found.append(_icosahedron())
        if d == 4:
            found.append(_Orbits("24-cell", ((Fraction(2, 3), _axes(4)), (Fraction(1, 24), _cube(4)))))
        if 4 <= d <= 7:
            found.append(_symmetric_family(d))
        if d >= 8:
            found.append(_simplex(d))
    if s == 3:
        if d in (3, 4):
            found.append(_numerical(f"laplacian^3, d={d}", d))
        if d == 4:
            cell = (*_axes(4), *(tuple(entry / 2 for entry in v) for v in _cube(4)))
            found.append(_Orbits("24-cell and its dual", ((Fraction(8, 15), cell), (Fraction(1, 15), _signed(4, 2)))))
        if d == 8:
            found.append(_roots_of_e8())
    if (d, s) == (3, 4):
        found.append(_icosahedron_and_dodecahedron())
    if (d, s) == (2, 2):
        steep = ((Fraction(2), Fraction(3)), (Fraction(2), Fraction(-3)))
        found.append(
            _Orbits(
                "axes and two slopes",
                ((Fraction(23, 27), (_axes(2)[0],)), (Fraction(1, 4), (_axes(2)[1],)), (Fraction(1, 216), steep)),
            )
        )
    if (d, s) == (3, 2):
        found.append(_Orbits("axes and cube diagonals", ((Fraction(2, 3), _axes(3)), (Fraction(1, 12), _cube(3)))))
    if rational:
        found = [orbits for orbits in found if _is_rational(orbits)]
    signed = _solved("signed sums of coordinates", d, s, [_signed(d, n) for n in range(1, min(s, d) + 1)])
    if signed is not None:
        found.append(signed)
    if d == 2 and not found and not rational:
        apolar = sylvester(laplacian_power(2, s))
        found.append(_singly("regular polygon of lines", (apolar.directions, apolar.coefficients), apolar.residual))
    return found or [_singly("central differences", merged_grids(laplacian_power(d, s)))]


def _singly(name: str, decomposition: Decomposition, residual: Fraction = _ZERO) -> _Orbits:
    """Return a decomposition as classes of one direction each."""
    return _Orbits(name, tuple((weight, (v,)) for v, weight in zip(*decomposition, strict=True)), residual)


def _axes(d: int) -> tuple[Direction, ...]:
    return tuple(_vector(d, {i: 1}) for i in range(d))


def _vector(d: int, entries: dict[int, int]) -> Direction:
    return tuple(Fraction(entries.get(i, 0)) for i in range(d))


def _signed(d: int, count: int, signs: bool = True) -> tuple[Direction, ...]:
    """Return ±e_i ± e_j ± … over all `count` coordinates, mod ±."""
    patterns = [(1, *rest) for rest in product((1, -1) if signs else (1,), repeat=count - 1)]
    return tuple(
        _vector(d, dict(zip(chosen, pattern, strict=True)))
        for chosen in combinations(range(d), count)
        for pattern in patterns
    )


def _cube(d: int) -> tuple[Direction, ...]:
    return _signed(d, d)


def _is_rational(orbits: _Orbits) -> bool:
    entries = [entry for _, directions in orbits.classes for direction in directions for entry in direction]
    return not orbits.residual and not any(isinstance(entry, Surd) for entry in entries)


def _solved(name: str, d: int, s: int, classes: Sequence[tuple[Direction, ...]]) -> _Orbits | None:
    """Return the classes with coefficients, if |ξ|^(2s) is a combination; they are symmetric under permutations."""
    # By symmetry one monomial per partition is enough; odd exponents must cancel too.
    indices = _partitions(2 * s, d)
    target: list[Number] = [laplacian_power(d, s).get(alpha, _ZERO) for alpha in indices]
    columns: list[list[Number]] = []
    for directions in classes:
        total: list[Number] = [_ZERO] * len(indices)
        for direction in directions:
            total = [a + b for a, b in zip(total, power_column(direction, indices), strict=True)]
        columns.append(total)
    weights = solve(columns, target)
    return None if weights is None else _Orbits(name, tuple(zip(weights, classes, strict=True)))


def _partitions(total: int, parts: int, largest: int | None = None) -> list[tuple[int, ...]]:
    if parts == 0:
        return [()] if total == 0 else []
    top = total if largest is None else min(total, largest)
    return [(first, *rest) for first in range(top, -1, -1) for rest in _partitions(total - first, parts - 1, first)]


def _polygons(s: int) -> list[_Orbits]:
    """Return the regular (s+1)-gon of lines where its coordinates are simple; Sylvester's theorem gives the others."""
    half, root = Fraction(1, 2), square_root(3) / 2
    match s:
        case 2:
            lines: tuple[Direction, ...] = ((_ONE, _ZERO), (half, root), (-half, root))
            return [_Orbits("regular triangle of lines", ((Fraction(8, 9), lines),))]
        case 3:
            diagonals = ((_ONE, _ONE), (_ONE, -_ONE))
            weight = Fraction(4, 5)
            return [_Orbits("regular square of lines", ((weight, _axes(2)), (weight / 8, diagonals)))]
        case 5:
            lines = (*_axes(2), (half, root), (-half, root), (root, half), (-root, half))
            return [_Orbits("regular hexagon of lines", ((Fraction(nuclear_norm(2, 5), 6), lines),))]
        case _:
            return []


def _cyclic(vectors: Sequence[tuple[Number, Number, Number]]) -> tuple[Direction, ...]:
    return tuple(shifted for a, b, c in vectors for shifted in ((a, b, c), (c, a, b), (b, c, a)))


def _icosahedron() -> _Orbits:
    golden = (square_root(5) + 1) / 2
    lines = _cyclic([(_ZERO, _ONE, golden), (_ZERO, _ONE, -golden)])
    return _Orbits("icosahedron", ((Fraction(1, 4) - square_root(5) / 12, lines),))


def _icosahedron_and_dodecahedron() -> _Orbits:
    """The weights are 75 and 81 parts in 25·6+27·10 … of the sphere's measure (McLaren's rule of degree 9)."""
    golden = (square_root(5) + 1) / 2
    twelve = _cyclic([(_ZERO, _ONE, golden), (_ZERO, _ONE, -golden)])
    twenty = (*_cube(3), *_cyclic([(_ZERO, golden, golden - 1), (_ZERO, golden, 1 - golden)]))
    mass = nuclear_norm(3, 4)
    first = mass * Fraction(5, 14) / 6 / norm_squared(twelve[0]) ** 4
    second = mass * Fraction(9, 14) / 10 / norm_squared(twenty[0]) ** 4
    return _Orbits("icosahedron and dodecahedron", ((first, twelve), (second, twenty)))


def _symmetric_family(d: int) -> _Orbits:
    """Return w₀σ⁴ + (8−d)/3 Σ(ξ_i+pσ)⁴ + 1/3 Σ(ξ_i+ξ_j+qσ)⁴ with σ = Σξ_i, for 4 ≤ d ≤ 7 (28 lines for d = 7)."""
    q = (square_root(64 - 8 * d) - 8) / (4 * d)
    p = (1 + q * (d - 4)) / (d - 8)
    outer = Fraction(8 - d, 3)
    centre = -(outer * (4 * p**3 + d * p**4) + Fraction(1, 3) * (6 * q**2 + 4 * q**3 * (d - 1) + comb(d, 2) * q**4))
    ones = tuple(p if i != j else p + 1 for j in range(d) for i in range(d))
    singles = tuple(ones[d * j : d * (j + 1)] for j in range(d))
    doubles = tuple(tuple(q + 1 if n in pair else q for n in range(d)) for pair in combinations(range(d), 2))
    sigma = (_ONE,) * d
    return _Orbits("symmetric family", ((centre, (sigma,)), (outer, singles), (Fraction(1, 3), doubles)))


def _simplex(d: int) -> _Orbits:
    """Return vertices and edge midpoints of a regular simplex (Mysovskikh 1968), signed for d > 7."""
    root = square_root(d + 1)
    shift = (1 / root - 1) / d
    vertices = (
        (-1 / root,) * d,
        *(tuple(shift + 1 if i == j else shift for i in range(d)) for j in range(d)),
    )
    middles = tuple(tuple(a + b for a, b in zip(v, w, strict=True)) for v, w in combinations(vertices, 2))
    # Unit vertices meet at cosine −1/d. Equal values at a vertex, and equal mass d(d+2)/3, fix both coefficients.
    at_vertex = (1 + Fraction(d, d**4), d * (1 - Fraction(1, d)) ** 4 + comb(d, 2) * Fraction(2, d) ** 4)
    masses = (Fraction(d + 1), comb(d + 1, 2) * (2 - Fraction(2, d)) ** 2)
    found = solve([[at_vertex[n], masses[n]] for n in (0, 1)], [_ONE, nuclear_norm(d, 2)])
    assert found is not None
    scale = Fraction(d + 1, d) ** 2
    return _Orbits("simplex: vertices and edge midpoints", ((found[0] * scale, vertices), (found[1] * scale, middles)))


def _roots_of_e8() -> _Orbits:
    half = Fraction(1, 2)
    even = tuple(tuple(sign * half for sign in (1, *signs)) for signs in product((1, -1), repeat=7) if prod(signs) == 1)
    return _Orbits("roots of E8", ((Fraction(1, 15), (*_signed(8, 2), *even)),))


def _numerical(name: str, d: int) -> _Orbits:
    """Return a set without closed form, found by least squares and refined: equal coefficients 1."""
    data = json.loads(files("opcompiler.planning.tangents").joinpath("direction_sets.json").read_text("utf-8"))[name]
    lines = tuple(tuple(Fraction(entry) for entry in direction) for direction in data["directions"])
    assert all(len(line) == d for line in lines)
    return _Orbits("least squares", ((_ONE, lines),), Fraction(data["residual"]))
