"""The grammar of the command line: commands, options, and how declarations are written in a shell."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Any
from unicodedata import normalize

from opcompiler.cli.estimators import add_scheme, add_seed
from opcompiler.ir.declarations import Runtime

__all__ = ["Definition", "Named", "parse_arguments"]

NAME = r"[^\W\d][\w'′]*"

DECLARATIONS = """\
What the letters of the text mean. Every option can be repeated; without --field there is one scalar field, u.

--space x=5            an array of 5 coordinates x1 … x5     --space t           a scalar coordinate
--space r=30x3         an array of shape 30×3                --space z=x,t       one array, its entries named x and t
--field v=2            a vector field                        --field E=Ex,Ey     a vector field, its entries named
--param nu=0.01        a constant, read exactly              --param b=1,2       a vector ("1,2;3,4" a matrix)
--param eps            a constant known only at call         --param A:3x3       the same, of shape 3×3
--function "c(x,y)"    a coefficient function                --function "b(x):2" the same, with vector values
--time t | none        the coordinate that Δ and ∇ leave out (default: t, if there is one)

Several texts, or several lines of standard input (text "-"), are planned and propagated together.
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A declaration `name=value` or a bare `name`."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Definition:
    """A coefficient function: the declaration key, the shape of its values, and its body where one is written."""

    key: str
    shape: tuple[int, ...]
    body: str | None

    @property
    def name(self) -> str:
        """The name in the text."""
        return self.key.partition("(")[0].strip()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names between the brackets of the key."""
        inside = self.key.partition("(")[2].rstrip(") ")
        return tuple(name.strip() for name in inside.split(",") if name.strip())


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options; `command` is the function that runs them.

    Raises:
        SystemExit: with code 2 for a wrong command line, 0 after --help and --version.
    """
    return _parser().parse_args([_as_operand(argument) for argument in argv])


def _as_operand(argument: str) -> str:
    """Keep argparse from reading an operator such as "-Δu" as an option: a leading blank says it is none."""
    is_option = argument in {"-", "-h"} or argument.startswith("--")
    return f" {argument}" if argument.startswith("-") and not is_option else argument


def _parser() -> argparse.ArgumentParser:
    from opcompiler.cli import commands
    from opcompiler.cli.solve import solve
    from opcompiler.cli.solve_arguments import add_solve

    parser = argparse.ArgumentParser(
        prog="opcompiler",
        description="Differential operators as text: their minimal plans, certificates and values.",
        epilog='example: opcompiler explain "Δu + ∂⁴u/∂x1²∂x2²" --space x=5',
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"opcompiler {version('opcompiler')}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    explain = _command(
        subparsers, "explain", commands.explain, "tell how an operator is read, planned and proved minimal",
        'opcompiler explain "v_t + (v·∇)v + ∇p - ν Δv" "∇·v" '
        "--space x=3 --space t --field v=3 --field p --param ν=0.01",
    )  # fmt: skip
    _add_declarations(explain)
    add_scheme(explain, _positive)
    explain.add_argument(
        "--format", choices=("text", "html", "latex", "json"), default="text",
        help="plain text (the default), one self-contained HTML page, LaTeX for a paper, or the plan as JSON",
    )  # fmt: skip
    _add_output(explain)

    plan = _command(
        subparsers, "plan", commands.plan, "print the plan as a table or as JSON",
        'opcompiler plan "u_t + 6 u u_x + u_xxx = 0" --space x --space t --json',
    )  # fmt: skip
    _add_declarations(plan)
    add_scheme(plan, _positive)
    plan.add_argument("--json", action="store_true", help="print JSON that opcompiler.Plan.from_json reads")
    _add_output(plan)

    check = _command(
        subparsers, "check", commands.check, "compare with nested automatic differentiation on a random network",
        'opcompiler check "Δ²u" --space x=3 --width 32',
    )  # fmt: skip
    _add_declarations(check)
    check.add_argument("--width", type=_positive, default=64, metavar="N", help="neurons per hidden layer (64)")
    check.add_argument("--depth", type=_positive, default=4, metavar="N", help="hidden layers (4)")
    check.add_argument("--batch", type=_positive, default=16, metavar="N", help="random points (16)")
    check.add_argument("--seed", type=int, default=0, metavar="N", help="seed of network, points and values (0)")
    check.add_argument("--tolerance", type=float, default=1e-9, metavar="E", help="largest relative error (1e-9)")

    evaluate = _command(
        subparsers, "eval", commands.evaluate, "evaluate at a point, on a field given by a formula",
        'opcompiler eval "Δu" --space x=2 --at x=0.1,0.2 --u "sin(x1)*x2^2"',
    )  # fmt: skip
    _add_declarations(evaluate)
    add_scheme(evaluate, _positive)
    add_seed(evaluate)
    evaluate.add_argument(
        "--at", action="append", type=_at, default=[], required=True, metavar="SPACE=NUMBERS", help="the point"
    )
    evaluate.add_argument(
        "--u", action="append", type=str.strip, default=[], required=True, metavar="[FIELD=]FORMULA",
        help='the field in the coordinates; entries of a vector field: "v=sin(x1); x2"',
    )  # fmt: skip
    add_solve(subparsers, solve, _add_names, _positive)
    return parser


def _command(
    subparsers: Any, name: str, command: Callable[[argparse.Namespace], int], purpose: str, example: str
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name,
        help=purpose,
        description=purpose[0].upper() + purpose[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=command)
    return parser


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to this file instead of standard output")


def _add_declarations(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="+", type=_text, metavar="TEXT", help='an operator; "-" reads standard input')
    _add_names(parser, required=True)


def _add_names(parser: argparse.ArgumentParser, required: bool = False) -> None:
    group = parser.add_argument_group("declarations", DECLARATIONS if required else None)
    group.add_argument("--space", action="append", type=_space, default=[], required=required, metavar="NAME[=SHAPE]")
    group.add_argument("--field", action="append", type=_field, default=[], metavar="NAME[=SHAPE]")
    group.add_argument("--param", action="append", type=_parameter, default=[], metavar="NAME[=VALUE]")
    group.add_argument("--function", action="append", type=_function, default=[], metavar='"NAME(ARGUMENTS)"')
    group.add_argument("--time", type=str.strip, default=None, metavar="NAME")


def _text(argument: str) -> str:
    return argument if argument == "-" else argument.removeprefix(" ") if argument.startswith(" -") else argument


def _split(argument: str) -> tuple[str, str | None]:
    name, equals, value = argument.partition("=")
    if not name.strip():
        raise argparse.ArgumentTypeError(f"{argument!r} has no name")
    if equals and not value.strip():
        raise argparse.ArgumentTypeError(f"{argument!r} has nothing after the =")
    return _canonical(name), value.strip() if equals else None


def _canonical(name: str) -> str:
    """Return a name as declarations know it, after NFKC."""
    return normalize("NFKC", name.strip())


def _shape(text: str) -> tuple[int, ...] | None:
    """Return 30x3 as (30, 3), None where the text is no shape."""
    return tuple(int(n) for n in re.split("[x×]", text)) if re.fullmatch(r"\d+([x×]\d+)*", text, re.ASCII) else None


def _names(text: str) -> tuple[str, ...] | None:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return names if names and all(re.fullmatch(NAME, name) for name in names) else None


def _space(argument: str) -> Named:
    name, value = _split(argument)
    if value is None:
        return Named(name, None)
    shape = _shape(value)
    if shape is not None:
        return Named(name, shape if len(shape) > 1 else prod(shape))
    names = _names(value)
    if names is None:
        raise argparse.ArgumentTypeError(f"{argument!r}: expected x=5, r=30x3, z=x,t or a bare name")
    return Named(name, names)


def _field(argument: str) -> Named:
    name, value = _split(argument)
    if value is None:
        return Named(name, None)
    shape = _shape(value)
    if shape is not None and len(shape) == 1:
        return Named(name, shape[0])
    names = _names(value)
    if names is None:
        raise argparse.ArgumentTypeError(f"{argument!r}: expected v=2, E=Ex,Ey or a bare name")
    return Named(name, names)


def _parameter(argument: str) -> Named:
    name, value = _split(argument)
    if value is not None:
        return Named(name, _numbers(value))
    name, colon, shape_text = name.partition(":")
    shape = _shape(shape_text)
    if not colon:
        return Named(name, None)
    if shape is None:
        raise argparse.ArgumentTypeError(f"{argument!r}: expected a shape such as A:3x3")
    return Named(name, Runtime(shape))


def _numbers(text: str) -> Any:
    """Return a number, a vector "1,2" or a matrix "1,2;3,4" in exact rationals."""
    rows = [[_number(entry) for entry in row.split(",")] for row in text.split(";")]
    if len(rows) > 1:
        return tuple(tuple(row) for row in rows)
    return tuple(rows[0]) if len(rows[0]) > 1 else rows[0][0]


def _number(text: str) -> Fraction:
    try:
        if len(text) > 100 or re.search(r"e[+-]?\d{4,}", text.lower()):
            raise ValueError
        return Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number such as 0.01, 1/3 or 1e-3") from None


def _function(argument: str) -> Definition:
    match = re.fullmatch(rf"\s*({NAME}\s*\([^()]*\))\s*(?::\s*([\dx×]+)\s*)?(?:=(.*))?", argument, re.DOTALL)
    shape = _shape(match[2]) if match and match[2] else ()
    if match is None or shape is None:
        raise argparse.ArgumentTypeError(f'{argument!r}: expected "c(x,y)", "b(x):2" or "c(x,y)=sin(x)*y"')
    return Definition(_canonical(match[1]), shape, match[3].strip() if match[3] else None)


def _at(argument: str) -> Named:
    name, value = _split(argument)
    if value is None:
        raise argparse.ArgumentTypeError(f"{argument!r}: expected x=0.1,0.2")
    return Named(name, tuple(float(_number(entry)) for entry in re.split("[,;]", value)))


def _positive(argument: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,6}", argument, re.ASCII):
        raise argparse.ArgumentTypeError(f"{argument.strip()!r} is not a positive whole number")
    return int(argument)
