"""Does the cost model order strategies as the clock does? `python -m benchmarks.ranking`.

Every strategy that can run an operator is timed on the same network and points, interleaved; the fastest run of each
counts. Of two strategies the model must name the faster one; pairs that the clock cannot tell apart are left out.
"""

from __future__ import annotations

import time
from itertools import combinations

import jax
import jax.numpy as jnp

import opcompiler as oc
from benchmarks.workloads import network
from opcompiler.planning.cost import cost_of

ROUNDS = 9

APART = 1.15
"""Times closer than this factor count as equal."""

CASES = [
    ("Δu", {"x": 6}, 6, 64),
    ("Δ²u", {"x": 3}, 3, 64),
    ("Δ²u", {"x": 2}, 2, 16),
    ("∂⁴u/∂x²∂y²", {"z": ("x", "y")}, 2, 32),
    ("u_ty + u_xxxy + 3(u_y u_x)_x - u_xx + 2u_yy", {"z": ("x", "y", "t")}, 3, 64),
    ("∇(Δu)", {"x": 6}, 6, 64),
]
"""(operator, spaces, dimension, width of four hidden layers)."""

STRATEGIES = ("minimal algebra", "collapsed jets", "univariate jets", "nested differentiation", "reverse over forward")


def measured(text: str, spaces: dict, dim: int, width: int, batch: int = 1000) -> list[tuple[str, float, float]]:
    """Return (strategy, predicted, measured) seconds per call."""
    weights, apply = network([dim, *[width] * 4, 1])
    points = 0.3 * jax.random.normal(jax.random.PRNGKey(0), (batch, dim), jnp.float32)
    programs: dict[str, tuple] = {}
    for strategy in STRATEGIES:
        try:
            op = oc.compile(text, spaces=spaces, scheme=oc.Exact(strategy=strategy))
        except oc.UnsupportedError:
            continue
        plan = op.plan_for(lambda x: apply(weights, x), points)
        program = jax.jit(lambda w, x, op=op: op(lambda y: apply(w, y), x)).lower(weights, points).compile()
        programs[strategy] = (program, cost_of(plan.joint, plan.profile, plan.device).time * 1e-12 * batch)
    best = dict.fromkeys(programs, float("inf"))
    for _ in range(ROUNDS):
        for strategy, (program, _) in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program(weights, points))
            best[strategy] = min(best[strategy], time.perf_counter() - start)
    return [(strategy, predicted, best[strategy]) for strategy, (_, predicted) in programs.items()]


def main() -> None:
    """Print predicted and measured times, and in how many pairs they agree."""
    agreeing = decided = chosen = 0
    for case in CASES:
        rows = measured(*case)
        print(f"{case[0]}   d={case[2]}, width {case[3]}")
        for strategy, predicted, seconds in rows:
            print(f"  {strategy:<24} predicted {predicted * 1e3:8.2f} ms   measured {seconds * 1e3:8.2f} ms")
        for (_, p, s), (_, q, t) in combinations(rows, 2):
            if max(s, t) > APART * min(s, t):
                decided += 1
                agreeing += (p < q) == (s < t)
        cheapest = min(rows, key=lambda row: row[1])[2]
        chosen += cheapest <= APART * min(row[2] for row in rows)
    print(f"the model agrees with the clock in {agreeing} of {decided} pairs that the clock tells apart")
    print(f"the strategy that the model chooses is the fastest, or within {APART - 1:.0%}, in {chosen} of {len(CASES)}")


if __name__ == "__main__":
    main()
