"""Pull-back through an affine bottleneck: u = g(Wx+b) has at most rank(W) essential directions in x.

For an axis whose directions are all coordinates of x and whose families are only ever contracted with each other
(`Axis.invariant`), any J with JJᵀ = WWᵀ may replace W behind the first layers: width(W) directions are enough.

For u = g(Wx+b, |x|²) the gradients are W and 2x, one row more at every point. Two are carried for it, of opposite sign
in sums over directions: that is exact for W of any rank, without a square root that may vanish.
"""

from __future__ import annotations

from dataclasses import replace

from opcompiler.ir.algebra import Axis, CoordinateSeed
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.network import AffineBottleneck, NetworkProfile
from opcompiler.ir.plan import Certificate, Compression, Propagation

__all__ = ["compressed"]


def compressed(
    propagation: Propagation, certificate: Certificate, profile: NetworkProfile, declarations: Declarations
) -> tuple[Propagation, Certificate]:
    """Recombine every axis that a bottleneck of the network narrows; the certificate's scope becomes that network."""
    bottleneck_of = {bottleneck.space: bottleneck for bottleneck in profile.bottlenecks}
    compressions = tuple(
        compression
        for number, axis in enumerate(propagation.algebra.axes)
        if (space := _whole_space(axis, declarations)) in bottleneck_of
        and (compression := _compression(number, bottleneck_of[space])).width < axis.size
        and _seeded_along(propagation, number)
        and (not compression.radial or _moved_by_other_spaces(propagation, number, declarations))
    )
    if not compressions or certificate.carried != certificate.minimum:
        return propagation, certificate
    width = {compression.axis: compression.width - compression.radial for compression in compressions}
    by_order = list(certificate.by_order)
    for element in propagation.algebra.elements:
        if element.axis in width:
            by_order[element.degree] -= propagation.algebra.axes[element.axis].size - width[element.axis]
    narrow = replace(propagation, compressions=compressions)
    scope = "u = g(Wx+b, |x|²)" if any(compression.radial for compression in compressions) else "u = g(Wx+b)"
    return narrow, Certificate(minimum=sum(by_order), carried=narrow.carried, by_order=tuple(by_order), scope=scope)


def _compression(axis: int, bottleneck: AffineBottleneck) -> Compression:
    """Return how an axis is narrowed; |x|² takes two directions beside those of the layers."""
    return Compression(axis, bottleneck.width + 2 * bottleneck.radial, bottleneck.radial)


def _seeded_along(propagation: Propagation, axis: int) -> bool:
    """Whether direction r of every family with a seed is a multiple of coordinate r."""
    elements = propagation.algebra.elements
    return not any(
        isinstance(seed, CoordinateSeed) and elements[seed.element].axis == axis for seed in propagation.seeds
    )


def _moved_by_other_spaces(propagation: Propagation, axis: int, declarations: Declarations) -> bool:
    """Whether the directions of |x|² are those of x: single coefficients that multiply a family do not move x.

    In ∂_v ∂_i |x|² = 2v_i a direction v of the space itself would appear. Scalar coordinates are other spaces.
    """
    algebra = propagation.algebra
    family = {n for n, element in enumerate(algebra.elements) if element.axis == axis}
    factors = {n for term in algebra.table if term.out in family for n in (term.left, term.right)} - family
    moved = [seed.space for seed in propagation.seeds if isinstance(seed, CoordinateSeed) and seed.element in factors]
    return all(declarations.space(space).shape == () for space in moved)


def _whole_space(axis: Axis, declarations: Declarations) -> str | None:
    """Return the space whose coordinates are exactly the directions of an invariant axis."""
    if not axis.invariant or axis.matrix is not None or len(axis.ranges) != 1:
        return None
    (part,) = axis.ranges
    return part.space if part.start == 0 and part.stop == declarations.space(part.space).dim else None
