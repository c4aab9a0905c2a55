"""What can go wrong, said with the place, the expectation and the fix.

Every error of the package is an `OpCompilerError` and also the builtin exception a caller would catch. `kind`
says in one word what went wrong, `span` where in the text (0-based, half open, counted in characters), `hint` how
to mend it. The message shows the offending line with carets under the span.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = [
    "ArgumentTypeError",
    "DerivativeOrderError",
    "LimitError",
    "MissingExtraError",
    "OpCompilerError",
    "OperatorNameError",
    "OperatorSyntaxError",
    "RankError",
    "ShapeError",
    "Span",
    "UnsupportedError",
    "UnsupportedPrimitiveError",
]

Kind = Literal["syntax", "name", "order", "rank", "limit", "unsupported"]

_WINDOW = 100
"""Longest piece of a source line that a message shows; a longer line is cut around the span."""


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open range [start, stop) of characters in the source text."""

    start: int
    stop: int

    def __or__(self, other: Span) -> Span:
        """Return the smallest span that covers both."""
        return Span(min(self.start, other.start), max(self.stop, other.stop))


class OpCompilerError(Exception):
    """Base of every error that opcompiler raises on purpose."""

    kind: ClassVar[Kind]

    def __init__(
        self,
        problem: str,
        *,
        source: str | None = None,
        span: Span | None = None,
        hint: str | None = None,
    ) -> None:
        """Build the message from the problem, the marked source line and the hint."""
        self.problem = problem
        self.source = source
        self.span = span
        self.hint = hint
        super().__init__(_message(problem, source, span, hint))

    def located(self, source: str, span: Span) -> OpCompilerError:
        """Return the same error with a place, unless it already has one."""
        if self.span is not None and self.source is not None:
            return self
        return type(self)(self.problem, source=source, span=self.span or span, hint=self.hint)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling with place and hint."""
        return _rebuild, (type(self), self.problem, self.source, self.span, self.hint)


class OperatorSyntaxError(OpCompilerError, ValueError):
    """The text is not an expression of the language."""

    kind = "syntax"


class OperatorNameError(OpCompilerError, NameError):
    """A name is unknown, declared twice, reserved, missing or used as something it is not."""

    kind = "name"


class DerivativeOrderError(OpCompilerError, ValueError):
    """Orders disagree, or a derivative is fractional, negative or non-local."""

    kind = "order"


class RankError(OpCompilerError, TypeError):
    """Scalars, vectors and matrices do not fit together in the text."""

    kind = "rank"


class ShapeError(OpCompilerError, ValueError):
    """An array given at call does not have the declared shape."""

    kind = "rank"


class ArgumentTypeError(OpCompilerError, TypeError):
    """An argument given at compile or call time is of the wrong type or dtype."""

    kind = "rank"


class LimitError(OpCompilerError, ValueError):
    """The text, the operator or the plan exceeds a named limit."""

    kind = "limit"


class UnsupportedError(OpCompilerError, NotImplementedError):
    """Understood, but this version cannot compute it."""

    kind = "unsupported"


class MissingExtraError(OpCompilerError, ImportError):
    """A package of an optional extra is not installed."""

    kind = "unsupported"


class UnsupportedPrimitiveError(UnsupportedError):
    """A JAX primitive inside the user's function has no derivative."""


def _rebuild(
    cls: type[OpCompilerError], problem: str, source: str | None, span: Span | None, hint: str | None
) -> OpCompilerError:
    return cls(problem, source=source, span=span, hint=hint)


def _message(problem: str, source: str | None, span: Span | None, hint: str | None) -> str:
    lines = [problem]
    if source is not None and span is not None:
        lines += _marked_line(source, span)
    if hint:
        lines.append(f"hint: {hint}")
    return "\n".join(lines)


def _marked_line(source: str, span: Span) -> list[str]:
    start = min(max(span.start, 0), len(source))
    line_start = source.rfind("\n", 0, start) + 1
    line_stop = source.find("\n", start)
    line_stop = len(source) if line_stop < 0 else line_stop
    stop = min(max(span.stop, start + 1), max(line_stop, start + 1))
    first = max(line_start, start - _WINDOW // 2)
    last = min(line_stop, first + _WINDOW)
    before = "…" if first > line_start else ""
    after = "…" if last < line_stop else ""
    shown = "".join(c if c.isprintable() else "�" for c in source[first:last])
    pad = " " * (len(before) + start - first)
    carets = "^" * max(1, min(stop, max(last, start + 1)) - start)
    return [f"  {before}{shown}{after}", f"  {pad}{carets}"]
