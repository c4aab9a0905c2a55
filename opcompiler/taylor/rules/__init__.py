"""The rule book: one short function per primitive, by family; importing a chapter registers its rules."""

from opcompiler.taylor.rules import (
    bilinear,
    control_flow,
    elementwise,
    expanded,
    indexing,
    linalg,
    linear,
    piecewise,
    powers,
    reductions,
    special,
    spectra,
    structural,
)

__all__ = [
    "bilinear",
    "control_flow",
    "elementwise",
    "expanded",
    "indexing",
    "linalg",
    "linear",
    "piecewise",
    "powers",
    "reductions",
    "special",
    "spectra",
    "structural",
]
