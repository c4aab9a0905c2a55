"""The built-in pointwise functions of the language: name → number of arguments (None: two or more).

The language reads aliases (ln, arctan, tg …) as these names; `symbolic` differentiates them, `execution` evaluates
them. `heaviside` is 0 below, 1/2 at and 1 above zero.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["BUILTIN_FUNCTIONS"]

BUILTIN_FUNCTIONS: MappingProxyType[str, int | None] = MappingProxyType(
    {
        **dict.fromkeys(("sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan"), 1),
        **dict.fromkeys(("sinh", "cosh", "tanh", "coth", "sech", "csch", "asinh", "acosh", "atanh"), 1),
        **dict.fromkeys(("exp", "log", "log2", "log10", "sqrt", "cbrt", "erf", "erfc"), 1),
        **dict.fromkeys(("abs", "sign", "heaviside", "conj", "re", "im"), 1),
        "atan2": 2,
        "min": None,
        "max": None,
    }
)
