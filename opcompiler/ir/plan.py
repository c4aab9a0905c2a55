"""`Plan`: how a normal form is computed, with the proof that no scheme carries fewer coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from opcompiler.ir.algebra import Algebra, Seed
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.cost import NO_COST, Cost
from opcompiler.ir.directing import Directing
from opcompiler.ir.display import rendered
from opcompiler.ir.network import DEFAULT_PROFILE, NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.sampling import Sampling
from opcompiler.ir.schedule import Schedule
from opcompiler.ir.scheme import Scheme
from opcompiler.ir.strategy import Alternative
from opcompiler.ir.surd import Number
from opcompiler.ir.variance import VarianceFormula

__all__ = ["Certificate", "Compression", "Cost", "Gradient", "Plan", "Propagation", "Readout", "ReadoutPart"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The proven lower bound on carried coefficients, and what the plan carries.

    Attributes:
        minimum: fewest coefficients of any scheme that evaluates u once over finite-dimensional commutative algebras
            and reads the result off linearly (docs/mathematics.md, theorem 1), within `scope`.
        carried: coefficients that this plan carries, the primal included.
        by_order: Hilbert function of the minimal algebra; sums to `minimum`.
        scope: "any u"; "u = g(Wx+b)" or "u = g(Wx+b, |x|²)" when the bound uses the affine bottleneck of a given
            network; with the addition that directions given at call count as independent coordinates, if there are any.
        hankel_rank: rank of the Hankel matrix modulo `prime`, computed independently of the basis; None where the
            matrix is too large to be formed.
        prime: that prime.
    """

    minimum: int
    carried: int
    by_order: tuple[int, ...]
    scope: str = "any u"
    hankel_rank: int | None = None
    prime: int | None = None


@dataclass(frozen=True, slots=True)
class ReadoutPart:
    """coefficient × one element, added into a readout.

    Attributes:
        element: number of the element in the algebra.
        coefficient: exact factor.
        positions: None for a scalar readout (a family is summed over its directions); else
            (first direction, first flat position, length) runs that say where the directions go in the flattened
            free axes; a single element has the run (0, position, 1). A scalar readout may have the flat position 0.
        weights: factors of the directions of a family: it is first contracted with them to a single element.
    """

    element: int
    coefficient: Coefficient
    positions: tuple[tuple[int, int, int], ...] | None = None
    weights: tuple[Number, ...] | None = None


@dataclass(frozen=True, slots=True)
class Readout:
    """The value of one contraction: the sum of its parts, of shape `shape` (one axis per free index)."""

    contraction: int
    parts: tuple[ReadoutPart, ...]
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Gradient:
    """The gradient over the coordinates of one space of what `readout` reads, by a reverse sweep (∇Δu from Δu).

    Attributes:
        space: its coordinates are the last free axis of the contraction.
        readout: names the contraction; its shape and parts are those of the value before that axis.
    """

    space: str
    readout: Readout


@dataclass(frozen=True, slots=True)
class Compression:
    """Directions of an invariant axis are recombined at the affine bottleneck of a network to `width` of them.

    With `radial` the network also uses |x|², whose two directions are among them.
    """

    axis: int
    width: int
    radial: bool = False


@dataclass(frozen=True, slots=True)
class Propagation:
    """One evaluation of one or several fields over an algebra.

    Attributes:
        fields: names of the fields that are read out.
        algebra: what is carried.
        seeds: coefficients of the coordinate functions; all others are zero.
        readouts: one per contraction of these fields.
        compressions: axes to be recombined.
        strategy: name of the construction, for reports.
        gradients: contractions that are gradients of something read out, one reverse sweep per entry of the field.
    """

    fields: tuple[str, ...]
    algebra: Algebra
    seeds: tuple[Seed, ...]
    readouts: tuple[Readout, ...]
    compressions: tuple[Compression, ...] = ()
    strategy: str = "minimal algebra"
    gradients: tuple[Gradient, ...] = ()

    @property
    def all_readouts(self) -> tuple[Readout, ...]:
        """What is read off the algebra, gradients being those of the last of them."""
        return (*self.readouts, *(gradient.readout for gradient in self.gradients))

    @property
    def carried(self) -> int:
        """Coefficients per value after compression, the primal included."""
        saved = 0
        for compression in self.compressions:
            families = sum(e.axis == compression.axis for e in self.algebra.elements)
            saved += families * (self.algebra.axes[compression.axis].size - compression.width)
        return self.algebra.dim - saved


@dataclass(frozen=True, slots=True)
class Plan:
    """Propagations, readouts, head, cost and certificate; immutable, hashable, JSON round trip.

    Attributes:
        normal_form: what is computed.
        scheme: what was asked for.
        joint: the propagation of all fields at once, used when u is one callable.
        separate: one propagation per field, used when u is a mapping of callables.
        certificate: for `joint`.
        field_certificates: (field, certificate) for `separate`.
        profile: the network it was made for.
        cost: estimate for `joint` on `profile`.
        alternatives: every strategy that was weighed for `joint`, the chosen one first.
        device: kind of device whose rates made the choice.
        schedule: the steps of one call; None while the points are unknown.
        sampling: the random normal form that the propagations compute, when the scheme is stochastic and something is
            drawn.
        directing: the normal form along directions given at call that the propagations compute, when that is cheaper.
    """

    normal_form: NormalForm
    scheme: Scheme
    joint: Propagation
    separate: tuple[Propagation, ...]
    certificate: Certificate
    field_certificates: tuple[tuple[str, Certificate], ...]
    profile: NetworkProfile = DEFAULT_PROFILE
    cost: Cost = NO_COST
    alternatives: tuple[Alternative, ...] = ()
    device: str = "cpu"
    schedule: Schedule | None = None
    sampling: Sampling | None = None
    directing: Directing | None = None

    @property
    def propagated(self) -> NormalForm:
        """The normal form that the propagations compute: that of `sampling` or `directing`, else `normal_form`."""
        if self.sampling is not None:
            return self.sampling.normal_form
        return self.normal_form if self.directing is None else self.directing.normal_form

    @property
    def variance(self) -> tuple[VarianceFormula, ...]:
        """Formulas of the variance of what is estimated; () when everything is exact."""
        return () if self.sampling is None else self.sampling.variance

    @property
    def certificates(self) -> Mapping[str, Certificate]:
        """Certificate of each field's own propagation."""
        return MappingProxyType(dict(self.field_certificates))

    def to_json(self) -> str:
        """Return the plan as JSON; `Plan.from_json` gives an equal plan back."""
        from opcompiler.ir.serialization import dump_plan

        return dump_plan(self)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Return the plan that `to_json` wrote.

        Raises:
            opcompiler.errors.UnsupportedError: the JSON has another schema version.
            opcompiler.errors.OperatorSyntaxError: the text is no plan.
        """
        from opcompiler.ir.serialization import load_plan

        return load_plan(text)

    def __str__(self) -> str:
        """Return a readable table."""
        from opcompiler.ir.plan_table import plan_table

        return plan_table(self)

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows."""
        return rendered(self, "html")

    def _repr_latex_(self) -> str | None:
        """Return what a notebook shows where it prefers formulas."""
        return rendered(self, "latex")
