"""How long planning takes, and what each strategy carries: one row per operator.

    python -m benchmarks.planning             all operators
    python -m benchmarks.planning Δ² KdV      those whose name contains one of the words
    python -m benchmarks.planning --nodes 50  with a search for fewer directions

`minimal` is the certified algebra alone, `all` every strategy built and weighed, in processor milliseconds (the median
of a few runs from cold caches). Then the coefficients that each strategy carries; a number in brackets is only counted.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable

import opcompiler as oc
from opcompiler.ir.normal_form import NormalForm
from opcompiler.planning import strategies
from opcompiler.planning.minimal_algebra import minimal_algebra
from opcompiler.planning.tangents import forms, laplacians, rounding, waring, weights

RUNS = 3

KDV = "u_ty + u_xxxy - u_xx + 2u_yy"
OPERATORS: dict[str, tuple[object, object]] = {
    **{f"u_{letters}": (f"u_{letters}", tuple(sorted(set(letters)))) for letters in
       ("xy", "xxy", "xxyy", "xxxy", "xyz", "xxyz", "xxyyzz")},
    **{f"Δ, d={d}": ("Δu", {"x": d}) for d in (3, 100, 10**6)},
    **{f"Δ², d={d}": ("Δ²u", {"x": d}) for d in (2, 3, 5, 8, 12)},
    **{f"Δ³, d={d}": ("Δ³u", {"x": d}) for d in (2, 3, 4)},
    **{f"∂_tΔ, d={d}": ("∂_t Δ u", {"x": d, "t": None}) for d in (2, 3)},
    "KdV-2D lumped": ((KDV, "u_x * u_y * u_xx * u_xy"), ("x", "y", "t")),
    "KP lumped": (("u_tx + u_xxxx + 3u_yy", "u * u_x * u_xx"), ("x", "y", "t")),
    "KS, d=1": ("u_t + u_xx + u_xxxx", ("x", "t")),
    "KS, d=2": ("u_t + Δu + Δ²u", {"x": 2, "t": None}),
    "Cahn–Hilliard, d=3": (("u_t + 0.1Δ²u", "Δu", "∇u"), {"x": 3, "t": None}),
    **{f"∇Δ + Δ, d={d}": (("∇Δu", "Δu"), {"x": d}) for d in (2, 3, 5)},
    "Δ² + Δ + ∇, d=3": (("Δ²u", "Δu", "∇u"), {"x": 3}),
    "full Hessian, d=3": ("∇∇u", {"x": 3}),
    "u_xx + u_yy + u_xxyy": ("u_xx + u_yy + u_xxyy", ("x", "y")),
}  # fmt: skip

SHORT = {
    "collapsed jets": "collapsed",
    "univariate jets": "univariate",
    "one multi-slot jet": "slots",
    "nested differentiation": "nested",
    "all partial derivatives": "partials",
    "reverse over forward": "reverse",
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="parts of the names of operators")
    parser.add_argument("--nodes", type=int, default=0, help="branch-and-bound nodes of each search")
    arguments = parser.parse_args()
    chosen = {n: o for n, o in OPERATORS.items() if not arguments.words or any(w in n for w in arguments.words)}
    print("operator", "minimal ms", "all ms", "minimal algebra", *SHORT.values(), sep="\t")
    for name, (text, spaces) in chosen.items():
        form = oc.reduce(oc.parse(text, spaces=spaces))
        print(name, *row(form, arguments.nodes), sep="\t", flush=True)


def row(form: NormalForm, nodes: int) -> list[str]:
    """Return times and coefficients of one operator."""
    contractions = tuple(enumerate(form.contractions))
    alone = milliseconds(lambda: minimal_algebra(contractions, form.declarations))
    everything = milliseconds(lambda: strategies.weigh(form, ("u",), None, nodes))
    weighed = strategies.weigh(form, ("u",), None, nodes)
    built = {candidate.strategy: str(candidate.propagation.carried) for candidate in weighed.candidates}
    counted = {a.strategy: f"({a.coefficients})" for a in weighed.refused if a.coefficients is not None}
    carried = {**counted, **built}
    return [f"{alone:.1f}", f"{everything:.1f}", built["minimal algebra"], *(carried.get(name, "–") for name in SHORT)]


def milliseconds(work: Callable[[], object]) -> float:
    """Return the median processor time of some runs, each from cold caches."""
    times: list[float] = []
    for _ in range(RUNS):
        for cached in caches():
            cached.cache_clear()
        start = time.process_time()
        work()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def caches() -> Iterable:
    """Return everything in planning that remembers results of earlier plans."""
    modules = (strategies, forms, laplacians, rounding, waring, weights)
    return [value for module in modules for value in vars(module).values() if hasattr(value, "cache_clear")]


if __name__ == "__main__":
    main()
