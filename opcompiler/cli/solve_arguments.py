"""The options of `opcompiler solve`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["DomainChoice", "add_solve"]

EXAMPLES = """\
domains of an equation:
  --domain ball                   the unit ball (the default)    --domain x=ball:2       of radius 2
  --domain x=shell:1,2            between two radii              --domain x=-1,1         every coordinate in (-1, 1)
With several spaces each needs one; the coordinate t begins at its lower end, where u is given.

examples:
  opcompiler solve --list
  opcompiler solve sine-gordon-two-body --dim 1000 --samples 16
  opcompiler solve --equation "Δu + sin(u) = g" --space x=10 --solution "(1-|x|^2)*sin(x1+x2*x3)" --steps 1000
  opcompiler solve --equation "u_t = u_xx" --space x --space t --domain x=0,1 --domain t=0,0.1 \\
                   --boundary-values "x*(1-x)" --out heat
"""


@dataclass(frozen=True, slots=True)
class DomainChoice:
    """Where one space is sampled.

    Attributes:
        space: its name; None where there is only one.
        kind: "ball", "shell" or "box".
        bounds: radius, radii, or lower and upper end.
    """

    space: str | None
    kind: str
    bounds: tuple[float, ...]


def add_solve(
    subparsers: Any,
    command: Callable[[argparse.Namespace], int],
    add_declarations: Callable[[argparse.ArgumentParser], None],
    positive: Callable[[str], int],
) -> None:
    """Add the command to the parser.

    Args:
        subparsers: of the whole command line.
        command: what runs it.
        add_declarations: adds --space and the other declarations.
        positive: reads a positive whole number.
    """
    parser = subparsers.add_parser(
        "solve",
        help="train a network on an equation",
        description="Train a physics-informed network on a problem from the list or on an equation of your own.",
        epilog=EXAMPLES + "\nexample:\n  opcompiler solve kdv --steps 2000",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=command, usage=parser.error)
    what = parser.add_argument_group("what")
    what.add_argument("problem", nargs="?", type=str.strip, metavar="PROBLEM", help="a name from --list")
    what.add_argument("--list", action="store_true", help="list the problems")
    what.add_argument("--dim", type=positive, metavar="N", help="number of spatial dimensions")
    what.add_argument("--equation", type=str.strip, metavar="TEXT", help="an equation for u, instead of a problem")
    what.add_argument("--solution", type=str.strip, metavar="FORMULA", help="its solution; g = … is made from it")
    what.add_argument("--boundary-values", type=str.strip, metavar="FORMULA", help="u on the boundary (default 0)")
    what.add_argument("--domain", action="append", type=_domain, default=[], metavar="[SPACE=]DOMAIN")
    add_declarations(parser)

    how = parser.add_argument_group("how")
    scheme = how.add_mutually_exclusive_group()
    scheme.add_argument("--exact", action="store_true", help="exact operator (the default)")
    scheme.add_argument("--samples", type=positive, metavar="N", help="estimate the operator from N directions")
    how.add_argument("--plug-in", action="store_true", help="square one estimate, with bias, instead of two")
    how.add_argument("--soft", action="store_true", help="conditions in the loss, not built into u")
    how.add_argument("--steps", type=positive, default=10_000, metavar="N", help="steps of Adam (10000)")
    how.add_argument("--points", type=positive, default=100, metavar="N", help="points per step (100)")
    how.add_argument("--boundary-points", type=positive, default=100, metavar="N", help="per condition (100)")
    how.add_argument("--rate", type=_rate, default=1e-3, metavar="R", help="learning rate (1e-3)")
    how.add_argument(
        "--schedule", choices=["linear", "cosine", "exponential", "constant"], default="linear", help="of the rate"
    )
    how.add_argument("--seed", type=int, default=0, metavar="N", help="of network, points and draws (0)")
    how.add_argument("--double", action="store_true", help="float64 instead of float32")

    network = parser.add_argument_group("network")
    network.add_argument("--network", choices=["mlp", "modified"], default="mlp")
    network.add_argument("--width", type=positive, default=128, metavar="N", help="neurons per hidden layer (128)")
    network.add_argument("--depth", type=positive, default=4, metavar="N", help="hidden layers (4)")
    network.add_argument("--block", type=positive, default=1, metavar="N", help="coordinates that share weights (1)")

    results = parser.add_argument_group("results")
    results.add_argument("--out", metavar="FOLDER", help="for checkpoint, log.csv and pictures")
    results.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    results.add_argument("--log-every", type=positive, default=100, metavar="N", help="steps between rows (100)")
    results.add_argument("--checkpoint-every", type=positive, default=1000, metavar="N", help="steps (1000)")
    results.add_argument("--test-points", type=positive, default=1000, metavar="N", help="for the errors (1000)")


def _domain(argument: str) -> DomainChoice:
    space, equals, text = argument.rpartition("=")
    match = re.fullmatch(r"\s*(?:(ball|shell)\s*(?::(.*))?|(.*,.*))\s*", text)
    try:
        if match is None or (equals and not space.strip()):
            raise ValueError
        kind = match[1] or "box"
        written = match[2] if match[1] else match[3]
        bounds = tuple(float(part) for part in written.split(",")) if written else ()
        bounds = bounds or {"ball": (1.0,), "shell": (1.0, 2.0)}[kind]
        if len(bounds) != (1 if kind == "ball" else 2) or list(bounds) != sorted(set(bounds)):
            raise ValueError
        if kind != "box" and min(bounds) <= 0:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{argument!r}: expected ball, x=ball:2, x=shell:1,2 or x=-1,1 with increasing numbers"
        ) from None
    return DomainChoice(space.strip() or None, kind, bounds)


def _rate(argument: str) -> float:
    try:
        rate = float(argument)
    except ValueError:
        rate = -1.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{argument!r} is no positive number")
    return rate
