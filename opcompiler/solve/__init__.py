"""Physics-informed networks for equations written as text: problems as data, networks, losses, a resumable trainer.

Provisional, and an extra: `pip install "opcompiler[solve]"`. Names load when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opcompiler.solve.checkpoint import CheckpointError
    from opcompiler.solve.domains import Ball, Box, Shell
    from opcompiler.solve.judging import Judgement
    from opcompiler.solve.loss import Loss, loss_of
    from opcompiler.solve.networks import MLP, ModifiedMLP, network
    from opcompiler.solve.problems import PROBLEMS, equation, generated_source, problem
    from opcompiler.solve.statement import Condition, Problem, Reference
    from opcompiler.solve.trainer import DivergenceError, Result, Settings, train

__all__ = [
    "MLP",
    "PROBLEMS",
    "Ball",
    "Box",
    "CheckpointError",
    "Condition",
    "DivergenceError",
    "Judgement",
    "Loss",
    "ModifiedMLP",
    "Problem",
    "Reference",
    "Result",
    "Settings",
    "Shell",
    "equation",
    "generated_source",
    "loss_of",
    "network",
    "problem",
    "train",
]

_HOMES = {
    "CheckpointError": "checkpoint",
    **dict.fromkeys(("Ball", "Box", "Shell"), "domains"),
    "Judgement": "judging",
    **dict.fromkeys(("Loss", "loss_of"), "loss"),
    **dict.fromkeys(("MLP", "ModifiedMLP", "network"), "networks"),
    **dict.fromkeys(("PROBLEMS", "equation", "generated_source", "problem"), "problems"),
    **dict.fromkeys(("DivergenceError", "Result", "Settings", "train"), "trainer"),
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it; the classes that describe problems by default."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'statement')}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
