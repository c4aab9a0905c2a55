"""Estimators in many dimensions beside sampled Taylor mode as published: time and memory of a step.

    python -m benchmarks.estimators                      10³ to 10⁶ dimensions
    python -m benchmarks.estimators --dims 10000         some of them
    python -m benchmarks.estimators --json FILE          also as JSON

The residual Δu + sin u of u = (1 − |x|²)·net(x), net a tanh network 4×128, at 100 points with 16 sampled coordinates
each, in single precision: evaluation, and the gradient of the mean squared residual with respect to the weights.

Peers: one-hot directions through `jax.experimental.jet` under `jax.vmap`, drawn for every point by `jax.random.choice`
as published, which on a processor takes most of the time, and the same with coordinates that are given; the Laplacian
by folx along coordinates that are given. Ours draw. Peers are left out where their directions alone would take more
than `--peer-gib`. Beside them the network alone, and the gradient of its mean square: nothing that reads u costs less.
All run in turns; medians. At the end the estimates are checked: their means over the points against the exact
residuals, in standard errors.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import jet

import opcompiler as oc
from benchmarks.engine import compile_program, interleaved
from benchmarks.workloads import folx

WIDTHS, POINTS, SAMPLES = (128, 128, 128, 128, 1), 100, 16

TEXT = "Δu + sin(u)"


@dataclass(frozen=True)
class Row:
    """One contender in one dimension and mode."""

    dim: int
    mode: str
    contender: str
    milliseconds: float
    temporary_mib: float
    compile_seconds: float


def weights_of(dim: int) -> list[jax.Array]:
    """Return the weights of the network."""
    shapes = list(pairwise((dim, *WIDTHS)))
    keys = jax.random.split(jax.random.key(0), len(shapes))
    return [jax.random.normal(k, shape, jnp.float32) / shape[0] ** 0.5 for k, shape in zip(keys, shapes, strict=True)]


def apply(weights: list[jax.Array], x: jax.Array) -> jax.Array:
    """Return u at one point."""
    value = x
    for weight in weights[:-1]:
        value = jnp.tanh(value @ weight)
    return (1 - jnp.sum(x * x)) * (value @ weights[-1])[0]


def with_drawn_coordinates(along: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """Return (weights, points, key) ↦ along(weights, points, coordinates), coordinates drawn for every point."""

    def residual(weights: list[jax.Array], points: jax.Array, key: jax.Array) -> jax.Array:
        def draw(key: jax.Array) -> jax.Array:
            return jax.random.choice(key, points.shape[1], (SAMPLES,), replace=False)

        return along(weights, points, jax.vmap(draw)(jax.random.split(key, len(points))))

    return residual


def with_given_coordinates(along: Callable[..., jax.Array], dim: int) -> Callable[..., jax.Array]:
    """Return (weights, points, key) ↦ along(weights, points, coordinates) for coordinates drawn beforehand."""
    random = np.random.default_rng(5)
    chosen = jnp.asarray(np.stack([random.choice(dim, SAMPLES, replace=False) for _ in range(POINTS)]))
    return lambda weights, points, key: along(weights, points, chosen)


def by_jets(weights: list[jax.Array], points: jax.Array, chosen: jax.Array) -> jax.Array:
    """Return the residual by one univariate jet per coordinate."""
    dim = points.shape[1]

    def at_point(x: jax.Array, chosen: jax.Array) -> jax.Array:
        def second(direction: jax.Array) -> jax.Array:
            _, (_, coefficient) = jet.jet(lambda x: apply(weights, x), (x,), ((direction, jnp.zeros_like(x)),))
            return coefficient

        laplacian = dim * jnp.mean(jax.vmap(second)(jax.nn.one_hot(chosen, dim, dtype=x.dtype)))
        return laplacian + jnp.sin(apply(weights, x))

    return jax.vmap(at_point)(points, chosen)


def by_folx(weights: list[jax.Array], points: jax.Array, chosen: jax.Array) -> jax.Array:
    """Return the residual by the Laplacian of folx in the coordinates."""
    dim = points.shape[1]

    def at_point(x: jax.Array, chosen: jax.Array) -> jax.Array:
        def along(shift: jax.Array) -> jax.Array:
            return apply(weights, x.at[chosen].add(shift))

        laplacian = folx.forward_laplacian(along)(jnp.zeros(SAMPLES, x.dtype)).laplacian
        return dim / SAMPLES * laplacian + jnp.sin(apply(weights, x))

    return jax.vmap(at_point)(points, chosen)


def network_alone(weights: list[jax.Array], points: jax.Array, key: jax.Array) -> jax.Array:
    """Return u itself."""
    return jax.vmap(lambda x: apply(weights, x))(points)


def contenders(dim: int, peer_gib: float) -> dict[str, tuple[Callable[..., Any], Callable[..., Any]]]:
    """Return (residual, loss) of (weights, points, key) by name."""
    found: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}
    schemes = {
        f"{SAMPLES} coordinates": oc.Stochastic(SAMPLES, law=oc.laws.Coordinates()),
        f"{SAMPLES} signs": oc.Stochastic(SAMPLES, law=oc.laws.Rademacher()),
        "exact": oc.Exact(),
    }
    dense_gib = POINTS * SAMPLES * dim * 4 / 2**30
    for name, scheme in schemes.items():
        if name.endswith("signs") and dense_gib > peer_gib:
            continue
        op = oc.compile(TEXT, spaces={"x": dim}, scheme=scheme)

        def residual(w: Any, x: jax.Array, key: jax.Array, op: Any = op) -> jax.Array:
            return op(lambda x: apply(w, x), x, key=key)

        def loss(w: Any, x: jax.Array, key: jax.Array, op: Any = op) -> jax.Array:
            return oc.mean_squared(op, lambda x: apply(w, x), x, key=key)

        found[f"opcompiler, {name}"] = residual, loss
    peers: dict[str, Callable[..., jax.Array]] = {"network alone": network_alone}
    if dense_gib <= peer_gib:
        peers[f"vmap(jet), {SAMPLES} coordinates"] = with_drawn_coordinates(by_jets)
        peers["vmap(jet), given coordinates"] = with_given_coordinates(by_jets, dim)
        if folx is not None:
            peers["folx, given coordinates"] = with_given_coordinates(by_folx, dim)
    for name, residual in peers.items():
        found[name] = residual, lambda *a, residual=residual: jnp.mean(residual(*a) ** 2)
    return found


def check(dim: int, found: dict[str, tuple[Callable[..., Any], Callable[..., Any]]]) -> None:
    """Compare the mean residuals with the exact ones, in standard errors."""
    weights, points = weights_of(dim), points_of(dim)
    exact = jax.jit(found["opcompiler, exact"][0])(weights, points, jax.random.key(1))
    for name, (residual, _) in found.items():
        if residual is network_alone:
            continue
        difference = np.asarray(jax.jit(residual)(weights, points, jax.random.key(1)) - exact, np.float64)
        standard = max(difference.std(ddof=1) / POINTS**0.5, 1e-30)
        print(f"  {name:32} {difference.mean() / standard:+6.1f} standard errors off, spread {difference.std():.3g}")


def points_of(dim: int) -> jax.Array:
    """Return points inside the unit ball."""
    return jax.random.normal(jax.random.key(7), (POINTS, dim), jnp.float32) / (2 * dim**0.5)


def measure(dim: int, peer_gib: float) -> list[Row]:
    """Time everything in one dimension."""
    found = contenders(dim, peer_gib)
    print(f"\nd = {dim:,}")
    weights, points, key = weights_of(dim), points_of(dim), jax.random.key(2)
    rows: list[Row] = []
    for mode in ("evaluate", "gradient"):
        compiled = [
            compile_program(residual if mode == "evaluate" else jax.grad(loss), weights, points, key)
            for residual, loss in found.values()
        ]
        times = interleaved([program.run for program in compiled])
        for name, program, took in zip(found, compiled, times, strict=True):
            rows.append(Row(dim, mode, name, 1000 * took, program.temporary_mib, program.compile_seconds))
            row = rows[-1]
            print(
                f"  {mode:9} {name:32} {row.milliseconds:10.2f} ms {row.temporary_mib:10.1f} MiB "
                f"{row.compile_seconds:6.1f} s to compile"
            )
    check(dim, found)
    return rows


def main() -> None:
    """Run the chosen dimensions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dims", type=int, nargs="+", default=[10**3, 10**4, 10**5, 10**6])
    parser.add_argument("--peer-gib", type=float, default=2.0, help="largest size of dense directions")
    parser.add_argument("--json", type=Path, help="write all rows there")
    arguments = parser.parse_args()
    rows = [row for dim in arguments.dims for row in measure(dim, arguments.peer_gib)]
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
