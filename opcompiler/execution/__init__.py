"""Plan + u → value: seeds, engine, readouts, heads; the only stage that sees arrays."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opcompiler.execution.functions import Function
    from opcompiler.execution.network import network_profile
    from opcompiler.execution.operator import CompiledOperator, lower

__all__ = ["CompiledOperator", "Function", "lower", "network_profile"]

_HOMES = {"CompiledOperator": "operator", "Function": "functions", "lower": "operator", "network_profile": "network"}


def __getattr__(name: str) -> Any:
    """Load jax only when something is used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
