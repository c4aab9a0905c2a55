"""Plans told in words and formulas: what was read, what is propagated, what is proved, what it costs."""

from opcompiler.report.explain import explain_html, explain_latex, explain_text, notebook_html, notebook_latex
from opcompiler.report.heads import head_text, output_text
from opcompiler.report.symbols import coefficient_text, contraction_text, symbol_text

__all__ = [
    "coefficient_text",
    "contraction_text",
    "explain_html",
    "explain_latex",
    "explain_text",
    "head_text",
    "notebook_html",
    "notebook_latex",
    "output_text",
    "symbol_text",
]
