"""The drawn spaces of a rewriting: who shares a draw, how many directions it has, what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace
from fractions import Fraction

from opcompiler.errors import UnsupportedError
from opcompiler.ir.law import Coordinates, Frame, Law, Terms
from opcompiler.ir.sampling import Draw
from opcompiler.ir.space import Space

__all__ = ["DrawRequest", "Draws"]


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """What tells draws apart: equal requests get the same directions.

    Attributes:
        of: the space drawn from.
        law: concrete.
        copy: number of an independent copy, for factors of products.
        slot: number of an independent direction in one repeat; None for directions whose estimates are summed inside
            one evaluation.
        degree: order of the symbol, where importance weights need it, else 2.
        rows: of a quadratic form, see `Draw`.
        weights: of `rows`.
        table: of terms, see `Draw`.
        coefficients: of terms.
        subspace: parameter of a subspace, see `Draw`.
    """

    of: str
    law: Law | None
    copy: int = 0
    slot: int | None = None
    degree: int = 2
    rows: tuple[tuple[Fraction, ...], ...] | None = None
    weights: tuple[Fraction, ...] | None = None
    table: tuple[tuple[int, ...], ...] = ()
    coefficients: tuple[Fraction, ...] = ()
    subspace: str | None = None


@dataclass
class Draws:
    """Collects the draws of one normal form.

    Attributes:
        spaces: the declared spaces.
        samples: directions per space.
        copies: into how many independent copies the samples of a space are divided.
        replace: whether uniform coordinates are drawn with replacement.
        subspaces: (parameter, number of its rows) of the subspaces along which nothing is drawn, by space.
    """

    spaces: tuple[Space, ...]
    samples: int
    copies: Mapping[str, int]
    replace: bool
    subspaces: Mapping[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    found: dict[DrawRequest, Draw] = field(default_factory=dict[DrawRequest, Draw])
    repeats: int = 1

    def draw(self, request: DrawRequest) -> Draw:
        """Return the draw of a request, a new one the first time."""
        known = self.found.get(request)
        if known is None:
            known = self.found[request] = self._new(request)
        return known

    @property
    def all(self) -> tuple[Draw, ...]:
        """The draws in the order in which they were first asked for."""
        return tuple(self.found.values())

    @property
    def drawn_spaces(self) -> tuple[Space, ...]:
        """The drawn spaces, for the declarations of the random normal form."""
        return tuple(Space(draw.space, (draw.directions,)) for draw in self.all)

    def given(self, request: DrawRequest) -> Draw | None:
        """Return the basis of the subspace along which a request draws nothing, None where there is none."""
        if request.of not in self.subspaces:
            return None
        parameter, _ = self.subspaces[request.of]
        return self.draw(DrawRequest(request.of, None, rows=request.rows, weights=request.weights, subspace=parameter))

    def complement(self, request: DrawRequest) -> DrawRequest | None:
        """Return the request in the complement of the subspace, None where nothing is left to be drawn.

        Raises:
            UnsupportedError: the law has no directions there.
        """
        given = self.given(request)
        if given is None:
            return request
        if isinstance(request.law, Coordinates | Terms):
            raise UnsupportedError(
                f"{request.law!r} has no directions in the complement of the subspace {given.subspace}",
                hint="Orthogonal(), Sphere(), Gaussian(), Frame(r) and, for Δ, Rademacher() have",
            )
        dim = self._dim(request)
        return None if given.rank == dim else dataclass_replace(request, subspace=given.subspace)

    def budget(self, space: str) -> int:
        """Return how many samples one copy of a space has."""
        return max(1, self.samples // self.copies.get(space, 1))

    def _new(self, request: DrawRequest) -> Draw:
        dim = self._dim(request)
        rank = 0 if request.subspace is None else min(self.subspaces[request.of][1], dim)
        dim -= 0 if request.law is None else rank
        budget = self.budget(request.of)
        repeated = request.slot is not None
        match request.law:
            case None:
                directions, repeats = rank, 1
            case Terms():
                directions, repeats = len(request.table[0]), budget
            case Frame(size) if size > dim:
                raise UnsupportedError(
                    f"a quadratic form of rank {dim} over {request.of} has no {size} orthonormal directions"
                    if request.subspace is None
                    else f"the complement of {request.subspace} has {dim} dimensions, no {size} orthonormal directions",
                    hint=f"Frame(r) with 1 ≤ r ≤ {dim}",
                )
            case Coordinates(weights) if weights is not None and len(weights) != dim:
                raise UnsupportedError(
                    f"{len(weights)} probabilities do not fit a quadratic form of rank {dim} over {request.of}",
                    hint="give one probability per square of its diagonal form, or none",
                )
            case Frame(size):
                repeated, directions, repeats = True, size, -(-budget // size)
            case Coordinates(weights) if not repeated:
                # All coordinates, once each, are the exact operator.
                bounded = weights is None and not self.replace
                directions, repeats = min(budget, dim) if bounded else budget, 1
            case _:
                directions, repeats = (1, budget) if repeated else (budget, 1)
        self.repeats = max(self.repeats, repeats)
        return Draw(
            space=self._name(request.of),
            of=request.of,
            directions=directions,
            dim=dim,
            law=request.law,
            degree=request.degree,
            replace=self.replace,
            repeated=repeated,
            rows=request.rows,
            weights=request.weights,
            table=request.table,
            coefficients=request.coefficients,
            probabilities=_probabilities(request),
            subspace=request.subspace,
            rank=rank,
        )

    def _dim(self, request: DrawRequest) -> int:
        """Return the number of dimensions that a request draws in, or rather in a part of which."""
        whole = next(space.dim for space in self.spaces if space.name == request.of)
        return whole if request.rows is None else len(request.rows)

    def _name(self, of: str) -> str:
        return _unused(f"v{of}", [space.name for space in self.spaces] + [draw.space for draw in self.found.values()])


def _probabilities(request: DrawRequest) -> tuple[Fraction, ...]:
    if not isinstance(request.law, Terms):
        return ()
    if request.law.probabilities is not None:
        return request.law.probabilities
    total = sum(map(abs, request.coefficients), Fraction(0))
    return tuple(abs(value) / total for value in request.coefficients)


def _unused(name: str, taken: Iterable[str]) -> str:
    known = set(taken)
    while name in known:
        name += "′"
    return name
