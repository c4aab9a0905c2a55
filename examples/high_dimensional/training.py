"""What the scripts of this folder share: train some problems, print what was reached."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import jax

import opcompiler as oc
from opcompiler.solve import Settings, network, problem, train


def main(
    names: Sequence[str],
    dim: int | None = None,
    steps: int = 1000,
    samples: int = 0,
    learning_rate: float = 1e-3,
) -> None:
    """Train each problem and print its errors.

    Args:
        names: problems.
        dim: spatial dimension by default.
        steps: of Adam by default.
        samples: directions that the operator is estimated from by default; 0 is exact.
        learning_rate: of Adam at the beginning.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--dim", type=int, default=dim)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--samples", type=int, default=samples, help="directions of an estimate; 0 is exact")
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--width", type=int, default=64)
    options = parser.parse_args()
    scheme = oc.Stochastic(samples=options.samples) if options.samples else oc.Exact()
    settings = Settings(
        steps=options.steps,
        points=options.points,
        learning_rate=learning_rate,
        scheme=scheme,
        log_every=max(1, options.steps // 10),
    )
    for name in names:
        given = problem(name, options.dim)
        print(f"{name}: {' ; '.join(given.equations)}")
        result = train(given, settings, network(given, jax.random.key(0), width=options.width, depth=3))
        first, last = result.rows[0]["loss"], result.rows[-1]["loss"]
        judged = result.judgement
        known = {"relative L1": judged.relative_l1, "relative L2": judged.relative_l2, "reference": judged.reference}
        errors = ", ".join(f"{what} {value:.1e}" for what, value in known.items() if value is not None)
        print(f"  loss {first:.2e} → {last:.2e}, {1000 * result.seconds_per_step:.2f} ms per step, errors: {errors}")
