"""Equal operators have equal normal forms, whatever the order of their terms and the seed of the hash."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import permutations

from symbolic.writing import (
    add,
    call,
    d,
    declarations,
    div,
    dot,
    field,
    grad,
    lap,
    mul,
    num,
    over,
    power,
    reduced,
    sub,
    u,
    x,
)

from opcompiler.ir import expression as ir

DECLARED = declarations({"x": None, "y": None, "t": None}, {"u": None, "w": None}, {"a": None, "b": None})
a, b, w = ir.Parameter("a"), ir.Parameter("b"), ir.Field("w")

TERMS = (
    d(u, "t"),
    mul(call("sin", a), lap(u)),
    mul(u, d(w, "x"), call("exp", mul(u, w))),
    mul(b, x("x"), d(u, "x", "x")),
    power(add(1, power(w, 2)), -1),
)


def test_the_order_of_terms_does_not_matter():
    forms = {reduced(add(*order), DECLARED) for order in permutations(TERMS)}
    assert len(forms) == 1


def test_the_order_of_factors_does_not_matter():
    factors = (u, call("sin", w), d(u, "x"), d(w, "y"), power(call("cos", u), 2), x("y"))
    forms = {reduced(mul(*order), DECLARED) for order in list(permutations(factors))[::7]}
    assert len(forms) == 1


def test_the_same_bytes_under_every_hash_seed():
    script = (
        "from symbolic.test_canonical import everything\n"
        "import hashlib; print(hashlib.sha256(repr(everything()).encode()).hexdigest())"
    )
    digests = set()
    for seed in ("0", "4242"):
        run = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(run.stdout)
    assert len(digests) == 1


def everything() -> list[object]:
    """Normal forms of all written cases of these tests."""
    from symbolic import test_complex_values, test_small_spaces

    gradient = grad(u, 100)
    large = (lap(power(u, 3)), div(over(gradient, ir.Norm(gradient))), dot(ir.Position("x", shape=(100,)), gradient))
    result: list[object] = [reduced(add(*TERMS), DECLARED)]
    result += [reduced(e, test_small_spaces.XY) for e, _ in test_small_spaces.SCALAR_CASES.values()]
    result += [reduced(e, test_small_spaces.VECTORS) for e, _ in test_small_spaces.VECTOR_CASES.values()]
    hundred = declarations({"x": 100})
    result += [reduced(e, hundred) for e in large]
    result += [reduced(e, test_complex_values.DECLARED) for e, _ in test_complex_values.CASES.values()]
    return result


def test_reduction_is_a_function_of_its_input():
    declared = declarations({"x": 3}, {"v": 3})
    v = field("v", 3)
    written = sub(mul(num(2), lap(v)), ir.Apply(ir.OperatorDirectional(v), v, shape=(3,)))
    assert reduced(written, declared) == reduced(written, declared)
