"""What a report is made of, before anything is laid out: sections of facts, tables, lists, the algebra and pictures.

A story is told once (`sections`) and laid out by `text`, `html` and `latex`. Mathematics is written on one line in
Unicode, as `symbols` and `heads` write it; `typeset` sets it with indices and signs where the layout has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Block", "Carried", "Code", "Facts", "Inline", "Lines", "Math", "Member", "Picture", "Prose", "Section"]
__all__ += ["Table"]


@dataclass(frozen=True, slots=True)
class Code:
    """Text as somebody wrote it; it is shown unchanged."""

    text: str


@dataclass(frozen=True, slots=True)
class Prose:
    """A phrase."""

    text: str


@dataclass(frozen=True, slots=True)
class Math:
    """A line of Unicode mathematics, possibly with words between formulas; `latex` where its LaTeX is known."""

    text: str
    latex: str = ""


Inline: TypeAlias = Code | Prose | Math


@dataclass(frozen=True, slots=True)
class Facts:
    """Named facts."""

    rows: tuple[tuple[str, Inline], ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines below each other, under a title where there is one."""

    lines: tuple[Inline, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the columns in `numbers` are aligned to the right, the rows in `marked` stand out."""

    head: tuple[str, ...]
    rows: tuple[tuple[Inline, ...], ...]
    numbers: tuple[int, ...] = ()
    marked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A basis element, or a family of them.

    Attributes:
        number: of the element.
        label: the derivative that it carries.
        degree: its order.
        size: how many coefficients it stands for.
        is_family: whether it has one coefficient per direction.
        seeds: the coordinates that have a coefficient there, with the factor where it is not 1.
        recombined: the number of directions that a network's first layer leaves of them, None if all.
        product: what (f·g)ₖ has besides f·gₖ + fₖ·g; "" if nothing.
    """

    number: int
    label: str
    degree: int
    size: int
    is_family: bool
    seeds: tuple[str, ...]
    product: str
    recombined: int | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """An algebra: its members by order, how coordinates enter it, its product rule, and what a network saves."""

    members: tuple[Member, ...]
    seeds: tuple[str, ...]
    products: tuple[str, ...]
    recombined: tuple[str, ...] = ()

    @property
    def degrees(self) -> tuple[int, ...]:
        """The orders that occur."""
        return tuple(sorted({member.degree for member in self.members}))


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing as SVG, made when it is shown; layouts that cannot draw leave it out."""

    draw: Callable[[], str]
    caption: str


Block: TypeAlias = Facts | Lines | Table | Carried | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]
