"""What the planner may know of a user's network: sizes, never the network."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_PROFILE", "AffineBottleneck", "NetworkProfile"]


@dataclass(frozen=True, slots=True)
class AffineBottleneck:
    """u depends on the coordinates of `space` only through a linear map with `width` outputs: u = g(Wx + b).

    `width` is the number of rows of W: the rank of W is at most that, and equal to it for almost every W. With `radial`
    u also depends on |x|²: u = g(Wx + b, |x|²).
    """

    space: str
    width: int
    radial: bool = False


@dataclass(frozen=True, slots=True)
class NetworkProfile:
    """Work of one evaluation of u at one point, read off its jaxpr.

    Attributes:
        linear_flops: floating-point operations in layers linear in the point's values, first layer included.
        elementwise_outputs: number of outputs of non-linear elementwise operations.
        first_layer_flops: the part of `linear_flops` that acts on coordinates directly.
        bottlenecks: affine bottlenecks of single spaces.
        description: e.g. "traced" or "default: tanh MLP 4×128".
        bilinear_flops: floating-point operations in contractions of two values that both depend on the point.
        addition_outputs: outputs of additions of two such values and of multiplications with constants.
        coordinate_outputs: outputs of elementwise operations on coordinates one by one, such as x²: every one of
            them depends on one coordinate, so that it has one derivative of each order.
        widest: entries of the widest intermediate that depends on the whole point.
        stored: entries of all intermediates that a non-linear operation takes: what a gradient has to remember.
        operations: number of array operations.
    """

    linear_flops: int
    elementwise_outputs: int
    first_layer_flops: int = 0
    bottlenecks: tuple[AffineBottleneck, ...] = ()
    description: str = "traced"
    bilinear_flops: int = 0
    addition_outputs: int = 0
    coordinate_outputs: int = 0
    widest: int = 0
    stored: int = 0
    operations: int = 0


DEFAULT_PROFILE = NetworkProfile(
    linear_flops=2 * (3 * 128 * 128 + 128),
    elementwise_outputs=4 * 128,
    description="default: tanh MLP 4×128",
    widest=128,
    stored=4 * 128,
    operations=14,
)
"""Assumed when no network is given; the first layer depends on the operator's dimension and is not counted."""
