"""Variances of estimators against the moments of the laws, integrated exactly over polynomials in the directions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction as F
from functools import reduce
from itertools import product
from math import prod
from random import Random

import pytest

from opcompiler.ir.law import Coordinates, Frame, Gaussian, IndependentPair, Orthogonal, Rademacher, Sphere, ThreePoint
from opcompiler.ir.variance import Quantity, Tensor, VarianceFormula, VarianceTerm
from opcompiler.planning.sampling.variance import (
    Part,
    coordinates,
    default_norm,
    independent_squares,
    laplacian_powers,
)

Polynomial = dict[tuple[int, ...], F]
Entries = Mapping[tuple[int, ...], F]


def tensor(order: int, dim: int, seed: int) -> Entries:
    """A symmetric tensor with small integer entries, by sorted index."""
    random = Random(f"{order} {dim} {seed}")
    return {
        index: F(random.randint(-5, 5)) for index in product(range(dim), repeat=order) if index == tuple(sorted(index))
    }


def entry(entries: Entries, index: Iterable[int]) -> F:
    return entries[tuple(sorted(index))]


def norm(quantity: Quantity, tensors: Mapping[Tensor, Entries], dim: int) -> F:
    """The contraction summed index by index."""
    total = F(0)
    for values in product(range(dim), repeat=len(quantity.blocks)):
        left = [i for i, (p, _) in zip(values, quantity.blocks, strict=True) for _ in range(p)]
        right = [i for i, (_, q) in zip(values, quantity.blocks, strict=True) for _ in range(q)]
        term = entry(tensors[quantity.left], left) * entry(tensors[quantity.right], right)
        total += term / (quantity.weights[values[0]] if quantity.weights else 1)
    return total


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for (m, p), (n, q) in product(a.items(), b.items()):
        key = tuple(x + y for x, y in zip(m, n, strict=True))
        result[key] = result.get(key, F(0)) + p * q
    return result


def plus(a: Polynomial, b: Polynomial, factor: F = F(1)) -> Polynomial:
    return {key: a.get(key, F(0)) + factor * b.get(key, F(0)) for key in a | b}


def along(entries: Entries, order: int, directions: Sequence[Sequence[Polynomial]]) -> Polynomial:
    """T[v₁, …, v_order] where the entries of the directions are polynomials in random numbers."""
    total: Polynomial = {}
    for index in product(range(len(directions[0])), repeat=order):
        term = reduce(times, (directions[slot][i] for slot, i in enumerate(index)))
        total = plus(total, term, entry(entries, index))
    return total


def variables(count: int) -> list[Polynomial]:
    return [{tuple(int(i == j) for j in range(count)): F(1)} for i in range(count)]


def mean(polynomial: Polynomial, moment: Callable[[tuple[int, ...]], F]) -> F:
    return sum((value * moment(powers) for powers, value in polynomial.items() if value), F(0))


def variance(estimate: Polynomial, moment: Callable[[tuple[int, ...]], F]) -> F:
    return mean(times(estimate, estimate), moment) - mean(estimate, moment) ** 2


def odd_factorial(n: int) -> int:
    return prod(range(n - 1, 0, -2))


def normal(powers: tuple[int, ...]) -> F:
    return F(0) if any(p % 2 for p in powers) else F(prod(map(odd_factorial, powers)))


def signs(powers: tuple[int, ...]) -> F:
    return F(0) if any(p % 2 for p in powers) else F(1)


def three_points(powers: tuple[int, ...]) -> F:
    return F(0) if any(p % 2 for p in powers) else prod((F(3) ** (p // 2 - 1) for p in powers if p), start=F(1))


def on_sphere(powers: tuple[int, ...]) -> F:
    return normal(powers) / prod(len(powers) + 2 * j for j in range(sum(powers) // 2))


def value(terms: Sequence[VarianceTerm], tensors: Mapping[Tensor, Entries], dim: int) -> F:
    return sum((t.coefficient * norm(t.norm, tensors, dim) for t in terms), F(0))


def part(order: int, dim: int, coefficient: F = F(1), seed: int = 0) -> tuple[Part, Entries]:
    return Part(coefficient, Tensor("u", order, "x", seed)), tensor(order, dim, seed)


ENTRY_LAWS = {Gaussian(): normal, Rademacher(): signs, ThreePoint(): three_points}


@pytest.mark.parametrize(
    ("law", "order", "dim"), [(law, n, 3 if n < 6 else 2) for law in ENTRY_LAWS for n in (2, 4, 6)]
)
def test_powers_of_the_laplacian_from_independent_entries(law, order, dim):
    own, entries = part(order, dim)
    estimate = along(entries, order, [variables(dim)] * order)
    exact = variance(estimate, ENTRY_LAWS[law]) / odd_factorial(order) ** 2
    assert value(laplacian_powers(law, dim, 1, [own]), {own.tensor: entries}, dim) == exact
    assert value(laplacian_powers(law, dim, 5, [own]), {own.tensor: entries}, dim) == exact / 5


@pytest.mark.parametrize(("order", "dim"), [(2, 3), (4, 3), (6, 2)])
def test_powers_of_the_laplacian_from_the_sphere(order, dim):
    own, entries = part(order, dim)
    scale = F(prod(dim + 2 * j for j in range(order // 2)), odd_factorial(order))
    exact = variance(along(entries, order, [variables(dim)] * order), on_sphere) * scale**2
    assert value(laplacian_powers(Sphere(), dim, 1, [own]), {own.tensor: entries}, dim) == exact


@pytest.mark.parametrize("law", [Gaussian(), Rademacher(), Sphere()])
def test_parts_with_common_draws_are_correlated(law):
    dim = 3
    first, high = part(4, dim, F(2), 1)
    second, low = part(2, dim, F(-3), 2)
    tensors = {first.tensor: high, second.tensor: low}
    scale = (F(dim * (dim + 2), 3), F(dim)) if law == Sphere() else (F(1, 3), F(1))
    estimate = plus(
        {key: 2 * scale[0] * c for key, c in along(high, 4, [variables(dim)] * 4).items()},
        along(low, 2, [variables(dim)] * 2),
        -3 * scale[1],
    )
    moments = ENTRY_LAWS.get(law, on_sphere)
    assert value(laplacian_powers(law, dim, 1, [first, second]), tensors, dim) == variance(estimate, moments)


def test_independent_pairs():
    dim = 2
    own, entries = part(4, dim)
    numbers = variables(2 * dim)
    estimate = along(entries, 4, [numbers[:dim]] * 2 + [numbers[dim:]] * 2)
    formula = laplacian_powers(IndependentPair(), dim, 1, [own])
    assert value(formula, {own.tensor: entries}, dim) == variance(estimate, normal)
    assert str(VarianceFormula(0, formula, "independent pairs", 1)) == "4·‖∇⁴u‖² + 4·‖∇²Δu‖²"


@pytest.mark.parametrize(("law", "moment"), [(Gaussian(), normal), (Rademacher(), signs), (Sphere(), on_sphere)])
def test_a_direction_of_its_own_for_every_laplacian(law, moment):
    dim = 2
    own, entries = part(4, dim, F(3))
    numbers = variables(2 * dim)
    scale = F(dim**2) if law == Sphere() else F(1)
    estimate = along(entries, 4, [numbers[:dim]] * 2 + [numbers[dim:]] * 2)
    exact = variance(estimate, lambda powers: moment(powers[:dim]) * moment(powers[dim:])) * (3 * scale) ** 2
    assert value(independent_squares(law, dim, 4, [own]), {own.tensor: entries}, dim) == exact / 4


def test_parts_that_share_their_first_direction():
    dim = 2
    first, high = part(4, dim, F(3), 1)
    second, low = part(2, dim, F(-1), 2)
    numbers = variables(2 * dim)
    estimate = plus(
        {key: 3 * c for key, c in along(high, 4, [numbers[:dim]] * 2 + [numbers[dim:]] * 2).items()},
        along(low, 2, [numbers[:dim]] * 2),
        F(-1),
    )
    formula = independent_squares(Gaussian(), dim, 1, [first, second])
    assert value(formula, {first.tensor: high, second.tensor: low}, dim) == variance(estimate, normal)


def test_pairs_of_coordinates():
    """Every outcome enumerated."""
    dim = 3
    own, entries = part(4, dim)
    outcomes = [dim**2 * entry(entries, (i, i, j, j)) for i, j in product(range(dim), repeat=2)]
    average = sum(outcomes) / dim**2
    exact = sum((x - average) ** 2 for x in outcomes) / dim**2
    formula = independent_squares(Coordinates(), dim, 1, [own])
    assert value(formula, {own.tensor: entries}, dim) == exact
    assert str(VarianceFormula(0, formula, "", 1)) == "9·Σ_ij (∂_i²∂_j²u)² − (Δ²u)²"


@pytest.mark.parametrize("order", [2, 4])
def test_frames_of_two_in_three_dimensions(order):
    """The plane of a uniform frame is that of a uniform normal n: traces are taken with 1 − nnᵀ."""
    dim, size = 3, 2
    own, entries = part(order, dim)
    n = variables(dim)
    square: Polynomial = reduce(plus, (times(x, x) for x in n))
    projector = [[plus(square if i == j else {}, times(n[i], n[j]), F(-1)) for j in range(dim)] for i in range(dim)]
    estimate: Polynomial = {}
    for index in product(range(dim), repeat=order):
        factors = [projector[index[2 * p]][index[2 * p + 1]] for p in range(order // 2)]
        estimate = plus(estimate, reduce(times, factors), entry(entries, index))
    scale = prod((F(dim + 2 * j, size + 2 * j) for j in range(order // 2)), start=F(1))
    exact = variance(estimate, on_sphere) * scale**2
    assert value(laplacian_powers(Frame(size), dim, size, [own]), {own.tensor: entries}, dim) == exact
    assert value(laplacian_powers(Frame(size), dim, 3 * size, [own]), {own.tensor: entries}, dim) == exact / 3


def rotation() -> list[list[Polynomial]]:
    """The rows of a uniform rotation of space: quadratic in a uniform unit quaternion."""
    a, b, c, d = variables(4)
    two = F(2)

    def form(*terms: tuple[Polynomial, Polynomial, F]) -> Polynomial:
        return reduce(plus, ({k: w * v for k, v in times(p, q).items()} for p, q, w in terms))

    one, minus = F(1), F(-1)
    return [
        [form((a, a, one), (b, b, one), (c, c, minus), (d, d, minus)), form((b, c, two), (a, d, -two)),
         form((b, d, two), (a, c, two))],
        [form((b, c, two), (a, d, two)), form((a, a, one), (b, b, minus), (c, c, one), (d, d, minus)),
         form((c, d, two), (a, b, -two))],
    ]  # fmt: skip


def test_orthogonal_directions():
    dim, count = 3, 2
    own, entries = part(2, dim)
    rows = rotation()
    estimate = reduce(plus, (along(entries, 2, [row] * 2) for row in rows))
    exact = variance(estimate, on_sphere) * F(dim, count) ** 2
    formula = laplacian_powers(Orthogonal(), dim, count, [own])
    assert value(formula, {own.tensor: entries}, dim) == exact
    # 2d(d−r)/(r(d−1)(d+2))·‖H − (τ/d)·1‖²
    factor = F(2 * dim * (dim - count), count * (dim - 1) * (dim + 2))
    assert {str(t.norm): t.coefficient for t in formula} == {"‖∇²u‖²": factor, "(Δu)²": -factor / dim}


def test_orthogonal_directions_of_order_four_in_the_plane():
    own, entries = part(4, 2)
    x, y = variables(2)
    minus = {key: -c for key, c in y.items()}
    estimate = plus(along(entries, 4, [[x, y]] * 4), along(entries, 4, [[minus, x]] * 4))
    exact = variance(estimate, on_sphere) * (F(2 * 4, 3) / 2) ** 2
    assert value(laplacian_powers(Orthogonal(), 2, 2, [own]), {own.tensor: entries}, 2) == exact
    assert value(laplacian_powers(Orthogonal(), 2, 6, [own]), {own.tensor: entries}, 2) == exact / 3


@pytest.mark.parametrize("dim", [2, 5])
def test_a_whole_orthogonal_basis_gives_the_laplacian_exactly(dim):
    own, _ = part(2, dim)
    assert laplacian_powers(Orthogonal(), dim, dim, [own]) == ()
    assert laplacian_powers(Orthogonal(), dim, 3 * dim, [own]) == ()


@pytest.mark.parametrize("dim", [5, 10, 1000])
@pytest.mark.parametrize("count", [2, 3])
def test_orthogonal_directions_are_never_worse_than_independent_ones(dim, count):
    """Δ: the same norm of the traceless part, times (d−m)/(d−1)."""
    own, _ = part(2, 1)
    independent = laplacian_powers(Sphere(), dim, count, [own])
    orthogonal = laplacian_powers(Orthogonal(), dim, count, [own])
    ratios = {a.coefficient / b.coefficient for a, b in zip(orthogonal, independent, strict=True)}
    assert ratios == {F(dim - count, dim - 1)}


@pytest.mark.parametrize(("replace", "weights"), [(False, None), (True, None), (True, (F(1, 2), F(1, 3), F(1, 6)))])
def test_coordinates(replace, weights):
    """Every outcome enumerated."""
    dim, samples = 3, 2
    first, second_tensor = part(4, dim, F(2), 1)
    second, third_tensor = part(2, dim, F(1, 2), 2)
    tensors = {first.tensor: second_tensor, second.tensor: third_tensor}
    g = [2 * second_tensor[(i,) * 4] + third_tensor[(i,) * 2] / 2 for i in range(dim)]
    p = weights or (F(1, dim),) * dim
    outcomes = Counter()
    for drawn in product(range(dim), repeat=samples):
        if replace or len(set(drawn)) == samples:
            chance = prod((p[i] for i in drawn), start=F(1)) if replace else F(1, dim * (dim - 1))
            outcomes[sum((g[i] / p[i] for i in drawn), F(0)) / samples] += chance
    average = sum(x * chance for x, chance in outcomes.items())
    exact = sum((x - average) ** 2 * chance for x, chance in outcomes.items())
    assert average == sum(g)
    assert value(coordinates(dim, samples, [first, second], replace, weights), tensors, dim) == exact


def test_all_coordinates_without_replacement_are_exact():
    own, _ = part(2, 4)
    assert coordinates(4, 4, [own]) == ()


def test_formulas_read_like_the_literature():
    own = Part(F(1), Tensor("u", 2, "x"))
    texts = {
        law: str(VarianceFormula(0, laplacian_powers(law, 10, 4, [own]), repr(law), 4))
        for law in (Gaussian(), Rademacher(), Sphere())
    }
    assert texts == {
        Gaussian(): "1/2·‖∇²u‖²",
        Rademacher(): "1/2·‖∇²u‖² − 1/2·Σ_i (∂_i²u)²",
        Sphere(): "5/12·‖∇²u‖² − 1/24·(Δu)²",
    }
    assert str(VarianceFormula(0, coordinates(10, 4, [own]), "coordinates", 4)) == ("5/3·Σ_i (∂_i²u)² − 1/6·(Δu)²")


def test_the_assumed_norms_count_equal_entries():
    """Against the mean over tensors with independent entries, in dimensions where leading order dominates."""
    u, dim = Tensor("u", 2, "x"), 40
    assumed = default_norm(dim)
    assert assumed(Quantity(u, u, ((1, 1), (1, 1)))) == dim**2
    assert assumed(Quantity(u, u, ((2, 0), (0, 2)))) == dim
    assert assumed(Quantity(u, u, ((2, 2),))) == dim
    biharmonic = Tensor("u", 4, "x")
    assert assumed(Quantity(biharmonic, biharmonic, ((2, 0), (2, 0), (0, 2), (0, 2)))) == 2 * dim**2
    assert assumed(Quantity(u, biharmonic, ((2, 2), (0, 2)))) == 0


def test_a_formula_needs_all_its_norms():
    formula = VarianceFormula(0, laplacian_powers(Rademacher(), 3, 1, [Part(F(1), Tensor("u", 2, "x"))]), "", 1)
    assert len(formula.norms) == 2
    with pytest.raises(KeyError):
        formula.value({})
    assert formula.value(lambda _: 1.0) == 0.0
