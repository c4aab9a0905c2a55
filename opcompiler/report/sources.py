"""Where the constructions come from: one line per strategy that a report names."""

from __future__ import annotations

from opcompiler.ir.plan import Plan
from opcompiler.report.story import Inline, Prose

__all__ = ["sources_of"]

_SOURCES = {
    "minimal algebra": "docs/mathematics.md; Weil algebras from Macaulay's inverse systems (Iarrobino & Kanev 1999)",
    "univariate jets": "Griewank, Utke & Walther 2000",
    "collapsed jets": "Dangel, Siebert, Zeinhofer & Walther 2025",
    "one multi-slot jet": "Shi, Hu, Lin & Kawaguchi 2024",
    "nested differentiation": "Griewank & Walther 2008",
    "reverse over forward": "Griewank & Walther 2008, section 3.3",
    "run-time directions": "docs/mathematics.md, section 5",
}


def sources_of(plan: Plan) -> tuple[tuple[str, Inline], ...]:
    """Return the source of every strategy that was weighed and has one."""
    named = dict.fromkeys([plan.joint.strategy, *(alternative.strategy for alternative in plan.alternatives)])
    return tuple((name, Prose(_SOURCES[name])) for name in named if name in _SOURCES)
