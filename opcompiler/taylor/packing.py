"""Large algebras: single elements of one degree become the rows of one stack.

Left alone every element has a block of its own, every entry of the product table a multiplication, and programs grow
with the table: D²u has d(d + 1)/2 entries. In the packed structure a stack is an element with many rows; linear maps
treat it as they treat families, products are `Pairs`. For small tables single blocks are better: what is zero in them
is known, nothing is gathered, and the reverse pass has less to write down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.demand import Elements
from opcompiler.taylor.pairs import Pairs
from opcompiler.taylor.seeds import Seed, merge_runs
from opcompiler.taylor.series import Series
from opcompiler.taylor.structure import Product, Structure, factors_of

__all__ = ["LARGE_TABLE", "Packing", "packing_of"]

LARGE_BASIS = 64
"""Elements from which on those of an algebra of second order are stacked."""

LARGE_TABLE = 1000
"""Entries of the product table from which on those of any algebra are stacked.

Beyond second order stacked products run slower than written-out ones, which the compiler keeps in registers; they are
for tables whose programs take minutes to compile.
"""


@dataclass(frozen=True, eq=False)
class Packing:
    """How the elements of an algebra are stacked.

    Attributes:
        structure: the packed algebra.
        groups: for every packed element the elements that are its rows.
        places: for every element its packed element and its row.
    """

    structure: Structure
    groups: tuple[tuple[int, ...], ...]
    places: tuple[tuple[int, int], ...]

    def elements(self, wanted: Elements) -> Elements:
        """Return the packed elements that hold these elements."""
        return frozenset(self.places[k][0] for k in wanted)

    def packed(self, series: Series) -> Series:
        """Return the series with stacked blocks."""
        shape, dtype = series.shape, series.dtype
        stacks = ([series.block(k) for k in group] for group in self.groups[1:])
        return Series(series.primal, tuple(_stacked(stack, shape, dtype) for stack in stacks))


def _stacked(entries: Sequence[Block], shape: tuple[int, ...], dtype: Any) -> Block:
    """Stack blocks of one row each; seeds at different positions of one point stay a seed."""
    if len(entries) == 1 or all(block is None for block in entries):
        return entries[0]
    seeds = [(row, block) for row, block in enumerate(entries) if isinstance(block, Seed)]
    if len(seeds) == sum(block is not None for block in entries):
        first = seeds[0][1]
        alike = all(
            s.axes == first.axes and isinstance(s.scale, int | float) and s.scale == first.scale for _, s in seeds
        )
        runs = [(row + direction, position, n) for row, s in seeds for direction, position, n in s.runs]
        touched = [position + i for _, position, n in runs for i in range(n)]
        if alike and len(set(touched)) == len(touched):
            return Seed(merge_runs(runs), first.scale, first.axes, len(entries))
    arrays = [blocks.densify(block, shape, dtype) for block in entries]
    trailing = np.broadcast_shapes(*(a.shape[1:] for a in arrays if a is not None))
    full = [
        jnp.zeros((1, *trailing), dtype) if a is None else jnp.broadcast_to(a, (1, *trailing)).astype(dtype)
        for a in arrays
    ]
    return lax.concatenate(full, 0)


def packing_of(structure: Structure, wanted: Elements, alone: Collection[int] = ()) -> Packing | None:
    """Return how to stack the elements, None where the table is small.

    Args:
        structure: the algebra.
        wanted: elements that will be read, stacked apart from the others, which the last layer does not compute.
        alone: elements that keep a block of their own.
    """
    table = [(out, term) for out, terms in enumerate(structure.products) for term in terms]
    if not table or (len(table) < LARGE_TABLE and (structure.order > 2 or structure.size < LARGE_BASIS)):
        return None
    single = {0, *alone, *(k for k in range(structure.size) if structure.is_family(k))}
    for out, term in table:
        triple = {out, term.left, term.right}
        if any(structure.is_family(k) for k in triple):
            single |= triple
    members: dict[Any, list[int]] = {}
    for k, degree in enumerate(structure.degrees):
        members.setdefault(k if k in single else (degree, k in wanted), []).append(k)
    groups = tuple(map(tuple, members.values()))
    if len(groups) == structure.size:
        return None
    places = {k: (number, row) for number, group in enumerate(groups) for row, k in enumerate(group)}
    products = _packed_products(table, groups, places)
    packed = Structure(
        tuple(structure.degrees[group[0]] for group in groups),
        tuple(structure.axes[group[0]] for group in groups),
        tuple(structure.sizes[group[0]] if len(group) == 1 else len(group) for group in groups),
        products,
        factors_of(products),
    )
    return Packing(packed, groups, tuple(places[k] for k in range(structure.size)))


def _packed_products(
    table: Sequence[tuple[int, Product]], groups: Sequence[Sequence[int]], places: dict[int, tuple[int, int]]
) -> tuple[tuple[Product, ...], ...]:
    products: list[list[Product]] = [[] for _ in groups]
    entries: dict[tuple[int, int, int], list[tuple[int, int, int, Any]]] = defaultdict(list)
    for out, term in table:
        (left, i), (right, j), (result, row) = places[term.left], places[term.right], places[out]
        if all(len(groups[g]) == 1 for g in (left, right, result)):
            ordered = (left, right) if left <= right else (right, left)
            products[result].append(Product(*ordered, term.constant, term.weights))
            continue
        if left > right:
            (left, i), (right, j) = (right, j), (left, i)
        entries[left, right, result].append((i, j, row, term.constant))
        if left == right and i != j:
            entries[left, right, result].append((j, i, row, term.constant))
    for (left, right, result), rows in entries.items():
        i, j, out, constants = zip(*rows, strict=True)
        numeric = all(isinstance(c, int | float) for c in constants)
        stacked = np.array(constants, float) if numeric else jnp.stack(list(map(jnp.asarray, constants)))
        pairs = Pairs(np.array(i), np.array(j), np.array(out), stacked, len(groups[result]))
        products[result].append(Product(left, right, 1.0, None, pairs))
    return tuple(map(tuple, products))
