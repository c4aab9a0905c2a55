"""Where points are drawn: balls, shells, boxes and Brownian paths, and the boundaries of the first three."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp

from opcompiler.errors import ArgumentTypeError
from opcompiler.solve.checks import require_count, require_positive

__all__ = ["Ball", "Box", "Domain", "Shell", "brownian_paths", "directions"]


class Domain(Protocol):
    """A region of one space. Points are arrays shaped (count, *shape)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one point."""
        ...

    @property
    def size(self) -> float:
        """Length by which networks divide their input: a solution changes by its own magnitude over such a distance."""
        ...

    def sample(self, key: jax.Array, count: int) -> jax.Array:
        """Draw points of the interior."""
        ...

    def boundary(self, key: jax.Array, count: int) -> jax.Array:
        """Draw points of the boundary."""
        ...

    def vanishing(self, x: jax.Array) -> jax.Array | None:
        """Return a smooth function of one point that is zero on the boundary and positive inside; None if unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Ball:
    """The ball |x| < radius in `dim` dimensions, drawn with uniform direction and uniform |x|.

    Uniform |x| rather than uniform volume: in high dimension nearly all of the volume lies next to the sphere, where a
    solution that vanishes on the sphere is nearly zero.
    """

    dim: int
    radius: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no ball."""
        require_count("dim", self.dim)
        require_positive("radius", self.radius)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one point."""
        return (self.dim,)

    @property
    def size(self) -> float:
        """The radius, not the magnitude radius/√dim of one coordinate.

        Coordinates of magnitude one would make a random network vary over distances of radius/√dim, and all that
        roughness would have to be unlearned: in 1000 dimensions that costs ten times the error at equal steps.
        """
        return self.radius

    def sample(self, key: jax.Array, count: int) -> jax.Array:
        """Draw points of the interior."""
        direction_key, radius_key = jax.random.split(key)
        radii = jax.random.uniform(radius_key, (count, 1), maxval=self.radius)
        return radii * directions(direction_key, count, self.dim)

    def boundary(self, key: jax.Array, count: int) -> jax.Array:
        """Draw points of the sphere."""
        return self.radius * directions(key, count, self.dim)

    def vanishing(self, x: jax.Array) -> jax.Array | None:
        """Return radius² − |x|²."""
        return self.radius**2 - jnp.sum(x * x)


@dataclass(frozen=True, slots=True)
class Shell:
    """The shell inner < |x| < outer, drawn with uniform direction and uniform |x|."""

    dim: int
    inner: float = 1.0
    outer: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what is no shell."""
        require_count("dim", self.dim)
        require_positive("inner", self.inner)
        require_positive("outer", self.outer)
        if not self.inner < self.outer:
            raise ArgumentTypeError(f"no shell lies between {self.inner} and {self.outer}", hint="inner < outer")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one point."""
        return (self.dim,)

    @property
    def size(self) -> float:
        """The outer radius; see `Ball.size`."""
        return self.outer

    def sample(self, key: jax.Array, count: int) -> jax.Array:
        """Draw points of the interior."""
        direction_key, radius_key = jax.random.split(key)
        radii = jax.random.uniform(radius_key, (count, 1), minval=self.inner, maxval=self.outer)
        return radii * directions(direction_key, count, self.dim)

    def boundary(self, key: jax.Array, count: int) -> jax.Array:
        """Draw points of both spheres, half of them on each in the mean."""
        direction_key, side_key = jax.random.split(key)
        outside = jax.random.bernoulli(side_key, shape=(count, 1))
        return jnp.where(outside, self.outer, self.inner) * directions(direction_key, count, self.dim)

    def vanishing(self, x: jax.Array) -> jax.Array | None:
        """Return (|x|² − inner²)(outer² − |x|²)."""
        squared = jnp.sum(x * x)
        return (squared - self.inner**2) * (self.outer**2 - squared)


@dataclass(frozen=True, slots=True)
class Box:
    """low < x_i < high for every coordinate, drawn uniformly; shape () is an interval."""

    low: float = 0.0
    high: float = 1.0
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no box."""
        if not self.low < self.high:
            raise ArgumentTypeError(f"no box lies between {self.low} and {self.high}", hint="low < high")

    @property
    def size(self) -> float:
        """Typical magnitude of one coordinate: the larger of |low| and |high|."""
        return max(abs(self.low), abs(self.high))

    def sample(self, key: jax.Array, count: int) -> jax.Array:
        """Draw points of the interior."""
        return jax.random.uniform(key, (count, *self.shape), minval=self.low, maxval=self.high)

    def boundary(self, key: jax.Array, count: int) -> jax.Array:
        """Draw points of the faces, all of which are equally likely."""
        inside_key, face_key, side_key = jax.random.split(key, 3)
        inside = self.sample(inside_key, count)
        sides = jnp.where(jax.random.bernoulli(side_key, shape=(count,)), float(self.high), float(self.low))
        if not self.shape:
            return sides
        flat = inside.reshape(count, -1)
        faces = jax.random.randint(face_key, (count,), 0, flat.shape[1])
        return flat.at[jnp.arange(count), faces].set(sides).reshape(inside.shape)

    def vanishing(self, x: jax.Array) -> jax.Array | None:
        """Return (x − low)(high − x) for an interval; a product over many coordinates would vanish everywhere."""
        return (x - self.low) * (self.high - x) if not self.shape else None


def directions(key: jax.Array, count: int, dim: int) -> jax.Array:
    """Draw unit vectors shaped (count, dim), uniform on the sphere."""
    normals = jax.random.normal(key, (count, dim))
    return normals / jnp.linalg.norm(normals, axis=1, keepdims=True)


def brownian_paths(
    key: jax.Array, count: int, dim: int, horizon: float, steps: int = 20
) -> tuple[jax.Array, jax.Array]:
    """Draw points (s, W_s) of standard Brownian paths from the origin, 0 < s ≤ horizon.

    A path is sampled at `steps` equidistant times behind a random offset, so that every s is reached.

    Returns:
        Times shaped (count,) and positions shaped (count, dim).
    """
    paths = -(-count // steps)
    offset_key, increment_key = jax.random.split(key)
    spacing = horizon / steps
    offsets = jax.random.uniform(offset_key, (paths, 1), maxval=spacing)
    # The first increment covers the offset, all others one spacing.
    variances = jnp.concatenate([offsets, jnp.full((paths, steps - 1), spacing)], axis=1)
    increments = jnp.sqrt(variances)[..., None] * jax.random.normal(increment_key, (paths, steps, dim))
    times = jnp.cumsum(variances, axis=1)
    positions = jnp.cumsum(increments, axis=1)
    return times.reshape(-1)[:count], positions.reshape(-1, dim)[:count]
