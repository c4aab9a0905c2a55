"""Products: mul, div and contractions; (ab)_w = a b_w + a_w b + Σ T^w_lr a_l b_r."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks, demand
from opcompiler.taylor.recurrences import quotient
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.rules.contraction import contract_constant, contract_series
from opcompiler.taylor.seeds import Seed
from opcompiler.taylor.series import Series, aligned, compose, constant, is_series, multiply_series
from opcompiler.taylor.sparse import Sparse
from opcompiler.taylor.structure import Structure

FAMILY = "bilinear"


def scaled(a: Series, factor: Any, primal: Any) -> Series:
    """Return a times a plain factor."""
    shape = np.shape(primal)
    a = aligned(a, shape)
    if isinstance(factor, np.ndarray | np.generic) and factor.ndim == 0 and not np.iscomplexobj(factor):
        factor = float(factor)
    elif np.ndim(factor) == 0 and shape:
        factor = jnp.reshape(jnp.asarray(factor), (1,) * len(shape))
    return Series(primal, tuple(blocks.scale(block, factor) for block in a.blocks))


@taylor_rule("mul", family=FAMILY, demand=demand.bilinear)
def multiply(application: Application, a: Any, b: Any) -> Series:
    """(ab)_w from the product table."""
    primal = application.bind(constant(a), constant(b))
    if not is_series(b):
        return scaled(a, b, primal)
    if not is_series(a):
        return scaled(b, a, primal)
    same = application.equation.invars[0] is application.equation.invars[1]
    shape = np.shape(primal)
    a = aligned(a, shape)
    b = a if same else aligned(b, shape)
    return multiply_series(application.structure, a, b, primal, application.wanted)


@taylor_rule("div", family=FAMILY, demand=demand.quotient)
def divide(application: Application, a: Any, b: Any) -> Series:
    """The quotient q = a/b from q b = a, or a · (1/b) with the value a/b.

    The product is as good to second order, and cheaper where a whole row has one divisor.
    """
    primal = application.bind(constant(a), constant(b))
    shape = np.shape(primal)
    structure, needed = application.structure, application.wanted
    if not is_series(b):
        return scaled(a, 1 / b if isinstance(b, np.ndarray) and b.ndim == 0 else lax.div(jnp.ones_like(b), b), primal)
    b = aligned(b, shape)
    if max((structure.degrees[k] for k in needed), default=0) > 2 and not _is_broadcast(b):
        return quotient(structure, aligned(a, shape) if is_series(a) else None, b, primal, needed)
    if not is_series(a):
        return scaled(_reciprocal(structure, b, needed), aligned(jnp.asarray(a), shape), primal)
    return multiply_series(
        structure, aligned(a, shape), _reciprocal(structure, b, structure.closure(needed)), primal, needed
    )


def _reciprocal(structure: Structure, b: Series, needed: frozenset[int]) -> Series:
    """Return 1/b."""
    inverse = lax.div(jnp.ones_like(b.primal), b.primal)
    order = max((structure.degrees[k] for k in needed), default=0)
    if order > 2:
        return quotient(structure, None, b, inverse, needed)
    slope = -inverse * inverse
    return compose(structure, b, inverse, [slope, -2.0 * slope * inverse][:order], needed)


def _is_broadcast(b: Series) -> bool:
    """Whether the coefficients are constant along an axis, as the norms of rows are."""
    blocks_of_b = [block for block in b.blocks if block is not None]
    return all(not isinstance(block, Seed | Sparse) and block.shape[1:] != b.shape for block in blocks_of_b)


def _is_square_of_a_point(application: Application, a: Series) -> bool:
    """Whether this is Σ x², with coordinate seeds on x, over the whole point."""
    (left, right), (left_batch, right_batch) = application.params["dimension_numbers"]
    operands = application.equation.invars
    if operands[0] is not operands[1] or left != right or left_batch != right_batch:
        return False
    seeds = [block for block in a.blocks if isinstance(block, Seed)]
    whole = len(left) + len(left_batch) == a.ndim and tuple(left_batch) == tuple(sorted(left_batch))
    plain = application.params["preferred_element_type"] in (None, a.dtype)
    drawn = [block for block in a.blocks if isinstance(block, Sparse)]
    trailing = all(set(left) == set(range(a.ndim - len(block.point), a.ndim)) for block in drawn)
    return bool(seeds or drawn) and whole and plain and trailing and all(set(seed.axes) == set(left) for seed in seeds)


@taylor_rule("dot_general", family=FAMILY, demand=demand.bilinear)
def dot_general(application: Application, a: Any, b: Any) -> Series:
    """A contraction with a constant is one matmul over the primal and all coefficients."""
    if not is_series(b):
        return contract_constant(application, a, b, series_is_left=True)
    if not is_series(a):
        return contract_constant(application, b, a, series_is_left=False)
    if _is_square_of_a_point(application, a):
        axes = tuple(application.params["dimension_numbers"][0][0])
        primal = application.bind(a.primal, b.primal)
        return application.interpreter.through(lambda x: jnp.sum(x * x, axis=axes), [a], application.needed, [primal])[
            0
        ]
    return contract_series(application, a, b)
