"""Every Taylor rule against nested forward differentiation, over three algebras up to order four."""

import jax
import pytest
from taylor import algebras
from taylor.cases import CASES, HEAVY, NETWORKS, WITHOUT_DERIVATIVE
from taylor.checks import assert_agrees

from opcompiler.taylor.jaxpr import ABSENT
from opcompiler.taylor.registry import CONSTANT, RULES

ALGEBRAS = {
    "one direction and mixed": (algebras.joint((4, 0), (2, 2)), algebras.joint((3, 0), (2, 1))),
    "Laplacian": (algebras.laplacian(2), algebras.laplacian(2)),
}
"""Univariate jets and the mixed monomial u_xxyy in one pass, and a family; for small functions, and for heavy ones."""


def primitives(jaxpr) -> set[str]:
    """Names of all primitives in a jaxpr, inner ones included."""
    names = set()
    for equation in jaxpr.eqns:
        names.add(equation.primitive.name)
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    names |= primitives(inner)
    return names


def test_every_rule_has_a_case():
    assert {c.primitive for c in CASES} == set(RULES) - ABSENT


def test_every_primitive_without_derivative_has_a_case():
    assert {c.primitive for c in WITHOUT_DERIVATIVE} == CONSTANT


@pytest.mark.parametrize("case", CASES + WITHOUT_DERIVATIVE, ids=lambda c: c.name)
def test_the_case_shows_its_primitive(case):
    assert case.primitive in primitives(jax.make_jaxpr(case.function)(*case.arguments).jaxpr)


@pytest.mark.parametrize("case", CASES + WITHOUT_DERIVATIVE + NETWORKS, ids=lambda c: c.name)
@pytest.mark.parametrize("kind", ALGEBRAS)
def test_rule(case, kind):
    assert_agrees(case.function, case.arguments, ALGEBRAS[kind][case in HEAVY or case in NETWORKS], case.reference)
