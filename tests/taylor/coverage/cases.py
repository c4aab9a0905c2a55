"""A case of the coverage suite: one function and the point at which it is differentiated."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

__all__ = ["CASES", "Case", "Fixed", "add", "case", "draw"]


@dataclass(frozen=True)
class Fixed:
    """An argument, or a leaf of one, that is not differentiated."""

    value: Any


@dataclass(frozen=True)
class Case:
    """One function of the suite.

    Attributes:
        name: unique.
        family: chapter of the suite.
        function: any JAX function of the arguments.
        arguments: pytrees of float arrays, all differentiated, or `Fixed` values.
        reference: an equal function that nested `jax.jvp` differentiates, where it does not differentiate `function`.
        limit: highest order that is compared.
        unsupported_from: order from which on the function has no derivative in JAX and says so.
        tolerance: relative tolerance.
        short: highest order in the short run.
        smooth: whether the single-precision comparison applies.
    """

    name: str
    family: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    reference: Callable[..., Any] | None = None
    limit: int = 6
    unsupported_from: int | None = None
    tolerance: float = 1e-9
    smooth: bool = True
    short: int = 3

    @property
    def seed(self) -> int:
        """A number that belongs to the name."""
        return zlib.crc32(self.name.encode())


CASES: dict[str, Case] = {}


def draw(*shape: int, low: float = -1.0, high: float = 1.0, salt: int = 0) -> np.ndarray:
    """Return reproducible numbers in an interval, well apart from each other."""
    count = int(np.prod(shape))
    grid = (np.arange(count) + 0.5 + 0.3 * np.sin(np.arange(count) + salt)) / max(count, 1)
    order = np.random.default_rng(salt + 17).permutation(count)
    return (low + (high - low) * grid[order]).reshape(shape).astype(np.float32).astype(np.float64)


def add(name: str, family: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Put a case into the suite; the name must be new."""
    if name in CASES:
        raise ValueError(f"two cases are called {name!r}")
    CASES[name] = Case(name, family, function, arguments, **options)


def case(family: str, *arguments: Any, name: str | None = None, **options: Any) -> Callable[[Callable], Callable]:
    """Put the decorated function into the suite, under its own name."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        add(name or function.__name__, family, function, *arguments, **options)
        return function

    return register


def is_fixed(leaf: Any) -> bool:
    """Whether a leaf is kept constant: marked so, or not a floating-point array."""
    return isinstance(leaf, Fixed) or not np.issubdtype(np.asarray(leaf).dtype, np.inexact)


def flat_arguments(arguments: tuple[Any, ...]) -> tuple[list[Any], Any]:
    """Return the leaves and the structure of the arguments; `Fixed` counts as a leaf."""
    return jax.tree_util.tree_flatten(arguments, is_leaf=lambda v: isinstance(v, Fixed))
