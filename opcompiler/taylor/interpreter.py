"""The interpreter: a jaxpr on series instead of arrays.

Every equation whose inputs are plain is bound as it is; an equation with a series among its inputs goes to its rule,
or to the recursion on `jax.jvp` if there is none. The jaxpr of an already batched function is interpreted as it
stands: batch axes are ordinary axes of the primal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from opcompiler.errors import UnsupportedError
from opcompiler.taylor import jaxpr as jx
from opcompiler.taylor.demand import Elements
from opcompiler.taylor.registry import CONSTANT, RULES, SOURCES, Application
from opcompiler.taylor.seeds import Seed
from opcompiler.taylor.series import Series, constant, is_series, restricted, simplified
from opcompiler.taylor.structure import Structure

__all__ = ["Interpreter"]


@dataclass
class Interpreter:
    """Evaluates jaxprs over one algebra.

    Attributes:
        structure: the algebra.
        recombined: axes whose directions are recombined somewhere.
    """

    structure: Structure
    recombined: frozenset[int] = frozenset()

    def run(self, closed: Any, inputs: Sequence[Any], needed: Sequence[Elements]) -> list[Any]:
        """Return the outputs of the jaxpr, with the `needed` elements of each; inputs are series or plain arrays."""
        jaxpr = jx.open_jaxpr(closed)
        per_equation, _ = self.demands(closed, [is_series(v) for v in inputs], needed)
        environment: dict[Any, Any] = dict(zip(jaxpr.constvars, jx.constants(closed), strict=True))
        environment.update(zip(jaxpr.invars, inputs, strict=True))

        def read(atom: Any) -> Any:
            return jx.literal(atom) if jx.is_literal(atom) else environment[atom]

        for equation, wanted in zip(jaxpr.eqns, per_equation, strict=True):
            if not any(wanted) and not equation.effects:
                continue
            with jx.located(equation):
                results = self.apply(equation, [read(a) for a in equation.invars], wanted)
            environment.update(zip(equation.outvars, results, strict=True))
        return [read(a) for a in jaxpr.outvars]

    def apply(self, equation: jx.Equation, inputs: Sequence[Any], needed: tuple[Elements, ...]) -> list[Any]:
        """Return the results of one equation."""
        name = equation.primitive.name
        if name in SOURCES:
            return [simplified(SOURCES[name].apply(Application(equation, needed, self), *inputs))]
        if not any(map(is_series, inputs)):
            return jx.bind(equation, *inputs)
        if name in CONSTANT or not any(n - {0} for n in needed):
            return jx.bind(equation, *map(constant, inputs))
        demanded = self._input_demand(equation, [is_series(v) for v in inputs], needed)
        inputs = [simplified(restricted(v, e)) for v, e in zip(inputs, demanded, strict=True)]
        if not any(map(is_series, inputs)):
            return jx.bind(equation, *inputs)
        self._check_directions(inputs)
        application = Application(equation, needed, self)
        if name in RULES:
            results = RULES[name].apply(application, *inputs)
        else:
            from opcompiler.taylor.fallback import by_recursion

            results = by_recursion(application, *inputs)
        results = list(results) if isinstance(results, list | tuple) else [results]
        return [simplified(r) for r in results]

    def through(
        self, function: Callable[..., Any], inputs: Sequence[Any], needed: Sequence[Elements], primals: Sequence[Any]
    ) -> list[Any]:
        """Evaluate a JAX function on series; its values are replaced by `primals`, those of the original primitive."""
        closed, _ = jx.trace(function, *map(constant, inputs))
        results = self.run(closed, inputs, needed)
        return [Series(p, r.blocks) if is_series(r) else p for p, r in zip(primals, results, strict=True)]

    def demands(
        self, closed: Any, active: Sequence[bool], needed: Sequence[Elements]
    ) -> tuple[list[tuple[Elements, ...]], list[Elements]]:
        """Return what is needed of the results of every equation, and of the inputs of the jaxpr."""
        jaxpr = jx.open_jaxpr(closed)
        activity = self._activity(jaxpr, active)
        demanded: dict[Any, Elements] = {}

        def demand(atom: Any, elements: Elements) -> None:
            if not jx.is_literal(atom):
                demanded[atom] = demanded.get(atom, frozenset()) | elements

        for atom, elements in zip(jaxpr.outvars, needed, strict=True):
            demand(atom, elements | {0})
        per_equation: list[tuple[Elements, ...]] = []
        for equation in reversed(jaxpr.eqns):
            wanted = tuple(demanded.get(v, frozenset()) for v in equation.outvars)
            per_equation.append(wanted)
            if any(wanted) or equation.effects:
                flags = [not jx.is_literal(a) and a in activity for a in equation.invars]
                for atom, elements in zip(equation.invars, self._input_demand(equation, flags, wanted), strict=True):
                    demand(atom, elements)
        return per_equation[::-1], [demanded.get(v, frozenset()) for v in jaxpr.invars]

    def _check_directions(self, inputs: Sequence[Any]) -> None:
        """Refuse original directions of an axis beside recombined ones: their numbers do not correspond.

        Raises:
            UnsupportedError: they occur.
        """
        for axis in self.recombined:
            families = [k for k in range(1, self.structure.size) if self.structure.axes[k] == axis]
            blocks = [v.block(k) for v in inputs if is_series(v) for k in families]
            rows = {b.directions if isinstance(b, Seed) else b.shape[0] for b in blocks if b is not None}
            if len(rows) > 1:
                raise UnsupportedError(
                    f"the directions of axis {axis} were recombined, and are used elsewhere",
                    hint="recombine them wherever the argument enters",
                )

    def _input_demand(
        self, equation: jx.Equation, active: Sequence[bool], wanted: tuple[Elements, ...]
    ) -> Iterable[Elements]:
        name = equation.primitive.name
        if name in CONSTANT or not any(active) or not any(w - {0} for w in wanted):
            return [frozenset({0})] * len(active)
        rule = SOURCES.get(name) or RULES.get(name)
        if rule is not None:
            elements = rule.demand(self, equation, active, wanted)
        else:
            elements = [self.structure.closure(frozenset().union(*wanted))] * len(active)
        return [e | {0} for e in elements]

    def _activity(self, jaxpr: Any, active: Sequence[bool]) -> set[Any]:
        activity = {v for v, is_active in zip(jaxpr.invars, active, strict=True) if is_active}
        for equation in jaxpr.eqns:
            if equation.primitive.name not in CONSTANT and any(
                not jx.is_literal(a) and a in activity for a in equation.invars
            ):
                activity.update(equation.outvars)
        return activity
