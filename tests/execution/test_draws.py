"""Directions from keys: which key serves what, subsets exactly uniform, and the moments of every law."""

import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from opcompiler.errors import ArgumentTypeError, ShapeError
from opcompiler.execution.draws import (
    _alias_table,
    _drawn,
    _orthonormal,
    arrangement,
    directions_for,
    key_per_point,
)
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.law import (
    Coordinates,
    Frame,
    Gaussian,
    IndependentPair,
    Orthogonal,
    Rademacher,
    Sphere,
    Terms,
    ThreePoint,
)
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.sampling import Draw, Sampling

KEY = jax.random.key(7)
DRAWS = 5_000
THIRDS = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))


def sampling(*draws, repeats=1):
    return Sampling(NormalForm(Declarations(()), (), (), ()), draws, repeats)


def drawn(draw, count=DRAWS, dtype=jnp.float64, key=KEY):
    keys = key_per_point(key, (count,))
    return jax.jit(lambda keys: directions_for(sampling(draw), keys, dtype))(keys)[draw.space]


def agree_in_mean(samples, expected):
    """Within four standard errors, entry by entry; exact where nothing varies."""
    error = np.abs(np.mean(samples, axis=0) - expected)
    standard = np.std(samples, axis=0) / np.sqrt(len(samples))
    assert np.all(error <= 4 * standard + 1e-12)


# --- keys -------------------------------------------------------------------------------------------------------


def test_point_i_has_the_key_folded_with_its_flat_index():
    keys = key_per_point(KEY, (2, 3))
    for number in range(6):
        assert keys[number] == jax.random.fold_in(KEY, number)
    assert key_per_point(KEY, ()) == KEY
    assert key_per_point(KEY, (2, 3), shared=True) == KEY


def test_an_array_of_keys_has_one_key_per_point():
    keys = jax.random.split(KEY, (2, 3))
    assert (key_per_point(keys, (2, 3)) == keys.reshape(6)).all()


def test_keys_of_both_kinds_are_the_same_keys():
    old = jax.random.PRNGKey(7)
    assert (key_per_point(old, (4,)) == key_per_point(KEY, (4,))).all()
    assert (key_per_point(jax.random.split(old, 4), (4,)) == jax.random.split(KEY, 4)).all()


@pytest.mark.parametrize("key", [None, 0, jnp.arange(4), jnp.zeros(2), "key", jnp.zeros((), jnp.uint32)])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(ArgumentTypeError, match=r"jax\.random\.key"):
        key_per_point(key, (4,))


@pytest.mark.parametrize(("shape", "batch", "shared"), [((3,), (4,), False), ((4,), (), False), ((4,), (4,), True)])
def test_arrays_of_keys_of_another_shape_are_refused(shape, batch, shared):
    with pytest.raises(ShapeError):
        key_per_point(jax.random.split(KEY, shape), batch, shared)


@pytest.mark.parametrize("law", [Coordinates(), Orthogonal()])
def test_points_repeats_and_draws_are_keyed_one_by_one(law):
    draws = (Draw("a", "x", 2, 5, law), Draw("b", "x", 2, 5, law, repeated=True))
    keys = key_per_point(KEY, (3,))
    together, alone = jax.jit(
        lambda: tuple(directions_for(sampling(*draws, repeats=4), k, jnp.float64) for k in (keys, keys[1]))
    )()
    assert jax.tree.leaves(together["a"])[0].shape[:3] == (3, 1, 2)
    assert jax.tree.leaves(together["b"])[0].shape[:3] == (3, 4, 2)
    jax.tree.map(lambda many, one: np.testing.assert_allclose(many[1], one[0], atol=1e-14), together, alone)
    # The documented derivation: draw number 1, repeat 2 of point 1.
    own = jax.random.fold_in(jax.random.fold_in(keys[1], 1), 2)
    one = jax.jit(lambda: _drawn(draws[1], own, jnp.float64))()
    jax.tree.map(lambda many, one: np.testing.assert_allclose(many[1, 2], one, atol=1e-14), together["b"], one)
    values = np.asarray(jax.tree.leaves(together["b"])[0]).reshape(12, -1)
    assert len(np.unique(values, axis=0)) > 3


# --- coordinates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "size"), [(2, 4), (3, 5), (4, 5)])
def test_every_arrangement_is_drawn_equally_often(count, size):
    numbers = list(itertools.product(*(range(size - j) for j in range(count))))
    found = np.asarray(jax.vmap(lambda n: arrangement(n, size))(jnp.array(numbers)))
    assert sorted(map(tuple, found)) == sorted(itertools.permutations(range(size), count))


@pytest.mark.parametrize(("count", "dim"), [(5, 20), (20, 20), (70, 100), (16, 10**6)])
def test_coordinates_without_replacement_are_different(count, dim):
    indices = np.sort(drawn(Draw("a", "x", count, dim, Coordinates()), 50).indices[:, 0])
    assert indices.shape == (50, count)
    assert 0 <= indices.min() <= indices.max() < dim
    assert np.all(np.diff(indices) > 0)


def test_a_million_dimensions_take_the_memory_of_the_samples():
    one = sampling(Draw("a", "x", 16, 10**6, Coordinates()))
    program = jax.jit(lambda keys: directions_for(one, keys, jnp.float32)).lower(key_per_point(KEY, (100,))).compile()
    analysis = program.memory_analysis()
    assert analysis is not None
    assert analysis.temp_size_in_bytes < 10**6


@pytest.mark.parametrize("replace", [False, True])
def test_coordinates_are_uniform(replace):
    indices = drawn(Draw("a", "x", 2, 5, Coordinates(), replace=replace)).indices[:, 0]
    agree_in_mean(np.asarray(indices[..., None] == np.arange(5)).sum(1), np.full(5, 2 / 5))


@pytest.mark.parametrize("degree", [2, 4])
def test_the_length_of_a_weighted_coordinate_makes_up_for_its_probability(degree):
    one = drawn(Draw("a", "x", 2, 3, Coordinates(THIRDS), degree=degree))
    hits = one.lengths[..., None] ** degree * (one.indices[..., None] == jnp.arange(3))
    agree_in_mean(np.asarray(hits[:, 0]).reshape(-1, 3), np.ones(3))


@pytest.mark.parametrize(
    "probabilities",
    [THIRDS, (Fraction(1),), (Fraction(1, 4),) * 4, (Fraction(1, 10**12), 1 - Fraction(1, 10**12)),
     tuple(Fraction(2 * k + 1, 10_000) for k in range(100))],
)  # fmt: skip
def test_the_table_of_probabilities_realises_what_it_says(probabilities):
    thresholds, aliases, realised = _alias_table(probabilities)
    size, unit = len(probabilities), 2**32
    found = [0] * size
    for cell in range(size):
        threshold = unit if aliases[cell] == cell else int(thresholds[cell])
        found[cell] += threshold
        found[int(aliases[cell])] += unit - threshold
    np.testing.assert_array_equal(np.array(found) / (size * unit), realised)
    assert np.max(np.abs(realised - np.array([float(p) for p in probabilities]))) <= 1 / unit
    assert realised.min() > 0


def test_terms_weigh_their_coefficient_by_their_probability():
    draw = Draw(
        "a", "x", 2, 4, Terms(), table=((0, 1), (2, 2), (3, 0)), coefficients=(Fraction(2), Fraction(-3), Fraction(1)),
        probabilities=THIRDS,
    )  # fmt: skip
    one = drawn(draw)
    for term, coefficient in zip(draw.table, draw.coefficients, strict=True):
        hits = np.all(np.asarray(one.indices[:, 0]) == term, axis=-1)
        agree_in_mean(np.asarray(one.weight[:, 0]) * hits, float(coefficient))


# --- dense laws -------------------------------------------------------------------------------------------------


LAWS = [
    (Rademacher(), 1, 1, 1), (Gaussian(), 1, 3, 1), (IndependentPair(), 1, 3, 1), (ThreePoint(), 1, 3, 1),
    (Sphere(), 1 / 5, 3 / 35, 1 / 35), (Orthogonal(), 1 / 5, 3 / 35, 1 / 35), (Frame(3), 1 / 5, 3 / 35, 1 / 35),
]  # fmt: skip


@pytest.mark.parametrize(("law", "second", "fourth", "mixed"), LAWS, ids=lambda law: type(law).__name__)
def test_moments(law, second, fourth, mixed):
    rows = np.asarray(drawn(Draw("a", "x", 3, 5, law)).rows[:, 0])
    assert rows.shape == (DRAWS, 3, 5)
    agree_in_mean(rows, np.zeros((3, 5)))
    for row in (0, 2):
        products = rows[:, row, :, None] * rows[:, row, None, :]
        agree_in_mean(products, second * np.eye(5))
        agree_in_mean(rows[:, row] ** 4, np.full(5, fourth))
        agree_in_mean(products[:, 0, 1] ** 2, mixed)
    agree_in_mean(rows[:, 0, :, None] * rows[:, 1, None, :], np.zeros((5, 5)))


def test_entries_of_three_points_are_sparse():
    values, counts = np.unique(drawn(Draw("a", "x", 3, 5, ThreePoint()), 2000).rows, return_counts=True)
    np.testing.assert_allclose(values, [-(3**0.5), 0, 3**0.5])
    np.testing.assert_allclose(counts / counts.sum(), [1 / 6, 2 / 3, 1 / 6], atol=0.01)


@pytest.mark.parametrize(
    ("law", "count", "dim", "size"),
    [(Orthogonal(), 3, 4, 3), (Orthogonal(), 6, 4, 4), (Orthogonal(), 4, 40, 4), (Frame(2), 6, 7, 2),
     (Frame(2), 4, 40, 2)],
)  # fmt: skip
def test_blocks_of_directions_are_orthonormal(law, count, dim, size):
    rows = np.asarray(drawn(Draw("a", "x", count, dim, law), 20, jnp.float32).rows[:, 0])
    assert rows.shape == (20, count, dim)
    for start in range(0, count, size):
        block = rows[:, start : start + size]
        gram = block @ np.swapaxes(block, 1, 2)
        np.testing.assert_allclose(gram, np.broadcast_to(np.eye(block.shape[1]), gram.shape), atol=2e-6)


@pytest.mark.parametrize("dim", [6, 30])
def test_orthonormal_directions_are_those_of_the_decomposition_with_positive_diagonal(dim):
    rows = jax.random.normal(KEY, (4, 6, dim))
    basis, factor = np.linalg.qr(np.swapaxes(rows, 1, 2))
    expected = np.swapaxes(basis * np.sign(np.diagonal(factor, axis1=1, axis2=2))[:, None], 1, 2)
    np.testing.assert_allclose(_orthonormal(rows), expected, atol=1e-12)


def test_rows_that_are_nearly_dependent_are_made_orthonormal():
    rows = jnp.eye(3, dtype=jnp.float32) * jnp.float32(1e-4) + 1
    found = np.asarray(_orthonormal(rows))
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-6)


def test_two_draws_of_many_points_end():
    """Two batched decompositions by reflections wait for each other's threads for ever."""
    draws = sampling(*(Draw(space, "x", 6, 5, Orthogonal()) for space in "ab"))
    found = jax.jit(lambda key: directions_for(draws, jax.random.split(key, 3000), jnp.float32))(KEY)
    assert found["b"].rows.shape == (3000, 1, 6, 5)


def test_directions_have_the_type_of_the_points():
    for law in (Orthogonal(), Rademacher(), Coordinates(THIRDS)):
        one = jax.eval_shape(lambda law=law: _drawn(Draw("a", "x", 2, 3, law), KEY, jnp.bfloat16))
        assert (one.lengths if one.rows is None else one.rows).dtype == jnp.bfloat16


def test_orthonormal_directions_in_many_dimensions_are_uniform():
    rows = np.asarray(drawn(Draw("a", "x", 2, 8, Orthogonal())).rows[:, 0])
    agree_in_mean(rows[:, 1] ** 4, np.full(8, 3 / 80))
    # E q₁₁²q₂₁² = 1/(d(d+2)) and E q₁₁²q₂₂² = (d+1)/(d(d+2)(d−1)) for two orthonormal vectors.
    agree_in_mean(rows[:, 0, 0] ** 2 * rows[:, 1, 0] ** 2, 1 / 80)
    agree_in_mean(rows[:, 0, 0] ** 2 * rows[:, 1, 1] ** 2, 9 / (80 * 7))


@pytest.mark.parametrize("law", [Rademacher(), Coordinates(), Coordinates(THIRDS), Gaussian()])
def test_directions_drawn_in_rows_have_the_quadratic_form_as_covariance(law):
    rows, weights = ((1, 2, 0, 0), (0, 1, -1, 3), (1, 0, 0, 1)), (Fraction(2), Fraction(1, 3), Fraction(5))
    draw = Draw("a", "x", 2, 3, law, rows=tuple(tuple(map(Fraction, row)) for row in rows), weights=weights)
    vectors = np.asarray(drawn(draw).rows[:, 0]).reshape(-1, 4)
    matrix = np.array(rows).T @ np.diag([float(w) for w in weights]) @ np.array(rows)
    uniform = law == Coordinates()
    agree_in_mean(vectors[::2, :, None] * vectors[::2, None, :], matrix / 3 if uniform else matrix)
