"""Linear forms in derivatives of fields, with exact complex coefficients.

A linear form is {entry of a field with its free indices: {derivative: coefficient}}: one contraction per key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from opcompiler.ir.coefficient import ONE, ZERO, Coefficient
from opcompiler.ir.head import HeadIndex
from opcompiler.ir.symbol import Monomial, PowerSum, Quadric, Symbol, Xi, monomial
from opcompiler.symbolic.atoms import Atoms, Jet, JetGenerator, TableForm

__all__ = ["Complex", "FieldEntry", "JetMonomial", "LinearForm", "LinearRow", "add_forms", "scaled_form", "symbol_of"]

JetMonomial: TypeAlias = tuple[tuple[JetGenerator, int], ...]


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """What one contraction reads: an entry of a field and derivatives along indexed coordinates."""

    field: str
    component: tuple[HeadIndex, ...]
    free: tuple[tuple[str, str, int], ...]

    @classmethod
    def of(cls, jet: Jet) -> FieldEntry:
        """Return the key of a derivative."""
        return cls(jet.field, jet.component, jet.free)


@dataclass(frozen=True, slots=True)
class Complex:
    """re + i·im with exact coefficients."""

    re: Coefficient = ZERO
    im: Coefficient = ZERO

    def __add__(self, other: Complex) -> Complex:
        """Return the sum."""
        return Complex(self.re + other.re, self.im + other.im)

    def __mul__(self, other: Complex) -> Complex:
        """Return the product."""
        return Complex(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)

    def __neg__(self) -> Complex:
        """Return the negative."""
        return Complex(-self.re, -self.im)

    def __bool__(self) -> bool:
        """Whether this is not zero."""
        return bool(self.re) or bool(self.im)


UNIT = Complex(ONE)


@dataclass(frozen=True, slots=True)
class LinearRow:
    """Σ coefficient · derivative of one field entry: what one contraction computes."""

    entry: FieldEntry
    terms: dict[JetMonomial, Complex]


LinearForm: TypeAlias = dict[FieldEntry, dict[JetMonomial, Complex]]


def add_forms(total: LinearForm, form: LinearForm, factor: Complex) -> None:
    """Add factor × form to total, in place; vanishing entries are dropped."""
    for entry, terms in form.items():
        row = total.setdefault(entry, {})
        for m, c in terms.items():
            value = c * factor + row[m] if m in row else c * factor
            if value:
                row[m] = value
            else:
                row.pop(m, None)
        if not row:
            del total[entry]


def scaled_form(form: LinearForm, factor: Complex) -> LinearForm:
    """Return factor × form."""
    result: LinearForm = {}
    add_forms(result, form, factor)
    return result


def symbol_of(terms: dict[JetMonomial, Coefficient], atoms: Atoms) -> Symbol:
    """Return Σ coefficient · monomial as a symbol; numeric tables are written into it."""
    collected: dict[Monomial, Coefficient] = {}
    total = Symbol()
    for m, c in terms.items():
        plain: list[tuple[Xi | PowerSum | Quadric, int]] = []
        forms: list[tuple[TableForm, int]] = []
        for generator, power in m:
            if isinstance(generator, TableForm) and generator.degree == 1:
                forms.append((generator, power))
            elif isinstance(generator, TableForm):
                plain.append((_quadric(generator, atoms), power))
            else:
                plain.append((generator, power))
        key = monomial(tuple(plain))
        if not forms:
            collected[key] = collected[key] + c if key in collected else c
            continue
        product = Symbol.from_terms({key: c})
        for generator, power in forms:
            for _ in range(power):
                product = product * _linear(generator, atoms)
        total = total + product
    return total + Symbol.from_terms(collected)


def _quadric(form: TableForm, atoms: Atoms) -> Quadric:
    table = atoms.table_at(form.table)
    rows, columns = table.shape
    return Quadric(form.space, tuple(table.values[i * columns : (i + 1) * columns] for i in range(rows)))


def _linear(form: TableForm, atoms: Atoms) -> Symbol:
    values = atoms.table_at(form.table).values
    return Symbol.from_terms({((Xi(form.space, n), 1),): Coefficient.of(v) for n, v in enumerate(values)})
