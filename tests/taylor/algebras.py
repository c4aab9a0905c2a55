"""Algebras built by hand for the tests, and what they should give: nested forward differentiation of curves.

A derivative-closed list of polynomials w(ξ) is an algebra; its product table follows from w(ξ + η). Feed a function a
polynomial surface x(ε) whose derivatives w(∂)x are the seeds: coefficient w of the result must be w(∂)f(x(ε)) at 0.
Only the dataclasses of `ir` are used, nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import comb, factorial, prod

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.ir.algebra import Algebra, Axis, Element, Term
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.space import CoordinateRange

Polynomial = dict[tuple[int, ...], int]


@dataclass(frozen=True)
class Example:
    """An algebra together with the polynomials w that its elements stand for (families: one per direction)."""

    name: str
    algebra: Algebra
    symbols: tuple[tuple[tuple[tuple[tuple[int, ...], int], ...], ...], ...]
    """Per element and direction, the polynomial as sorted ((exponents), coefficient) pairs."""
    variables: int

    def polynomials(self, element: int) -> list[Polynomial]:
        return [dict(p) for p in self.symbols[element]]


def freeze(polynomial: Polynomial) -> tuple[tuple[tuple[int, ...], int], ...]:
    return tuple(sorted(polynomial.items()))


def degree(polynomial: Polynomial) -> int:
    return max(sum(exponents) for exponents in polynomial)


def closed_algebra(name: str, symbols: Sequence[Polynomial]) -> Example:
    """Return the algebra of single elements 1, *symbols; structure constants by least squares on w(ξ + η)."""
    variables = len(next(iter(symbols[0])))
    one = {(0,) * variables: 1}
    everything = [one, *symbols]
    pairs = [(a, b) for a in range(1, len(everything)) for b in range(a, len(everything))]
    columns = [_product(everything[a], everything[b]) for a, b in pairs]
    columns = [
        {k: column.get(k, 0) + (column.get(k[::-1], 0) if a != b else 0) for k in {*column, *(k[::-1] for k in column)}}
        if a != b
        else column
        for column, (a, b) in zip(columns, pairs, strict=True)
    ]
    table = []
    for out in range(1, len(everything)):
        target = _shifted(everything[out])
        keys = sorted({*target, *(k for column in columns for k in column)})
        matrix = np.array([[float(column.get(k, 0)) for column in columns] for k in keys])
        values = np.array([float(target.get(k, 0)) for k in keys])
        solution, *_ = np.linalg.lstsq(matrix, values, rcond=None)
        assert np.abs(matrix @ solution - values).max() < 1e-9, "the list is not closed under differentiation"
        for (a, b), value in zip(pairs, solution, strict=True):
            exact = Fraction(value).limit_denominator(1000)
            if exact:
                table.append(Term(a, b, out, Coefficient.of(exact)))
    elements = tuple(Element(str(freeze(p)), degree(p)) for p in everything)
    return Example(name, Algebra(elements, (), tuple(table)), tuple((freeze(p),) for p in everything), variables)


def _product(p: Polynomial, q: Polynomial) -> dict:
    return {(a, b): x * y for a, x in p.items() for b, y in q.items()}


def _shifted(p: Polynomial) -> dict:
    """Mixed part of w(ξ + η): no pure ξ or η terms."""
    result: dict = {}
    for exponents, value in p.items():
        for part in product(*(range(e + 1) for e in exponents)):
            rest = tuple(e - k for e, k in zip(exponents, part, strict=True))
            if any(part) and any(rest):
                key = (part, rest)
                result[key] = result.get(key, 0) + value * prod(
                    comb(e, k) for e, k in zip(exponents, part, strict=True)
                )
    return result


def univariate(order: int) -> Example:
    """f, f', …, f⁽ᵒʳᵈᵉʳ⁾."""
    return closed_algebra(f"univariate {order}", [{(k,): 1} for k in range(1, order + 1)])


def mixed(*powers: int) -> Example:
    """All derivatives dividing ∂^powers; (2, 2) is u_xxyy."""
    exponents = [e for e in product(*(range(p + 1) for p in powers)) if any(e)]
    return closed_algebra(f"monomial {powers}", [{e: 1} for e in sorted(exponents, key=sum)])


def joint(*powers: tuple[int, ...]) -> Example:
    """All derivatives dividing one of the ∂^powers: several monomial algebras at once."""
    exponents = {e for top in powers for e in product(*(range(p + 1) for p in top)) if any(e)}
    name = " and ".join("".join(v * p for v, p in zip("xyz", top, strict=False)) for top in powers)
    return closed_algebra(name, [{e: 1} for e in sorted(exponents, key=lambda e: (sum(e), e))])


def lumped() -> Example:
    """The algebra of u_yy + u_xxx, which is not graded by order: 1, x, y, xx, and the operator itself."""
    return closed_algebra("lumped u_yy + u_xxx", [{(1, 0): 1}, {(0, 1): 1}, {(2, 0): 1}, {(0, 2): 1, (3, 0): 1}])


def laplacian(dim: int, weights: Sequence[int] | None = None) -> Example:
    """f, ∇f as a family, Σ_i weight_i ∂_i²f."""
    chosen = tuple(weights or (1,) * dim)
    axis = Axis((CoordinateRange("x", 0, dim),), None, weights is None)
    exact = None if weights is None else tuple(map(Fraction, chosen))
    table = (Term(1, 1, 2, Coefficient.of(2), exact),)
    unit = [tuple(int(i == j) for i in range(dim)) for j in range(dim)]
    double = {tuple(2 * e for e in u): w for u, w in zip(unit, chosen, strict=True)}
    return Example(
        "Laplacian" if weights is None else "weighted Laplacian",
        Algebra((Element("u", 0), Element("∂ᵢu", 1, 0), Element("Δu", 2)), (axis,), table),
        ((freeze({(0,) * dim: 1}),), tuple(freeze({u: 1}) for u in unit), (freeze(double),)),
        dim,
    )


def heat_gradient(dim: int) -> Example:
    """1, ∂_i, ∂_t, Δ, ∂_t∂_i, ∂_tΔ: families of order one and two over one axis, beside a single coordinate t."""
    axis = Axis((CoordinateRange("x", 0, dim),), None, True)
    elements = (
        Element("u", 0), Element("∂ᵢu", 1, 0), Element("∂ₜu", 1), Element("Δu", 2), Element("∂ₜ∂ᵢu", 2, 0),
        Element("∂ₜΔu", 3),
    )  # fmt: skip
    one = Coefficient.of(1)
    two = Coefficient.of(2)
    table = (Term(1, 1, 3, two), Term(1, 2, 4, one), Term(1, 4, 5, two), Term(2, 3, 5, one))
    unit = [tuple(int(i == j) for i in range(dim + 1)) for j in range(dim)]
    t = (0,) * dim + (1,)
    add = lambda a, b: tuple(x + y for x, y in zip(a, b, strict=True))
    return Example(
        "∂ₜΔ",
        Algebra(elements, (axis,), table),
        (
            (freeze({(0,) * (dim + 1): 1}),),
            tuple(freeze({u: 1}) for u in unit),
            (freeze({t: 1}),),
            (freeze({add(u, u): 1 for u in unit}),),
            tuple(freeze({add(u, t): 1}) for u in unit),
            (freeze({add(add(u, u), t): 1 for u in unit}),),
        ),
        dim + 1,
    )


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Surface:
    """x(ε) = Σ_α X_α ε^α/α! for every argument: the polynomial the seeds are taken from."""

    example: Example = field(metadata={"static": True})
    derivatives: tuple[dict[tuple[int, ...], jax.Array], ...]

    def seeds(self, argument: int) -> dict[int, jax.Array]:
        """Return w(∂)x at 0 for every element."""
        table = self.derivatives[argument]
        zero = next(iter(table.values())) * 0
        result = {}
        for k in range(1, len(self.example.algebra.elements)):
            rows = [sum((c * table.get(e, zero) for e, c in p.items()), zero) for p in self.example.polynomials(k)]
            family = self.example.algebra.elements[k].axis is not None
            result[k] = jnp.stack(rows) if family else rows[0]
        return result

    def points(self, epsilon: jax.Array) -> list[jax.Array]:
        return [
            sum(
                value * prod(epsilon[i] ** k / factorial(k) for i, k in enumerate(e) if k) for e, value in table.items()
            )
            for table in self.derivatives
        ]


def surface(example: Example, arguments: Sequence[jax.Array], seed: int = 0, size: float = 0.3) -> Surface:
    """Return a random polynomial surface through the arguments."""
    random = np.random.default_rng(seed)
    exponents = sorted({e for symbols in example.symbols for symbol in symbols for e, _ in symbol if any(e)})
    tables = []
    for x in arguments:
        table = {(0,) * example.variables: jnp.asarray(x)}
        for e in exponents:
            noise = random.normal(size=np.shape(x)) * size
            if jnp.iscomplexobj(x):
                noise = noise + 1j * random.normal(size=np.shape(x)) * size
            table[e] = jnp.asarray(noise, jnp.asarray(x).dtype)
        tables.append(table)
    return Surface(example, tuple(tables))


def expected(function: Callable, surf: Surface) -> list[list]:
    """Return w(∂) of ε ↦ function(x(ε)) at 0 by nested forward differentiation, per element and direction."""
    example = surf.example
    symbols = [example.polynomials(k) for k in range(len(example.algebra.elements))]
    towers = {e: None for directions in symbols for polynomial in directions for e in polynomial}
    tops = [e for e in towers if not any(e != f and all(a <= b for a, b in zip(e, f, strict=True)) for f in towers)]
    values = {top: _tower(function, surf, top) for top in tops}

    def partial(exponents: tuple[int, ...]):
        top = next(t for t in tops if all(a <= b for a, b in zip(exponents, t, strict=True)))
        value = values[top]
        for taken, available in reversed(list(zip(exponents, top, strict=True))):
            for level in range(available):
                value = value[level < taken]
        return value

    def combined(polynomial: Polynomial):
        terms = [jax.tree_util.tree_map(lambda v, c=c: c * v, partial(e)) for e, c in polynomial.items()]
        return jax.tree_util.tree_map(lambda *parts: sum(parts), *terms)

    return [[combined(polynomial) for polynomial in directions] for directions in symbols]


def _tower(function: Callable, surf: Surface, exponents: tuple[int, ...]):
    """Nested pairs (value, derivative) of ε ↦ function(x(ε)) at 0, last variable outermost."""

    def along(epsilon):
        return function(*surf.points(epsilon))

    for variable, times in enumerate(exponents):
        for _ in range(times):
            along = _pair(along, np.eye(len(exponents))[variable])
    return along(jnp.zeros(len(exponents)))


def _pair(function: Callable, direction: np.ndarray) -> Callable:
    return lambda epsilon: jax.jvp(function, (epsilon,), (jnp.asarray(direction),))
