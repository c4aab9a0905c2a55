"""Networks of one point with scalar value, as equinox modules. Any other callable pytree trains as well.

Inputs are divided by the size of their domain and outputs multiplied by that of the solution, so that a random network
varies over the whole domain by about as much as a solution does, in every dimension. The network stays affine in its
input up to the first activation, which exact Laplacians in many dimensions make use of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from opcompiler.errors import ArgumentTypeError
from opcompiler.solve.checks import require_count
from opcompiler.solve.extras import load
from opcompiler.solve.statement import Problem

if TYPE_CHECKING:
    import equinox
else:
    equinox = load("equinox")

__all__ = ["MLP", "BlockShared", "Dense", "Kind", "ModifiedMLP", "network"]

Kind: TypeAlias = Literal["mlp", "modified"]

Activation: TypeAlias = Callable[[jax.Array], jax.Array]


class Dense(equinox.Module):
    """x ↦ W x + b with W ~ N(0, 1/n) and b = 0."""

    weight: jax.Array
    bias: jax.Array

    def __init__(self, key: jax.Array, inputs: int, outputs: int) -> None:
        """Draw the weights."""
        self.weight = jax.random.normal(key, (outputs, inputs)) / inputs**0.5
        self.bias = jnp.zeros(outputs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Map a vector."""
        return self.weight @ x + self.bias


class BlockShared(equinox.Module):
    """A first layer whose weights are shared by blocks of neighbouring coordinates: x ↦ W (X k) + b.

    X holds x in rows of `block` entries (filled up with zeros), k is one vector for all rows: block + outputs·d/block
    weights instead of outputs·d (after Shi, Hu, Lin and Kawaguchi 2024, arXiv 2412.00088, on weight sharing).
    """

    shared: jax.Array
    mixing: Dense
    block: int = equinox.field(static=True)

    def __init__(self, key: jax.Array, inputs: int, outputs: int, block: int) -> None:
        """Draw the weights."""
        if not 1 <= block <= inputs:
            raise ArgumentTypeError(f"blocks of {block} coordinates do not fit an input of {inputs}")
        shared_key, mixing_key = jax.random.split(key)
        self.block = block
        self.shared = jax.random.normal(shared_key, (block,)) / block**0.5
        self.mixing = Dense(mixing_key, -(-inputs // block), outputs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Map a vector."""
        padded = jnp.pad(x, (0, -x.size % self.block))
        return self.mixing(padded.reshape(-1, self.block) @ self.shared)


def _first(key: jax.Array, inputs: int, width: int, block: int) -> Dense | BlockShared:
    return Dense(key, inputs, width) if block == 1 else BlockShared(key, inputs, width, block)


class MLP(equinox.Module):
    """depth hidden layers of equal width, and a linear one."""

    first: Dense | BlockShared
    hidden: tuple[Dense, ...]
    last: Dense
    sizes: tuple[float, ...] = equinox.field(static=True)
    amplitude: float = equinox.field(static=True)
    activation: Activation = equinox.field(static=True)

    def __init__(
        self,
        key: jax.Array,
        inputs: int,
        *,
        width: int = 128,
        depth: int = 4,
        block: int = 1,
        sizes: Sequence[float] = (),
        amplitude: float = 1.0,
        activation: Activation = jnp.tanh,
    ) -> None:
        """Draw the weights.

        Args:
            key: of the draw.
            inputs: coordinates of all spaces together.
            width: neurons per hidden layer.
            depth: hidden layers.
            block: neighbouring coordinates that share weights in the first layer.
            sizes: by which the coordinates are divided, one per space.
            amplitude: typical magnitude of the value.
            activation: of the hidden layers.
        """
        keys = jax.random.split(key, depth + 1)
        self.first = _first(keys[0], inputs, width, block)
        self.hidden = tuple(Dense(k, width, width) for k in keys[1:-1])
        self.last = Dense(keys[-1], width, 1)
        self.sizes, self.amplitude, self.activation = tuple(sizes), amplitude, activation

    def __call__(self, *point: jax.Array) -> jax.Array:
        """Return the value at one point."""
        h = self.activation(self.first(_vector(point, self.sizes)))
        for layer in self.hidden:
            h = self.activation(layer(h))
        return self.amplitude * self.last(h)[0]


class ModifiedMLP(equinox.Module):
    """An MLP whose hidden layers mix two encodings of the input, h ↦ z U + (1 − z) V with z = σ(W h + b).

    Wang, Teng and Perdikaris 2021 (arXiv 2001.04536), the improved fully-connected architecture.
    """

    first: Dense | BlockShared
    encoders: tuple[Dense | BlockShared, Dense | BlockShared]
    hidden: tuple[Dense, ...]
    last: Dense
    sizes: tuple[float, ...] = equinox.field(static=True)
    amplitude: float = equinox.field(static=True)
    activation: Activation = equinox.field(static=True)

    def __init__(
        self,
        key: jax.Array,
        inputs: int,
        *,
        width: int = 128,
        depth: int = 4,
        block: int = 1,
        sizes: Sequence[float] = (),
        amplitude: float = 1.0,
        activation: Activation = jnp.tanh,
    ) -> None:
        """Draw the weights; arguments as of `MLP`."""
        keys = jax.random.split(key, depth + 3)
        self.first = _first(keys[0], inputs, width, block)
        self.encoders = (_first(keys[1], inputs, width, block), _first(keys[2], inputs, width, block))
        self.hidden = tuple(Dense(k, width, width) for k in keys[3:-1])
        self.last = Dense(keys[-1], width, 1)
        self.sizes, self.amplitude, self.activation = tuple(sizes), amplitude, activation

    def __call__(self, *point: jax.Array) -> jax.Array:
        """Return the value at one point."""
        x = _vector(point, self.sizes)
        u, v = (self.activation(encoder(x)) for encoder in self.encoders)
        h = self.activation(self.first(x))
        for layer in self.hidden:
            z = self.activation(layer(h))
            h = z * u + (1 - z) * v
        return self.amplitude * self.last(h)[0]


def network(
    problem: Problem, key: jax.Array, *, kind: Kind = "mlp", width: int = 128, depth: int = 4, block: int = 1
) -> MLP | ModifiedMLP:
    """Return a random network that fits the coordinates and magnitudes of a problem.

    Args:
        problem: what is to be solved.
        key: of the weights.
        kind: "mlp" or "modified".
        width: neurons per hidden layer.
        depth: hidden layers.
        block: neighbouring coordinates that share weights in the first layer; 1 shares none.

    Raises:
        ArgumentTypeError: no such kind, or a size that is no positive whole number.
    """
    require_count("width", width)
    require_count("depth", depth)
    given: dict[str, Any] = {"width": width, "depth": depth, "block": block}
    given |= {"sizes": problem.sizes, "amplitude": problem.amplitude}
    match kind:
        case "mlp":
            return MLP(key, problem.inputs, **given)
        case "modified":
            return ModifiedMLP(key, problem.inputs, **given)
        case _:
            raise ArgumentTypeError(f"no network is called {kind!r}", hint='"mlp" or "modified"')


def _vector(point: Sequence[jax.Array], sizes: Sequence[float]) -> jax.Array:
    """Return all coordinates of a point, of order one, as a vector."""
    scales = sizes or (1.0,) * len(point)
    parts = [jnp.reshape(part / scale, -1) for part, scale in zip(point, scales, strict=True)]
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)
