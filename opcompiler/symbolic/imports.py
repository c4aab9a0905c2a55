"""A sympy expression as a resolved expression, so that it is accepted wherever a text is.

    Derivative(u(x, t), t) → Partial(Field u, t)       Eq(a, b) → a − b       Matrix([[a, b], [c, d]]) → Vector of rows

Only the nodes listed here are read; any other is refused. Nothing is evaluated: a derivative that sympy left
standing, of a product for example, is worked out by `reduce` like one in a text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixElement

from opcompiler.errors import (
    DerivativeOrderError,
    LimitError,
    OperatorNameError,
    OperatorSyntaxError,
    RankError,
    UnsupportedError,
)
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.expression import Expr
from opcompiler.ir.functions import BUILTIN_FUNCTIONS
from opcompiler.symbolic.limits import (
    EXPANDED_BLOCK,
    MAX_IMPORTED_DEPTH,
    MAX_IMPORTED_NODES,
    MAX_NUMBER_BITS,
    MAX_ORDER,
)
from opcompiler.symbolic.names import Names

__all__ = ["from_sympy", "is_sympy", "written_fraction"]

_SPELLED_DIFFERENTLY = {"abs": "Abs", "conj": "conjugate", "heaviside": "Heaviside", "min": "Min", "max": "Max"}

_FUNCTIONS: MappingProxyType[Any, str] = MappingProxyType(
    {
        getattr(sympy, _SPELLED_DIFFERENTLY.get(name, name)): name
        for name in BUILTIN_FUNCTIONS
        # These are no functions in sympy: sqrt(x) builds x**(1/2), log2 and log10 do not exist.
        if name not in {"sqrt", "cbrt", "log2", "log10"}
    }
)
"""Function class of sympy → built-in function of the language."""

_NON_LOCAL: tuple[Any, ...] = (
    sympy.Integral,
    sympy.LaplaceTransform,
    sympy.FourierTransform,
    sympy.InverseLaplaceTransform,
    sympy.InverseFourierTransform,
)


def is_sympy(value: object) -> bool:
    """Return whether the value is an expression, equation, matrix or array of sympy."""
    return isinstance(value, (sympy.Basic, sympy.MatrixBase, sympy.NDimArray))


def from_sympy(expression: Any, declarations: Declarations) -> Expr:
    """Return a sympy expression as a resolved expression.

    Coordinates and parameters are symbols of their written names (`x1`, `A12`), fields are undefined functions of
    all coordinates in declared order (`u(x, t)`, `v1(x, y)` or the component's name), coefficient functions are
    undefined functions of their arguments. This is what `to_sympy` writes.

    Args:
        expression: with `Derivative`, `Subs` of derivatives, `Eq`, finite `Sum`, elementary functions, matrices and
            arrays; a Float means its shortest decimal.
        declarations: what the names mean.

    Returns:
        The expression; a column matrix is a vector, any other matrix a `Vector` of rows; `Eq(a, b)` is a − b.

    Raises:
        OperatorNameError: a name is not declared or used as what it is not, a field has other arguments.
        DerivativeOrderError: the order of a derivative is no natural number, or the operator is non-local.
        RankError: scalars, vectors and matrices do not fit.
        LimitError: the expression is too large.
        UnsupportedError: any node that the language has no word for.
    """
    return _Import(declarations).whole(expression)


class _Import:
    """Reads one expression.

    `bound` holds the variables of the enclosing `Subs` with the points they stand for.
    """

    def __init__(self, declarations: Declarations) -> None:
        self.names = Names(declarations)
        self.bound: dict[Any, Expr] = {}
        self.known: dict[Any, Expr] = {}
        self.depth = 0
        self.nodes = 0

    def whole(self, expression: Any) -> Expr:
        if isinstance(expression, sympy.Eq):
            left = self.value(expression.lhs)
            return left if expression.rhs == 0 else self.sum((left, self.negative(self.value(expression.rhs))))
        return self.value(expression)

    def value(self, e: Any) -> Expr:
        known = self.known.get(e) if isinstance(e, AppliedUndef) else None
        if known is not None:
            return known
        self.nodes += 1
        if self.depth >= MAX_IMPORTED_DEPTH or self.nodes > MAX_IMPORTED_NODES:
            raise LimitError(
                f"the sympy expression is nested deeper than {MAX_IMPORTED_DEPTH} levels or has more than "
                f"{MAX_IMPORTED_NODES} nodes",
                hint="split it into several expressions",
            )
        self.depth += 1
        found = self.node(e)
        self.depth -= 1
        if isinstance(e, AppliedUndef) and not self.bound:
            self.known[e] = found
        return found

    def node(self, e: Any) -> Expr:
        match e:
            case sympy.Rational() | sympy.Float():
                return self.number(e)
            case sympy.Symbol():
                return self.bound[e] if e in self.bound else self.names.symbol(e)
            case sympy.MatrixBase() | sympy.NDimArray():
                return self.array(e)
            case sympy.MatrixExpr():
                # Before sums and products, whose subclasses sums and products of matrices are.
                return self.matrix_expression(e)
            case sympy.Add():
                return self.sum(tuple(self.value(term) for term in e.args))
            case sympy.Mul():
                return self.product(e)
            case sympy.Pow():
                return self.power(e)
            case sympy.Derivative():
                return self.derivative(e)
            case sympy.Subs():
                return self.substituted(e)
            case sympy.Sum():
                return self.finite_sum(e)
            case AppliedUndef():
                return self.applied(e)
            case sympy.Piecewise():
                return self.piecewise(e)
            case MatrixElement():
                return self.matrix_element(e)
        if e == sympy.pi or e == sympy.E:
            return ir.NamedConstant("pi" if e == sympy.pi else "e")
        if e == sympy.I:
            return ir.ImaginaryUnit()
        if isinstance(e, sympy.UnevaluatedExpr):
            return self.value(e.args[0])
        if type(e) in _FUNCTIONS:
            return self.elementary(e)
        raise _refused(e)

    # --- numbers and arithmetic ---------------------------------------------------------------------------

    def number(self, e: Any) -> Expr:
        value = written_fraction(e)
        return ir.Negative(ir.Number(-value)) if value < 0 else ir.Number(value)

    def negative(self, value: Expr) -> Expr:
        return value.operand if isinstance(value, ir.Negative) else ir.Negative(value, shape=value.shape)

    def sum(self, terms: tuple[Expr, ...]) -> Expr:
        shapes = {term.shape for term in terms}
        if len(shapes) > 1:
            raise RankError(f"a sum of terms of the shapes {', '.join(map(str, sorted(shapes)))}")
        return ir.Sum(terms, shape=shapes.pop())

    def product(self, e: Any) -> Expr:
        """Return a product as −a b / (c d): a sign in front, negative powers below."""
        if any(a.is_commutative is False and not isinstance(a, sympy.UnevaluatedExpr) for a in e.args):
            raise UnsupportedError(f"a product that does not commute: {_shown(e)}")
        sign, above, below = False, [], []
        for factor in e.args:
            if factor.is_Pow and factor.exp.is_Rational and factor.exp < 0:
                below.append(self.value(sympy.Pow(factor.base, -factor.exp, evaluate=False)))
                continue
            value = self.value(factor)
            if isinstance(value, ir.Negative):
                sign, value = not sign, value.operand
            if value != ir.Number(Fraction(1)):
                above.append(value)
        result = _product(above)
        if below:
            result = ir.Quotient(result, _product(below), shape=result.shape)
        return ir.Negative(result, shape=result.shape) if sign else result

    def power(self, e: Any) -> Expr:
        base, exponent = e.base, e.exp
        if base == sympy.E:
            return ir.Elementary("exp", (self.value(exponent),))
        if exponent.is_Rational and exponent < 0:
            below = self.value(sympy.Pow(base, -exponent, evaluate=False))
            return ir.Quotient(ir.Number(Fraction(1)), below)
        if exponent == sympy.S.Half:
            return ir.Elementary("sqrt", (self.scalar(base),))
        if exponent == 1:
            return self.value(base)
        return ir.Power(self.scalar(base), self.scalar(exponent))

    def scalar(self, e: Any) -> Expr:
        value = self.value(e)
        if value.shape:
            raise RankError(f"{_shown(e)} has shape {value.shape} where a scalar is needed")
        return value

    def elementary(self, e: Any) -> Expr:
        arguments = e.args
        if isinstance(e, sympy.Heaviside):
            if len(arguments) > 1 and arguments[1] != sympy.S.Half:
                raise UnsupportedError(
                    f"{_shown(e)} is {arguments[1]} at zero", hint="heaviside is 1/2 at zero: Heaviside(x)"
                )
            arguments = arguments[:1]
        values = tuple(self.scalar(argument) for argument in arguments)
        if isinstance(e, sympy.log) and len(values) == 2:
            return ir.Quotient(ir.Elementary("log", values[:1]), ir.Elementary("log", values[1:]))
        return ir.Elementary(_FUNCTIONS[type(e)], values)

    def piecewise(self, e: Any) -> Expr:
        """Return the real cube root, which sympy writes out as cases."""
        for power in e.atoms(sympy.Pow):
            if power.exp == sympy.Rational(1, 3) and e == sympy.real_root(power.base, 3):
                return ir.Elementary("cbrt", (self.scalar(power.base),))
        raise _refused(e)

    # --- functions and derivatives ------------------------------------------------------------------------

    def applied(self, e: Any) -> Expr:
        name = _name(e)
        arguments = tuple(self.scalar(argument) for argument in e.args)
        if name in BUILTIN_FUNCTIONS:
            count = BUILTIN_FUNCTIONS[name]
            if len(arguments) != count and (count is not None or len(arguments) < 2):
                wanted = "two or more" if count is None else count
                raise OperatorSyntaxError(f"{name} takes {wanted} argument(s), not {len(arguments)}")
            return ir.Elementary(name, arguments)
        field = self.names.field(name, arguments)
        return field or self.names.function(name, arguments, (0,) * len(arguments))

    def derivative(self, e: Any) -> Expr:
        """Return derivatives in the given order: by coordinates, or by arguments of a coefficient function."""
        orders: dict[Any, int] = {}
        coordinates: list[tuple[ir.Coordinate, int]] = []
        # Under a Subs the variables stand still while sympy differentiates: that is a derivative by an argument.
        held = any(variable in self.bound for variable in e.expr.free_symbols)
        for variable, count in e.variable_count:
            times = self.order(e, count)
            if held or not variable.is_Symbol:
                if coordinates or not isinstance(e.expr, AppliedUndef):
                    raise UnsupportedError(
                        f"a derivative by {_shown(variable)} of {_shown(e.expr)}",
                        hint="only a coefficient function is differentiated by its argument",
                    )
                orders[variable] = orders.get(variable, 0) + times
                continue
            along = self.names.symbol(variable)
            if not isinstance(along, ir.Coordinate):
                raise OperatorNameError(f"a derivative by {variable.name!r}, which is no coordinate")
            coordinates.append((along, times))
        operand = self.by_arguments(e.expr, orders) if orders else self.value(e.expr)
        return ir.Partial(operand, tuple(coordinates), shape=operand.shape) if coordinates else operand

    def order(self, e: Any, count: Any) -> int:
        if not count.is_Integer or count < 0:
            raise DerivativeOrderError(
                f"the order {count} in {_shown(e)} is no natural number",
                hint="fractional and symbolic orders are out of scope",
            )
        if count > MAX_ORDER:
            raise LimitError(f"derivatives of order above {MAX_ORDER} are refused")
        return int(count)

    def by_arguments(self, call: Any, orders: Mapping[Any, int]) -> Expr:
        """Return F differentiated by arguments, each of which is written once and alone: F′(u)."""
        if self.names.is_field(_name(call)):
            raise UnsupportedError(f"a derivative of the field {_shown(call)} by something else than a coordinate")
        for variable in orders:
            alone = sum(argument == variable for argument in call.args)
            if alone != 1 or any(argument != variable and argument.has(variable) for argument in call.args):
                raise UnsupportedError(
                    f"{_shown(variable)} is not one argument of {_shown(call)}",
                    hint="only a coefficient function is differentiated by its argument",
                )
        derivative = tuple(orders.get(argument, 0) for argument in call.args)
        arguments = tuple(self.scalar(argument) for argument in call.args)
        return self.names.function(_name(call), arguments, derivative)

    def substituted(self, e: Any) -> Expr:
        """Return a derivative at a point, F′(s) at s = u: the variables stand for the points inside."""
        points = [self.scalar(point) for point in e.point]
        outer = self.bound
        self.bound = {**outer, **dict(zip(e.variables, points, strict=True))}
        known, self.known = self.known, {}
        value = self.value(e.expr)
        self.bound, self.known = outer, known
        return value

    def finite_sum(self, e: Any) -> Expr:
        """Return the terms of Σ over whole numbers, written out."""
        index, *bounds = e.limits[0]
        if len(e.limits) > 1 or len(bounds) != 2 or not all(bound.is_Integer for bound in bounds):
            raise UnsupportedError(
                f"the sum {_shown(e)}",
                hint="sums run over one index between two numbers; write doubles as sums of sums",
            )
        lower, upper = map(int, bounds)
        if upper - lower >= EXPANDED_BLOCK:
            raise UnsupportedError(
                f"a sum of {upper - lower + 1} terms", hint=f"at most {EXPANDED_BLOCK} are written out"
            )
        inner = e.function.atoms(sympy.Derivative, sympy.Subs, sympy.Sum)
        if any(index in part.variables for part in inner):
            raise UnsupportedError(f"{index} is the index of a sum and a variable inside it: {_shown(e)}")
        terms = tuple(self.value(e.function.xreplace({index: sympy.Integer(n)})) for n in range(lower, upper + 1))
        return self.sum(terms) if terms else ir.Number(Fraction(0))

    # --- matrices -----------------------------------------------------------------------------------------

    def array(self, e: Any) -> Expr:
        shape = tuple(map(int, e.shape))
        if not shape:
            return self.value(e[()])
        if 0 in shape:
            raise RankError("an empty matrix")
        if isinstance(e, sympy.MatrixBase) and shape[1] == 1:
            return self.vector(tuple(self.value(entry) for entry in e))
        if isinstance(e, sympy.NDimArray) and len(shape) == 1:
            return self.vector(tuple(self.value(e[n]) for n in range(shape[0])))
        rows = (e.row(n).T if isinstance(e, sympy.MatrixBase) else e[n] for n in range(shape[0]))
        return self.vector(tuple(self.array(row) for row in rows))

    def vector(self, entries: tuple[Expr, ...]) -> Expr:
        shapes = {entry.shape for entry in entries}
        if len(shapes) > 1:
            raise RankError(f"entries of the shapes {', '.join(map(str, sorted(shapes)))} in one matrix")
        return ir.Vector(entries, shape=(len(entries), *shapes.pop()))

    def matrix_element(self, e: Any) -> Expr:
        matrix, *indices = e.args
        if not isinstance(matrix, sympy.MatrixSymbol) or not all(index.is_Integer for index in indices):
            raise _refused(e)
        places = tuple(map(int, indices))
        declared = next((p for p in self.names.declarations.parameters if p.name == matrix.name), None)
        if declared is not None and len(declared.shape) == 1 and matrix.shape[1] == 1:
            places = places[:1]
        return self.names.entry(matrix.name, places)

    def matrix_expression(self, e: Any) -> Expr:
        if (
            not all(isinstance(size, int | sympy.Integer) for size in e.shape)
            or e.shape[0] * e.shape[1] > EXPANDED_BLOCK
        ):
            raise UnsupportedError(f"the matrix expression {_shown(e)} cannot be written out")
        return self.array(e.as_explicit())


def _product(factors: list[Expr]) -> Expr:
    if not factors:
        return ir.Number(Fraction(1))
    if len(factors) == 1:
        return factors[0]
    tensors = [factor.shape for factor in factors if factor.shape]
    if len(tensors) > 1:
        raise RankError("a product of two vectors or matrices", hint="multiply explicit matrices, A*b")
    return ir.Product(tuple(factors), shape=tensors[0] if tensors else ())


def written_fraction(e: Any) -> Fraction:
    """Return a sympy number as the rational that its author wrote.

    Raises:
        LimitError: it is not finite or too long.
    """
    if isinstance(e, sympy.Rational):
        value = Fraction(int(e.p), int(e.q))
    else:
        exponent = e._mpf_[2] if e.is_finite else None
        if exponent is None or abs(exponent) > MAX_NUMBER_BITS:
            raise LimitError(f"the number {e} is not finite or too long to be written out")
        # A float carries the decimal that its author wrote, 0.1 and not 3602879701896397/2⁵⁵.
        as_float = float(e)
        plain = e._prec == 53 and as_float not in (0.0, float("inf"), float("-inf"))
        value = Fraction(repr(as_float)) if plain else Fraction(str(e))
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_NUMBER_BITS:
        raise LimitError(f"a number of more than {MAX_NUMBER_BITS} bits")
    return value


def _name(call: Any) -> str:
    return unicodedata.normalize("NFKC", call.func.__name__)


def _refused(e: Any) -> Exception:
    kind = type(e).__name__
    if isinstance(e, _NON_LOCAL):
        return DerivativeOrderError(
            f"{kind} is not a differential operator",
            hint="integrals and transforms are non-local; they are out of scope",
        )
    if isinstance(e, sympy.Eq):
        return OperatorSyntaxError("an equation inside an expression")
    if isinstance(e, sympy.logic.boolalg.Boolean):
        return OperatorSyntaxError(
            f"{_shown(e)} is no equation and no expression",
            hint="write Eq(lhs, rhs, evaluate=False) where sympy decides an equation at once",
        )
    hint = f"known functions: {', '.join(BUILTIN_FUNCTIONS)}" if isinstance(e, sympy.Function) else None
    return UnsupportedError(f"sympy's {kind} has no counterpart in the language: {_shown(e)}", hint=hint)


def _shown(e: Any) -> str:
    text = str(e)
    return text if len(text) <= 80 else text[:79] + "…"
