"""The words and symbols of the language; the grammar itself knows none of them.

An operator is known inside the language by its `OperatorKind`. Reserved names may not be declared; soft names yield to
a declaration of the same name.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, TypeAlias

from opcompiler.ir.functions import BUILTIN_FUNCTIONS

__all__ = [
    "CONSTANTS",
    "FUNCTION_ALIASES",
    "OPERATOR_ARITY",
    "OPERATOR_SYMBOLS",
    "OPERATOR_WORDS",
    "RESERVED",
    "SUM_WORDS",
    "OperatorKind",
]

OperatorKind: TypeAlias = Literal[
    "laplacian",
    "biharmonic",
    "gradient",
    "gradient_squared",
    "divergence",
    "curl",
    "hessian",
    "dalembertian",
    "trace",
    "determinant",
    "transpose",
    "norm",
    "dot",
    "double_dot",
    "cross",
    "outer",
    "jacobian",
    "diff",
]

OPERATOR_WORDS: MappingProxyType[str, OperatorKind] = MappingProxyType(
    {
        "lap": "laplacian",
        "laplace": "laplacian",
        "laplacian": "laplacian",
        "Laplacian": "laplacian",
        "Delta": "laplacian",
        "biharmonic": "biharmonic",
        "BiLaplace": "biharmonic",
        "bilaplace": "biharmonic",
        "bilaplacian": "biharmonic",
        "grad": "gradient",
        "nabla": "gradient",
        "gradient": "gradient",
        "gradient_squared": "gradient_squared",
        "div": "divergence",
        "divergence": "divergence",
        "curl": "curl",
        "rot": "curl",
        "hess": "hessian",
        "Hess": "hessian",
        "hessian": "hessian",
        "Hessian": "hessian",
        "dalembert": "dalembertian",
        "dalembertian": "dalembertian",
        "box": "dalembertian",
        "Box": "dalembertian",
        "tr": "trace",
        "Tr": "trace",
        "trace": "trace",
        "Trace": "trace",
        "det": "determinant",
        "transpose": "transpose",
        "norm": "norm",
        "dot": "dot",
        "inner": "double_dot",
        "cross": "cross",
        "outer": "outer",
        "J": "jacobian",
        "diff": "diff",
    }
)
"""Words, with brackets or (for operators of one operand) without."""

OPERATOR_SYMBOLS: MappingProxyType[str, OperatorKind] = MappingProxyType(
    {"Δ": "laplacian", "∇": "gradient", "□": "dalembertian"}
)

OPERATOR_ARITY: MappingProxyType[OperatorKind, int] = MappingProxyType(
    {"dot": 2, "double_dot": 2, "cross": 2, "outer": 2, "jacobian": 2}
)
"""Number of arguments where it is not one; `diff` counts its own."""

FUNCTION_ALIASES: MappingProxyType[str, str] = MappingProxyType(
    {
        **{name: name for name in BUILTIN_FUNCTIONS},
        "ln": "log",
        "tg": "tan",
        "ctg": "cot",
        "cotan": "cot",
        "cosec": "csc",
        "arcsin": "asin",
        "arccos": "acos",
        "arctan": "atan",
        "arctg": "atan",
        "arctan2": "atan2",
        "sh": "sinh",
        "ch": "cosh",
        "th": "tanh",
        "arcsinh": "asinh",
        "arccosh": "acosh",
        "arctanh": "atanh",
        "arsinh": "asinh",
        "arcosh": "acosh",
        "artanh": "atanh",
        "sgn": "sign",
        "conjugate": "conj",
        "real": "re",
        "imag": "im",
        "Re": "re",
        "Im": "im",
        "Heaviside": "heaviside",
    }
)
"""Every spelling of a built-in function → its name."""

CONSTANTS: MappingProxyType[str, str] = MappingProxyType({"pi": "pi", "π": "pi", "e": "e"})

SUM_WORDS = ("∑", "sum")

_SOFT = {"J", "Re", "Im", "Tr", "box", "Box", "rot", "inner", "norm", "nabla", "real", "imag", "tg", "sh", "ch", "th"}

RESERVED: frozenset[str] = frozenset((set(OPERATOR_WORDS) | set(FUNCTION_ALIASES)) - _SOFT) | {
    "∂",
    "∑",
    "sum",
    *OPERATOR_SYMBOLS,
}
