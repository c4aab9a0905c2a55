"""A pilot: norms of derivatives at a few points, and the law and number of samples that they recommend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from opcompiler import planning
from opcompiler.errors import ArgumentTypeError, LimitError, OperatorNameError, ShapeError
from opcompiler.execution.arguments import BoundCall
from opcompiler.execution.draws import key_per_point
from opcompiler.execution.fields import declared_fields
from opcompiler.execution.hessian_norms import HessianProducts, coordinates_of, is_hessian_norm, measured_products
from opcompiler.execution.norms import PointFunction, measured_norm
from opcompiler.execution.operator import CompiledOperator, require_operator
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.law import Auto, Law, Pilot
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Plan
from opcompiler.ir.scheme import Exact, Scheme, Stochastic
from opcompiler.ir.strategy import Alternative
from opcompiler.ir.variance import Quantity, Tensor, VarianceNorm
from opcompiler.planning.sampling.auto import norms_of, weighed_laws

__all__ = ["LawAtPilot", "PilotStudy", "pilot"]

Measured: TypeAlias = Mapping[VarianceNorm, tuple[float, float]]
"""Mean of each norm with its standard error."""

_ENTRIES = 8
"""Fields of more entries are measured along one random combination of them per point."""

_MOST_SAMPLES = 2**16


@dataclass(frozen=True, slots=True)
class LawAtPilot:
    """One law at the number of samples of the recommended scheme.

    Attributes:
        law: how directions are drawn.
        standard_error: root mean square over the points and contractions; None where no formula is known.
        cost: estimated time per point, relative to the recommended scheme.
    """

    law: Law
    standard_error: float | None
    cost: float


@dataclass(frozen=True, slots=True)
class PilotStudy:
    """What a pilot found.

    Attributes:
        norms: the measured norms, for `laws.Auto(norms)`.
        errors: (name of the norm, standard error of its mean).
        scheme: recommended: `Exact()` where that is no more work than the estimate, else a `Stochastic` scheme of the
            law of least variance × cost.
        law: that law; None for an exact scheme.
        standard_error: predicted for the scheme, root mean square over the points; None where no formula is known.
        laws: all valid laws at that number of samples, by variance × cost.
    """

    norms: Pilot
    errors: tuple[tuple[str, float], ...]
    scheme: Scheme
    law: Law | None
    standard_error: float | None
    laws: tuple[LawAtPilot, ...]

    def __str__(self) -> str:
        """Return the recommendation and a table of norms and laws."""
        errors = dict(self.errors)
        chosen = "Exact()"
        if isinstance(self.scheme, Stochastic):
            chosen = f"{self.scheme.samples} samples of {self.law!r}"
        lines = [f"{chosen}: standard error {_number(self.standard_error)}"]
        lines += [f"  {name} = {float(value):.4g} ± {errors[name]:.2g}" for name, value in self.norms.norms]
        width = max((len(repr(row.law)) for row in self.laws), default=0)
        lines += [
            f"  {row.law!r:{width}}  standard error {_number(row.standard_error)}, cost {row.cost:.2f}"
            for row in self.laws
        ]
        return "\n".join(lines)


def pilot(
    operator: CompiledOperator,
    u: Callable[..., Any] | Mapping[str, Callable[..., Any]],
    *points: Any,
    key: jax.Array | None = None,
    target: float | None = None,
    probes: int = 256,
    aux: Any = None,
    parameters: Mapping[str, Any] | None = None,
) -> PilotStudy:
    """Measure what the variance of estimates depends on, at a few points, and recommend a scheme.

    The norms are unbiased estimates by nested forward differentiation along random directions, averaged over the
    points. A pilot with a network early in training says little about a late one; it is quick to repeat.

    Args:
        operator: exact or stochastic; the scheme of a stochastic one gives the number of samples, the spaces and the
            other options of the recommendation.
        u: as for the operator.
        points: as for the operator; four to ten of them are enough.
        key: for the directions.
        target: standard error that the estimate at one point shall have; chooses the number of samples.
        probes: random products per norm and point.
        aux: as for the operator.
        parameters: as for the operator; only those that span subspaces are needed.

    Raises:
        opcompiler.errors.OperatorNameError: a parameter that spans a subspace has no value.
        opcompiler.errors.ArgumentTypeError: no key, `target` is not positive, fewer than two probes, or no operator.
        opcompiler.errors.ShapeError: no points.
        opcompiler.errors.LimitError: the target takes more than 65 536 samples.
    """
    require_operator(operator)
    if target is not None and not (isinstance(target, (int, float)) and target > 0):
        raise ArgumentTypeError(f"target={target!r}", hint="the standard error to be reached, a positive number")
    if type(probes) is not int or probes < 2:
        raise ArgumentTypeError(f"probes={probes!r}", hint="at least two random products")
    call = operator.bound(u, *points, aux=aux, parameters=parameters, complete=False)
    keys = key_per_point(key, call.batch_shape)
    if call.batch == 0:
        raise ShapeError("there are no points to measure norms at", hint=f"the batch shape is {call.batch_shape}")
    profile = operator.plan_of(call).profile
    normal_form = operator.plan.normal_form
    asked = operator.plan.scheme if isinstance(operator.plan.scheme, Stochastic) else Stochastic()
    scheme = replace(asked, law=Auto())
    for _, name in scheme.subspace:
        if name not in call.parameters:
            raise OperatorNameError(f"the parameter {name} has no value", hint=f'pass parameters={{"{name}": …}}')
    norms = [n for n in norms_of(weighed_laws(normal_form, scheme, lambda _: 1)) if isinstance(n, Quantity)]
    measured = _measured([norm for norm in norms if _measurable(norm)], normal_form.declarations, call, keys, probes)
    names = {str(norm): mean for norm, (mean, _) in measured.items()}
    found = Pilot(tuple((name, Fraction(f"{value:.15g}")) for name, value in names.items()))
    scheme = replace(scheme, law=Auto(found))
    if target is not None:
        scheme = replace(scheme, samples=_samples(normal_form, scheme, profile, measured, target))
    errors = tuple((str(norm), error) for norm, (_, error) in measured.items())
    return _recommended(normal_form, scheme, profile, found, errors, measured)


def _recommended(
    normal_form: NormalForm,
    scheme: Stochastic,
    profile: NetworkProfile,
    found: Pilot,
    errors: tuple[tuple[str, float], ...],
    measured: Measured,
) -> PilotStudy:
    plan = planning.plan(normal_form, scheme, profile)
    if plan.sampling is None or any(_is_no_dearer(way, plan) for way in plan.alternatives):
        return PilotStudy(found, errors, Exact(), None, 0.0, ())
    rows = []
    for weighed in weighed_laws(normal_form, scheme, lambda _: 1):
        own = planning.plan(normal_form, replace(scheme, law=Auto(found, weighed.law)), profile)
        error = None if weighed.variance is None else math.sqrt(max(weighed.variance, 0.0))
        cost = _work(own) / max(_work(plan), 1)
        rows.append((LawAtPilot(weighed.law, error, cost), weighed.sampling))
    law = next((row.law for row, sampling in rows if sampling == plan.sampling), None)
    rows.sort(
        key=lambda pair: math.inf if pair[0].standard_error is None else pair[0].standard_error ** 2 * pair[0].cost
    )
    return PilotStudy(
        found, errors, scheme, law, _standard_error(normal_form, scheme, profile, measured), tuple(r for r, _ in rows)
    )


def _is_no_dearer(way: Alternative, plan: Plan) -> bool:
    """Whether an exact way takes no more work than the estimate, as reports on the plan have it."""
    return not way.chosen and way.cost is not None and way.cost.time <= _work(plan)


def _work(plan: Plan) -> int:
    """Return the estimated time per point with drawing and repeats, as reports on the plan have it."""
    estimated = next(own.cost for own in plan.alternatives if own.chosen)
    assert estimated is not None
    return estimated.time


def _standard_error(
    normal_form: NormalForm, scheme: Stochastic, profile: NetworkProfile, measured: Measured
) -> float | None:
    """Return √Σ over the contractions of the variance, 0 where nothing is sampled, None where it is not known."""
    formulas = planning.plan(normal_form, scheme, profile).variance
    values = {norm: mean for norm, (mean, _) in measured.items()}
    if any(not formula.known or not set(formula.norms) <= set(values) for formula in formulas):
        return None
    return math.sqrt(max(sum(formula.value(values) for formula in formulas), 0.0))


def _samples(
    normal_form: NormalForm, scheme: Stochastic, profile: NetworkProfile, measured: Measured, target: float
) -> int:
    """Return the smallest number of samples with at most the target as standard error."""

    def reached(samples: int) -> bool:
        error = _standard_error(normal_form, replace(scheme, samples=samples), profile, measured)
        if error is None:
            raise ArgumentTypeError(
                "the variance of this estimate has no formula, and no number of samples follows from a target",
                hint="leave the target out, and look at operator.estimate(…).standard_error",
            )
        return error <= target

    high = 1
    while not reached(high):
        if high >= _MOST_SAMPLES:
            raise LimitError(f"a standard error of {target:g} takes more than {_MOST_SAMPLES} samples")
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


# --- measuring --------------------------------------------------------------------------------------------------


def _measurable(norm: Quantity) -> bool:
    return bool(norm.left.field) and bool(norm.right.field)


def _measured(
    norms: Sequence[Quantity], declarations: Declarations, call: BoundCall, keys: jax.Array, probes: int
) -> Measured:
    """Return mean over the points and standard error of every norm, summed over the entries of its field."""
    pairs = list(dict.fromkeys((norm.left, norm.right) for norm in norms if is_hessian_norm(norm)))
    others = [norm for norm in norms if not is_hessian_norm(norm)]
    dims = {space.name: math.prod(space.shape) for space in declarations.spaces}

    def at_point(
        values: tuple[jax.Array, ...], aux: Any, key: jax.Array, spans: dict[str, jax.Array]
    ) -> tuple[list[HessianProducts], list[tuple[jax.Array, jax.Array]]]:
        point = {space.name: jnp.reshape(value, -1) for space, value in zip(declarations.spaces, values, strict=True)}
        products = []
        for left, right in pairs:
            # One key: a variance is a difference of norms of all pairs, whose errors must not be independent.
            parts = [
                measured_products(left, right, entry, point, jax.random.fold_in(key, part), probes, spans)
                for part, entry in enumerate(_entries(left, declarations, call, aux, key))
            ]
            products.append(HessianProducts.added(parts))
        found = []
        for number, norm in enumerate(others):
            own = jax.random.fold_in(key, number)
            parts = [
                measured_norm(norm, entry, point, jax.random.fold_in(own, part), probes, spans)
                for part, entry in enumerate(_entries(norm.left, declarations, call, aux, own))
            ]
            found.append((sum(mean for mean, _ in parts), jnp.sqrt(sum(error**2 for _, error in parts))))
        return products, found

    if not norms:
        return {}
    values = tuple(point.value for point in call.points)
    wanted = {tensor.complement for norm in norms for tensor in (norm.left, norm.right)}
    spans = {name: parameter for name, parameter in call.parameters.items() if name in wanted}
    rows = {name: parameter.value for name, parameter in spans.items()}
    measure = at_point
    if call.batch is not None:
        axes = tuple(0 if point.batched else None for point in call.points)
        by_point = {name: 0 if parameter.batched else None for name, parameter in spans.items()}
        measure = jax.vmap(at_point, in_axes=(axes, None if call.aux is None else 0, 0, by_point))
    products, found = jax.jit(measure)(values, call.aux, keys, rows)
    result: dict[VarianceNorm, tuple[float, float]] = {}
    for (left, right), measured in zip(pairs, products, strict=True):
        dim = coordinates_of(left, dims[left.space])
        result |= {
            n: measured.averaged().norm(n, dim)
            for n in norms
            if is_hessian_norm(n) and (n.left, n.right) == (left, right)
        }
    for norm, (mean, error) in zip(others, found, strict=True):
        value = float(np.mean(np.asarray(mean, np.float64)))
        result[norm] = (_squared_norm(norm, value), float(np.linalg.norm(np.asarray(error))) / np.size(mean))
    return result


def _squared_norm(norm: Quantity, value: float) -> float:
    """Return the value; a sum of squares is estimated by products and must not come out negative."""
    alone = [p for p, q in norm.blocks if not q], [q for p, q in norm.blocks if not p]
    is_square = norm.left == norm.right and sorted(alone[0]) == sorted(alone[1])
    return max(value, 0.0) if is_square and all(p == q for p, q in norm.blocks if p and q) else value


def _entries(
    tensor: Tensor, declarations: Declarations, call: BoundCall, aux: Any, key: jax.Array
) -> list[Callable[[Tensor], PointFunction]]:
    """Return, for each real entry of the field, how a tensor's entry is evaluated at a point.

    A field of many entries is represented by a combination of them with random signs, whose square has the sum of
    squares as its mean.
    """
    arguments = [jax.ShapeDtypeStruct(space.shape, call.dtype) for space in declarations.spaces]
    value = jax.eval_shape(lambda *point: _field(tensor, declarations, call, aux)(*point), *arguments)
    size, is_complex = math.prod(value.shape), jnp.issubdtype(value.dtype, jnp.complexfloating)
    if size <= _ENTRIES:
        combinations: list[Any] = [jnp.arange(size) == entry for entry in range(size)]
    else:
        combinations = [jax.random.rademacher(jax.random.fold_in(key, 0x5167), (size,))]

    def evaluated(combination: Any, part: Callable[[jax.Array], jax.Array]) -> Callable[[Tensor], PointFunction]:
        def of_tensor(tensor: Tensor) -> PointFunction:
            function = _field(tensor, declarations, call, aux)

            def at(point: dict[str, jax.Array]) -> jax.Array:
                given = [jnp.reshape(point[space.name], space.shape) for space in declarations.spaces]
                flat = jnp.reshape(part(function(*given)), -1)
                return jnp.sum(flat * combination.astype(flat.dtype))

            return at

        return of_tensor

    parts: list[Callable[[jax.Array], jax.Array]] = [jnp.real, jnp.imag] if is_complex else [jnp.real]
    return [evaluated(combination, part) for combination in combinations for part in parts]


def _field(tensor: Tensor, declarations: Declarations, call: BoundCall, aux: Any) -> Callable[..., jax.Array]:
    """Return the field of a tensor, or the entry of it that the tensor names, as a function of one point."""
    names = list(call.u) if isinstance(call.u, Mapping) else [field.name for field in declarations.fields]
    number = names.index(tensor.field)
    fields = declared_fields(call.u, declarations, call.dtype)

    def value(*point: jax.Array) -> jax.Array:
        whole = fields(*point, *(() if aux is None else (aux,)))[number]
        return whole if tensor.component is None else whole[tensor.component]

    return value


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3g}"
