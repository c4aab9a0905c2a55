"""Functions whose directions are recombined at a bottleneck: P(∂_x) of g(Wx + b) as P(Wᵀ∂_z) of g."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.errors import UnsupportedError
from opcompiler.taylor import demand
from opcompiler.taylor import jaxpr as jx
from opcompiler.taylor.bottleneck import Bottleneck, Gradients, bottleneck_of, entries_before, gradients_of
from opcompiler.taylor.compression import RADIAL, gram_factor, radial_pair, signs
from opcompiler.taylor.demand import Elements
from opcompiler.taylor.program import Program, program_of
from opcompiler.taylor.registry import SOURCES, Application, Rule
from opcompiler.taylor.series import Series, constant, is_series

__all__ = ["Recombination", "pulled_back"]


@dataclass(frozen=True, eq=False)
class Recombination:
    """What becomes of the directions of an invariant axis, which are the coordinates of one argument.

    Attributes:
        axis: number of the axis.
        directions: how many there are afterwards, those of |x|² included.
        radial: whether |x|² has two of them.
        families: elements of the axis with a seed, and the number by which it is multiplied.
    """

    axis: int
    directions: int
    radial: bool
    families: tuple[tuple[int, Any], ...]

    @property
    def signs(self) -> np.ndarray | None:
        """Signs of the directions in sums over them; None if all are positive."""
        return signs(self.directions) if self.radial else None


def pulled_back(function: Callable[..., Any], recombinations: Mapping[int, Recombination]) -> Callable[..., Any]:
    """Return the function of one point with its directions recombined where it narrows; its values stay.

    The seeds of the axes are those of the arguments as before. `evaluate` has to be told the axes (`recombined`).

    Args:
        function: of one point.
        recombinations: by position of the argument, an array whose coordinates are the directions.

    Returns:
        A function that may be batched and given to `evaluate`. Traced at a point it raises UnsupportedError if the
        function has no bottleneck as narrow as its recombination says.
    """

    def recombining(*arguments: Any) -> Any:
        closed, tree = jx.trace(function, *arguments)
        leaves = jax.tree_util.tree_leaves(arguments)
        program = program_of(closed)
        places: dict[int, list[_Place]] = {}
        for position, recombination in recombinations.items():
            leaf = entries_before(arguments, position)
            for number, place in _places(program, leaf, leaves[leaf], recombination).items():
                places.setdefault(number, []).append(place)

        def at(number: int, value: Any) -> Any:
            for place in places.get(number, ()):
                value = place.recombined(value)
            return value

        return jax.tree_util.tree_unflatten(tree, program.evaluate(leaves, at))

    return recombining


@dataclass(frozen=True, eq=False)
class _Place:
    """A value behind which the directions are others.

    Attributes:
        recombination: which axis.
        rows: derivatives of the value along the new directions, without those of |x|²: (directions, *shape).
        gradients: of the value.
        is_layer: whether the value is A x, without an offset.
        point: x, where |x|² is recombined, flat.
    """

    recombination: Recombination
    rows: jax.Array
    gradients: Gradients
    is_layer: bool
    point: jax.Array | None

    def recombined(self, value: jax.Array) -> jax.Array:
        """Return the value, with the new directions instead of the old ones."""
        rows = self.rows if self.point is None else jnp.concatenate([self.rows, self._radial(value, self.point)])
        families = self.recombination.families
        along = [rows if isinstance(scale, float) and scale == 1.0 else scale * rows for _, scale in families]
        elements = tuple(element for element, _ in families)
        along = [row.astype(value.dtype) for row in along]
        return recombine_p.bind(value, *along, axis=self.recombination.axis, elements=elements)

    def _radial(self, value: jax.Array, point: jax.Array) -> jax.Array:
        matrix, along = self.gradients.matrix, self.gradients.along
        point = point.astype(self.rows.dtype)
        if matrix is None:
            tau = jnp.zeros(value.shape, self.rows.dtype)
        else:
            tau = value.astype(self.rows.dtype) if self.is_layer else (matrix @ point).reshape(value.shape)
        along = jnp.zeros_like(tau) if along is None else along
        return radial_pair(along, tau, jnp.sum(point * point))


def _places(program: Program, leaf: int, point: Any, recombination: Recombination) -> dict[int, _Place]:
    """Return where and how the directions of one argument are recombined.

    Raises:
        UnsupportedError: there is no bottleneck as narrow as was said.
    """
    bottleneck = bottleneck_of(program, leaf)
    width = recombination.directions - RADIAL * recombination.radial
    if bottleneck is None or bottleneck.width > width or (bottleneck.radial and not recombination.radial):
        raise UnsupportedError(
            f"the directions of axis {recombination.axis} cannot be recombined to {recombination.directions}: "
            f"the function {_described(bottleneck)}",
            hint="plan for this function",
        )
    gradients = gradients_of(bottleneck)
    linear = [number for number in bottleneck.cut if gradients[number].matrix is not None]
    dtype = jnp.promote_types(jnp.result_type(point), jnp.float32)
    factor = jnp.zeros((width, 0), dtype)
    if linear:
        matrix = jnp.concatenate([jnp.asarray(gradients[number].matrix) for number in linear])
        gram = jnp.matmul(matrix, matrix.T, precision=lax.Precision.HIGHEST)
        factor = jnp.pad(gram_factor(gram), ((0, width - bottleneck.width), (0, 0)))
    places: dict[int, _Place] = {}
    taken = 0
    for number in bottleneck.cut:
        shape, known = program.avals[number].shape, bottleneck.dependence.affine(number)
        length = program.size(number) if number in linear else 0
        rows = (
            factor[:, taken : taken + length].reshape((width, *shape)) if length else jnp.zeros((width, *shape), dtype)
        )
        taken += length
        flat = jnp.reshape(point, -1) if recombination.radial else None
        places[number] = _Place(recombination, rows, gradients[number], known.is_layer, flat)
    return places


def _described(bottleneck: Bottleneck | None) -> str:
    if bottleneck is None:
        return "has no narrower bottleneck"
    return f"needs {bottleneck.width}{' and |x|²' if bottleneck.radial else ''}"


# the place as a primitive -------------------------------------------------------------------------------------------


def _batched(arguments: Sequence[Any], axes: Sequence[Any], **params: Any) -> tuple[Any, int]:
    """The batch axis goes in front of the value, and behind the directions of the rows."""
    length = next(a.shape[axis] for a, axis in zip(arguments, axes, strict=True) if axis is not None)
    value, *rows = arguments
    value = jnp.broadcast_to(value, (length, *value.shape)) if axes[0] is None else jnp.moveaxis(value, axes[0], 0)
    rows = [
        jnp.expand_dims(row, 1) if axis is None else jnp.moveaxis(row, axis, 1)
        for row, axis in zip(rows, axes[1:], strict=True)
    ]
    return recombine_p.bind(value, *rows, **params), 0


recombine_p = jx.first_of("opcompiler_recombine", _batched)
"""value, rows of every family ↦ the value; the families of one axis are `rows` from here on."""


def _demand(interpreter: Any, equation: Any, active: Sequence[bool], needed: Sequence[Elements]) -> Sequence[Elements]:
    axis, axes = equation.params["axis"], interpreter.structure.axes
    (wanted,) = demand.linear(interpreter, equation, active[:1], needed)
    return [frozenset(k for k in wanted if axes[k] != axis), *(frozenset({0}) for _ in active[1:])]


def _recombine(application: Application, value: Any, *rows: Any) -> Series:
    """The other elements stay; those of the axis are the rows, or zero."""
    structure, axis = application.structure, application.params["axis"]
    along = dict(zip(application.params["elements"], map(constant, rows), strict=True))
    blocks = []
    for k in range(1, structure.size):
        if structure.axes[k] == axis:
            blocks.append(along.get(k) if k in application.wanted else None)
        else:
            blocks.append(value.block(k) if is_series(value) and k in application.wanted else None)
    return Series(jnp.asarray(constant(value)), tuple(blocks))


SOURCES[recombine_p.name] = Rule(_recombine, _demand, "recombination")
