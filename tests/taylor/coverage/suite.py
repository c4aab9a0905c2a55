"""All cases of the suite."""

from taylor.coverage import algebra_of_matrices, arrays, elementwise, networks
from taylor.coverage.cases import CASES, Case

__all__ = ["CASES", "Case", "algebra_of_matrices", "arrays", "elementwise", "networks"]
