"""Equations that users write: what follows from the text, and what is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

import opcompiler as oc
from opcompiler.solve import Ball, Box, Shell, equation

KEY = jax.random.key(1)


def bump(x: jax.Array) -> jax.Array:
    return (1 - x @ x) * jnp.sin(x[0] + x[1])


def test_a_right_hand_side_is_made_from_the_solution():
    given = equation("Δu + sin(u) = g", spaces={"x": 3}, domain=Ball(3), solution=bump)
    points = given.sample(KEY, 5)
    assert float(jnp.max(jnp.abs(given.operator()(bump, *points)))) < 1e-12
    assert given.hard is not None
    assert given.conditions == ()


def test_boundary_values_that_are_not_zero_go_into_the_loss():
    given = equation("Δu = g", spaces={"x": 2}, domain=Shell(2, 0.5, 1.5), solution=lambda x: x[0] * x[1])
    assert given.hard is None
    (condition,) = given.conditions
    (places,) = condition.sample(KEY, 20)
    radii = jnp.linalg.norm(places, axis=1)
    assert {round(float(radius), 6) for radius in radii} == {0.5, 1.5}


def test_time_has_a_beginning_but_no_end():
    given = equation(
        "u_tt = u_xx", spaces=("x", "t"), domain={"x": Box(0, 1), "t": Box(0, 2)}, solution=lambda x, t: jnp.sin(x - t)
    )
    names = [condition.name for condition in given.conditions]
    assert names == ["boundary of x", "boundary of t", "speed"]
    by_name = {condition.name: condition for condition in given.conditions}
    assert set(by_name["boundary of x"].sample(KEY, 20)[0].tolist()) == {0.0, 1.0}
    assert set(by_name["boundary of t"].sample(KEY, 20)[1].tolist()) == {0.0}
    for condition in given.conditions:
        places = condition.sample(KEY, 5)
        found = given.compile(condition.text)(given.exact, *places)
        assert float(jnp.max(jnp.abs(found - jax.vmap(condition.value)(*places)))) < 1e-12


def test_an_equation_of_first_order_in_time_needs_no_speed():
    given = equation("u_t = u_xx", spaces=("x", "t"), domain={"x": Box(0, 1), "t": Box(0, 1)})
    assert [condition.name for condition in given.conditions] == ["boundary of x", "boundary of t"]


def test_a_hard_factor_vanishes_on_the_boundary():
    for place in (Ball(3, 2.0), Shell(3), Box(-1, 2)):
        factor = jax.vmap(place.vanishing)
        assert float(jnp.max(jnp.abs(factor(place.boundary(KEY, 10))))) < 1e-12
        assert float(jnp.min(factor(place.sample(KEY, 10)))) > 0


@pytest.mark.parametrize(
    ("declared", "error", "message"),
    [
        ({"text": "Δu = h"}, oc.OperatorNameError, "h"),
        ({"text": "Δu = g"}, oc.ArgumentTypeError, "without a solution"),
        ({"domain": {"y": Ball(3)}}, oc.ArgumentTypeError, "domains are given for y"),
        ({"domain": "ball"}, oc.ArgumentTypeError, "no domain"),
        ({"domain": Ball(4)}, oc.ArgumentTypeError, r"shape \(4,\)"),
    ],
)
def test_mistakes(declared: dict, error: type, message: str):
    with pytest.raises(error, match=message):
        equation(**({"text": "Δu = 0", "spaces": {"x": 3}, "domain": Ball(3)} | declared))


@pytest.mark.parametrize(
    "empty", [lambda: Ball(0), lambda: Ball(2.5), lambda: Ball(2, -1.0), lambda: Shell(3, 2.0, 1.0), lambda: Box(1, 0)]
)
def test_empty_domains_are_refused(empty):
    with pytest.raises(oc.ArgumentTypeError) as caught:
        empty()
    assert caught.value.hint
