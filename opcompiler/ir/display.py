"""How notebooks show a plan: renderers that whoever can tell plans has registered.

A plan knows nothing of reports, which stand above it. `api`, where all stages meet, registers them; without it a plan
is shown as its table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from opcompiler.ir.plan import Plan

__all__ = ["Medium", "register", "rendered"]

Medium: TypeAlias = Literal["html", "latex"]

_RENDERERS: dict[Medium, Callable[[Plan], str]] = {}


def register(medium: Medium, renderer: Callable[[Plan], str]) -> None:
    """Show plans by this function from now on."""
    _RENDERERS[medium] = renderer


def rendered(plan: Plan, medium: Medium) -> str | None:
    """Return the plan in a medium; None, which notebooks take as "not available", where nothing is registered."""
    renderer = _RENDERERS.get(medium)
    return None if renderer is None else renderer(plan)
