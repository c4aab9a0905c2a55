"""`NormalForm`: what has to be computed, without a word about how."""

from __future__ import annotations

from dataclasses import dataclass

from opcompiler.ir.declarations import Declarations
from opcompiler.ir.head import ContractionValue, Head, Output
from opcompiler.ir.symbol import Symbol

__all__ = ["Contraction", "FreeIndex", "NormalForm"]


@dataclass(frozen=True, slots=True)
class FreeIndex:
    """A derivative index left open: the factor ξ_i^power for every coordinate i of a space, an axis of the value."""

    space: str
    power: int = 1


@dataclass(frozen=True, slots=True)
class Contraction:
    """⟨C, Dᵏu⟩: symbol(∂)·Π_f ∂_{i_f}^{power_f} applied to one field.

    Its value has shape field shape (or () when `component` names one entry) + (dim of the space,) per free index.
    The identity (symbol 1, no free index) is the field itself.
    """

    field: str
    symbol: Symbol
    free: tuple[FreeIndex, ...] = ()
    component: tuple[int, ...] | None = None

    @property
    def order(self) -> int:
        """Order of the highest derivative."""
        return self.symbol.order + sum(index.power for index in self.free)


@dataclass(frozen=True, slots=True)
class NormalForm:
    """Contractions of derivative tensors and the pointwise heads that combine them.

    Attributes:
        declarations: what the names mean.
        contractions: distinct; the lumped linear part of an output is one of them.
        scalars: heads of parameters and constants only; indeterminate s_k of a `Coefficient` is scalars[k].
        outputs: one per entry of the text.
        labels: None for a single value, () for a tuple, the keys for a dict.
        written: the operator as it was read, fully bracketed Unicode, for reports.
    """

    declarations: Declarations
    contractions: tuple[Contraction, ...]
    scalars: tuple[Head, ...]
    outputs: tuple[Output, ...]
    labels: tuple[str, ...] | None = None
    written: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the operator is one contraction of one scalar field and nothing else.

        Such an operator is linear with constant coefficients and maps over any pytree that u returns.
        """
        return (
            self.labels is None
            and len(self.contractions) == 1
            and len(self.declarations.fields) == 1
            and self.declarations.fields[0].shape == ()
            and self.outputs[0].body == ContractionValue(0, tuple(label for label, _ in self.outputs[0].labels))
        )
