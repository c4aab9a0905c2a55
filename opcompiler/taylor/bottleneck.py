"""Where a function narrows: the fewest values, affine in one argument x and in |x|², through which it depends on x."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import jax
from jax import numpy as jnp

from opcompiler.taylor import jaxpr as jx
from opcompiler.taylor.affine import Affine, Dependence, Fixed, dependence_on
from opcompiler.taylor.cut import minimum_cut
from opcompiler.taylor.program import Program, program_of, run_step

__all__ = ["Bottleneck", "Gradients", "bottleneck_of", "gradients_of", "width_of"]


@dataclass(frozen=True, eq=False)
class Bottleneck:
    """u = g(z, …) with z affine in x and |x|².

    Attributes:
        cut: numbers of the values that make up z.
        width: number of their entries that depend on x beside |x|².
        radial: whether any of them depends on |x|².
        dependence: how these and all other values depend on x.
    """

    cut: tuple[int, ...]
    width: int
    radial: bool
    dependence: Dependence


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradient of an affine value z, entry by entry: matrix + 2·along ⊗ x, where z = A x + a|x|² + c.

    Attributes:
        matrix: A, (entries of z, entries of x); None if it is 0.
        along: the factors of x, shaped like z; None if they are 0.
    """

    matrix: jax.Array | None
    along: jax.Array | None


def width_of(closed: Any, argument: int) -> tuple[int, bool] | None:
    """Return how many affine values of a traced function separate it from an argument, and whether |x|² is beside them.

    None if these are no fewer than the entries of the argument.
    """
    found = bottleneck_of(program_of(closed), argument)
    return None if found is None else (found.width, found.radial)


def bottleneck_of(program: Program, argument: int) -> Bottleneck | None:
    """Return the narrowest bottleneck between an argument, given by its position, and whatever is not affine in it."""
    found = dependence_on(program, argument)
    entries = program.size(found.argument)
    sizes = {
        number: program.size(number) if value.linear else 0
        for number, value in found.values.items()
        if isinstance(value, Affine)
    }
    if entries < 2 or not jnp.issubdtype(program.avals[found.argument].dtype, jnp.floating):
        return None
    cut, width = minimum_cut(found.argument, sizes, found.feeds, found.consumed)
    if not cut or width >= entries:
        return None
    return Bottleneck(cut, width, any(found.affine(number).radial for number in cut), found)


def gradients_of(bottleneck: Bottleneck) -> dict[int, Gradients]:
    """Return the gradients of the values of a bottleneck; they depend on constants of the program only."""
    found = bottleneck.dependence
    squares = {number: _square(found, number) for number in sorted(found.squares)} if bottleneck.radial else {}
    return {number: _gradients(found, number, squares) for number in bottleneck.cut}


def _square(found: Dependence, number: int) -> tuple[jax.Array, jax.Array | None]:
    """Return s and r of a sum of squares with the gradient s x + r; r is None if it is 0."""
    argument = found.program.avals[found.argument]
    origin = jnp.zeros(argument.shape, argument.dtype)

    def value(x: jax.Array) -> jax.Array:
        return _evaluated(found, number, {found.argument: x}).reshape(()).astype(argument.dtype)

    first = jnp.zeros(prod(argument.shape), argument.dtype).at[0].set(1.0).reshape(argument.shape)
    gradient, second = jax.jvp(jax.grad(value), (origin,), (first,))
    return second.reshape(-1)[0], gradient.reshape(-1) if found.affine(number).linear else None


def _gradients(found: Dependence, number: int, squares: Mapping[int, tuple[jax.Array, jax.Array | None]]) -> Gradients:
    program = found.program
    avals = [program.avals[n] for n in (found.argument, *squares)]
    start, rows = _last_layer(found, number)

    def value(*given: jax.Array) -> jax.Array:
        return _evaluated(found, start, dict(zip((found.argument, *squares), given, strict=True)))

    if start == found.argument:
        parts = [rows, *(jnp.zeros((rows.shape[0], *aval.shape), aval.dtype) for aval in avals[1:])]
    else:
        _, pull = jax.vjp(value, *(jnp.zeros(aval.shape, aval.dtype) for aval in avals))
        parts = jax.vmap(pull)(rows)
    known = found.affine(number)
    dtype = jnp.promote_types(avals[0].dtype, jnp.float32)
    matrix, along = parts[0].reshape(rows.shape[0], -1).astype(dtype), jnp.zeros(rows.shape[0], dtype)
    for part, (scale, rest) in zip(parts[1:], squares.values(), strict=True):
        factor = part.reshape(-1).astype(dtype)
        along = along + factor * scale
        if rest is not None:
            matrix = matrix + factor[:, None] * rest
    shape = program.avals[number].shape
    return Gradients(matrix if known.linear else None, along.reshape(shape) if known.radial else None)


def _last_layer(found: Dependence, number: int) -> tuple[int, jax.Array]:
    """Return a value and the gradients by it of all entries of value `number`: (entries, *shape of that value).

    Where a value is a product of a matrix with a vector that is the vector, and the matrix; else the value itself.
    """
    program, step = found.program, found.makers[number]
    inputs = step.inputs
    if step.name == "dot_general":
        (contracted, batch) = step.equation.params["dimension_numbers"]
        place = 0 if isinstance(found.of(inputs[0]), Affine) else 1
        vector, weight = inputs[place], inputs[1 - place]
        if isinstance(found.of(weight), Fixed) and not batch[0]:
            aval = program.avals[vector]
            own, other = contracted[place], contracted[1 - place]
            if len(own) == len(aval.shape):
                matrix = jnp.asarray(_operand(found, weight))
                order = [other[own.index(axis)] for axis in range(len(own))]
                free = [axis for axis in range(matrix.ndim) if axis not in other]
                rows = jnp.transpose(matrix, free + order).reshape((program.size(number), *aval.shape))
                return vector, rows.astype(aval.dtype)
    aval = program.avals[number]
    size = program.size(number)
    return number, jnp.eye(size, dtype=aval.dtype).reshape((size, *aval.shape))


def _operand(found: Dependence, atom: Any) -> Any:
    return _evaluated(found, atom, {}) if isinstance(atom, int) else jx.literal(atom)


def _evaluated(found: Dependence, number: int, given: Mapping[int, Any]) -> Any:
    """Evaluate one value, zeros for what depends on other arguments than x: it is only ever added."""
    program = found.program
    needed: set[int] = set()
    waiting = [number]
    while waiting:
        current = waiting.pop()
        known = current in given or current in program.constants or _varies(found, current)
        if current not in needed and not known:
            waiting += [atom for atom in found.makers[current].inputs if isinstance(atom, int)]
        needed.add(current)
    environment = {n: given[n] if n in given else _leaf(found, n) for n in needed if n in given or _is_leaf(found, n)}
    for step in program.flat_steps:
        if needed.intersection(step.outputs) - environment.keys():
            environment.update(zip(step.outputs, run_step(step, environment), strict=True))
    return environment[number]


def _varies(found: Dependence, number: int) -> bool:
    value = found.values[number]
    return isinstance(value, Fixed) and value.varying


def _is_leaf(found: Dependence, number: int) -> bool:
    return number in found.program.constants or _varies(found, number)


def _leaf(found: Dependence, number: int) -> Any:
    constants, aval = found.program.constants, found.program.avals[number]
    return constants[number] if number in constants else jnp.zeros(aval.shape, aval.dtype)


def entries_before(arguments: Sequence[Any], place: int) -> int:
    """Return the number of arrays in the arguments before one."""
    return len(jax.tree_util.tree_leaves(tuple(arguments[:place])))
