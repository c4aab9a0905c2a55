"""Powers, quotients and built-in functions of scalars, with their derivatives.

Complex values. A field may turn out complex at call, so nothing here assumes it real. For z(s) along a real
parameter s (every coordinate is real): conj(z)' = conj(z'), re(z)' = re(z'), im(z)' = im(z'), and

    (|z|)'   = re(conj(sign z) z'),                              sign z = z/|z|
    (|z|ⁿ)'  = n |z|ⁿ⁻² re(conj(z) z')                           n ≥ 2, smooth at z = 0 for even n
    (sign z)' = (z' − sign z · re(conj(sign z) z')) / |z|        exactly 0 for real z ≠ 0

which for real z are sign(z) z', n |z|ⁿ⁻² z z' and 0.

The derivative is the one almost everywhere: heaviside and the sign of a real number are constant between their jumps,
min and max have the mean of both one-sided rates where the arguments are equal.

Powers. Integer powers are sympy powers, right for bases of every sign. z^(p/q) is the p-th power of the atom
`Root(z, q)`, the principal value: exp((p/q) log z) = exp((1/q) log z)^p holds for every z.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import sympy

from opcompiler.errors import LimitError
from opcompiler.symbolic.atoms import (
    Atoms,
    ElementaryCall,
    GeneralPower,
    IndexedSum,
    Irrational,
    Root,
    Scalar,
)
from opcompiler.symbolic.limits import MAX_NUMBER_BITS

__all__ = ["Pointwise", "exact_fraction", "rational"]

_AT_ZERO = {
    **dict.fromkeys(("sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "cbrt", "erf"), 0),
    **dict.fromkeys(("cos", "sec", "cosh", "sech", "exp", "erfc"), 1),
}
"""Rational values at 0."""

_ALWAYS_REAL = frozenset({"abs", "re", "im"})


def rational(value: Fraction | int) -> Scalar:
    """Return an exact number as sympy writes it."""
    return sympy.Rational(value.numerator, value.denominator)


def exact_fraction(value: Scalar) -> Fraction:
    """Return a sympy rational as a Fraction."""
    return Fraction(int(value.p), int(value.q))


class Pointwise:
    """Builders over one table of atoms."""

    def __init__(self, atoms: Atoms) -> None:
        """Build over this table."""
        self.atoms = atoms

    # --- powers ---------------------------------------------------------------------------------------------

    def quotient(self, numerator: Scalar, denominator: Scalar) -> Scalar:
        """Return numerator / denominator.

        Raises:
            LimitError: the denominator is identically zero.
        """
        return numerator * self.power(denominator, sympy.S.NegativeOne)

    def power(self, base: Scalar, exponent: Scalar) -> Scalar:
        """Return base^exponent.

        Raises:
            LimitError: zero to a negative power, or a number too long to be written out.
        """
        if base == 0 and exponent.is_Rational and exponent < 0:
            raise LimitError("this divides by zero", hint="the denominator vanishes identically; check its sign")
        if exponent.is_Integer:
            return self._integer_power(base, int(exponent))
        if exponent.is_Rational:
            return self._rational_power(base, exact_fraction(exponent))
        match self.atoms.get(base):
            case Irrational("e"):
                return self.call("exp", (exponent,))
            case Root(inner, degree) if self.is_nonnegative(inner):
                return self.power(inner, exponent / degree)
            case _:
                return self.atoms.symbol(GeneralPower(base, exponent))

    def _integer_power(self, base: Scalar, exponent: int) -> Scalar:
        match self.atoms.get(base):
            case Irrational("e") if exponent not in (0, 1):
                return self.call("exp", (sympy.Integer(exponent),))
            case Root(inner, degree) if exponent % degree == 0 and self.is_nonnegative(inner):
                return self._integer_power(inner, exponent // degree)
            case _:
                _refuse_long_number(base, exponent)
                return base**exponent

    def _rational_power(self, base: Scalar, exponent: Fraction) -> Scalar:
        if base.is_Rational and base >= 0:
            root = sympy.root(base, exponent.denominator)
            if root.is_Rational:
                return self._integer_power(root, exponent.numerator)
        match self.atoms.get(base):
            case Irrational("e"):
                return self.call("exp", (rational(exponent),))
            case Root(inner, degree) if self.is_nonnegative(inner):
                return self._rational_power(inner, exponent / degree)
            case _:
                root = self.atoms.symbol(Root(base, exponent.denominator))
                return self._integer_power(root, exponent.numerator)

    # --- functions ------------------------------------------------------------------------------------------

    def call(self, name: str, arguments: tuple[Scalar, ...]) -> Scalar:
        """Return a built-in function of its arguments; exact where the value is a rational number or obvious."""
        if name == "sqrt":
            return self.power(arguments[0], sympy.Rational(1, 2))
        if all(argument.is_Rational for argument in arguments):
            value = _exact_value(name, tuple(exact_fraction(a) for a in arguments))
            if value is not None:
                return rational(value)
        if name == "conj":
            return self.conjugate(arguments[0])
        if name == "re" and not self.atoms.facts(arguments[0]).unreal:
            return arguments[0]
        if name == "im" and not self.atoms.facts(arguments[0]).unreal:
            return sympy.S.Zero
        return self.atoms.symbol(ElementaryCall(name, arguments))

    def conjugate(self, z: Scalar) -> Scalar:
        """Return conj(z), drawn into products so that equal factors meet."""
        if not self.atoms.facts(z).unreal:
            return z
        if z == sympy.I:
            return -sympy.I
        match self.atoms.get(z):
            case ElementaryCall("conj", (inner,)):
                return inner
            case ElementaryCall(name, _) if name in _ALWAYS_REAL:
                return z
        if z.is_Mul:
            return sympy.Mul(*(self.conjugate(factor) for factor in z.args))
        if z.is_Pow:
            base, exponent = z.args
            return self.conjugate(base) ** exponent
        return self.atoms.symbol(ElementaryCall("conj", (z,)))

    def real_part(self, z: Scalar) -> Scalar:
        """Return re(z)."""
        return self.call("re", (z,))

    def absolute(self, z: Scalar) -> Scalar:
        """Return |z|."""
        return self.call("abs", (z,))

    def is_nonnegative(self, e: Scalar) -> bool:
        """Whether e is a sum of products of squares of real numbers, so that (e^a)^b = e^(ab)."""
        if e.is_Rational:
            return e >= 0
        if e.is_Add or e.is_Mul:
            return all(self.is_nonnegative(argument) for argument in e.args)
        if e.is_Pow:
            base, exponent = e.args
            real = not self.atoms.facts(base).unreal or self._is_real_atom(base)
            return (real and int(exponent) % 2 == 0) or self.is_nonnegative(base)
        match self.atoms.get(e):
            case ElementaryCall("abs"):
                return True
            case ElementaryCall("exp", (argument,)):
                return not self.atoms.facts(argument).unreal
            case IndexedSum(body=body):
                return self.is_nonnegative(body)
            case Root(base, _):
                return self.is_nonnegative(base)
            case _:
                return False

    def _is_real_atom(self, e: Scalar) -> bool:
        atom = self.atoms.get(e)
        return isinstance(atom, ElementaryCall) and atom.function in _ALWAYS_REAL

    # --- derivatives ----------------------------------------------------------------------------------------

    def call_derivative(self, atom: ElementaryCall, symbol: Scalar, rates: tuple[Scalar, ...]) -> Scalar:
        """Return d f(a) when the arguments change at these rates."""
        name, arguments = atom.function, atom.arguments
        z, rate = arguments[0], rates[0]
        match name:
            case "conj" | "re" | "im":
                return sympy.S.Zero if rate == 0 else self.call(name, (rate,))
            case "heaviside":
                return sympy.S.Zero
            case "abs":
                sign = self.call("sign", (z,))
                if not self.atoms.facts(z).unreal:
                    return sign * rate
                return sympy.S.Zero if rate == 0 else self.real_part(self.conjugate(sign) * rate)
            case "sign":
                if rate == 0 or not self.atoms.facts(z).unreal:
                    return sympy.S.Zero
                along = symbol * self.real_part(self.conjugate(symbol) * rate)
                return self.quotient(rate - along, self.absolute(z))
            case "min" | "max":
                return self._extremum_derivative(name, arguments, rates)
            case "atan2":
                y, x = arguments
                return self.quotient(x * rates[0] - y * rates[1], x**2 + y**2)
            case _:
                return sympy.S.Zero if rate == 0 else _DERIVATIVES[name](self, z, symbol) * rate

    def power_of_absolute_derivative(self, z: Scalar, rate: Scalar, absolute: Scalar, exponent: int) -> Scalar:
        """Return d |z|ⁿ for n ≥ 2."""
        if rate == 0:
            return sympy.S.Zero
        product = z * rate if not self.atoms.facts(z).unreal else self.real_part(self.conjugate(z) * rate)
        return exponent * absolute ** (exponent - 2) * product

    def _extremum_derivative(self, name: str, arguments: tuple[Scalar, ...], rates: tuple[Scalar, ...]) -> Scalar:
        value, rate = arguments[0], rates[0]
        for other, other_rate in zip(arguments[1:], rates[1:], strict=True):
            lead = other - value if name == "min" else value - other
            first = self.call("heaviside", (lead,))
            rate, value = first * rate + (1 - first) * other_rate, self.call(name, (value, other))
        return rate


def _refuse_long_number(base: Scalar, exponent: int) -> None:
    number = base.as_coeff_Mul()[0]
    if number.is_Rational and number not in (0, 1, -1):
        bits = max(abs(int(number.p)).bit_length(), int(number.q).bit_length())
        if bits * abs(exponent) > MAX_NUMBER_BITS:
            raise LimitError(
                f"the power {exponent} of a number has more than {MAX_NUMBER_BITS} bits",
                hint="declare the number as a parameter that is given at call",
            )


def _exact_value(name: str, arguments: tuple[Fraction, ...]) -> Fraction | int | None:
    first = arguments[0]
    match name:
        case "abs":
            return abs(first)
        case "sign":
            return (first > 0) - (first < 0)
        case "heaviside":
            return Fraction(1 + (first > 0) - (first < 0), 2)
        case "re" | "conj":
            return first
        case "im":
            return 0
        case "min":
            return min(arguments)
        case "max":
            return max(arguments)
        case "log" | "log2" | "log10" if first == 1:
            return 0
        case _:
            return _AT_ZERO.get(name) if first == 0 else None


_Rule = Callable[[Pointwise, Scalar, Scalar], Scalar]


def _log_base(base: int) -> _Rule:
    return lambda p, z, f: p.quotient(sympy.S.One, z * p.call("log", (sympy.Integer(base),)))


def _inverse_root(sign: int, square: int) -> _Rule:
    """Return the rule sign · (1 + square·z²)^(−1/2)."""
    return lambda p, z, f: sign * p.power(1 + square * z**2, sympy.Rational(-1, 2))


def _gauss(sign: int) -> _Rule:
    def rule(p: Pointwise, z: Scalar, f: Scalar) -> Scalar:
        pi = p.atoms.symbol(Irrational("pi"))
        return 2 * sign * p.power(pi, sympy.Rational(-1, 2)) * p.call("exp", (-(z**2),))

    return rule


_DERIVATIVES: dict[str, _Rule] = {
    "sin": lambda p, z, f: p.call("cos", (z,)),
    "cos": lambda p, z, f: -p.call("sin", (z,)),
    "tan": lambda p, z, f: 1 + f**2,
    "cot": lambda p, z, f: -1 - f**2,
    "sec": lambda p, z, f: f * p.call("tan", (z,)),
    "csc": lambda p, z, f: -f * p.call("cot", (z,)),
    "asin": _inverse_root(1, -1),
    "acos": _inverse_root(-1, -1),
    "atan": lambda p, z, f: p.quotient(sympy.S.One, 1 + z**2),
    "sinh": lambda p, z, f: p.call("cosh", (z,)),
    "cosh": lambda p, z, f: p.call("sinh", (z,)),
    "tanh": lambda p, z, f: 1 - f**2,
    "coth": lambda p, z, f: 1 - f**2,
    "sech": lambda p, z, f: -f * p.call("tanh", (z,)),
    "csch": lambda p, z, f: -f * p.call("coth", (z,)),
    "asinh": _inverse_root(1, 1),
    "acosh": lambda p, z, f: p.power(z - 1, sympy.Rational(-1, 2)) * p.power(z + 1, sympy.Rational(-1, 2)),
    "atanh": lambda p, z, f: p.quotient(sympy.S.One, 1 - z**2),
    "exp": lambda p, z, f: f,
    "log": lambda p, z, f: p.quotient(sympy.S.One, z),
    "log2": _log_base(2),
    "log10": _log_base(10),
    "cbrt": lambda p, z, f: sympy.Rational(1, 3) * f**-2,
    "erf": _gauss(1),
    "erfc": _gauss(-1),
}
