"""The variance of an estimator as a formula: rational coefficients times norms of derivative tensors.

A sampled contraction is linear in a symmetric tensor T = Dⁿf over the drawn space (f is u, or an exact derivative of
u). The second moment of its estimator is a sum of complete contractions of T with itself, or with the tensor of
another part of the operator. Each is a `Quantity`; what the estimator's law contributes is its rational coefficient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from opcompiler.ir.symbol import Monomial

__all__ = ["Block", "PerTerm", "Quantity", "Tensor", "VarianceFormula", "VarianceNorm", "VarianceTerm"]

Block: TypeAlias = tuple[int, int]
"""How often one summation index stands at the left tensor, and at the right one."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """D^order f over the coordinates of `space`, f = prefix(∂) of (an entry of) a field.

    Attributes:
        function: name of f: `u`, or `∂ₜu` where the derivatives along other coordinates are exact.
        order: number of indices.
        space: the drawn space.
        number: tells different f apart that have the same name.
        field: the field, "" where f is not one derivative of one field and its norms cannot be measured.
        component: its entry, None for a scalar field.
        prefix: the exact derivatives.
        rows: None, or the tensor is taken along √weights[k]·rows[k] instead of the coordinates.
        weights: of `rows`.
        complement: name of the run-time parameter in the orthogonal complement of whose rows the tensor is taken: every
            index is projected.
    """

    function: str
    order: int
    space: str
    number: int = 0
    field: str = ""
    component: tuple[int, ...] | None = None
    prefix: Monomial = ()
    rows: tuple[tuple[Fraction, ...], ...] | None = None
    weights: tuple[Fraction, ...] | None = None
    complement: str | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Sorts tensors."""
        rest = repr((self.field, self.component, self.prefix, self.rows, self.weights, self.complement))
        return (self.function, self.order, self.space, self.number, rest)


@dataclass(frozen=True, slots=True)
class Quantity:
    """Σ over one index i_b per block b = (p, q) of T[…i_b p times…]·T'[…i_b q times…].

    (1, 1) contracts T with T', (2, 0) traces T, (0, 2) traces T', (k, k) alone sums squares of pure derivatives.

    Attributes:
        left: T.
        right: T'.
        blocks: sorted; first entries sum to the order of T, second ones to that of T'.
        weights: divides the summand of the first block's index i by weights[i] (importance sampling), or None.
    """

    left: Tensor
    right: Tensor
    blocks: tuple[Block, ...]
    weights: tuple[Fraction, ...] | None = None

    def __str__(self) -> str:
        """Return e.g. `‖∇²u‖²`, `Σ_i (∂_i²u)²`."""
        return _quantity_text(self)


@dataclass(frozen=True, slots=True)
class PerTerm:
    """Σ_r c_r²·g_r²/p_r − (Σ_r c_r·g_r)² over terms c_r·g_r of a contraction, term r drawn with probability p_r.

    Attributes:
        contraction: its number in the normal form.
        terms: how many.
        draw: the drawn space whose draw has the table of terms.
    """

    contraction: int
    terms: int
    draw: str

    def __str__(self) -> str:
        """Return the difference, with the number of terms."""
        return f"[Σᵣ cᵣ²gᵣ²/pᵣ − (Σᵣ cᵣgᵣ)²] over {self.terms} terms"


VarianceNorm: TypeAlias = Quantity | PerTerm


@dataclass(frozen=True, slots=True)
class VarianceTerm:
    """coefficient × norm."""

    coefficient: Fraction
    norm: VarianceNorm


@dataclass(frozen=True, slots=True)
class VarianceFormula:
    """Σ coefficient × norm: the variance of the estimate of one contraction at one point.

    Attributes:
        contraction: its number in the normal form.
        terms: none for a contraction that is exact.
        law: name of the law.
        samples: number of samples it is for; the variance of the estimate, not of one sample.
        known: False where there is no formula: an estimate of products along two spaces.
    """

    contraction: int
    terms: tuple[VarianceTerm, ...]
    law: str
    samples: int
    known: bool = True

    @property
    def norms(self) -> tuple[VarianceNorm, ...]:
        """What has to be known of u."""
        return tuple(term.norm for term in self.terms)

    def value(self, norms: Mapping[VarianceNorm, float] | Callable[[VarianceNorm], float]) -> float:
        """Return the variance for given values of the norms.

        Raises:
            KeyError: one of them is missing.
            ValueError: there is no formula.
        """
        if not self.known:
            raise ValueError(f"no formula is known for the variance of contraction {self.contraction}")
        known = norms if callable(norms) else norms.__getitem__
        return float(sum(float(term.coefficient) * known(term.norm) for term in self.terms))

    def __str__(self) -> str:
        """Return e.g. `1/8·‖∇²u‖² − 1/8·Σ_i (∂_i²u)²`; 0 without terms."""
        if not self.known:
            return "not known"
        return _signed((term.coefficient, str(term.norm)) for term in self.terms)


def _signed(terms: Iterable[tuple[Fraction, str]]) -> str:
    text = ""
    for coefficient, norm in terms:
        sign = "−" if coefficient < 0 else "+"
        size = "" if abs(coefficient) == 1 else f"{abs(coefficient)}·"
        text += (f" {sign} " if text else "−" if sign == "−" else "") + size + norm
    return text or "0"


_LETTERS = "ijklmnpq"


def _quantity_text(quantity: Quantity) -> str:
    left, right, blocks = quantity.left, quantity.right, quantity.blocks
    shared = blocks.count((1, 1))
    traces = blocks.count((2, 0)), blocks.count((0, 2))
    if shared + sum(traces) == len(blocks) and quantity.weights is None:
        return _traced_text(left, right, shared, *traces)
    rest = [block for block in blocks if block not in ((2, 0), (0, 2))]
    names = dict(zip(range(len(rest)), _LETTERS, strict=False))
    first = _pure(left, [(names[n], p) for n, (p, _) in enumerate(rest) if p], traces[0])
    second = _pure(right, [(names[n], q) for n, (_, q) in enumerate(rest) if q], traces[1])
    indices = "".join(names[n] for n in range(len(rest)))
    over = f"/p_{names[0]}" if quantity.weights is not None else ""
    if first == second and left == right:
        return f"Σ_{indices} ({first})²{over}"
    separate = {n for n, (p, q) in enumerate(rest) if p and q}
    if not separate and len(rest) == 2 and left == right and rest[0][::-1] == rest[1]:
        return f"(Σ_{names[0]} {first})²"
    return f"Σ_{indices} ({first})({second}){over}"


def _traced_text(left: Tensor, right: Tensor, shared: int, left_traces: int, right_traces: int) -> str:
    first, second = (
        _gradient(shared) + _laplacian(traces) + tensor.function
        for tensor, traces in ((left, left_traces), (right, right_traces))
    )
    if (left, left_traces) == (right, right_traces):
        return f"‖{first}‖²" if shared else f"({first})²"
    return f"⟨{first}, {second}⟩" if shared else f"({first})({second})"


def _pure(tensor: Tensor, indices: list[tuple[str, int]], traces: int) -> str:
    parts = [f"∂_{name}{_power(count)}" for name, count in indices]
    return "".join(parts) + _laplacian(traces) + tensor.function


def _gradient(count: int) -> str:
    return "" if count == 0 else "∇" + _power(count)


def _laplacian(count: int) -> str:
    return "" if count == 0 else "Δ" + _power(count)


def _power(count: int) -> str:
    return "" if count == 1 else str(count).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
