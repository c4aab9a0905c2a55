"""Independent evaluations of a stochastic operator: what unbiased squares and standard errors are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler import planning
from opcompiler.errors import ArgumentTypeError
from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.control import drawn_value
from opcompiler.execution.draws import directions_for, key_per_point
from opcompiler.execution.heads import Argument
from opcompiler.execution.run import run
from opcompiler.ir.plan import Plan
from opcompiler.ir.scheme import Stochastic
from opcompiler.planning.sampling.rewrite import sampled_spaces

__all__ = ["Estimate", "divided", "estimate", "evaluated", "is_shared", "keys_of", "replicated"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Estimate:
    """A value with its statistical error.

    Attributes:
        value: mean of the repeated evaluations, structured and shaped as the operator's result.
        standard_error: of that mean, estimated from the repetitions; 0 for what is exact.
    """

    value: Any
    standard_error: Any


def estimate(plan: Plan, call: BoundCall, keys: jax.Array | None, repeats: int) -> Estimate:
    """Return the mean of `repeats` independent evaluations and its standard error s/√repeats.

    Raises:
        ArgumentTypeError: fewer than two repetitions.
    """
    if type(repeats) is not int or repeats < 2:
        raise ArgumentTypeError(f"repeats={repeats!r}", hint="a standard error takes at least two repetitions")
    values = replicated(plan, call, keys, repeats)
    exact = plan.sampling is None

    def mean(leaf: jax.Array) -> jax.Array:
        return _shaped(leaf[0] if exact else jnp.mean(leaf, axis=0), call)

    def error(leaf: jax.Array) -> jax.Array:
        spread = jnp.zeros_like(leaf[0].real) if exact else jnp.std(leaf, axis=0, ddof=1)
        return _shaped(spread / repeats**0.5, call)

    return Estimate(jax.tree.map(mean, values), jax.tree.map(error, values))


@lru_cache(maxsize=128)
def divided(plan: Plan, count: int) -> Plan:
    """Return the plan of one of `count` independent evaluations that share the samples of a plan.

    Raises:
        ArgumentTypeError: there are fewer samples than evaluations.
    """
    scheme = plan.scheme
    if plan.sampling is None or not isinstance(scheme, Stochastic):
        return plan
    if scheme.samples < count:
        raise ArgumentTypeError(
            f"{scheme.samples} samples cannot be divided into {count} independent estimates",
            hint=f"compile with oc.Stochastic(samples={count}) or more; or ask for the biased square: plug_in=True",
        )
    declarations = plan.normal_form.declarations
    share = replace(scheme, samples=scheme.samples // count)
    spaces = sampled_spaces(declarations, scheme)
    if sampled_spaces(declarations, share).keys() != spaces.keys():
        # A space that fits all samples, but not a share of them, stays exact.
        share = replace(share, over=tuple(spaces))
    return planning.plan(plan.normal_form, share, plan.profile)


def keys_of(plan: Plan, call: BoundCall, key: Any) -> jax.Array | None:
    """Return the keys that a call draws with, None if it draws nothing; see `key_per_point`."""
    if plan.sampling is None:
        return None
    return key_per_point(key, call.batch_shape, is_shared(plan))


def evaluated(plan: Plan, call: BoundCall, keys: jax.Array | None) -> Any:
    """Return the value of a call that draws with these keys, from `keys_of`."""
    if plan.sampling is None or keys is None:
        return run(plan, call)
    return drawn_value(plan, call, directions_for(plan.sampling, keys, call.dtype, call.parameters))


def replicated(plan: Plan, call: BoundCall, keys: jax.Array | None, count: int) -> Any:
    """Return the values of independent evaluations, with a leading axis of them in front of the flat batch axis.

    Evaluation r of a point whose key is k draws with `fold_in(k, r)`. An exact plan is evaluated once.

    Args:
        plan: what is evaluated.
        call: at most one batch axis counts: results have it flat.
        keys: of the points, from `keys_of`.
        count: how many evaluations.
    """
    batch = call.batch
    flat = call if batch is None else replace(call, batch_shape=(batch,))
    if keys is None:
        return jax.tree.map(lambda leaf: leaf[None], run(plan, flat))
    numbers = jnp.arange(count)
    folded = jax.vmap(lambda number: jax.vmap(jax.random.fold_in, (0, None))(jnp.reshape(keys, (-1,)), number))(numbers)
    if is_shared(plan):
        return jax.lax.map(lambda own: evaluated(plan, flat, own[0]), folded)
    many = _repeated(flat, count)
    values = evaluated(plan, many, jnp.reshape(folded, (-1,)))
    rows = (count,) if batch is None else (count, batch)
    return jax.tree.map(lambda leaf: jnp.reshape(leaf, (*rows, *leaf.shape[1:])), values)


def _repeated(call: BoundCall, count: int) -> BoundCall:
    """Return the call at `count` copies of its points, one after the other."""

    def copies(value: Any) -> jax.Array:
        value = jnp.asarray(value)
        rows = value[None] if call.batch is None else value
        return jnp.reshape(jnp.broadcast_to(rows, (count, *rows.shape)), (-1, *rows.shape[1:]))

    def repeated(argument: Argument) -> Argument:
        return Argument(copies(argument.value), True) if argument.batched or call.batch is None else argument

    return replace(
        call,
        points=tuple(map(repeated, call.points)),
        aux=jax.tree.map(copies, call.aux),
        parameters={
            name: parameter if call.batch is None else repeated(parameter)
            for name, parameter in call.parameters.items()
        },
        batch_shape=(count * call.point_count,),
        control=None if call.control is None else replace(call.control, value=jax.tree.map(copies, call.control.value)),
    )


def is_shared(plan: Plan) -> bool:
    """Whether one draw serves all points of a call."""
    return isinstance(plan.scheme, Stochastic) and plan.scheme.shared


def _shaped(leaf: jax.Array, call: BoundCall) -> jax.Array:
    return leaf if call.batch is None else jnp.reshape(leaf, call.batch_shape + leaf.shape[1:])
