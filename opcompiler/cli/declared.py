"""From parsed options to texts and declarations."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import Any

from opcompiler.errors import OperatorNameError, OperatorSyntaxError

__all__ = ["declarations_of", "texts_of"]


def texts_of(options: argparse.Namespace) -> list[str]:
    """Return the operators; "-" stands for the lines of standard input that are not blank.

    Raises:
        OperatorSyntaxError: standard input holds no operator.
    """
    texts: list[str] = []
    for text in options.text:
        texts += _standard_input() if text == "-" else [text]
    return texts


def _standard_input() -> list[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    lines = [line.rstrip("\r\n") for line in sys.stdin if line.strip()]
    if not lines:
        raise OperatorSyntaxError("standard input holds no operator", hint="write one operator per line")
    return lines


def declarations_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the declarations as keyword arguments of `opcompiler.compile`, without coefficient functions.

    Raises:
        OperatorNameError: a name is declared twice.
    """
    declared: dict[str, Any] = {"spaces": _mapping(options.space, "space")}
    if options.field:
        declared["fields"] = _mapping(options.field, "field")
    if options.param:
        declared["parameters"] = _mapping(options.param, "parameter")
    if options.time is not None:
        declared["time"] = None if options.time == "none" else options.time
    return declared


def _mapping(items: Sequence[Any], what: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in items:
        if item.name in values:
            raise OperatorNameError(f"the {what} {item.name} is declared twice")
        values[item.name] = item.value
    return values
