"""Unicode text → one plain spelling, with a map back to the places in the source.

Look-alikes of operators are unified by an explicit table; everything else goes through NFKC, so that declared names
match whatever their style. Superscripts become `^(…)`. Subscript characters keep a mark, because `uₓ` is a derivative
while the declared name `μ₀` is `μ0` after NFKC. Characters that cannot be seen are refused.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from opcompiler.errors import LimitError, OperatorSyntaxError, Span
from opcompiler.language.limits import MAX_TEXT_LENGTH

__all__ = ["Cell", "PlainText", "normalise", "normalise_name", "plain_text"]

_OPERATORS = {
    **dict.fromkeys("−–﹣－‐‑", "-"),
    **dict.fromkeys("⋅∙•‧・", "·"),
    **dict.fromkeys("✕⨯╳", "×"),
    **dict.fromkeys("∗＊", "*"),
    **dict.fromkeys("⁄∕÷", "/"),
    **dict.fromkeys("′’‘ʹ´＇", "'"),
    **dict.fromkeys('″"”“ʺ', "''"),
    "‴": "'''",
    "⁗": "''''",
    **dict.fromkeys("∆△", "Δ"),
    **dict.fromkeys("◻▢☐◽⬜", "□"),
    **dict.fromkeys("∥", "‖"),
    **dict.fromkeys("∣ǀ", "|"),
    **dict.fromkeys("～∼", "~"),
    "⨂": "⊗",
    "≔": ":=",
}
"""One spelling for each operator."""

_SUPERSCRIPT_SIGNS = {"⁺": "+", "⁻": "-", "⁽": "(", "⁾": ")", "ᐟ": "/"}
_SUBSCRIPT_SIGNS = {"₊": "+", "₋": "-", "₌": "=", "₍": "(", "₎": ")"}
_ACCENTS = {"\u0307": 1, "\u0308": 2}
"""Dots over a field: time derivatives."""

ACCENT = "\u0307"
"""How one dot over a letter reaches the lexer."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One character of the plain spelling with its place in the source."""

    char: str
    start: int
    stop: int
    subscript: bool = False


@dataclass(frozen=True, slots=True)
class PlainText:
    """The plain spelling of a source text.

    Attributes:
        source: what the user wrote.
        text: the plain spelling.
        starts: place of each plain character in the source.
        stops: where each of them ends in the source.
        subscripts: 1 where the character was written as a subscript.
    """

    source: str
    text: str
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    subscripts: bytes

    def span(self, start: int, stop: int) -> Span:
        """Return the range of the source that the plain range [start, stop) came from."""
        if not self.text:
            return Span(0, len(self.source))
        if start >= len(self.text):
            return Span(self.stops[-1], self.stops[-1] + 1)
        return Span(self.starts[start], self.stops[min(max(start, stop - 1), len(self.stops) - 1)])


def plain_text(source: str, cells: list[Cell]) -> PlainText:
    """Collect cells into a text."""
    return PlainText(
        source,
        "".join(cell.char for cell in cells),
        tuple(cell.start for cell in cells),
        tuple(cell.stop for cell in cells),
        bytes(cell.subscript for cell in cells),
    )


def normalise(source: str) -> PlainText:
    """Return the plain spelling of a Unicode or ASCII text.

    Raises:
        LimitError: the text is longer than `MAX_TEXT_LENGTH`.
        OperatorSyntaxError: it contains control, format or unassigned characters.
    """
    if len(source) > MAX_TEXT_LENGTH:
        raise LimitError(
            f"the text has {len(source)} characters, the limit is {MAX_TEXT_LENGTH}",
            source=source[:MAX_TEXT_LENGTH],
            span=Span(0, 1),
        )
    cells: list[Cell] = []
    superscript = False
    for start, stop, cluster in _clusters(source):
        is_superscript = _is_superscript(cluster)
        if is_superscript != superscript:
            cells += _virtual("^(" if is_superscript else ")", start if is_superscript else start - 1, source)
            superscript = is_superscript
        cells += _cells(source, start, stop, cluster)
    if superscript:
        cells += _virtual(")", len(source) - 1, source)
    return plain_text(source, cells)


def normalise_name(name: str) -> str:
    """Return the spelling under which a declared name is known: NFKC, primes unified."""
    unified = "".join(_OPERATORS.get(char, char) if char in "′’″‴⁗" else char for char in name)
    return unicodedata.normalize("NFKC", unified)


def _virtual(text: str, at: int, source: str) -> list[Cell]:
    at = max(0, min(at, len(source) - 1))
    return [Cell(char, at, at + 1) for char in text]


def _clusters(source: str) -> list[tuple[int, int, str]]:
    """Split into base characters with their combining marks."""
    clusters: list[tuple[int, int, str]] = []
    for place, char in enumerate(source):
        if clusters and unicodedata.combining(char) and len(clusters[-1][2]) < 8:
            start, _, before = clusters[-1]
            clusters[-1] = (start, place + 1, before + char)
        else:
            clusters.append((place, place + 1, char))
    return clusters


def _is_superscript(cluster: str) -> bool:
    return cluster in _SUPERSCRIPT_SIGNS or unicodedata.decomposition(cluster[0]).startswith("<super>")


def _cells(source: str, start: int, stop: int, cluster: str) -> list[Cell]:
    char = cluster[0]
    if cluster in _OPERATORS:
        return [Cell(plain, start, stop) for plain in _OPERATORS[cluster]]
    if char.isascii() and len(cluster) == 1 and char.isprintable():
        return [Cell(char, start, stop)]
    if char.isspace():
        return [Cell(" ", start, stop)]
    category = unicodedata.category(char)
    if category in {"Cc", "Cf", "Cs", "Cn", "Co"}:
        name = unicodedata.name(char, f"U+{ord(char):04X}")
        raise OperatorSyntaxError(
            f"the character {name} has no meaning here",
            source=source,
            span=Span(start, stop),
            hint="delete it; it may have come along with a copied text",
        )
    decomposed = unicodedata.normalize("NFD", cluster)
    dots = sum(_ACCENTS.get(mark, 0) for mark in decomposed[1:])
    if dots and all(mark in _ACCENTS for mark in decomposed[1:]):
        return [Cell(decomposed[0], start, stop), *(Cell(ACCENT, start, stop) for _ in range(dots))]
    if cluster in _SUPERSCRIPT_SIGNS:
        return [Cell(_SUPERSCRIPT_SIGNS[cluster], start, stop)]
    if cluster in _SUBSCRIPT_SIGNS:
        return [Cell(_SUBSCRIPT_SIGNS[cluster], start, stop, subscript=True)]
    decomposition = unicodedata.decomposition(char)
    if decomposition.startswith("<fraction>"):
        return [Cell(char, start, stop)]
    is_subscript = decomposition.startswith("<sub>")
    return [Cell(plain, start, stop, is_subscript) for plain in unicodedata.normalize("NFKC", cluster)]
