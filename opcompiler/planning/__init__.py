"""From a normal form to a plan with a certificate: minimal algebras in exact arithmetic. Loads neither jax nor sympy."""

from opcompiler.planning.planner import plan as plan

__all__ = ["plan"]
