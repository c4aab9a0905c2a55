"""Entry of the command line: reads arguments, runs one command, turns errors into messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from opcompiler.cli import terminal
from opcompiler.cli.arguments import parse_arguments
from opcompiler.errors import OpCompilerError

__all__ = ["main"]

USER_ERROR = 1
INTERRUPTED = 130
CLOSED_PIPE = 141
"""What a shell reports for a process that a closed pipe ended: 128 + SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done; 1: the operator, a value or a check is wrong (message on standard error); 2: the command line itself is
    wrong (raised by argparse as SystemExit).
    """
    terminal.accept_any_character()
    try:
        options = parse_arguments(sys.argv[1:] if argv is None else argv)
        code = options.command(options)
        sys.stdout.flush()
    except OpCompilerError as error:
        terminal.report_error(error)
        return USER_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; what the interpreter still flushes at exit must go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    return code
