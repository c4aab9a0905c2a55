"""Variance × time of every law, and of the law that `Auto` takes after a pilot.

    python -m benchmarks.laws                              Δ, Δ², ∂ₜΔ in 100 and 1000 dimensions, three networks
    python -m benchmarks.laws --dims 100 --operators Δ     a part of it

Variances are empirical, the means over the points of a batch; times are medians of interleaved calls on that batch.
The last column is variance × time relative to `Auto`: below 1, a fixed law would have been the better choice. A fixed
law that `Auto` has chosen is the same program, and is measured once.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp

import opcompiler as oc

SAMPLES, BATCH, DRAWS, ROUNDS = 16, 50, 10_000, 25

OPERATORS = {"Δ": "Δu", "Δ²": "Δ²u", "∂ₜΔ": "∂_tΔu"}

_OF_SECOND_ORDER = ("Coordinates", "Rademacher", "Gaussian", "Sphere", "Orthogonal", "ThreePoint")

LAWS = {"Δ": _OF_SECOND_ORDER, "Δ²": (*_OF_SECOND_ORDER, "Frame(8)", "IndependentPair"), "∂ₜΔ": _OF_SECOND_ORDER}


def networks(dim: int) -> dict[str, Callable[..., Any]]:
    """Return three networks of (x, t): a tanh network, a sine network, and a product with a boundary factor."""

    def layers(key: jax.Array, widths: list[int]) -> list[jax.Array]:
        shapes = list(pairwise(widths))
        keys = jax.random.split(key, len(shapes))
        return [jax.random.normal(k, shape) / shape[0] ** 0.5 for k, shape in zip(keys, shapes, strict=True)]

    def network(number: int, activation: Callable[[jax.Array], jax.Array], gain: float) -> Callable[..., jax.Array]:
        weights = layers(jax.random.key(number), [dim + 1, 128, 128, 128, 1])

        def u(x: jax.Array, t: jax.Array) -> jax.Array:
            value = gain * jnp.concatenate([x, t[None]])
            for weight in weights[:-1]:
                value = activation(value @ weight)
            return (value @ weights[-1])[0]

        return u

    tanh, sine = network(0, jnp.tanh, 3.0), network(1, jnp.sin, 3.0)
    bounded = network(2, jnp.tanh, 3.0)
    return {"tanh": tanh, "sine": sine, "(1−|x|²)·tanh": lambda x, t: (1 - jnp.sum(x**2)) * bounded(x, t)}


def law_named(name: str) -> Any:
    """Return the law that a name of `LAWS` stands for."""
    kind, _, size = name.partition("(")
    return getattr(oc.laws, kind)(*([int(size.rstrip(")"))] if size else []))


def compare(operator: str, dim: int, network: str, u: Callable[..., Any]) -> None:
    """Print one line per law."""
    unit = jax.random.normal(jax.random.key(5), (BATCH, dim))
    x = 0.7 * unit / jnp.linalg.norm(unit, axis=1, keepdims=True)
    t = jnp.linspace(0.2, 0.8, BATCH)

    def compiled(law: Any) -> tuple[Callable[..., Any], Any]:
        scheme = oc.Stochastic(samples=SAMPLES, law=law, over="x")
        op = oc.compile(OPERATORS[operator], spaces={"x": dim, "t": None}, scheme=scheme)
        return op, op.plan

    op, _ = compiled(oc.laws.Auto())
    pilot = oc.pilot(op, u, x[:16], t[:16], key=jax.random.key(1))
    contenders = {name: compiled(law_named(name)) for name in LAWS[operator]}
    contenders["Auto"] = compiled(oc.laws.Auto(pilot.norms))
    same = {name for name, (_, plan) in contenders.items() if plan.sampling == contenders["Auto"][1].sampling}
    run = {
        name: jax.jit(lambda x, t, key, op=op: op(u, x, t, key=key))
        for name, (op, _) in contenders.items()
        if name == "Auto" or name not in same
    }
    times: dict[str, list[float]] = {name: [] for name in run}
    variance: dict[str, float] = {}
    for name, call in run.items():
        call(x, t, jax.random.key(0)).block_until_ready()
        values = jnp.stack([call(x, t, jax.random.key(n)) for n in range(DRAWS // BATCH)])
        variance[name] = float(jnp.mean(jnp.var(values, axis=0, ddof=1)))
    for n in range(ROUNDS):
        for name, call in run.items():
            start = time.perf_counter()
            call(x, t, jax.random.key(n)).block_until_ready()
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    chosen = ", ".join(repr(draw.law) for draw in contenders["Auto"][1].sampling.draws)
    reference = variance["Auto"] * medians["Auto"]
    print(f"\n{operator}  d = {dim}  {network}: Auto draws {chosen}, as {', '.join(same - {'Auto'}) or 'no other'}")
    for name in run:
        ratio = variance[name] * medians[name] / reference if reference else float("nan")
        print(f"  {name:16} {variance[name]:10.3g} {1e3 * medians[name]:9.2f} ms {ratio:8.2f}", flush=True)


def main() -> None:
    """Compare the laws on every operator, dimension and network asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dims", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--operators", nargs="+", choices=OPERATORS, default=list(OPERATORS))
    parser.add_argument("--networks", nargs="+", default=None)
    options = parser.parse_args()
    print(f"{'':18} {'variance':>10} {'time':>12} {'× time':>8}   ({SAMPLES} samples, {BATCH} points, {DRAWS} draws)")
    for dim in options.dims:
        for network, u in networks(dim).items():
            for operator in options.operators:
                if options.networks is None or network in options.networks:
                    compare(operator, dim, network, u)


if __name__ == "__main__":
    main()
