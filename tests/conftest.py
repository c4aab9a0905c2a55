"""Double precision for the oracles, and the strict modes of JAX that turn slips into errors."""

import jax

jax.config.update("jax_enable_x64", True)
