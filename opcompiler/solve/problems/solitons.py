"""Equations with solitons in one and two dimensions: Korteweg–de Vries, Kadomtsev–Petviashvili, sine-Gordon.

Two solitons in Hirota's bilinear form (Hirota 2004, The Direct Method in Soliton Theory, chapter 1): with phases
θ_i = k_i x + m_i y + ω_i t and the dispersion relation P(k, m, ω) = 0,

    f = 1 + e^{θ₁} + e^{θ₂} + A e^{θ₁+θ₂},   A = −P(θ₁ − θ₂)/P(θ₁ + θ₂),

with −½ log A added to both phases, so that the solitons meet at the origin, and u is 2 ∂_x log f or 2 ∂_x² log f.
Derivatives of log f are moments of the wave numbers under the weights of its terms, which never overflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from opcompiler.solve.domains import Box
from opcompiler.solve.statement import Condition, Field, Points, Problem

__all__ = ["kadomtsev_petviashvili", "korteweg_de_vries", "korteweg_de_vries_2d", "sine_gordon_1d"]

Wave = tuple[float, float, float]
"""Wave numbers and frequency (k, m, ω)."""


def korteweg_de_vries(gradient_weight: float = 0.0) -> Problem:
    """Return u_t + 6 u u_x + u_xxx = 0 with two solitons, for gradient-enhanced training with ∂_x and ∂_t of it.

    P = k(ω + k³).
    """
    waves = [(k, 0.0, -(k**3)) for k in (1.0, 1.6)]
    solution = _second_derivative(waves, lambda k, m, w: k * (w + k**3))
    equation = "u_t + 6 u u_x + u_xxx"
    enhanced = gradient_weight > 0
    return _in_box(
        name="kdv-gradient" if enhanced else "kdv",
        text=(equation, f"∂ₓ({equation})", f"∂ₜ({equation})") if enhanced else equation,
        weights=(1.0, gradient_weight, gradient_weight) if enhanced else (),
        summary=f"Korteweg–de Vries equation, two solitons{', gradient-enhanced' if enhanced else ''}",
        exact=lambda x, t: solution(x, jnp.zeros_like(x), t),
        boxes={"x": Box(-6.0, 6.0), "t": Box(-1.0, 1.0)},
        slopes=("x",),
    )


def korteweg_de_vries_2d() -> Problem:
    """Return u_ty + u_xxxy + 3(u_y u_x)_x − u_xx + 2u_yy = 0 with two solitons.

    P = ωm + k³m − k² + 2m², u = 2 ∂_x log f.
    """

    def dispersion(k: float, m: float, w: float) -> float:
        return w * m + k**3 * m - k * k + 2 * m * m

    waves = [(k, m, k * k / m - 2 * m - k**3) for k, m in ((1.0, 1.0), (1.5, 0.5))]
    return _in_box(
        name="kdv-2d",
        text="u_ty + u_xxxy + 3(u_y u_x)_x - u_xx + 2u_yy = 0",
        summary="Korteweg–de Vries equation in two dimensions, two solitons",
        exact=_first_derivative(waves, dispersion),
        boxes={"x": Box(-5.0, 5.0), "y": Box(-5.0, 5.0), "t": Box(0.0, 1.0)},
        slopes=("x",),
    )


def kadomtsev_petviashvili() -> Problem:
    """Return (u_t + 6 u u_x + u_xxx)_x + 3u_yy = 0 with two solitons.

    P = kω + k⁴ + 3m², u = 2 ∂_x² log f.
    """
    waves = [(k, m, -(k**3) - 3 * m * m / k) for k, m in ((1.0, 0.3), (1.5, -0.1))]
    return _in_box(
        name="kp",
        text="(u_t + 6 u u_x + u_xxx)_x + 3u_yy = 0",
        summary="Kadomtsev–Petviashvili equation, two solitons",
        exact=_second_derivative(waves, lambda k, m, w: k * w + k**4 + 3 * m * m),
        boxes={"x": Box(-5.0, 5.0), "y": Box(-5.0, 5.0), "t": Box(0.0, 1.0)},
        slopes=("x",),
    )


def sine_gordon_1d() -> Problem:
    """Return u_tt − u_xx + sin u = 0 with two kinks that repel each other.

    u = 4 arctan(v sinh(γx) / cosh(γvt)), γ = 1/√(1 − v²), v = 1/2.
    """
    speed = 0.5
    gamma = 1 / math.sqrt(1 - speed**2)
    boxes = {"x": Box(-8.0, 8.0), "t": Box(-4.0, 4.0)}

    def exact(x: jax.Array, t: jax.Array) -> jax.Array:
        return 4 * jnp.arctan(speed * jnp.sinh(gamma * x) / jnp.cosh(gamma * speed * t))

    def speed_at_start(x: jax.Array, t: jax.Array) -> jax.Array:
        return jax.jvp(lambda time: exact(x, time), (t,), (jnp.ones_like(t),))[1]

    return _in_box(
        name="sine-gordon-1d",
        text="u_tt - u_xx + sin(u) = 0",
        summary="sine-Gordon equation in one dimension, two kinks",
        exact=exact,
        boxes=boxes,
        slopes=(),
        further=(Condition("speed", "u_t", _at_start(boxes), speed_at_start),),
    )


def _in_box(
    *, exact: Field, boxes: dict[str, Box], slopes: Sequence[str], further: tuple[Condition, ...] = (), **described
) -> Problem:
    """Return a problem with u given at the first time and on the faces, and ∂u/∂s on the faces for s in `slopes`.

    Equations of third and fourth order in s need one slope; that on the second face is given as well.
    """
    names = list(boxes)

    def sample(key: jax.Array, count: int) -> Points:
        keys = jax.random.split(key, len(boxes))
        return tuple(box.sample(k, count) for k, box in zip(keys, boxes.values(), strict=True))

    def on_faces(name: str) -> Callable[[jax.Array, int], Points]:
        def draw(key: jax.Array, count: int) -> Points:
            face_key, inside_key = jax.random.split(key)
            points = list(sample(inside_key, count))
            points[names.index(name)] = boxes[name].boundary(face_key, count)
            return tuple(points)

        return draw

    def slope(name: str) -> Field:
        position = names.index(name)
        return lambda *point: jax.grad(exact, argnums=position)(*point)

    faces = tuple(Condition(f"{name} faces", "u", on_faces(name), exact) for name in names if name != "t")
    steep = tuple(Condition(f"{name} slope", f"u_{name}", on_faces(name), slope(name)) for name in slopes)
    return Problem(
        **described,
        spaces=dict.fromkeys(names),
        sample=sample,
        exact=exact,
        conditions=(Condition("start", "u", _at_start(boxes), exact), *faces, *steep, *further),
        sizes=tuple(box.size for box in boxes.values()),
    )


def _at_start(boxes: dict[str, Box]) -> Callable[[jax.Array, int], Points]:
    def draw(key: jax.Array, count: int) -> Points:
        keys = jax.random.split(key, len(boxes))
        return tuple(
            jnp.full(count, float(box.low)) if name == "t" else box.sample(k, count)
            for k, (name, box) in zip(keys, boxes.items(), strict=True)
        )

    return draw


def _terms(waves: Sequence[Wave], dispersion: Callable[[float, float, float], float]) -> list[tuple[Wave, float]]:
    """Return the four terms of f as (wave, logarithm of the coefficient).

    With −½ log A added to both phases f is e^{(θ₁+θ₂)/2} times an even function: the solitons meet at the origin.
    """
    first, second = waves
    difference = dispersion(*(a - b for a, b in zip(first, second, strict=True)))
    total = (first[0] + second[0], first[1] + second[1], first[2] + second[2])
    offset = -math.log(-difference / dispersion(*total)) / 2
    return [((0.0, 0.0, 0.0), 0.0), (first, offset), (second, offset), (total, 0.0)]


def _first_derivative(waves: Sequence[Wave], dispersion: Callable[[float, float, float], float]) -> Field:
    """Return 2 ∂_x log f: twice the mean wave number."""
    terms = _terms(waves, dispersion)

    def value(x: jax.Array, y: jax.Array, t: jax.Array) -> jax.Array:
        weights, numbers = _weights(terms, x, y, t)
        return 2 * jnp.sum(weights * numbers)

    return value


def _second_derivative(waves: Sequence[Wave], dispersion: Callable[[float, float, float], float]) -> Field:
    """Return 2 ∂_x² log f: twice the variance of the wave number."""
    terms = _terms(waves, dispersion)

    def value(x: jax.Array, y: jax.Array, t: jax.Array) -> jax.Array:
        weights, numbers = _weights(terms, x, y, t)
        return 2 * jnp.sum(weights * (numbers - jnp.sum(weights * numbers)) ** 2)

    return value


def _weights(
    terms: Sequence[tuple[Wave, float]], x: jax.Array, y: jax.Array, t: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return the share of each term in f, and the wave numbers in x."""
    phases = jnp.stack([k * x + m * y + w * t + offset for (k, m, w), offset in terms])
    return jax.nn.softmax(phases), jnp.array([wave[0] for wave, _ in terms], phases.dtype)
