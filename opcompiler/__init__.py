"""Write a differential operator as text, get a fast JAX function and a proof that it carries the fewest coefficients.

Every name is loaded when it is first used: `import opcompiler.planning` does not load jax.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opcompiler import taylor
    from opcompiler.api import compile as compile
    from opcompiler.api import estimator, explain, lower, parse, plan, reduce, to_ascii, to_latex, to_sympy, to_unicode
    from opcompiler.errors import (
        ArgumentTypeError,
        DerivativeOrderError,
        LimitError,
        MissingExtraError,
        OpCompilerError,
        OperatorNameError,
        OperatorSyntaxError,
        RankError,
        ShapeError,
        UnsupportedError,
        UnsupportedPrimitiveError,
    )
    from opcompiler.execution.control import Control
    from opcompiler.execution.functions import Function
    from opcompiler.execution.losses import mean_squared, squared
    from opcompiler.execution.operator import CompiledOperator
    from opcompiler.execution.pilot import PilotStudy, pilot
    from opcompiler.execution.replicates import Estimate
    from opcompiler.ir import law as laws
    from opcompiler.ir.declarations import Runtime
    from opcompiler.ir.plan import Plan
    from opcompiler.ir.scheme import Exact, Stochastic

__version__ = "0.1.0"

# `compile` is public but would hide the builtin under a star import.
__all__ = [
    "ArgumentTypeError",
    "CompiledOperator",
    "Control",
    "DerivativeOrderError",
    "Estimate",
    "Exact",
    "Function",
    "LimitError",
    "MissingExtraError",
    "OpCompilerError",
    "OperatorNameError",
    "OperatorSyntaxError",
    "PilotStudy",
    "Plan",
    "RankError",
    "Runtime",
    "ShapeError",
    "Stochastic",
    "UnsupportedError",
    "UnsupportedPrimitiveError",
    "estimator",
    "explain",
    "laws",
    "lower",
    "mean_squared",
    "parse",
    "pilot",
    "plan",
    "reduce",
    "squared",
    "taylor",
    "to_ascii",
    "to_latex",
    "to_sympy",
    "to_unicode",
]

_HOMES = {
    **dict.fromkeys(("compile", "estimator", "explain", "lower", "parse", "plan", "reduce"), "opcompiler.api"),
    **dict.fromkeys(("to_ascii", "to_latex", "to_sympy", "to_unicode"), "opcompiler.api"),
    **dict.fromkeys((name for name in __all__ if name.endswith("Error")), "opcompiler.errors"),
    # Through api, so that plans are known to jax as static whenever there are both.
    "Plan": "opcompiler.api",
    "Exact": "opcompiler.ir.scheme",
    "Stochastic": "opcompiler.ir.scheme",
    "Runtime": "opcompiler.ir.declarations",
    "Estimate": "opcompiler.execution.replicates",
    "Control": "opcompiler.execution.control",
    "Function": "opcompiler.execution.functions",
    **dict.fromkeys(("mean_squared", "squared"), "opcompiler.execution.losses"),
    **dict.fromkeys(("PilotStudy", "pilot"), "opcompiler.execution.pilot"),
    "CompiledOperator": "opcompiler.execution.operator",
}

_MODULES = {"taylor": "opcompiler.taylor", "laws": "opcompiler.ir.law"}


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*__all__, "compile", "__version__"])
