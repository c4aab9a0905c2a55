"""Derivatives that equations with solitons need, as peers compute them: nested differentiation, and univariate jets.

Everything here is at one point and is put under `jax.vmap`, as published code does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import jet

__all__ = ["EQUATIONS", "NESTINGS", "Derivatives", "Equation", "Field", "by_jvp_outermost", "nested"]

Field = Callable[..., jax.Array]
"""A function of the coordinates of one point."""

Derivatives = Mapping[str, jax.Array]
"""∂u by the coordinates of differentiation, which are in the order x, y, t: "" is u, "xxt" is u_xxt."""

Nesting = Callable[[Field, list[int]], Field]
"""(function of one point, axes) ↦ the function that is its derivative."""


@dataclass(frozen=True)
class Equation:
    """What contenders know of a problem.

    Attributes:
        coordinates: the arguments of u.
        needed: derivatives that occur.
        residual: of these derivatives.
        tower: these derivatives with nothing differentiated twice.
        jets: these derivatives from univariate jets, by name of the contender.
    """

    coordinates: str
    needed: tuple[str, ...]
    residual: Callable[[Derivatives], jax.Array]
    tower: Callable[[Field, tuple[jax.Array, ...]], Derivatives]
    jets: Mapping[str, Callable[[Field, tuple[jax.Array, ...]], Derivatives]]


# --- nested differentiation -------------------------------------------------------------------------------------


def unit(point: tuple[jax.Array, ...], axis: int) -> tuple[jax.Array, ...]:
    """Return the tangent of one coordinate."""
    return tuple(jnp.ones_like(c) if i == axis else jnp.zeros_like(c) for i, c in enumerate(point))


def tower(function: Callable[..., Any], axis: int, order: int) -> Callable[..., list[Any]]:
    """Return (f, ∂f, …, ∂^order f) along an axis, each level taking its values along from the level below."""
    if order == 0:
        return lambda *point: [function(*point)]
    below = tower(function, axis, order - 1)

    def value(*point: jax.Array) -> list[Any]:
        values, tangents = jax.jvp(below, point, unit(point, axis))
        return [*values, tangents[-1]]

    return value


def by_jvp(function: Field, axes: list[int]) -> Field:
    """Nest forward derivatives, the first axis innermost."""
    if not axes:
        return function
    below = by_jvp(function, axes[:-1])
    return lambda *point: jax.jvp(below, point, unit(point, axes[-1]))[1]


def by_jvp_outermost(function: Field, axes: list[int]) -> Field:
    """Nest forward derivatives, the first axis outermost."""
    return by_jvp(function, axes[::-1])


def by_jacfwd(function: Field, axes: list[int]) -> Field:
    """Nest Jacobians by forward differentiation with respect to single arguments."""
    for axis in axes:
        function = jax.jacfwd(function, argnums=axis)
    return function


def by_jvp_over_grad(function: Field, axes: list[int]) -> Field:
    """Nest forward derivatives of a reverse one."""
    return by_jvp(jax.grad(function, argnums=axes[0]), axes[1:]) if axes else function


NESTINGS: dict[str, Nesting] = {
    "nested jvp, x innermost": by_jvp,
    "nested jvp, x outermost": by_jvp_outermost,
    "nested jacfwd": by_jacfwd,
    "nested jvp over grad": by_jvp_over_grad,
}


def nested(equation: Equation, nest: Nesting) -> Callable[..., jax.Array]:
    """Return the residual at one point from one nested derivative per term."""

    def value(u: Field, *point: jax.Array) -> jax.Array:
        found = {n: nest(u, [equation.coordinates.index(c) for c in n])(*point) for n in equation.needed}
        return equation.residual(found)

    return value


# --- jets -------------------------------------------------------------------------------------------------------


def curve(u: Field, point: tuple[jax.Array, ...], seeds: Mapping[int, jax.Array], order: int) -> list[jax.Array]:
    """Return u and its derivatives up to an order along the curve with derivatives `seeds` (by order) at the point."""
    x = jnp.stack(point)
    series = [seeds.get(k, jnp.zeros_like(x)) for k in range(1, order + 1)]
    value, coefficients = jet.jet(lambda x: u(*x), (x,), (series,))
    return [value, *coefficients]


def lines(u: Field, point: tuple[jax.Array, ...], directions: np.ndarray, order: int) -> list[jax.Array]:
    """Return D^k u[v, …, v] for k up to the order, each shaped [directions]: jets along lines under vmap."""
    vectors = jnp.asarray(directions, point[0].dtype)
    return jax.vmap(lambda v: curve(u, point, {1: v}, order))(vectors)


def axis_vectors(count: int, dtype: Any) -> jax.Array:
    """Return the unit vectors of the coordinates as rows."""
    return jnp.eye(count, dtype=dtype)


# --- u_t + 6 u u_x + u_xxx --------------------------------------------------------------------------------------


def kdv_tower(u: Field, point: tuple[jax.Array, ...]) -> Derivatives:
    """The derivatives from one tower along x and one derivative in time."""
    value, x, _, xxx = tower(u, 0, 3)(*point)
    return {"": value, "x": x, "xxx": xxx, "t": by_jvp(u, [1])(*point)}


def kdv_jets(u: Field, point: tuple[jax.Array, ...]) -> Derivatives:
    """A jet of order 3 along x, one of order 1 along t."""
    ex, et = axis_vectors(2, point[0].dtype)
    value, x, _, xxx = curve(u, point, {1: ex}, 3)
    return {"": value, "x": x, "xxx": xxx, "t": curve(u, point, {1: et}, 1)[1]}


# --- u_ty + u_xxxy + 3(u_y u_x)_x − u_xx + 2u_yy -----------------------------------------------------------------


def kdv_2d_residual(d: Derivatives) -> jax.Array:
    """The product rule carried out."""
    return d["yt"] + d["xxxy"] + 3 * d["xy"] * d["x"] + 3 * d["y"] * d["xx"] - d["xx"] + 2 * d["yy"]


def kdv_2d_tower(u: Field, point: tuple[jax.Array, ...]) -> Derivatives:
    """A tower along x over (u, u_y), and the derivatives of u_y in y and t."""
    (_, y), (x, xy), (xx, _), (_, xxxy) = tower(lambda *p: tuple(tower(u, 1, 1)(*p)), 0, 3)(*point)
    found = {"x": x, "y": y, "xx": xx, "xy": xy, "xxxy": xxxy}
    return found | {"yy": by_jvp(u, [1, 1])(*point), "yt": by_jvp(u, [1, 2])(*point)}


def kdv_2d_polarised(u: Field, point: tuple[jax.Array, ...]) -> Derivatives:
    """Jets along x ± y and x ± 2y to order 4, along t ± y to order 2.

    ∂x³∂y = [(x+y)⁴ − (x−y)⁴]/6 − [(x+2y)⁴ − (x−2y)⁴]/48 in powers of directional derivatives.
    """
    _, first, second, _, fourth = lines(u, point, np.array([[1, 1, 0], [1, -1, 0], [1, 2, 0], [1, -2, 0]]), 4)
    _, _, mixed = lines(u, point, np.array([[0, 1, 1], [0, -1, 1]]), 2)
    near, far = second[0] + second[1], second[2] + second[3]
    yy = (far - near) / 6
    return {
        "x": (first[0] + first[1]) / 2,
        "y": (first[0] - first[1]) / 2,
        "xx": near / 2 - yy,
        "xy": (second[0] - second[1]) / 4,
        "yy": yy,
        "yt": (mixed[0] - mixed[1]) / 4,
        "xxxy": (fourth[0] - fourth[1]) / 6 - (fourth[2] - fourth[3]) / 48,
    }


def kdv_2d_thirteen(u: Field, point: tuple[jax.Array, ...]) -> Derivatives:
    """One jet of order 13 with x, y, t as third, fourth and seventh derivatives of the curve, read as published.

    It is wrong for general u: order 7 has u_t beside 35 u_xy, order 11 has 5775 u_xyy beside 330 u_yt, order 13 has
    17160 u_xxt beside 200200 u_xxxy; no constants can mend that. 10 u_xx at order 6 is read with its factor here.
    """
    ex, ey, et = axis_vectors(3, point[0].dtype)
    c = curve(u, point, {3: ex, 4: ey, 7: et}, 13)
    found = {"x": c[3], "y": c[4], "xx": c[6] / 10, "xy": c[7] / 35, "yy": c[8] / 35}
    return found | {"yt": c[11] / 330, "xxxy": c[13] / 200200}


# --- (u_t + 6 u u_x + u_xxx)_x + 3u_yy ---------------------------------------------------------------------------


def kp_residual(d: Derivatives) -> jax.Array:
    """The product rule carried out."""
    return d["xt"] + 6 * d["x"] ** 2 + 6 * d[""] * d["xx"] + d["xxxx"] + 3 * d["yy"]


def kp_tower(u: Field, point: tuple[jax.Array, ...]) -> Derivatives:
    """A tower along x, the derivative of u_x in t, and a tower along y."""
    value, x, xx, _, xxxx = tower(u, 0, 4)(*point)
    yy = tower(u, 1, 2)(*point)[-1]
    return {"": value, "x": x, "xx": xx, "xxxx": xxxx, "yy": yy, "xt": by_jvp(u, [0, 2])(*point)}


def kp_slots(u: Field, point: tuple[jax.Array, ...]) -> Derivatives:
    """As published: jets of order 4 along x and 2 along y, and one of order 5 whose last coefficient is 10 u_xt."""
    ex, ey, et = axis_vectors(3, point[0].dtype)
    value, x, xx, _, xxxx = curve(u, point, {1: ex}, 4)
    yy, xt = curve(u, point, {1: ey}, 2)[2], curve(u, point, {2: ex, 3: et}, 5)[5] / 10
    return {"": value, "x": x, "xx": xx, "xxxx": xxxx, "yy": yy, "xt": xt}


def kp_polarised(u: Field, point: tuple[jax.Array, ...]) -> Derivatives:
    """A jet of order 4 along x, jets of order 2 along y and x ± t."""
    ex, _, _ = axis_vectors(3, point[0].dtype)
    value, x, xx, _, xxxx = curve(u, point, {1: ex}, 4)
    _, _, second = lines(u, point, np.array([[0, 1, 0], [1, 0, 1], [1, 0, -1]]), 2)
    found = {"": value, "x": x, "xx": xx, "xxxx": xxxx}
    return found | {"yy": second[0], "xt": (second[1] - second[2]) / 4}


EQUATIONS = {
    "kdv": Equation(
        "xt",
        ("", "x", "xxx", "t"),
        lambda d: d["t"] + 6 * d[""] * d["x"] + d["xxx"],
        kdv_tower,
        {"vmap(jet), orders 3 and 1": kdv_jets},
    ),
    "kdv-2d": Equation(
        "xyt",
        ("x", "y", "xx", "xy", "yy", "yt", "xxxy"),
        kdv_2d_residual,
        kdv_2d_tower,
        {
            "vmap(jet), 4 of order 4, 2 of order 2": kdv_2d_polarised,
            "vmap(13-jet), published, wrong": kdv_2d_thirteen,
        },
    ),
    "kp": Equation(
        "xyt",
        ("", "x", "xx", "xt", "yy", "xxxx"),
        kp_residual,
        kp_tower,
        {
            "vmap(jet), orders 5, 4 and 2, published": kp_slots,
            "vmap(jet), order 4 and 3 of order 2": kp_polarised,
        },
    ),
}
