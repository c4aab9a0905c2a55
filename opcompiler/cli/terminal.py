"""Writing to a terminal that may lack colours, letters, or a reader."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from opcompiler.errors import OpCompilerError

__all__ = ["accept_any_character", "report_error", "report_problem", "write"]


def accept_any_character() -> None:
    """Let streams that cannot encode a character print a question mark instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def write(text: str) -> None:
    """Print text; lines that start a section are bold on a terminal."""
    _print(text, sys.stdout, [(r"(?m)^\S.*$", "bold"), (r"which is the minimum", "green")])


def report_error(error: OpCompilerError) -> None:
    """Print an error with its marked line and hint on standard error."""
    report_problem(str(error))


def report_problem(problem: str) -> None:
    """Print what is wrong on standard error."""
    sys.stdout.flush()
    _print(
        f"error: {problem}",
        sys.stderr,
        [(r"^error:", "bold red"), (r"(?m)^ +\^+$", "red"), (r"(?m)^hint:", "bold cyan")],
    )


def _print(text: str, stream: TextIO, styles: list[tuple[str, str]]) -> None:
    if not stream.isatty() or "NO_COLOR" in os.environ or not _print_coloured(text, stream, styles):
        print(text, file=stream)


def _print_coloured(text: str, stream: TextIO, styles: list[tuple[str, str]]) -> bool:
    """Print with rich; return False where it is not installed."""
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        return False
    coloured = Text(text)
    for pattern, style in styles:
        coloured.highlight_regex(pattern, style)
    Console(file=stream, soft_wrap=True).print(coloured)
    return True
