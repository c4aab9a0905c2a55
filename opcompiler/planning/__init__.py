"""From a normal form to a plan with its certificate: minimal algebras in exact arithmetic, without jax or sympy."""

from opcompiler.planning.planner import plan as plan

__all__ = ["plan"]
