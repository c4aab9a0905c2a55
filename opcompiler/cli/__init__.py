"""The command `opcompiler`: explain, plan, check and evaluate operators from a shell."""

from opcompiler.cli.main import main

__all__ = ["main"]
