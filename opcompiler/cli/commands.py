"""What the commands do. Each takes the parsed options and returns an exit code."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from opcompiler.cli import terminal
from opcompiler.cli.arguments import Definition
from opcompiler.cli.estimators import scheme_of
from opcompiler.errors import LimitError, OperatorNameError, ShapeError
from opcompiler.ir.declarations import Declarations, Runtime

__all__ = ["check", "evaluate", "explain", "plan"]

LARGEST_CHECK = 512
"""Coordinates up to which nested differentiation is tried: it takes a pass per coordinate and order."""


def explain(options: argparse.Namespace) -> int:
    """Tell the whole story of an operator in the format that is asked for."""
    from opcompiler import api

    texts, made = _plan(options)
    return _write(api.told(made, texts, options.format), options, is_prose=options.format == "text")


def plan(options: argparse.Namespace) -> int:
    """Print a plan as a table or as JSON."""
    _, made = _plan(options)
    return _write(made.to_json() if options.json else str(made), options, is_prose=not options.json)


def _write(text: str, options: argparse.Namespace, is_prose: bool) -> int:
    """Write to the file that is asked for, else to the terminal, prose in colours; return the exit code."""
    text = text.removesuffix("\n")
    if options.output is None:
        terminal.write(text) if is_prose else print(text)
        return 0
    try:
        options.output.write_text(text + "\n", "utf-8")
    except OSError as error:
        terminal.report_problem(f"{options.output} cannot be written: {error.strerror}")
        return 1
    return 0


def _plan(options: argparse.Namespace) -> tuple[list[str], Any]:
    from opcompiler import api
    from opcompiler.cli.declared import declarations_of, texts_of

    texts = texts_of(options)
    functions = {definition.key: Runtime(definition.shape) for definition in options.function}
    system = api.parse(texts[0] if len(texts) == 1 else texts, **declarations_of(options), functions=functions)
    return texts, api.plan(api.reduce(system), scheme_of(options))


def check(options: argparse.Namespace) -> int:
    """Compare the compiled operator with nested forward differentiation of its meaning; 1 if they differ."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from opcompiler import api
    from opcompiler.cli.compare import compare
    from opcompiler.cli.declared import declarations_of, texts_of
    from opcompiler.cli.formulas import coefficient_functions
    from opcompiler.cli.network import random_function, random_network, random_parameters, random_points

    network_key, point_key, parameter_key, function_key = jax.random.split(jax.random.key(options.seed), 4)

    def missing(definition: Definition) -> Callable[..., Any]:
        number = [other.key for other in options.function].index(definition.key)
        return random_function(jax.random.fold_in(function_key, number), definition.shape)

    texts = texts_of(options)
    declared = declarations_of(options)
    functions = coefficient_functions(options.function, declared["spaces"], missing)
    text = texts[0] if len(texts) == 1 else texts
    system = api.parse(text, **declared, functions=functions)
    declarations = system.declarations
    _refuse_large(declarations)
    report = compare(
        operator=api.compile(text, **declared, functions=functions),
        system=system,
        network=random_network(network_key, declarations, options.width, options.depth),
        points=random_points(point_key, declarations, options.batch),
        parameters=random_parameters(parameter_key, declarations),
        functions={definition.name: functions[definition.key] for definition in options.function},
    )
    agrees = report.relative_error <= options.tolerance
    terminal.write(
        "\n".join(
            [
                f"{'agrees' if agrees else 'DIFFERS'}: {' ; '.join(texts)}",
                f"  relative error   {report.relative_error:.1e}, tolerance {options.tolerance:.0e} (float64)",
                f"  coefficients     {report.carried} carried per value, {report.minimum} is the proven minimum",
                f"  compiled         {report.flops:,.0f} flops",
                f"  nested AD        {report.reference_flops:,.0f} flops, {report.ratio:.2f} times as many",
                f"  on               tanh network {options.depth}×{options.width}, {options.batch} random points, "
                f"seed {options.seed}",
            ]
        )
    )
    return 0 if agrees else 1


def _refuse_large(declarations: Declarations) -> None:
    total = sum(space.dim for space in declarations.spaces)
    if total > LARGEST_CHECK:
        raise LimitError(
            f"nested differentiation in {total} coordinates is out of reach, at most {LARGEST_CHECK} are tried",
            hint="check the same operator in a smaller dimension",
        )


def evaluate(options: argparse.Namespace) -> int:
    """Print the value of an operator at a point, for fields given by formulas."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import numpy as np

    from opcompiler import api
    from opcompiler.cli.declared import declarations_of, texts_of
    from opcompiler.cli.formulas import coefficient_functions

    texts = texts_of(options)
    declared = declarations_of(options)
    functions = coefficient_functions(options.function, declared["spaces"], _no_body)
    text = texts[0] if len(texts) == 1 else texts
    operator = api.compile(text, **declared, functions=functions, scheme=scheme_of(options))
    declarations = operator.plan.normal_form.declarations
    missing = [parameter.name for parameter in declarations.parameters if parameter.value is None]
    if missing:
        raise OperatorNameError(
            f"the parameter {missing[0]} has no value", hint=f"give it one: --param {missing[0]}=0.1"
        )
    fields, point = _fields(options.u, declared, declarations), _point(options.at, declarations)
    result = operator(fields, *point, key=jax.random.key(options.seed))
    for value in result if isinstance(result, tuple) else [result]:
        array = np.asarray(value)
        print(array.item() if array.ndim == 0 else np.array2string(array, precision=17, floatmode="unique"))
    return 0


def _no_body(definition: Definition) -> Callable[..., Any]:
    raise OperatorNameError(
        f"the function {definition.key} has no body", hint=f'write one: --function "{definition.key}=…"'
    )


def _fields(formulas: list[str], declared: dict[str, Any], declarations: Declarations) -> Any:
    from opcompiler.cli.formulas import formula

    bodies: dict[str, str] = {}
    for text in formulas:
        name, equals, body = text.partition("=")
        known = {field.name for field in declarations.fields}
        if not equals and len(known) == 1:
            name, body = declarations.fields[0].name, text
        if name.strip() not in known:
            raise OperatorNameError(f"{text!r} names no field", hint=f"write --u NAME=FORMULA for {', '.join(known)}")
        bodies[name.strip()] = body
    missing = [field.name for field in declarations.fields if field.name not in bodies]
    if missing:
        raise OperatorNameError(f"the field {missing[0]} has no formula", hint=f'add --u "{missing[0]}=…"')
    values = {field.name: formula(bodies[field.name], declared, field.shape) for field in declarations.fields}
    return values if len(values) > 1 else next(iter(values.values()))


def _point(values: list[Any], declarations: Declarations) -> list[Any]:
    import jax.numpy as jnp

    given = {item.name: item.value for item in values}
    unknown = [name for name in given if name not in {space.name for space in declarations.spaces}]
    if unknown:
        raise OperatorNameError(f"--at {unknown[0]}: no space has this name")
    point: list[Any] = []
    for space in declarations.spaces:
        if space.name not in given:
            raise OperatorNameError(f"the space {space.name} has no value", hint=f"add --at {space.name}=…")
        numbers = given[space.name]
        if len(numbers) != space.dim:
            plural = "s" * (len(numbers) != 1)
            raise ShapeError(f"--at {space.name} has {len(numbers)} number{plural}, expected {space.dim}")
        point.append(jnp.array(numbers).reshape(space.shape))
    return point
