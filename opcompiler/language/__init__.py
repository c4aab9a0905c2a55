"""Text ⇄ `Expr`: `declare` what the names mean, `parse` a text, print it back in one of three dialects."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opcompiler.language.declaration import declare
    from opcompiler.language.parser import parse
    from opcompiler.language.printer import to_ascii, to_latex, to_unicode

__all__ = ["declare", "parse", "to_ascii", "to_latex", "to_unicode"]

_HOMES = {"declare": "declaration", "parse": "parser"} | dict.fromkeys(
    ("to_ascii", "to_latex", "to_unicode"), "printer"
)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"opcompiler.language.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
