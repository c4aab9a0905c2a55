"""In how many steps a plan is carried out, and what memory each step takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from opcompiler.errors import ArgumentTypeError

__all__ = ["Blocks", "Schedule", "bytes_text", "parse_bytes", "require_chunk"]

_UNITS = {
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("kMGT", 1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)},
}

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Blocks:
    """The directions of one axis are taken `size` at a time; what they add to a sum is added up block by block."""

    axis: int
    size: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """The steps of one call.

    Attributes:
        batch: points of the call.
        points: points that are evaluated at once; `batch` if all are.
        blocks: directions that are taken in blocks, or None.
        bytes_per_point: predicted for every point that is evaluated at once, coefficients and temporaries.
        bytes_shared: predicted for everything else: arguments, results, seeds that all points share.
        budget: bytes allowed, or None.
    """

    batch: int
    points: int
    blocks: Blocks | None
    bytes_per_point: int
    bytes_shared: int
    budget: int | None = None

    @property
    def peak(self) -> int:
        """Predicted bytes at the peak."""
        return self.points * self.bytes_per_point + self.bytes_shared


def parse_bytes(size: object) -> int:
    """Return a memory size in bytes: a positive integer, or text such as "2GB", "512 MiB", "1.5 GB".

    k, M, G and T are powers of 1000; Ki, Mi, Gi and Ti are powers of 1024.

    Raises:
        ArgumentTypeError: anything else.
    """
    hint = 'write a number with a unit, such as "2GB" or "512 MiB", or a number of bytes as a positive int'
    match size:
        case int() if not isinstance(size, bool) and size > 0:
            return size
        case str() if (found := _SIZE.fullmatch(size.strip())) is not None:
            number, unit = found.groups()
            if unit not in _UNITS:
                raise ArgumentTypeError(
                    f"{unit!r} is no unit of memory", hint=f"the units are {', '.join(_UNITS)}, in these letters"
                )
            value = int(Decimal(number) * _UNITS[unit])
            if value > 0:
                return value
        case _:
            pass
    raise ArgumentTypeError(f"memory={size!r} is no memory size", hint=hint)


def require_chunk(chunk: object) -> None:
    """Refuse what is no number of points.

    Raises:
        ArgumentTypeError: not a positive int.
    """
    if not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1:
        raise ArgumentTypeError(
            f"chunk={chunk!r} is no number of points",
            hint='chunk is the number of points evaluated at once, such as 1000; or give memory="2GB"',
        )


def bytes_text(size: int) -> str:
    """Return a memory size to three digits: 1.53 GB."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if size >= 1000**power:
            return f"{float(f'{size / 1000**power:.3g}'):,g} {unit}"
    return f"{size} B"
