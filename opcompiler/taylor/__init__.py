"""Any JAX function over any truncated algebra: exact derivatives of any order in one forward pass."""

from opcompiler.taylor.evaluate import evaluate
from opcompiler.taylor.jet import Jet, OneHot, variable

__all__ = ["Jet", "OneHot", "evaluate", "variable"]
