"""Directions of univariate jets as arrows in the plane or in space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, radians, sin

from opcompiler.ir.surd import Number
from opcompiler.report.svg import element, picture, text, title

__all__ = ["Arrow", "directions_svg"]

_RADIUS, _CENTRE = 130.0, 170.0
_AZIMUTH, _ELEVATION = radians(-32), radians(22)
"""From where directions in space are seen."""
_COLOURS = ("#c2410c", "#2563eb", "#15803d", "#9333ea", "#be185d", "#0e7490")
"""By order, the highest first."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A direction, the order of its jet, and its exact entries as text."""

    direction: tuple[Number, ...]
    order: int
    name: str


def directions_svg(arrows: Sequence[Arrow], coordinates: Sequence[str]) -> str:
    """Return the directions as arrows, the longest as long as the circle is wide.

    Args:
        arrows: of two or three entries each.
        coordinates: names of the entries.
    """
    points = [tuple(float(entry) for entry in arrow.direction) for arrow in arrows]
    longest = max(hypot(*point) for point in points) or 1.0
    orders = sorted({arrow.order for arrow in arrows}, reverse=True)
    colours = {order: _COLOURS[n % len(_COLOURS)] for n, order in enumerate(orders)}
    axes = [tuple(float(i == j) for j in range(len(coordinates))) for i in range(len(coordinates))]
    drawn = [
        *(_axis(axis, name) for axis, name in zip(axes, coordinates, strict=True)),
        element("circle", cx=_CENTRE, cy=_CENTRE, r=_RADIUS, class_="frame"),
        *([_equator()] if len(coordinates) == 3 else []),
        *(
            _arrow([entry / longest for entry in point], arrow, number, colours[arrow.order])
            for number, (point, arrow) in enumerate(zip(points, arrows, strict=True), 1)
        ),
        *(_legend(place, order, colours[order]) for place, order in enumerate(orders)),
    ]
    return picture(2 * _CENTRE + 110, 2 * _CENTRE, f"Directions in {' and '.join(coordinates)}", *drawn)


def _projected(point: Sequence[float]) -> tuple[float, float, float]:
    """Return the place on the page and the depth, positive towards the reader."""
    if len(point) == 2:
        return _CENTRE + _RADIUS * point[0], _CENTRE - _RADIUS * point[1], 0.0
    x, y, z = point
    across = x * cos(_AZIMUTH) - y * sin(_AZIMUTH)
    depth = -x * sin(_AZIMUTH) - y * cos(_AZIMUTH)
    up = z * cos(_ELEVATION) - depth * sin(_ELEVATION)
    towards = depth * cos(_ELEVATION) + z * sin(_ELEVATION)
    return _CENTRE + _RADIUS * across, _CENTRE - _RADIUS * up, towards


def _axis(point: Sequence[float], name: str) -> str:
    x, y, _ = _projected(point)
    far = (x - _CENTRE, y - _CENTRE)
    line = element("line", x1=_CENTRE - far[0], y1=_CENTRE - far[1], x2=x, y2=y, class_="link")
    return line + text(name, x=_CENTRE + 1.16 * far[0], y=_CENTRE + 1.16 * far[1] + 5, class_="soft mid")


def _equator() -> str:
    ring = [_projected((cos(2 * pi * k / 48), sin(2 * pi * k / 48), 0.0)) for k in range(49)]
    return element("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in ring), class_="frame dash")


def _arrow(point: Sequence[float], arrow: Arrow, number: int, colour: str) -> str:
    x, y, depth = _projected(point)
    length = hypot(x - _CENTRE, y - _CENTRE) or 1.0
    along = ((x - _CENTRE) / length, (y - _CENTRE) / length)
    across = (-along[1], along[0])
    corners = [
        (x, y),
        (x - 9 * along[0] + 4 * across[0], y - 9 * along[1] + 4 * across[1]),
        (x - 9 * along[0] - 4 * across[0], y - 9 * along[1] - 4 * across[1]),
    ]
    shape = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in corners) + "Z"
    behind = " dash" if depth < -1e-9 else ""
    return element(
        "g",
        title(f"v{number} = {arrow.name}, order {arrow.order}"),
        element("line", x1=_CENTRE, y1=_CENTRE, x2=x, y2=y, stroke=colour, class_=f"arrow{behind}"),
        element("path", d=shape, fill=colour, class_="tip"),
        text(str(number), x=x + 11 * along[0], y=y + 11 * along[1] + 4, class_="soft mid"),
    )


def _legend(place: int, order: int, colour: str) -> str:
    x, y = 2 * _CENTRE + 8, 24 + 22 * place
    line = element("line", x1=x, y1=y, x2=x + 20, y2=y, stroke=colour, class_="arrow")
    return line + text(f"order {order}", x=x + 28, y=y + 5)
