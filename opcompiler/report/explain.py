"""The report on a plan in every format."""

from __future__ import annotations

from collections.abc import Sequence

from opcompiler.ir.plan import Plan
from opcompiler.report.html import story_fragment, story_page
from opcompiler.report.latex import normal_form_latex, story_latex
from opcompiler.report.sections import story
from opcompiler.report.text import story_text
from opcompiler.report.typeset import Typesetter

__all__ = ["explain_html", "explain_latex", "explain_text", "notebook_html", "notebook_latex"]


def explain_text(plan: Plan, texts: Sequence[str] = ()) -> str:
    """Return the whole story as plain text.

    Args:
        plan: the plan to explain.
        texts: the operator as the user wrote it, one text per entry; left out of the story when not given.
    """
    return story_text(story(plan, texts))


def explain_html(plan: Plan, texts: Sequence[str] = ()) -> str:
    """Return the whole story as one self-contained HTML page; see `explain_text`."""
    return story_page(story(plan, texts), _typesetter(plan), _heading(plan, texts))


def explain_latex(plan: Plan, texts: Sequence[str] = ()) -> str:
    """Return the whole story as LaTeX to be included in a paper; it needs amsmath and amssymb."""
    return story_latex(story(plan, texts), _typesetter(plan))


def notebook_html(plan: Plan) -> str:
    """Return the story as a fragment of HTML for a notebook."""
    return story_fragment(story(plan), _typesetter(plan))


def notebook_latex(plan: Plan) -> str:
    """Return the normal form and the minimum as one displayed formula."""
    return normal_form_latex(plan, _typesetter(plan))


def _typesetter(plan: Plan) -> Typesetter:
    return Typesetter(plan.propagated.declarations)


def _heading(plan: Plan, texts: Sequence[str]) -> str:
    return "; ".join(texts) or "; ".join(plan.normal_form.written) or "Plan"
