"""The stages composed: text → System → NormalForm → Plan → CompiledOperator."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from opcompiler import execution, language, planning, report, symbolic
from opcompiler.errors import ArgumentTypeError, OpCompilerError
from opcompiler.execution.functions import Function
from opcompiler.execution.operator import CompiledOperator
from opcompiler.ir import display
from opcompiler.ir.declarations import Declarations, FunctionDeclaration, Runtime
from opcompiler.ir.expression import Expr, System
from opcompiler.ir.head import ContractionValue, Output
from opcompiler.ir.normal_form import Contraction, NormalForm
from opcompiler.ir.plan import Plan
from opcompiler.ir.scheme import Exact, Scheme, Stochastic
from opcompiler.ir.symbol import Symbol
from opcompiler.language.characters import normalise_name
from opcompiler.symbolic.export import to_sympy
from opcompiler.symbolic.imports import from_sympy, is_sympy
from opcompiler.symbolic.polynomials import symbol_of_polynomial

__all__ = [
    "Plan",
    "compile",
    "estimator",
    "explain",
    "lower",
    "parse",
    "plan",
    "reduce",
    "to_ascii",
    "to_latex",
    "to_sympy",
    "to_unicode",
]

Text: TypeAlias = str | Sequence[Any] | Mapping[str, Any] | Any
"""A string, a sympy expression, or a sequence or mapping of these; sympy's types are not named outside `symbolic`."""

Spaces: TypeAlias = Mapping[str, Any] | Sequence[str] | str

Format: TypeAlias = Literal["text", "html", "latex", "json"]

Callables: TypeAlias = dict[str, Callable[..., Any]]


EXACT = Exact()
_STOCHASTIC = Stochastic()


class _TimeByName:
    """Marks that `time` was not given: the coordinate named t, if there is one."""

    def __repr__(self) -> str:
        return "<the coordinate named t, if there is one>"


_TIME_BY_NAME: Any = _TimeByName()


def compile(
    text: Text,
    *,
    spaces: Spaces,
    fields: Any = ("u",),
    time: Any = _TIME_BY_NAME,
    parameters: Any = (),
    functions: Any = (),
    scheme: Scheme = EXACT,
) -> CompiledOperator:
    """Compile the text of a differential operator into a JAX function with a certified minimal plan.

    Args:
        text: one string (the result is a bare value), a sequence (a tuple) or a mapping of strings (a dict), of any
            tensor rank and order; all are planned jointly. `lhs = rhs` means lhs − rhs. A sympy expression, equation
            or matrix stands for a string: `Function("u")(x, t).diff(t)`.
        spaces: name → None (scalar coordinate), n (an array [n] with coordinates x1 … xn), a tuple of ints (point
            shape) or a tuple of coordinate names (one packed array). A sequence of names means scalars. u takes one
            positional argument per space.
        fields: names, or name → None (scalar), n (vector) or a tuple of component names.
        time: the coordinate that Δ, ∇, ∇· and ∇× leave out; by default the one named t; None for none.
        parameters: name → number, vector or matrix (folded in exactly; a float by its shortest decimal), or None /
            `Runtime(shape)`: given at call.
        functions: key such as "c(x,y)" → callable of one point's arguments, `Function(f, shape)`, or None: given at
            call. Bare `c` means c(x,y); a dummy key "f(s)" is applied explicitly.
        scheme: `Exact(…)`, or `Stochastic(…)`: what is too large is estimated without bias from random directions, and
            calls need a `key`.

    Returns:
        The operator; call it as `op(u, *points)`.

    Raises:
        OpCompilerError: with `.kind`, `.span` and `.hint`; every subclass is also a builtin exception.
    """
    system, callables = _parse(
        text, spaces=spaces, fields=fields, time=time, parameters=parameters, functions=functions
    )
    return execution.lower(plan(reduce(system), scheme), callables, pinned=False)


def parse(
    text: Text,
    *,
    spaces: Spaces,
    fields: Any = ("u",),
    time: Any = _TIME_BY_NAME,
    parameters: Any = (),
    functions: Any = (),
) -> System:
    """Return the text as expressions resolved against the declarations; see `compile` for the arguments.

    Raises:
        OpCompilerError: the text or a declaration is wrong.
    """
    return _parse(text, spaces=spaces, fields=fields, time=time, parameters=parameters, functions=functions)[0]


def to_unicode(system: System) -> str | tuple[str, ...] | dict[str, str]:
    """Return a system as Unicode text that `parse` reads as the same system, in the form it was given in.

    Returns:
        One string for a string, a tuple for a sequence, a dict for a mapping.
    """
    return _printed(system, language.to_unicode)


def to_ascii(system: System) -> str | tuple[str, ...] | dict[str, str]:
    """Return a system as ASCII text (declared names stay what they are); see `to_unicode`."""
    return _printed(system, language.to_ascii)


def to_latex(system: System) -> str | tuple[str, ...] | dict[str, str]:
    """Return a system as LaTeX without dollar signs; see `to_unicode`."""
    return _printed(system, language.to_latex)


def _printed(system: System, print_: Callable[[Expr, Declarations], str]) -> str | tuple[str, ...] | dict[str, str]:
    texts = tuple(print_(expression, system.declarations) for expression in system.expressions)
    if system.labels is None:
        return texts[0]
    return dict(zip(system.labels, texts, strict=True)) if system.labels else texts


def reduce(system: System) -> NormalForm:
    """Return the contractions of derivative tensors and the pointwise heads that a system stands for.

    Raises:
        OpCompilerError: something that is understood but cannot be computed.
        ArgumentTypeError: `system` is none, a text for instance.
    """
    _require(system, System, "oc.parse(…)")
    written = tuple(language.to_unicode(expression, system.declarations) for expression in system.expressions)
    return replace(symbolic.reduce(system), written=written)


def plan(normal_form: NormalForm, scheme: Scheme = EXACT) -> Plan:
    """Return the minimal plan of a normal form, with its certificate.

    Raises:
        LimitError: the plan would exceed a limit.
        ArgumentTypeError: `scheme` is no scheme, or `normal_form` no normal form.
    """
    _require(normal_form, NormalForm, "oc.reduce(oc.parse(…))")
    if not isinstance(scheme, Exact | Stochastic):
        raise ArgumentTypeError(f"{scheme!r} is no scheme", hint="oc.Exact(…) or oc.Stochastic(…)")
    return planning.plan(normal_form, scheme)


def estimator(
    source: NormalForm | Symbol | Any,
    scheme: Scheme = _STOCHASTIC,
    *,
    spaces: Spaces | None = None,
    fields: Any = ("u",),
    parameters: Any = (),
) -> CompiledOperator:
    """Return an operator, by default an estimator, without a text: from a normal form, a symbol or a polynomial.

    Args:
        source: a normal form; or the symbol p(ξ) of a constant-coefficient operator p(∂), as an `ir.symbol.Symbol` or
            as a sympy polynomial whose variables are named like the coordinates (`x1**2 + 3*x1*x2` stands for
            ∂₁² + 3∂₁∂₂).
        scheme: how it is evaluated, `Stochastic()` by default.
        spaces: as for `compile`; a normal form has them already.
        fields: as for `compile`, one field; a vector is differentiated entry by entry.
        parameters: as for `compile`: run-time parameters that span the subspaces of the scheme.

    Raises:
        OpCompilerError: what is refused by `compile`, or the polynomial is none.
        ArgumentTypeError: spaces are missing, or given with a normal form; not one field.
    """
    if isinstance(source, NormalForm):
        if spaces is not None:
            raise ArgumentTypeError("a normal form has its spaces", hint="leave spaces out")
        return execution.lower(plan(source, scheme), {}, pinned=False)
    if spaces is None:
        raise ArgumentTypeError("a symbol needs spaces", hint='estimator(symbol, scheme, spaces={"x": 1000})')
    declarations = language.declare(spaces, fields, parameters=parameters)
    if len(declarations.fields) != 1:
        raise ArgumentTypeError(f"{len(declarations.fields)} fields", hint="a symbol is applied to one field")
    symbol = source if isinstance(source, Symbol) else symbol_of_polynomial(source, declarations)
    (field,) = declarations.fields
    labels = tuple((f"i{axis}", size) for axis, size in enumerate(field.shape))
    body = ContractionValue(0, tuple(label for label, _ in labels))
    normal_form = NormalForm(declarations, (Contraction(field.name, symbol),), (), (Output(body, labels, field.shape),))
    return execution.lower(plan(normal_form, scheme), {}, pinned=False)


def lower(plan: Plan, functions: Mapping[str, Callable[..., Any]] | None = None) -> CompiledOperator:
    """Return the operator that runs exactly this plan.

    Args:
        plan: what to run.
        functions: callables of coefficient functions by name; those missing are given at call.

    Raises:
        ArgumentTypeError: `plan` is none, a text for instance.
        OperatorNameError: a function is none of those that the plan declares.
    """
    _require(plan, Plan, "oc.plan(…), or the plan of an operator")
    callables: Callables = {}
    for key, function in (functions or {}).items():
        callable_ = function.callable if isinstance(function, Function) else function
        if callable_ is not None:
            callables[normalise_name(key).split("(")[0].strip()] = callable_
    return execution.lower(plan, callables)


def explain(operator_or_text: CompiledOperator | Plan | Text, *, format: Format = "text", **declarations: Any) -> str:
    """Tell the whole story stage by stage: what was read, its normal form, the plan, the proof, the cost.

    Args:
        operator_or_text: a compiled operator, a plan, or a text with the keyword arguments of `compile`.
        format: "text"; "html", one self-contained page with the Hasse diagram of the algebra; "latex", to be included
            in a paper; or "json", the plan as `Plan.to_json` writes it.
        declarations: only with a text.

    Raises:
        OpCompilerError: the text or a declaration is wrong.
        ArgumentTypeError: there is no such format.
    """
    match operator_or_text:
        case CompiledOperator(plan=known) | (Plan() as known):
            if declarations:
                raise ArgumentTypeError("declarations go with a text; this operator is compiled already")
            return told(known, (), format)
        case text:
            texts = text.values() if isinstance(text, Mapping) else (text,) if _is_entry(text) else text
            return told(compile(text, **declarations).plan, tuple(map(str, texts)), format)


def told(plan: Plan, texts: Sequence[str], format: Format) -> str:
    """Return the report on a plan, with the texts that it was made from; see `explain`.

    Raises:
        ArgumentTypeError: there is no such format.
    """
    match format:
        case "text":
            return report.explain_text(plan, texts)
        case "html":
            return report.explain_html(plan, texts)
        case "latex":
            return report.explain_latex(plan, texts)
        case "json":
            return plan.to_json()
        case _:
            raise ArgumentTypeError(
                f"{format!r} is no format of a report", hint='the formats are "text", "html", "latex" and "json"'
            )


# Notebooks show plans and operators as reports whenever there is an api.
display.register("html", report.notebook_html)
display.register("latex", report.notebook_latex)


def _require(value: object, kind: type, source: str) -> None:
    """Refuse what is not the product of the stage before.

    Raises:
        ArgumentTypeError: something else.
    """
    if not isinstance(value, kind):
        raise ArgumentTypeError(f"{type(value).__name__} in the place of a {kind.__name__}", hint=f"pass {source}")


# --- what only this stage can do: callables among the declarations -----------------------------------


def _parse(
    text: Text, *, spaces: Spaces, fields: Any, time: Any, parameters: Any, functions: Any
) -> tuple[System, Callables]:
    given = dict(functions) if isinstance(functions, Mapping) else dict.fromkeys(_sequence(functions))
    options: dict[str, Any] = {} if time is _TIME_BY_NAME else {"time": time}
    declarations = language.declare(
        spaces,
        fields,
        parameters=parameters,
        functions={key: _declared_shape(value) for key, value in given.items()},
        **options,
    )
    declarations, callables = _with_callables(declarations, tuple(given.values()))
    return _read(text, declarations), callables


def _is_entry(text: Text) -> bool:
    return isinstance(text, str) or is_sympy(text)


def _read(text: Text, declarations: Declarations) -> System:
    """Read strings as text and sympy expressions node by node, also side by side."""
    match text:
        case str():
            return language.parse(text, declarations)
        case Mapping():
            labels, entries = tuple(map(str, text)), tuple(text.values())
        case Sequence():
            labels, entries = (), tuple(text)
        case _:
            labels, entries = None, (text,)
    if not any(map(is_sympy, entries)):
        return language.parse(text, declarations)
    systems = [_read_entry(entry, declarations) for entry in entries]
    expressions = tuple(expression for system in systems for expression in system.expressions)
    sources = tuple(source for system in systems for source in system.sources)
    return System(expressions, declarations, labels, sources)


def _read_entry(entry: Any, declarations: Declarations) -> System:
    if is_sympy(entry):
        return System((from_sympy(entry, declarations),), declarations, None, ("",))
    return language.parse([entry], declarations)


def _sequence(value: Any) -> Sequence[Any]:
    return (value,) if isinstance(value, str) else tuple(value)


def _declared_shape(function: Any) -> tuple[int, ...] | None:
    match function:
        case Function(shape=shape) | Runtime(shape=shape):
            return shape
        case _:
            return None


def _with_callables(declarations: Declarations, given: Sequence[Any]) -> tuple[Declarations, Callables]:
    """Split callables from declarations and infer the shapes of their values."""
    declared, callables = [], {}
    for function, value in zip(declarations.functions, given, strict=True):
        callable_ = value.callable if isinstance(value, Function) else None if isinstance(value, Runtime) else value
        if callable_ is not None and not callable(callable_):
            raise ArgumentTypeError(
                f"the function {function.name} is {type(callable_).__name__}, not a callable",
                hint="pass a callable of one point's arguments, or None to give it at call",
            )
        if callable_ is not None:
            callables[function.name] = callable_
            if not isinstance(value, Function):
                function = replace(function, shape=_inferred_shape(function, callable_, declarations))
        declared.append(function)
    return replace(declarations, functions=tuple(declared)), callables


def _inferred_shape(
    function: FunctionDeclaration, callable_: Callable[..., Any], declarations: Declarations
) -> tuple[int, ...]:
    dtype = jnp.result_type(float)
    arguments = [jax.ShapeDtypeStruct(_argument_shape(name, declarations), dtype) for name in function.arguments]
    try:
        inspect.signature(callable_).bind(*arguments)
    except ValueError:
        pass  # a builtin without a signature
    except TypeError as error:
        raise ArgumentTypeError(
            f"the function {function.name} does not take its arguments ({', '.join(function.arguments)}): {error}",
            hint="the callable takes the arguments named in the key, in that order",
        ) from None
    try:
        value = jax.eval_shape(callable_, *arguments)
    except OpCompilerError:
        raise
    except Exception as error:
        raise ArgumentTypeError(
            f"the function {function.name} cannot be traced by jax: {type(error).__name__}: {error}",
            hint="compute with jax.numpy, or declare the shape of its value: oc.Function(f, shape=…)",
        ) from error
    if not hasattr(value, "shape"):
        raise ArgumentTypeError(
            f"the function {function.name} returned a {type(value).__name__}, not an array",
            hint="stack the components: jnp.stack([…])",
        )
    return tuple(value.shape)


def _argument_shape(name: str, declarations: Declarations) -> tuple[int, ...]:
    """Return the shape of a declared argument; coordinates and dummies are scalars."""
    packed = {name for space in declarations.spaces for name in space.coordinates or ()}
    for declared in (*declarations.spaces, *declarations.fields):
        if declared.name == name and name not in packed:
            return declared.shape
    return ()
