"""The options of estimators: how many samples, by which law, over which spaces."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from opcompiler.ir import law as laws
from opcompiler.ir.law import Law
from opcompiler.ir.scheme import Exact, Scheme, Stochastic

__all__ = ["add_scheme", "add_seed", "scheme_of"]

LAWS: dict[str, Law] = {
    "auto": laws.Auto(),
    "coordinates": laws.Coordinates(),
    "gaussian": laws.Gaussian(),
    "independent-pair": laws.IndependentPair(),
    "orthogonal": laws.Orthogonal(),
    "rademacher": laws.Rademacher(),
    "sphere": laws.Sphere(),
    "terms": laws.Terms(),
    "three-point": laws.ThreePoint(),
}


def add_scheme(parser: argparse.ArgumentParser, positive: Callable[[str], int]) -> None:
    """Add the options that make an operator an estimator.

    Args:
        parser: of the command.
        positive: reads a positive whole number.
    """
    group = parser.add_argument_group("estimators", "Estimate from random directions what is too large to be exact.")
    group.add_argument("--samples", type=positive, metavar="N", help="directions per point")
    group.add_argument("--law", type=_law, metavar="NAME", help=f"{', '.join(LAWS)} or frame:R (auto)")
    group.add_argument("--over", action="append", metavar="SPACE", help="sample this space, however small it is")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add the seed that directions are drawn with."""
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the directions of an estimator (0)")


def scheme_of(options: argparse.Namespace) -> Scheme:
    """Return `Stochastic` if any of its options is given, else `Exact`."""
    if options.samples is None and options.law is None and options.over is None:
        return Exact()
    over = None if options.over is None else tuple(name.strip() for name in options.over)
    default = Stochastic()
    return Stochastic(samples=options.samples or default.samples, law=options.law or default.law, over=over)


def _law(text: str) -> Law:
    name = text.strip().lower()
    if frame := re.fullmatch(r"frame:([1-9][0-9]{0,5})", name, re.ASCII):
        return laws.Frame(int(frame[1]))
    if name not in LAWS:
        raise argparse.ArgumentTypeError(f"{text!r} is no law; there are {', '.join(LAWS)} and frame:R")
    return LAWS[name]
