"""What every step of a loop over points computes alike, computed once before it.

Factors of Gram matrices, weights that are products: they depend on what all points share. A loop would compute them in
every step, and so would its reverse pass; d n₁² operations for the factor of a first layer with d inputs, beside
n n' ones per point and direction for the layers behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import jax

from opcompiler.taylor import jaxpr as jx

__all__ = ["Invariants", "invariants_of", "with_invariants"]

_WORTHWHILE = frozenset((
    "cholesky", "conv_general_dilated", "dot_general", "eig", "eigh", "hessenberg", "lu", "qr", "scan", "schur", "svd",
    "triangular_solve", "tridiagonal", "while",
))  # fmt: skip
"""Primitives worth moving out of a loop; what only reads or moves numbers stays, as near to its use as it was."""

_GROWTH = 2
"""What follows from such a result moves along as long as it has at most so many times as many entries."""


@dataclass(frozen=True, eq=False)
class Invariants:
    """A function in two parts.

    Attributes:
        first: (constants, shared arguments) → values that do not depend on the other arguments, none if nothing moves.
        rest: (constants, shared arguments, these values, other arguments) → results.
    """

    first: Callable[..., list[Any]]
    rest: Callable[..., list[Any]]


def invariants_of(closed: jx.ClosedJaxpr, shared: int) -> Invariants:
    """Return the parts of a traced function, of which the first arguments are shared."""
    jaxpr = jx.open_jaxpr(closed)
    given = [*jaxpr.constvars, *jaxpr.invars]
    equations = list(jaxpr.eqns)
    alike = set(given[: len(jaxpr.constvars) + shared])
    moved: set[Any] = set()
    for equation in equations:
        operands = _variables(equation.invars)
        if equation.effects or not alike.issuperset(operands):
            continue
        alike.update(equation.outvars)
        if _is_worthwhile(equation) or (not moved.isdisjoint(operands) and not _grows(equation)):
            moved.update(equation.outvars)
    staying = _living([e for e in equations if moved.isdisjoint(e.outvars)], _variables(jaxpr.outvars))
    read = set(_variables(jaxpr.outvars)).union(*(_variables(e.invars) for e in staying))
    handed = [v for e in equations for v in e.outvars if v in moved and v in read]
    makers = _living([e for e in equations if alike.issuperset(e.outvars)], handed)
    own = given[: len(jaxpr.constvars) + shared]
    return Invariants(
        jx.as_function(_assembled(makers, own, handed)),
        jx.as_function(_assembled(staying, [*own, *handed, *given[len(own) :]], jaxpr.outvars)),
    )


def with_invariants(function: Callable[[Any], Any], example: Any) -> Callable[[Any], Any]:
    """Return the function of one argument, a pytree like the example, with what does not depend on it computed now."""
    leaves, tree = jax.tree.flatten(example)
    closed, result = jx.trace(lambda *leaves: function(jax.tree.unflatten(tree, leaves)), *leaves)
    parts, constants = invariants_of(closed, 0), jx.constants(closed)
    values = parts.first(*constants)
    return lambda argument: jax.tree.unflatten(result, parts.rest(*constants, *values, *jax.tree.leaves(argument)))


def _variables(atoms: Sequence[Any]) -> list[Any]:
    return [atom for atom in atoms if not jx.is_literal(atom)]


def _is_worthwhile(equation: jx.Equation) -> bool:
    return any(name in _WORTHWHILE for name in jx.names_in(equation))


def _grows(equation: jx.Equation) -> bool:
    before = max(prod(jx.shape_of(atom)) for atom in equation.invars)
    return any(prod(jx.shape_of(variable)) > _GROWTH * before for variable in equation.outvars)


def _living(equations: Sequence[jx.Equation], results: Sequence[Any]) -> list[jx.Equation]:
    """Return the equations that contribute to the results, or have effects."""
    live, kept = set(results), []
    for equation in reversed(equations):
        if equation.effects or not live.isdisjoint(equation.outvars):
            kept.append(equation)
            live.update(_variables(equation.invars))
    return kept[::-1]


def _assembled(equations: Sequence[jx.Equation], inputs: Sequence[Any], outputs: Sequence[Any]) -> jx.ClosedJaxpr:
    numbers = {
        v: number for number, v in enumerate(dict.fromkeys([*inputs, *(v for e in equations for v in e.outvars)]))
    }

    def numbered(atoms: Sequence[Any]) -> list[Any]:
        return [atom if jx.is_literal(atom) else numbers[atom] for atom in atoms]

    steps = [(e, numbered(e.invars), numbered(e.outvars)) for e in equations]
    avals = {number: variable.aval for variable, number in numbers.items()}
    return jx.assembled(steps, numbered(inputs), numbered(outputs), {}, avals)
