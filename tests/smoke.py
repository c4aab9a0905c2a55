"""What an installed opcompiler must do, run as a script by continuous integration outside the checkout."""

from pathlib import Path

import jax
import jax.numpy as jnp

import opcompiler as oc

PACKAGE = Path(oc.__file__).parent


def main() -> None:
    """Compile from the installed package, grammar included, and evaluate."""
    assert "site-packages" in PACKAGE.parts, f"{PACKAGE} is not an installed package"
    assert list((PACKAGE / "_grammar").glob("*.lark")), "the wheel has no grammar"
    operator = oc.compile("Δu + ∂⁴u/∂x1²∂x2²", spaces={"x": 3})
    x = jnp.array([0.1, 0.2, 0.3])
    value = operator(lambda x: jnp.sin(x[0]) * jnp.cos(x[1]) * x[2] ** 2, x)
    expected = jnp.sin(0.1) * jnp.cos(0.2) * (2 - 2 * 0.09 + 0.09)
    assert jnp.allclose(value, expected, rtol=1e-5), (value, expected)
    assert operator.plan == oc.Plan.from_json(operator.plan.to_json())
    print(f"opcompiler {oc.__version__} with jax {jax.__version__}: {float(value):.6f}, as expected")


if __name__ == "__main__":
    main()
