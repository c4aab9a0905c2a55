"""Coefficients, symbols and contractions as mathematics in Unicode."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import assert_never

from opcompiler.ir.coefficient import ONE, Coefficient
from opcompiler.ir.declarations import Declarations, FieldDeclaration
from opcompiler.ir.normal_form import Contraction
from opcompiler.ir.surd import Number
from opcompiler.ir.symbol import Generator, Monomial, PowerSum, Quadric, Symbol, Xi, monomial_order

__all__ = [
    "coefficient_text",
    "contraction_name",
    "contraction_text",
    "join_terms",
    "number_text",
    "power_text",
    "subscript",
    "symbol_text",
]

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LONGEST_SYMBOL = 24
"""Terms of a symbol that are written out; a longer one is cut and counted."""


def power_text(base: str, exponent: int) -> str:
    """Return base^exponent with a raised exponent, the base alone for exponent 1."""
    return base if exponent == 1 else f"{base}{str(exponent).translate(_SUPERSCRIPTS)}"


def number_text(value: Number) -> str:
    """Return an exact number: `−1/2`, `1/2 − 3/4·√5`."""
    return str(value).replace("-", "−")


def subscript(number: int) -> str:
    """Return a number in subscript digits."""
    return str(number).translate(_SUBSCRIPTS)


def join_terms(terms: Sequence[str]) -> str:
    """Return the sum of terms, a term that starts with a minus sign subtracted."""
    if not terms:
        return "0"
    first, *others = terms
    return first + "".join(f" − {t[1:]}" if t.startswith("−") else f" + {t}" for t in others)


def coefficient_text(coefficient: Coefficient, scalars: Sequence[str] = ()) -> str:
    """Return a coefficient; `scalars` names its indeterminates (s₀, s₁, … where it does not reach)."""
    return join_terms([_scaled(value, _scalar_factors(monomial, scalars)) for monomial, value in coefficient.terms])


def _scalar_factors(monomial: tuple[tuple[int, int], ...], scalars: Sequence[str]) -> str:
    names = [scalars[n] if n < len(scalars) else f"s{subscript(n)}" for n, _ in monomial]
    return "·".join(power_text(name, power) for name, (_, power) in zip(names, monomial, strict=True))


def _scaled(value: Fraction, factors: str) -> str:
    sign = "−" if value < 0 else ""
    size = abs(value)
    if not factors:
        return f"{sign}{size}"
    return f"{sign}{factors}" if size == 1 else f"{sign}{size}·{factors}"


def symbol_text(symbol: Symbol, declarations: Declarations, scalars: Sequence[str] = ()) -> str:
    """Return p(ξ) with one letter ξ per coordinate and |ξ|², Σξᵢᵏ, ξᵀAξ for whole spaces."""
    shown = symbol.terms[:_LONGEST_SYMBOL]
    text = join_terms([_symbol_term(m, c, declarations, scalars) for m, c in shown])
    hidden = len(symbol.terms) - len(shown)
    return f"{text} + … ({hidden} more terms)" if hidden else text


def _symbol_term(
    monomial: Monomial, coefficient: Coefficient, declarations: Declarations, scalars: Sequence[str]
) -> str:
    factors = "·".join(_generator_power(g, power, declarations) for g, power in monomial)
    if coefficient.is_rational:
        return _scaled(coefficient.rational, factors)
    scale = coefficient_text(coefficient, scalars)
    if not factors:
        return scale
    return f"({scale})·{factors}" if len(coefficient.terms) > 1 else f"{scale}·{factors}"


def _generator_power(generator: Generator, power: int, declarations: Declarations) -> str:
    match generator:
        case Xi(space, index):
            return power_text(f"ξ_{declarations.space(space).coordinate_name(index)}", power)
        case PowerSum(space, 2):
            return power_text(f"|ξ_{space}|", 2 * power)
        case PowerSum(space, degree):
            return power_text(f"(Σᵢ {power_text(f'ξ_{space}ᵢ', degree)})", power)
        case Quadric(space):
            return power_text(f"(ξ_{space}ᵀ A ξ_{space})", power)
        case _:
            assert_never(generator)


def field_text(field: FieldDeclaration, component: tuple[int, ...] | None) -> str:
    """Return the name of a field or of one component of it."""
    if component is None:
        return field.name
    if field.components is not None and len(component) == 1:
        return field.components[component[0]]
    return field.name + ",".join(subscript(index + 1) for index in component)


def contraction_name(number: int, contraction: Contraction, declarations: Declarations) -> str:
    """Return how a contraction is called inside a formula: u, u_xxy, Δu, ∇u, or L₀ with its number."""
    field = field_text(declarations.field(contraction.field), contraction.component)
    prefix = "".join("∇" if index.power == 1 else f"∂ᵢ{power_text('', index.power)}" for index in contraction.free)
    match contraction.symbol.terms:
        case (((), coefficient),) if coefficient == ONE:
            return prefix + field
        case ((((PowerSum(space, 2), power),), coefficient),) if coefficient == ONE:
            whole = declarations.spatial_dim == declarations.space(space).dim
            return f"{prefix}{power_text('Δ' if whole else f'Δ_{space}', power)}{field}"
        case terms if set(terms) == _laplacian_terms(declarations):
            return f"{prefix}Δ{field}"
        case ((monomial, coefficient),) if coefficient == ONE and not prefix:
            subscripts = _subscripts(monomial, declarations)
            if subscripts is not None:
                return f"{field}_{subscripts}"
    return f"{prefix}L{subscript(number)}"


def _laplacian_terms(declarations: Declarations) -> set[tuple[Monomial, Coefficient]]:
    """Return the terms of Σξ² over all spatial coordinates, where they are few enough to be written out."""
    if declarations.spatial_dim > _LONGEST_SYMBOL:
        return set()
    return {(((Xi(space, index), 2),), ONE) for space, index in declarations.spatial}


def _subscripts(monomial: Monomial, declarations: Declarations) -> str | None:
    if monomial_order(monomial) > 6:
        return None
    names: list[str] = []
    for generator, power in monomial:
        if not isinstance(generator, Xi):
            return None
        names += [declarations.space(generator.space).coordinate_name(generator.index)] * power
    return "".join(names) if all(len(name) == 1 for name in names) else "{" + " ".join(names) + "}"


def contraction_text(contraction: Contraction, declarations: Declarations, scalars: Sequence[str] = ()) -> str:
    """Return a contraction with its symbol, e.g. `p(∂)u, p(ξ) = |ξ_x|² + ξ_x1²·ξ_x2²`."""
    field = field_text(declarations.field(contraction.field), contraction.component)
    free = " ".join(power_text(f"∂_{index.space}ᵢ", index.power) for index in contraction.free)
    every = " for all i" if free else ""
    if contraction.symbol == Symbol.one():
        return f"{free} {field}{every}" if free else "the field itself"
    prefix = f"{free} " if free else ""
    return f"{prefix}p(∂){field}{every}, p(ξ) = {symbol_text(contraction.symbol, declarations, scalars)}"
