"""`parse`: text and declarations → `System`. The one entry to the language stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opcompiler.errors import ArgumentTypeError, LimitError, OperatorSyntaxError, Span
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.expression import Expr, System
from opcompiler.language.characters import normalise
from opcompiler.language.grammar import build_tree
from opcompiler.language.indices import NeedsExpansion
from opcompiler.language.latex import is_latex, read_latex
from opcompiler.language.lexer import tokenise
from opcompiler.language.limits import MAX_EXPANDED_SUM
from opcompiler.language.resolve import resolve
from opcompiler.language.scope import Scope, scope_of

__all__ = ["parse"]


def parse(text: str | Sequence[str] | Mapping[str, str], declarations: Declarations) -> System:
    """Return the resolved expressions of a text.

    Args:
        text: one expression or equation, several as a sequence, or several under keys.
        declarations: what the names mean, from `declare`.

    Returns:
        One expression per entry; `lhs = rhs` is lhs − rhs.

    Raises:
        OperatorSyntaxError: the text is not an expression of the language.
        OperatorNameError: a name is not declared or used as what it is not.
        DerivativeOrderError: derivative orders disagree or are not natural numbers.
        RankError: scalars, vectors and matrices do not fit.
        LimitError: a limit of `opcompiler.language.limits` is exceeded.
    """
    scope = scope_of(declarations)
    if isinstance(text, str):
        return System((_expression(text, scope),), declarations, None, (text,))
    labels: tuple[str, ...] = ()
    if isinstance(text, Mapping):
        labels, texts = tuple(str(key) for key in text), tuple(text.values())
    elif isinstance(text, Sequence):
        texts = tuple(text)
    else:
        raise ArgumentTypeError(
            f"the operator must be text, a sequence or a mapping of texts, got {type(text).__name__}"
        )
    for entry in texts:
        if not isinstance(entry, str):
            raise ArgumentTypeError(f"each operator must be text, got {type(entry).__name__}")
    if not texts:
        raise OperatorSyntaxError("there is no equation", source="", span=Span(0, 1))
    return System(tuple(_expression(entry, scope) for entry in texts), declarations, labels, texts)


def _expression(text: str, scope: Scope) -> Expr:
    plain = read_latex(text, scope) if is_latex(text) else normalise(text)
    try:
        return resolve(build_tree(tokenise(plain, scope), plain), plain, scope)
    except NeedsExpansion as expansion:
        raise LimitError(
            f"a sum of more than {MAX_EXPANDED_SUM} terms {expansion}",
            source=text,
            span=Span(0, len(text)),
            hint='declare coordinates as one space, such as {"x": 100}, and an index that is a number as a parameter',
        ) from None
