"""Random text raises nothing but `OpCompilerError`, and what is accepted is printed and read back unchanged.

`OPCOMPILER_FUZZ=20000` runs as many texts of each kind instead of the bounded number of a usual run.
"""

from __future__ import annotations

import os
import random

import pytest

from opcompiler.errors import OpCompilerError
from opcompiler.ir.declarations import Declarations
from opcompiler.language import declare, parse, to_ascii, to_latex, to_unicode
from tests.language import corpus

COUNT = int(os.environ.get("OPCOMPILER_FUZZ", "300"))
NAMES = declare(
    {"x": 3, "y": None, "t": None},
    {"u": None, "v": 4, "w": ("p", "q")},
    parameters={"a": 2, "k": None, "b": [1, 2, 3, 4], "D_u": 1},
    functions=["c(y)", "f(s)", "g(x,t)"],
)
PRINTERS = (to_unicode, to_ascii, to_latex)
FRAGMENTS = [
    *"()[]{}|‖^_*/+-=·×⊗@:,.'\"∂∇Δ□∑√ ²³⁻ₓₜ₁ᵢ½0123456789uvxytdeiabDT\\~\u0307\u200b\n🙂é",
    *("\\frac", "\\partial ", "\\nabla", "\\left(", "\\right)", "\\sum_{i=1}^{d}", "\\mathbf ", "\\sqrt", "\\Delta"),
    *("sin", "log ", "tr(", "lap(", "grad ", "div", "curl ", "dot(", "diff(u,", "Hess ", "J(", "max("),
    *("∂²", "∂_x", "∂u/∂x", "d^2u/dx^2", "du/dt", "_{", "_xx", "_{3x}", "^{", "**", "∇·", "∇×", "ᵀ", "^T", "(1+Δ)²"),
    *("sum_{i=1}^{d} ", "∑ᵢ ", "x_i", "e_y", "u(x,t)", "|∇u|²", "(u·∇)", "2·10⁻³", "1e-3", "inf", "nan", "__"),
]


def accepted(text: str, declarations: Declarations) -> bool:
    """Whether the text is read; if it is, its print in one of the dialects must be read as the same expression."""
    try:
        expression = parse(text, declarations).expressions[0]
    except OpCompilerError as error:
        if error.span is None or not str(error):
            pytest.fail(f"an error without a place: {text!r}")
        return False
    print_ = PRINTERS[len(text) % len(PRINTERS)]
    printed = print_(expression, declarations)
    assert parse(printed, declarations).expressions == (expression,), (text, printed)
    return True


def mutated(rng: random.Random, text: str, other: str) -> str:
    """The text after a few deletions, insertions, repetitions and grafts."""
    characters = list(text)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(characters) + 1)
        match rng.randrange(4):
            case 0:
                del characters[place : place + 1]
            case 1:
                characters[place:place] = rng.choice(FRAGMENTS)
            case 2:
                start = rng.randrange(len(other))
                characters[place:place] = other[start : start + rng.randint(1, 12)]
            case _:
                start = rng.randrange(len(characters) + 1)
                characters[place:place] = characters[start : start + rng.randint(1, 10)]
    return "".join(characters)


def test_mutated_equations() -> None:
    rng = random.Random(20)
    pool = [(text, entry, form) for entry in corpus.entries() for form, texts in corpus.texts(entry) for text in texts]
    declarations = {}
    for _ in range(COUNT):
        text, entry, form = rng.choice(pool)
        key = entry["id"], form
        if key not in declarations:
            declarations[key] = corpus.declarations(entry, form)
        accepted(mutated(rng, text, rng.choice(pool)[0]), declarations[key])


def test_random_fragments() -> None:
    rng = random.Random(21)
    for _ in range(COUNT):
        accepted("".join(rng.choice(FRAGMENTS) for _ in range(rng.randint(1, 14))), NAMES)


class Sentences:
    """Writes random sentences of the language, well formed but not always well ranked."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def pick(self, *options: str) -> str:
        return self.rng.choice(options)

    def sum(self, depth: int) -> str:
        terms = [self.pick("", "-") + self.product(depth) for _ in range(self.rng.randint(1, 3))]
        return self.pick(" + ", " - ").join(terms)

    def product(self, depth: int) -> str:
        factors = [self.factor(depth) for _ in range(self.rng.randint(1, 3))]
        return self.pick(" ", "*", " / ", " ").join(factors)

    def factor(self, depth: int) -> str:
        if depth <= 0:
            return self.atom()
        inner = depth - 1
        return self.rng.choice(
            [
                self.atom,
                self.atom,
                lambda: f"({self.sum(inner)}){self.pick('', '²', '^3', '_t', '_{yy}', '^(1/2)')}",
                lambda: f"{self.pick('Δ', '∇²', '∂_t ', '∂²_y ', '∂/∂x1', '□')}({self.sum(inner)})",
                lambda: f"{self.pick('sin', 'exp', 'tanh', 'f', 'abs')}({self.sum(inner)})",
                lambda: f"({self.pick('1 + Δ', 'a - ∂_t', '(∂_y)² + k')}){self.pick('', '²')}{self.atom()}",
                lambda: f"norm({self.sum(inner)})²",
                lambda: f"∇·(({self.sum(inner)}) ∇{self.pick('u', 'p', 'u²')})",
                lambda: f"(∑_{{j=1}}^{{3}} x_j {self.pick('∂_j u', 'u_{x_j}', 'sin(x_j)')})",
                lambda: f"∂({self.sum(inner)})/∂{self.pick('t', 'y', 'x2')}",
            ]
        )()

    def atom(self) -> str:
        return self.pick(
            *("u", "u_t", "u_yy", "u_{x1x2}", "a", "k", "2", "0.5", "½", "c", "c'", "y", "x1", "t", "p", "q_t"),
            *("∂²u/∂y²", "du/dt", "|∇u|²", "e^{-t}", "g(x,t)", "D_u", "v_1", "i", "π", "(b·v)", "(v·∇)u"),
        )


def test_sentences_of_the_language() -> None:
    sentences = Sentences(22)
    read = sum(accepted(sentences.sum(2), NAMES) for _ in range(COUNT))
    if COUNT >= 300:
        assert read > COUNT // 2


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\x00", "\ud800", "\u202e", "=", "~", "()", "(", "_", "^", "'", "|", "∂", "\\"]
)
def test_fragments_alone(text: str) -> None:
    assert not accepted(text, NAMES)
