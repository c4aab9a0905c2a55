"""Series arithmetic: sums, products and compositions of truncated series over an algebra.

    (ab)_w  = a b_w + a_w b + Σ T^w_lr a_l b_r                                (Leibniz table of `ir.algebra`)
    f(a)_w  = Σ_j f⁽ʲ⁾(a₀) p_j,w,   p_j = nʲ/j!,   n = a − a₀                 (Taylor; nʲ lives in degrees ≥ j)

The divided powers p_j hold the partial Bell polynomials of the Faà di Bruno formula for any algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.taylor import blocks
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.pairs import Pairs
from opcompiler.taylor.seeds import Seed
from opcompiler.taylor.sparse import Sparse
from opcompiler.taylor.structure import Product, Structure

__all__ = [
    "Series",
    "aligned",
    "compose",
    "constant",
    "is_series",
    "map_blocks",
    "multiply_series",
    "powers",
    "product_blocks",
    "restricted",
    "simplified",
]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Series:
    """A value inside the interpreter: the primal and one block per element ≥ 1 (entry k − 1)."""

    primal: jax.Array
    blocks: tuple[Block, ...]

    @property
    def shape(self) -> Shape:
        """Shape of the primal."""
        return np.shape(self.primal)

    @property
    def ndim(self) -> int:
        """Rank of the primal."""
        return np.ndim(self.primal)

    @property
    def dtype(self) -> Any:
        """Dtype of the primal."""
        return jnp.result_type(self.primal)

    def block(self, element: int) -> Block:
        """Return the block of element ≥ 1."""
        return self.blocks[element - 1]

    def dense(self, element: int) -> jax.Array | None:
        """Return the block of element ≥ 1 with coordinate seeds written out, still broadcastable."""
        return blocks.densify(self.block(element), self.shape, self.dtype)

    @property
    def present(self) -> tuple[int, ...]:
        """Elements ≥ 1 that are not structurally zero."""
        return tuple(k for k, block in enumerate(self.blocks, 1) if block is not None)


jax.tree_util.register_pytree_node(
    Series, lambda s: ((s.primal, s.blocks), None), lambda _, children: Series(children[0], children[1])
)


def is_series(value: Any) -> bool:
    """Whether the value depends on the variables (or may)."""
    return isinstance(value, Series)


def constant(value: Any) -> Any:
    """Return the primal of a series, other values unchanged."""
    return value.primal if isinstance(value, Series) else value


def simplified(value: Any) -> Any:
    """Return a series without any coefficient as a plain array."""
    if isinstance(value, Series) and all(block is None for block in value.blocks):
        return value.primal
    return value


def restricted(value: Any, elements: Collection[int]) -> Any:
    """Return a series without the coefficients that nobody asks for."""
    if not isinstance(value, Series):
        return value
    return Series(value.primal, tuple(b if k in elements else None for k, b in enumerate(value.blocks, 1)))


def aligned(value: Any, shape: Shape) -> Any:
    """Return an operand of an elementwise primitive as the primitive sees it: with the shape of its result.

    Elementwise primitives broadcast scalars and axes of length one. A plain scalar only gets its rank.
    """
    if np.shape(value if not isinstance(value, Series) else value.primal) == shape:
        return value
    if not isinstance(value, Series):
        return jnp.reshape(value, np.shape(value) or (1,) * len(shape))
    added = len(shape) - value.ndim
    own = (1,) * added + value.shape

    def moved(block: Block) -> Block:
        if isinstance(block, Seed):
            scale = (
                block.scale if np.ndim(block.scale) == 0 else jnp.reshape(block.scale, (1,) * added + block.scale.shape)
            )
            axes = tuple(axis + added for axis in block.axes if own[axis + added] != 1)
            return Seed(block.runs, scale, axes, block.directions)
        block = blocks.densify(block, value.shape, value.dtype)
        return None if block is None else jnp.reshape(block, (block.shape[0], *(1,) * added, *block.shape[1:]))

    return Series(jnp.broadcast_to(jnp.reshape(value.primal, own), shape), tuple(map(moved, value.blocks)))


def map_blocks(value: Series, function: Callable[[jax.Array], jax.Array], primal: Any) -> Series:
    """Apply a function that is linear along the trailing axes to every dense block."""
    dense = (value.dense(k) for k in range(1, len(value.blocks) + 1))
    return Series(primal, tuple(None if block is None else function(block) for block in dense))


def product_blocks(
    structure: Structure,
    terms: Iterable[Product],
    a: Sequence[Block],
    b: Sequence[Block],
    element: int,
    shape: Shape,
    dtype: Any,
    weight: Callable[[int, int], float] | None = None,
) -> list[Block]:
    """Return the contributions of the table to one element of a·b; a and b are indexed by element − 1.

    With `weight` the product of the elements l of a and r of b counts weight(l, r) times.
    """
    contributions: list[Block] = []
    for term in terms:
        if a is b and weight is None:
            factor = 2.0 if term.left != term.right else 1.0
            pair, meeting = (a[term.left - 1], b[term.right - 1]), _of_equal_factors(term)
            contributions.append(_term(structure, term, pair, meeting, element, factor, shape, dtype))
            continue
        contributions += [
            _term(structure, term, (a[left - 1], b[right - 1]), meeting, element, factor, shape, dtype)
            for left, right, meeting in term.orientations
            if (factor := weight(left, right) if weight else 1.0)
        ]
    return [c for c in contributions if c is not None]


def _term(
    structure: Structure,
    term: Product,
    pair: tuple[Block, Block],
    meeting: Pairs | None,
    element: int,
    factor: float,
    shape: Shape,
    dtype: Any,
) -> Block:
    if meeting is not None:
        left, right = (blocks.densify(block, shape, dtype) for block in pair)
        if left is None or right is None:
            return None
        return blocks.scale(meeting.product(left, right, jnp.multiply), term.constant * factor)
    families = structure.is_family(term.left) or structure.is_family(term.right)
    if families and not structure.is_family(element):
        rows = max(
            (b.directions if isinstance(b, Seed | Sparse) else b.shape[0] for b in pair if b is not None), default=0
        )
        product = blocks.contract(*pair, term.weights_of(rows), shape, dtype)
    else:
        product = blocks.multiply(*pair, shape, dtype)
    return blocks.scale(product, term.constant * factor)


def multiply_series(structure: Structure, a: Series, b: Series, primal: jax.Array, needed: frozenset[int]) -> Series:
    """Return a·b elementwise; `primal` is its value, equal ranks are assumed."""
    shape, dtype = np.shape(primal), jnp.result_type(primal)
    square = a is b
    result: list[Block] = [None] * len(a.blocks)
    for k in sorted(needed - {0}):
        if square:
            contributions = [blocks.scale(blocks.scale(a.block(k), a.primal), 2.0)]
        else:
            contributions = [blocks.scale(b.block(k), a.primal), blocks.scale(a.block(k), b.primal)]
        contributions += product_blocks(structure, structure.products[k], a.blocks, b.blocks, k, shape, dtype)
        result[k - 1] = blocks.total(contributions, shape, dtype)
    return Series(primal, tuple(result))


def powers(structure: Structure, n: Sequence[Block], needed: frozenset[int], shape: Shape, dtype: Any, highest: int):
    """Return [p_2, …, p_highest], the divided powers nʲ/j! as lists of blocks, restricted to what `needed` uses."""
    result: list[list[Block]] = []
    wanted = structure.closure(needed)
    previous: Sequence[Block] = n
    for j in range(2, highest + 1):
        current: list[Block] = [None] * len(n)
        for k in sorted(wanted if j < highest else needed):
            if structure.degrees[k] < j:
                continue
            terms = structure.products[k]
            if j == 2:
                contributions = [
                    _term(
                        structure, t, (n[t.left - 1], n[t.right - 1]), _of_equal_factors(t), k, _half(t), shape, dtype
                    )
                    for t in terms
                ]
            else:
                contributions = product_blocks(structure, terms, n, previous, k, shape, dtype)
            value = blocks.total(contributions, shape, dtype)
            current[k - 1] = value if j == 2 else blocks.scale(value, 1.0 / j)
        result.append(current)
        previous = current
        if all(block is None for block in current):
            break
    return result


def _half(term: Product) -> float:
    """n²/2: a square counts half, a mixed product (which the table counts twice) once."""
    return 0.5 if term.left == term.right else 1.0


def _of_equal_factors(term: Product) -> Pairs | None:
    """Return which rows meet in a square."""
    return term.pairs.of_square if term.pairs is not None and term.left == term.right else term.pairs


def compose(
    structure: Structure, argument: Series, primal: jax.Array, derivatives: Sequence[Any], needed: frozenset[int]
) -> Series:
    """Return f(argument) from its value and its derivatives f', f'', … at the primal (None: zero from there on)."""
    shape, dtype = argument.shape, argument.dtype
    available = [d for d in derivatives if d is not None]
    degree = max((structure.degrees[k] for k in needed), default=0)
    highest = min(len(available), degree)
    n = argument.blocks
    divided = [n, *powers(structure, n, needed, shape, dtype, highest)] if highest else []
    result: list[Block] = [None] * len(n)
    for k in sorted(needed - {0}):
        contributions = [blocks.scale(p[k - 1], f) for p, f in zip(divided, available, strict=False)]
        result[k - 1] = blocks.total(contributions, shape, dtype)
    return Series(primal, tuple(result))
