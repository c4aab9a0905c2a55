"""What `opcompiler solve` does: builds the problem, trains, and tells what was reached."""

from __future__ import annotations

import argparse
from typing import Any

from opcompiler.cli import terminal
from opcompiler.cli.solve_arguments import DomainChoice
from opcompiler.errors import ArgumentTypeError, OperatorNameError

__all__ = ["solve"]


def solve(options: argparse.Namespace) -> int:
    """Train a network on a problem; 1 if it diverges or the equation is wrong."""
    if options.list:
        terminal.write(_listed())
        return 0
    if (options.problem is None) == (options.equation is None):
        options.usage("name a problem (see --list), or give an --equation")
    if options.resume and options.out is None:
        options.usage("--resume needs --out")
    if options.plug_in and options.samples is None:
        options.usage("--plug-in needs --samples")
    if options.field:
        options.usage("--field: an equation is solved for one scalar field u")
    foreign = _foreign(options)
    if foreign:
        options.usage(f"{foreign} goes with {'an --equation' if options.equation is None else 'a problem'}")
    import jax

    if options.double:
        jax.config.update("jax_enable_x64", True)
    import opcompiler as oc
    from opcompiler.solve import Settings, network, train

    problem = _problem(options)
    settings = Settings(
        steps=options.steps,
        points=options.points,
        boundary_points=options.boundary_points,
        learning_rate=options.rate,
        schedule=options.schedule,
        scheme=oc.Exact() if options.samples is None else oc.Stochastic(samples=options.samples),
        unbiased=not options.plug_in,
        boundary="soft" if options.soft else "hard",
        seed=options.seed,
        test_points=options.test_points,
        log_every=options.log_every,
        checkpoint_every=options.checkpoint_every,
    )
    shape = {"kind": options.network, "width": options.width, "depth": options.depth, "block": options.block}
    net = network(problem, jax.random.key(options.seed), **shape)
    result = train(problem, settings, net, directory=options.out, resume=options.resume)
    terminal.write(_told(problem, settings, result, options))
    return 0


def _foreign(options: argparse.Namespace) -> str:
    """Return an option that belongs to the other way of saying what is solved, if one was given."""
    if options.equation is not None:
        return "--dim" if options.dim is not None else ""
    given = {
        "--solution": options.solution,
        "--boundary-values": options.boundary_values,
        "--domain": options.domain,
        "--space": options.space,
        "--param": options.param,
        "--function": options.function,
        "--time": options.time,
    }
    return next((name for name, value in given.items() if value), "")


def _listed() -> str:
    from opcompiler.solve import PROBLEMS, problem

    lines = []
    for name, family in PROBLEMS.items():
        size = "" if family.fixed else f", --dim {family.dim}"
        lines.append(f"{name}\n  {problem(name).summary}{size}")
    return "\n".join(lines)


def _problem(options: argparse.Namespace) -> Any:
    from opcompiler.solve import equation, problem

    if options.equation is None:
        return problem(options.problem, options.dim)
    from opcompiler.cli.declared import declarations_of
    from opcompiler.cli.formulas import coefficient_functions, formula

    if not options.space:
        raise OperatorNameError("the equation has no coordinates", hint="declare them: --space x=10 or --space x")
    declared = declarations_of(options)
    written = {key: value for key, value in declared.items() if key != "fields"}

    def field(text: str | None) -> Any:
        return None if text is None else formula(text, written, ())

    return equation(
        options.equation,
        spaces=declared["spaces"],
        domain=_domains(options.domain, declared["spaces"]),
        parameters=declared.get("parameters"),
        functions=coefficient_functions(options.function, declared["spaces"], _no_body),
        solution=field(options.solution),
        boundary=field(options.boundary_values),
    )


def _no_body(definition: Any) -> Any:
    raise OperatorNameError(
        f"the function {definition.key} has no body", hint=f'write one: --function "{definition.key}=…"'
    )


def _domains(choices: list[DomainChoice], spaces: dict[str, Any]) -> dict[str, Any]:
    """Return one domain per space, the unit ball or interval where none is chosen for an only space."""
    from opcompiler import api
    from opcompiler.solve import Ball, Box, Shell

    declared = {space.name: space.shape for space in api.parse("u", spaces=spaces).declarations.spaces}
    chosen: dict[str, DomainChoice] = {}
    for choice in choices:
        name = choice.space or next(iter(declared))
        if name not in declared or (choice.space is None and len(declared) > 1):
            raise OperatorNameError(
                f"--domain {choice.space or choice.kind}: no space has this name",
                hint=f"write SPACE=DOMAIN for {', '.join(declared)}",
            )
        chosen[name] = choice
    domains: dict[str, Any] = {}
    for name, shape in declared.items():
        choice = chosen.get(name)
        if choice is None and len(declared) > 1:
            raise OperatorNameError(f"the space {name} has no domain", hint=f"add --domain {name}=0,1")
        if choice is None:
            choice = DomainChoice(name, "ball", (1.0,)) if len(shape) == 1 else DomainChoice(name, "box", (-1.0, 1.0))
        if choice.kind != "box" and len(shape) != 1:
            raise ArgumentTypeError(f"--domain {name}: a {choice.kind} needs an array of coordinates")
        match choice.kind:
            case "ball":
                domains[name] = Ball(shape[0], *choice.bounds)
            case "shell":
                domains[name] = Shell(shape[0], *choice.bounds)
            case _:
                low, high = choice.bounds
                domains[name] = Box(low, high, shape)
    return domains


def _told(problem: Any, settings: Any, result: Any, options: argparse.Namespace) -> str:
    judged = result.judgement
    errors = {
        "relative L1": judged.relative_l1,
        "relative L2": judged.relative_l2,
        "at the reference": judged.reference,
    }
    lines = [
        f"solved: {' ; '.join(problem.equations)}",
        f"  problem          {problem.name}, {problem.inputs} coordinates, {settings.scheme!r}, seed {settings.seed}",
        f"  loss             {result.loss:.3e} after {settings.steps} steps",
        *(f"  {name:<16} {value:.3e}" for name, value in errors.items() if value is not None),
        f"  time per step    {1000 * result.seconds_per_step:.2f} ms",
    ]
    if options.out is not None:
        lines.append(f"  written to       {options.out}")
    return "\n".join(lines)
