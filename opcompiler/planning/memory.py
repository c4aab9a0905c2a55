"""Predicted memory of a propagation: how many numbers live at once, and in what steps they fit a budget."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from opcompiler.ir.directing import Directing
from opcompiler.ir.head import CoordinateValue, FunctionValue
from opcompiler.ir.kinds import instances
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.plan import Propagation
from opcompiler.planning.cost import carried

__all__ = ["bytes_per_point", "bytes_shared", "entries_of_directions"]

_LIVE = 3
"""Copies of the widest layer's coefficients at once: what a nonlinearity takes, its powers, what it gives."""

_COPIES = 2
"""Of directions given at call: as they are computed, and as seeds of the first layer."""

_REMEMBERED = 2
"""Numbers that a gradient remembers for every coefficient that enters a nonlinearity."""


def bytes_per_point(
    propagation: Propagation,
    profile: NetworkProfile,
    itemsize: int,
    *,
    gradient: bool = False,
    narrowed: tuple[int, int] | None = None,
) -> int:
    """Return the predicted bytes of one point.

    Args:
        propagation: what is carried.
        profile: the network.
        itemsize: bytes of a number.
        gradient: whether the evaluation is differentiated in reverse, as it is by a propagation with gradients.
        narrowed: (axis, directions) of an axis whose directions are taken in blocks.
    """
    coefficients = carried(propagation, narrowed)
    numbers = _LIVE * coefficients * profile.widest
    numbers += _LIVE * len(propagation.algebra.elements) * profile.coordinate_outputs
    if gradient or propagation.gradients:
        numbers += _REMEMBERED * coefficients * profile.stored
    return itemsize * numbers


def bytes_shared(
    propagations: Sequence[Propagation], profile: NetworkProfile, itemsize: int, batch: int, outputs: int
) -> int:
    """Return the predicted bytes that do not depend on how many points are evaluated at once.

    These are the values of the contractions and of the result for all points, and the columns of the first layer that
    stand for the directions of families.

    Args:
        propagations: all that the call evaluates.
        profile: the network.
        itemsize: bytes of a number.
        batch: points of the call.
        outputs: numbers in the result of one point.
    """
    values = outputs + sum(prod(readout.shape) for p in propagations for readout in p.readouts)
    columns = profile.first_layer_flops // 2 if any(p.algebra.axes for p in propagations) else 0
    return itemsize * (batch * values + columns)


def entries_of_directions(directing: Directing | None) -> tuple[int, int]:
    """Return how many numbers directions given at call are: those of one point, and those that all points share."""
    per_point = shared = 0
    if directing is not None:
        dims = {space.name: space.dim for space in directing.normal_form.declarations.spaces}
        for own in directing.spaces:
            entries = own.directions * dims[own.of]
            if any(isinstance(part, FunctionValue | CoordinateValue) for part in instances(own.rows)):
                per_point += entries
            else:
                shared += entries
    return _COPIES * per_point, _COPIES * shared
