"""From scalar expressions to heads: the linear part lumped, nonlinear terms in factors.

An expression is read as a sum of  cofactor × (linear form in derivatives)  and of  cofactor × number:

* cofactor 1 is the linear constant-coefficient part; all of it becomes one contraction per field entry;
* a point-dependent cofactor a(x) has one linear form too: a(x)(u_xx + u_yy) needs Δu alone;
* in a nonlinear product the linear factor of highest order is the form, the rest the cofactor, so that
  u·u_xx + u·u_yy becomes u·Δu: sums of derivatives with one cofactor cost no more than the derivatives themselves.

A product of sums is multiplied out only when that brings a linear term to light: u(1 − u) gives u − u², while
(Δu)² and ψ_y Δψ_x stay products of linear forms, and (1 + u²)^400 stays a power.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import sympy

from opcompiler.errors import UnsupportedError
from opcompiler.ir.coefficient import ONE, Coefficient
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
from opcompiler.symbolic.limits import EXPANDED_BLOCK, MAX_DISTRIBUTED
from opcompiler.symbolic.linear import (
    UNIT,
    Complex,
    FieldEntry,
    JetMonomial,
    LinearForm,
    LinearRow,
    add_forms,
    scaled_form,
    symbol_of,
)
from opcompiler.symbolic.pointwise import Pointwise, exact_fraction

__all__ = ["Collector"]

_LONGEST_POLYNOMIAL_POWER = 8
"""Higher powers of a sum of constants become one scalar instead of a long polynomial."""

_OPAQUE = 2
"""The degree that a nonlinear factor counts for: multiplying out cannot bring it into the linear part."""


@dataclass
class _Group:
    """cofactor × (form + number)."""

    form: LinearForm = field(default_factory=dict)
    number: Complex = field(default_factory=Complex)


class Collector:
    """Collects the contractions and scalars of all outputs of one text."""

    def __init__(self, declarations: Declarations, atoms: Atoms, pointwise: Pointwise) -> None:
        """Start without contractions."""
        self.declarations = declarations
        self.atoms = atoms
        self.pointwise = pointwise
        self.contractions: dict[Contraction, int] = {}
        self.scalars: list[Head] = []
        self._scalar_numbers: dict[Scalar, int] = {}
        self._heads: dict[Scalar, Head] = {}
        self._forms: dict[Scalar, LinearForm | None] = {}

    # --- heads ----------------------------------------------------------------------------------------------

    def output(self, e: Scalar) -> Head:
        """Return the head of one entry of an output; a linear constant real one is contractions and nothing else."""
        groups = self._groups(e)
        if list(groups) == [sympy.S.One] and not groups[sympy.S.One].number:
            form = groups[sympy.S.One].form
            if all(not c.im for row in form.values() for c in row.values()):
                return _sum([self._contraction(entry, _real_parts(row)) for entry, row in form.items()])
        return self.head(e)

    def linear_row(self, e: Scalar) -> LinearRow | None:
        """Return a real linear constant-coefficient expression in one field entry as a row, else None."""
        groups = self._groups(e)
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
                [self._group_head(cofactor, group) for cofactor, group in self._groups(e).items()]
            )
        return found

    def _group_head(self, cofactor: Scalar, group: _Group) -> Head:
        factors = [] if cofactor == 1 else self._factor_heads(cofactor)
        terms = [self._row_head(entry, row) for entry, row in group.form.items()]
        if group.number:
            terms.append(self._number_head(group.number))
        return _product([*factors, _sum(terms)])

    def _factor_heads(self, cofactor: Scalar) -> list[Head]:
        heads = []
        for factor in cofactor.args if cofactor.is_Mul else (cofactor,):
            base, exponent = factor.args if factor.is_Pow else (factor, sympy.S.One)
            heads.append(self._power_head(base, int(exponent)))  # type: ignore[call-overload]
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

    def _coefficient_head(self, value: Coefficient) -> Head:
        return _sum(
            [
                _product([Rational(q), *(_power(self.scalars[number], Fraction(p)) for number, p in m)])
                for m, q in value.terms
            ]
        )

    def _number(self, e: Scalar) -> Complex:
        """Return a constant expression as an exact coefficient."""
        if e.is_Rational:
            return Complex(Coefficient.of(exact_fraction(e)))
        if e == sympy.I:
            return Complex(im=ONE)
        if e.is_Add:
            total = Complex()
            for term in e.args:
                total = total + self._number(term)
            return total
        if e.is_Mul:
            value = UNIT
            for factor in e.args:
                value = value * self._number(factor)
            return value
        if e.is_Pow:
            base, exponent = e.args[0], int(e.args[1])  # type: ignore[call-overload]
            if exponent < 0:
                return self._power(self._reciprocal(base), -exponent)
            if base.is_Symbol or exponent <= _LONGEST_POLYNOMIAL_POWER:
                return self._power(self._number(base), exponent)
        return Complex(self._indeterminate(e))

    def _power(self, value: Complex, exponent: int) -> Complex:
        result = UNIT
        for _ in range(exponent):
            result = result * value
        return result

    def _reciprocal(self, base: Scalar) -> Complex:
        """Return 1/base; of a complex number (p − iq)/(p² + q²)."""
        if not base.has(sympy.I):
            return Complex(self._indeterminate(self.pointwise.quotient(sympy.S.One, base)))
        p, q = (self._sympy_parts(base)[n] for n in (0, 1))
        square = sympy.expand(p**2 + q**2)
        return self._number(p - sympy.I * q) * self._number(self.pointwise.quotient(sympy.S.One, square))

    def _sympy_parts(self, e: Scalar) -> tuple[Scalar, Scalar]:
        """Return (p, q) with e = p + iq, where all symbols count as real."""
        expanded = sympy.expand(e)
        imaginary = expanded.coeff(sympy.I)
        return expanded - sympy.expand(sympy.I * imaginary), imaginary

    def _indeterminate(self, e: Scalar) -> Coefficient:
        number = self._scalar_numbers.get(e)
        if number is None:
            head = _product(self._factor_heads(e))
            number = self._scalar_numbers[e] = len(self.scalars)
            self.scalars.append(head)
        return Coefficient.scalar(number)

    # --- reading a sum --------------------------------------------------------------------------------------

    def _groups(self, e: Scalar) -> dict[Scalar, _Group]:
        groups: dict[Scalar, _Group] = {}
        for term in self._terms(e):
            number, cofactor, form = self._split(term)
            group = groups.setdefault(cofactor, _Group())
            if form is None:
                group.number = group.number + number
            else:
                add_forms(group.form, form, number)
        return {cofactor: group for cofactor, group in groups.items() if group.form or group.number}

    def _terms(self, e: Scalar) -> list[Scalar]:
        """Return the terms of a sum, products multiplied out where that brings a linear term to light."""
        if e.is_Add:
            return [term for part in e.args for term in self._terms(part)]
        if e.is_Mul and self._degree(e) < _OPAQUE:
            sums = [f for f in e.args if f.is_Add and self.atoms.facts(f).field and self.linear_form(f) is None]
            if sums and prod(len(f.args) for f in sums) <= MAX_DISTRIBUTED:
                rest = [f for f in e.args if f not in sums]
                return [
                    term
                    for choice in product(*(f.args for f in sums))
                    for term in self._terms(sympy.Mul(*rest, *choice))
                ]
        return [e]

    def _degree(self, e: Scalar) -> int:
        """Return the lowest degree in field values that a term of e has, opaque factors counting 2."""
        if not self.atoms.facts(e).field:
            return 0
        if e.is_Add:
            return min(self._degree(term) for term in e.args)
        if e.is_Mul:
            return sum(self._degree(factor) for factor in e.args)
        return 1 if isinstance(self.atoms.get(e), Jet) else _OPAQUE

    def _split(self, term: Scalar) -> tuple[Complex, Scalar, LinearForm | None]:
        """Return number, cofactor and linear form (None when there is none) of one term."""
        number = UNIT
        rest: list[Scalar] = []
        linear: list[tuple[Any, int]] = []
        for factor in term.args if term.is_Mul else (term,):
            if self.atoms.is_constant(factor):
                number = number * self._number(factor)
                continue
            if self.atoms.facts(factor).field and self.linear_form(factor) is not None:
                linear.append((self._form_key(factor), len(rest)))
            rest.append(factor)
        if not linear:
            return number, sympy.Mul(*rest), None
        _, chosen = max(linear)
        form = self.linear_form(rest[chosen])
        return number, sympy.Mul(*rest[:chosen], *rest[chosen + 1 :]), form

    def _form_key(self, factor: Scalar) -> tuple[Any, ...]:
        """Order the linear factors of a product: highest derivative first, then by name, whatever was created when."""
        form = self.linear_form(factor) or {}
        order = max(Jet(k.field, k.component, m, k.free).order for k, row in form.items() for m in row)
        return order, sorted((str(k), sorted(str(m) for m in row)) for k, row in form.items())

    def linear_form(self, e: Scalar) -> LinearForm | None:
        """Return e as a homogeneous linear form with constant coefficients, or None when it is none."""
        if e not in self._forms:
            self._forms[e] = self._linear_form(e)
        return self._forms[e]

    def _linear_form(self, e: Scalar) -> LinearForm | None:
        atom = self.atoms.get(e)
        if isinstance(atom, Jet):
            return {FieldEntry.of(atom): {atom.monomial: UNIT}}
        if e.is_Add:
            total: LinearForm = {}
            for term in e.args:
                form = self.linear_form(term)
                if form is None:
                    return None
                add_forms(total, form, UNIT)
            return total
        if e.is_Mul:
            varying = [factor for factor in e.args if not self.atoms.is_constant(factor)]
            form = self.linear_form(varying[0]) if len(varying) == 1 else None
            if form is None:
                return None
            number = UNIT
            for factor in e.args:
                if self.atoms.is_constant(factor):
                    number = number * self._number(factor)
            return scaled_form(form, number)
        return None


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
