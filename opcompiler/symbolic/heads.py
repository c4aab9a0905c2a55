"""From scalar expressions to heads: linear forms become contractions, all else the expression around them."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import sympy

from opcompiler.errors import UnsupportedError
from opcompiler.ir.coefficient import Coefficient
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.head import (
    Call,
    Components,
    Constant,
    ContractionValue,
    CoordinateValue,
    FunctionValue,
    Head,
    HeadIndex,
    HeadPower,
    HeadProduct,
    HeadSum,
    HeadSumOver,
    Imaginary,
    Kronecker,
    ParameterValue,
    PositionValue,
    Rational,
)
from opcompiler.ir.normal_form import Contraction, FreeIndex
from opcompiler.symbolic.atoms import (
    Atom,
    Atoms,
    Delta,
    ElementaryCall,
    FunctionAt,
    GeneralPower,
    IndexedSum,
    Irrational,
    Jet,
    ParameterEntry,
    Point,
    Root,
    Scalar,
    TableEntry,
    WholeSpace,
)
from opcompiler.symbolic.coefficients import Coefficients
from opcompiler.symbolic.limits import EXPANDED_BLOCK
from opcompiler.symbolic.linear import (
    UNIT,
    Complex,
    FieldEntry,
    JetMonomial,
    LinearRow,
    symbol_of,
)
from opcompiler.symbolic.pointwise import Pointwise
from opcompiler.symbolic.splitting import Group, Splitter

__all__ = ["Collector"]


class Collector:
    """Collects the contractions and scalars of all outputs of one text."""

    def __init__(self, declarations: Declarations, atoms: Atoms, pointwise: Pointwise) -> None:
        """Start without contractions."""
        self.declarations = declarations
        self.atoms = atoms
        self.pointwise = pointwise
        self.contractions: dict[Contraction, int] = {}
        self._coefficients = Coefficients(pointwise)
        self._splitter = Splitter(pointwise, self._coefficients)
        self._heads: dict[Scalar, Head] = {}

    @property
    def scalars(self) -> tuple[Head, ...]:
        """Heads of the scalars that coefficients refer to, by number."""
        # A scalar's head may itself number further scalars (which no coefficient uses): go on until none is new.
        heads: list[Head] = []
        while len(heads) < len(self._coefficients.scalars):
            heads += [self._scalar_head(n) for n in range(len(heads), len(self._coefficients.scalars))]
        return tuple(heads)

    # --- heads ----------------------------------------------------------------------------------------------

    def output(self, e: Scalar) -> Head:
        """Return the head of one entry of an output; a linear constant real one is contractions and nothing else."""
        groups = self._splitter.groups(e)
        if list(groups) == [sympy.S.One] and not groups[sympy.S.One].number:
            form = groups[sympy.S.One].form
            if all(not c.im for row in form.values() for c in row.values()):
                return _sum([self._contraction(entry, _real_parts(row)) for entry, row in form.items()])
        return self.head(e)

    def linear_row(self, e: Scalar) -> LinearRow | None:
        """Return a real linear constant-coefficient expression in one field entry as a row, else None."""
        groups = self._splitter.groups(e)
        if list(groups) != [sympy.S.One] or groups[sympy.S.One].number or len(groups[sympy.S.One].form) != 1:
            return None
        ((entry, row),) = groups[sympy.S.One].form.items()
        return None if any(c.im for c in row.values()) else LinearRow(entry, row)

    def row_head(self, row: LinearRow) -> Head:
        """Return the contraction of a real row, its coefficients inside the symbol."""
        return self._contraction(row.entry, _real_parts(row.terms))

    def head(self, e: Scalar) -> Head:
        """Return the head of an expression."""
        found = self._heads.get(e)
        if found is None:
            found = self._heads[e] = _sum(
                [self._group_head(cofactor, group) for cofactor, group in self._splitter.groups(e).items()]
            )
        return found

    def _group_head(self, cofactor: Scalar, group: Group) -> Head:
        factors = [] if cofactor == 1 else self._factor_heads(cofactor)
        terms = [self._row_head(entry, row) for entry, row in group.form.items()]
        if group.number:
            terms.append(self._number_head(group.number))
        return _product([*factors, _sum(terms)])

    def _factor_heads(self, cofactor: Scalar) -> list[Head]:
        heads = []
        for factor in cofactor.args if cofactor.is_Mul else (cofactor,):
            base, exponent = factor.args if factor.is_Pow else (factor, sympy.S.One)
            heads.append(self._power_head(base, int(exponent)))
        return heads

    def _power_head(self, base: Scalar, exponent: int) -> Head:
        match self.atoms.get(base):
            case Root(inner, degree):
                power = Fraction(exponent, degree)
                if power.denominator > 1 or self.pointwise.is_nonnegative(inner):
                    return _power(self.head(inner), power)
                # sqrt(u)² is not u where u < 0.
                return _power(_power(self.head(inner), Fraction(1, degree)), Fraction(exponent))
            case Jet() | None:
                return _power(self.head(base), Fraction(exponent))
            case atom:
                return _power(self._atom_head(atom), Fraction(exponent))

    def _atom_head(self, atom: Atom) -> Head:
        match atom:
            case Jet():
                return self._row_head(FieldEntry.of(atom), {atom.monomial: UNIT})
            case Point(space, index):
                return CoordinateValue(space, index)
            case ParameterEntry(name, indices):
                return ParameterValue(name, indices)
            case TableEntry():
                return self._table_head(atom)
            case Irrational(name):
                return Constant(name)
            case FunctionAt(name, arguments, derivatives, indices):
                heads = tuple(PositionValue(a.space) if isinstance(a, WholeSpace) else self.head(a) for a in arguments)
                return FunctionValue(name, heads, derivatives, indices)
            case ElementaryCall(function, arguments):
                return Call(function, tuple(self.head(argument) for argument in arguments))
            case Root(base, degree):
                return HeadPower(self.head(base), Rational(Fraction(1, degree)))
            case GeneralPower(base, exponent):
                return HeadPower(self.head(base), self.head(exponent))
            case Delta(left, right):
                return Kronecker(left, right)
            case IndexedSum(label, size, body):
                return HeadSumOver(label, size, self.head(body))

    def _table_head(self, entry: TableEntry) -> Head:
        table = self.atoms.table_at(entry.table)
        if prod(table.shape) > EXPANDED_BLOCK**2:
            raise UnsupportedError(
                f"a numeric parameter with {prod(table.shape)} entries occurs outside of a linear operator",
                hint="declare it as a parameter that is given at call",
            )
        labels = [index for index in entry.indices if isinstance(index, str)]
        if len(set(labels)) != len(labels):
            raise UnsupportedError("the diagonal of a large numeric matrix", hint="give the diagonal as a vector")

        def nested(axis: int, flat: int) -> Head:
            if axis == len(table.shape):
                return Rational(table.values[flat])
            index, size = entry.indices[axis], table.shape[axis]
            if isinstance(index, int):
                return nested(axis + 1, flat * size + index)
            return Components(index, tuple(nested(axis + 1, flat * size + n) for n in range(size)))

        return nested(0, 0)

    # --- contractions ---------------------------------------------------------------------------------------

    def _contraction(self, entry: FieldEntry, terms: dict[JetMonomial, Coefficient]) -> Head:
        symbol = symbol_of(terms, self.atoms)
        if not symbol:
            return Rational(Fraction(0))
        numbers = tuple(index for index in entry.component if isinstance(index, int))
        whole = len(numbers) != len(entry.component)
        component = None if whole or not numbers else numbers
        # The value's free axes follow the order of `free`; equal (space, power) keep the order of their labels.
        free = sorted(entry.free, key=lambda f: (f[0], f[2], f[1]))
        contraction = Contraction(entry.field, symbol, tuple(FreeIndex(s, p) for s, _, p in free), component)
        number = self.contractions.setdefault(contraction, len(self.contractions))
        indices: tuple[HeadIndex, ...] = entry.component if whole else ()
        return ContractionValue(number, (*indices, *(label for _, label, _ in free)))

    def _row_head(self, entry: FieldEntry, row: dict[JetMonomial, Complex]) -> Head:
        """Return the head of one row; a coefficient that all terms share up to sign stays outside the symbol."""
        common, terms = _common_factor(row)
        if all(not c.im for c in terms.values()):
            return _product([self._number_head(common), self._contraction(entry, _real_parts(terms))])
        re = {m: Complex(c.re) for m, c in terms.items() if c.re}
        im = {m: Complex(c.im) for m, c in terms.items() if c.im}
        return _sum([self._row_head(entry, re), _product([Imaginary(), self._row_head(entry, im)])])

    # --- coefficients ---------------------------------------------------------------------------------------

    def _number_head(self, value: Complex) -> Head:
        imaginary = _product([Imaginary(), self._coefficient_head(value.im)]) if value.im else Rational(Fraction(0))
        return _sum([self._coefficient_head(value.re), imaginary])

    def _scalar_head(self, number: int) -> Head:
        return _product(self._factor_heads(list(self._coefficients.scalars)[number]))

    def _coefficient_head(self, value: Coefficient) -> Head:
        return _sum(
            [
                _product([Rational(q), *(_power(self._scalar_head(number), Fraction(p)) for number, p in m)])
                for m, q in value.terms
            ]
        )


def _real_parts(row: dict[JetMonomial, Complex]) -> dict[JetMonomial, Coefficient]:
    return {m: c.re for m, c in row.items()}


def _common_factor(row: dict[JetMonomial, Complex]) -> tuple[Complex, dict[JetMonomial, Complex]]:
    first = row[min(row, key=lambda m: [str(g) for g in m])]
    if all(c in (first, -first) for c in row.values()):
        return first, {m: UNIT if c == first else -UNIT for m, c in row.items()}
    return UNIT, row


# --- small heads ------------------------------------------------------------------------------------------------


def _sum(terms: list[Head]) -> Head:
    flat: list[Head] = []
    number = Fraction(0)
    for term in terms:
        for part in term.terms if isinstance(term, HeadSum) else (term,):
            if isinstance(part, Rational):
                number += part.value
            else:
                flat.append(part)
    if number or not flat:
        flat.append(Rational(number))
    return flat[0] if len(flat) == 1 else HeadSum(tuple(flat))


def _product(factors: list[Head]) -> Head:
    flat: list[Head] = []
    number = Fraction(1)
    for factor in factors:
        for part in factor.factors if isinstance(factor, HeadProduct) else (factor,):
            if isinstance(part, Rational):
                number *= part.value
            else:
                flat.append(part)
    if number == 0:
        return Rational(Fraction(0))
    if number != 1 or not flat:
        flat.insert(0, Rational(number))
    return flat[0] if len(flat) == 1 else HeadProduct(tuple(flat))


def _power(base: Head, exponent: Fraction) -> Head:
    if exponent == 1:
        return base
    if isinstance(base, HeadPower) and isinstance(base.exponent, Rational) and exponent.denominator == 1:
        inner = base.exponent.value
        if inner.denominator == 1 or (exponent * inner).denominator > 1:
            return HeadPower(base.base, Rational(exponent * inner))
    return HeadPower(base, Rational(exponent))
