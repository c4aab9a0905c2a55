"""Every outcome of a draw with its probability, from the laws alone; functions with known derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product
from math import prod, sqrt

import jax
import jax.numpy as jnp
import numpy as np

import opcompiler as oc
from opcompiler.execution.control import drawn_value
from opcompiler.execution.directions import Drawn

LAWS = oc.laws


class Exponentials:
    """u(x, …) = Σ_k w_k exp(a_k·z), z all coordinates in a row: P(∂)u = Σ_k w_k P(a_k) exp(a_k·z)."""

    def __init__(self, dims: int, outputs: int | None = None, seed: int = 0) -> None:
        """Choose three exponentials, with one row of weights per output."""
        random = np.random.default_rng(seed)
        self.rates = random.uniform(-1, 1, (3, dims))
        self.weights = random.uniform(-1, 1, (3,) if outputs is None else (outputs, 3))

    def __call__(self, *point):
        """Evaluate at one point."""
        z = jnp.concatenate([jnp.ravel(x) for x in point])
        return jnp.asarray(self.weights) @ jnp.exp(jnp.asarray(self.rates) @ z)

    def apply(self, symbol, z):
        """Return P(∂)u at z for a function `symbol` of one frequency vector."""
        return self.weights @ (np.exp(self.rates @ z) * np.array([symbol(a) for a in self.rates]))


def mean_over_all_outcomes(operator, u, *point, control=None, spans=None):
    """Return Σ probability · value over everything that the operator can draw at one point."""
    probabilities, values = all_outcomes(operator, u, *point, control=control, spans=spans)
    return jax.tree.map(lambda leaf: np.tensordot(probabilities, leaf, axes=1), values)


def all_outcomes(operator, u, *point, control=None, spans=None):
    """Return the probabilities of everything that the operator can draw at one point, and its values then.

    Beside subspaces, whose parameters are `spans`, normal directions and directions on a circle are drawn from finite
    laws with the same moments, up to those of order nine.
    """
    plan = operator.plan
    sampling = plan.sampling
    independent = [
        (draw, repeat) for draw in sampling.draws for repeat in range(sampling.repeats if draw.repeated else 1)
    ]
    probabilities, outcomes = [], []
    for chosen in product(*(list(_outcomes(draw, spans)) for draw, _ in independent)):
        probabilities.append(float(prod(probability for probability, _ in chosen)))
        by_draw: dict[str, list[dict]] = {}
        for (draw, _), (_, drawn) in zip(independent, chosen, strict=True):
            by_draw.setdefault(draw.space, []).append(drawn)
        outcomes.append(by_draw)
    assert abs(sum(probabilities) - 1) < 1e-12
    directions = {
        draw.space: Drawn(**{
            name: jnp.asarray(np.array([[drawn[name] for drawn in outcome[draw.space]] for outcome in outcomes]))
            for name in outcomes[0][draw.space][0]
        })
        for draw in sampling.draws
    }  # fmt: skip
    points = [jnp.broadcast_to(x, (len(outcomes), *jnp.shape(x))) for x in point]
    if control is not None:
        every = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(outcomes), *jnp.shape(leaf))), control.value)
        control = replace(control, value=every)
    call = operator.bound(u, *points, control=control, parameters=spans)
    values = jax.jit(lambda directions: drawn_value(plan, call, directions))(directions)
    return np.array(probabilities), jax.tree.map(np.asarray, values)


def _outcomes(draw, spans=None) -> Iterator[tuple[Fraction, dict]]:
    """Yield (probability, what is drawn), without the axes of points and repeats."""
    if draw.subspace is not None:
        whole = draw.dim if draw.law is None else draw.dim + draw.rank
        rows = np.eye(whole)
        if draw.rows is not None:
            rows = np.array(draw.rows, float) * np.sqrt(np.array(draw.weights, float))[:, None]
        # The last right singular vectors are an orthonormal basis of the complement.
        axes = np.linalg.svd(spans[draw.subspace] @ np.linalg.pinv(rows))[2]
        inside, beside = axes[: draw.rank], axes[draw.rank :]
        for probability, directions in [(1.0, inside)] if draw.law is None else _beside(draw, beside):
            yield probability, {"rows": directions @ rows}
        return
    if draw.rows is not None:
        rows = np.array(draw.rows, float) * np.sqrt(np.array(draw.weights, float))[:, None]
        for probability, drawn in _plain_outcomes(draw):
            yield probability, {"rows": _as_rows(drawn, draw.dim) @ rows}
        return
    yield from _plain_outcomes(draw)


def _beside(draw, beside: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """Yield (probability, directions) in the space that the rows of `beside` span."""
    match draw.law:
        case LAWS.Rademacher():
            for signs in product([1.0, -1.0], repeat=draw.directions * beside.shape[1]):
                rows = np.array(signs).reshape(draw.directions, -1)
                yield 0.5 ** len(signs), rows @ beside.T @ beside
        case LAWS.Gaussian() | LAWS.IndependentPair():
            nodes, weights = np.polynomial.hermite_e.hermegauss(5)
            weights = weights / weights.sum()
            for chosen in product(range(5), repeat=draw.directions * len(beside)):
                yield np.prod(weights[list(chosen)]), nodes[list(chosen)].reshape(draw.directions, -1) @ beside
        case LAWS.Sphere() | LAWS.Orthogonal() if len(beside) == 2:
            angles = 2 * np.pi * np.arange(10) / 10
            for chosen in product(angles, repeat=1 if isinstance(draw.law, LAWS.Orthogonal) else draw.directions):
                turned = [chosen[0], chosen[0] + np.pi / 2] if len(chosen) < draw.directions else list(chosen)
                yield 0.1 ** len(chosen), np.stack([np.cos(turned), np.sin(turned)], axis=1) @ beside
        case law:
            raise AssertionError(f"{law} has no finite law here")


def _as_rows(drawn: dict, dim: int) -> np.ndarray:
    if "rows" in drawn:
        return drawn["rows"]
    return np.eye(dim)[drawn["indices"]] * drawn.get("lengths", np.ones(1))[:, None]


def _plain_outcomes(draw) -> Iterator[tuple[Fraction, dict]]:
    match draw.law:
        case LAWS.Rademacher():
            yield from _entries(draw, {1.0: Fraction(1, 2), -1.0: Fraction(1, 2)})
        case LAWS.ThreePoint():
            yield from _entries(draw, {0.0: Fraction(2, 3), sqrt(3): Fraction(1, 6), -sqrt(3): Fraction(1, 6)})
        case LAWS.Coordinates(weights=None) if draw.replace:
            outcomes = list(product(range(draw.dim), repeat=draw.directions))
            for indices in outcomes:
                yield Fraction(1, len(outcomes)), {"indices": np.array(indices)}
        case LAWS.Coordinates(weights=None):
            outcomes = list(combinations(range(draw.dim), draw.directions))
            for indices in outcomes:
                yield Fraction(1, len(outcomes)), {"indices": np.array(indices)}
        case LAWS.Coordinates(weights=weights):
            for indices in product(range(draw.dim), repeat=draw.directions):
                lengths = np.array([float(weights[i]) for i in indices]) ** (-1 / draw.degree)
                yield prod(weights[i] for i in indices), {"indices": np.array(indices), "lengths": lengths}
        case LAWS.Terms():
            for indices, value, probability in zip(draw.table, draw.coefficients, draw.probabilities, strict=True):
                yield probability, {"indices": np.array(indices), "weight": float(value / probability)}
        case law:
            raise AssertionError(f"{law} is not discrete")


def _entries(draw, law: dict[float, Fraction]) -> Iterator[tuple[Fraction, dict]]:
    for entries in product(law, repeat=draw.directions * draw.dim):
        rows = np.array(entries).reshape(draw.directions, draw.dim)
        yield prod(law[entry] for entry in entries), {"rows": rows}
