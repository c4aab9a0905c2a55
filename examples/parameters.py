"""Numbers, run-time parameters and coefficient functions, and the gradient of a loss with respect to them.

ν = 1/100 is folded into the plan exactly. ε is given at call: one plan serves all its values, and JAX differentiates
through it. c(x) is a coefficient function, differentiated by the product rule where the text asks for it.
"""

import jax
import jax.numpy as jnp

import opcompiler as oc

operator = oc.compile(
    "u_t - (c u_x)_x - ε u (1 - u) + ν u_xxxx",
    spaces=("x", "t"),
    parameters={"ν": 0.01, "ε": None},
    functions={"c(x)": lambda x: 1 + 0.5 * jnp.sin(x)},
)


def u(x, t):
    """Return a travelling front."""
    return 0.5 - 0.5 * jnp.tanh(x - 2 * t)


def loss(epsilon, x, t):
    """Return the mean squared residual."""
    return jnp.mean(operator(u, x, t, parameters={"ε": epsilon}) ** 2)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    print(operator.plan)
    x = jnp.linspace(-2.0, 2.0, 101)
    t = jnp.full_like(x, 0.3)
    value, slope = jax.jit(jax.value_and_grad(loss))(2.0, x, t)
    step = 1e-6
    difference = (loss(2.0 + step, x, t) - loss(2.0 - step, x, t)) / (2 * step)
    print(f"loss {value:.6f}, its derivative with respect to ε {slope:.6f} (difference quotient {difference:.6f})")
    assert abs(slope - difference) < 1e-6
