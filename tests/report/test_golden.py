"""Stories kept word for word, of operators whose meaning is checked as well."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import tanh_mlp
from report.golden import FOLDER, FORMATS, GOLDEN, KEPT, PICTURE, Golden, flat, picture

import opcompiler as oc


def by_name(golden: Golden) -> str:
    return golden.name


@pytest.mark.parametrize(("golden", "ending"), KEPT, ids=[golden.path(ending).name for golden, ending in KEPT])
def test_the_report_is_the_one_that_is_kept(golden: Golden, ending: str):
    assert golden.story(ending) == golden.path(ending).read_text("utf-8"), "if the change is meant: make golden"


def test_the_picture_of_the_readme_is_the_diagram_of_its_operator():
    assert picture() == PICTURE.read_text("utf-8"), "if the change is meant: make golden"
    readme = (PICTURE.parents[2] / "README.md").read_text("utf-8")
    assert "(docs/images/plan.svg)" in readme
    assert GOLDEN[0].text in readme


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


def test_no_report_is_left_over():
    kept = {golden.path(ending) for golden, ending in KEPT}
    assert {path for ending in FORMATS for path in FOLDER.glob(f"*.{ending}")} == kept
