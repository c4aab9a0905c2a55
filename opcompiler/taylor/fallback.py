"""Primitives without a rule of their own: recursion on `jax.jvp`.

Let h(x, t) be the tangent of f at x in direction t, an ordinary JAX function that is linear in t. Over a graded
algebra the degree derivation E (E e_a = deg(a) e_a) gives E f(x) = h(x, E x), so with n = Σ_a n_a e_a

    deg(c) · f(x)_c = Σ_{a,b} deg(a) T^c_ab [h(x, n_a)]_b,

where h(·, n_a) is needed to degree deg(c) − deg(a) only: the recursion ends. An algebra that is not graded is replaced
by its Rees algebra, whose element (k, j) is the part of element k that comes from j nilpotent factors: there
d/ds f(x₀ + s n) = h(x₀ + s n, n) is the same statement, and f(x)_k is the sum over j.

The rule of a `jax.custom_jvp` function is honoured: it is h.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.errors import UnsupportedPrimitiveError
from opcompiler.taylor import blocks, demand
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.composition import COMPOSITION
from opcompiler.taylor.jaxpr import (
    ClosedJaxpr,
    constants,
    dtype_of,
    is_call_of,
    is_elementwise,
    is_forgotten,
    trace,
)
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.rules.indexing import stacked
from opcompiler.taylor.series import Series, compose, constant, is_series, map_blocks
from opcompiler.taylor.structure import Product, Structure, factors_of
from opcompiler.taylor.univariate import derivatives_of

__all__ = ["TaylorFallbackWarning", "by_recursion"]


class TaylorFallbackWarning(UserWarning):
    """A primitive has no Taylor rule; it is evaluated by recursion on `jax.jvp`: right, but slower."""


_WARNED: set[tuple[str, str]] = set()


def by_recursion(application: Application, *inputs: Any) -> list[Any]:
    """Evaluate any primitive that has a JVP, with one warning per primitive and source line.

    Raises:
        UnsupportedPrimitiveError: the primitive has no JVP.
    """
    if all(not jnp.issubdtype(dtype_of(v), jnp.inexact) for v in application.equation.outvars):
        return application.bind(*map(constant, inputs))
    place = (application.name, application.source)
    if place not in _WARNED:
        _WARNED.add(place)
        warnings.warn(
            f"no Taylor rule for primitive '{application.name}' at {application.source}: recursion on jax.jvp",
            TaylorFallbackWarning,
            stacklevel=2,
        )
    return differentiated(application, *inputs)


@taylor_rule(
    "cumlogsumexp", "igamma", "igammac", "polygamma", "regularized_incomplete_beta",
    family="by their first derivative",
)  # fmt: skip
def by_first_derivative(application: Application, *inputs: Any) -> list[Any]:
    """Functions whose first derivative is an ordinary JAX function: that is what is differentiated further."""
    return differentiated(application, *inputs)


@taylor_rule(
    "scatter-max", "scatter-min", "reduce_window_max", "reduce_window_min", "cummax", "cummin",
    "select_and_scatter_add", "select_and_gather_add",
    family="piecewise", demand=demand.linear,
)  # fmt: skip
def piecewise_linear(application: Application, *inputs: Any) -> list[Any]:
    """f(a)_w = h(a₀, a_w) with the tangent map h of `jax.jvp`, which is locally constant in a₀."""
    tangent = _Tangent.of(application, inputs)
    series = tangent.series
    members = sorted({k for s in series for k in s.present})
    rows = {k: max(d.shape[0] for d in (s.dense(k) for s in series) if d is not None) for k in members}
    stacks = [stacked(s, members, rows) for s in series]
    points = [s.primal for s in series]
    along = jax.vmap(lambda *t: tangent(points, t))(*stacks)
    results: list[Any] = list(tangent.values)
    for i, product in zip(tangent.smooth, along, strict=True):
        pieces = dict(zip(members, jnp.split(product, np.cumsum([rows[k] for k in members])[:-1]), strict=True))
        results[i] = Series(tangent.values[i], tuple(pieces.get(k) for k in range(1, application.structure.size)))
    return results


@taylor_rule("custom_jvp_call", family="control flow")
def custom_jvp_call(application: Application, *inputs: Any) -> list[Any]:
    """A function with its own derivative rule: the rule is what is differentiated further.

    The rule of a composition of series is not a redefinition; operators inside u are entered.
    """
    if is_call_of(application.equation, COMPOSITION):
        return application.interpreter.run(application.params["call_jaxpr"], inputs, application.needed)
    return differentiated(application, *inputs)


def differentiated(application: Application, *inputs: Any) -> list[Any]:
    """Return f(x) for the series x among the inputs, from the tangents of f.

    Raises:
        UnsupportedPrimitiveError: f has no derivative, or one that JAX itself cannot differentiate once more.
    """
    tangent = _Tangent.of(application, inputs)
    try:
        return _by_tangent(application, tangent)
    except jax.errors.UnexpectedTracerError as problem:
        raise _without_derivative(application) from problem


def _without_derivative(application: Application) -> UnsupportedPrimitiveError:
    return UnsupportedPrimitiveError(
        f"primitive '{application.name}' at {application.source} has no derivative",
        hint="wrap the function in jax.custom_jvp, or give it a rule with opcompiler.taylor.register_rule",
    )


def _by_tangent(application: Application, tangent: _Tangent) -> list[Any]:
    if tangent.is_pointwise:
        return [_pointwise(application, tangent)]
    structure = application.structure
    if structure.is_graded:
        return _graded(application, tangent, structure, tangent.series, application.needed)
    return _ungraded(application, tangent)


@dataclass(frozen=True)
class _Tangent:
    """h(x, t) of one equation, as a function of its active inputs."""

    application: Application
    inputs: tuple[Any, ...]
    active: tuple[int, ...]
    values: tuple[Any, ...]
    """The primitive's own results."""
    smooth: tuple[int, ...]
    """Results that carry derivatives."""

    @classmethod
    def of(cls, application: Application, inputs: Sequence[Any]) -> _Tangent:
        active = tuple(i for i, v in enumerate(inputs) if is_series(v))
        values = application.bind(*map(constant, inputs))
        values = tuple(values) if isinstance(values, list | tuple) else (values,)
        smooth = tuple(i for i, v in enumerate(values) if jnp.issubdtype(jnp.result_type(v), jnp.inexact))
        return cls(application, tuple(inputs), active, values, smooth)

    @property
    def series(self) -> list[Series]:
        return [self.inputs[i] for i in self.active]

    def __call__(self, points: Sequence[Any], directions: Sequence[Any]) -> list[Any]:
        """Return the tangents of the smooth results."""

        def function(*points: Any) -> list[Any]:
            arguments = [constant(v) for v in self.inputs]
            for i, point in zip(self.active, points, strict=True):
                arguments[i] = point
            results = self.application.bind(*arguments)
            results = results if isinstance(results, list | tuple) else [results]
            return [results[i] for i in self.smooth]

        try:
            return jax.jvp(function, tuple(points), tuple(directions))[1]
        except (NotImplementedError, ValueError, TypeError) as problem:
            raise _without_derivative(self.application) from problem

    def jaxpr(self) -> ClosedJaxpr:
        points = [v.primal for v in self.series]
        closed = trace(lambda p, t: self(p, t), points, points)[0]
        if any(map(is_forgotten, constants(closed))):
            # A compiled derivative rule turns its static arguments into tracers (that of `expn` does), and a call
            # inside it holds on to them when the trace is over; nested `jax.jvp` fails likewise.
            raise _without_derivative(self.application)
        return closed

    @property
    def is_pointwise(self) -> bool:
        """Whether this is an elementwise function of one argument."""
        if len(self.active) != 1 or len(self.values) != 1 or self.smooth != (0,):
            return False
        (series,) = self.series
        return np.shape(self.values[0]) == series.shape and is_elementwise(self.jaxpr(), series.shape)


def _pointwise(application: Application, tangent: _Tangent) -> Series:
    """f(x) from the scalar derivatives of x ↦ h(x, 1)."""
    (series,) = tangent.series
    order = max(application.structure.degrees[k] for k in application.wanted)
    derivatives = derivatives_of(lambda x: tangent([x], [jnp.ones_like(x)])[0], series.primal, order - 1)
    return compose(application.structure, series, tangent.values[0], derivatives, application.wanted)


def _graded(
    application: Application, tangent: _Tangent, structure: Structure, series: Sequence[Series], needed: Sequence[Any]
) -> list[Any]:
    from opcompiler.taylor.interpreter import Interpreter

    wanted = frozenset().union(*needed) - {0}
    closed = tangent.jaxpr()
    interpreter = Interpreter(structure)
    outputs: list[list[Block]] = [[None] * (structure.size - 1) for _ in tangent.smooth]
    for a in sorted({a for s in series for a in s.present}):
        partners = _partners(structure, wanted, a)
        if not partners:
            continue
        along = _tangents_along(interpreter, closed, structure, series, a, frozenset(partners))
        for output, result in zip(outputs, along, strict=True):
            _collect(structure, wanted, a, result, output)
    results: list[Any] = list(tangent.values)
    for i, output in zip(tangent.smooth, outputs, strict=True):
        results[i] = Series(tangent.values[i], tuple(output))
    return results


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


def _tangents_along(
    interpreter: Any,
    closed: ClosedJaxpr,
    structure: Structure,
    series: Sequence[Series],
    a: int,
    partners: frozenset[int],
) -> list[Any]:
    """Return h(x, n_a) over the algebra, batched over the directions of a (a leading axis everywhere).

    Two different directions of an axis annihilate each other, so direction r only meets direction r of x.
    """
    dense = [s.dense(a) for s in series]
    rows = max(d.shape[0] for d in dense if d is not None)
    rows = structure.sizes[a] if structure.axes[a] is None else rows
    directions = [
        jnp.zeros((rows, *s.shape), s.dtype) if d is None else jnp.broadcast_to(d, (rows, *s.shape))
        for s, d in zip(series, dense, strict=True)
    ]
    axis = structure.axes[a]
    families = [k for k in range(1, structure.size) if axis is not None and structure.axes[k] == axis]
    same = [[s.dense(k) for k in families] for s in series]

    def along(t: Sequence[jax.Array], row: Sequence[Sequence[jax.Array | None]]) -> list[Any]:
        points = []
        for s, blocks_of_row in zip(series, row, strict=True):
            entries = list(s.blocks)
            for k, block in zip(families, blocks_of_row, strict=True):
                entries[k - 1] = None if block is None else block[None]
            points.append(Series(s.primal, tuple(entries)))
        results = interpreter.run(closed, [*points, *t], [partners | {0}] * len(closed.jaxpr.outvars))
        # The axes of a seed are numbered without the one over the directions that is added here.
        return [map_blocks(r, lambda block: block, r.primal) if is_series(r) else r for r in results]

    return jax.vmap(along)(directions, same)


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


def _ungraded(application: Application, tangent: _Tangent) -> list[Any]:
    structure, labels = rees(application.structure)
    number = {label: n for n, label in enumerate(labels)}
    series = []
    for s in tangent.series:
        entries: list[Block] = [None] * (structure.size - 1)
        for k in s.present:
            entries[number[k, 1] - 1] = s.block(k)
        series.append(Series(s.primal, tuple(entries)))
    needed = [frozenset(n for n, (k, _) in enumerate(labels) if k in wanted) for wanted in application.needed]
    lifted = _graded(application, tangent, structure, series, needed)
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
