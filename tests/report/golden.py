"""The operators whose reports are kept word for word in tests/golden; as a script (`make golden`), writes them anew.

The README's plan and picture are kept as well: the table, and the Hasse diagram on the page, of its operator.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from oracles import laplacian, partial

import opcompiler as oc

FOLDER = Path(__file__).parents[1] / "golden"
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "plan.svg"
README = Path(__file__).parents[2] / "README.md"
FORMATS = {"txt": "text", "html": "html", "tex": "latex"}
IN_EVERY_FORMAT = ("mixed_fourth_order", "allen_cahn")
"""Kept as pages and LaTeX as well."""


@dataclass(frozen=True)
class Golden:
    """An operator, its declarations, and its meaning written out with the oracles for u of one flat vector."""

    name: str
    text: str
    declarations: dict[str, Any]
    meaning: Callable[[Callable], Callable]
    parameters: dict[str, float] = field(default_factory=dict)

    def path(self, ending: str) -> Path:
        return FOLDER / f"{self.name}.{ending}"

    def story(self, ending: str) -> str:
        return oc.explain(self.text, format=FORMATS[ending], **self.declarations).removesuffix("\n") + "\n"


def _sum(*terms: Callable) -> Callable:
    return lambda x: sum(term(x) for term in terms)


GOLDEN = [
    Golden(
        "mixed_fourth_order",
        "Δu + ∂⁴u/∂x1²∂x2²",
        {"spaces": {"x": 5}},
        lambda u: _sum(laplacian(u), partial(u, [(0, 2), (1, 2)])),
    ),
    Golden("biharmonic", "Δ²u", {"spaces": {"x": 3}}, lambda u: laplacian(laplacian(u))),
    Golden(
        "korteweg_de_vries",
        "u_t + 6 u u_x + u_xxx = 0",
        {"spaces": ("x", "t")},
        lambda u: _sum(partial(u, [(1, 1)]), lambda x: 6 * u(x) * partial(u, [(0, 1)])(x), partial(u, [(0, 3)])),
    ),
    Golden(
        "allen_cahn",
        "u_t - ε Δu + u³ - u",
        {"spaces": {"x": 4, "t": None}, "parameters": {"ε": None}},
        lambda u: _sum(
            partial(u, [(4, 1)]),
            *(lambda x, i=i: -0.25 * partial(u, [(i, 2)])(x) for i in range(4)),
            lambda x: u(x) ** 3 - u(x),
        ),
        {"ε": 0.25},
    ),
    Golden("gradient", "∇Δu", {"spaces": {"x": 3}}, lambda u: jax.jacfwd(laplacian(u))),
    Golden(
        "porous_medium",
        "u_t = Δ(u²)",
        {"spaces": {"x": 2, "t": None}},
        lambda u: _sum(
            partial(u, [(2, 1)]), *(lambda x, i=i: -partial(lambda y: u(y) ** 2, [(i, 2)])(x) for i in range(2))
        ),
    ),
]


def flat(u: Callable) -> Callable:
    """Return u as a function of one argument per space."""
    return lambda *point: u(jnp.concatenate([jnp.atleast_1d(values) for values in point]))


KEPT = [(golden, "txt") for golden in GOLDEN]
KEPT += [(golden, ending) for golden in GOLDEN if golden.name in IN_EVERY_FORMAT for ending in ("html", "tex")]


def picture() -> str:
    """Return the first drawing on the page of the README's operator."""
    found = re.search(r"<svg.*?</svg>", GOLDEN[0].story("html"), re.DOTALL)
    assert found is not None
    return found[0] + "\n"


def readme() -> str:
    """Return the README with the current table of its operator's plan."""
    plan = oc.compile(GOLDEN[0].text, **GOLDEN[0].declarations).plan
    return re.sub(
        r"(?ms)^```text\noperator .*?^```", lambda _: f"```text\n{plan}\n```", README.read_text("utf-8"), count=1
    )


if __name__ == "__main__":
    for golden, ending in KEPT:
        golden.path(ending).write_text(golden.story(ending), "utf-8")
        print("wrote", golden.path(ending))
    for path, text in ((PICTURE, picture()), (README, readme())):
        path.write_text(text, "utf-8")
        print("wrote", path)
