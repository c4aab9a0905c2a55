"""Plans told in words and formulas: what was read, what is propagated, what is proved, what it costs."""

from opcompiler.report.explain import explain_text
from opcompiler.report.heads import head_text, output_text
from opcompiler.report.symbols import coefficient_text, contraction_text, symbol_text

__all__ = ["coefficient_text", "contraction_text", "explain_text", "head_text", "output_text", "symbol_text"]
