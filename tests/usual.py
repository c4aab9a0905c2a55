"""Programs compiled with the optimisations that users get, where the other tests do without (see conftest.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

QUICK = {
    "xla_backend_optimization_level": "0",
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""A third to a half of the time of XLA's usual compilation on the CPU; the passes over HLO are the usual ones."""

USUAL = {
    "xla_backend_optimization_level": "3",
    "xla_llvm_disable_expensive_passes": False,
    "xla_cpu_parallel_codegen_split_count": 32,
}
"""XLA's own values of the same options."""

if jax.__version_info__ < (0, 11):
    QUICK["xla_cpu_use_fusion_emitters"] = False
    USUAL["xla_cpu_use_fusion_emitters"] = True


def compiled(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the program for arguments of these shapes, which counts its own work and memory."""
    return jax.jit(function, compiler_options=USUAL).lower(*arguments).compile()


def flops(function: Callable[..., Any], *arguments: Any) -> float:
    """Return the floating-point operations of a program as XLA counts them."""
    return compiled(function, *arguments).cost_analysis()["flops"]
