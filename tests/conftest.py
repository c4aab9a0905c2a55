"""Double precision for the oracles; compiled programs are forgotten before they use up the process's memory maps."""

from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

jax.config.update("jax_enable_x64", True)
# Not strict beyond that: strict dtype promotion refuses a real array times 1j, which complex operators are made of, and
# rank promotion "raise" refuses the sum over index axes that heads form by aligning trailing axes.

MEMORY_MAPS = Path("/proc/self/maps")

MANY_MAPS = 15_000
"""Every compiled program keeps some memory maps, of which Linux grants a process 65 530 unless told otherwise."""


@pytest.fixture(autouse=True)
def few_programs() -> Iterator[None]:
    """Forget compiled programs when many have gathered."""
    yield
    if MEMORY_MAPS.exists() and MEMORY_MAPS.read_bytes().count(b"\n") > MANY_MAPS:
        jax.clear_caches()
