"""The progress bar: step, time left, loss and errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from opcompiler.solve.extras import load
from opcompiler.solve.judging import Judgement

__all__ = ["Progress", "progress_bar"]


class Progress(Protocol):
    """What a trainer tells while it runs."""

    def __call__(self, step: int, loss: float, judgement: Judgement) -> None:
        """Say that `step` steps are done."""
        ...


@contextmanager
def progress_bar(name: str, steps: int, done: int, shown: bool | None = None) -> Iterator[Progress]:
    """Give a function that moves a bar on standard error.

    Args:
        name: in front of the bar.
        steps: number of all steps.
        done: steps of an earlier run that is resumed.
        shown: by default only on a terminal.
    """
    hidden = (not sys.stderr.isatty()) if shown is None else not shown
    with load("tqdm").tqdm(total=steps, initial=done, desc=name, disable=hidden, unit="step", leave=True) as bar:

        def tell(step: int, loss: float, judgement: Judgement) -> None:
            known = {"L1": judgement.relative_l1, "L2": judgement.relative_l2, "reference": judgement.reference}
            told = {label: f"{value:.2e}" for label, value in known.items() if value is not None}
            bar.set_postfix({"loss": f"{loss:.2e}", **told}, refresh=False)
            bar.update(step - bar.n)

        yield tell
