"""Pull-back through an affine bottleneck: u = g(Wx+b) has at most rank(W) essential directions in x.

For an axis whose directions are all coordinates of x and whose families are only ever contracted with each other
(`Axis.invariant`), any J with JJᵀ = WWᵀ may replace W behind the first layer: width(W) directions are enough.
"""

from __future__ import annotations

from dataclasses import replace

from opcompiler.ir.algebra import Axis
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.plan import Certificate, Compression, Propagation

__all__ = ["compressed"]


def compressed(
    propagation: Propagation, certificate: Certificate, profile: NetworkProfile, declarations: Declarations
) -> tuple[Propagation, Certificate]:
    """Recombine every axis that a bottleneck of the network narrows; the certificate's scope becomes that network."""
    width_of = {bottleneck.space: bottleneck.width for bottleneck in profile.bottlenecks}
    compressions = tuple(
        Compression(number, width_of[space])
        for number, axis in enumerate(propagation.algebra.axes)
        if (space := _whole_space(axis, declarations)) in width_of and width_of[space] < axis.size
    )
    if not compressions or certificate.carried != certificate.minimum:
        return propagation, certificate
    width = {compression.axis: compression.width for compression in compressions}
    by_order = list(certificate.by_order)
    for element in propagation.algebra.elements:
        if element.axis in width:
            by_order[element.degree] -= propagation.algebra.axes[element.axis].size - width[element.axis]
    narrow = replace(propagation, compressions=compressions)
    return narrow, Certificate(
        minimum=sum(by_order), carried=narrow.carried, by_order=tuple(by_order), scope="u = g(Wx+b)"
    )


def _whole_space(axis: Axis, declarations: Declarations) -> str | None:
    """Return the space whose coordinates are exactly the directions of an invariant axis."""
    if not axis.invariant or axis.matrix is not None or len(axis.ranges) != 1:
        return None
    (part,) = axis.ranges
    return part.space if part.start == 0 and part.stop == declarations.space(part.space).dim else None
