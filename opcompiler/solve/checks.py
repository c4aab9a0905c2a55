"""Numbers that users give, refused where they are given."""

from __future__ import annotations

import math

from opcompiler.errors import ArgumentTypeError

__all__ = ["require_count", "require_positive"]


def require_count(name: str, value: object, least: int = 1) -> None:
    """Refuse what is no whole number, or a smaller one than `least`.

    Raises:
        ArgumentTypeError: it is not.
    """
    if type(value) is not int or value < least:
        raise ArgumentTypeError(f"{name} is {value!r}, expected a whole number", hint=f"{least}, {least + 1}, …")


def require_positive(name: str, value: object) -> None:
    """Refuse what is no finite positive number.

    Raises:
        ArgumentTypeError: it is not.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not (math.isfinite(value) and value > 0):
        raise ArgumentTypeError(f"{name} is {value!r}, expected a positive number", hint=f"{name}=1.0")
