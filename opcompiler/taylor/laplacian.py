"""The forward Laplacian: value, Jacobian and Laplacian of any JAX function in one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import numpy as jnp

from opcompiler.errors import ArgumentTypeError
from opcompiler.ir.algebra import Algebra, Axis, Element, Term
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.space import CoordinateRange
from opcompiler.taylor.evaluate import evaluate
from opcompiler.taylor.jet import Jet, OneHot, variable

__all__ = ["Laplacian", "forward_laplacian", "laplacian_algebra"]


class Laplacian(NamedTuple):
    """What `forward_laplacian` returns for every array of the result.

    Attributes:
        value: f(x), shape S.
        jacobian: ∂f/∂x_i, shape S + (inputs,).
        laplacian: Σ_i ∂²f/∂x_i², shape S.
    """

    value: jax.Array
    jacobian: jax.Array
    laplacian: jax.Array


def laplacian_algebra(inputs: int) -> Algebra:
    """Return the algebra of f, ∂_i f and Δf: Δ(fg) = f Δg + g Δf + 2 Σ_i ∂_i f ∂_i g."""
    axis = Axis((CoordinateRange("inputs", 0, inputs),), invariant=True)
    elements = (Element("f", 0), Element("∂ᵢf", 1, 0), Element("Δf", 2))
    return Algebra(elements, (axis,), (Term(1, 1, 2, Coefficient.of(2)),))


def forward_laplacian(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that computes value, Jacobian and Laplacian of `function` in one forward pass.

    All floating-point arrays among the arguments are inputs: flattened in C order and concatenated in the order of
    the flattened arguments, they make up the input axis. Integer and boolean arrays and PRNG keys are constants. Wrap
    `function` in a closure to hold floating-point parameters constant:

        log_psi = lambda r: network.apply(parameters, r)
        value, jacobian, laplacian = jax.vmap(forward_laplacian(log_psi))(r)          # r: [batch, electrons, 3]
        kinetic = -0.5 * (laplacian + (jacobian**2).sum(-1))

    Composes with `jit`, `vmap` and `grad`; any primitive with a derivative is accepted (see `evaluate`).

    Args:
        function: maps arrays (or pytrees of arrays) to an array or a pytree of arrays.

    Returns:
        A function of the same arguments that returns the result's pytree with a `Laplacian` in place of every array.

    Raises:
        ArgumentTypeError: no argument is a floating-point array, or one is complex.

    Source: R. Li et al., A computational framework for neural network-based variational Monte Carlo with Forward
    Laplacian, Nature Machine Intelligence 6 (2024), section "Forward Laplacian".
    """

    def value_jacobian_laplacian(*arguments: Any) -> Any:
        leaves, tree = jax.tree_util.tree_flatten(arguments)
        inputs = [_is_input(leaf) for leaf in leaves]
        if not any(inputs):
            raise ArgumentTypeError("forward_laplacian needs a floating-point array to differentiate by")
        sizes = [jnp.size(leaf) if is_input else 0 for leaf, is_input in zip(leaves, inputs, strict=True)]
        algebra = laplacian_algebra(sum(sizes))
        offset, jets = 0, []
        for leaf, is_input, size in zip(leaves, inputs, sizes, strict=True):
            runs = ((offset, 0, size),) if size else ()
            jets.append(variable(leaf, algebra, {1: OneHot(runs, 1.0, jnp.ndim(leaf))}) if is_input else leaf)
            offset += size
        result = evaluate(function, jax.tree_util.tree_unflatten(tree, jets), algebra)
        return jax.tree_util.tree_map(_parts, result, is_leaf=lambda v: isinstance(v, Jet))

    return value_jacobian_laplacian


def _is_input(leaf: Any) -> bool:
    dtype = jnp.result_type(leaf)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise ArgumentTypeError("forward_laplacian differentiates by real arrays; this argument is complex")
    return jnp.issubdtype(dtype, jnp.floating)


def _parts(jet: Jet) -> Laplacian:
    return Laplacian(jet.coefficient(0), jnp.moveaxis(jet.coefficient(1), 0, -1), jet.coefficient(2))
