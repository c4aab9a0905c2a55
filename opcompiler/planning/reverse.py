"""Reverse over forward: ∇P(∂)u as the gradient of P(∂)u, by one reverse sweep over its propagation.

Outside the theorem on minimal algebras: the work of the sweep is a small multiple of the propagation's whatever the
dimension is, but every layer has to be stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opcompiler.ir.declarations import Declarations
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.plan import Certificate, Gradient, Propagation
from opcompiler.planning.minimal_algebra import minimal_algebra

__all__ = ["SWEEP_FACTOR", "reverse_over_forward"]

SWEEP_FACTOR = 4
"""A reverse sweep over a propagation, the propagation included, in multiples of it (Griewank & Walther 2008, 3.3)."""


def reverse_over_forward(
    contractions: Sequence[tuple[int, Contraction]], declarations: Declarations, scalars: tuple[str, ...] = ()
) -> tuple[Propagation, Certificate] | None:
    """Return the propagation that reads ∇P(∂)u as a gradient for every P of order one or more, None without any.

    The certificate is that of the forward part alone.
    """
    plain = [(number, _without_gradient(contraction)) for number, contraction in contractions]
    reversed_ = {
        number: contraction.free[0].space
        for (number, contraction), (_, other) in zip(contractions, plain, strict=True)
        if other is not contraction
    }
    if not reversed_:
        return None
    forward, certificate = minimal_algebra(plain, declarations, scalars)
    gradients = tuple(
        Gradient(reversed_[readout.contraction], readout)
        for readout in forward.readouts
        if readout.contraction in reversed_
    )
    kept = tuple(readout for readout in forward.readouts if readout.contraction not in reversed_)
    return replace(forward, readouts=kept, gradients=gradients, strategy="reverse over forward"), certificate


def _without_gradient(contraction: Contraction) -> Contraction:
    """Return P(∂)u for ∇P(∂)u with P of order one or more, any other contraction itself."""
    if len(contraction.free) == 1 and contraction.free[0].power == 1 and contraction.symbol.order > 0:
        return replace(contraction, free=())
    return contraction
