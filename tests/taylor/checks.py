"""Compare the engine with nested forward differentiation on random surfaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from taylor.algebras import Example, expected, surface

from opcompiler.taylor import Jet, evaluate, variable


def is_jet(value: Any) -> bool:
    return isinstance(value, Jet)


def jets(example: Example, arguments: Sequence[jax.Array], seed: int = 0):
    surf = surface(example, arguments, seed)
    return surf, [variable(x, example.algebra, surf.seeds(i)) for i, x in enumerate(arguments)]


def smooth(tree: Any) -> list[jax.Array]:
    """Return the arrays that carry derivatives."""
    return [v for v in jax.tree_util.tree_leaves(tree) if jnp.issubdtype(jnp.result_type(v), jnp.inexact)]


def assert_agrees(
    function: Callable,
    arguments: Sequence[jax.Array],
    example: Example,
    reference: Callable | None = None,
    tolerance: float = 1e-9,
) -> None:
    """Every coefficient of every array of the result equals w(∂)f(x(ε)), and the value is the function's own."""
    surf, seeded = jets(example, arguments)
    result = jax.jit(lambda values: evaluate(function, values, example.algebra))(seeded)
    wanted = jax.jit(lambda s: expected(lambda *x: smooth((reference or function)(*x)), s))(surf)
    result = jax.tree_util.tree_leaves(result, is_leaf=is_jet)
    values = jax.tree_util.tree_leaves(function(*arguments))
    assert len(result) == len(values)
    for jet, value in zip(result, values, strict=True):
        assert jet.primal.dtype == jnp.asarray(value).dtype
        np.testing.assert_allclose(jet.primal, value, rtol=1e-13, atol=1e-14)
    for k in range(1, len(example.algebra.elements)):
        for n, jet in enumerate(jet for jet in result if jnp.issubdtype(jet.primal.dtype, jnp.inexact)):
            want = jnp.stack([row[n] for row in wanted[k]])
            want = want if example.algebra.elements[k].axis is not None else want[0]
            np.testing.assert_allclose(jet.coefficient(k), want, rtol=tolerance, atol=tolerance)
