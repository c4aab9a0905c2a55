"""`CompiledOperator`: a plan that can be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from opcompiler import planning
from opcompiler.errors import ArgumentTypeError, OperatorNameError
from opcompiler.execution.arguments import BoundCall, bind
from opcompiler.execution.cache import points_of_value
from opcompiler.execution.control import Control, bound_control
from opcompiler.execution.network import network_profile
from opcompiler.execution.replicates import Estimate, estimate, evaluated, keys_of
from opcompiler.ir.display import rendered
from opcompiler.ir.network import NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Plan
from opcompiler.ir.schedule import parse_bytes
from opcompiler.ir.scheme import Exact
from opcompiler.planning.schedule import Load, schedule_of

__all__ = ["CompiledOperator", "lower", "require_operator"]


@dataclass(frozen=True)
class CompiledOperator:
    """An operator as a function of (u, points): immutable, hashable, a static (leafless) pytree.

    It never jits and never remembers u; wrap the code that calls it in `jax.jit`.

    Attributes:
        plan: how it is computed, assuming nothing of u.
        functions: the coefficient functions known so far, by name.
        pinned: whether `plan` runs for every u, as after `lower(plan)`, instead of `plan_for(u, …)`.
    """

    plan: Plan
    functions: tuple[tuple[str, Callable[..., Any]], ...] = ()
    pinned: bool = field(default=False, compare=False)

    def __call__(
        self,
        u: Callable[..., Any] | Mapping[str, Callable[..., Any]],
        *points: Any,
        aux: Any = None,
        parameters: Mapping[str, Any] | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        key: jax.Array | None = None,
        control: Control | None = None,
    ) -> Any:
        """Evaluate the operator on u at points.

        An argument's batch shape is its shape minus its declared point shape. All non-empty batch shapes must be
        equal; an empty one is shared by all points; nothing broadcasts.

        Args:
            u: a JAX function of ONE point, with one positional argument per space in declared order (and the extra
                argument `aux` of that point, if given). With several fields: a mapping name → function, or one
                function that returns all of them (mapping, or tuple in declared order), which is evaluated once.
            points: one floating-point array per space, shaped batch + point shape.
            aux: a pytree whose leaves carry the batch axes in front; not differentiated.
            parameters: values of the parameters declared None or `Runtime`, each of its declared shape, optionally
                with the batch shape in front.
            functions: callables of the coefficient functions declared None.
            key: what a stochastic operator draws from: one key, or an array of keys of the batch shape. With one key
                the draws at point i of a batch (flat index) are those of the point alone with
                `jax.random.fold_in(key, i)`. An exact operator draws nothing and ignores it.
            control: an earlier function with its exact value at these points, from `op.control`: the result is
                r̂[u] + (r[v] − r̂[v]) with the same directions for both, unbiased, and of small variance where u is
                near v. The second part is not differentiated. An exact operator ignores it.

        Returns:
            A value shaped batch + field axes + derivative axes; for a sequence of texts a tuple of them, for a
            mapping a dict. One constant-coefficient linear operator of one scalar field maps over any pytree that u
            returns.

        Raises:
            opcompiler.errors.ShapeError: shapes that do not fit the declarations or each other (a `ValueError`).
            opcompiler.errors.ArgumentTypeError: integer or complex points, a wrong number of them (a `TypeError`).
            opcompiler.errors.OperatorNameError: a missing or unknown parameter, function or field (a `NameError`).
        """
        call = self.bound(u, *points, aux=aux, parameters=parameters, functions=functions, control=control)
        # A missing key is an error before anything is traced.
        keys = keys_of(self.plan, call, key)
        return evaluated(self.plan_of(call), call, keys)

    def estimate(
        self,
        u: Callable[..., Any] | Mapping[str, Callable[..., Any]],
        *points: Any,
        aux: Any = None,
        parameters: Mapping[str, Any] | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        key: jax.Array | None = None,
        repeats: int = 8,
        control: Control | None = None,
    ) -> Estimate:
        """Return the mean of independent evaluations with its standard error.

        Evaluation r of a point draws with `fold_in(k, r)`, where k is the key that a plain call draws with at this
        point. One plain call has √repeats times the standard error. An exact operator is evaluated once, without error.

        Args:
            u: as for a call.
            points: as for a call.
            aux: as for a call.
            parameters: as for a call.
            functions: as for a call.
            key: as for a call.
            repeats: number of evaluations.
            control: as for a call.

        Raises:
            opcompiler.errors.ArgumentTypeError: fewer than two repeats, or what a call refuses.
        """
        call = self.bound(u, *points, aux=aux, parameters=parameters, functions=functions, control=control)
        keys = keys_of(self.plan, call, key)
        return estimate(self.plan_of(call), call, keys, repeats)

    def control(
        self,
        u: Callable[..., Any] | Mapping[str, Callable[..., Any]],
        *points: Any,
        aux: Any = None,
        parameters: Mapping[str, Any] | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> Control:
        """Return a function, frozen, with the value of the exact operator on it: `control=` of later calls.

        What is exact is computed once, and serves all calls at the same points while the function that is trained
        stays near this one. Arguments and errors are those of a call.

        Raises:
            opcompiler.errors.LimitError: the exact operator is too large.
        """
        exact = replace(self, plan=_exactly(self.plan.normal_form), pinned=False)
        value = exact(u, *points, aux=aux, parameters=parameters, functions=functions)
        return Control(u, jax.lax.stop_gradient(value))

    def plan_for(
        self,
        u: Callable[..., Any] | Mapping[str, Callable[..., Any]],
        *points: Any,
        aux: Any = None,
    ) -> Plan:
        """Return the plan that `op(u, *points, aux=aux)` runs, made with what the jaxpr of u shows."""
        return self.plan_of(self.bound(u, *points, aux=aux, complete=False))

    def bound(
        self,
        u: Callable[..., Any] | Mapping[str, Callable[..., Any]],
        *points: Any,
        aux: Any = None,
        parameters: Mapping[str, Any] | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        complete: bool = True,
        control: Control | None = None,
    ) -> BoundCall:
        """Return the arguments of a call, checked and flattened; see `__call__` for what is refused."""
        declarations = self.plan.normal_form.declarations
        call = bind(declarations, dict(self.functions), u, points, aux, parameters, functions, complete=complete)
        if control is not None and not isinstance(control, Control):
            raise ArgumentTypeError(f"control is {type(control).__name__}", hint="op.control(v, *points), or None")
        if control is None or self.plan.sampling is None:
            return call
        if control.value is None:
            control = self.control(control.u, *points, aux=aux, parameters=parameters, functions=functions)
        other = bind(declarations, dict(self.functions), control.u, points, aux, parameters, functions)
        return replace(call, control=bound_control(other, self.plan_of(other), control.value))

    def __hash__(self) -> int:
        """Hash once: a plan is a large nested value and `jax.jit` asks often."""
        known = self.__dict__.get("_hash")
        if known is None:
            known = hash((self.plan, self.functions))
            object.__setattr__(self, "_hash", known)
        return known

    def __getstate__(self) -> dict[str, Any]:
        """Leave the hash behind: hashes of strings differ between processes."""
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    def __repr__(self) -> str:
        """Return the operator as it was read, with its spaces."""
        normal_form = self.plan.normal_form
        written = "; ".join(normal_form.written) or f"{len(normal_form.outputs)} outputs"
        spaces = ", ".join(f"{s.name}: {s.shape}" if s.shape else s.name for s in normal_form.declarations.spaces)
        return f"<CompiledOperator {written} over {spaces}>"

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows: the report on the plan."""
        return rendered(self.plan, "html")

    def _repr_latex_(self) -> str | None:
        """Return what a notebook shows where it prefers formulas."""
        return rendered(self.plan, "latex")

    def plan_of(self, call: BoundCall, *, undivided: bool = False) -> Plan:
        """Return the plan that a call runs.

        Args:
            call: the arguments.
            undivided: leave points together unless the scheme divides them; for callers that do so themselves.

        Raises:
            LimitError: it does not fit the budget of the scheme.
        """
        if self.pinned:
            return _scheduled(self.plan, call, [self.plan.profile] * len(self.plan.separate), undivided)
        spaces = self.plan.normal_form.declarations.spaces
        points = [
            jax.ShapeDtypeStruct(space.shape, point.value.dtype)
            for space, point in zip(spaces, call.points, strict=True)
        ]
        leading = int(call.batch is not None)
        aux = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[leading:], leaf.dtype), call.aux)
        if not isinstance(call.u, Mapping):
            plan = _replanned(self.plan, network_profile(call.u, spaces, points, aux), *_setting(call))
            return _scheduled(plan, call, [plan.profile] * len(plan.separate), undivided)
        separate, certificates, profiles = [], [], []
        for position, propagation in enumerate(self.plan.separate):
            (name,) = propagation.fields
            profile = network_profile(call.u[name], spaces, points, aux)
            own = _replanned(self.plan, profile, *_setting(call), directed=self.plan.directing is not None)
            separate.append(own.separate[position])
            certificates.append(own.field_certificates[position])
            profiles.append(own.profile)
        plan = replace(self.plan, separate=tuple(separate), field_certificates=tuple(certificates))
        return _scheduled(plan, call, profiles, undivided)


def _scheduled(plan: Plan, call: BoundCall, profiles: Sequence[NetworkProfile], undivided: bool) -> Plan:
    """Add the steps of the call; `profiles` belong to the callables of the fields, if there are several."""
    if not isinstance(plan.scheme, Exact):
        return plan
    if isinstance(call.u, Mapping):
        evaluated = tuple(zip(plan.separate, profiles, strict=True))
    else:
        evaluated = ((plan.joint, plan.profile),)
    load = Load(evaluated, plan.normal_form, jnp.dtype(call.dtype).itemsize, call.batch or 1, directing=plan.directing)
    memory, chunk = plan.scheme.memory, plan.scheme.chunk
    if memory is None and chunk is None and not undivided:
        chunk = points_of_value(load)
    return replace(plan, schedule=schedule_of(load, None if memory is None else parse_bytes(memory), chunk))


def require_operator(value: Any) -> None:
    """Refuse what is no compiled operator.

    Raises:
        ArgumentTypeError: a text, for instance.
    """
    if not isinstance(value, CompiledOperator):
        raise ArgumentTypeError(
            f"the operator is {type(value).__name__}, not a compiled operator", hint="pass what oc.compile(…) returns"
        )


jax.tree_util.register_static(CompiledOperator)
jax.tree_util.register_static(Plan)


def lower(
    plan: Plan, functions: Mapping[str, Callable[..., Any]] | None = None, pinned: bool = True
) -> CompiledOperator:
    """Return the operator that runs exactly this plan, whatever u is.

    Args:
        plan: what to run.
        functions: coefficient functions by name; those missing are given at call.
        pinned: False lets the operator adapt the plan to each u.

    Raises:
        OperatorNameError: a function is none of those that the plan declares.
    """
    declared = [function.name for function in plan.normal_form.declarations.functions]
    if unknown := [name for name in functions or {} if name not in declared]:
        raise OperatorNameError(
            f"{', '.join(unknown)} is no declared function", hint=f"declared: {', '.join(declared) or 'none'}"
        )
    return CompiledOperator(plan, tuple(sorted((functions or {}).items())), pinned)


@lru_cache(maxsize=64)
def _exactly(normal_form: NormalForm) -> Plan:
    """Return the exact plan of an operator."""
    return planning.plan(normal_form, Exact())


@lru_cache(maxsize=512)
def _replanned(plan: Plan, profile: NetworkProfile, device: str, precision: str, directed: bool | None = None) -> Plan:
    """Plan again for a network; a function of values only, so that remembering it remembers no u."""
    return planning.plan(
        plan.normal_form,
        plan.scheme,
        profile,
        plan.sampling,
        device=device,
        precision=precision,
        directed=directed,
    )


def _setting(call: BoundCall) -> tuple[str, str]:
    """Return the kind of device that runs the call, and the precision."""
    platform = jax.default_backend()
    return "gpu" if platform in ("cuda", "rocm") else platform, jnp.dtype(call.dtype).name
