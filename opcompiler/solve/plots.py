"""Pictures of a run: loss and errors by step, and the solution along a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.solve.extras import load
from opcompiler.solve.statement import Field, Points, Problem

__all__ = ["plot_log", "plot_slice", "slice_points"]


def plot_log(path: Path, rows: Sequence[Mapping[str, float | None]], title: str) -> None:
    """Draw loss and errors over the steps, logarithmically, as PNG."""
    figure, axes = _figure()
    for name in ("loss", "relative_l1", "relative_l2", "reference_error"):
        known = [(row["step"], row.get(name)) for row in rows if row.get(name) is not None]
        if known:
            axes.plot(*zip(*known, strict=True), label=name.replace("_", " "))
    axes.set(xlabel="step", yscale="log", title=title)
    axes.legend()
    figure.savefig(path, dpi=120)


def slice_points(problem: Problem, key: jax.Array, count: int = 200) -> tuple[np.ndarray, Points]:
    """Return a line through the domain: s ↦ (s a, b), (a, b) the farthest of some sampled points, a in the first space.

    Returns:
        s between `problem.slice_start` and 1, and the points.
    """
    first, *others = problem.sample(key, 64)
    farthest = jnp.argmax(jnp.sum(first.reshape(64, -1) ** 2, axis=1))
    s = np.linspace(problem.slice_start, 1.0, count)
    line = jnp.asarray(s, first.dtype).reshape(count, *[1] * (first.ndim - 1)) * first[farthest]
    fixed = tuple(jnp.broadcast_to(part[farthest], (count, *part.shape[1:])) for part in others)
    return s, (line, *fixed)


def plot_slice(path: Path, problem: Problem, u: Field, key: jax.Array) -> None:
    """Draw u, and the solution where it is known, along a line as PNG."""
    s, points = slice_points(problem, key)
    figure, axes = _figure()
    if problem.exact is not None:
        axes.plot(s, jax.vmap(problem.exact)(*points), color="0.6", linewidth=4, label="solution")
    axes.plot(s, jax.vmap(u)(*points), label="network")
    axes.set(xlabel="s, along a line through the domain", ylabel="u", title=problem.name)
    axes.legend()
    figure.savefig(path, dpi=120)


def _figure() -> tuple[Any, Any]:
    """Return a figure that needs no screen and no global state, with its axes."""
    figure = load("matplotlib.figure").Figure(figsize=(6, 4), layout="constrained")
    return figure, figure.subplots()
