"""The algebra as the interpreter uses it: products by result, numeric structure constants, closures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.errors import ShapeError
from opcompiler.ir.algebra import Algebra
from opcompiler.ir.coefficient import Coefficient
from opcompiler.taylor.pairs import Pairs

__all__ = ["Product", "Structure", "factors_of", "number", "structure_of"]


Number = Any
"""A Python number, or a 0-d array where a structure constant depends on a run-time scalar."""


@dataclass(frozen=True, eq=False)
class Product:
    """constant · (a_left · b_right, symmetrised if left ≠ right), summed over directions with `weights` if given.

    Between stacks of elements `pairs` says which rows meet; from one stack every pair is listed in both orders.
    """

    left: int
    right: int
    constant: Number
    weights: np.ndarray | None = None
    pairs: Pairs | None = None

    @property
    def orientations(self) -> list[tuple[int, int, Pairs | None]]:
        """The elements of the left and the right factor, in one or both orders, with the rows that meet."""
        one = (self.left, self.right, self.pairs)
        return [one] if self.left == self.right else [one, (self.right, self.left, self.pairs and self.pairs.swapped)]

    @property
    def is_numeric(self) -> bool:
        """Whether no structure constant depends on a run-time scalar."""
        return isinstance(self.constant, int | float) and (self.pairs is None or self.pairs.is_numeric)

    def weights_of(self, directions: int) -> np.ndarray | None:
        """Return the weights of a sum over so many directions.

        Signs belong to recombined directions; before these meet, sums are over the original ones.
        """
        return self.weights if self.weights is not None and len(self.weights) == directions else None


@dataclass(frozen=True, eq=False)
class Structure:
    """One algebra with numeric structure constants, compared by identity.

    Attributes:
        degrees: degree of every element.
        axes: direction axis of every element, None for a single one.
        sizes: number of directions of every element, of rows of a stack, 1 for a single one.
        products: for every element the products that contribute to it.
        factors: for every element the elements that (transitively) enter its coefficient in any product.
    """

    degrees: tuple[int, ...]
    axes: tuple[int | None, ...]
    sizes: tuple[int, ...]
    products: tuple[tuple[Product, ...], ...]
    factors: tuple[frozenset[int], ...]

    @property
    def size(self) -> int:
        """Number of elements, families counted once."""
        return len(self.degrees)

    @property
    def order(self) -> int:
        """Highest degree."""
        return max(self.degrees)

    @property
    def everything(self) -> frozenset[int]:
        """All element numbers."""
        return frozenset(range(self.size))

    def closure(self, wanted: Iterable[int]) -> frozenset[int]:
        """Return the elements of an argument that a nonlinear function needs for these elements of its result."""
        return frozenset().union(*(self.factors[k] for k in wanted))

    def by_degree(self, wanted: Iterable[int]) -> list[int]:
        """Return the elements ≥ 1 that the wanted ones are made of, lowest degree first."""
        return sorted(self.closure(wanted) - {0}, key=lambda k: (self.degrees[k], k))

    @cached_property
    def is_graded(self) -> bool:
        """Whether every product has exactly the degree of its factors together."""
        return all(
            self.degrees[k] == self.degrees[p.left] + self.degrees[p.right]
            for k, terms in enumerate(self.products)
            for p in terms
        )

    @property
    def is_numeric(self) -> bool:
        """Whether no structure constant depends on a run-time scalar."""
        return all(p.is_numeric for terms in self.products for p in terms)

    def signed(self, signs: Mapping[int, np.ndarray]) -> Structure:
        """Return the structure in which sums over the directions of some axes have signs."""

        def with_signs(product: Product, out: int) -> Product:
            axis = self.axes[product.left]
            if axis is None or axis not in signs or self.axes[out] is not None:
                return product
            return replace(product, weights=signs[axis])

        terms = (tuple(with_signs(p, out) for p in products) for out, products in enumerate(self.products))
        return replace(self, products=tuple(terms)) if signs else self

    def is_family(self, element: int) -> bool:
        """Whether the element is a family."""
        return self.axes[element] is not None


def structure_of(algebra: Algebra, scalars: Sequence[Any] = ()) -> Structure:
    """Return the structure of `algebra`, with run-time scalars inserted.

    Raises:
        ShapeError: fewer scalars than the table mentions, or one that is not a number.
    """
    if any(np.ndim(s) for s in scalars):
        raise ShapeError(
            "a scalar of the product table must be a single number", hint="use jax.vmap over a batch of it"
        )
    if all(term.coefficient.is_rational for term in algebra.table):
        return _rational_structure(algebra)
    return _structure(algebra, scalars)


@lru_cache(maxsize=256)
def _rational_structure(algebra: Algebra) -> Structure:
    return _structure(algebra, ())


def _structure(algebra: Algebra, scalars: Sequence[Any]) -> Structure:
    count = len(algebra.elements)
    products: list[list[Product]] = [[] for _ in range(count)]
    for term in algebra.table:
        constant, weights = number(term.coefficient, scalars), None
        if term.weights and all(w == term.weights[0] for w in term.weights):
            constant = constant * float(term.weights[0])  # stays valid if the directions are recombined
        elif term.weights:
            weights = np.array([float(w) for w in term.weights])
        products[term.out].append(Product(term.left, term.right, constant, weights))
    return Structure(
        tuple(e.degree for e in algebra.elements),
        tuple(e.axis for e in algebra.elements),
        tuple(algebra.size(e) for e in algebra.elements),
        tuple(map(tuple, products)),
        factors_of(products),
    )


def factors_of(products: Sequence[Sequence[Product]]) -> tuple[frozenset[int], ...]:
    """Return for every element the elements that enter it through products, transitively, itself and 0 included."""
    factors = [{0, k} | {f for p in terms for f in (p.left, p.right)} for k, terms in enumerate(products)]
    changed = True
    while changed:
        changed = False
        for k, known in enumerate(factors):
            larger = known.union(*(factors[f] for f in known))
            if len(larger) > len(known):
                factors[k] = larger
                changed = True
    return tuple(map(frozenset, factors))


def number(coefficient: Coefficient, scalars: Sequence[Any] = ()) -> Number:
    """Return the value of an exact coefficient: a float, or a 0-d array where scalars occur.

    Raises:
        ShapeError: a scalar is missing.
    """
    if coefficient.is_rational:
        return float(coefficient.rational)
    total: Number = 0.0
    for monomial, rational in coefficient.terms:
        value: Number = float(rational)
        for scalar, power in monomial:
            if scalar >= len(scalars):
                raise ShapeError(f"the algebra needs scalar s{scalar}; {len(scalars)} were given")
            value = value * jnp.asarray(scalars[scalar]) ** power
        total = total + value
    return jax.numpy.asarray(total)
