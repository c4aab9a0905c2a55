"""From a normal form to a random normal form whose mean it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from opcompiler.errors import OperatorNameError, ShapeError, UnsupportedError
from opcompiler.ir.coefficient import ONE
from opcompiler.ir.declarations import Declarations, ParameterDeclaration
from opcompiler.ir.head import Components, ContractionValue, Head, HeadSum, HeadSumOver, Output
from opcompiler.ir.kinds import instances
from opcompiler.ir.law import Coordinates, Frame, Gaussian, IndependentPair, Law, Orthogonal, Terms
from opcompiler.ir.normal_form import Contraction, FreeIndex, NormalForm
from opcompiler.ir.sampling import Sampling
from opcompiler.ir.scheme import Stochastic
from opcompiler.ir.symbol import Symbol
from opcompiler.planning.sampling.draws import DrawRequest, Draws
from opcompiler.planning.sampling.estimators import random_symbol, second_moment
from opcompiler.planning.sampling.formulas import variance_formulas
from opcompiler.planning.sampling.heads import HeadRewriter, Paired, Used
from opcompiler.planning.sampling.parts import SampledContraction, concrete_law, taken_apart
from opcompiler.planning.sampling.terms import random_term

__all__ = ["random_normal_form", "sampled_spaces"]


def random_normal_form(normal_form: NormalForm, scheme: Stochastic) -> Sampling | None:
    """Return the random normal form of a scheme, None where nothing is sampled.

    Raises:
        OperatorNameError: `over` names an unknown space.
        UnsupportedError: the law has no estimator for a part of the operator, or an estimate enters a function that is
            no polynomial.
        LimitError: too many terms or factors.
    """
    spaces = sampled_spaces(normal_form.declarations, scheme)
    if not spaces:
        return None
    apart = taken_apart(normal_form, scheme, spaces)
    labels = _labels(normal_form)
    needed: Used = {}
    for output in normal_form.outputs:
        rewriter = HeadRewriter(_Values(normal_form, scheme, spaces, apart, {}), labels)
        _, used = rewriter.output(output.body, {})
        needed = {space: max(needed.get(space, 0), used.get(space, 0)) for space in {**needed, **used}}
    if not needed:
        return None
    values = _Values(normal_form, scheme, spaces, apart, needed)
    rewriter = HeadRewriter(values, labels)
    outputs = tuple(
        Output(rewriter.output(output.body, needed)[0], output.labels, output.shape) for output in normal_form.outputs
    )
    return values.sampling(outputs)


def sampled_spaces(declarations: Declarations, scheme: Stochastic) -> dict[str, int]:
    """Return the dimensions of the spaces that a scheme samples, by name.

    Raises:
        OperatorNameError: `over` names an unknown space.
    """
    dims = {space.name: space.dim for space in declarations.spaces}
    if scheme.over is None:
        return {name: dim for name, dim in dims.items() if dim > scheme.samples}
    for name in scheme.over:
        if name not in dims:
            raise OperatorNameError(f"{name} is no declared space", hint=f"declared: {', '.join(dims)}")
    return {name: dim for name, dim in dims.items() if name in scheme.over}


def given_subspaces(declarations: Declarations, scheme: Stochastic) -> dict[str, tuple[str, int]]:
    """Return (parameter, number of its rows) of the subspaces along which nothing is drawn, by space.

    Raises:
        OperatorNameError: there is no such space or parameter.
        ShapeError: the parameter has not the shape (r, dim of the space), r ≤ dim.
        UnsupportedError: it has its value already, or the law draws terms.
    """
    dims = {space.name: space.dim for space in declarations.spaces}
    parameters = {parameter.name: parameter for parameter in declarations.parameters}
    found: dict[str, tuple[str, int]] = {}
    for space, name in scheme.subspace:
        if space not in dims:
            raise OperatorNameError(f"{space} is no declared space", hint=f"declared: {', '.join(dims)}")
        if name not in parameters:
            hint = f'declare it: parameters={{"{name}": Runtime((8, {dims[space]}))}}'
            raise OperatorNameError(f"{name} is no declared parameter", hint=hint)
        shape = parameters[name].shape
        if len(shape) != 2 or shape[1] != dims[space] or not 1 <= shape[0] <= dims[space]:
            raise ShapeError(
                f"{name} has shape {shape}; rows that span a subspace of {space} have shape (r, {dims[space]})",
                hint=f"1 ≤ r ≤ {dims[space]}",
            )
        if parameters[name].value is not None:
            raise UnsupportedError(
                f"the parameter {name} spans a subspace and has its value already",
                hint=f'give it at call: parameters={{"{name}": Runtime({shape})}}',
            )
        if isinstance(scheme.law, Terms):
            raise UnsupportedError("Terms() draws no directions beside a subspace", hint="leave the law out")
        found[space] = (name, shape[0])
    return found


class _Values:
    """Turns contractions into contractions of the random normal form, each made when it is first needed."""

    def __init__(
        self,
        normal_form: NormalForm,
        scheme: Stochastic,
        spaces: Mapping[str, int],
        apart: tuple[SampledContraction, ...],
        copies: Used,
    ) -> None:
        self.normal_form = normal_form
        self.scheme = scheme
        self.sampled = spaces
        self.apart = apart
        self.draws = Draws(
            normal_form.declarations.spaces,
            scheme.samples,
            copies,
            scheme.replace,
            given_subspaces(normal_form.declarations, scheme),
        )
        self.contractions: list[Contraction] = []
        self.weighted: dict[int, str] = {}
        self.parameters: dict[str, str] = {}

    def spaces(self, number: int) -> frozenset[str]:
        """Return the spaces whose draws the estimate of a contraction uses."""
        return self.apart[number].spaces

    def value(self, value: ContractionValue, base: Used) -> Head:
        """Return the estimate of a contraction from the copies number `base[space]` of its draws."""
        numbers = self._numbers(self.normal_form.contractions[value.number], self.apart[value.number], base)
        heads = tuple(ContractionValue(number, value.indices) for number in numbers)
        return heads[0] if len(heads) == 1 else HeadSum(heads)

    def free_space(self, number: int, position: int, size: int) -> str | None:
        """Return the sampled space that an index of a contraction differentiates along, if it is one."""
        contraction = self.normal_form.contractions[number]
        axis = position - self._component_axes(contraction)
        if axis < 0:
            return None
        index = contraction.free[axis]
        is_sampled = index.power == 1 and self.sampled.get(index.space) == size and not self.apart[number].groups
        return index.space if is_sampled else None

    def paired(self, number: int, position: int, base: Used, symbol_base: Used) -> tuple[Paired, ...]:
        """Return contractions along given and along drawn directions instead of the index at a position."""
        contraction = self.normal_form.contractions[number]
        axis = position - self._component_axes(contraction)
        space = contraction.free[axis].space
        request = DrawRequest(space, _isotropic(self.scheme.law), base.get(space, 0))
        drawn = self.draws.complement(request)
        pairs: list[Paired] = []
        for draw in (self.draws.given(request), None if drawn is None else self.draws.draw(drawn)):
            if draw is None:
                continue
            free = (*contraction.free[:axis], FreeIndex(draw.space), *contraction.free[axis + 1 :])
            (new,) = self._numbers(replace(contraction, free=free), self.apart[number], symbol_base)
            name = f"directions of {draw.space}"
            self.parameters[name] = draw.space
            pairs.append(Paired(name, draw.directions, second_moment(draw), new))
        return tuple(pairs)

    def sampling(self, outputs: tuple[Output, ...]) -> Sampling:
        """Return what has been collected."""
        declarations = self.normal_form.declarations
        draws = {draw.space: draw for draw in self.draws.all}
        parameters = tuple(
            ParameterDeclaration(name, (draws[space].directions, self.sampled[draws[space].of]))
            for name, space in self.parameters.items()
        )
        extended = replace(
            declarations,
            spaces=declarations.spaces + self.draws.drawn_spaces,
            parameters=declarations.parameters + parameters,
        )
        random = replace(
            self.normal_form, declarations=extended, contractions=tuple(self.contractions), outputs=outputs
        )
        return Sampling(
            normal_form=random,
            draws=self.draws.all,
            repeats=self.draws.repeats,
            weighted=tuple(self.weighted.items()),
            parameters=tuple(self.parameters.items()),
            variance=variance_formulas(self.normal_form, self.apart, self.scheme.law, self.draws),
        )

    def _component_axes(self, contraction: Contraction) -> int:
        if contraction.component is not None:
            return 0
        return len(self.normal_form.declarations.field(contraction.field).shape)

    def _numbers(self, contraction: Contraction, apart: SampledContraction, base: Used) -> list[int]:
        """Return the contractions of the random normal form that add up to the estimate of a contraction."""
        copies = dict(base)
        symbol = apart.exact
        for part in apart.parts:
            estimate = random_symbol(part, concrete_law(self.scheme.law, part), self.draws, copies)
            symbol = symbol + Symbol.from_terms({part.rest: ONE}) * estimate
        numbers: list[int] = []
        if symbol or not apart.groups:
            numbers.append(self._number(replace(contraction, symbol=symbol), None))
        for group in apart.groups:
            law = self.scheme.law if isinstance(self.scheme.law, Terms) else Terms()
            term, draw = random_term(group, law, self.draws, copies)
            numbers.append(self._number(replace(contraction, symbol=term), draw.space))
        return numbers

    def _number(self, contraction: Contraction, weight: str | None) -> int:
        for number, known in enumerate(self.contractions):
            if known == contraction and self.weighted.get(number) == weight:
                return number
        number = len(self.contractions)
        self.contractions.append(contraction)
        if weight is not None:
            self.weighted[number] = weight
        return number


def _isotropic(law: Law) -> Law:
    """Return the law of directions that resolve the identity, E Σ v vᵀ ∝ I, nearest to the law asked for."""
    match law:
        case IndependentPair():
            return Gaussian()
        case Terms():
            return Coordinates()
        case Frame():
            return Orthogonal()
        case _:
            return concrete_law(law, None)


def _labels(normal_form: NormalForm) -> set[str]:
    labels = {label for output in normal_form.outputs for label, _ in output.labels}
    for part in instances(normal_form.outputs):
        if isinstance(part, HeadSumOver | Components):
            labels.add(part.label)
    return labels
