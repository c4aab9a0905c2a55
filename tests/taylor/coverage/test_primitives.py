"""Every primitive with a rule occurs in a function of the suite."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from taylor.coverage.compare import split
from taylor.coverage.suite import CASES

from opcompiler.taylor.jaxpr import ABSENT
from opcompiler.taylor.registry import CONSTANT, RULES


def primitives(jaxpr: Any) -> Iterator[str]:
    """Yield the names of all primitives of a jaxpr, inner ones included."""
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inner in jax.tree_util.tree_leaves(list(equation.params.values()), is_leaf=lambda v: hasattr(v, "eqns")):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from primitives(inner)


def test_every_rule_has_a_case():
    missing = (set(RULES) | CONSTANT) - ABSENT
    # The functions named last use the rarest primitives.
    for case in reversed(CASES.values()):
        points, rebuilt = split(case)
        traced = jax.make_jaxpr(lambda *v, case=case, rebuilt=rebuilt: case.function(*rebuilt(list(v))))(*points)
        missing -= set(primitives(traced.jaxpr))
        if not missing:
            break
    assert not missing, f"no function of the suite uses {sorted(missing)}"


def test_points_are_double_precision():
    for case in CASES.values():
        assert all(p.dtype in (np.float64, np.complex128) for p in split(case)[0]), case.name
