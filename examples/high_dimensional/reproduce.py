"""Train a set of problems and write a table of what was reached, row by row.

    python examples/high_dimensional/reproduce.py --set small --csv results.csv --table results.md

Every row is a process of its own, so that its peak memory is its own. Rows that the CSV file has already are not run
again, and a row that was interrupted goes on from its checkpoint: the script may be stopped and started at any time.
`--limit N` runs N rows and stops; `--set full` is meant for a GPU.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

COLUMNS = ["problem", "dim", "samples", "steps", "seed", "loss", "relative_l2", "reference_error", "ms_per_step"]
COLUMNS += ["seconds", "memory_mb", "device"]


@dataclass(frozen=True)
class Row:
    """One run; samples 0 is the exact operator."""

    problem: str
    dim: int
    samples: int
    steps: int
    seed: int = 0
    points: int = 100
    learning_rate: float = 1e-3

    @property
    def key(self) -> tuple[str, ...]:
        """What tells rows apart."""
        return tuple(map(str, (self.problem, self.dim, self.samples, self.steps, self.seed)))


def small() -> Iterable[Row]:
    """Few steps in few dimensions, for a few CPU cores."""
    for seed in range(3):
        for problem in ("sine-gordon-two-body", "allen-cahn-two-body"):
            for dim in (100, 1000):
                for samples in (0, 16):
                    yield Row(problem, dim, samples, 1500, seed)
    for problem, dim in (("kdv", 1), ("kdv-2d", 2), ("kp", 2)):
        yield Row(problem, dim, 0, 2000, learning_rate=3e-3)
    yield Row("heat-time", 100, 0, 300)
    yield Row("hjb-lqg", 100, 0, 300)
    yield Row("sine-gordon-two-body", 100_000, 16, 200)
    yield Row("sine-gordon-two-body", 1_000_000, 16, 10)


def full() -> Iterable[Row]:
    """Everything, for a GPU."""
    ball = [f"{name}-{bodies}-body" for name in ("poisson", "allen-cahn", "sine-gordon") for bodies in ("two", "three")]
    for seed in range(3):
        for dim in (100, 1000, 10_000, 100_000):
            for problem in (*ball, *(f"{name}-gradient" for name in ball), "poisson-exp", "poisson-houman"):
                for samples in (0, 16):
                    yield Row(problem, dim, samples, 10_000, seed)
        for dim in (10, 100, 1000, 10_000):
            for problem in ("heat-time", "allen-cahn-time", "sine-gordon-time"):
                yield Row(problem, dim, 0, 10_000, seed)
                yield Row(problem, dim, 16, 10_000, seed)
        for problem in ("hjb-lin", "hjb-lqg", "black-scholes-barenblatt", "wave"):
            yield Row(problem, 100, 0, 10_000, seed)
        yield Row("biharmonic", 5, 0, 20_000, seed)
        for problem, dim in (("kdv", 1), ("kdv-gradient", 1), ("kdv-2d", 2), ("kp", 2), ("sine-gordon-1d", 1)):
            yield Row(problem, dim, 0, 20_000, seed, learning_rate=3e-3)
    yield Row("sine-gordon-two-body", 1_000_000, 16, 1000)


def run(row: Row, folder: Path) -> dict[str, object]:
    """Train one row in this process."""
    import jax

    import opcompiler as oc
    from opcompiler.solve import Settings, problem, train

    settings = Settings(
        steps=row.steps,
        points=row.points,
        learning_rate=row.learning_rate,
        scheme=oc.Stochastic(samples=row.samples) if row.samples else oc.Exact(),
        seed=row.seed,
        test_points=1000 if row.dim <= 10_000 else 100,
        log_every=max(1, row.steps // 20),
        checkpoint_every=max(1, row.steps // 5),
    )
    result = train(problem(row.problem, row.dim), settings, directory=folder, resume=True)
    return {
        **{name: value for name, value in asdict(row).items() if name in COLUMNS},
        "loss": f"{result.loss:.4g}",
        "relative_l2": _short(result.judgement.relative_l2),
        "reference_error": _short(result.judgement.reference),
        "ms_per_step": f"{1000 * result.seconds_per_step:.4g}",
        "seconds": result.rows[-1]["seconds"],
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "device": jax.devices()[0].device_kind,
    }


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def known(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append(path: Path, found: dict[str, object]) -> None:
    """Add a row to the file, under a header."""
    fresh = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if fresh:
            writer.writeheader()
        writer.writerow(found)


def equal_time(rows: list[dict[str, str]], runs: Path) -> dict[tuple[str, ...], str]:
    """Return the relative L2 error of each run at the time when the faster of exact and estimated run was done.

    Both runs of a pair have equal steps, so that the one that takes longer is cut where the other ended.
    """
    seconds = {key_of(row): float(row["seconds"]) for row in rows}
    found = {}
    for row in rows:
        own = key_of(row)
        pair = [key for key in seconds if (key[:2], key[3:]) == (own[:2], own[3:])]
        log = runs / "-".join(own) / "log.csv"
        if len(pair) < 2 or not log.exists():
            continue
        end = min(seconds[key] for key in pair)
        reached = [line["relative_l2"] for line in known(log) if float(line["seconds"]) <= end]
        found[own] = f"{float(reached[-1]):.3g}" if reached and reached[-1] else ""
    return found


def key_of(row: dict[str, str]) -> tuple[str, ...]:
    """Return the key of a row that was read."""
    return tuple(row[name] for name in ("problem", "dim", "samples", "steps", "seed"))


def table(rows: list[dict[str, str]], runs: Path) -> str:
    """Return Markdown: every run, then medians over the seeds."""
    timed = equal_time(rows, runs)
    head = (
        "| problem | d | operator | seed | steps | ms/step | memory, MB | relative L2 | at equal time | at reference |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|---|---|"]
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        key = key_of(row)
        groups.setdefault(key[:4], []).append(row)
        shown = [row["problem"], row["dim"], _operator(row), row["seed"], row["steps"], row["ms_per_step"]]
        shown += [row["memory_mb"], row["relative_l2"], timed.get(key, ""), row["reference_error"]]
        lines.append(f"| {' | '.join(shown)} |")
    lines += [
        "",
        "Medians over seeds:",
        "",
        "| problem | d | operator | runs | ms/step | relative L2 | at equal time |",
    ]
    lines.append("|---|---|---|---|---|---|---|")
    for members in groups.values():
        if len(members) > 1:
            first = members[0]
            shown = [first["problem"], first["dim"], _operator(first), str(len(members))]
            shown += [_median(row["ms_per_step"] for row in members), _median(row["relative_l2"] for row in members)]
            shown.append(_median(timed.get(key_of(row), "") for row in members))
            lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _operator(row: dict[str, str]) -> str:
    return "exact" if row["samples"] == "0" else f"{row['samples']} samples"


def _median(values: Iterable[str]) -> str:
    numbers = [float(value) for value in values if value]
    return f"{median(numbers):.3g}" if numbers else ""


def main() -> int:
    """Run what the command line asks for; 1 if a row failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=["small", "full"], default="small")
    parser.add_argument("--csv", type=Path, default=Path("reproduce.csv"))
    parser.add_argument("--table", type=Path, default=Path("reproduce.md"))
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of checkpoints, logs and pictures")
    parser.add_argument("--limit", type=int, default=None, help="rows to run before stopping")
    parser.add_argument("--steps", type=int, default=None, help="steps of every row, instead of its own")
    parser.add_argument("--only", default="", help="rows whose problem contains this")
    parser.add_argument("--row", type=json.loads, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row is not None:
        row = Row(**options.row)
        append(options.csv, run(row, options.runs / "-".join(row.key)))
        return 0
    for path in (options.csv, options.table):
        path.parent.mkdir(parents=True, exist_ok=True)
    done = {key_of(row) for row in known(options.csv)}
    rows = [row for row in (small() if options.set == "small" else full()) if options.only in row.problem]
    if options.steps is not None:
        rows = [Row(**{**asdict(row), "steps": options.steps}) for row in rows]
    failed = 0
    for row in [row for row in rows if row.key not in done][: options.limit]:
        print(*row.key, flush=True)
        own = ["--csv", str(options.csv), "--runs", str(options.runs), "--row", json.dumps(asdict(row))]
        failed += subprocess.run([sys.executable, __file__, *own], check=False).returncode != 0
        options.table.write_text(table(known(options.csv), options.runs), encoding="utf-8")
    print(f"{len(known(options.csv))} rows in {options.csv}, table in {options.table}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
