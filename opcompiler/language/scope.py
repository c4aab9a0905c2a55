"""The declared names of one text: exact and longest-match look-up, and the nearest name for a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from opcompiler.ir.declarations import Declarations
from opcompiler.ir.expression import Index
from opcompiler.ir.space import Space
from opcompiler.language.latex_commands import GREEK
from opcompiler.language.vocabulary import CONSTANTS, FUNCTION_ALIASES, OPERATOR_WORDS

__all__ = [
    "ComponentName",
    "CoordinateName",
    "Entry",
    "FieldName",
    "FunctionName",
    "ParameterName",
    "Scope",
    "SpaceName",
    "coordinates_of",
    "scope_of",
]


@dataclass(frozen=True, slots=True)
class CoordinateName:
    """One scalar coordinate; the index may be a bound letter, and `space` None then means all spatial coordinates."""

    space: str | None
    index: Index


@dataclass(frozen=True, slots=True)
class SpaceName:
    """A whole space of several coordinates."""

    space: str


@dataclass(frozen=True, slots=True)
class FieldName:
    """A whole field."""

    field: str


@dataclass(frozen=True, slots=True)
class ComponentName:
    """One component of a vector field."""

    field: str
    index: Index


@dataclass(frozen=True, slots=True)
class ParameterName:
    """A parameter."""

    parameter: str


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A coefficient function."""

    function: str


Entry: TypeAlias = CoordinateName | SpaceName | FieldName | ComponentName | ParameterName | FunctionName


class Scope:
    """What a name in the text means, by the declarations alone."""

    def __init__(self, declarations: Declarations) -> None:
        """Collect every declared name."""
        self.declarations = declarations
        entries: dict[str, Entry] = {}
        for space in declarations.spaces:
            if space.coordinates is not None:
                entries.setdefault(space.name, SpaceName(space.name))
                for index, coordinate in enumerate(space.coordinates):
                    entries[coordinate] = CoordinateName(space.name, index)
            else:
                entries[space.name] = SpaceName(space.name) if space.shape else CoordinateName(space.name, 0)
        for field in declarations.fields:
            entries[field.name] = FieldName(field.name)
            for index, component in enumerate(field.components or ()):
                entries[component] = ComponentName(field.name, index)
        for parameter in declarations.parameters:
            entries[parameter.name] = ParameterName(parameter.name)
        for function in declarations.functions:
            entries[function.name] = FunctionName(function.name)
        self.entries = entries
        self._lengths = sorted({len(name) for name in entries}, reverse=True)

    def get(self, name: str) -> Entry | None:
        """Return what exactly this name means, or None; `x3` and `x_3` are found for spaces and vector fields."""
        entry = self.entries.get(name)
        if entry is not None:
            return entry
        stem = name.rstrip("0123456789")
        digits = name[len(stem) :]
        if not digits or not stem or digits.startswith("0") or len(digits) > 12:
            return None
        match self.entries.get(stem) or self.entries.get(stem.removesuffix("_")):
            case SpaceName(space_name):
                space = self.declarations.space(space_name)
                if space.coordinates is None and int(digits) <= space.dim:
                    return CoordinateName(space_name, int(digits) - 1)
            case FieldName(field_name):
                shape = self.declarations.field(field_name).shape
                if shape and int(digits) <= shape[0]:
                    return ComponentName(field_name, int(digits) - 1)
            case _:
                pass
        return None

    def matches(self, text: str, start: int) -> list[tuple[int, Entry]]:
        """Return (end, entry) of every declared name that the text continues with, the longest first."""
        found: list[tuple[int, Entry]] = []
        for length in self._lengths:
            entry = self.entries.get(text[start : start + length])
            if entry is not None and start + length <= len(text):
                found.append((start + length, entry))
        return found

    def array_space(self, entry: Entry | None) -> Space | None:
        """Return the space whose coordinates are written with a number, x1 … xn, if the entry is one."""
        if isinstance(entry, SpaceName):
            space = self.declarations.space(entry.space)
            return space if space.coordinates is None else None
        return None

    def covers_spaces(self, entries: Sequence[object]) -> bool:
        """Whether these are all coordinates, each once: the brackets of u(x,t)."""
        whole = [entry.space for entry in entries if isinstance(entry, SpaceName)]
        single = [(entry.space, entry.index) for entry in entries if isinstance(entry, CoordinateName)]
        expected = sum(1 if space.name in whole else space.dim for space in self.declarations.spaces)
        distinct = len(set(whole)) + len(set(single))
        return distinct == len(entries) == expected and not any(space in whole for space, _ in single)

    def nearest(self, word: str) -> str | None:
        """Return the declared or built-in name closest to a misspelt word; α is close to alpha."""
        letter = GREEK.get(word.lower()) or next((name for name, char in GREEK.items() if char == word), None)
        if letter in self.entries:
            return letter
        if len(word) == 1:
            return None
        words = [*self.entries, *OPERATOR_WORDS, *FUNCTION_ALIASES, *CONSTANTS]
        close = difflib.get_close_matches(word[:40], words, n=1, cutoff=0.6)
        return close[0] if close else None

    def describe(self) -> str:
        """Return the declared names for a message."""
        arrays = {space.name: space for space in self.declarations.spaces if space.shape and not space.coordinates}
        names = [coordinates_of(arrays[name]) if name in arrays else name for name in self.entries]
        shown = ", ".join(names[:12])
        return shown + (", …" if len(names) > 12 else "")


def coordinates_of(space: Space) -> str:
    """Return the names of the coordinates for a message: x1 … x9."""
    if space.coordinates is not None:
        return ", ".join(space.coordinates)
    first, last = space.coordinate_name(0), space.coordinate_name(space.dim - 1)
    return first if first == last else f"{first} … {last}"


@lru_cache(maxsize=64)
def scope_of(declarations: Declarations) -> Scope:
    """Return the scope of some declarations; it is built once."""
    return Scope(declarations)
