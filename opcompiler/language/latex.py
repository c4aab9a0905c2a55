r"""LaTeX → the plain spelling that the lexer reads: `\frac{\partial^2 u}{\partial x^2}` becomes `[∂^(2) u/∂x^(2)]`.

Only the letters change here; names, products and derivatives are read by the same lexer and grammar as Unicode text,
and every character keeps its place in the source. Grouping becomes square brackets, which are never a call.
"""

from __future__ import annotations

import re

from opcompiler.errors import LimitError, OpCompilerError, OperatorSyntaxError, Span
from opcompiler.language.characters import ACCENT, Cell, PlainText, normalise, plain_text
from opcompiler.language.latex_commands import ACCENTS, FONTS, FRACTIONS, GREEK, SILENT, SPACES, SYMBOLS
from opcompiler.language.limits import MAX_NESTING, MAX_TEXT_LENGTH
from opcompiler.language.scope import Scope
from opcompiler.language.vocabulary import FUNCTION_ALIASES, OPERATOR_WORDS

__all__ = ["is_latex", "read_latex"]

_LETTERS = re.compile(r"[A-Za-z]+\*?")
_LEIBNIZ = re.compile(r"\s*(∂(?!\s*(?:\^\(\d*\))?_)|d(?=[\s^a-zA-Z(\[]|$))")
_MISPRINT = re.compile(r"\s*∂\s*\^")


def is_latex(text: str) -> bool:
    """Whether a text is written in LaTeX: it has a command."""
    return "\\" in text


def read_latex(source: str, scope: Scope) -> PlainText:
    r"""Return the plain spelling of a LaTeX text.

    Args:
        source: the text; a surrounding `$…$`, alignment signs and sizes of brackets are ignored.
        scope: the declared names; `\omega` is ω, or `omega` where only that is declared.

    Raises:
        OperatorSyntaxError: an unknown command, or braces and `\left … \right` that do not match.
        LimitError: the text is too long or nested too deeply.
    """
    if len(source) > MAX_TEXT_LENGTH:
        return normalise(source)
    return _Reader(source, scope).read()


class _Reader:
    """Reads from the left to the right; braces recurse, and their nesting is bounded."""

    def __init__(self, source: str, scope: Scope) -> None:
        self.source = source
        self.scope = scope
        self.place = 0
        self.out: list[Cell] = []
        self.depth = 0
        self.boundary = False
        self.lefts: list[int] = []
        self.declared = "\n".join(scope.entries)

    def error(self, problem: str, start: int, hint: str | None = None) -> OpCompilerError:
        return OperatorSyntaxError(problem, source=self.source, span=Span(start, max(self.place, start + 1)), hint=hint)

    def read(self) -> PlainText:
        self.sequence(None)
        if self.lefts:
            raise OperatorSyntaxError(
                r"this \left has no \right", source=self.source, span=Span(self.lefts[-1], self.lefts[-1] + 5)
            )
        return plain_text(self.source, self.out)

    # --- output ---------------------------------------------------------------------------------------------------

    def emit(self, text: str, start: int) -> None:
        """Append characters that come from the source between `start` and here."""
        for char in text:
            if self.boundary and char.isalnum():
                self.out.append(Cell(" ", start, start + 1))
            if char != " " or not self.boundary:
                self.boundary = False
            self.out.append(Cell(char, start, max(self.place, start + 1)))

    def emit_word(self, word: str, start: int) -> None:
        """Append a word that must not run into its neighbours."""
        if self.out and (self.out[-1].char.isalnum()):
            self.out.append(Cell(" ", start, start + 1))
        self.emit(word, start)
        self.boundary = True

    def strip_spaces(self) -> None:
        while self.out and self.out[-1].char == " ":
            self.out.pop()

    def captured(self, start: int) -> list[Cell]:
        """Read one argument into cells of its own."""
        outer, self.out = self.out, []
        boundary, self.boundary = self.boundary, False
        self.argument(start)
        inner, self.out = self.out, outer
        self.boundary = boundary
        return inner

    def place_cells(self, before: str, cells: list[Cell], after: str, start: int) -> None:
        self.emit(before, start)
        self.out += cells
        self.emit(after, start)

    # --- input ----------------------------------------------------------------------------------------------------

    def skip_spaces(self) -> None:
        while self.place < len(self.source) and self.source[self.place].isspace():
            self.place += 1

    def sequence(self, closing: str | None) -> None:
        """Read up to the closing brace or the end."""
        opened = self.place - 1
        while self.place < len(self.source):
            if self.source[self.place] == "}":
                if closing is None:
                    raise self.error("this '}' closes nothing", self.place)
                self.place += 1
                return
            self.item()
        if closing is not None:
            raise self.error("this '{' is never closed by '}'", opened)

    def argument(self, command: int) -> None:
        """Read {…} without its braces, or a single item."""
        self.skip_spaces()
        if self.place >= len(self.source) or self.source[self.place] in "}&":
            raise self.error("an argument is missing", command)
        if self.source[self.place] == "{":
            self.braces()
        else:
            self.item()

    def braces(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise LimitError(
                f"braces are nested more than {MAX_NESTING} deep",
                source=self.source,
                span=Span(self.place, self.place + 1),
            )
        self.place += 1
        self.sequence("}")
        self.depth -= 1

    def item(self) -> None:
        """Read one character, group or command."""
        start = self.place
        char = self.source[start]
        if char == "\\":
            self.command()
        elif char == "{":
            cells = self.captured(start)
            self.place_cells("[", cells, "]", start)
        elif char in "_^":
            self.script(char)
        elif char in "~&$" or char.isspace():
            self.place += 1
            self.emit(" ", start)
        else:
            self.place += 1
            for cell in _cells_of(self.source, start):
                self.emit(cell.char, start)
                if cell.subscript:
                    self.out[-1] = cell

    def script(self, sign: str) -> None:
        """Read a subscript or superscript with one item or a group."""
        start = self.place
        self.place += 1
        self.strip_spaces()
        self.boundary = False
        is_sum = bool(self.out) and self.out[-1].char == "∑"
        cells = self.captured(start)
        while cells and cells[-1].char == " ":
            cells.pop()
        text = "".join(cell.char for cell in cells)
        if sign == "^":
            if text and set(text) <= {"'", " "}:
                self.out += [cell for cell in cells if cell.char == "'"]
            elif text == "⊤":
                self.place_cells("^", cells, "", start)
            else:
                self.place_cells("^(", cells, ")", start)
        elif not is_sum and text and all(char.isalnum() or char == "∞" for char in text) and not _counted(text):
            self.place_cells("_", cells, "", start)
            self.boundary = True
        else:
            self.place_cells("_{", cells, "}", start)

    # --- commands -------------------------------------------------------------------------------------------------

    def command(self) -> None:
        start = self.place
        match = _LETTERS.match(self.source, start + 1)
        name = match[0].rstrip("*") if match else self.source[start + 1 : start + 2]
        self.place = match.end() if match else start + 2
        if name in SPACES:
            self.emit(" ", start)
        elif name in SILENT:
            return
        elif name in ("left", "right"):
            self.delimiter(name, start)
        elif name in FRACTIONS:
            self.fraction(start)
        elif name == "sqrt":
            self.root(start)
        elif name in ACCENTS:
            cells = self.captured(start)
            self.place_cells("", cells, ACCENT * ACCENTS[name], start)
        elif name == "prime":
            self.emit("'", start)
        elif name in FONTS:
            self.font(start)
        elif name in GREEK:
            self.greek(name, start)
        elif name in SYMBOLS:
            self.emit(SYMBOLS[name], start)
        elif name in FUNCTION_ALIASES or name in OPERATOR_WORDS:
            self.function(name, start)
        else:
            raise self.error(f"the LaTeX command \\{name} is not known", start, self.command_hint(name))

    def command_hint(self, name: str) -> str | None:
        if name == "\\":
            return "give several equations as a list of strings"
        if name in ("int", "iint", "oint"):
            return "integrals are out of scope"
        if name in ("bar", "hat", "tilde", "overline"):
            return "give the name another spelling; the conjugate is conj(u)"
        return None

    def delimiter(self, side: str, start: int) -> None:
        r"""Read the bracket after \left or \right."""
        self.skip_spaces()
        if side == "right" and not self.lefts:
            raise self.error(r"this \right has no \left", start)
        if self.place >= len(self.source):
            raise self.error(f"a bracket is missing after \\{side}", start)
        self.lefts.append(start) if side == "left" else self.lefts.pop()
        char = self.source[self.place]
        if char == "." or char == "{":
            self.place += 1
            raise self.error(f"a bracket is missing after \\{side}", start, r"write \left( … \right)")
        if side == "left":
            self.close_function_gap()
        if char == "|" and side == "left":
            self.emit("[", start)  # |u |w|| has no reading by place alone; these bars know their side
        self.item()
        if char == "|" and side == "right":
            self.emit("]", start)

    def close_function_gap(self) -> None:
        """Put an opening bracket directly behind a function or word operator, so that it is a call."""
        self.boundary = False
        words = "".join(cell.char for cell in self.out[-24:]).rstrip(" ")
        word = re.search(r"[A-Za-z_]+$", words)
        if word is not None and (word[0] in FUNCTION_ALIASES or word[0] in OPERATOR_WORDS):
            self.strip_spaces()

    def fraction(self, start: int) -> None:
        r"""Read \frac{a}{b}: a Leibniz quotient if both begin with ∂ or d, else a quotient."""
        top, bottom = self.captured(start), self.captured(start)
        above, below = ("".join(cell.char for cell in cells) for cells in (top, bottom))
        first, second = _LEIBNIZ.match(above), _LEIBNIZ.match(below)
        if not above.strip() or not below.strip():
            raise self.error("a fraction with an empty part", start)
        if first and second and first[1] == second[1] and not _has_sign(above):
            below_start = next(k for k, cell in enumerate(bottom) if cell.char != " ")
            while top and top[-1].char == " ":
                top.pop()
            # Only differentials stay together without these brackets; the lexer knows the misprint ∂²u/∂²x by its ^.
            opening, closing = ("/", "]") if _MISPRINT.match(below) else ("/(", ")]")
            self.place_cells("[", top, "", start)
            self.place_cells(opening, bottom[below_start:], closing, start)
        else:
            self.place_cells("[(", top, ")", start)
            self.place_cells("/(", bottom, ")]", start)

    def root(self, start: int) -> None:
        r"""Read \sqrt{a} and \sqrt[n]{a}."""
        self.skip_spaces()
        index: list[Cell] = []
        if self.source.startswith("[", self.place):
            stop = self.source.find("]", self.place)
            if stop < 0:
                raise self.error("this '[' is never closed by ']'", start)
            index = list(_cells_of(self.source, self.place + 1, stop))
            self.place = stop + 1
        cells = self.captured(start)
        if index:
            self.place_cells("[(", cells, ")^(1/(", start)
            self.place_cells("", index, "))]", start)
        else:
            self.emit_word("sqrt", start)
            self.boundary = False
            self.place_cells("(", cells, ")", start)

    def font(self, start: int) -> None:
        """Read a letter or word in another face: only the letters count."""
        cells = self.captured(start)
        word = "".join(cell.char for cell in cells).strip()
        if word in FUNCTION_ALIASES or word in OPERATOR_WORDS:
            self.function(word, start)
        elif len(word) == 1 or not word.isalnum():
            self.out += cells if not self.boundary else [Cell(" ", start, start + 1), *cells]
            self.boundary = False
        else:
            self.emit_word(word, start)

    def greek(self, name: str, start: int) -> None:
        """Emit the letter, or its name where only that is declared."""
        letter = GREEK[name]
        plain_name = name.removeprefix("var") if name.startswith("var") else name
        if letter not in self.declared and re.search(rf"^{plain_name}(?![a-zA-Z])", self.declared, re.MULTILINE):
            self.emit_word(plain_name, start)
            return
        self.emit(letter, start)
        self.skip_spaces()

    def function(self, name: str, start: int) -> None:
        """Emit a function word; a brace or bracket after it holds its argument."""
        self.emit_word(name, start)
        self.skip_spaces()
        following = self.source[self.place : self.place + 1]
        if following == "{":
            cells = self.captured(start)
            self.boundary = False
            self.place_cells("(", cells, ")", start)
        elif following == "(":
            self.boundary = False


def _counted(text: str) -> bool:
    """Whether digits and letters mix as in 3x, which needs its braces."""
    return text[0].isdigit() and not text.isdigit()


def _has_sign(text: str) -> bool:
    """Whether + or - stands outside all brackets."""
    depth = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char in "+-" and depth == 0:
            return True
    return False


def _cells_of(source: str, start: int, stop: int | None = None) -> tuple[Cell, ...]:
    """Return the plain cells of a piece of the source, at their places."""
    piece = source[start : start + 1 if stop is None else stop]
    plain = normalise(piece)
    return tuple(
        Cell(char, start + plain.starts[k], start + plain.stops[k], bool(plain.subscripts[k]))
        for k, char in enumerate(plain.text)
    )
