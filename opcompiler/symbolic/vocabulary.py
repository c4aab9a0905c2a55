"""The vocabulary: what every node of the language means, as tensors of scalar expressions.

    Δ = Σ ∂_i ∂_i      □ = ∂_tt − Δ      (∇T)_{…j} = ∂_j T_…      ∇·T = Σ_j ∂_j T_{…j}      (∇×v)_i = ε_ijk ∂_j v_k

over the spatial coordinates, which leave out the time. Up to `EXPLICIT_DIMENSION` of them are written out one by
one; a larger space is one indexed block (see `tensors`).
"""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

import numpy as np
import sympy

from opcompiler.errors import LimitError, OpCompilerError, UnsupportedError
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations, NestedFractions
from opcompiler.symbolic.atoms import FunctionAt, Irrational, Jet, ParameterEntry, Point, Scalar, Table, WholeSpace
from opcompiler.symbolic.calculus import Calculus
from opcompiler.symbolic.coordinates import Bound, Coordinates, Direction, NotWholeAxis, flat_places
from opcompiler.symbolic.limits import EXPANDED_BLOCK, EXPLICIT_DIMENSION, MAX_DETERMINANT, MAX_ORDER
from opcompiler.symbolic.pointwise import rational
from opcompiler.symbolic.tensors import Slot, Tensor, TensorAlgebra, axis_size

__all__ = ["Vocabulary"]


class Vocabulary:
    """Evaluates expressions under one set of declarations."""

    def __init__(self, declarations: Declarations, calculus: Calculus) -> None:
        """Evaluate under these declarations."""
        self.declarations = declarations
        self.calculus = calculus
        self.atoms = calculus.atoms
        self.pointwise = calculus.pointwise
        self.tensors = TensorAlgebra(calculus)
        self.coordinates = Coordinates(declarations, calculus, self.tensors)
        self._source = ""

    def evaluate(self, expr: ir.Expr, source: str = "") -> Tensor:
        """Return the meaning of a whole expression.

        Args:
            expr: resolved expression.
            source: its text, for messages.
        """
        self._source = source
        return self._value(expr, {})

    def _value(self, expr: ir.Expr, bound: Bound) -> Tensor:
        try:
            return self._node(expr, bound)
        except OpCompilerError as error:
            if self._source and error.span is None:
                raise error.located(self._source, expr.span) from None
            raise

    def _scalar(self, expr: ir.Expr, bound: Bound) -> Scalar:
        return self._value(expr, bound).scalar

    def _node(self, expr: ir.Expr, bound: Bound) -> Tensor:
        match expr:
            case ir.Number(value):
                return self.tensors.scalar(rational(value))
            case ir.ImaginaryUnit():
                return self.tensors.scalar(sympy.I)
            case ir.NamedConstant(name):
                return self.tensors.scalar(self.atoms.symbol(Irrational(name)))
            case ir.Coordinate():
                return self.tensors.scalar(self.atoms.symbol(Point(*self.coordinates.direction(expr, bound))))
            case ir.Position(space):
                return self.coordinates.position(space)
            case ir.Parameter(name):
                return self._parameter(name)
            case ir.Field(name):
                shape = self.declarations.field(name).shape
                return self.tensors.indexed(shape, lambda at: self.atoms.symbol(Jet(name, at)))
            case ir.UnitVector(axis):
                return self.coordinates.unit_vector(axis)
            case ir.FunctionCall():
                return self._function(expr, bound)
            case ir.Elementary(name, arguments):
                return self.tensors.scalar(self.pointwise.call(name, tuple(self._scalar(a, bound) for a in arguments)))
            case ir.Negative(operand):
                return self.tensors.map(lambda e: -e, self._value(operand, bound))
            case ir.Sum(terms):
                return self.tensors.add([self._value(term, bound) for term in terms])
            case ir.Product(factors):
                return self._product([self._value(factor, bound) for factor in factors])
            case ir.Quotient(numerator, denominator):
                inverse = self.pointwise.quotient(sympy.S.One, self._scalar(denominator, bound))
                return self._product([self._value(numerator, bound), self.tensors.scalar(inverse)])
            case ir.Power(base, exponent):
                return self.tensors.scalar(
                    self.pointwise.power(self._scalar(base, bound), self._scalar(exponent, bound))
                )
            case ir.Component(operand, indices):
                return self._component(self._value(operand, bound), operand.shape, indices, bound)
            case ir.Vector(entries):
                return self._stack([self._value(entry, bound) for entry in entries])
            case ir.Dot(left, right):
                return self._dot(self._value(left, bound), self._value(right, bound), left.shape)
            case ir.MatrixProduct(left, right):
                return self.tensors.dot(self._value(left, bound), self._value(right, bound))
            case ir.DoubleDot(left, right):
                return self.tensors.double_dot(self._value(left, bound), self._value(right, bound))
            case ir.Cross(left, right):
                return self._cross(self._value(left, bound), self._value(right, bound))
            case ir.Outer(left, right):
                return self.tensors.outer(self._value(left, bound), self._value(right, bound))
            case ir.Transpose(operand):
                value = self._value(operand, bound)
                return Tensor(value.entries.T, value.axes[::-1])
            case ir.Trace(operand):
                return self.tensors.trace(self._value(operand, bound))
            case ir.Determinant(operand):
                return self._determinant(self._value(operand, bound))
            case ir.Norm(operand):
                squares = self.tensors.map(lambda e: self.pointwise.absolute(e) ** 2, self._value(operand, bound))
                total = self.tensors.sum_all(squares).scalar
                return self.tensors.scalar(self.pointwise.power(total, sympy.Rational(1, 2)))
            case ir.IndexSum():
                return self.tensors.scalar(self._index_sum(expr, bound))
            case ir.Partial(operand, coordinates):
                return self._partial(self._value(operand, bound), coordinates, bound)
            case ir.Laplacian(operand, space):
                return self._laplacian(self._value(operand, bound), space)
            case ir.DAlembertian(operand):
                return self._dalembertian(self._value(operand, bound))
            case ir.Gradient(operand, space):
                return self._gradient(self._value(operand, bound), space)
            case ir.Divergence(operand):
                return self._divergence(self._value(operand, bound))
            case ir.Curl(operand):
                return self._curl(self._value(operand, bound))
            case ir.Hessian(operand):
                return self._gradient(self._gradient(self._value(operand, bound), None), None)
            case ir.Apply(operator, operand):
                return self._apply(operator, self._value(operand, bound), bound)
        assert_never(expr)

    # --- leaves ---------------------------------------------------------------------------------------------

    def _parameter(self, name: str) -> Tensor:
        declared = self.declarations.parameter(name)
        if declared.value is None:
            return self.tensors.indexed(declared.shape, lambda at: self.atoms.symbol(ParameterEntry(name, at)))
        table = self.atoms.table(Table(declared.shape, tuple(_flattened(declared.value))))
        return self.tensors.indexed(declared.shape, lambda at: self.calculus.table_entry(table, at))

    def _function(self, expr: ir.FunctionCall, bound: Bound) -> Tensor:
        arguments: list[Scalar | WholeSpace] = []
        for argument in expr.arguments:
            if isinstance(argument, ir.Position) and self.declarations.space(argument.space).shape != ():
                arguments.append(WholeSpace(argument.space))
            elif argument.shape == ():
                arguments.append(self._scalar(argument, bound))
            else:
                raise UnsupportedError(
                    f"an argument of {expr.name} is a vector expression",
                    hint="a coefficient function takes scalars and whole spaces; pass the components one by one",
                )
        if any(self.atoms.facts(a).labels for a in arguments if not isinstance(a, WholeSpace)):
            if any(isinstance(value, Slot) for value in bound.values()):
                raise NotWholeAxis
            raise UnsupportedError(f"{expr.name} is applied to an indexed argument")
        order = tuple((number, 0) for number, times in enumerate(expr.derivative) for _ in range(times))
        shape = self.declarations.function(expr.name).shape
        return self.tensors.indexed(
            shape, lambda at: self.atoms.symbol(FunctionAt(expr.name, tuple(arguments), order, at))
        )

    # --- tensors --------------------------------------------------------------------------------------------

    def _product(self, factors: list[Tensor]) -> Tensor:
        scalar = sympy.Mul(*(factor.scalar for factor in factors if not factor.axes))
        tensor = next((factor for factor in factors if factor.axes), None)
        return self.tensors.scalar(scalar) if tensor is None else self.tensors.map(lambda e: scalar * e, tensor)

    def _dot(self, left: Tensor, right: Tensor, left_shape: tuple[int, ...]) -> Tensor:
        if len(left.axes) == len(right.axes) == 1 and len(left_shape) > 1:
            return self.tensors.double_dot(left, right)
        return self.tensors.dot(left, right)

    def _stack(self, entries: list[Tensor]) -> Tensor:
        total = self.tensors.add(entries)
        aligned = [self.tensors.add([self.tensors.map(lambda _: sympy.S.Zero, total), entry]) for entry in entries]
        flat = [e for entry in aligned for e in entry.entries.ravel()]
        return Tensor(
            self.tensors.array(flat, (len(entries), *total.entries.shape)), ((Slot(),) * len(entries), *total.axes)
        )

    def _component(self, tensor: Tensor, shape: tuple[int, ...], indices: tuple[ir.Index, ...], bound: Bound) -> Tensor:
        at = [bound[index] if isinstance(index, str) else index for index in indices]
        for place in flat_places(at, shape, [axis_size(axis) for axis in tensor.axes]):
            tensor = self._entry(tensor, place)
        return tensor

    def _entry(self, tensor: Tensor, place: int | Slot) -> Tensor:
        """Return the entry of the first axis at a number, or at the label that runs over the whole axis."""
        axis, rest = tensor.axes[0], tensor.axes[1:]
        if isinstance(place, Slot):
            (slot, *others) = axis
            if others or slot.label is None or slot.size != place.size or place.label is None:
                raise NotWholeAxis
            renamed = self.tensors.relabel(tensor, {slot.label: place.label}).entries[0]
            return Tensor(np.asarray(renamed, dtype=object), rest)
        for number, slot in enumerate(axis):
            if place < slot.size:
                part = Tensor(np.asarray(tensor.entries[number], dtype=object), rest)
                return part if slot.label is None else self.tensors.at(part, slot.label, place)
            place -= slot.size
        raise UnsupportedError("an index lies outside its axis")

    def _cross(self, left: Tensor, right: Tensor) -> Tensor:
        a, b = self._written_entries(left), self._written_entries(right)
        if len(a) == 2:
            return self.tensors.scalar(a[0] * b[1] - a[1] * b[0])
        values = [a[i] * b[j] - a[j] * b[i] for i, j in ((1, 2), (2, 0), (0, 1))]
        return Tensor(self.tensors.array(values, (3,)), ((Slot(),) * 3,))

    def _written_entries(self, vector: Tensor) -> list[Scalar]:
        return list(self.tensors.written_out(vector, 0).entries)

    def _determinant(self, matrix: Tensor) -> Tensor:
        size = axis_size(matrix.axes[0])
        if size > MAX_DETERMINANT:
            raise LimitError(
                f"the determinant of a {size}×{size} matrix has too many terms",
                hint=f"determinants are expanded up to {MAX_DETERMINANT}×{MAX_DETERMINANT}",
            )
        matrix = self.tensors.written_out(self.tensors.written_out(matrix, 0), 1)
        return self.tensors.scalar(_minor(matrix.entries, tuple(range(size))))

    # --- sums over a letter ---------------------------------------------------------------------------------

    def _index_sum(self, expr: ir.IndexSum, bound: Bound) -> Scalar:
        size = expr.upper - expr.lower + 1
        if size > EXPLICIT_DIMENSION and expr.lower == 0:
            label = self.atoms.fresh_label()
            try:
                body = self._scalar(expr.body, {**bound, expr.index: Slot(size, label)})
                return self.calculus.total(body, label, size)
            except NotWholeAxis:
                pass
        if any(isinstance(value, Slot) for value in bound.values()) and size > EXPLICIT_DIMENSION:
            raise NotWholeAxis
        if size > EXPANDED_BLOCK:
            raise UnsupportedError(
                f"a sum of {size} terms that is not over all coordinates or components of one kind",
                hint=f"sum over a whole space, or over at most {EXPANDED_BLOCK} terms",
            )
        terms = [self._scalar(expr.body, {**bound, expr.index: number}) for number in range(expr.lower, expr.upper + 1)]
        return sympy.Add(*terms)

    # --- derivatives ----------------------------------------------------------------------------------------

    def _along(self, tensor: Tensor, direction: Direction) -> Tensor:
        return self.tensors.map(lambda e: self.calculus.derivative(e, *direction), tensor)

    def _partial(self, tensor: Tensor, coordinates: tuple[tuple[ir.Coordinate, int], ...], bound: Bound) -> Tensor:
        if sum(times for _, times in coordinates) > MAX_ORDER:
            raise LimitError(f"derivatives of order above {MAX_ORDER} are refused")
        for coordinate, times in coordinates:
            for _ in range(times):
                tensor = self._along(tensor, self.coordinates.direction(coordinate, bound))
        return tensor

    def _gradient(self, tensor: Tensor, space: str | None) -> Tensor:
        axis, directions = self.coordinates.spatial(space)
        values = [self.calculus.derivative(e, *d) for e in tensor.entries.ravel() for d in directions]
        return Tensor(self.tensors.array(values, (*tensor.entries.shape, len(axis))), (*tensor.axes, axis))

    def _laplacian(self, tensor: Tensor, space: str | None) -> Tensor:
        axis, directions = self.coordinates.spatial(space)

        def laplacian(e: Scalar) -> Scalar:
            def second(k: int) -> Scalar:
                return self.calculus.derivative(self.calculus.derivative(e, *directions[k]), *directions[k])

            return self.tensors.sum_over(axis, second)

        return self.tensors.map(laplacian, tensor)

    def _dalembertian(self, tensor: Tensor) -> Tensor:
        time = self.declarations.time
        if time is None:
            raise UnsupportedError("□ needs a time coordinate", hint="declare time=… or write the derivatives out")
        twice = self._along(self._along(tensor, time), time)
        return self.tensors.add([twice, self.tensors.map(lambda e: -e, self._laplacian(tensor, None))])

    def _divergence(self, tensor: Tensor) -> Tensor:
        # The matrix ∂_k T_{…j} is never formed: both indices are made one before differentiating.
        axis, directions = self.coordinates.spatial(None)
        last = len(tensor.axes) - 1
        frame = Tensor(self.tensors.array([sympy.S.Zero] * len(axis), (len(axis),)), (axis,))
        frame, tensor = self.tensors.match(frame, 0, self.tensors.fresh(tensor), last)
        axis = frame.axes[0]
        if len(axis) != len(directions):
            directions = list(self.declarations.spatial)
        values = [
            self.tensors.sum_over(
                axis, lambda k, at=where: self.calculus.derivative(tensor.entries[(*at, k)], *directions[k])
            )
            for where in np.ndindex(*tensor.entries.shape[:-1])
        ]
        return Tensor(self.tensors.array(values, tensor.entries.shape[:-1]), tensor.axes[:-1])

    def _curl(self, tensor: Tensor) -> Tensor:
        v = self._written_entries(tensor)
        _, directions = self.coordinates.spatial(None)

        def d(k: int, j: int) -> Scalar:
            return self.calculus.derivative(v[j], *directions[k])

        if len(directions) == len(v) == 2:
            return self.tensors.scalar(d(0, 1) - d(1, 0))
        if len(directions) != 3 or len(v) != 3:
            raise UnsupportedError(
                f"∇× of {len(v)} components over {len(directions)} spatial coordinates",
                hint="∇× is defined for 3 components in 3 dimensions and for 2 in 2",
            )
        values = [d(i, j) - d(j, i) for i, j in ((1, 2), (2, 0), (0, 1))]
        return Tensor(self.tensors.array(values, (3,)), ((Slot(),) * 3,))

    # --- operators ------------------------------------------------------------------------------------------

    def _apply(self, operator: ir.Operator, tensor: Tensor, bound: Bound) -> Tensor:
        match operator:
            case ir.OperatorMultiplication(factor):
                return self._product([self._value(factor, bound), tensor])
            case ir.OperatorLaplacian(space):
                return self._laplacian(tensor, space)
            case ir.OperatorDAlembertian():
                return self._dalembertian(tensor)
            case ir.OperatorPartial(coordinates):
                return self._partial(tensor, coordinates, bound)
            case ir.OperatorDirectional(vector):
                gradient = self._gradient(tensor, None)
                return self.tensors.dot(gradient, self._value(vector, bound))
            case ir.OperatorSum(terms):
                return self.tensors.add([self._apply(term, tensor, bound) for term in terms])
            case ir.OperatorComposition(factors):
                for factor in reversed(factors):
                    tensor = self._apply(factor, tensor, bound)
                return tensor
            case ir.OperatorPower(base, exponent):
                if exponent > MAX_ORDER:
                    raise LimitError(f"the power {exponent} of an operator, the limit is {MAX_ORDER}")
                for _ in range(exponent):
                    tensor = self._apply(base, tensor, bound)
                return tensor
        assert_never(operator)


def _flattened(value: NestedFractions) -> list[Fraction]:
    if isinstance(value, tuple):
        return [number for part in value for number in _flattened(part)]
    return [Fraction(value)]


def _minor(matrix: np.ndarray, columns: tuple[int, ...], row: int = 0) -> Scalar:
    """Return the determinant of the last rows in these columns, expanded along the first of the rows."""
    if not columns:
        return sympy.S.One
    terms = [
        (-1) ** place * matrix[row, column] * _minor(matrix, columns[:place] + columns[place + 1 :], row + 1)
        for place, column in enumerate(columns)
    ]
    return sympy.Add(*(sympy.expand_mul(term) if len(columns) <= 4 else term for term in terms))
