"""The residual of the Navier–Stokes equations for one network that computes velocity and pressure.

Both equations are planned and propagated together: one pass carries (v, p), all first derivatives and the lumped
v_t − νΔv. Checked on the Taylor–Green vortex, an exact solution.
"""

import jax
import jax.numpy as jnp

import opcompiler as oc

NU = 0.01
equations = {"momentum": "v_t + (v·∇)v + ∇p - ν Δv", "continuity": "∇·v"}
operator = oc.compile(equations, spaces={"x": 2, "t": None}, fields={"v": 2, "p": None}, parameters={"ν": NU})


def taylor_green(x, t):
    """Return velocity and pressure of the decaying vortex at one point."""
    decay = jnp.exp(-2 * NU * t)
    v = decay * jnp.stack([jnp.cos(x[0]) * jnp.sin(x[1]), -jnp.sin(x[0]) * jnp.cos(x[1])])
    p = -0.25 * decay**2 * (jnp.cos(2 * x[0]) + jnp.cos(2 * x[1]))
    return {"v": v, "p": p}


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    print(operator.plan)
    points = jax.random.uniform(jax.random.key(0), (100, 2), maxval=6.0)
    times = jax.random.uniform(jax.random.key(1), (100,))
    residual = jax.jit(lambda x, t: operator(taylor_green, x, t))(points, times)
    for name, value in residual.items():
        largest = float(jnp.max(jnp.abs(value)))
        print(f"{name}: shape {value.shape}, largest residual {largest:.1e}")
        assert largest < 1e-12
