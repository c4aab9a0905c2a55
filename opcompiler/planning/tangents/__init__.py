"""Univariate jets: symbols as signed sums of few powers of linear forms (Waring decompositions)."""

from opcompiler.planning.tangents.conditioning import amplification as amplification
from opcompiler.planning.tangents.layered import joint_tangents as joint_tangents
from opcompiler.planning.tangents.waring import decompose as decompose

__all__ = ["amplification", "decompose", "joint_tangents"]
