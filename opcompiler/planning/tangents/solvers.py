# pyright: basic
# scipy comes without types; nothing else of the planner touches it.
"""Linear and mixed-integer programs (HiGHS through scipy), deterministic: limited by nodes, never by seconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["fewest_columns", "least_mass", "positive_weights"]

Array = NDArray[np.float64]


def fewest_columns(
    columns: Array, targets: Array, free: int, least: int, largest: float, nodes: int
) -> tuple[list[int], bool] | None:
    """Return the fewest columns that, with the first `free` ones, span all targets.

    minimise Σ z_r over r ≥ free, subject to columns·c_f = target_f, |c_fr| ≤ largest·z_r, Σ z_r ≥ least.

    HiGHS may print a line of its own to standard output here, so planning itself does not search.

    Args:
        columns: [equations][columns].
        targets: [equations][targets].
        free: number of leading columns that cost nothing.
        least: a lower bound known beforehand.
        largest: bound on the size of coefficients; larger ones would be badly conditioned.
        nodes: branch-and-bound nodes.

    Returns:
        The chosen columns beyond the free ones and whether no smaller choice exists in this set; None if none was
        found within the nodes.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import block_diag, csr_matrix, hstack, identity, kron, vstack

    equations, width = columns.shape
    wanted = targets.shape[1]
    new = width - free
    cost = np.concatenate([np.zeros(wanted * width), np.ones(new)])
    span = hstack([block_diag([csr_matrix(columns)] * wanted), csr_matrix((wanted * equations, new))])
    chosen = hstack([csr_matrix((new, free)), identity(new)])
    switch = kron(np.ones((wanted, 1)), largest * identity(new))
    coefficients = block_diag([chosen] * wanted)
    total = hstack([csr_matrix((1, wanted * width)), csr_matrix(np.ones((1, new)))])
    result = milp(
        cost,
        constraints=[
            LinearConstraint(span, targets.T.ravel(), targets.T.ravel()),  # pyright: ignore[reportArgumentType]
            LinearConstraint(vstack([hstack([coefficients, -switch]), hstack([-coefficients, -switch])]), ub=0.0),
            LinearConstraint(total, lb=float(least)),
        ],
        integrality=np.concatenate([np.zeros(wanted * width), np.ones(new)]),
        bounds=Bounds(
            np.concatenate([np.full(wanted * width, -largest), np.zeros(new)]),  # pyright: ignore[reportArgumentType]
            np.concatenate([np.full(wanted * width, largest), np.ones(new)]),  # pyright: ignore[reportArgumentType]
        ),
        options={"node_limit": nodes, "mip_rel_gap": 0.0},
    )
    if result.x is None:
        return None
    return [free + int(r) for r in np.flatnonzero(result.x[wanted * width :] > 0.5)], result.status == 0


def least_mass(columns: Array, target: Array) -> tuple[float, Array] | None:
    """Return min Σ|c| subject to columns·c = target and the dual vector y with |yᵀcolumn| ≤ 1, or None."""
    from scipy.optimize import linprog

    result = linprog(
        np.ones(2 * columns.shape[1]),
        A_eq=np.hstack([columns, -columns]),
        b_eq=target,
        bounds=(0, None),
        method="highs",
    )
    if result.x is None:
        return None
    return float(result.fun), np.asarray(result.eqlin.marginals, dtype=np.float64)


def positive_weights(columns: Array, target: Array) -> Array | None:
    """Return a vertex of the c ≥ 0 with columns·c = target, or None if there is no such c."""
    from scipy.optimize import linprog

    result = linprog(np.zeros(columns.shape[1]), A_eq=columns, b_eq=target, bounds=(0, None), method="highs-ds")
    return None if result.x is None else np.asarray(result.x, dtype=np.float64)
