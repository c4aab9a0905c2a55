"""Contractions off a jet: sums, layouts along free axes, components."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from opcompiler.execution.readout import read
from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.plan import Readout, ReadoutPart
from opcompiler.taylor import Jet

BATCH, DIRECTIONS, COMPONENTS = 4, 3, 2
KEY = jax.random.key(0)


def jet(*shape, zero=()):
    """Elements: 1 single, 2 family, 3 single, 4 family."""
    value = lambda n, s: jax.random.normal(jax.random.fold_in(KEY, n), s)
    full = [value(1, shape), value(2, (DIRECTIONS, *shape)), value(3, shape), value(4, (DIRECTIONS, *shape))]
    coefficients = tuple(None if n in zero else c for n, c in enumerate(full, 1))
    return Jet(value(0, shape), coefficients, (None, DIRECTIONS, None, DIRECTIONS))


def part(element, coefficient=1, positions=None):
    return ReadoutPart(element, Coefficient.of(Fraction(coefficient)), positions)


def close(actual, expected):
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-14)


@pytest.mark.parametrize("batched", [True, False])
def test_scalar_readouts_sum_over_directions(batched):
    j = jet(BATCH) if batched else jet()
    value = read(j, Readout(0, (part(0, 2), part(1, "1/3"), part(2, -1))), None, (), batched)
    close(value, 2 * j.primal + j.coefficients[0] / 3 - j.coefficients[1].sum(0))


def test_zero_coefficients_are_left_out():
    j = jet(BATCH, zero=(1, 2))
    close(read(j, Readout(0, (part(1), part(3))), None, (), True), j.coefficients[2])
    close(read(j, Readout(0, (part(1), part(2))), None, (), True), jnp.zeros(BATCH))
    whole = ((0, 0, DIRECTIONS),)
    close(read(j, Readout(0, (part(2, 1, whole),), (DIRECTIONS,)), None, (), True), jnp.zeros((BATCH, DIRECTIONS)))


def test_a_family_that_is_the_whole_value_is_only_transposed():
    j = jet(BATCH)
    readout = Readout(0, (part(2, 1, ((0, 0, DIRECTIONS),)),), (DIRECTIONS,))
    close(read(j, readout, None, (), True), j.coefficients[1].T)
    primitives = {
        equation.primitive.name for equation in jax.make_jaxpr(lambda: read(j, readout, None, (), True))().eqns
    }
    assert not primitives & {"gather", "scatter", "scatter-add", "concatenate", "mul"}


def test_parts_are_put_at_their_positions():
    j = jet(BATCH)
    readout = Readout(0, (part(1, 2, ((0, 3, 1),)), part(2, 1, ((0, 1, 2), (2, 0, 1)))), (2, 2))
    _, family = j.coefficients[:2]
    expected = jnp.stack([family[2], family[0], family[1], 2 * j.coefficients[0]], -1).reshape(BATCH, 2, 2)
    close(read(j, readout, None, (), True), expected)


def test_one_element_may_stand_at_several_positions():
    j = jet(BATCH)
    symmetric = Readout(
        0, (part(1, 2, ((0, 0, 1),)), *(part(3, 1, ((0, n, 1),)) for n in (1, 2)), part(0, 1, ((0, 3, 1),))), (2, 2)
    )  # fmt: skip
    a, b = j.coefficients[0], j.coefficients[2]
    close(read(j, symmetric, None, (), True), jnp.stack([2 * a, b, b, j.primal], -1).reshape(BATCH, 2, 2))


def test_parts_at_one_position_add_and_gaps_are_zero():
    j = jet(BATCH)
    readout = Readout(0, (part(1, 1, ((0, 1, 1),)), part(2, 3, ((0, 0, 3),))), (4,))
    family = 3 * j.coefficients[1]
    expected = jnp.stack([family[0], family[1] + j.coefficients[0], family[2], jnp.zeros(BATCH)], -1)
    close(read(j, readout, None, (), True), expected)


def test_components_and_field_axes():
    j = jet(BATCH, COMPONENTS)
    close(
        read(j, Readout(0, (part(1), part(2))), (1,), (), True),
        j.coefficients[0][:, 1] + j.coefficients[1].sum(0)[:, 1],
    )
    whole = Readout(0, (part(4, 1, ((0, 0, DIRECTIONS),)),), (DIRECTIONS,))
    close(read(j, whole, None, (), True), jnp.moveaxis(j.coefficients[3], 0, -1))
    close(read(j, whole, (0,), (), True), j.coefficients[3][:, :, 0].T)


def test_coefficients_may_hold_run_time_scalars():
    j = jet(BATCH)
    quadratic = Coefficient.scalar(0) * Coefficient.scalar(0) + ONE
    readout = Readout(0, (ReadoutPart(1, quadratic),))
    close(read(j, readout, None, (jnp.asarray(0.5),), True), 1.25 * j.coefficients[0])
    laid = Readout(0, (ReadoutPart(1, quadratic, ((0, 0, 1),)), part(3, 1, ((0, 1, 1),))), (2,))
    close(read(j, laid, None, (jnp.asarray(0.5),), True), jnp.stack([1.25 * j.coefficients[0], j.coefficients[2]], -1))
