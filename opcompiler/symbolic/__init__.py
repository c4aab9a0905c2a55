"""Resolved expressions to normal forms: the definitions of the vocabulary, product and chain rule, lumping."""

from opcompiler.symbolic.reduction import reduce

__all__ = ["reduce"]
