"""The biharmonic equation Δ²u = g on the shell 1 < |x| < 2, with u and Δu given on both spheres.

Solution u = p(|x|²) S(x), p(ρ) = (1 − ρ)(4 − ρ), S the three-body sum (Hu, Shi, Karniadakis and Kawaguchi 2024,
arXiv 2312.14499, who leave Δu on the boundary open; with it the solution is unique). For a radial factor a(ρ),
ρ = |x|² and R = x·∇,

    Δ(a f) = a Δf + 4a′ R f + (2d a′ + 4ρ a″) f,

which applied twice gives g.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from opcompiler.solve.domains import Shell
from opcompiler.solve.problems.sums import three_body
from opcompiler.solve.statement import Condition, Problem

__all__ = ["biharmonic"]


def biharmonic(dim: int, seed: int = 0) -> Problem:
    """Return the biharmonic problem in `dim` dimensions."""
    shell = Shell(dim, 1.0, 2.0)
    total = three_body(dim, seed)

    def exact(x: jax.Array) -> jax.Array:
        rho = jnp.sum(x * x)
        return (1 - rho) * (4 - rho) * total.value(x)

    # p = 4 − 5ρ + ρ², p′ = 2ρ − 5, p″ = 2; Δ(p S) = p ΔS + 4p′ R S + q S with q = 2d p′ + 4ρ p″.
    def laplacian(x: jax.Array) -> jax.Array:
        rho = jnp.sum(x * x)
        factor, slope = (1 - rho) * (4 - rho), 2 * rho - 5
        remainder = 2 * dim * slope + 8 * rho
        return factor * total.laplacian(x) + 4 * slope * total.radial(x) + remainder * total.value(x)

    def source(x: jax.Array) -> jax.Array:
        rho = jnp.sum(x * x)
        factor, slope = (1 - rho) * (4 - rho), 2 * rho - 5
        remainder = 2 * dim * slope + 8 * rho
        value, radial, laplace = total.value(x), total.radial(x), total.laplacian(x)
        radial_laplacian = total.radial_laplacian(x)
        first = factor * total.bilaplacian(x) + 4 * slope * radial_laplacian + remainder * laplace
        # Δ(4p′ R S): a = 4p′, a′ = 8, a″ = 0, and ΔR S = RΔS + 2ΔS.
        second = 4 * slope * (radial_laplacian + 2 * laplace) + 32 * total.radial_twice(x) + 16 * dim * radial
        # Δ(q S): q′ = 4d + 8, q″ = 0.
        derivative = 4 * dim + 8
        third = remainder * laplace + 4 * derivative * radial + 2 * dim * derivative * value
        return first + second + third

    return Problem(
        name="biharmonic",
        text="Δ²u = g",
        spaces={"x": dim},
        sample=lambda key, count: (shell.sample(key, count),),
        summary="Δ²u = g on the shell 1 < |x| < 2, three-body solution",
        functions={"g(x)": source},
        exact=exact,
        hard=lambda network: lambda x: (1 - jnp.sum(x * x)) * (4 - jnp.sum(x * x)) * network(x),
        enforced=(
            Condition(
                "spheres", "u", lambda key, count: (shell.boundary(key, count),), lambda x: jnp.zeros((), x.dtype)
            ),
        ),
        conditions=(Condition("Laplacian", "Δu", lambda key, count: (shell.boundary(key, count),), laplacian),),
        sizes=(shell.size,),
        amplitude=total.amplitude,
        slice_start=0.5,
    )
