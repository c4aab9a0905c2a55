"""Whole training steps on equations with solitons: our minimal plans, nested differentiation, jets as published.

    python -m benchmarks.solitons                          kdv, kdv-2d and kp, 100 and 1000 points
    python -m benchmarks.solitons kp --points 1000         a part of it
    python -m benchmarks.solitons --loss residual          without the terms of initial and boundary values
    python -m benchmarks.solitons --json FILE              also as JSON

A step is what `opcompiler.solve.train` does: the gradient of the loss with respect to the weights of a tanh network
4×128, and Adam. All contenders share network, optimiser and points, and the terms of the conditions, which take the
compiled operator everywhere; they differ in the residual. Before anything is timed, residuals are compared with nested
differentiation in double precision. Contenders take turns; medians.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import optax

import opcompiler as oc
from benchmarks.engine import Timing, compile_program, environment, interleaved, write_json
from benchmarks.soliton_peers import EQUATIONS, NESTINGS, Derivatives, Field, by_jvp_outermost, nested
from opcompiler.solve import network, problem
from opcompiler.solve.loss import Loss, loss_of

TOLERANCE = 1e-4
"""Largest difference of a residual in single precision, relative to the largest residual."""

LOSSES = ("residual", "with conditions")
"""What a step differentiates: the mean squared residual alone, or the loss that problems are trained with."""


@dataclass(frozen=True)
class Contender:
    """A residual (network, *points) → [B]; `wrong` ones are published, and are timed all the same."""

    name: str
    residual: Callable[..., jax.Array]
    wrong: bool = False


@dataclass(frozen=True)
class Row(Timing):
    """One contender on one problem."""

    problem: str
    points: int
    loss: str


def contenders(name: str, operator: oc.CompiledOperator) -> list[Contender]:
    """Return ours, then the peers."""
    equation = EQUATIONS[name]
    certificate = operator.plan.certificate

    def pointwise(value: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
        return lambda u, *points: jax.vmap(partial(value, u))(*points)

    def from_derivatives(
        derivatives: Callable[[Field, tuple[jax.Array, ...]], Derivatives],
    ) -> Callable[..., jax.Array]:
        return pointwise(lambda u, *point: equation.residual(derivatives(u, point)))

    ours = f"opcompiler: carries {certificate.carried}, minimum {certificate.minimum}"
    found = [Contender(ours, operator), Contender("tower of jvp", from_derivatives(equation.tower))]
    # Without mixed derivatives there is one order of nesting only.
    mixed = any(len(set(name)) > 1 for name in equation.needed)
    nestings = {label: nest for label, nest in NESTINGS.items() if mixed or nest is not by_jvp_outermost}
    found += [Contender(label, pointwise(nested(equation, nest))) for label, nest in nestings.items()]
    jets = equation.jets.items()
    return found + [Contender(label, from_derivatives(value), "wrong" in label) for label, value in jets]


def errors(found: list[Contender], net: Any, points: tuple[jax.Array, ...]) -> list[float]:
    """Return the largest differences from nested differentiation in double precision, relative to the largest value.

    Raises:
        AssertionError: a residual is wrong that was not announced as wrong.
    """
    reference = next(c.residual for c in found if c.name in NESTINGS)
    with jax.enable_x64(True):
        double = jax.tree.map(
            lambda leaf: leaf.astype(jnp.float64) if equinox.is_inexact_array(leaf) else leaf, (net, points)
        )
        expected = np.asarray(jax.jit(reference)(double[0], *double[1]))
    worst = []
    for contender in found:
        value = np.asarray(jax.jit(contender.residual)(net, *points), np.float64)
        worst.append(float(np.max(np.abs(value - expected)) / np.max(np.abs(expected))))
        if contender.wrong != (worst[-1] > TOLERANCE):
            raise AssertionError(f"{contender.name}: relative error {worst[-1]:.1e}")
    return worst


def step_of(contender: Contender, ours: Loss, with_conditions: bool) -> Callable[..., Any]:
    """Return (network, state of Adam, key, points) ↦ (network, state)."""
    optimiser = optax.adam(1e-3)

    def total(net: Any, key: jax.Array, points: tuple[jax.Array, ...]) -> jax.Array:
        if contender.residual is ours.operator:
            value = oc.mean_squared(ours.operator, net, *points)
        else:
            value = jnp.mean(contender.residual(net, *points) ** 2)
        terms = ours.of_conditions(net, key) if with_conditions else {}
        return sum(terms.values(), value)

    def step(net: Any, state: Any, key: jax.Array, points: tuple[jax.Array, ...]) -> tuple[Any, Any]:
        updates, state = optimiser.update(jax.grad(total)(net, key, points), state)
        return jax.tree.map(jnp.add, net, updates), state

    return step


def measure(name: str, count: int, losses: Sequence[str]) -> list[list[Row]]:
    """Time every contender on one problem; one table per loss."""
    stated = problem(name)
    ours = loss_of(stated, points=count)
    net: Any = network(stated, jax.random.key(0))
    points = stated.sample(jax.random.key(1), count)
    found = contenders(name, ours.operator)
    differences = errors(found, net, points)
    tables = []
    for loss in losses:
        compiled = []
        for contender in found:
            print(f"  compiling {contender.name}", file=sys.stderr, flush=True)
            step = step_of(contender, ours, loss == "with conditions")
            compiled.append(compile_program(step, net, optax.adam(1e-3).init(net), jax.random.key(2), points))
        times = interleaved([program.run for program in compiled])
        timings = [
            program.timing(contender.name, took, times[0], error)
            for program, contender, took, error in zip(compiled, found, times, differences, strict=True)
        ]
        rows = [Row(**asdict(timing), problem=name, points=count, loss=loss) for timing in timings]
        tables.append(rows)
    return tables


def table(rows: list[Row]) -> str:
    """Return Markdown."""
    head = "| problem | points | loss | residual from | ms/step | ÷ ours | MFLOP | temp MiB | compile s | error |"
    lines = [head, "|---" * 10 + "|"]
    for row in rows:
        shown = [row.problem, str(row.points), row.loss, row.contender, f"{row.milliseconds:.2f}"]
        shown += [f"{row.ours_faster_by:.2f}", f"{row.flops / 1e6:.0f}", f"{row.temporary_mib:.1f}"]
        shown += [f"{row.compile_seconds:.1f}", f"{row.error:.1e}"]
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines)


def summary(rows: list[Row]) -> str:
    """Return one line: by how much ours is faster than the best of each kind of peer, and than wrong ones."""
    ours, *peers = rows
    right = [row for row in peers if row.error <= TOLERANCE]
    chosen = [
        min((row for row in right if "jet)" not in row.contender), key=lambda row: row.milliseconds),
        min((row for row in right if "jet)" in row.contender), key=lambda row: row.milliseconds),
        *(row for row in peers if row.error > TOLERANCE),
    ]
    told = "; ".join(f"× {row.ours_faster_by:.2f} than {row.contender}" for row in chosen)
    return f"{ours.problem}, {ours.points} points, {ours.loss}, {ours.contender}: faster {told}"


def main() -> None:
    """Run what was asked for, print a table as it grows and the ratios at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", help=f"of {', '.join(EQUATIONS)}")
    parser.add_argument("--points", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--loss", choices=["residual", "conditions", "both"], default="both")
    parser.add_argument("--json", type=Path, help="write all rows there")
    arguments = parser.parse_args()
    unknown = set(arguments.problems) - set(EQUATIONS)
    if unknown:
        parser.error(f"unknown problems: {', '.join(sorted(unknown))}")
    print(environment(), flush=True)
    losses = {"residual": LOSSES[:1], "conditions": LOSSES[1:], "both": LOSSES}[arguments.loss]
    rows: list[Row] = []
    told: list[str] = []
    for name in arguments.problems or EQUATIONS:
        for count in arguments.points:
            print(f"{name}, {count} points", file=sys.stderr, flush=True)
            for fresh in measure(name, count, losses):
                told.append(summary(fresh))
                rows += fresh
                print("\n" + table(fresh), flush=True)
    print("\n" + "\n".join(told))
    if arguments.json:
        write_json(arguments.json, rows)


if __name__ == "__main__":
    main()
