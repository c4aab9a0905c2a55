"""The forward Laplacian: value, Jacobian and Laplacian of any JAX function in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import numpy as jnp

from opcompiler.errors import ArgumentTypeError, ShapeError
from opcompiler.ir.algebra import Algebra, Axis, Element, Term
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.space import CoordinateRange
from opcompiler.taylor.evaluate import evaluate
from opcompiler.taylor.jet import Jet, OneHot, variable

__all__ = ["Laplacian", "forward_laplacian", "laplacian", "laplacian_algebra"]


class Laplacian(NamedTuple):
    """What `forward_laplacian` returns for every array of the result.

    Attributes:
        value: f(x), shape S.
        jacobian: ∂f/∂x_i, shape S + (inputs,).
        laplacian: Σ_i w_i ∂²f/∂x_i², shape S; all w_i are 1 unless `weights` says otherwise.
    """

    value: jax.Array
    jacobian: jax.Array
    laplacian: jax.Array


def laplacian_algebra(inputs: int, weights: Sequence[float] | None = None) -> Algebra:
    """Return the algebra of f, ∂_i f and Σ w_i ∂_i²f: Δ(fg) = f Δg + g Δf + 2 Σ_i w_i ∂_i f ∂_i g."""
    axis = Axis((CoordinateRange("inputs", 0, inputs),), invariant=weights is None)
    elements = (Element("f", 0), Element("∂ᵢf", 1, 0), Element("Δf", 2))
    exact = None if weights is None else tuple(Fraction(float(w)) for w in weights)
    return Algebra(elements, (axis,), (Term(1, 1, 2, Coefficient.of(2), exact),))


def forward_laplacian(
    function: Callable[..., Any], *, argnums: int | Sequence[int] | None = None, weights: Any = None
) -> Callable[..., Any]:
    """Return a function that computes value, Jacobian and Laplacian of `function` in one forward pass.

    All floating-point arrays among the arguments, or among those that `argnums` names, are inputs: flattened in C
    order and concatenated in the order of the flattened arguments, they make up the input axis. Integer and boolean
    arrays and PRNG keys are constants, as are arguments that `argnums` does not name.

        log_psi = lambda parameters, r: network.apply(parameters, r)
        forward = forward_laplacian(log_psi, argnums=1)
        value, jacobian, laplacian = jax.vmap(forward, (None, 0))(parameters, r)       # r: [batch, electrons, 3]
        kinetic = -0.5 * (laplacian + (jacobian**2).sum(-1))

    Coordinate directions are kept as such, without their zeros, through slicing, reshaping and concatenation up to
    the first dense layer. Composes with `jit`, `vmap` and `grad`; any primitive with a derivative is accepted (see
    `evaluate`).

    Args:
        function: maps arrays (or pytrees of arrays) to an array or a pytree of arrays.
        argnums: numbers of the positional arguments that hold the inputs; all by default.
        weights: the w_i of Σ_i w_i ∂_i², reciprocal masses for example: a number, an array that broadcasts against
            an input, or a pytree of these of which the arguments in `argnums` (the argument, if it is one number) are
            an extension. Known when tracing. The Jacobian is not weighted.

    Returns:
        A function of the same arguments that returns the result's pytree with a `Laplacian` in place of every array.

    Raises:
        ArgumentTypeError: no argument is a floating-point array, or one is complex.
        ShapeError: the weights do not fit the inputs.

    Source: R. Li et al., A computational framework for neural network-based variational Monte Carlo with Forward
    Laplacian, Nature Machine Intelligence 6 (2024), section "Forward Laplacian".
    """

    def value_jacobian_laplacian(*arguments: Any) -> Any:
        result = _over_algebra(function, arguments, argnums, weights, None)
        return _mapped(lambda j: Laplacian(j.coefficient(0), jnp.moveaxis(j.coefficient(1), 0, -1), j.coefficient(2)))(
            result
        )

    return value_jacobian_laplacian


def laplacian(
    function: Callable[..., Any], *, argnums: int | Sequence[int] | None = None, weights: Any = None
) -> Callable[..., Any]:
    """Return a function that computes the Laplacian Σ_i w_i ∂²f/∂x_i² alone, every result in its own shape.

    The last layers then leave out what only the Jacobian needs. Arguments, inputs, weights and errors are those of
    `forward_laplacian`.

        residual = jax.jit(jax.vmap(laplacian(u)))(points)
    """

    def laplacian_of(*arguments: Any) -> Any:
        return _mapped(lambda j: j.coefficient(2))(_over_algebra(function, arguments, argnums, weights, {2}))

    return laplacian_of


def _mapped(part: Callable[[Jet], Any]) -> Callable[[Any], Any]:
    return lambda result: jax.tree_util.tree_map(part, result, is_leaf=lambda v: isinstance(v, Jet))


def _over_algebra(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    argnums: int | Sequence[int] | None,
    weights: Any,
    wanted: Iterable[int] | None,
) -> Any:
    """Evaluate the function over f, ∂_i f, Σ w_i ∂_i²f, every input coordinate a direction."""
    chosen = range(len(arguments)) if argnums is None else [argnums] if isinstance(argnums, int) else argnums
    chosen = sorted({_position(n, len(arguments)) for n in chosen})
    variables = tuple(arguments[n] for n in chosen)
    leaves, tree = jax.tree_util.tree_flatten(variables)
    inputs = [_is_input(leaf) for leaf in leaves]
    if not any(inputs):
        raise ArgumentTypeError("a Laplacian needs a floating-point array to differentiate by")
    sizes = [jnp.size(leaf) if is_input else 0 for leaf, is_input in zip(leaves, inputs, strict=True)]
    given = (weights,) if isinstance(argnums, int) and weights is not None else weights
    algebra = laplacian_algebra(sum(sizes), None if given is None else _flat(given, variables, inputs))
    offset, jets = 0, []
    for leaf, is_input, size in zip(leaves, inputs, sizes, strict=True):
        runs = ((offset, 0, size),) if size else ()
        jets.append(variable(leaf, algebra, {1: OneHot(runs, 1.0, jnp.ndim(leaf))}) if is_input else leaf)
        offset += size
    seeded = dict(zip(chosen, tree.unflatten(jets), strict=True))
    return evaluate(function, [seeded.get(n, a) for n, a in enumerate(arguments)], algebra, wanted=wanted)


def _position(number: int, count: int) -> int:
    if not -count <= number < count:
        raise ShapeError(f"there is no argument {number}", hint=f"{count} arguments were given")
    return number % count


def _flat(weights: Any, variables: Sequence[Any], inputs: Sequence[bool]) -> list[float]:
    """Return one weight per input coordinate."""
    try:
        each = jax.tree_util.tree_leaves(jax.tree.broadcast(weights, variables))
    except ValueError as problem:
        raise ShapeError("the pytree of weights does not fit the inputs") from problem
    flat: list[float] = []
    for weight, leaf, is_input in zip(each, jax.tree_util.tree_leaves(variables), inputs, strict=True):
        if is_input:
            try:
                flat += np.broadcast_to(np.asarray(weight, float), np.shape(leaf)).reshape(-1).tolist()
            except ValueError as problem:
                raise ShapeError(
                    f"weights of shape {np.shape(weight)} do not fit an input of shape {np.shape(leaf)}"
                ) from problem
    return flat


def _is_input(leaf: Any) -> bool:
    dtype = jnp.result_type(leaf)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise ArgumentTypeError("a Laplacian differentiates by real arrays; this argument is complex")
    return jnp.issubdtype(dtype, jnp.floating)
