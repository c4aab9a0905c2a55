"""Loads the grammar and turns terminals into a syntax tree; the only module that knows Lark."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opcompiler.errors import LimitError, OperatorSyntaxError, Span
from opcompiler.language import syntax
from opcompiler.language.characters import PlainText
from opcompiler.language.limits import MAX_NESTING
from opcompiler.language.tokens import Lexeme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lark import Lark

__all__ = ["build_tree", "grammar_folder"]

_MAX_DEPTH = MAX_NESTING + 16
"""Nesting of the syntax tree, where exponents and postfixes count as well as brackets."""

_EXPECTED = {
    "NUMBER": "a number",
    "NAME": "a name",
    "LPAR": "an operand",
    "SIGN": "+ or -",
    "CONNECTOR": "an operator sign",
    "CARET": "a power",
    "RPAR": "')'",
    "RSQ": "']'",
    "RBRACE": "'}'",
    "RBAR": "'|'",
    "RNORM": "'‖'",
    "COMMA": "','",
    "DENOMINATOR": "a denominator /∂x",
    "EQUALS": "'='",
    "$END": "the end",
}
_SAID_BY_OPERAND = {"NUMBER", "NAME"}


def grammar_folder() -> Path:
    """Return the folder of the grammar: inside the installed package, else beside the package in a checkout."""
    packaged = Path(__file__).parent.parent / "_grammar"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent.parent / "grammar"


def build_tree(tokens: list[Lexeme], plain: PlainText) -> syntax.Syntax:
    """Return the syntax tree of the terminals.

    Raises:
        OperatorSyntaxError: a terminal stands where none of its kind may stand.
        LimitError: the tree is nested too deeply.
    """
    from lark.exceptions import UnexpectedToken, VisitError

    try:
        return _parser().parse(tokens)  # type: ignore[arg-type, return-value]
    except VisitError as error:
        if isinstance(error.orig_exc, _TooDeep):
            raise _too_deep(plain, error.orig_exc.span) from None
        raise
    except _TooDeep as error:
        raise _too_deep(plain, error.span) from None
    except UnexpectedToken as error:
        raise _unexpected(tokens, error.token, error.expected, plain) from None


class _TooDeep(Exception):
    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span


def _too_deep(plain: PlainText, span: Span) -> LimitError:
    return LimitError(f"the expression is nested more than {_MAX_DEPTH} deep", source=plain.source, span=span)


def _unexpected(tokens: list[Lexeme], token: Any, expected: Iterable[str], plain: PlainText) -> OperatorSyntaxError:
    wanted = set(expected)
    phrases = sorted({_EXPECTED[name] for name in wanted if name in _EXPECTED and not wanted.issuperset({"NAME"})})
    if "NAME" in wanted:
        phrases = ["an operand"]
    expectation = f"expected {' or '.join(phrases)}" if phrases else None
    if not isinstance(token, Lexeme):
        end = len(plain.source.rstrip())
        span = Span(end, end + 1)
        what = "the text ends here"
        if tokens and tokens[-1].type in {"SIGN", "CONNECTOR", "CARET", "EQUALS"}:
            span, what = tokens[-1].span, "an operand is missing after this sign"
        return OperatorSyntaxError(what, source=plain.source, span=span, hint=expectation)
    written = plain.source[token.span.start : token.span.stop]
    hints = {
        "COMMA": "give several equations as a list of strings",
        "EQUALS": "an equation has one '='",
    }
    hint = hints.get(token.type) if wanted & {"$END"} or token.type == "EQUALS" else None
    return OperatorSyntaxError(
        f"{written!r} cannot stand here", source=plain.source, span=token.span, hint=hint or expectation
    )


@lru_cache(maxsize=1)
def _parser() -> Lark:
    from lark import Lark
    from lark.lexer import Lexer

    class _Ready(Lexer):
        """The terminals are made already."""

        def __init__(self, lexer_conf: object) -> None:
            del lexer_conf

        def lex(self, data: Iterable[Lexeme]) -> Iterator[Lexeme]:  # type: ignore[override]
            return iter(data)

    return Lark(
        (grammar_folder() / "operator.lark").read_text(encoding="utf-8"),
        import_paths=[str(grammar_folder())],
        parser="lalr",
        strict=True,
        lexer=_Ready,
        transformer=_transformer(),
    )


def _transformer() -> Any:
    from lark import Transformer

    def callback(build: Callable[[Span, list[Any]], syntax.Syntax]) -> Callable[[object, list[Any]], syntax.Syntax]:
        def called(_: object, children: list[Any]) -> syntax.Syntax:
            span = children[0].span | children[-1].span
            node = build(span, children)
            if node.depth > _MAX_DEPTH:
                raise _TooDeep(span)
            return node

        return called

    methods = {name: callback(build) for name, build in _BUILDERS.items()}
    return type("TreeBuilder", (Transformer,), methods)()


def _depth(children: Iterable[Any]) -> int:
    return max((getattr(child, "depth", 0) for child in children), default=0)


def _nodes(children: list[Any]) -> tuple[Any, ...]:
    return tuple(child for child in children if not isinstance(child, Lexeme))


def _minus(signs: Iterable[Any]) -> int:
    return sum(sign.payload == "-" for sign in signs)


def _terms(span: Span, children: list[Any]) -> syntax.Syntax:
    pairs: list[tuple[int, Any]] = []
    negations = 0
    for child in children:
        if isinstance(child, Lexeme):
            negations = _minus([child])
        else:
            own, term = child.terms[0]
            pairs.append((negations + own, term))
            negations = 0
    if len(pairs) == 1 and pairs[0][0] == 0:
        return pairs[0][1]
    return syntax.Terms(tuple(pairs), span=span, depth=_depth(term for _, term in pairs))


def _term(span: Span, children: list[Any]) -> syntax.Syntax:
    return syntax.Terms(((_minus(children[:-1]), children[-1]),), span=span, depth=children[-1].depth)


def _chain(span: Span, children: list[Any]) -> syntax.Syntax:
    links: list[syntax.Link] = []
    connector, negations = "", 0
    for child in children:
        if isinstance(child, Lexeme):
            if child.type == "CONNECTOR":
                connector = str(child.payload)
            else:
                negations += _minus([child])
        else:
            links.append(syntax.Link(connector, negations, child, span=child.span))
            connector, negations = "", 0
    if len(links) == 1:
        return links[0].factor
    return syntax.Chain(tuple(links), span=span, depth=_depth(children))


def _exponent(span: Span, children: list[Any]) -> syntax.Syntax:
    nodes = _nodes(children)
    signs = [child for child in children if isinstance(child, Lexeme) and child.type == "SIGN"]
    value = nodes[0]
    if len(nodes) == 2:
        value = syntax.Raised(value, nodes[1], span=span, depth=1 + _depth(nodes))
    if signs:
        return syntax.Terms(((_minus(signs), value),), span=span, depth=_depth(nodes))
    return value


def _leibniz(span: Span, children: list[Any]) -> syntax.Syntax:
    numerator = children[1] if len(children) == 3 else None
    return syntax.Leibniz(
        children[0].payload,
        numerator,
        children[-1].payload,
        children[0].span,
        children[-1].span,
        span=span,
        depth=1 + _depth(children),
    )


_BUILDERS: dict[str, Callable[[Span, list[Any]], syntax.Syntax]] = {
    "expression": lambda span, children: children[0],
    "equation": lambda span, children: syntax.Equation(children[0], children[2], span=span, depth=_depth(children)),
    "sum": _terms,
    "term": _term,
    "chain": _chain,
    "power": lambda span, children: syntax.Raised(children[0], children[2], span=span, depth=1 + _depth(children)),
    "exponent": _exponent,
    "group": lambda span, children: syntax.Group(_nodes(children), span=span, depth=1 + _depth(children)),
    "bars": lambda span, children: syntax.Bars(
        children[1], children[4] if len(children) > 3 else None, span=span, depth=1 + _depth(children)
    ),
    "subscripted": lambda span, children: syntax.Subscripted(
        children[0], children[1].payload, span=span, depth=1 + _depth(children)
    ),
    "primed": lambda span, children: syntax.Primed(
        children[0], children[1].payload, span=span, depth=1 + _depth(children)
    ),
    "accented": lambda span, children: syntax.Accented(
        children[0], children[1].payload, span=span, depth=1 + _depth(children)
    ),
    "transposed": lambda span, children: syntax.Transposed(children[0], span=span, depth=1 + _depth(children)),
    "number": lambda span, children: syntax.Literal(children[0].payload, span=span),
    "name": lambda span, children: syntax.Name(children[0].payload, span=span),
    "operator": lambda span, children: syntax.OperatorNode(children[0].payload, span=span),
    "function": lambda span, children: syntax.Function(children[0].payload, span=span),
    "summation": lambda span, children: syntax.Summation(children[0].payload, span=span),
    "call": lambda span, children: syntax.Call(
        children[0].payload, _nodes(children[1:]), span=span, depth=1 + _depth(children)
    ),
    "leibniz": _leibniz,
}
