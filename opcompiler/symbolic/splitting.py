"""Reading an expression as cofactors times linear forms.

An expression is a sum of  cofactor × (linear form in derivatives)  and of  cofactor × number:

* cofactor 1 is the linear constant-coefficient part; all of it becomes one contraction per field entry;
* a point-dependent cofactor a(x) has one linear form too: a(x)(u_xx + u_yy) needs Δu alone;
* in a nonlinear product the linear factor of highest order is the form, the rest the cofactor, so that
  u·u_xx + u·u_yy becomes u·Δu: sums of derivatives with one cofactor cost no more than the derivatives themselves.

A product of sums is multiplied out only when that brings a linear term to light: u(1 − u) gives u − u², while
(Δu)² and ψ_y Δψ_x stay products of linear forms, and (1 + u²)^400 stays a power.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

import sympy

from opcompiler.symbolic.atoms import ElementaryCall, Jet, Scalar
from opcompiler.symbolic.coefficients import Coefficients
from opcompiler.symbolic.limits import MAX_DISTRIBUTED
from opcompiler.symbolic.linear import UNIT, Complex, FieldEntry, LinearForm, add_forms, scaled_form
from opcompiler.symbolic.pointwise import Pointwise

__all__ = ["Group", "Splitter"]

_OPAQUE = 2
"""The degree that a nonlinear factor counts for: multiplying out cannot bring it into the linear part."""


@dataclass
class Group:
    """What stands beside one cofactor: cofactor × (form + number)."""

    form: LinearForm = field(default_factory=dict)
    number: Complex = field(default_factory=Complex)


class Splitter:
    """Splits expressions over one table of atoms."""

    def __init__(self, pointwise: Pointwise, coefficients: Coefficients) -> None:
        """Split with these coefficients."""
        self.atoms = pointwise.atoms
        self.pointwise = pointwise
        self.coefficients = coefficients
        self._forms: dict[Scalar, LinearForm | None] = {}

    def groups(self, e: Scalar) -> dict[Scalar, Group]:
        """Return what stands beside each cofactor; the linear part stands beside 1."""
        groups: dict[Scalar, Group] = {}
        for term in self._with_joint_parts(self._terms(e)):
            number, cofactor, form = self._split(term)
            group = groups.setdefault(cofactor, Group())
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

    def _with_joint_parts(self, terms: list[Scalar]) -> list[Scalar]:
        """Return the terms with re a + re b written as re(a + b), likewise im and conj, beside equal cofactors.

        So the product rule on |u|² gives re(ū Δu), not one real part per coordinate.
        """
        joint: dict[tuple[str, Scalar], list[tuple[int, Scalar]]] = {}
        for number, term in enumerate(terms):
            found = self._part_factor(term)
            if found is not None:
                function, cofactor, argument = found
                joint.setdefault((function, cofactor), []).append((number, argument))
        result = list(terms)
        for (function, cofactor), members in joint.items():
            if len(members) > 1:
                argument = sympy.Add(*(argument for _, argument in members))
                for number, _ in members:
                    result[number] = sympy.S.Zero
                result[members[0][0]] = cofactor * self.pointwise.call(function, (argument,))
        return [term for term in result if term != 0]

    def _part_factor(self, term: Scalar) -> tuple[str, Scalar, Scalar] | None:
        """Return function, cofactor and argument of a factor re, im or conj, a rational factor drawn inside."""
        rational, rest = term.as_coeff_Mul()
        factors = list(rest.args) if rest.is_Mul else [rest]
        chosen: tuple[Any, int, ElementaryCall] | None = None
        for number, factor in enumerate(factors):
            match self.atoms.get(factor):
                case ElementaryCall("re" | "im", _) as call:
                    key: tuple[Any, ...] = (1,)
                case ElementaryCall("conj", (argument,)) as call if self.linear_form(argument) is not None:
                    key = (0, *self._form_key(argument))
                case _:
                    continue
            if chosen is None or key > chosen[0]:
                chosen = key, number, call
        if chosen is None:
            return None
        _, number, call = chosen
        cofactor = sympy.Mul(*factors[:number], *factors[number + 1 :])
        return call.function, cofactor, rational * call.arguments[0]

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
        whole = self.linear_form(term) if self.atoms.facts(term).field else None
        if whole is not None:
            return UNIT, sympy.S.One, whole
        number = UNIT
        rest: list[Scalar] = []
        linear: list[tuple[Any, int]] = []
        for factor in term.args if term.is_Mul else (term,):
            if self.atoms.is_constant(factor):
                number = number * self.coefficients.number(factor)
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
            if len(varying) != 1 or self.linear_form(varying[0]) is None:
                return None
            constants = [factor for factor in e.args if self.atoms.is_constant(factor)]
            if varying[0].is_Add:
                # Constants meet before they are numbered: ε⁻¹(ε²Δu − u) is εΔu − ε⁻¹u.
                return self.linear_form(sympy.Add(*(sympy.Mul(*constants, term) for term in varying[0].args)))
            number = UNIT
            for factor in constants:
                number = number * self.coefficients.number(factor)
            return scaled_form(self.linear_form(varying[0]) or {}, number)
        return None
