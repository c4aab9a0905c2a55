"""Messages: the line, carets under the place, what was wrong, how to mend it."""

from __future__ import annotations

import pickle

import pytest

from opcompiler.errors import OpCompilerError
from opcompiler.ir.declarations import Declarations
from opcompiler.language import declare, parse

LINE = declare(("x", "t"), ("u",), parameters={"alpha": 2, "a": 1}, functions=["c(x)", "f(s)"])
PLANE = declare(("x", "y", "t"), {"u": None, "v": 2})
BOX = declare({"x": 10, "t": None}, {"u": None, "v": 3})

MESSAGES = [
    (
        LINE,
        "∂³u/∂x²",
        "order",
        """\
derivative orders do not match: the denominator differentiates 2 times, the numerator says 3
  ∂³u/∂x²
  ^^^^^^^
hint: write the same total order above and below, as in ∂³u/∂x²∂y""",
    ),
    (
        LINE,
        "u_t = ∂²u/∂²x",
        "order",
        """\
the order stands on ∂ instead of the coordinate
  u_t = ∂²u/∂²x
            ^^
hint: did you mean ∂²u/∂x²?""",
    ),
    (
        PLANE,
        "∇u = u",
        "rank",
        """\
a vector of 2 and a scalar cannot be added
  ∇u = u
       ^
hint: ∇u is a vector; did you mean Δu or |∇u|?""",
    ),
    (
        PLANE,
        "v_t + v∇u",
        "rank",
        """\
the product of a vector of 2 and a vector of 2 is not defined
  v_t + v∇u
        ^^^
hint: did you mean u·∇w?""",
    ),
    (
        LINE,
        "u_t - alhpa u",
        "name",
        """\
the name 'alhpa' is not declared
  u_t - alhpa u
        ^^^^^
hint: did you mean 'alpha'?""",
    ),
    (
        BOX,
        "∂u/∂x11",
        "name",
        """\
'x11': the space 'x' has the coordinates x1 … x10
  ∂u/∂x11
      ^^^""",
    ),
    (
        BOX,
        "u_x",
        "rank",
        """\
'x' is a space of 10 coordinates, not one coordinate
  u_x
    ^
hint: write ∇u for all of them, or name one: x1 … x10""",
    ),
    (
        LINE,
        "Δ⁻¹u",
        "order",
        """\
the power of an operator is a natural number
  Δ⁻¹u
   ^^
hint: fractional, inverse and symbolic powers of operators are out of scope""",
    ),
    (
        LINE,
        "u_t + 6 u u_x +",
        "syntax",
        """\
an operand is missing after this sign
  u_t + 6 u u_x +
                ^
hint: expected an operand""",
    ),
    (
        LINE,
        "(u_x + c u",
        "syntax",
        """\
this '(' is never closed by ')'
  (u_x + c u
  ^""",
    ),
    (
        LINE,
        "f + u",
        "syntax",
        """\
the function 'f' needs an argument
  f + u
  ^
hint: write f(…)""",
    ),
    (
        LINE,
        "uxx + u",
        "name",
        """\
a field directly before a coordinate: a derivative or a product?
  uxx + u
  ^^
hint: write u_x for the derivative and u*x for the product""",
    ),
    (
        LINE,
        r"\frac{u}{2} + \foo u",
        "syntax",
        """\
the LaTeX command \\foo is not known
  \\frac{u}{2} + \\foo u
                ^^^^""",
    ),
    (
        LINE,
        "Δ^100000 u",
        "limit",
        """\
an operator power above 64
  Δ^100000 u
    ^^^^^^""",
    ),
]


@pytest.mark.parametrize(("declarations", "text", "kind", "message"), MESSAGES, ids=[case[1] for case in MESSAGES])
def test_message(declarations: Declarations, text: str, kind: str, message: str) -> None:
    with pytest.raises(OpCompilerError) as caught:
        parse(text, declarations)
    assert str(caught.value) == message
    assert caught.value.kind == kind


SPACE = declare(
    {"x": 3, "t": None},
    {"u": None, "v": 3},
    parameters={"α": 1, "beta": 2},
    functions={"μ(x)": (3,)},
)
HINTS = [
    ("u_t - alpha Δu", "did you mean 'α'?"),
    ("β u", "did you mean 'beta'?"),
    ("jnp.sin(u)", "functions are written without a module, as in sin(u)"),
    ("u + dt u", "a derivative is written dt(u), ∂_t u or u_t"),
    ("μ1 u", "an entry of μ is written μ_1"),
    ("u_t = g", "declared names: x1 … x3, t, u, v, α, beta, μ"),
    ("∂_i²u", "coordinates: x1 … x3, t; a sum over the index i is written ∑_i, as in ∑_i ∂_i²u"),
    ("u_3x", "derivatives are written u_x, ∂_i u or u_{3x}"),
    ("Δ_i u", "spaces: x, t"),
    ("sin(u = 0", "is a bracket before it not closed?"),
    ("∇ ∧ v", "the curl is written ∇×v, a cross product a×b"),
    ("∇ x v", "the curl is written ∇×v or curl(v)"),
]


@pytest.mark.parametrize(("text", "hint"), HINTS)
def test_hint(text: str, hint: str) -> None:
    with pytest.raises(OpCompilerError) as caught:
        parse(text, SPACE)
    assert caught.value.hint == hint
    assert caught.value.span is not None


def test_hints_can_be_followed() -> None:
    for text in ("u_t - α Δu", "beta u", "sin(u)", "u + dt(u)", "μ_1 u", "∑_i ∂_i²u", "∇×v"):
        parse(text, SPACE)


KINDS = [
    ("u_z", "name", NameError),
    ("u_xz", "name", NameError),
    ("u^", "syntax", ValueError),
    ("sin u u", "syntax", ValueError),
    ("sin(u, u)", "syntax", ValueError),
    ("(-Δ)^{1/2} u", "order", ValueError),
    ("∂^{1/2}u/∂x^{1/2}", "order", ValueError),
    ("u_{1.5x}", "order", ValueError),
    ("∇·u", "rank", TypeError),
    ("u/0", "limit", ValueError),
    ("u/(a-1)", "limit", ValueError),
    ("u^(9^9^9)", "limit", ValueError),
    ("Δ", "syntax", ValueError),
    ("u + ∂_x", "syntax", ValueError),
    ("u\u200b_x", "syntax", ValueError),
    ("u_x u²_x", "name", NameError),
    ("a_x", "name", NameError),
]


@pytest.mark.parametrize(("text", "kind", "builtin"), KINDS)
def test_kind_and_builtin_base(text: str, kind: str, builtin: type[Exception]) -> None:
    with pytest.raises(builtin) as caught:
        parse(text, LINE)
    error = caught.value
    assert isinstance(error, OpCompilerError)
    assert (error.kind, error.source) == (kind, text)
    assert error.span is not None
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_primes_need_one_space_coordinate() -> None:
    with pytest.raises(OpCompilerError, match="exactly one space coordinate") as caught:
        parse("u''", PLANE)
    assert caught.value.kind == "order"


def test_a_split_that_is_not_unique_is_refused() -> None:
    names = declare(("x",), ("u",), parameters={"ab": 1, "c": 1, "a": 1, "bc": 1})
    with pytest.raises(OpCompilerError, match="several ways"):
        parse("abc u", names)
    assert parse("ab c u", names) == parse("ab*c*u", names)
