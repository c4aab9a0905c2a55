"""How many points at once are fastest: those whose coefficients stay in the caches of a processor."""

from __future__ import annotations

import jax

from opcompiler.planning.schedule import Load

__all__ = ["points_of_gradient", "points_of_value"]

_CACHED_BYTES = 2**23
"""On a processor a chunk is evaluated fastest when what it needs, as planning estimates it, stays in the caches.

Two cores with 2 MiB of second-level cache each: all points at once took 1.3 to 1.9 times as long as chunks of this size
for Δ in 50 and 100 dimensions, Δ³ in 3 and the two-dimensional Korteweg–de Vries equation at 256 to 10 000 points. The
same holds where the gradient of every chunk follows at once: a quarter of this size, where it made smaller chunks, and
all points at once took up to half as long again, or twice as long, for these and for Δ in 10 dimensions.
"""

_UNDIVIDED_BYTES = 2 * _CACHED_BYTES
"""What fits here is not divided: two or three chunks gain nothing, and reverse differentiation evaluates them twice."""

_DEVICE_BYTES = 2**30
"""An accelerator is kept busy by a chunk of this size; larger ones only take memory."""

_FEWEST_POINTS = 32
"""Smaller chunks lose more to the loop than they gain in memory."""


def points_of_value(load: Load) -> int | None:
    """Return how many points to evaluate at once; None for all.

    Accelerators have no such limit, and points that lie on several devices are left where they are.
    """
    if jax.default_backend() != "cpu" or jax.device_count() > 1 or load.batch * load.per_point <= _UNDIVIDED_BYTES:
        return None
    return max(_FEWEST_POINTS, _CACHED_BYTES // load.per_point)


def points_of_gradient(load: Load, repeats: int) -> int:
    """Return how many points to evaluate and differentiate at once, each `repeats` times side by side."""
    budget = _CACHED_BYTES if jax.default_backend() == "cpu" else _DEVICE_BYTES
    return max(_FEWEST_POINTS, budget // max(load.per_point * repeats, 1))
