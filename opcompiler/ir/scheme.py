"""The user's request, as data: how exact, how large."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TypeAlias, cast

from opcompiler.errors import ArgumentTypeError
from opcompiler.ir.law import Auto, Law, require_law
from opcompiler.ir.schedule import parse_bytes, require_chunk

__all__ = ["Exact", "Scheme", "Stochastic"]

_AUTO = Auto()


@dataclass(frozen=True, slots=True, repr=False)
class Exact:
    """Compute every contraction exactly.

    Attributes:
        strategy: name of the strategy to be used, e.g. "univariate jets"; None takes the cheapest.
        search_nodes: branch-and-bound nodes of each search for directions of univariate jets where no formula gives
            the fewest; 0 searches nothing, which keeps planning fast.
        memory: bytes that a call may take for coefficients, seeds and results ("2GB", "512 MiB", or an int). Points,
            and then directions of a sum, are taken in sequence until it fits; a call that cannot fit is refused.
        chunk: points that are evaluated at once; the chunks follow each other. By default, and without a budget, all of
            them, and on a processor as many as its caches hold.

    Raises:
        ArgumentTypeError: `memory` is no size, `chunk` is no positive whole number, or `search_nodes` is no whole
            number.
    """

    strategy: str | None = None
    search_nodes: int = 0
    memory: int | str | None = None
    chunk: int | None = None

    def __post_init__(self) -> None:
        """Turn sizes into bytes, so that equal budgets are equal schemes."""
        if self.memory is not None:
            object.__setattr__(self, "memory", parse_bytes(self.memory))
        if self.chunk is not None:
            require_chunk(self.chunk)
        if type(self.search_nodes) is not int or self.search_nodes < 0:
            raise ArgumentTypeError(f"search_nodes={self.search_nodes!r} is no number of nodes", hint="0, 100, …")

    def __repr__(self) -> str:
        """Return the call that makes this scheme, defaults left out."""
        given = [(f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default]
        return f"Exact({', '.join(f'{name}={value!r}' for name, value in given)})"


@dataclass(frozen=True, slots=True, repr=False)
class Stochastic:
    """Estimate what is too large to be exact, without bias; everything else is exact in the same evaluation.

    Attributes:
        samples: directions drawn per point, for each space that is sampled.
        law: how they are drawn; `Auto()` chooses the valid law of least variance × cost.
        over: names of the spaces that are sampled; None samples every space of more dimensions than `samples`.
        replace: whether `Coordinates` are drawn with replacement.
        shared: one draw serves all points of a call, instead of an independent one per point.
        subspace: (space, name of a run-time parameter of shape (r, dim of the space)), or a mapping: along the span of
            the parameter's rows the operator is exact, and samples are drawn in its orthogonal complement.
    """

    samples: int = 16
    law: Law = _AUTO
    over: tuple[str, ...] | None = None
    replace: bool = False
    shared: bool = False
    subspace: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Check all attributes; a single name or any sequence of names is understood as well.

        Raises:
            ArgumentTypeError: `samples` is no positive whole number, `law` no law, `over` no names, `replace` or
                `shared` is not True or False, or `subspace` does not map names to names.
        """
        if type(self.samples) is not int or self.samples < 1:
            raise ArgumentTypeError(f"samples={self.samples!r} is no number of samples", hint="1, 2, 3, …")
        require_law(self.law)
        for name, choice in (("replace", self.replace), ("shared", self.shared)):
            if type(choice) is not bool:
                raise ArgumentTypeError(f"{name}={choice!r}", hint="True or False")
        if self.over is not None:
            object.__setattr__(self, "over", _names(self.over))
        object.__setattr__(self, "subspace", _subspaces(self.subspace))

    def __repr__(self) -> str:
        """Return the call that makes this scheme, defaults left out."""
        given = [(f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default]
        return f"Stochastic({', '.join(f'{name}={value!r}' for name, value in given)})"


def _subspaces(subspace: object) -> tuple[tuple[str, str], ...]:
    """Return the pairs (space, parameter), one per space."""
    given = cast("Mapping[object, object]", subspace).items() if isinstance(subspace, Mapping) else subspace
    pairs: list[tuple[str, str]] = []
    for pair in cast("Iterable[object]", given) if isinstance(given, Iterable) else (None,):
        match pair:
            case (str(space), str(parameter)) if space not in dict(pairs):
                pairs.append((space, parameter))
            case _:
                raise ArgumentTypeError(
                    f"subspace={subspace!r} gives no parameters by space", hint='subspace={"x": "V"}'
                )
    return tuple(pairs)


def _names(over: object) -> tuple[str, ...]:
    """Return the names of spaces, each once and in order: a set has none of its own."""
    names = (over,) if isinstance(over, str) else over
    if not isinstance(names, Iterable):
        raise ArgumentTypeError(f"over={over!r} names no spaces", hint='over="x", or over=("x", "y")')
    known = tuple(dict.fromkeys(cast("Iterable[object]", names)))
    if not all(isinstance(name, str) for name in known):
        raise ArgumentTypeError(f"over={over!r} names no spaces", hint='over="x", or over=("x", "y")')
    return tuple(sorted(map(str, known))) if isinstance(over, set | frozenset) else tuple(map(str, known))


Scheme: TypeAlias = Exact | Stochastic
"""Closed union of schemes."""
