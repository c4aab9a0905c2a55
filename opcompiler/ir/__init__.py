"""The data between the stages: frozen dataclasses, without jax, sympy or lark."""
