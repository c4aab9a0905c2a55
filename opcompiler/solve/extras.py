"""Libraries of the extra [solve], loaded when they are first needed, with a clear message where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from opcompiler.errors import MissingExtraError

__all__ = ["load"]


def load(name: str) -> Any:
    """Return the module called `name`.

    Raises:
        MissingExtraError: it is not installed (an `ImportError`).
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = name.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != missing:
            raise
        raise MissingExtraError(
            f"solving needs the package {missing}, which is not installed",
            hint='install the extra: pip install "opcompiler[solve]"',
        ) from error
