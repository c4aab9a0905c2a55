"""`evaluate`: any JAX function over any algebra."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.errors import ShapeError
from opcompiler.ir.algebra import Algebra
from opcompiler.taylor import fallback as _fallback  # noqa: F401  registers the rule for custom_jvp
from opcompiler.taylor import rules as _rules  # noqa: F401  registers the rule book
from opcompiler.taylor.interpreter import Interpreter
from opcompiler.taylor.jaxpr import trace
from opcompiler.taylor.jet import Jet, OneHot, Row, Scattered
from opcompiler.taylor.packing import Packing, packing_of
from opcompiler.taylor.seeds import Seed, seed_of
from opcompiler.taylor.series import Series, is_series
from opcompiler.taylor.sparse import sparse_of
from opcompiler.taylor.structure import Structure, structure_of

__all__ = ["evaluate"]


def evaluate(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    algebra: Algebra,
    scalars: Sequence[Any] = (),
    wanted: Iterable[int] | None = None,
    recombined: Mapping[int, np.ndarray | None] = MappingProxyType({}),
) -> Any:
    """Evaluate a JAX function over an algebra: u(x + ν) instead of u(x).

    Coefficient k of a result is w_k(∂) applied to the function along the seeds, exactly (see `ir.algebra`). The value
    is that of the function itself. Batch axes are ordinary axes: pass the batched function (`jax.vmap(u)`).

    Args:
        function: any JAX function of the arguments; traced once per call.
        arguments: one pytree per argument, whose leaves are jets (variables) or arrays (constants).
        algebra: basis, direction axes and product table.
        scalars: values of the scalars that the table's coefficients mention.
        wanted: element numbers that will be read from the results; all by default. Coefficients that do not
            contribute to them are not computed.
        recombined: axes whose directions `pulled_back` recombines in the function → their signs in sums over them,
            None if all are positive; of an axis with signs there are fewer directions than before.

    Returns:
        The function's result with every array replaced by a `Jet`.

    Raises:
        ShapeError: an argument's jet belongs to another algebra.
        UnsupportedPrimitiveError: a primitive of the function has no derivative.
        UnsupportedError: directions recombined by `pulled_back` are used elsewhere in their original form.
        LimitError: a coordinate seed would have to be written out in full and is too large.
    """
    structure = structure_of(algebra, scalars)
    leaves, tree = jax.tree_util.tree_flatten(tuple(arguments), is_leaf=lambda v: isinstance(v, Jet))
    primals = [jnp.asarray(v.primal) if isinstance(v, Jet) else v for v in leaves]
    flat, out_tree = trace(lambda *values: function(*jax.tree_util.tree_unflatten(tree, values)), *primals)
    inputs = [_series(v, structure) if isinstance(v, Jet) else v for v in leaves]
    elements = structure.everything if wanted is None else frozenset(wanted) | {0}
    structure = structure.signed({axis: signs for axis, signs in recombined.items() if signs is not None})
    packing = packing_of(structure, elements, _drawn(leaves))
    if packing is not None:
        inputs = [packing.packed(v) if is_series(v) else v for v in inputs]
        structure, elements = packing.structure, packing.elements(elements)
    results = Interpreter(structure, frozenset(recombined)).run(flat, inputs, [elements] * out_tree.num_leaves)
    return jax.tree_util.tree_unflatten(out_tree, [_jet(v, structure, packing) for v in results])


def _drawn(leaves: Iterable[Any]) -> set[int]:
    """Return the elements with seeds at run-time positions."""
    jets = [v for v in leaves if isinstance(v, Jet)]
    return {k for jet in jets for k, value in enumerate(jet.coefficients, 1) if isinstance(value, Scattered)}


def _series(jet: Jet, structure: Structure) -> Series | Any:
    if len(jet.coefficients) != structure.size - 1:
        raise ShapeError(f"a jet of {len(jet.coefficients)} coefficients in an algebra of {structure.size - 1}")
    blocks = []
    for k, value in enumerate(jet.coefficients, 1):
        if value is None:
            blocks.append(None)
        elif isinstance(value, OneHot):
            blocks.append(seed_of(value, structure.sizes[k], np.ndim(jet.primal)))
        elif isinstance(value, Row):
            blocks.append(jet.stacks[value.stack][value.row][None])
        elif isinstance(value, Scattered):
            blocks.append(sparse_of(value, np.shape(jet.primal)))
        else:
            blocks.append(value if structure.is_family(k) else value[None])
    primal = jnp.asarray(jet.primal)
    return Series(primal, tuple(blocks)) if any(b is not None for b in blocks) else primal


def _jet(value: Any, structure: Structure, packing: Packing | None) -> Jet:
    if packing is None:
        return _plain_jet(value, structure)
    jet = _plain_jet(value, structure)
    stacks: list[jax.Array] = []
    numbers: dict[int, int] = {}
    for group, members in enumerate(packing.groups):
        if len(members) > 1 and jet.coefficients[group - 1] is not None:
            numbers[group] = len(stacks)
            stacks.append(value.dense(group))
    coefficients, directions = [], []
    for group, row in packing.places[1:]:
        alone = len(packing.groups[group]) == 1
        coefficients.append(
            jet.coefficients[group - 1] if alone else Row(numbers[group], row) if group in numbers else None
        )
        directions.append(jet.directions[group - 1])
    return Jet(jet.primal, tuple(coefficients), tuple(directions), tuple(stacks))


def _plain_jet(value: Any, structure: Structure) -> Jet:
    if not is_series(value):
        directions = [structure.sizes[k] if structure.is_family(k) else None for k in range(1, structure.size)]
        return Jet(jnp.asarray(value), (None,) * (structure.size - 1), tuple(directions))
    coefficients, directions = [], []
    for k, block in enumerate(value.blocks, 1):
        family = structure.is_family(k)
        if isinstance(block, Seed) and block.axes == tuple(range(value.ndim - len(block.axes), value.ndim)):
            directions.append(block.directions if family else None)
            coefficients.append(OneHot(block.runs, block.scale, len(block.axes)))
            continue
        dense = value.dense(k)
        rows = structure.sizes[k] if dense is None else dense.shape[0]
        directions.append(rows if family else None)
        coefficients.append(dense if dense is None or family else dense[0])
    return Jet(value.primal, tuple(coefficients), tuple(directions))
