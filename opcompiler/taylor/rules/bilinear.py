"""Products: mul, div and contractions; (ab)_w = a b_w + a_w b + Σ T^w_lr a_l b_r."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jax import numpy as jnp

from opcompiler.taylor import blocks, demand
from opcompiler.taylor.blocks import Block
from opcompiler.taylor.recurrences import quotient
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.rules.contraction import contract_constant, contract_series
from opcompiler.taylor.seeds import Seed
from opcompiler.taylor.series import Series, aligned, constant, is_series, multiply_series
from opcompiler.taylor.sparse import Sparse

FAMILY = "bilinear"


def by_factor(a: Series, factor: Any, primal: Any, product: Callable[[Block, Any], Block]) -> Series:
    """Return a times a plain factor, or divided by one, as `product` says."""
    shape = np.shape(primal)
    a = aligned(a, shape)
    if isinstance(factor, np.ndarray | np.generic) and factor.ndim == 0 and not np.iscomplexobj(factor):
        factor = float(factor)
    elif np.ndim(factor) == 0 and shape:
        factor = jnp.reshape(jnp.asarray(factor), (1,) * len(shape))
    return Series(primal, tuple(product(block, factor) for block in a.blocks))


@taylor_rule("mul", family=FAMILY, demand=demand.bilinear)
def multiply(application: Application, a: Any, b: Any) -> Series:
    """(ab)_w from the product table."""
    primal = application.bind(constant(a), constant(b))
    if not is_series(b):
        return by_factor(a, b, primal, blocks.scale)
    if not is_series(a):
        return by_factor(b, a, primal, blocks.scale)
    same = application.equation.invars[0] is application.equation.invars[1]
    shape = np.shape(primal)
    a = aligned(a, shape)
    b = a if same else aligned(b, shape)
    return multiply_series(application.structure, a, b, primal, application.wanted)


@taylor_rule("div", family=FAMILY, demand=demand.quotient)
def divide(application: Application, a: Any, b: Any) -> Series:
    """Q = a/b from q b = a."""
    primal = application.bind(constant(a), constant(b))
    shape = np.shape(primal)
    structure, needed = application.structure, application.wanted
    if not is_series(b):
        return by_factor(a, b, primal, blocks.divide)
    b = aligned(b, shape)
    return quotient(structure, aligned(a, shape) if is_series(a) else None, b, primal, needed)


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
