"""Every way to compute a normal form that was weighed, with its price and the reason why it is (not) chosen."""

from __future__ import annotations

from dataclasses import replace

from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.strategy import Alternative
from opcompiler.planning.strategies import STRATEGIES, Weighed, weigh

__all__ = ["alternatives", "told"]


def alternatives(normal_form: NormalForm) -> tuple[Alternative, ...]:
    """Return the strategies that can compute a normal form, the minimal algebra first, as the chosen one."""
    fields = tuple(field.name for field in normal_form.declarations.fields)
    weighed = weigh(normal_form, fields)
    return told(weighed, weighed.candidates[0].strategy)


def told(weighed: Weighed, strategy: str) -> tuple[Alternative, ...]:
    """Return what was weighed, the chosen strategy first, the others in the order of `STRATEGIES`."""
    chosen = [
        replace(candidate.alternative, chosen=True)
        for candidate in weighed.candidates
        if candidate.strategy == strategy
    ]
    others = [candidate.alternative for candidate in weighed.candidates if candidate.strategy != strategy]
    ranked = sorted([*others, *weighed.refused], key=lambda alternative: STRATEGIES.index(alternative.strategy))
    return (*chosen, *ranked)
