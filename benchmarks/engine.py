"""The engine beside its peers, in one run, interleaved, medians.

    python -m benchmarks.engine                 all workloads
    python -m benchmarks.engine laplacian-100   some of them
    python -m benchmarks.engine --json FILE     also as JSON

For every workload each contender computes the same numbers (checked first, against nested automatic differentiation)
and is timed for evaluation and for the gradient of the mean squared residual with respect to the weights; ours as
`opcompiler.mean_squared` accumulates it, and as that of the operator on all points at once. `limit` is the time that
the matrix products of our plan would take at the matrix rate measured in the same run; `with passes` adds the time to
read and write the coefficients of every hidden layer once, in the gradient two and a half times: what is not fused with
a matrix product has to read what the product wrote.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import jax
import jax.numpy as jnp

from benchmarks import workloads
from benchmarks.workloads import Contender, Workload

ROUNDS = 9
"""Turns of every contender; the median of what the turns give is reported."""

TABLE_SECONDS = 20.0
"""Fewer turns are made, at least `LEAST_ROUNDS`, when those of one table take longer than this."""

LEAST_ROUNDS = 3

SETTLING_SECONDS, MOST_SETTLING_CALLS = 0.15, 4
"""A turn begins with untimed calls, at least one, until one of these is reached.

The first calls after those of another program cost up to three times as much: the pages of their temporary memory are
taken from the system anew, and caches hold what others left. Who trains a network calls one program over and over.
"""

TIMED_CALLS = 3
"""Calls at the end of a turn whose median counts; one where it takes longer than `SETTLING_SECONDS`."""


@dataclass(frozen=True)
class Timing:
    """What was measured of one contender."""

    contender: str
    milliseconds: float
    ours_faster_by: float
    flops: float
    temporary_mib: float
    compile_seconds: float
    error: float


@dataclass(frozen=True)
class Row(Timing):
    """One contender on one workload."""

    workload: str
    mode: str
    limit_fraction: float | None
    limit_with_passes: float | None


@dataclass(frozen=True)
class Compiled:
    """A compiled program with its arguments, and what the compiler said about it."""

    run: Callable[[], object]
    flops: float
    temporary_mib: float
    compile_seconds: float

    def timing(self, contender: str, seconds: float, ours: float, error: float) -> Timing:
        """Return the row of a contender that took these seconds, where ours took others."""
        faster = seconds / ours
        return Timing(contender, 1e3 * seconds, faster, self.flops, self.temporary_mib, self.compile_seconds, error)


def main() -> None:
    """Run the chosen workloads and print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", help=f"of {', '.join(workloads.ALL)}")
    parser.add_argument("--json", type=Path, help="write all rows there")
    arguments = parser.parse_args()
    unknown = set(arguments.workloads) - set(workloads.ALL)
    if unknown:
        parser.error(f"unknown workloads: {', '.join(sorted(unknown))}")
    print(environment())
    rows: list[Row] = []
    for name in arguments.workloads or workloads.ALL:
        print(f"\n{name} …", file=sys.stderr, flush=True)
        workload = workloads.ALL[name]()
        rows += measure(workload)
        if arguments.json:
            write_json(arguments.json, rows)


def environment() -> str:
    """Return one line on versions, device and load."""
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    return (
        f"jax {jax.__version__} on {jax.devices()[0].device_kind} ({platform.processor() or platform.machine()}), "
        f"{os.cpu_count()} cores, load averages {load}"
    )


def measure(workload: Workload) -> list[Row]:
    """Time every contender of one workload, in both modes, and print the table."""
    expected = workload.reference(workload.weights, *workload.points)
    rows = []
    for mode in ("evaluate", "gradient"):
        timed = [c for c in workload.contenders if c.loss is None or mode == "gradient"]
        compiled = []
        for contender in timed:
            print(f"  compiling {mode}: {contender.name}", file=sys.stderr, flush=True)
            compiled.append(compile_contender(contender, workload, mode))
        seconds = interleaved([c.run for c in compiled])
        rate, one_pass = matmul_rate(workload), pass_seconds(workload)
        products, passes = (1, 1.0) if mode == "evaluate" else (3, 2.5)
        limit = products * workload.matmul_flops / rate
        bound = limit + passes * workload.hidden_products * one_pass
        for number, (contender, entry, took) in enumerate(zip(timed, compiled, seconds, strict=True)):
            timing = entry.timing(contender.name, took, seconds[0], relative_error(contender, workload, expected))
            fractions = (None, None) if number else (limit / took, bound / took)
            rows.append(
                Row(
                    **asdict(timing),
                    workload=workload.name,
                    mode=mode,
                    limit_fraction=fractions[0],
                    limit_with_passes=fractions[1],
                )
            )
        show(rows[-len(compiled) :], rate)
    return rows


def relative_error(contender: Contender, workload: Workload, expected: jax.Array) -> float:
    """Largest error of the residual relative to its largest value, or that of the loss."""
    if contender.loss is None:
        found = contender.function(workload.weights, *workload.points)
    else:
        found, expected = contender.loss(workload.weights, *workload.points), jnp.mean(expected**2)
    return float(jnp.max(jnp.abs(found - expected)) / jnp.max(jnp.abs(expected)))


def compile_contender(contender: Contender, workload: Workload, mode: str) -> Compiled:
    """Compile one contender for one mode and ask the compiler what it costs."""

    def loss(weights: object, *points: jax.Array) -> jax.Array:
        return jnp.mean(contender.function(weights, *points) ** 2)

    function = contender.function if mode == "evaluate" else jax.grad(contender.loss or loss)
    return compile_program(function, workload.weights, *workload.points)


def compile_program(function: Callable, *arguments: object) -> Compiled:
    """Compile a function of these arguments and ask the compiler what it costs."""
    start = time.perf_counter()
    executable = jax.jit(function).lower(*arguments).compile()
    seconds = time.perf_counter() - start
    analysis = executable.cost_analysis() or {}
    memory = executable.memory_analysis()
    temporary = getattr(memory, "temp_size_in_bytes", 0) / 2**20
    return Compiled(
        lambda: jax.block_until_ready(executable(*arguments)), float(analysis.get("flops", 0.0)), temporary, seconds
    )


def write_json(path: Path, rows: Sequence[Timing]) -> None:
    """Write all rows with the kind of device."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"device": jax.devices()[0].device_kind, "rows": [asdict(r) for r in rows]}, indent=1)
    path.write_text(text + "\n")


def interleaved(runs: list[Callable[[], object]]) -> list[float]:
    """Median seconds of each, taking turns so that all see the same machine, and settled so that each sees its own."""
    for run in runs:
        run()
    times: list[list[float]] = [[] for _ in runs]
    begin = time.perf_counter()
    for round_number in range(ROUNDS):
        if round_number >= LEAST_ROUNDS and time.perf_counter() - begin > TABLE_SECONDS:
            break
        for number, run in enumerate(runs):
            times[number].append(settled(run))
    return [statistics.median(t) for t in times]


def settled(run: Callable[[], object]) -> float:
    """Return the seconds of a call among calls of the same program."""
    begin = time.perf_counter()
    for _ in range(MOST_SETTLING_CALLS):
        last = seconds_of(run)
        if time.perf_counter() - begin > SETTLING_SECONDS:
            break
    calls = 1 if last > SETTLING_SECONDS else TIMED_CALLS
    return statistics.median(seconds_of(run) for _ in range(calls))


def seconds_of(run: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def matmul_rate(workload: Workload) -> float:
    """Measured flop/s of the widest square hidden layer over all coefficients of our plan."""
    rows, width = workload.matmul_shape
    left = jnp.ones((rows, width), jnp.float32)
    right = jnp.ones((width, width), jnp.float32) / width
    product = jax.jit(lambda a, b: a @ b)
    seconds = interleaved([lambda: jax.block_until_ready(product(left, right))])[0]
    return 2 * rows * width * width / seconds


def pass_seconds(workload: Workload) -> float:
    """Measured seconds to read and write the coefficients of one hidden layer, of all points at once."""
    block = jnp.ones(workload.matmul_shape, jnp.float32)
    shifted = jax.jit(lambda a: a + 1)
    return interleaved([lambda: jax.block_until_ready(shifted(block))])[0]


def show(rows: list[Row], rate: float) -> None:
    """Print one table."""
    head = rows[0]
    print(f"\n{head.workload} · {head.mode} · matrix rate {rate / 1e9:.0f} GFLOP/s")
    print(f"  {'contender':34} {'ms':>9} {'÷ ours':>7} {'MFLOP':>9} {'temp MiB':>9} {'compile s':>9} {'error':>8}")
    for row in rows:
        limit = f"  {row.limit_fraction:.2f} of limit" if row.limit_fraction is not None else ""
        limit += f", {row.limit_with_passes:.2f} with passes" if row.limit_with_passes is not None else ""
        print(
            f"  {row.contender:34} {row.milliseconds:9.2f} {row.ours_faster_by:7.2f} {row.flops / 1e6:9.0f} "
            f"{row.temporary_mib:9.1f} {row.compile_seconds:9.2f} {row.error:8.1e}{limit}"
        )


if __name__ == "__main__":
    main()
