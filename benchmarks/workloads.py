"""What the benchmarks compute: operators, networks, points, and for each the contenders.

Contenders are written the way their users write them: published Taylor-mode code is `jax.vmap` over points of
`jax.experimental.jet`, nested automatic differentiation is the textbook composition, folx is called as documented.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import jet

import opcompiler as oc

try:
    import folx
except ImportError:  # the peer is optional; its rows are then left out
    folx = None

__all__ = ["ALL", "Contender", "Workload"]


@dataclass(frozen=True)
class Contender:
    """A way to compute the residual at all points: function(weights, *points) -> [B].

    With `loss`, a way to compute the mean squared residual, (weights, *points) -> scalar, timed for its gradient only.
    """

    name: str
    function: Callable
    loss: Callable | None = None


@dataclass(frozen=True)
class Workload:
    """An operator on a network at a batch of points.

    Attributes:
        name: printed.
        weights: of the network.
        points: arrays with leading batch axis.
        contenders: ours first, in both modes.
        reference: what all must agree with.
        matmul_flops: flops of the matrix products of our plan, hidden and last layers, one evaluation.
        matmul_shape: (rows, width) of one hidden layer over all coefficients.
        hidden_products: matrix products between hidden layers.
    """

    name: str
    weights: object
    points: tuple[jax.Array, ...]
    contenders: tuple[Contender, ...]
    reference: Callable
    matmul_flops: float
    matmul_shape: tuple[int, int]
    hidden_products: int


def network(sizes: Sequence[int], seed: int = 0) -> tuple[object, Callable]:
    """Return weights and the function (weights, x) -> scalar of a tanh network in float32."""
    keys = jax.random.split(jax.random.PRNGKey(seed), len(sizes) - 1)
    weights = [
        (jax.random.normal(k, (n, m), jnp.float32) / np.sqrt(n), 0.1 * jax.random.normal(k, (m,), jnp.float32))
        for k, n, m in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]

    def apply(weights: list, x: jax.Array) -> jax.Array:
        for matrix, bias in weights[:-1]:
            x = jnp.tanh(x @ matrix + bias)
        matrix, bias = weights[-1]
        return (x @ matrix + bias)[0]

    return weights, apply


def over_points(value: Callable) -> Callable:
    """Lift (weights, point) -> scalar to a batch of points by vmap."""
    return jax.vmap(value, in_axes=(None, 0))


# --- peers ------------------------------------------------------------------------------------------------------


def jet_directional(apply: Callable, weights: object, x: jax.Array, direction: jax.Array, order: int) -> jax.Array:
    """D^order u[v, …, v] by a univariate jet."""
    series = [direction] + [jnp.zeros_like(x)] * (order - 1)
    _, coefficients = jet.jet(lambda x: apply(weights, x), (x,), (series,))
    return coefficients[-1]


def jets(apply: Callable, directions: np.ndarray, coefficients: np.ndarray, order: int) -> Callable:
    """Σ_r c_r D^order u[v_r]: one jet per direction under vmap, as published."""
    vectors, factors = jnp.asarray(directions, jnp.float32), jnp.asarray(coefficients, jnp.float32)

    def value(weights: object, x: jax.Array) -> jax.Array:
        return factors @ jax.vmap(lambda v: jet_directional(apply, weights, x, v, order))(vectors)

    return over_points(value)


def folx_laplacian(apply: Callable, weights: object, x: jax.Array) -> jax.Array:
    """The Laplacian by folx, at one point."""
    return folx.forward_laplacian(lambda x: apply(weights, x))(x).laplacian


def jvp_along(function: Callable, axis: int) -> Callable:
    """∂_axis of a function of one vector."""

    def derivative(x: jax.Array) -> jax.Array:
        return jax.jvp(function, (x,), (jnp.zeros_like(x).at[axis].set(1.0),))[1]

    return derivative


def trace_of_hessian(function: Callable) -> Callable:
    """Δ as the trace of the full Hessian."""
    return lambda x: jnp.trace(jax.hessian(function)(x))


def trace_by_forward_over_reverse(function: Callable) -> Callable:
    """Δ as Σ_i e_i·(D∇u)e_i, forward over reverse, directions in vmap."""

    def value(x: jax.Array) -> jax.Array:
        gradient, eye = jax.grad(function), jnp.eye(x.shape[0], dtype=x.dtype)
        return jnp.sum(jax.vmap(lambda e: jax.jvp(gradient, (x,), (e,))[1] @ e)(eye))

    return value


def trace_by_nested_jvp(function: Callable) -> Callable:
    """Δ as Σ_i ∂_i∂_i u, forward over forward, directions in vmap."""

    def value(x: jax.Array) -> jax.Array:
        def second(e: jax.Array) -> jax.Array:
            return jax.jvp(lambda x: jax.jvp(function, (x,), (e,))[1], (x,), (e,))[1]

        return jnp.sum(jax.vmap(second)(jnp.eye(x.shape[0], dtype=x.dtype)))

    return value


def nested(apply: Callable, laplacian: Callable, power: int) -> Callable:
    """Δ^power by composing a Laplacian with itself."""

    def value(weights: object, x: jax.Array) -> jax.Array:
        function = partial(apply, weights)
        for _ in range(power):
            function = laplacian(function)
        return function(x)

    return over_points(value)


# --- ours -------------------------------------------------------------------------------------------------------


def ours(
    apply: Callable, text: str, spaces: object, split: Callable = lambda xs: (xs,)
) -> tuple[list[Contender], object]:
    """The training loss and the compiled operator on the batch, and its plan."""
    operator = oc.compile(text, spaces=spaces)

    def value(weights: object, xs: jax.Array) -> jax.Array:
        return operator(lambda *point: apply(weights, join(point)), *split(xs))

    def loss(weights: object, xs: jax.Array) -> jax.Array:
        return oc.mean_squared(operator, lambda *point: apply(weights, join(point)), *split(xs))

    carried = operator.plan.certificate.carried
    entries = [Contender("opcompiler, mean_squared", value, loss), Contender(f"opcompiler ({carried})", value)]
    return entries, operator.plan


def join(point: tuple[jax.Array, ...]) -> jax.Array:
    """One vector from the arguments of u."""
    return point[0] if len(point) == 1 else jnp.stack(point)


def coordinates(xs: jax.Array) -> tuple[jax.Array, ...]:
    """One argument per coordinate from a batch of vectors."""
    return tuple(xs[:, i] for i in range(xs.shape[1]))


# --- workloads --------------------------------------------------------------------------------------------------


def build(
    name: str,
    sizes: Sequence[int],
    batch: int,
    text: str,
    spaces: object,
    peers: Callable[[Callable], list[Contender]],
    split: Callable = lambda xs: (xs,),
) -> Workload:
    """Assemble a workload; the last peer is the reference."""
    weights, apply = network(sizes)
    xs = jax.random.normal(jax.random.PRNGKey(7), (batch, sizes[0]), jnp.float32) / np.sqrt(sizes[0])
    entries, plan = ours(apply, text, spaces, split)
    rivals = peers(apply)
    carried = min(plan.certificate.carried, sizes[1] + 2)
    hidden = sum(2 * n * m for n, m in itertools.pairwise(sizes[1:]))
    return Workload(
        name,
        weights,
        (xs,),
        (*entries, *rivals),
        jax.jit(rivals[-1].function),
        float(batch * carried * hidden),
        (batch * carried, sizes[1]),
        len(sizes) - 3,
    )


def laplacian(dim: int, sizes: Sequence[int] = (128, 128, 128, 128, 1), batch: int = 100) -> Workload:
    """Workloads a and the first c: Δ."""

    def peers(apply: Callable) -> list[Contender]:
        entries = [Contender("vmap(jet), one per coordinate", jets(apply, np.eye(dim), np.ones(dim), 2))]
        if folx is not None:
            entries.append(Contender("folx", over_points(partial(folx_laplacian, apply))))
        entries.append(Contender("trace of hessian", nested(apply, trace_of_hessian, 1)))
        entries.append(Contender("nested jvp", nested(apply, trace_by_nested_jvp, 1)))
        entries.append(Contender("forward over reverse", nested(apply, trace_by_forward_over_reverse, 1)))
        return entries

    return build(f"laplacian d={dim} B={batch}", (dim, *sizes), batch, "Δu", {"x": dim}, peers)


def published_directions(dim: int) -> tuple[np.ndarray, np.ndarray]:
    """The (3d²−d)/2 directions e_i, 3e_i+e_j, e_i+e_j of the collapsed-Taylor literature for Δ², weights solved."""
    eye = np.eye(dim)
    ordered = list(itertools.permutations(range(dim), 2))
    pairs = list(itertools.combinations(range(dim), 2))
    groups = [list(eye), [3 * eye[i] + eye[j] for i, j in ordered], [eye[i] + eye[j] for i, j in pairs]]
    rng = np.random.default_rng(0)
    probes = rng.normal(size=(50, dim))
    columns = np.stack([sum((probes @ v) ** 4 for v in group) for group in groups], axis=1)
    solution, *_ = np.linalg.lstsq(columns, (probes**2).sum(1) ** 2, rcond=None)
    weights = np.concatenate([[w] * len(group) for w, group in zip(solution, groups, strict=True)])
    return np.concatenate([np.array(group) for group in groups]), weights


def biharmonic() -> Workload:
    """Workload c, Δ² in d = 5."""

    def peers(apply: Callable) -> list[Contender]:
        entries = [Contender("vmap(jet), 35 directions", jets(apply, *published_directions(5), 4))]
        if folx is not None:

            def twice(weights: object, x: jax.Array) -> jax.Array:
                return folx.forward_laplacian(lambda x: folx_laplacian(apply, weights, x))(x).laplacian

            entries.append(Contender("folx of folx", over_points(twice)))
        entries.append(Contender("nested jvp twice", nested(apply, trace_by_nested_jvp, 2)))
        entries.append(Contender("trace of hessian twice", nested(apply, trace_of_hessian, 2)))
        return entries

    return build("biharmonic d=5 B=64", (5, 768, 768, 512, 512, 1), 64, "Δ²u", {"x": 5}, peers)


def regular_polygon(power: int) -> tuple[np.ndarray, np.ndarray]:
    """s+1 equally spaced lines in the plane, an exact rule for Δ^s (see docs/mathematics.md)."""
    count = power + 1
    angles = np.arange(count) * np.pi / count
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return vectors, np.full(count, 1.0 / sum(np.cos(angles) ** (2 * power)))


def triharmonic(dim: int) -> Workload:
    """Workload d, Δ³ in the plane and in space."""

    def peers(apply: Callable) -> list[Contender]:
        directions = regular_polygon(3) if dim == 2 else powers_of_the_norm(dim, 3)
        return [
            Contender(f"vmap(jet), {len(directions[0])} directions", jets(apply, *directions, 6)),
            Contender("nested jvp three times", nested(apply, trace_by_nested_jvp, 3)),
        ]

    return build(f"triharmonic d={dim} B=100", (dim, 128, 128, 128, 128, 1), 100, "Δ³u", {"x": dim}, peers)


def powers_of_the_norm(dim: int, power: int) -> tuple[np.ndarray, np.ndarray]:
    """Lines through small integer points with weights that give |ξ|^(2 power), solved; those of weight 0 left out."""
    vectors = np.array([v for v in itertools.product((-1, 0, 1), repeat=dim) if any(v) and next(x for x in v if x) > 0])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / lengths
    probes = np.random.default_rng(0).normal(size=(200, dim))
    weights, *_ = np.linalg.lstsq((probes @ directions.T) ** (2 * power), (probes**2).sum(1) ** power, rcond=None)
    kept = np.abs(weights) > 1e-9
    return directions[kept], weights[kept]


def constrained(dim: int, batch: int = 16) -> Workload:
    """Workload b: the exact Laplacian of (1 − |x|²)·net(x), beside its estimate from 16 coordinates as published."""
    sizes = (dim, 128, 128, 128, 128, 1)
    weights, net = network(sizes)

    def apply(weights: object, x: jax.Array) -> jax.Array:
        return (1 - jnp.sum(x * x)) * net(weights, x)

    xs = jax.random.normal(jax.random.PRNGKey(7), (batch, dim), jnp.float32) / np.sqrt(2 * dim)
    operator = oc.compile("Δu", spaces={"x": dim})
    carried = operator.plan_for(partial(apply, weights), xs).certificate.carried
    contender = Contender(f"opcompiler ({carried})", lambda weights, xs: operator(partial(apply, weights), xs))

    def by_hand(weights: list, x: jax.Array) -> jax.Array:
        """Δ of g(W x + b) by the product rule and a Gram matrix, written out."""
        (first, bias), rest = weights[0], weights[1:]

        def behind(z: jax.Array) -> jax.Array:
            h = jnp.tanh(z)
            for matrix, b in rest[:-1]:
                h = jnp.tanh(h @ matrix + b)
            return (h @ rest[-1][0] + rest[-1][1])[0]

        z = x @ first + bias
        gradient, hessian = jax.grad(behind)(z), jax.hessian(behind)(z)
        square = jnp.sum(x * x)
        laplacian = jnp.sum(hessian * (first.T @ first))
        return (1 - square) * laplacian - 4 * jnp.dot(x @ first, gradient) - 2 * dim * behind(z)

    estimate = Contender(
        "vmap(jet), 16 coordinates, an estimate",
        jets(apply, np.eye(dim, dtype=np.float32)[:: dim // 16][:16], np.full(16, dim / 16), 2),
    )
    hidden = sum(2 * n * m for n, m in itertools.pairwise(sizes[1:]))
    return Workload(
        f"(1 − |x|²) net, Δ exact, d={dim} B={batch}",
        weights,
        (xs,),
        (contender, estimate, Contender("Hessian behind W, by hand", over_points(by_hand))),
        jax.jit(over_points(by_hand)),
        float(batch * carried * hidden),
        (batch * carried, 128),
        len(sizes) - 3,
    )


def deep(power: int) -> Workload:
    """Compile times: 16 layers, Δ^power in one dimension, an operator of order 2·power.

    Nested differentiation is left out beyond order 6, for which it compiles for longer than a minute.
    """

    def peers(apply: Callable) -> list[Contender]:
        entries = [Contender("vmap(jet)", jets(apply, np.eye(1), np.ones(1), 2 * power))]
        if power == 1 and folx is not None:
            entries.append(Contender("folx", over_points(partial(folx_laplacian, apply))))
        if power <= 3:
            entries.append(Contender("nested jvp", nested(apply, trace_by_nested_jvp, power)))
        return entries

    return build(f"16 layers, order {2 * power}", (1, *(64,) * 16, 1), 64, "Δ" * power + "u", {"x": 1}, peers)


KDV_2D = "u_ty + u_xxxy + 3 u_y u_xx + 3 u_x u_xy - u_xx + 2 u_yy"


def kdv_2d() -> Workload:
    """Workload d, the 2-D KdV residual in (x, y, t)."""

    def peers(apply: Callable) -> list[Contender]:
        def nested_jvp(weights: object, z: jax.Array) -> jax.Array:
            u = partial(apply, weights)
            x, y, t = 0, 1, 2

            def d(*axes: int) -> jax.Array:
                function = u
                for axis in axes:
                    function = jvp_along(function, axis)
                return function(z)

            return d(t, y) + d(x, x, x, y) + 3 * d(y) * d(x, x) + 3 * d(x) * d(x, y) - d(x, x) + 2 * d(y, y)

        def thirteen_jet(weights: object, z: jax.Array) -> jax.Array:
            zero = jnp.zeros_like(z)
            series = [zero] * 13
            for slot, axis in ((3, 0), (4, 1), (7, 2)):
                series[slot - 1] = zero.at[axis].set(1.0)
            _, c = jet.jet(lambda z: apply(weights, z), (z,), (series,))
            return (
                c[10] / 330 + c[12] / 200200 + 3 * c[3] * c[5] / 10 + 3 * c[2] * c[6] / 35 - c[5] / 10 + 2 * c[7] / 35
            )

        return [
            Contender("vmap(13-jet), published, wrong", over_points(thirteen_jet)),
            Contender("nested jvp", over_points(nested_jvp)),
        ]

    sizes = (3, 128, 128, 128, 128, 1)
    return build("KdV-2D B=1000", sizes, 1000, KDV_2D, ("x", "y", "t"), peers, coordinates)


ALL: dict[str, Callable[[], Workload]] = {
    "laplacian-10": partial(laplacian, 10),
    "laplacian-100": partial(laplacian, 100),
    "laplacian-100-1000": partial(laplacian, 100, batch=1000),
    "laplacian-1000": partial(laplacian, 1000),
    "laplacian-50-wide": partial(laplacian, 50, (768, 768, 512, 512, 1), 256),
    "biharmonic-5": biharmonic,
    "kdv-2d": kdv_2d,
    "triharmonic-2": partial(triharmonic, 2),
    "triharmonic-3": partial(triharmonic, 3),
    "constrained-10000": partial(constrained, 10_000),
    "deep-2": partial(deep, 1),
    "deep-4": partial(deep, 2),
    "deep-6": partial(deep, 3),
    "deep-8": partial(deep, 4),
}
