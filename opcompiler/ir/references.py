"""Numbers and names inside a plan that refer to other parts of it: all must exist.

A plan that was made here refers to nothing else. One that was read may be damaged, and a negative number would
silently mean the last element.
"""

from __future__ import annotations

from math import prod

from opcompiler.ir.algebra import Algebra, AxisSeed, CoordinateSeed
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.directing import Directing
from opcompiler.ir.head import ContractionValue, CoordinateValue, FunctionValue, ParameterValue, PositionValue
from opcompiler.ir.kinds import instances
from opcompiler.ir.normal_form import Contraction, FreeIndex, NormalForm
from opcompiler.ir.plan import Gradient, Plan, Propagation, Readout
from opcompiler.ir.sampling import Sampling
from opcompiler.ir.space import CoordinateRange
from opcompiler.ir.symbol import PowerSum, Quadric, Xi

__all__ = ["check_references"]


def check_references(plan: Plan) -> None:
    """Raise where a part of a plan refers to something that is not there.

    Raises:
        ValueError: says what is missing.
    """
    _check_names(plan.normal_form, plan.normal_form.declarations)
    _check_normal_form(plan.normal_form)
    normal_form = plan.propagated
    if plan.sampling is not None:
        _check_names(normal_form, normal_form.declarations)
        _check_sampling(plan.sampling)
    if plan.directing is not None:
        _need(plan.sampling is None, "a plan has drawn and given directions")
        _check_names(plan.directing, normal_form.declarations)
        _check_directing(plan.directing, plan.normal_form)
    for propagation in (plan.joint, *plan.separate):
        _check_names(propagation, normal_form.declarations)
        _check_algebra(propagation.algebra)
        _check_propagation(propagation, normal_form)


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(what)


def _check_names(value: NormalForm | Propagation | Directing, declarations: Declarations) -> None:
    dims = {space.name: space.dim for space in declarations.spaces}
    fields = {field.name: field.shape for field in declarations.fields}
    parameters = {parameter.name for parameter in declarations.parameters}
    functions = {function.name for function in declarations.functions}
    if declarations.time is not None:
        space, index = declarations.time
        _need(0 <= index < dims.get(space, 0), f"there is no coordinate {index} of {space}")
    for part in instances(value):
        match part:
            case Xi(space, index) | CoordinateSeed(space=space, index=index) | CoordinateValue(space, int(index)):
                _need(0 <= index < dims.get(space, 0), f"there is no coordinate {index} of {space}")
            case CoordinateRange(space, start, stop):
                _need(
                    0 <= start < stop <= dims.get(space, 0), f"there are no coordinates {start}…{stop - 1} of {space}"
                )
            case Quadric(space, matrix):
                rows = {len(matrix), *map(len, matrix)}
                _need(rows == {dims.get(space)}, f"a matrix does not fit the space {space}")
            case PowerSum(space) | FreeIndex(space) | PositionValue(space) | CoordinateValue(space) | Gradient(space):
                _need(space in dims, f"there is no space {space}")
            case Contraction(field=field, component=component):
                _need(field in fields, f"there is no field {field}")
                shape = fields[field] if component is not None else ()
                inside = len(component or ()) == len(shape) and all(
                    0 <= index < size for index, size in zip(component or (), shape, strict=True)
                )
                _need(inside, f"the field {field} has no component {component}")
            case ParameterValue(name):
                _need(name in parameters, f"there is no parameter {name}")
            case FunctionValue(name):
                _need(name in functions, f"there is no function {name}")
            case _:
                pass


def _check_normal_form(normal_form: NormalForm) -> None:
    count = len(normal_form.contractions)
    for part in instances(normal_form.outputs):
        if isinstance(part, ContractionValue):
            _need(0 <= part.number < count, f"there is no contraction {part.number}")
    for part in instances(normal_form.scalars):
        _need(not isinstance(part, ContractionValue), "a scalar depends on a field")
    scalars = len(normal_form.scalars)
    for contraction in normal_form.contractions:
        for _, coefficient in contraction.symbol.terms:
            for monomial, _ in coefficient.terms:
                _need(all(0 <= number < scalars for number, _ in monomial), "a coefficient uses an unknown scalar")
    if normal_form.labels:
        _need(len(normal_form.labels) == len(normal_form.outputs), "labels and outputs differ in number")


def _check_sampling(sampling: Sampling) -> None:
    normal_form = sampling.normal_form
    _check_normal_form(normal_form)
    dims = {space.name: space.dim for space in normal_form.declarations.spaces}
    parameters = {parameter.name: parameter.shape for parameter in normal_form.declarations.parameters}
    drawn = {draw.space for draw in sampling.draws}
    _need(sampling.repeats > 0, "a plan is repeated less than once")
    for draw in sampling.draws:
        _need(dims.get(draw.space) == draw.directions, f"the drawn space {draw.space} is not declared so")
        _need(draw.of in dims, f"there is no space {draw.of}")
        whole = draw.dim if draw.law is None else draw.dim + draw.rank
        columns = whole if draw.rows is None else len(draw.rows[0]) if draw.rows else 0
        _need(columns == dims[draw.of] and len(draw.rows or ()) in (0, whole), "directions do not fit their space")
        if draw.subspace is None:
            _need(draw.rank == 0 and draw.law is not None, f"nothing is drawn for {draw.space}")
        else:
            shape = parameters.get(draw.subspace, ())
            spans = len(shape) == 2 and shape[1] == dims[draw.of] and draw.rank == min(shape[0], whole)
            _need(spans, f"{draw.subspace} spans no subspace of {draw.of}")
        _need(len(draw.rows or ()) == len(draw.weights or ()), "rows and weights differ in number")
        _need(len(draw.table) == len(draw.coefficients) == len(draw.probabilities), "terms differ in number")
        for term in draw.table:
            inside = len(term) == draw.directions and all(0 <= index < draw.dim for index in term)
            _need(inside, f"a term of {draw.space} does not fit its space")
    for number, space in sampling.weighted:
        _need(0 <= number < len(normal_form.contractions) and space in drawn, "a weight belongs to nothing")
    for name, space in sampling.parameters:
        _need(name in parameters and space in drawn, "a matrix of directions belongs to nothing")


def _check_directing(directing: Directing, asked: NormalForm) -> None:
    normal_form = directing.normal_form
    _check_normal_form(normal_form)
    dims = {space.name: space.dim for space in normal_form.declarations.spaces}
    asked_spaces = {space.name for space in asked.declarations.spaces}
    _need(asked_spaces <= set(dims), "a declared space is missing")
    directed = {own.space for own in directing.spaces}
    _need(set(dims) - asked_spaces == directed and not directed & asked_spaces, "directed spaces are not declared so")
    for own in directing.spaces:
        _need(dims[own.space] == own.directions, f"the directed space {own.space} is not declared so")
        _need(own.of in asked_spaces, f"there is no space {own.of}")
        parts = tuple(instances(own.rows))
        _need(not any(isinstance(part, ContractionValue) for part in parts), "a direction depends on a field")


def _check_algebra(algebra: Algebra) -> None:
    count, axes = len(algebra.elements), algebra.axes
    _need(count > 0 and algebra.elements[0].degree == 0 and algebra.elements[0].axis is None, "element 0 is no unit")
    for element in algebra.elements:
        _need(element.degree >= 0, "a degree is negative")
        _need(element.axis is None or 0 <= element.axis < len(axes), f"there is no axis {element.axis}")
    for axis in axes:
        width = sum(part.size for part in axis.ranges)
        _need(axis.matrix is None or all(len(row) == width for row in axis.matrix), "a row does not fit its axis")
    for term in algebra.table:
        _need(0 <= term.left <= term.right < count and 0 <= term.out < count, "a product has no such element")
        if term.weights is not None:
            sizes = {algebra.size(algebra.elements[number]) for number in (term.left, term.right)}
            _need(len(term.weights) in sizes, "weights do not fit their axis")


def _check_propagation(propagation: Propagation, normal_form: NormalForm) -> None:
    algebra = propagation.algebra
    count = len(algebra.elements)
    names = {field.name for field in normal_form.declarations.fields}
    _need(set(propagation.fields) <= names, "a propagation is of an unknown field")
    for seed in propagation.seeds:
        _need(0 <= seed.element < count, f"there is no element {seed.element}")
        is_family = algebra.elements[seed.element].axis is not None
        _need(is_family or not isinstance(seed, AxisSeed), "a single element is seeded by directions")
    for compression in propagation.compressions:
        _need(0 <= compression.axis < len(algebra.axes) and compression.width >= 0, "a compression has no such axis")
    for readout in (*propagation.readouts, *(gradient.readout for gradient in propagation.gradients)):
        _check_readout(readout, algebra, len(normal_form.contractions))


def _check_readout(readout: Readout, algebra: Algebra, contractions: int) -> None:
    _need(0 <= readout.contraction < contractions, f"there is no contraction {readout.contraction}")
    length = prod(readout.shape)
    for part in readout.parts:
        _need(0 <= part.element < len(algebra.elements), f"there is no element {part.element}")
        size = algebra.size(algebra.elements[part.element])
        _need(part.weights is None or len(part.weights) == size, "weights do not fit their family")
        size = size if part.weights is None else 1
        for first, position, run in part.positions or ():
            inside = run > 0 and 0 <= first <= size - run and 0 <= position <= length - run
            _need(inside, "a readout writes outside its value")
