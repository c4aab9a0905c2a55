"""Any JAX function over any truncated algebra: exact derivatives of any order in one forward pass.

    evaluate(function, (jets, …), algebra)      u(x + ν) instead of u(x): every coefficient w(∂)u at once
    jet(function, primals, series)              derivatives along curves: one direction, several, or collapsed
    forward_laplacian(function)(*arguments)     value, Jacobian and Laplacian
    laplacian(function)(*arguments)             the Laplacian alone

Normalisation: coefficient k of a jet is w_k(∂)f for the basis element w_k of `opcompiler.ir.algebra.Algebra`, without
hidden factorials. Knows nothing of operators or plans.
"""

from opcompiler.taylor.bottleneck import width_of
from opcompiler.taylor.curves import jet
from opcompiler.taylor.evaluate import evaluate
from opcompiler.taylor.extension import deregister_rule, register_rule
from opcompiler.taylor.fallback import TaylorFallbackWarning
from opcompiler.taylor.jet import Jet, OneHot, Scattered, variable
from opcompiler.taylor.laplacian import Laplacian, forward_laplacian, laplacian
from opcompiler.taylor.pull_back import Recombination, pulled_back

__all__ = [
    "Jet",
    "Laplacian",
    "OneHot",
    "Recombination",
    "Scattered",
    "TaylorFallbackWarning",
    "deregister_rule",
    "evaluate",
    "forward_laplacian",
    "jet",
    "laplacian",
    "pulled_back",
    "register_rule",
    "variable",
    "width_of",
]
