"""Products, powers, sums and derivatives of checked shape: every rank error of the language is raised here.

Source of the index conventions: (∇u)[i, j] = ∂_j u_i; ∇· contracts the last axes; u·∇w is (u·∇)w.
"""

from __future__ import annotations

from opcompiler.errors import OpCompilerError, OperatorNameError, OperatorSyntaxError, RankError, Span
from opcompiler.ir import expression as ir
from opcompiler.ir.declarations import Declarations
from opcompiler.ir.expression import Expr
from opcompiler.ir.functions import BUILTIN_FUNCTIONS
from opcompiler.language.ledger import Ledger

__all__ = ["TensorBuilder", "shape_name"]


def shape_name(shape: tuple[int, ...]) -> str:
    """Return a shape in words."""
    match len(shape):
        case 0:
            return "a scalar"
        case 1:
            return f"a vector of {shape[0]}"
        case 2:
            return f"a {shape[0]}×{shape[1]} matrix"
        case _:
            return f"a tensor of shape {shape}"


class TensorBuilder:
    """Makes expression nodes and refuses those whose ranks do not fit."""

    def __init__(self, source: str, declarations: Declarations) -> None:
        """Work for one text."""
        self.source = source
        self.declarations = declarations
        self.ledger = Ledger(source, declarations)

    def error(self, kind: type[OpCompilerError], problem: str, span: Span, hint: str | None = None) -> OpCompilerError:
        """Return an error at a place of the source."""
        return kind(problem, source=self.source, span=span, hint=hint)

    # --- sums and products ----------------------------------------------------------------------------------------

    def negative(self, operand: Expr, count: int = 1, span: Span | None = None) -> Expr:
        """−operand, if the number of minus signs is odd."""
        if count % 2 == 0:
            return operand
        return self.ledger.enter(ir.Negative(operand, shape=operand.shape, span=span or operand.span))

    def sum(self, terms: list[Expr], span: Span) -> Expr:
        """The sum of terms of one shape."""
        if len(terms) == 1:
            return terms[0]
        for term in terms[1:]:
            if term.shape != terms[0].shape:
                raise self.error(
                    RankError,
                    f"{shape_name(terms[0].shape)} and {shape_name(term.shape)} cannot be added",
                    term.span,
                    self.sum_hint(terms[0], term),
                )
        return self.ledger.enter(ir.Sum(tuple(terms), shape=terms[0].shape, span=span))

    def sum_hint(self, first: Expr, second: Expr) -> str | None:
        """Suggest Δ where ∇ of a scalar meets a scalar."""
        for one, other in ((first, second), (second, first)):
            inner = one.operand if isinstance(one, ir.Negative) else one
            if isinstance(inner, ir.Gradient) and not inner.operand.shape and not other.shape:
                return "∇u is a vector; did you mean Δu or |∇u|?"
        return None

    def product(self, factors: list[Expr], span: Span) -> Expr:
        """The product of factors, at most one of which is not a scalar."""
        if len(factors) == 1:
            return factors[0]
        shape = next((factor.shape for factor in factors if factor.shape), ())
        return self.ledger.enter(ir.Product(tuple(factors), shape=shape, span=span))

    def quotient(self, numerator: Expr, denominator: Expr, span: Span) -> Expr:
        """The quotient by a scalar; of two numbers it is a number, so that 1/2, ½ and 0.5 are one."""
        if denominator.shape:
            raise self.error(RankError, f"division by {shape_name(denominator.shape)}", denominator.span)
        match numerator, denominator:
            case ir.Number(above), ir.Number(below) if below:
                return self.ledger.enter(ir.Number(above / below, span=span))
            case _:
                pass
        return self.ledger.enter(ir.Quotient(numerator, denominator, shape=numerator.shape, span=span))

    def power(self, base: Expr, exponent: Expr, span: Span) -> Expr:
        """Base ^ exponent; v² is v·v."""
        if exponent.shape:
            raise self.error(RankError, f"the exponent is {shape_name(exponent.shape)}", exponent.span)
        if not base.shape:
            return self.ledger.enter(ir.Power(base, exponent, span=span))
        squared = self.ledger.constant(exponent) == 2
        if squared and len(base.shape) == 1:
            return self.ledger.enter(ir.Dot(base, base, span=span))
        if squared and isinstance(base, ir.Gradient) and not base.operand.shape:
            return self.ledger.enter(ir.DoubleDot(base, base, span=span))
        raise self.error(
            RankError,
            f"a power of {shape_name(base.shape)}",
            span,
            "only v² = v·v is defined; for another power write |v|^p",
        )

    # --- tensor products ------------------------------------------------------------------------------------------

    def dot(self, left: Expr, right: Expr, span: Span) -> Expr:
        """Left · right; with a gradient on the right it is the directional derivative (left·∇)w."""
        left, right = self.as_vector(left, right), self.as_vector(right, left)
        for side, other in ((left, right), (right, left)):
            if not side.shape and other.shape:
                raise self.error(
                    RankError,
                    f"the dot joins {shape_name(left.shape)} and {shape_name(right.shape)}",
                    side.span,
                    "for a product with a scalar leave the dot away or write *",
                )
        if not left.shape:
            raise self.error(RankError, "a scalar has no dot product", span, "write * for the product of scalars")
        if isinstance(right, ir.Gradient):
            return self.directional(left, right, span)
        if left.shape[-1] != right.shape[0]:
            raise self.mismatch("the dot product", left, right, span)
        return self.ledger.enter(ir.Dot(left, right, shape=left.shape[:-1] + right.shape[1:], span=span))

    def directional(self, left: Expr, right: ir.Gradient, span: Span) -> Expr:
        """(left·∇)w."""
        axes = right.shape[len(right.operand.shape) :]
        if left.shape == axes and right.space is None:
            operator = self.ledger.enter(ir.OperatorDirectional(left, span=left.span))
            return self.ledger.enter(ir.Apply(operator, right.operand, shape=right.operand.shape, span=span))
        if left.shape == axes and len(axes) == 1:
            return self.ledger.enter(ir.Dot(right, left, shape=right.operand.shape, span=span))
        if len(left.shape) == 2 and not right.operand.shape and left.shape[-1:] == axes:
            return self.ledger.enter(ir.Dot(left, right, shape=left.shape[:-1], span=span))
        raise self.mismatch("the dot product", left, right, span)

    def as_vector(self, side: Expr, other: Expr) -> Expr:
        """Read the only coordinate of a space of one coordinate as that space, where a vector is needed."""
        if isinstance(side, ir.Coordinate) and other.shape == (1,):
            space = self.declarations.space(side.space)
            if space.shape == (1,):
                return ir.Position(space.name, shape=space.shape, span=side.span)
        return side

    def mismatch(self, what: str, left: Expr, right: Expr, span: Span) -> RankError:
        """Return the error about two tensors whose shapes do not fit."""
        problem = f"{what} of {shape_name(left.shape)} and {shape_name(right.shape)}"
        return RankError(problem, source=self.source, span=span)

    def juxtapose(self, left: Expr, right: Expr, span: Span) -> Expr:
        """A product written without a sign or with *, of two factors that are no scalars."""
        row = left.operand if isinstance(left, ir.Transpose) and len(left.shape) == 1 else None
        if row is not None and len(right.shape) == 1:
            return self.dot(row, right, span)
        if row is not None and len(right.shape) == 2:
            if left.shape[0] != right.shape[0]:
                raise self.mismatch("the product", left, right, span)
            product = self.ledger.enter(ir.Dot(row, right, shape=right.shape[1:], span=span))
            return self.ledger.enter(ir.Transpose(product, shape=product.shape, span=span))
        if isinstance(left, ir.Gradient) and isinstance(left.operand, ir.Position) and len(right.shape) == 1:
            name = left.operand.space
            raise self.error(
                RankError,
                f"∇{name} is the identity matrix: is the curl meant?",
                span,
                "the curl is written ∇×v or curl(v)",
            )
        if len(left.shape) == 2 and len(right.shape) in (1, 2):
            if left.shape[-1] != right.shape[0]:
                raise self.mismatch("the product", left, right, span)
            return self.ledger.enter(ir.MatrixProduct(left, right, shape=left.shape[:-1] + right.shape[1:], span=span))
        hint = "write a·b, a×b or a⊗b"
        if isinstance(right, ir.Gradient):
            hint = "did you mean u·∇w?"
        raise self.error(
            RankError,
            f"the product of {shape_name(left.shape)} and {shape_name(right.shape)} is not defined",
            span,
            hint,
        )

    def double_dot(self, left: Expr, right: Expr, span: Span) -> Expr:
        """A : B."""
        if len(left.shape) != 2 or left.shape != right.shape:
            raise self.mismatch("the contraction A:B", left, right, span)
        return self.ledger.enter(ir.DoubleDot(left, right, span=span))

    def inner(self, left: Expr, right: Expr, span: Span) -> Expr:
        """The sum of the products of all entries."""
        return self.double_dot(left, right, span) if len(left.shape) == 2 else self.dot(left, right, span)

    def cross(self, left: Expr, right: Expr, span: Span) -> Expr:
        """A × b."""
        if left.shape != right.shape or left.shape not in ((2,), (3,)):
            raise self.mismatch("the cross product", left, right, span)
        return self.ledger.enter(ir.Cross(left, right, shape=(3,) if left.shape == (3,) else (), span=span))

    def outer(self, left: Expr, right: Expr, span: Span) -> Expr:
        """A ⊗ b."""
        if len(left.shape) != 1 or len(right.shape) != 1:
            raise self.mismatch("the tensor product", left, right, span)
        return self.ledger.enter(ir.Outer(left, right, shape=left.shape + right.shape, span=span))

    def transpose(self, operand: Expr, span: Span) -> Expr:
        """Aᵀ."""
        if len(operand.shape) not in (1, 2):
            raise self.error(RankError, f"the transpose of {shape_name(operand.shape)}", span)
        return self.ledger.enter(ir.Transpose(operand, shape=operand.shape[::-1], span=span))

    def square(self, what: str, operand: Expr, span: Span) -> None:
        """Refuse anything but a square matrix."""
        if len(operand.shape) != 2 or operand.shape[0] != operand.shape[1]:
            raise self.error(RankError, f"the {what} of {shape_name(operand.shape)}", span, "it needs a square matrix")

    def norm(self, operand: Expr, span: Span) -> Expr:
        """|v|, or |a| of a scalar."""
        if not operand.shape:
            return self.elementary("abs", (operand,), span)
        return self.ledger.enter(ir.Norm(operand, span=span))

    def vector(self, entries: list[Expr], span: Span) -> Expr:
        """(a, b, c)."""
        for entry in entries:
            if entry.shape != entries[0].shape:
                raise self.error(RankError, "the entries of a vector differ in rank", entry.span)
        return self.ledger.enter(ir.Vector(tuple(entries), shape=(len(entries), *entries[0].shape), span=span))

    def elementary(self, name: str, arguments: tuple[Expr, ...], span: Span) -> Expr:
        """A built-in function of scalars."""
        arity = BUILTIN_FUNCTIONS[name]
        if (arity is None and len(arguments) < 2) or (arity is not None and len(arguments) != arity):
            wanted = "at least two" if arity is None else str(arity)
            raise self.error(OperatorSyntaxError, f"{name} takes {wanted} argument(s), not {len(arguments)}", span)
        for argument in arguments:
            if argument.shape:
                raise self.error(
                    RankError, f"{name} of {shape_name(argument.shape)}", argument.span, "apply it to scalars"
                )
        return self.ledger.enter(ir.Elementary(name, arguments, span=span))

    # --- derivatives ----------------------------------------------------------------------------------------------

    def partial(self, operand: Expr, coordinates: tuple[tuple[ir.Coordinate, int], ...], span: Span) -> Expr:
        """∂ of the operand along coordinates; order 0 is the operand itself."""
        kept = tuple((coordinate, order) for coordinate, order in coordinates if order)
        if not kept:
            return operand
        return self.ledger.enter(ir.Partial(operand, kept, shape=operand.shape, span=span))

    def laplacian(self, operand: Expr, space: str | None, span: Span) -> Expr:
        """Δ, entrywise."""
        self.need_space("Δ", span)
        return self.ledger.enter(ir.Laplacian(operand, space, shape=operand.shape, span=span))

    def dalembertian(self, operand: Expr, span: Span) -> Expr:
        """□ = ∂_tt − Δ."""
        self.need_time("□", span)
        return self.ledger.enter(ir.DAlembertian(operand, shape=operand.shape, span=span))

    def gradient(self, operand: Expr, space: str | None, span: Span) -> Expr:
        """∇, which appends the spatial axes."""
        self.need_space("∇", span)
        axes = self.declarations.spatial_shape
        if space is not None:
            axes = self.declarations.space(space).shape or (1,)
        return self.ledger.enter(ir.Gradient(operand, space, shape=operand.shape + axes, span=span))

    def divergence(self, operand: Expr, span: Span) -> Expr:
        """∇·, which contracts the last axes."""
        self.need_space("∇·", span)
        axes = self.declarations.spatial_shape
        if operand.shape[-len(axes) :] != axes:
            hint = None
            if not operand.shape:
                hint = "∇· takes a vector; for a scalar write ∇u or Δu"
            raise self.error(
                RankError,
                f"the divergence of {shape_name(operand.shape)} over {self.declarations.spatial_dim} space coordinates",
                span,
                hint,
            )
        return self.ledger.enter(ir.Divergence(operand, shape=operand.shape[: -len(axes)], span=span))

    def curl(self, operand: Expr, span: Span) -> Expr:
        """∇× in two and three dimensions."""
        dimension = self.declarations.spatial_dim
        if dimension not in (2, 3) or operand.shape != (dimension,):
            raise self.error(
                RankError,
                f"the curl of {shape_name(operand.shape)} over {dimension} space coordinates",
                span,
                "∇× takes a vector of 2 or 3 over as many space coordinates",
            )
        return self.ledger.enter(ir.Curl(operand, shape=(3,) if dimension == 3 else (), span=span))

    def hessian(self, operand: Expr, span: Span) -> Expr:
        """D²u."""
        self.need_space("D²", span)
        if operand.shape:
            raise self.error(RankError, f"the Hessian of {shape_name(operand.shape)}", span, "it takes a scalar")
        size = self.declarations.spatial_dim
        return self.ledger.enter(ir.Hessian(operand, shape=(size, size), span=span))

    def need_space(self, symbol: str, span: Span) -> None:
        """Refuse a spatial operator where there is only time."""
        if self.declarations.spatial_dim == 0:
            raise self.error(RankError, f"{symbol} needs a space coordinate, but only time is declared", span)

    def need_time(self, symbol: str, span: Span) -> ir.Coordinate:
        """Return the time coordinate."""
        if self.declarations.time is None:
            raise self.error(
                OperatorNameError, f"{symbol} needs a time coordinate", span, 'declare one, for example time="t"'
            )
        space, index = self.declarations.time
        return ir.Coordinate(space, index, span=span)
