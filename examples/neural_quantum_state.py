"""The local kinetic energy of a wave function of 30 electrons in three dimensions.

w = log ψ(r, spins); ∇w and Δw come from one propagation of 92 coefficients, and −½(Δw + |∇w|²) from the same. The
spins are auxiliary data: they go with each point and are not differentiated.
"""

import jax
import jax.numpy as jnp

import opcompiler as oc

ELECTRONS = 30
values = oc.compile(["w", "∇w", "Δw"], spaces={"r": (ELECTRONS, 3)}, fields=("w",))
kinetic_energy = oc.compile("-½ (Δw + |∇w|²)", spaces={"r": (ELECTRONS, 3)}, fields=("w",))


def log_psi(r, spins):
    """Return the logarithm of a Jastrow-type wave function: pairs damp each other, by spin."""
    offsets = r[:, None] - r[None]
    distances = jnp.sqrt(jnp.sum(offsets**2, axis=-1) + 1e-2)
    strength = jnp.where(spins[:, None] == spins[None], 0.25, 0.5)
    return -jnp.sum(strength * jnp.exp(-distances)) - 0.1 * jnp.sum(r**2)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    r = jax.random.normal(jax.random.key(0), (8, ELECTRONS, 3))
    spins = jax.random.bernoulli(jax.random.key(1), 0.5, (8, ELECTRONS))
    w, gradient, laplacian = jax.jit(lambda r, s: values(log_psi, r, aux=s))(r, spins)
    energy = jax.jit(lambda r, s: kinetic_energy(log_psi, r, aux=s))(r, spins)
    print(kinetic_energy.plan)
    print("shapes:", w.shape, gradient.shape, laplacian.shape, energy.shape)

    expected_gradient = jax.vmap(jax.grad(log_psi))(r, spins)
    by_hand = -0.5 * (laplacian + jnp.sum(gradient**2, axis=(1, 2)))
    print(f"largest difference from reverse mode: {float(jnp.max(jnp.abs(gradient - expected_gradient))):.1e}")
    assert jnp.allclose(gradient, expected_gradient, rtol=1e-10)
    assert jnp.allclose(energy, by_hand, rtol=1e-10)
