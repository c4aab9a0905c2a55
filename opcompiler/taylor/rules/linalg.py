"""Linear solves and triangular factorisations, degree by degree.

Every factorisation is defined by equations such as A x = b or A = L Lᴴ. Their coefficient of an element k
is linear in the unknown coefficient of k, with the factors of the value as matrix; what remains are products of
coefficients of lower degree. So one pass in the order of the degrees solves them: Σ' below is Σ T^k_lr a_l b_r, the
part of a product without the values. The first-degree part of each is the known differential; see
S. F. Walter, L. Lehmann, Algorithmic differentiation of linear algebra functions (2010); M. B. Giles (2008).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from opcompiler.taylor import blocks, demand
from opcompiler.taylor.demand import Elements
from opcompiler.taylor.registry import Application, taylor_rule
from opcompiler.taylor.series import Series, constant, is_series
from opcompiler.taylor.structure import Structure

if TYPE_CHECKING:
    from opcompiler.taylor.interpreter import Interpreter

FAMILY = "linear algebra"
SOURCE = "Walter & Lehmann 2010"

Coefficients = dict[int, jax.Array]
"""Element ≥ 1 → block in full."""


def by_recursion(application: Application, *inputs: Any) -> list[Any]:
    """Evaluate a variant that has no equations here from its tangent, quietly."""
    from opcompiler.taylor.recursion import differentiated

    return differentiated(application, *inputs)


# tools --------------------------------------------------------------------------------------------------------------


def coefficients_of(value: Series) -> Coefficients:
    """Return the nonzero coefficients of a series in full."""
    dense = {k: value.dense(k) for k in value.present}
    return {k: blocks.expand(block, value.shape) for k, block in dense.items() if block is not None}


def inner_products(
    structure: Structure,
    k: int,
    a: Mapping[int, jax.Array],
    b: Mapping[int, jax.Array],
    product: Callable[[jax.Array, jax.Array], jax.Array],
) -> Any:
    """Return Σ T^k_lr product(a_l, b_r) over nilpotent l and r, 0 if there is none; `product` broadcasts directions."""
    result: Any = 0
    for term in structure.products[k]:
        for left, right, meeting in term.orientations:
            if left not in a or right not in b:
                continue
            if meeting is not None:
                result = result + blocks.scale(meeting.product(a[left], b[right], product), term.constant)
                continue
            value = product(a[left], b[right])
            if term.weights is not None:
                value = value * jnp.asarray(term.weights, value.dtype).reshape((-1,) + (1,) * (value.ndim - 1))
            families = structure.is_family(left) or structure.is_family(right)
            if families and not structure.is_family(k):
                value = jnp.sum(value, axis=0, keepdims=True)
            result = result + blocks.scale(value, term.constant)
    return result


def is_zero(value: Any) -> bool:
    """Whether a sum of products had no terms."""
    return isinstance(value, int)


def series_of(structure: Structure, primal: Any, coefficients: Mapping[int, jax.Array], wanted: Elements) -> Series:
    """Return the series with the wanted coefficients."""
    return Series(primal, tuple(coefficients.get(k) if k in wanted else None for k in range(1, structure.size)))


def adjoint(a: jax.Array) -> jax.Array:
    """Return the conjugate transpose of the last two axes."""
    return jnp.conj(jnp.swapaxes(a, -1, -2))


def diagonal(a: jax.Array) -> jax.Array:
    """Return the diagonal of the last two axes."""
    return jnp.diagonal(a, axis1=-2, axis2=-1)


def triangular(matrix: jax.Array, right: jax.Array, **options: Any) -> jax.Array:
    """Solve with one triangular matrix for all directions of the right-hand side."""
    return jax.vmap(lambda b: lax.linalg.triangular_solve(matrix, b, **options))(right)


def matmul(a: jax.Array, b: jax.Array) -> jax.Array:
    """Matrix product at full precision, broadcast over leading axes."""
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


# linear systems -----------------------------------------------------------------------------------------------------


def solved(
    application: Application,
    image: Callable[[Sequence[Any], Elements], Sequence[Any]] | None,
    solve: Callable[..., Sequence[jax.Array]],
    rights: Sequence[Any],
    primals: Sequence[jax.Array],
) -> list[Any]:
    """Solve A x = b: x_k = A₀⁻¹ (b_k − (A x)_k), where (A x)_k is formed with x up to the degree before.

    Args:
        application: the equation.
        image: (x, elements) → A x, those elements of it; None if A is constant.
        solve: right-hand sides → A₀⁻¹ of them, for the values.
        rights: b, series or plain.
        primals: x₀.
    """
    structure = application.structure
    wanted = structure.by_degree(application.wanted) if image else sorted(application.wanted - {0})
    unknown: list[Coefficients] = [{} for _ in primals]
    for degree in sorted({structure.degrees[k] for k in wanted}):
        members = [k for k in wanted if structure.degrees[k] == degree]
        known = [
            series_of(structure, p, x, structure.everything) if x else p for p, x in zip(primals, unknown, strict=True)
        ]
        images = image(known, frozenset(members)) if image else [None] * len(primals)
        pieces: dict[int, list[jax.Array]] = {}
        for k in members:
            parts = [_difference(b, a, k) for b, a in zip(rights, images, strict=True)]
            if any(part is not None for part in parts):
                rows = max(part.shape[0] for part in parts if part is not None)
                pieces[k] = [
                    jnp.zeros((rows, *p.shape), p.dtype)
                    if part is None
                    else jnp.broadcast_to(part, (rows, *np.shape(constant(b)))).astype(p.dtype)
                    for part, p, b in zip(parts, primals, rights, strict=True)
                ]
        if not pieces:
            continue
        stacks = [lax.concatenate(list(column), 0) for column in zip(*pieces.values(), strict=True)]
        solutions = jax.vmap(solve)(*stacks)
        sizes = [column[0].shape[0] for column in pieces.values()]
        for x, solution in zip(unknown, solutions, strict=True):
            x.update(zip(pieces, lax.split(solution, sizes, 0), strict=True))
    return [series_of(structure, p, x, application.wanted) for p, x in zip(primals, unknown, strict=True)]


def _difference(b: Any, a: Any, k: int) -> jax.Array | None:
    """Return b_k − a_k."""
    left = b.dense(k) if is_series(b) else None
    right = a.dense(k) if is_series(a) else None
    if right is None:
        return left
    return -right if left is None else left - right


def system_demand(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> Sequence[Elements]:
    """Linear in the right-hand side while the matrix is constant."""
    matrix = active[:-1] if equation.primitive.name == "tridiagonal_solve" else active[:1]
    return (demand.nonlinear if any(matrix) else demand.linear)(interpreter, equation, active, needed)


@taylor_rule("triangular_solve", family=FAMILY, demand=system_demand, source=SOURCE)
def triangular_solve(application: Application, a: Any, b: Any) -> list[Any]:
    """op(T) x = b or x op(T) = b, with the triangle T of a."""
    params = application.params
    matrix, primal = constant(a), application.bind(constant(a), constant(b))

    def product(a: jax.Array, x: jax.Array) -> jax.Array:
        triangle = (jnp.tril if params["lower"] else jnp.triu)(a)
        if params["unit_diagonal"]:
            identity = jnp.eye(a.shape[-1], dtype=a.dtype)
            triangle = triangle * (1 - identity) + identity
        if params["transpose_a"]:
            triangle = jnp.swapaxes(triangle, -1, -2)
        if params["conjugate_a"]:
            triangle = jnp.conj(triangle)
        return matmul(triangle, x) if params["left_side"] else matmul(x, triangle)

    def image(x: Sequence[Any], elements: Elements) -> Sequence[Any]:
        return application.interpreter.through(product, [a, *x], [elements], [primal])

    return solved(application, image if is_series(a) else None, lambda r: [application.bind(matrix, r)], [b], [primal])


@taylor_rule("tridiagonal_solve", family=FAMILY, demand=system_demand, source=SOURCE)
def tridiagonal_solve(application: Application, lower: Any, middle: Any, upper: Any, b: Any) -> list[Any]:
    """l_i x_{i−1} + d_i x_i + u_i x_{i+1} = b_i."""
    bands = [lower, middle, upper]
    values = list(map(constant, bands))
    primal = application.bind(*values, constant(b))

    def product(lower: jax.Array, middle: jax.Array, upper: jax.Array, x: jax.Array) -> jax.Array:
        above = lower[..., 1:, None] * x[..., :-1, :]
        below = upper[..., :-1, None] * x[..., 1:, :]
        edge = jnp.zeros_like(x[..., :1, :])
        joined = jnp.concatenate([edge, above], -2) + jnp.concatenate([below, edge], -2)
        return middle[..., None] * x + joined

    def image(x: Sequence[Any], elements: Elements) -> Sequence[Any]:
        return application.interpreter.through(product, [*bands, *x], [elements], [primal])

    varying = any(map(is_series, bands))
    return solved(application, image if varying else None, lambda r: [application.bind(*values, r)], [b], [primal])


def linear_solve_demand(
    interpreter: Interpreter, equation: Any, active: Sequence[bool], needed: Sequence[Elements]
) -> Sequence[Elements]:
    """The matrix counts where it is applied; its factorisation is used at the values only."""
    lengths = equation.params["const_lengths"]
    wanted = frozenset().union(*needed)
    varying = any(active[: lengths.matvec])
    factors = interpreter.structure.closure(wanted) if varying else wanted
    unused = sum(lengths) - lengths.matvec
    return [*[factors] * lengths.matvec, *[frozenset({0})] * unused, *[factors] * (len(active) - sum(lengths))]


@taylor_rule("custom_linear_solve", family=FAMILY, demand=linear_solve_demand, source=SOURCE)
def custom_linear_solve(application: Application, *inputs: Any) -> list[Any]:
    """A x = b for a linear map A given as a function, with its own solver for the values."""
    lengths, jaxprs = application.params["const_lengths"], application.params["jaxprs"]
    matrix, rights = inputs[: lengths.matvec], inputs[sum(lengths) :]
    consts = list(map(constant, inputs[: sum(lengths)]))
    primals = application.bind(*map(constant, inputs))

    def image(x: Sequence[Any], elements: Elements) -> Sequence[Any]:
        return application.interpreter.run(jaxprs.matvec, [*matrix, *x], [elements] * len(primals))

    varying = any(map(is_series, matrix))
    return solved(application, image if varying else None, lambda *r: application.bind(*consts, *r), rights, primals)


# triangular factorisations ------------------------------------------------------------------------------------------


@taylor_rule("cholesky", family=FAMILY, source=SOURCE)
def cholesky(application: Application, a: Series) -> Series:
    """A = L Lᴴ: L_k = L₀ φ(L₀⁻¹ (A_k − Σ' L Lᴴ) L₀⁻ᴴ), φ the lower triangle with half the diagonal."""
    structure = application.structure
    primal, coefficients = application.bind(a.primal), coefficients_of(a)
    low = jnp.tril(primal)  # the primitive leaves the upper triangle as it was
    half = jnp.tril(jnp.ones((a.shape[-1],) * 2, a.dtype)) - jnp.eye(a.shape[-1], dtype=a.dtype) / 2
    factor: Coefficients = {}
    for k in structure.by_degree(application.wanted):
        rest = coefficients.get(k, 0) - inner_products(structure, k, factor, factor, lambda x, y: matmul(x, adjoint(y)))
        if is_zero(rest):
            continue
        inner = triangular(low, rest, left_side=True, lower=True)
        inner = triangular(low, inner, left_side=False, lower=True, transpose_a=True, conjugate_a=True)
        factor[k] = matmul(low, inner * half)
    return series_of(structure, primal, factor, application.wanted)


@taylor_rule("lu", family=FAMILY, source=SOURCE)
def lu(application: Application, a: Series) -> list[Any]:
    """P A = L U with F = L₀⁻¹ (P A_k − Σ' L U) U₀⁻¹: L_k = L₀ tril₋₁(F), U_k = triu(F) U₀."""
    structure, coefficients = application.structure, coefficients_of(a)
    packed, pivots, permutation = application.bind(a.primal)
    rows, columns = a.shape[-2:]
    inner = min(rows, columns)
    batch = a.shape[:-2]

    def padded(square: jax.Array, size: int) -> jax.Array:
        """Continue a triangle of length `inner` by the identity."""
        extra = jnp.broadcast_to(jnp.eye(size, dtype=a.dtype)[inner:], (*batch, size - inner, size))
        return jnp.concatenate([square, extra], -2)

    unit = jnp.eye(rows, dtype=a.dtype)
    low = jnp.swapaxes(padded(jnp.swapaxes(jnp.tril(packed, -1)[..., :inner], -1, -2), rows), -1, -2)
    low = jnp.tril(low, -1) + unit
    up = padded(jnp.triu(packed)[..., :inner, :], columns)
    lower: Coefficients = {}
    upper: Coefficients = {}
    result: Coefficients = {}
    for k in structure.by_degree(application.wanted):
        rest: Any = -inner_products(structure, k, lower, upper, matmul)
        if k in coefficients:
            rest = rest + jnp.take_along_axis(coefficients[k], permutation[None, ..., None], -2)
        if is_zero(rest):
            continue
        middle = triangular(low, rest, left_side=True, lower=True, unit_diagonal=True)
        middle = triangular(up, middle, left_side=False, lower=False)
        left, right = matmul(low, jnp.tril(middle, -1)), matmul(jnp.triu(middle), up)
        lower[k], upper[k] = left[..., :inner], right[..., :inner, :]
        result[k] = left + right
    return [series_of(structure, packed, result, application.wanted), pivots, permutation]


@taylor_rule("qr", family=FAMILY, source=SOURCE)
def qr(application: Application, a: Series) -> list[Any]:
    """A = Q R, Qᴴ Q = 1, for at least as many rows as columns; with pivoting or a full Q by recursion on the tangent.

    With S = A_k − Σ' Q R, G = −Σ' Qᴴ Q and B = Q₀ᴴ S R₀⁻¹ = Ω + T: Ω = Q₀ᴴ Q_k has Ω + Ωᴴ = G, T = R_k R₀⁻¹ is upper
    triangular with real diagonal. So Ω is B below the diagonal, R_k = T R₀ and Q_k = Q₀ Ω + (1 − Q₀ Q₀ᴴ) S R₀⁻¹.
    """
    rows, columns = a.shape[-2:]
    if application.params["pivoting"] or rows < columns or (application.params["full_matrices"] and rows > columns):
        return by_recursion(application, a)
    structure, coefficients = application.structure, coefficients_of(a)
    q, r = application.bind(a.primal)
    unit = jnp.eye(columns, dtype=a.dtype)
    orthogonal: Coefficients = {}
    triangle: Coefficients = {}
    for k in structure.by_degree(application.wanted):
        rest = coefficients.get(k, 0) - inner_products(structure, k, orthogonal, triangle, matmul)
        gram = -inner_products(structure, k, orthogonal, orthogonal, lambda x, y: matmul(adjoint(x), y))
        if is_zero(rest) and is_zero(gram):
            continue
        if is_zero(rest):
            rest = jnp.zeros((1, *a.shape), a.dtype)
        scaled = triangular(r, rest, left_side=False, lower=False)
        both = matmul(adjoint(q), scaled)
        below = jnp.tril(both, -1)
        omega = below - adjoint(below)
        if jnp.iscomplexobj(both):
            omega = omega + 1j * jnp.imag(both) * unit
        if not is_zero(gram):
            omega = omega + jnp.triu(gram, 1) + gram * unit / 2
        change = jnp.triu(both - omega)
        triangle[k] = matmul(change, r)
        orthogonal[k] = matmul(q, omega) if rows == columns else scaled - matmul(q, both) + matmul(q, omega)
    wanted = application.wanted
    return [series_of(structure, q, orthogonal, wanted), series_of(structure, r, triangle, wanted)]
