"""Double precision for the oracles; programs that are quick to compile, and forgotten before they fill the memory maps.

Most tests run a program once: optimising it would take longer than all the rest. Tests that need what users get (work
and memory that XLA counts, the examples of the documents) compile by `usual.compiled` or in a process of their own.
Flags that `XLA_FLAGS` has come last and win.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest
from usual import QUICK

jax.config.update("jax_enable_x64", True)
# Not strict beyond that: strict dtype promotion refuses a real array times 1j, which complex operators are made of, and
# rank promotion "raise" refuses the sum over index axes that heads form by aligning trailing axes.

GIVEN = os.environ.get("XLA_FLAGS")
os.environ["XLA_FLAGS"] = " ".join([*(f"--{name}={str(value).lower()}" for name, value in QUICK.items()), GIVEN or ""])
# XLA reads its flags once, before the first program; processes that tests start have the flags of the user.
jax.jit(lambda: 0).lower().compile()
if GIVEN is None:
    del os.environ["XLA_FLAGS"]
else:
    os.environ["XLA_FLAGS"] = GIVEN

MEMORY_MAPS = Path("/proc/self/maps")

MANY_MAPS = 15_000
"""Every compiled program keeps some memory maps, of which Linux grants a process 65 530 unless told otherwise."""


@pytest.fixture(autouse=True)
def few_programs() -> Iterator[None]:
    """Forget compiled programs when many have gathered."""
    yield
    if MEMORY_MAPS.exists() and MEMORY_MAPS.read_bytes().count(b"\n") > MANY_MAPS:
        jax.clear_caches()
