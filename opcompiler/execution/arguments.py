"""What a call is given, checked against the declarations and brought to one flat batch axis.

The rule: an argument's batch shape is its shape minus its declared point shape. All non-empty batch shapes must be
equal; an empty one is shared by all points; nothing broadcasts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler.errors import ArgumentTypeError, OperatorNameError, ShapeError
from opcompiler.execution.directions import Directions, Drawn
from opcompiler.execution.functions import Function
from opcompiler.execution.heads import Argument
from opcompiler.ir.declarations import Declarations, ParameterDeclaration
from opcompiler.ir.plan import Plan
from opcompiler.language.characters import normalise_name

__all__ = ["BoundCall", "BoundControl", "bind"]


@dataclass(frozen=True, slots=True)
class BoundControl:
    """The control of a call; see `control.Control`.

    Attributes:
        u: the callables of the earlier function.
        plan: that it is estimated by; it draws what the plan of the call draws.
        value: its exact values, with the flat batch axis in front.
    """

    u: Callable[..., Any] | Mapping[str, Callable[..., Any]]
    plan: Plan
    value: Any


@dataclass(frozen=True, slots=True)
class BoundCall:
    """The arguments of one call.

    Attributes:
        u: one callable, or a mapping field name → callable.
        points: one per space, in declared order.
        aux: the extra argument of u, or None; batched along with `batch_shape`.
        parameters: the run-time parameters by name.
        functions: the coefficient functions by name.
        batch_shape: common batch shape; () without a batch.
        dtype: common floating type of the points.
        directions: what was drawn, by drawn space.
        control: of an estimate, or None.
    """

    u: Callable[..., Any] | Mapping[str, Callable[..., Any]]
    points: tuple[Argument, ...]
    aux: Any
    parameters: Mapping[str, Argument]
    functions: Mapping[str, Callable[..., Any]]
    batch_shape: tuple[int, ...]
    dtype: Any
    directions: Directions = field(default_factory=dict[str, Drawn])
    control: BoundControl | None = None

    @property
    def batch(self) -> int | None:
        """Size of the flat batch axis, None without a batch."""
        return math.prod(self.batch_shape) if self.batch_shape else None

    @property
    def point_count(self) -> int:
        """Number of points: the size of the batch, which may be 0, or one point without a batch."""
        return math.prod(self.batch_shape)

    @property
    def u_is_batched(self) -> bool:
        """Whether an argument of u differs from point to point; otherwise only parameters do."""
        return self.batch is not None and (self.aux is not None or any(point.batched for point in self.points))


def bind(
    declarations: Declarations,
    known_functions: Mapping[str, Callable[..., Any]],
    u: Any,
    points: Sequence[Any],
    aux: Any = None,
    parameters: Mapping[str, Any] | None = None,
    functions: Mapping[str, Any] | None = None,
    *,
    complete: bool = True,
) -> BoundCall:
    """Check the arguments of a call and flatten their batch axes.

    With `complete` False, parameters and functions may be missing: what only plans does not need them.

    Raises:
        ArgumentTypeError: a wrong number of points, integer or complex points, something not callable.
        ShapeError: a shape that does not end with the declared one, or batch shapes that differ.
        OperatorNameError: a parameter, function or field that is missing, unknown or given twice.
    """
    fields = _fields(declarations, u)
    arrays, dtype = _points(declarations, points)
    given = _parameters(declarations, parameters or {}, dtype, complete)
    batch_shape = _batch_shape(declarations, arrays, given)
    rank = len(batch_shape)

    def flat(array: Any, batched: bool) -> Argument:
        if not batched or rank == 1:
            return Argument(array, batched)
        return Argument(jnp.reshape(array, (math.prod(batch_shape), *array.shape[rank:])), batched)

    return BoundCall(
        u=fields,
        points=tuple(
            flat(array, array.ndim > len(space.shape)) for array, space in zip(arrays, declarations.spaces, strict=True)
        ),
        aux=_aux(aux, batch_shape),
        parameters={
            name: flat(value, np.ndim(value) > len(declarations.parameter(name).shape)) for name, value in given.items()
        },
        functions=_functions(declarations, known_functions, functions or {}, complete),
        batch_shape=batch_shape,
        dtype=dtype,
    )


def _fields(declarations: Declarations, u: Any) -> Callable[..., Any] | dict[str, Callable[..., Any]]:
    names = [field.name for field in declarations.fields]
    if isinstance(u, Mapping):
        given = {normalise_name(name): function for name, function in u.items()}
        if missing := [name for name in names if name not in given]:
            raise OperatorNameError(
                f"u has no callable for the field {_listed(missing)}", hint=f"declared fields: {_listed(names)}"
            )
        if unknown := [name for name in given if name not in names]:
            raise OperatorNameError(f"{_listed(unknown)} is no declared field", hint=f"declared: {_listed(names)}")
        for name, function in given.items():
            _require_callable(function, f"the field {name}")
        return given
    _require_callable(u, "u")
    return u


def _require_callable(function: Any, what: str) -> None:
    if not callable(function):
        raise ArgumentTypeError(
            f"{what} is {type(function).__name__}, not a callable",
            hint="call op(u, *points) with u a function of ONE point",
        )


def _points(declarations: Declarations, points: Sequence[Any]) -> tuple[list[jax.Array], Any]:
    spaces = declarations.spaces
    if len(points) != len(spaces):
        expected = ", ".join(f"{space.name}{_shape_text(space.shape)}" for space in spaces)
        raise ArgumentTypeError(
            f"{len(points)} points were given, the operator has {len(spaces)} spaces: {expected}",
            hint="pass one array per space, in declared order; other inputs of u go into aux=, a random key into key=",
        )
    checked = [_real_array(space.name, point) for space, point in zip(spaces, points, strict=True)]
    # A Python float adapts to its neighbours, as everywhere in JAX.
    dtype = jnp.result_type(*checked)
    return [jnp.asarray(point, dtype) if type(point) is float else jnp.asarray(point) for point in checked], dtype


def _real_array(name: str, point: Any) -> Any:
    if isinstance(point, float) or jnp.issubdtype(getattr(point, "dtype", int), jnp.floating):
        return point
    kind = f"an array of {point.dtype}" if hasattr(point, "dtype") else type(point).__name__
    raise ArgumentTypeError(
        f"the point {name} is {kind}, not a floating-point array",
        hint="points are real and differentiated: pass jnp.asarray(x, float)",
    )


def _parameters(
    declarations: Declarations, given: Mapping[str, Any], dtype: Any, complete: bool
) -> dict[str, jax.Array]:
    values = {normalise_name(name): value for name, value in given.items()}
    declared = {parameter.name: parameter for parameter in declarations.parameters}
    runtime = [name for name, parameter in declared.items() if parameter.value is None]
    for name in values:
        if name in declared and name not in runtime:
            raise OperatorNameError(
                f"the parameter {name} was given a value when the operator was compiled",
                hint=f'declare it with parameters={{"{name}": None}} to give it at call',
            )
    if unknown := [name for name in values if name not in declared]:
        raise OperatorNameError(
            f"{_listed(unknown)} is no declared parameter", hint=f"given at call: {_listed(runtime) or 'none'}"
        )
    missing = [name for name in runtime if name not in values]
    if missing and complete:
        raise OperatorNameError(
            f"the parameter {_listed(missing)} has no value",
            hint=f'pass parameters={{"{missing[0]}": …}} to the operator',
        )
    return {name: _parameter(declared[name], values[name], dtype) for name in runtime if name in values}


def _parameter(parameter: ParameterDeclaration, value: Any, dtype: Any) -> jax.Array:
    """Return the value as an array; only JAX arrays bring a type of their own, everything else adapts."""
    if not isinstance(value, jax.Array):
        try:
            host = np.asarray(value)
        except ValueError:
            host = np.asarray(None)
        if host.dtype.kind not in "iufc" and not jnp.issubdtype(host.dtype, jnp.floating):
            raise ArgumentTypeError(
                f"the parameter {parameter.name} is {type(value).__name__}, not a number or an array of numbers"
            )
        number = complex(host[()]) if host.ndim == 0 and host.dtype.kind == "c" else None
        if host.ndim == 0:
            return jnp.asarray(float(host) if number is None else number)
        return jnp.asarray(host, jnp.result_type(dtype, jnp.complex64) if host.dtype.kind == "c" else dtype)
    if jnp.issubdtype(value.dtype, jnp.inexact):
        return value
    if jnp.issubdtype(value.dtype, jnp.integer):
        return value.astype(dtype)
    raise ArgumentTypeError(f"the parameter {parameter.name} is an array of {value.dtype}, not of numbers")


def _batch_shape(
    declarations: Declarations, points: Sequence[jax.Array], parameters: Mapping[str, Any]
) -> tuple[int, ...]:
    rows: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
        (space.name, point.shape, space.shape) for space, point in zip(declarations.spaces, points, strict=True)
    ]
    rows += [(name, np.shape(value), declarations.parameter(name).shape) for name, value in parameters.items()]
    for name, shape, declared in rows:
        if shape[len(shape) - len(declared) :] != declared or len(shape) < len(declared):
            raise ShapeError(
                f"{name} has shape {shape}, declared is {declared} for one point\n{_table(rows)}",
                hint=f"the shape of {name} must end with {declared}; axes in front of it are batch axes",
            )
    found = {name: shape[: len(shape) - len(declared)] for name, shape, declared in rows}
    batches = list(dict.fromkeys(batch for batch in found.values() if batch))
    if len(batches) > 1:
        raise ShapeError(
            f"the arguments have different batch shapes\n{_table(rows)}",
            hint="all batch shapes must be equal, or empty for an argument shared by all points; nothing broadcasts",
        )
    return batches[0] if batches else ()


def _table(rows: Sequence[tuple[str, tuple[int, ...], tuple[int, ...]]]) -> str:
    width = max(len(name) for name, _, _ in rows)
    lines = []
    for name, shape, declared in rows:
        batch = shape[: len(shape) - len(declared)]
        fits = shape == batch + declared
        what = f"= batch {batch} + declared {declared}" if fits else f"does not end with declared {declared}"
        lines.append(f"  {name:<{width}}  {shape} {what}")
    return "\n".join(lines)


def _aux(aux: Any, batch_shape: tuple[int, ...]) -> Any:
    if aux is None or not batch_shape:
        return aux
    rank = len(batch_shape)
    leaves, structure = jax.tree.flatten(aux)
    for number, leaf in enumerate(leaves):
        shape = tuple(getattr(leaf, "shape", np.shape(leaf)))
        if shape[:rank] != batch_shape:
            raise ShapeError(
                f"leaf {number} of aux has shape {shape}, the points have batch shape {batch_shape}",
                hint="every leaf of aux carries the batch axes in front; what all points share belongs into u",
            )
    if rank == 1:
        return aux
    flat = [jnp.reshape(leaf, (math.prod(batch_shape), *leaf.shape[rank:])) for leaf in leaves]
    return jax.tree.unflatten(structure, flat)


def _functions(
    declarations: Declarations, known: Mapping[str, Callable[..., Any]], given: Mapping[str, Any], complete: bool
) -> dict[str, Callable[..., Any]]:
    # At call the bare name is enough; the full key c(x,y) is understood as well.
    late = {normalise_name(name).split("(")[0].strip(): function for name, function in given.items()}
    declared = [function.name for function in declarations.functions]
    if unknown := [name for name in late if name not in declared]:
        raise OperatorNameError(f"{_listed(unknown)} is no declared function", hint=f"declared: {_listed(declared)}")
    if twice := [name for name in late if name in known]:
        raise OperatorNameError(
            f"the function {_listed(twice)} was given when the operator was compiled",
            hint="declare it with None to give it at call",
        )
    late = {name: f.callable if isinstance(f, Function) else f for name, f in late.items()}
    functions = {**known, **late}
    missing = [name for name in declared if functions.get(name) is None]
    if missing and complete:
        raise OperatorNameError(
            f"the function {_listed(missing)} has no callable",
            hint=f'pass functions={{"{missing[0]}": f}} to the operator',
        )
    functions = {name: function for name, function in functions.items() if function is not None}
    for name, function in functions.items():
        _require_callable(function, f"the function {name}")
    return functions


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _shape_text(shape: tuple[int, ...]) -> str:
    return f" {list(shape)}" if shape else ""
