"""Total derivatives, index substitution and sums over an index.

    ∂_c e = Σ_s (∂e/∂s) ∂_c s        over the atoms s of e,

where ∂_c of a derivative of a field is the derivative with c appended. A coordinate c may carry a label instead of a
number: then the result is the entry of a gradient, and Δe = Σ_i ∂_i ∂_i e costs the same in 2 and in 10⁶ dimensions.
Sums over a label are simplified as far as block invariants reach:

    Σ_i δ_ij f_i = f_j,     Σ_i ∂_i^p u = PowerSum(p) u,     Σ_i a_i ∂_i u,     Σ_ij a_ij ∂_i ∂_j u   (a numeric)

and stay an `IndexedSum` otherwise.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import lcm, prod
from typing import Any, assert_never

import numpy as np
import sympy

from opcompiler.errors import LimitError
from opcompiler.ir.head import HeadIndex
from opcompiler.ir.symbol import PowerSum
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
    Table,
    TableEntry,
    TableForm,
    WholeSpace,
)
from opcompiler.symbolic.limits import MAX_DISTRIBUTED, MAX_ORDER, MAX_TABLE, MAX_TERMS
from opcompiler.symbolic.pointwise import Pointwise, rational

__all__ = ["Calculus"]

_SUM_HINT = "write the operator in a form without this product, or in fewer dimensions"


class Calculus:
    """Derivatives and sums over one table of atoms."""

    def __init__(self, atoms: Atoms, pointwise: Pointwise) -> None:
        """Work on this table."""
        self.atoms = atoms
        self.pointwise = pointwise
        self._derivatives: dict[tuple[Scalar, str, HeadIndex], Scalar] = {}
        self._terms = 0

    # --- derivatives ----------------------------------------------------------------------------------------

    def derivative(self, e: Scalar, space: str, index: HeadIndex) -> Scalar:
        """Return the total derivative along one coordinate; `index` may be a label that is free in the result.

        Raises:
            LimitError: the product rule gives too many terms, or the order is too high.
        """
        facts = self.atoms.facts(e)
        if not (facts.field or facts.point):
            return sympy.S.Zero
        key = (e, space, index)
        found = self._derivatives.get(key)
        if found is None:
            found = self._derivatives[key] = self._derivative(e, space, index)
        return found

    def _derivative(self, e: Scalar, space: str, index: HeadIndex) -> Scalar:
        if e.is_Symbol:
            return self._atom_derivative(self.atoms.atom(e), e, space, index)
        if e.is_Add:
            return sympy.Add(*(self.derivative(term, space, index) for term in e.args))
        if e.is_Mul:
            terms = []
            for number, factor in enumerate(e.args):
                rate = self.derivative(factor, space, index)
                if rate != 0:
                    self._count(len(e.args))
                    terms.append(sympy.Mul(*e.args[:number], rate, *e.args[number + 1 :]))
            return sympy.Add(*terms)
        if e.is_Pow:
            base, exponent = e.args
            rate = self.derivative(base, space, index)
            if rate == 0:
                return sympy.S.Zero
            self._count(1)
            match self.atoms.get(base):
                case ElementaryCall("abs", (z,)) if exponent >= 2:
                    z_rate = self.derivative(z, space, index)
                    return self.pointwise.power_of_absolute_derivative(z, z_rate, base, int(exponent))
                case _:
                    return exponent * base ** (exponent - 1) * rate
        raise AssertionError(f"{e} is no expression of this calculus")

    def _atom_derivative(self, atom: Atom, symbol: Scalar, space: str, index: HeadIndex) -> Scalar:
        match atom:
            case Jet():
                self._count(0)
                jet = atom.along(space, index)
                if jet.order > MAX_ORDER:
                    raise LimitError(f"a derivative has order {jet.order}, the limit is {MAX_ORDER}")
                return self.atoms.symbol(jet)
            case Point():
                return self.delta(atom.index, index) if atom.space == space else sympy.S.Zero
            case ParameterEntry() | TableEntry() | Irrational() | Delta():
                return sympy.S.Zero
            case FunctionAt():
                return self._function_derivative(atom, space, index)
            case ElementaryCall(_, arguments):
                rates = tuple(self.derivative(argument, space, index) for argument in arguments)
                if all(rate == 0 for rate in rates):
                    return sympy.S.Zero
                self._count(len(arguments))
                return self.pointwise.call_derivative(atom, symbol, rates)
            case Root(base, degree):
                rate = self.derivative(base, space, index)
                return sympy.S.Zero if rate == 0 else sympy.Rational(1, degree) * symbol ** (1 - degree) * rate
            case GeneralPower(base, exponent):
                return self._general_power_derivative(base, exponent, symbol, space, index)
            case IndexedSum(label, size, body):
                fresh = self.atoms.fresh_label()
                inner = self.derivative(self.reindex(body, {label: fresh}), space, index)
                return self.total(inner, fresh, size)
        assert_never(atom)

    def _function_derivative(self, atom: FunctionAt, space: str, index: HeadIndex) -> Scalar:
        terms = []
        for number, argument in enumerate(atom.arguments):
            if isinstance(argument, WholeSpace):
                if argument.space == space:
                    terms.append(self.function_at(atom, (number, index)))
                continue
            rate = self.derivative(argument, space, index)
            if rate != 0:
                self._count(1)
                terms.append(self.function_at(atom, (number, 0)) * rate)
        return sympy.Add(*terms)

    def function_at(self, atom: FunctionAt, *more: tuple[int, HeadIndex]) -> Scalar:
        """Return the value of a coefficient function, differentiated further."""
        order = sorted((*atom.derivatives, *more), key=lambda d: (d[0], isinstance(d[1], str), d[1]))
        return self.atoms.symbol(FunctionAt(atom.name, atom.arguments, tuple(order), atom.indices))

    def _general_power_derivative(
        self, base: Scalar, exponent: Scalar, symbol: Scalar, space: str, index: HeadIndex
    ) -> Scalar:
        terms = []
        rate = self.derivative(base, space, index)
        if rate != 0:
            terms.append(exponent * self.pointwise.power(base, exponent - 1) * rate)
        exponent_rate = self.derivative(exponent, space, index)
        if exponent_rate != 0:
            terms.append(symbol * self.pointwise.call("log", (base,)) * exponent_rate)
        self._count(len(terms))
        return sympy.Add(*terms)

    def _count(self, terms: int) -> None:
        self._terms += terms
        if self._terms > MAX_TERMS:
            raise LimitError(
                f"the product rule gives more than {MAX_TERMS} terms",
                hint="lower the order of the derivative or the power under it",
            )

    # --- indices --------------------------------------------------------------------------------------------

    def delta(self, left: HeadIndex, right: HeadIndex) -> Scalar:
        """Return Kronecker's delta."""
        if left == right:
            return sympy.S.One
        if isinstance(left, int) and isinstance(right, int):
            return sympy.S.Zero
        first, second = sorted((left, right), key=lambda index: (isinstance(index, str), str(index)))
        return self.atoms.symbol(Delta(first, second))

    def table_entry(self, number: int, indices: tuple[HeadIndex, ...]) -> Scalar:
        """Return an entry of a numeric table."""
        table = self.atoms.table_at(number)
        if not all(isinstance(index, int) for index in indices):
            return self.atoms.symbol(TableEntry(number, indices))
        flat = 0
        for size, index in zip(table.shape, indices, strict=True):
            flat = flat * size + int(index)
        return rational(table.values[flat])

    def reindex(self, e: Scalar, mapping: dict[str, HeadIndex]) -> Scalar:
        """Return e with free labels replaced by other labels or by numbers, all at once."""
        if not (self.atoms.facts(e).labels & mapping.keys()):
            return e
        replaced = {
            symbol: self._reindex_atom(self.atoms.atom(symbol), mapping)
            for symbol in self.atoms.symbols_of(e)
            if self.atoms.facts(symbol).labels & mapping.keys()
        }
        return e.xreplace(replaced)

    def _reindex_atom(self, atom: Atom, mapping: dict[str, HeadIndex]) -> Scalar:
        def at(index: HeadIndex) -> HeadIndex:
            return mapping.get(index, index) if isinstance(index, str) else index

        match atom:
            case Jet():
                jet = Jet(atom.field, tuple(map(at, atom.component)), atom.monomial)
                for space, label, power in atom.free:
                    jet = jet.along(space, at(label), power)
                return self.atoms.symbol(jet)
            case Point(space, index):
                return self.atoms.symbol(Point(space, at(index)))
            case ParameterEntry(name, indices):
                return self.atoms.symbol(ParameterEntry(name, tuple(map(at, indices))))
            case TableEntry(table, indices):
                return self.table_entry(table, tuple(map(at, indices)))
            case Irrational():
                return self.atoms.symbol(atom)
            case FunctionAt():
                arguments = tuple(a if isinstance(a, WholeSpace) else self.reindex(a, mapping) for a in atom.arguments)
                derivatives = tuple((number, at(index)) for number, index in atom.derivatives)
                return self.function_at(FunctionAt(atom.name, arguments, derivatives, tuple(map(at, atom.indices))))
            case ElementaryCall(function, arguments):
                return self.pointwise.call(function, tuple(self.reindex(a, mapping) for a in arguments))
            case Root(base, degree):
                return self.pointwise.power(self.reindex(base, mapping), sympy.Rational(1, degree))
            case GeneralPower(base, exponent):
                return self.pointwise.power(self.reindex(base, mapping), self.reindex(exponent, mapping))
            case Delta(left, right):
                return self.delta(at(left), at(right))
            case IndexedSum(label, size, body):
                fresh = self.atoms.fresh_label()
                return self.total(self.reindex(body, {**mapping, label: fresh}), fresh, size)
        assert_never(atom)

    # --- sums over an index ---------------------------------------------------------------------------------

    def total(self, e: Scalar, label: str, size: int) -> Scalar:
        """Return Σ e over label = 0 … size−1."""
        return sympy.Add(*(self._total_of_term(term, label, size) for term in self._terms_with(e, label)))

    def _terms_with(self, e: Scalar, label: str) -> list[Scalar]:
        """Return e as terms whose factors with the label are no sums."""
        if e.is_Add:
            return [term for part in e.args for term in self._terms_with(part, label)]
        if e.is_Mul:
            sums = [f for f in e.args if f.is_Add and label in self.atoms.facts(f).labels]
            if sums:
                if prod(len(f.args) for f in sums) > MAX_DISTRIBUTED:
                    raise LimitError("a sum over an index multiplies out to too many terms", hint=_SUM_HINT)
                rest = [f for f in e.args if f not in sums]
                parts = [self._terms_with(f, label) for f in sums]
                return [t for choice in product(*parts) for t in self._terms_with(sympy.Mul(*rest, *choice), label)]
        return [e]

    def _total_of_term(self, term: Scalar, label: str, size: int) -> Scalar:
        factors = term.args if term.is_Mul else (term,)
        outside = [f for f in factors if label not in self.atoms.facts(f).labels]
        inside = [f for f in factors if label in self.atoms.facts(f).labels]
        return sympy.Mul(*outside, self._total_of_factors(inside, label, size))

    def _total_of_factors(self, inside: list[Scalar], label: str, size: int) -> Scalar:
        self._count(len(inside) * (1 + sum(self.atoms.facts(f).depth for f in inside)))
        if not inside:
            return sympy.Integer(size)
        for number, factor in enumerate(inside):
            match self.atoms.get(factor.args[0] if factor.is_Pow else factor):
                case Delta(left, right):
                    other = right if left == label else left
                    return self.reindex(sympy.Mul(*inside[:number], *inside[number + 1 :]), {label: other})
        if len(inside) == 1:
            match self.atoms.get(inside[0]):
                case Jet() as jet:
                    block = self._power_sum(jet, label)
                    if block is not None:
                        return block
                case ElementaryCall("re" | "im" | "conj" as name, (argument,)):
                    return self.pointwise.call(name, (self.total(argument, label, size),))
                case IndexedSum() as inner:
                    block = self._quadratic_form(inner, label, size)
                    if block is not None:
                        return block
        tables = [self.atoms.get(f) for f in inside]
        entries = [t for t in tables if isinstance(t, TableEntry)]
        if len(entries) == len(inside):
            return self._table_product(entries, label, size)
        if len(inside) == 2 and len(entries) == 1:
            block = self._linear_form(entries[0], next(t for t in tables if t is not entries[0]), label)
            if block is not None:
                return block
        body = sympy.Mul(*inside)
        bound = f"k{self.atoms.facts(body).depth + 1}"
        return self.atoms.symbol(IndexedSum(bound, size, self.reindex(body, {label: bound})))

    def _power_sum(self, jet: Jet, label: str) -> Scalar | None:
        if label in jet.component:
            return None
        (space, _, power), *more = [f for f in jet.free if f[1] == label]
        if more:
            return None
        rest = tuple(f for f in jet.free if f[1] != label)
        return self.atoms.symbol(Jet(jet.field, jet.component, jet.monomial, rest).times(PowerSum(space, power)))

    def _linear_form(self, entry: TableEntry, other: Atom | None, label: str) -> Scalar | None:
        match other:
            case Jet() if entry.indices == (label,) and label not in other.component:
                found = [f for f in other.free if f[1] == label]
                if len(found) == 1 and found[0][2] == 1:
                    rest = tuple(f for f in other.free if f[1] != label)
                    jet = Jet(other.field, other.component, other.monomial, rest)
                    return self.atoms.symbol(jet.times(TableForm(found[0][0], entry.table, 1)))
        return None

    def _quadratic_form(self, inner: IndexedSum, label: str, size: int) -> Scalar | None:
        """Return Σ_ij a_ij ∂_i ∂_j u as one generator, the table symmetrised."""
        if inner.size != size or not inner.body.is_Mul or len(inner.body.args) != 2:
            return None
        atoms = [self.atoms.get(f) for f in inner.body.args]
        entry = next((a for a in atoms if isinstance(a, TableEntry)), None)
        jet = next((a for a in atoms if isinstance(a, Jet)), None)
        if entry is None or jet is None or set(entry.indices) != {label, inner.label} or len(entry.indices) != 2:
            return None
        found = [f for f in jet.free if f[1] in (label, inner.label)]
        if len(found) != 2 or any(f[2] != 1 for f in found) or found[0][0] != found[1][0]:
            return None
        if {label, inner.label} & set(jet.component):
            return None
        table = self.atoms.table_at(entry.table)
        values = [
            (table.values[i * size + j] + table.values[j * size + i]) / 2 for i in range(size) for j in range(size)
        ]
        rest = tuple(f for f in jet.free if f not in found)
        form = TableForm(found[0][0], self.atoms.table(Table(table.shape, tuple(values))), 2)
        return self.atoms.symbol(Jet(jet.field, jet.component, jet.monomial, rest).times(form))

    def _table_product(self, entries: list[TableEntry], label: str, size: int) -> Scalar:
        """Return Σ_label Π entries of numeric tables, computed exactly in integers."""
        labels = sorted({i for e in entries for i in e.indices if isinstance(i, str)} - {label})
        letters = {name: number for number, name in enumerate([label, *labels])}
        arrays: list[Any] = []
        sizes = {label: size}
        denominator = 1
        for entry in entries:
            table = self.atoms.table_at(entry.table)
            common = lcm(*(value.denominator for value in table.values))
            numbers = [value.numerator * (common // value.denominator) for value in table.values]
            array = np.array(numbers, dtype=object).reshape(table.shape)
            array = array[tuple(i if isinstance(i, int) else slice(None) for i in entry.indices)]
            kept = [i for i in entry.indices if isinstance(i, str)]
            sizes |= dict(zip(kept, array.shape, strict=True))
            arrays += [array, [letters[i] for i in kept]]
            denominator *= common
        if prod(sizes.values()) > MAX_TABLE:
            raise LimitError(
                f"an exact product of numeric matrices needs more than {MAX_TABLE} multiplications",
                hint="give the product itself as one parameter",
            )
        result = np.asarray(np.einsum(*arrays, [letters[name] for name in labels]), dtype=object)
        values = tuple(Fraction(int(value), denominator) for value in result.ravel())
        if not labels:
            return rational(values[0])
        number = self.atoms.table(Table(tuple(sizes[name] for name in labels), values))
        return self.table_entry(number, tuple(labels))
