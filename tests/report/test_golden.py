"""Stories kept word for word, of operators whose meaning is checked as well."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import tanh_mlp
from report.golden import GOLDEN, Golden, flat

import opcompiler as oc


def by_name(golden: Golden) -> str:
    return golden.name


@pytest.mark.parametrize("golden", GOLDEN, ids=by_name)
def test_the_story_is_the_one_that_is_kept(golden: Golden):
    assert golden.story() == golden.path.read_text("utf-8"), "if the change is meant: python tests/report/golden.py"


@pytest.mark.parametrize("golden", GOLDEN, ids=by_name)
def test_the_operator_means_what_the_story_says(golden: Golden):
    operator = oc.compile(golden.text, **golden.declarations)
    shapes = [space.shape for space in operator.plan.normal_form.declarations.spaces]
    dim = sum(int(np.prod(shape)) for shape in shapes)
    u = tanh_mlp(jax.random.key(3), [dim, 16, 16, 1])
    points = jax.random.normal(jax.random.key(4), (5, dim))
    expected = jax.vmap(golden.meaning(u))(points)
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    arguments = [part.reshape(5, *shape) for part, shape in zip(jnp.split(points, ends, axis=1), shapes, strict=True)]
    value = operator(flat(u), *arguments, parameters=golden.parameters or None)
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-12)


def test_no_story_is_left_over():
    assert {path.stem for path in GOLDEN[0].path.parent.glob("*.txt")} == {golden.name for golden in GOLDEN}
