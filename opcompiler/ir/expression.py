"""`Expr`: what was written, resolved against the declarations.

Nodes are frozen; `span` (place in the text) takes no part in equality, so `parse("a+b") == parse(" a + b ")`.
Every node knows its tensor `shape` (() scalar, (n,) vector, (n, m) matrix): the resolver has checked that the
ranks fit, later stages rely on it. An index letter bound by a sum is a `str` wherever an index is expected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from opcompiler.errors import Span
from opcompiler.ir.declarations import Declarations

__all__ = [
    "Apply",
    "Component",
    "Coordinate",
    "Cross",
    "Curl",
    "DAlembertian",
    "Determinant",
    "Divergence",
    "Dot",
    "DoubleDot",
    "Elementary",
    "Expr",
    "Field",
    "FunctionCall",
    "Gradient",
    "Hessian",
    "ImaginaryUnit",
    "Index",
    "IndexSum",
    "Laplacian",
    "MatrixProduct",
    "NamedConstant",
    "Negative",
    "Norm",
    "Number",
    "Operator",
    "OperatorComposition",
    "OperatorDAlembertian",
    "OperatorDirectional",
    "OperatorLaplacian",
    "OperatorMultiplication",
    "OperatorPartial",
    "OperatorPower",
    "OperatorSum",
    "Outer",
    "Parameter",
    "Partial",
    "Position",
    "Power",
    "Product",
    "Quotient",
    "Sum",
    "System",
    "Trace",
    "Transpose",
    "UnitVector",
    "Vector",
]

Index: TypeAlias = int | str
"""A concrete 0-based index, or the letter bound by an enclosing `IndexSum`."""

NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    shape: tuple[int, ...] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False)


# --- leaves -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number(_Node):
    """An exact rational number; decimals are read exactly (0.1 is 1/10)."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class ImaginaryUnit(_Node):
    """i, where no name `i` is declared."""


@dataclass(frozen=True, slots=True)
class NamedConstant(_Node):
    """`pi` or `e`."""

    name: str


@dataclass(frozen=True, slots=True)
class Coordinate(_Node):
    """One scalar coordinate; `index` counts in C order inside its space and may be a bound letter."""

    space: str
    index: Index = 0


@dataclass(frozen=True, slots=True)
class Position(_Node):
    """A whole space as an array, the x in x·∇u; its shape is the point shape."""

    space: str


@dataclass(frozen=True, slots=True)
class Parameter(_Node):
    """A declared parameter, whole; entries are `Component`s of it."""

    name: str


@dataclass(frozen=True, slots=True)
class Field(_Node):
    """A declared field at the point, whole; entries are `Component`s of it."""

    name: str


@dataclass(frozen=True, slots=True)
class UnitVector(_Node):
    """e_j along spatial coordinate number `axis` of the flat spatial axis."""

    axis: int


# --- pointwise --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FunctionCall(_Node):
    """A coefficient function applied to arguments, differentiated `derivative[k]` times in argument k: F'(φ).

    An argument that is a whole space is a `Position`.
    """

    name: str
    arguments: tuple[Expr, ...]
    derivative: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Elementary(_Node):
    """A built-in pointwise function of scalars: sin, exp, log, sqrt, abs, min, max, conj, re, im and so on."""

    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Negative(_Node):
    """Minus the operand."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Sum(_Node):
    """a + b + …, all of one shape; a − b is Sum((a, Negative(b)))."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Product(_Node):
    """Factors in written order, at most one of them not a scalar."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Quotient(_Node):
    """numerator / denominator, the denominator a scalar."""

    numerator: Expr
    denominator: Expr


@dataclass(frozen=True, slots=True)
class Power(_Node):
    """base ** exponent of scalars; v² of a vector is resolved to Dot(v, v)."""

    base: Expr
    exponent: Expr


# --- tensors ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Component(_Node):
    """An entry operand[indices]; an index may be a bound letter."""

    operand: Expr
    indices: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Vector(_Node):
    """Stacked entries along a new first axis."""

    entries: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Dot(_Node):
    """Contraction of the last axis of left with the first axis of right; never conjugates."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class MatrixProduct(_Node):
    """A matrix times a vector or a matrix, written by juxtaposition or `*`."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class DoubleDot(_Node):
    """A : B = Σ_ij A_ij B_ij."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Cross(_Node):
    """a × b in three dimensions; in two, the scalar a_1 b_2 − a_2 b_1."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Outer(_Node):
    """(a ⊗ b)_ij = a_i b_j."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Transpose(_Node):
    """Aᵀ; a vector stays what it is."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Trace(_Node):
    """Sum of the diagonal of a square matrix."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Determinant(_Node):
    """Determinant of a square matrix."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Norm(_Node):
    """|v| = (Σ|v_i|²)^½, of a vector; |z|² of a complex scalar is z z̄. Of a scalar see Elementary abs."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class IndexSum(_Node):
    """Σ over `index` from `lower` to `upper` (0-based, inclusive) of a scalar body; never expanded here."""

    index: str
    lower: int
    upper: int
    body: Expr


# --- derivatives ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Partial(_Node):
    """∂ of the operand, `order` times along each coordinate, applied from the left to the right."""

    operand: Expr
    coordinates: tuple[tuple[Coordinate, int], ...]


@dataclass(frozen=True, slots=True)
class Laplacian(_Node):
    """Δ over the spatial coordinates (or over `space` alone, written Δ_x), entrywise on tensors."""

    operand: Expr
    space: str | None = None


@dataclass(frozen=True, slots=True)
class DAlembertian(_Node):
    """□ = ∂_tt − Δ."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Gradient(_Node):
    """∇ appends the spatial axes: (∇u)[i, j] = ∂_j u_i; over `space` alone when given."""

    operand: Expr
    space: str | None = None


@dataclass(frozen=True, slots=True)
class Divergence(_Node):
    """∇· contracts the last axis (the last axes, for a space of tuple shape)."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Curl(_Node):
    """∇× in three dimensions; in two, ∂_1 v_2 − ∂_2 v_1 of a vector."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Hessian(_Node):
    """D²u, D²u[i, j] = ∂_i ∂_j u over the flat spatial axis."""

    operand: Expr


# --- operator-valued expressions: (1 + Δ)² u, (u·∇)w -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OperatorMultiplication(_Node):
    """Multiplication by a scalar expression (a bare constant 1 is the identity)."""

    factor: Expr


@dataclass(frozen=True, slots=True)
class OperatorLaplacian(_Node):
    """Δ waiting for its operand."""

    space: str | None = None


@dataclass(frozen=True, slots=True)
class OperatorDAlembertian(_Node):
    """□ waiting for its operand."""


@dataclass(frozen=True, slots=True)
class OperatorPartial(_Node):
    """∂ along coordinates, waiting for its operand."""

    coordinates: tuple[tuple[Coordinate, int], ...]


@dataclass(frozen=True, slots=True)
class OperatorDirectional(_Node):
    """v·∇, the vector not differentiated."""

    vector: Expr


@dataclass(frozen=True, slots=True)
class OperatorSum(_Node):
    """Pointwise sum of operators."""

    terms: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class OperatorComposition(_Node):
    """Composition; the last factor acts first."""

    factors: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class OperatorPower(_Node):
    """n-fold composition, n ≥ 0."""

    base: Operator
    exponent: int


Operator: TypeAlias = (
    OperatorMultiplication
    | OperatorLaplacian
    | OperatorDAlembertian
    | OperatorPartial
    | OperatorDirectional
    | OperatorSum
    | OperatorComposition
    | OperatorPower
)


@dataclass(frozen=True, slots=True)
class Apply(_Node):
    """An operator-valued bracket applied to the factor on its right."""

    operator: Operator
    operand: Expr


# --- the whole text ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class System:
    """All expressions of one text with the declarations they were resolved by; the product of `parse`.

    Attributes:
        expressions: one per entry; `lhs = rhs` is Sum((lhs, Negative(rhs))).
        declarations: what gave the names their meaning.
        labels: None for a single string, () for a sequence, the keys for a mapping.
        sources: the texts, for messages only.
    """

    expressions: tuple[Expr, ...]
    declarations: Declarations
    labels: tuple[str, ...] | None = None
    sources: tuple[str, ...] = field(default=(), compare=False, repr=False)


Expr: TypeAlias = (
    Number
    | ImaginaryUnit
    | NamedConstant
    | Coordinate
    | Position
    | Parameter
    | Field
    | UnitVector
    | FunctionCall
    | Elementary
    | Negative
    | Sum
    | Product
    | Quotient
    | Power
    | Component
    | Vector
    | Dot
    | MatrixProduct
    | DoubleDot
    | Cross
    | Outer
    | Transpose
    | Trace
    | Determinant
    | Norm
    | IndexSum
    | Partial
    | Laplacian
    | DAlembertian
    | Gradient
    | Divergence
    | Curl
    | Hessian
    | Apply
)
