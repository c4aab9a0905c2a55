"""Everything that is not public in JAX: tracing to a jaxpr, reading equations, source lines.

Checked with jax 0.10 and 0.11, whose differences end here: since 0.11 open and closed jaxprs are of one class, a jaxpr
is its own `.jaxpr`, and its constant variables are those that have values. Nothing else in the package touches
`jax.extend`, `jax.interpreters` or `jax._src`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax._src import core as _core
from jax._src import source_info_util
from jax.api_util import debug_info
from jax.extend import core
from jax.interpreters import ad, batching, mlir

__all__ = [
    "ABSENT",
    "ClosedJaxpr",
    "Equation",
    "as_function",
    "assembled",
    "bind",
    "close",
    "constants",
    "dtype_of",
    "first_of",
    "is_call_of",
    "is_elementwise",
    "is_forgotten",
    "is_literal",
    "linear_along_rows",
    "literal",
    "located",
    "names_in",
    "open_jaxpr",
    "rule_of",
    "scan_operands",
    "shape_of",
    "source_line",
    "trace",
]

ClosedJaxpr = core.ClosedJaxpr
Equation = core.JaxprEqn

ABSENT = frozenset({"log2", "one_minus_square", "stack", "unstack"}).difference(p.name for p in ad.primitive_jvps)
"""Primitives with a rule that this version of JAX does not have: they came after 0.10.0."""


def trace(function: Callable[..., Any], *arguments: Any) -> tuple[ClosedJaxpr, Any]:
    """Return the jaxpr of the function at these arguments (arrays or tracers) and the structure of its result."""
    closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
    return closed, jax.tree_util.tree_structure(shapes)


def open_jaxpr(closed: Any) -> Any:
    """Return the equations' owner: a Jaxpr, closed or not."""
    return closed.jaxpr if hasattr(closed, "jaxpr") else closed


def constants(closed: Any) -> Sequence[Any]:
    """Return the values of the jaxpr's constant variables."""
    return getattr(closed, "consts", ())


def close(jaxpr: Any, consts: Sequence[Any] = ()) -> ClosedJaxpr:
    """Return a closed jaxpr, with these values of its constant variables unless it has its own."""
    return core.ClosedJaxpr(open_jaxpr(jaxpr), list(constants(jaxpr) or consts))


def assembled(
    equations: Sequence[tuple[Equation, Sequence[Any], Sequence[int]]],
    inputs: Sequence[int],
    outputs: Sequence[Any],
    values: Mapping[int, Any],
    avals: Mapping[int, Any],
) -> ClosedJaxpr:
    """Return a closed jaxpr of equations whose operands and results were given numbers.

    Args:
        equations: equation, operands (numbers or literals), numbers of the results; in the order of evaluation.
        inputs: numbers of the arguments.
        outputs: the results, numbers or literals.
        values: values of constants by number.
        avals: shapes and types by number.
    """
    variables = {number: core.Var(aval) for number, aval in avals.items()}

    def atoms(operands: Sequence[Any]) -> list[Any]:
        return [variables[a] if isinstance(a, int) else a for a in operands]

    written = [e.replace(invars=atoms(read), outvars=atoms(made)) for e, read, made in equations]
    read = {a for _, operands, _ in equations for a in operands if isinstance(a, int)}
    read |= {a for a in (*outputs, *inputs) if isinstance(a, int)}
    used = [number for number in values if number in read]
    effects = frozenset().union(*(e.effects for e in written))
    names = ("",) * len(outputs)
    info = debug_info("assembled", lambda *values: values, tuple(inputs), {}, result_paths_thunk=lambda: names)
    jaxpr = core.Jaxpr(atoms(used), atoms(inputs), atoms(outputs), written, effects, info)
    return core.ClosedJaxpr(jaxpr, [values[number] for number in used])


def as_function(closed: ClosedJaxpr) -> Callable[..., list[Any]]:
    """Return the closed jaxpr as a function of arrays."""
    return core.jaxpr_as_fun(closed)


def first_of(name: str, batched: Callable[..., Any]) -> core.Primitive:
    """Return a primitive that is its first operand, for rules to act on; nothing but a rule may evaluate it.

    Args:
        name: of the primitive.
        batched: (operands, batch axes or None, **parameters) → (result, its batch axis).
    """
    primitive = core.Primitive(name)
    primitive.def_impl(lambda value, *_, **__: value)
    primitive.def_abstract_eval(lambda value, *_, **__: value)
    batching.primitive_batchers[primitive] = batched
    return primitive


def is_call_of(equation: Equation, name: str) -> bool:
    """Whether the equation calls the custom_jvp function that was defined under this name."""
    info = equation.params["call_jaxpr"].jaxpr.debug_info
    return info is not None and info.func_src_info.split(" ")[0] == name


def scan_operands(equation: Equation) -> tuple[int, int]:
    """Return how many operands of a scan are constants, and how many are carried."""
    parameters = equation.params
    if "ft_in" in parameters:  # since jax 0.11
        consts, carry, _ = map(len, parameters["ft_in"].unpack())
        return consts, carry
    return parameters["num_consts"], parameters["num_carry"]


@dataclass(frozen=True, eq=False)
class _Same:
    """An object that is compared by identity, and kept alive for it."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def rule_of(equation: Equation) -> Any:
    """Return what two calls of one custom_jvp function have in common, by == and hashable; None where that is unknown.

    Compared are the rule (a Python function, by identity) with its static arguments and the transformations on the way
    to the call, and the program of the function itself. Equal calls at equal operands have equal derivatives of every
    order.
    """
    called, thunk = equation.params["call_jaxpr"], equation.params["jvp_jaxpr_fun"]
    transformations: list[Any] = []
    while True:
        # The thunk that traces the rule holds the rule; bound again from a jaxpr, a rule that holds the older thunk.
        rule = _captured(_captured(getattr(thunk, "f", None), "fn"), "jvp")
        if rule is None:
            return None
        transformations.append(tuple(map(_transformation, rule.transforms)))
        thunk = _captured(rule.f, "jvp_jaxpr_fun")
        if thunk is None:
            break
        if _captured(rule.f, "num_consts"):
            return None
    if rule.params or any(map(constants, _nested(called))):
        return None
    shared = tuple(t for t in transformations if t)
    key = (_Same(rule.f), shared, equation.params["symbolic_zeros"], equation.params["num_consts"], str(called))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _captured(function: Any, name: str) -> Any:
    """Return what a function has captured under a name, None if nothing."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    return function.__closure__[names.index(name)].cell_contents if name in names else None


def _transformation(transformation: tuple[Any, tuple[Any, ...]]) -> Any:
    """Return a transformation of a rule and its static arguments, to be compared by ==."""
    function, arguments = transformation
    if getattr(function, "__name__", "") == "_flatten_jvp":
        arguments = arguments[:-1]  # only asks whether the rule returns what the function returns
    return _Same(function), tuple(map(_static, arguments))


def _static(argument: Any) -> Any:
    if isinstance(argument, tuple):
        return tuple(map(_static, argument))
    if type(argument).__name__ == "Unhashable":  # JAX's wrapper of static arguments
        plain = argument.val is None or isinstance(argument.val, bool | int | float | complex | str)
        return (type(argument.val), repr(argument.val)) if plain else _Same(argument.val)
    return argument


def names_in(equation: Equation) -> Iterator[str]:
    """Yield the name of the equation's primitive and of those inside of its bodies."""
    yield equation.primitive.name
    for body in _bodies(equation):
        for inner in _nested(body):
            for own in open_jaxpr(inner).eqns:
                yield own.primitive.name


def _nested(closed: Any) -> Iterator[Any]:
    """Yield a jaxpr and those inside of it."""
    yield closed
    for equation in open_jaxpr(closed).eqns:
        for body in _bodies(equation):
            yield from _nested(body)


def _bodies(equation: Equation) -> Iterator[Any]:
    """Yield the jaxprs among the parameters of an equation."""
    for value in equation.params.values():
        for inner in value if isinstance(value, tuple | list) else (value,):
            if hasattr(inner, "jaxpr") or hasattr(inner, "eqns"):
                yield inner


def is_forgotten(value: Any) -> bool:
    """Whether a value is a tracer of a trace that is over: it belongs to none of those under way, all being known."""
    if not isinstance(value, _core.Tracer):
        return False
    under_way = _core.trace_ctx.trace
    while under_way is not value._trace:
        if not hasattr(under_way, "parent_trace"):
            return under_way is _core.eval_trace
        under_way = under_way.parent_trace
    return False


def is_literal(atom: Any) -> bool:
    """Whether an operand is a literal."""
    return isinstance(atom, core.Literal)


def literal(atom: Any) -> np.ndarray | Any:
    """Return the value of a literal with its dtype."""
    dtype = atom.aval.dtype
    return np.asarray(atom.val, dtype) if np.issubdtype(dtype, np.generic) else atom.val


def dtype_of(atom: Any) -> Any:
    """Return the dtype of an operand or result."""
    return atom.aval.dtype


def shape_of(atom: Any) -> tuple[int, ...]:
    """Return the shape of an operand or result, () where it has none."""
    return getattr(atom.aval, "shape", ())


def bind(equation: Equation, *values: Any) -> list[Any]:
    """Apply the equation's primitive to ordinary arrays or tracers."""
    results = equation.primitive.bind(*values, **equation.primitive.get_bind_params(equation.params))
    return list(results) if equation.primitive.multiple_results else [results]


@contextmanager
def located(equation: Equation) -> Iterator[None]:
    """Attribute everything traced inside to the user's source line of the equation."""
    info = equation.source_info
    with source_info_util.user_context(info.traceback):
        yield


def source_line(equation: Equation) -> str:
    """Return the user's source line of an equation, `file:line (function)`."""
    return source_info_util.summarize(equation.source_info) or "unknown source line"


ELEMENTWISE = frozenset((
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh", "bessel_i0e",
    "bessel_i1e", "cbrt", "ceil", "clamp", "convert_element_type", "copy", "cos", "cosh", "digamma", "div", "eq",
    "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "floor", "ge", "gt", "igamma", "igamma_grad_a", "igammac",
    "integer_pow", "is_finite", "le", "lgamma", "log", "log1p", "log2", "logistic", "lt", "max", "min", "mul", "ne",
    "neg", "nextafter", "not", "one_minus_square", "or", "polygamma", "pow", "random_gamma_grad", "reduce_precision",
    "regularized_incomplete_beta", "rem", "round", "rsqrt", "select_n", "sign", "sin", "sinh", "sqrt", "square",
    "stop_gradient", "sub", "tan", "tanh", "xor", "zeta",
))  # fmt: skip
"""Primitives that act on each entry by itself."""


def is_elementwise(closed: Any, shape: tuple[int, ...]) -> bool:
    """Whether all equations act entry by entry on arrays of this shape (scalars beside them are constants)."""
    return all(_acts_elementwise(equation, shape) for equation in open_jaxpr(closed).eqns)


def _acts_elementwise(equation: Equation, shape: tuple[int, ...]) -> bool:
    name = equation.primitive.name
    operands, results = [shape_of(a) for a in equation.invars], [shape_of(v) for v in equation.outvars]
    if name in ("broadcast_in_dim", "iota", "full"):
        return all(operand == () for operand in operands) and results == [shape]
    if any(s not in ((), shape) for s in (*operands, *results)):
        return False
    if name in ("jit", "pjit", "closed_call", "custom_jvp_call"):
        body = next(equation.params[key] for key in ("jaxpr", "call_jaxpr") if key in equation.params)
        return is_elementwise(body, shape)
    return name in ELEMENTWISE


def linear_along_rows(
    name: str, function: Callable[..., jax.Array], transpose: Callable[..., jax.Array], length: Callable[..., int]
) -> Callable[..., jax.Array]:
    """Return a linear map of the leading axis, as a primitive that knows its transpose.

    Args:
        name: of the primitive.
        function: (array, **parameters) → array with other rows.
        transpose: (cotangent, rows of the operand, **parameters) → cotangent of the operand.
        length: (**parameters) → rows of the result.
    """
    primitive = core.Primitive(name)

    def batched(arrays: Sequence[jax.Array], axes: Sequence[int], **parameters: Any) -> tuple[jax.Array, int]:
        return primitive.bind(jax.numpy.moveaxis(arrays[0], axes[0], 1), **parameters), 1

    def transposed(cotangent: jax.Array, operand: Any, **parameters: Any) -> list[jax.Array]:
        return [transpose(cotangent, operand.aval.shape[0], **parameters)]

    primitive.def_impl(function)
    primitive.def_abstract_eval(lambda array, **p: array.update(shape=(length(**p), *array.shape[1:])))
    ad.deflinear2(primitive, transposed)
    batching.primitive_batchers[primitive] = batched
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))
    return primitive.bind
