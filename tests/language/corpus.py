"""The open corpus of equations: its entries as declarations and texts."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

from opcompiler.ir.declarations import Declarations
from opcompiler.language.declaration import declare

DATA = Path(__file__).parent.parent / "data"


@lru_cache(maxsize=1)
def entries() -> tuple[dict[str, Any], ...]:
    """All entries of the open corpus."""
    return tuple(json.loads(line) for line in (DATA / "open.jsonl").read_text(encoding="utf-8").splitlines())


@lru_cache(maxsize=1)
def hostile() -> tuple[dict[str, Any], ...]:
    """All hostile inputs."""
    return tuple(json.loads(line) for line in (DATA / "hostile.jsonl").read_text(encoding="utf-8").splitlines())


def plain_spelling(entry: dict[str, Any], form: str) -> dict[str, str]:
    """Canonical name → name in this form after Unicode normalisation, where they differ."""
    return {key: unicodedata.normalize("NFKC", name) for key, name in spelling(entry, form).items()}


def spelling(entry: dict[str, Any], form: str) -> dict[str, str]:
    """Canonical name → name in this form of the text, where they differ."""
    return entry["ascii_names"] if form.startswith("ascii") else entry["unicode_names"]


def declarations(entry: dict[str, Any], form: str) -> Declarations:
    """The declarations of an entry, with its names as this form spells them."""
    names = spelling(entry, form)

    def spelt(name: str) -> str:
        return names.get(name, name)

    functions: dict[str, tuple[int, ...] | None] = {}
    for key, value in entry["functions"].items():
        name, arguments = re.fullmatch(r"(\w+)\((.*)\)", key).groups()  # type: ignore[union-attr]
        spelt_key = f"{spelt(name)}({','.join(spelt(argument.strip()) for argument in arguments.split(','))})"
        functions[spelt_key] = (len(value),) if isinstance(value, list) else None
    return declare(
        spaces=entry["coords"],
        fields={
            spelt(name): tuple(entry["components"][name]) if name in entry["components"] else None
            for name in entry["fields"]
        },
        time=entry["time"],
        parameters={spelt(name): value for name, value in entry["params"].items()},
        functions=functions,
    )


def texts(entry: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """(form, equations) of every way the entry is written."""
    found = []
    for group in (entry["strings"], entry["operator_form"]):
        for form, text in group.items():
            found.append((form, [text] if isinstance(text, str) else list(text)))
    return found
