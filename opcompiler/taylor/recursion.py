"""Coefficients of f(x) from the tangents of f, degree by degree.

Let h(x, t) be the tangent of f at x in direction t, an ordinary JAX function that is linear in t. Over a graded
algebra the degree derivation E (E e_a = deg(a) e_a) gives E f(x) = h(x, E x), so with n = Σ_a n_a e_a

    deg(c) · f(x)_c = Σ_{a,b} deg(a) T^c_ab [h(x, n_a)]_b,

where h(·, n_a) is needed to degree deg(c) − deg(a) only: the recursion ends. What h has in common for all directions is
evaluated once, and where h calls f itself at x the coefficients of lower degree are those found before, so that
programs grow like products of series do. An algebra that is not graded is replaced by its Rees algebra, whose element
(k, j) is the part of element k that comes from j nilpotent factors: there d/ds f(x₀ + s n) = h(x₀ + s n, n) is the same
statement, and f(x)_k is the sum over j.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
from jax import numpy as jnp

from opcompiler.taylor import blocks
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.interpreter import Interpreter
from opcompiler.taylor.registry import Application
from opcompiler.taylor.series import Series, compose, constant, is_series, map_blocks, restricted, simplified
from opcompiler.taylor.structure import Product, Structure, factors_of
from opcompiler.taylor.tangent import Tangent, without_derivative
from opcompiler.taylor.tangent_program import Part, TangentProgram, taken_apart
from opcompiler.taylor.univariate import derivatives_of

__all__ = ["differentiated", "rees"]


def differentiated(application: Application, *inputs: Any) -> list[Any]:
    """Return f(x) for the series x among the inputs, from the tangents of f.

    Raises:
        UnsupportedPrimitiveError: f has no derivative, or one that JAX itself cannot differentiate once more.
    """
    tangent = Tangent.of(application, inputs)
    try:
        if tangent.is_pointwise:
            return [_pointwise(application, tangent)]
        if application.structure.is_graded:
            return _graded(tangent, application.structure, tangent.series, application.needed)
        return _ungraded(application, tangent)
    except jax.errors.UnexpectedTracerError as problem:
        raise without_derivative(application) from problem


def _pointwise(application: Application, tangent: Tangent) -> Series:
    """f(x) from the scalar derivatives of x ↦ h(x, 1)."""
    (series,) = tangent.series
    (place,) = tangent.active
    order = max(application.structure.degrees[k] for k in application.wanted)

    def slope(x: jax.Array) -> jax.Array:
        points = [*tangent.points[:place], x, *tangent.points[place + 1 :]]
        directions = tangent.directions([jnp.ones_like(x)])
        return tangent.program.evaluate([*points, *directions], lambda _, value: value)[0]

    derivatives = derivatives_of(slope, series.primal, order - 1)
    return compose(application.structure, series, tangent.values[0], derivatives, application.wanted)


def _graded(
    tangent: Tangent, structure: Structure, series: Sequence[Series], needed: Sequence[frozenset[int]]
) -> list[Any]:
    parts = taken_apart(tangent.program, len(tangent.inputs), tangent.calls_itself)
    recursion = _Recursion(tangent, structure, parts, tuple(series))
    wanted = frozenset().union(*needed) - {0}
    steps = [wanted]
    if parts.own:
        computed = structure.closure(wanted) - {0}
        steps = [frozenset(k for k in computed if structure.degrees[k] == d) for d in range(1, structure.order + 1)]
    recursion.prepare(steps)
    for step in steps:
        recursion.advance(step)
    return recursion.results


@dataclass(eq=False)
class _Recursion:
    """f(x) as far as it is known, and what is known of the coefficients of h.

    Attributes:
        tangent: h.
        structure: a graded algebra.
        parts: h, taken apart.
        series: the inputs of f that vary.
        values: numbers of the program → series or plain arrays.
        outputs: per result of f that carries derivatives its blocks.
        known: elements to which the part of h that depends on f(x) was evaluated.
    """

    tangent: Tangent
    structure: Structure
    parts: TangentProgram
    series: tuple[Series, ...]
    values: dict[int, Any] = field(default_factory=dict)
    outputs: list[list[Block]] = field(default_factory=list)
    known: frozenset[int] = frozenset()

    @property
    def interpreter(self) -> Interpreter:
        return Interpreter(self.structure)

    @property
    def members(self) -> list[int]:
        """Elements with a direction."""
        return sorted({a for s in self.series for a in s.present})

    @property
    def results(self) -> list[Any]:
        """The results of f, as far as their coefficients are known."""
        results: list[Any] = list(self.tangent.values)
        for i, output in zip(self.tangent.smooth, self.outputs, strict=True):
            results[i] = Series(self.tangent.values[i], tuple(output))
        return results

    def prepare(self, steps: Sequence[frozenset[int]]) -> None:
        """Evaluate what depends on x alone, for all steps."""
        varying = dict(zip(self.tangent.active, self.series, strict=True))
        inputs = [varying.get(i, point) for i, point in enumerate(self.tangent.points)]
        self.values = dict(zip(self.parts.points, inputs, strict=True))
        self.outputs = [[None] * (self.structure.size - 1) for _ in self.tangent.smooth]
        self._evaluate(self.parts.fixed, frozenset().union(*map(self._met, steps)))

    def advance(self, step: frozenset[int]) -> None:
        """Compute the elements of one step, from those of the steps before."""
        new = self._met(step) - self.known
        if new:
            for numbers, result in zip(self.parts.own, self.results, strict=False):
                self.values |= dict.fromkeys(numbers, result)
            self._evaluate(self.parts.following, new)
            self.known |= new
        for a in self.members:
            partners = _partners(self.structure, step, a)
            if partners:
                for output, result in zip(self.outputs, self._along(a, frozenset(partners)), strict=True):
                    _collect(self.structure, step, a, result, output)

    def _met(self, step: frozenset[int]) -> frozenset[int]:
        """Elements of the coefficients of h that enter these elements of f(x), through products in h too."""
        partners = frozenset().union(*(_partners(self.structure, step, a) for a in self.members))
        return self.structure.closure(partners)

    def _evaluate(self, part: Part, elements: frozenset[int]) -> None:
        """Add these elements of a part's results to what is known of them."""
        inputs = [simplified(self.values[n]) for n in part.inputs]
        results = self.interpreter.run(part.closed, inputs, [elements | {0}] * len(part.outputs))
        for number, result in zip(part.outputs, results, strict=True):
            found, before = restricted(result, elements), self.values.get(number)
            if isinstance(before, Series) and isinstance(found, Series):
                pairs = zip(before.blocks, found.blocks, strict=True)
                self.values[number] = Series(before.primal, tuple(new if old is None else old for old, new in pairs))
            elif before is None or isinstance(found, Series):
                self.values[number] = found

    def _along(self, a: int, partners: frozenset[int]) -> list[Any]:
        """Return h(x, n_a) over the algebra, batched over the directions of a (a leading axis everywhere).

        Two different directions of an axis annihilate each other, so direction r only meets direction r of x.
        """
        structure, linear = self.structure, self.parts.linear
        dense = [s.dense(a) for s in self.series]
        rows = max(d.shape[0] for d in dense if d is not None)
        rows = structure.sizes[a] if structure.axes[a] is None else rows
        directions = [
            jnp.zeros((rows, *s.shape), s.dtype) if d is None else jnp.broadcast_to(d, (rows, *s.shape))
            for s, d in zip(self.series, dense, strict=True)
        ]
        axis = structure.axes[a]
        families = [k for k in range(1, structure.size) if axis is not None and structure.axes[k] == axis]
        varying = [n for n in linear.inputs if is_series(self.values.get(n))]
        same = [[self.values[n].dense(k) for k in families] for n in varying]

        def along(t: Sequence[jax.Array], row: Sequence[Sequence[jax.Array | None]]) -> list[Any]:
            known = {**self.values, **dict(zip(self.parts.directions, self.tangent.directions(t), strict=True))}
            for n, blocks_of_row in zip(varying, row, strict=True):
                entries = list(self.values[n].blocks)
                for k, block in zip(families, blocks_of_row, strict=True):
                    entries[k - 1] = None if block is None else block[None]
                known[n] = Series(self.values[n].primal, tuple(entries))
            inputs = [known[n] for n in linear.inputs]
            results = self.interpreter.run(linear.closed, inputs, [partners | {0}] * len(linear.closed.jaxpr.outvars))
            # The axes of a seed are numbered without the one over the directions that is added here.
            return [map_blocks(r, lambda block: block, r.primal) if is_series(r) else r for r in results]

        if rows > 1:
            return jax.vmap(along)(directions, same)
        only = jax.tree_util.tree_map(lambda block: block[0], (directions, same))
        return jax.tree_util.tree_map(lambda block: jnp.asarray(block)[None], along(*only))


def _partners(structure: Structure, wanted: frozenset[int], a: int) -> set[int]:
    """Elements b (0 for 1) with a nonzero product a·b among the wanted ones."""
    partners = {0} if a in wanted else set()
    for c in wanted:
        for product in structure.products[c]:
            if product.left == a:
                partners.add(product.right)
            if product.right == a:
                partners.add(product.left)
    return partners


def _collect(structure: Structure, wanted: frozenset[int], a: int, result: Any, output: list[Block]) -> None:
    """Add the contributions of h(x, n_a), batched over the directions of a, to every wanted element."""
    primal = constant(result)
    shape, dtype = primal.shape[1:], primal.dtype

    def put(c: int, block: Block) -> None:
        output[c - 1] = blocks.add(output[c - 1], block, shape, dtype)

    if a in wanted:
        put(a, primal)
    if not is_series(result):
        return
    for c in sorted(wanted):
        for product in structure.products[c]:
            for left, right, meeting in product.orientations:
                if left != a or result.blocks[right - 1] is None:
                    continue
                block = result.blocks[right - 1]
                factor = structure.degrees[a] / structure.degrees[c]
                if meeting is None:
                    part = _directed(structure, a, right, c, product, block)
                else:
                    part = meeting.collected(lambda i, j, block=block: block[i, j if block.shape[1] > 1 else 0])
                put(c, blocks.scale(part, product.constant * factor))


def _directed(structure: Structure, a: int, b: int, c: int, product: Product, block: jax.Array) -> jax.Array:
    """Turn (directions of a, directions of b, …) into the block of c."""
    if structure.axes[a] is not None and structure.axes[a] == structure.axes[b]:
        block = block[:, 0]
    elif structure.axes[a] is None:
        block = block[0]
    else:
        block = block[:, 0]
    if structure.is_family(c):
        return block
    if product.weights is not None:
        block = block * jnp.asarray(product.weights, block.dtype).reshape((-1,) + (1,) * (block.ndim - 1))
    return jnp.sum(block, axis=0, keepdims=True)


# algebras that are not graded ---------------------------------------------------------------------------------------


def rees(structure: Structure) -> tuple[Structure, tuple[tuple[int, int], ...]]:
    """Return the Rees algebra and its elements (k, j): element k as far as it comes from j nilpotent factors."""
    labels = [(0, 0)]
    labels += [(k, j) for k in range(1, structure.size) for j in range(1, structure.degrees[k] + 1)]
    number = {label: n for n, label in enumerate(labels)}
    products: list[list[Product]] = [[] for _ in labels]
    for k, terms in enumerate(structure.products):
        for term in terms:
            for i in range(1, structure.degrees[term.left] + 1):
                for j in range(1, structure.degrees[term.right] + 1):
                    if term.left == term.right and i > j:
                        continue
                    left, right = number[term.left, i], number[term.right, j]
                    products[number[k, i + j]].append(replace(term, left=left, right=right))
    lifted = Structure(
        tuple(j for _, j in labels),
        tuple(structure.axes[k] for k, _ in labels),
        tuple(structure.sizes[k] for k, _ in labels),
        tuple(map(tuple, products)),
        factors_of(products),
    )
    return lifted, tuple(labels)


def _ungraded(application: Application, tangent: Tangent) -> list[Any]:
    structure, labels = rees(application.structure)
    number = {label: n for n, label in enumerate(labels)}
    series = []
    for s in tangent.series:
        entries: list[Block] = [None] * (structure.size - 1)
        for k in s.present:
            entries[number[k, 1] - 1] = s.block(k)
        series.append(Series(s.primal, tuple(entries)))
    needed = [frozenset(n for n, (k, _) in enumerate(labels) if k in wanted) for wanted in application.needed]
    lifted = _graded(tangent, structure, series, needed)
    results = []
    for value in lifted:
        if not is_series(value):
            results.append(value)
            continue
        entries = []
        for k in range(1, application.structure.size):
            parts = [value.block(number[k, j]) for j in range(1, application.structure.degrees[k] + 1)]
            entries.append(blocks.total(parts, value.shape, value.dtype))
        results.append(Series(value.primal, tuple(entries)))
    return results
