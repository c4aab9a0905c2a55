"""What may be declared, and what the declarations become."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy
import pytest

from opcompiler.errors import OpCompilerError
from opcompiler.ir.declarations import FieldDeclaration, Runtime
from opcompiler.ir.space import Space
from opcompiler.language import declare, parse


def test_spaces() -> None:
    declared = declare({"x": 3, "y": None, "r": (30, 3), "z": ("a", "t")})
    assert declared.spaces == (
        Space("x", (3,)),
        Space("y"),
        Space("r", (30, 3)),
        Space("z", (2,), ("a", "t")),
    )
    assert declared.time == ("z", 1)
    assert declare(("x", "t")).time == ("t", 0)
    assert declare(("x", "t"), time=None).time is None
    assert declare({"x": 3}, time="x3").time == ("x", 2)
    assert declare(("x", "tau"), time="tau").time == ("tau", 0)


def test_fields() -> None:
    assert declare(("x",)).fields == (FieldDeclaration("u"),)
    assert declare(("x",), {"u": None, "v": 1, "w": ("p", "q")}).fields == (
        FieldDeclaration("u"),
        FieldDeclaration("v", (1,)),
        FieldDeclaration("w", (2,), ("p", "q")),
    )


@pytest.mark.parametrize(
    ("value", "shape", "exact"),
    [
        (2, (), Fraction(2)),
        (0.1, (), Fraction(1, 10)),
        (1e-30, (), Fraction(1, 10**30)),
        (Fraction(1, 3), (), Fraction(1, 3)),
        (numpy.float32(0.1), (), Fraction(1, 10)),
        (numpy.int64(7), (), Fraction(7)),
        ([1, 0.5], (2,), (Fraction(1), Fraction(1, 2))),
        (numpy.array([[1.0, 0.1]]), (1, 2), ((Fraction(1), Fraction(1, 10)),)),
        (None, (), None),
        (Runtime((3, 3)), (3, 3), None),
    ],
)
def test_parameters_are_exact(value: Any, shape: tuple[int, ...], exact: Any) -> None:
    parameter = declare(("x",), parameters={"k": value}).parameters[0]
    assert (parameter.shape, parameter.value) == (shape, exact)


def test_functions() -> None:
    declared = declare({"x": 2, "t": None}, functions=["c(x,t)", "f(s)", "q(u)", "k(x1)"])
    assert [(f.name, f.arguments, f.implicit) for f in declared.functions] == [
        ("c", ("x", "t"), True),
        ("f", ("s",), False),
        ("q", ("u",), True),
        ("k", ("x1",), True),
    ]
    assert declare(("x",), functions={"c(x)": (2,)}).functions[0].shape == (2,)


REFUSED: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"spaces": ("x", "x")}, NameError),
    ({"spaces": ("x y",)}, NameError),
    ({"spaces": ()}, NameError),
    ({"spaces": ("x",), "fields": ("x",)}, NameError),
    ({"spaces": ("x",), "parameters": {"u": 1}}, NameError),
    ({"spaces": ("x",), "parameters": {"sin": 1}}, NameError),
    ({"spaces": ("x",), "parameters": {"Δ": 1}}, NameError),
    ({"spaces": ("x",), "parameters": {"µ": 1, "μ": 2}}, NameError),
    ({"spaces": ("x",), "parameters": {"u²": 1}}, NameError),
    ({"spaces": ("x",), "parameters": {"aа": 1}}, NameError),
    ({"spaces": ("x",), "parameters": {"a\u200b": 1}}, NameError),
    ({"spaces": ("x",), "parameters": {"": 1}}, NameError),
    ({"spaces": ("x",), "parameters": {"1a": 1}}, NameError),
    ({"spaces": ("x",), "functions": ["c"]}, NameError),
    ({"spaces": ("x",), "functions": ["c(s,s)"]}, NameError),
    ({"spaces": ("x",), "time": "s"}, NameError),
    ({"spaces": {"x": 3}, "time": "x"}, NameError),
    ({"spaces": {"x", "y"}}, TypeError),
    ({"spaces": ("x",), "fields": {"u", "v"}}, TypeError),
    ({"spaces": [("x", 3)]}, NameError),
    ({"spaces": 3}, TypeError),
    ({"spaces": {"x": 0}}, TypeError),
    ({"spaces": {"x": 1.5}}, TypeError),
    ({"spaces": ("x",), "fields": {"u": 0}}, TypeError),
    ({"spaces": ("x",), "parameters": {"a": float("nan")}}, TypeError),
    ({"spaces": ("x",), "parameters": {"a": float("inf")}}, TypeError),
    ({"spaces": ("x",), "parameters": {"a": 1j}}, TypeError),
    ({"spaces": ("x",), "parameters": {"a": "1"}}, TypeError),
    ({"spaces": ("x",), "parameters": {"a": True}}, TypeError),
    ({"spaces": ("x",), "parameters": {"a": [[1], [1, 2]]}}, TypeError),
]


@pytest.mark.parametrize(("declared", "builtin"), REFUSED)
def test_refused_declarations(declared: dict[str, Any], builtin: type[Exception]) -> None:
    with pytest.raises(builtin) as caught:
        declare(**declared)
    assert isinstance(caught.value, OpCompilerError)


def test_names_match_after_normalisation_only() -> None:
    declared = declare(("x",), parameters={"𝒸": 2, "μ₀": 1, "ϕ": 3, "D_x": 1})
    same = parse("c µ0 φ D_x u", declared)
    assert parse("𝒸 μ₀ ϕ D_x u", declared) == same
    with pytest.raises(NameError):
        parse("mu0 u", declared)


def test_a_traced_value_is_refused_with_advice() -> None:
    class Traced:
        ndim = 0

        def __array__(self) -> object:
            raise TypeError("traced")

    with pytest.raises(TypeError, match="None"):
        declare(("x",), parameters={"a": Traced()})
