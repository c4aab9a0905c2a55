"""What work is and how fast a kind of device does it: exact integers, so that plans are the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CPU", "DEVICES", "GPU", "NO_COST", "REFERENCE_BATCH", "Cost", "DeviceRates"]

REFERENCE_BATCH = 1000
"""Points over which the fixed price of starting an operation is spread."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimated work per point.

    Attributes:
        linear: floating-point operations of matrix products and convolutions.
        elementwise: floating-point operations of everything else.
        traffic: bytes of coefficients in single precision that are written once and read once by every operation.
        operations: array operations of the program, whatever the number of points.
        time: picoseconds on the plan's kind of device, with `REFERENCE_BATCH` points at once.
    """

    linear: int
    elementwise: int
    traffic: int = 0
    operations: int = 0
    time: int = 0

    @property
    def total(self) -> int:
        """Floating-point operations."""
        return self.linear + self.elementwise


NO_COST = Cost(0, 0)


@dataclass(frozen=True, slots=True)
class DeviceRates:
    """Speed of one kind of device in single precision.

    Attributes:
        kind: as `jax.Device.platform` names it.
        matmul: floating-point operations per second in matrix products of hidden layers.
        elementwise: floating-point operations per second in fused elementwise code.
        bandwidth: bytes per second between layers, whose coefficients mostly fit the last cache.
        overhead: nanoseconds to start one array operation.
        source: where the numbers come from.
    """

    kind: str
    matmul: int
    elementwise: int
    bandwidth: int
    overhead: int
    source: str

    def time(self, cost: Cost) -> int:
        """Return picoseconds per point."""
        return (
            cost.linear * 10**12 // self.matmul
            + cost.elementwise * 10**12 // self.elementwise
            + cost.traffic * 10**12 // self.bandwidth
            + cost.operations * self.overhead * 1000 // REFERENCE_BATCH
        )


CPU = DeviceRates(
    kind="cpu",
    matmul=125 * 10**9,
    elementwise=16 * 10**9,
    bandwidth=20 * 10**9,
    overhead=450,
    source="measured by benchmarks/calibrate.py on two cores; single precision",
)

GPU = DeviceRates(
    kind="gpu",
    matmul=60 * 10**12,
    elementwise=10 * 10**12,
    bandwidth=2 * 10**12,
    overhead=4_000,
    source="assumed, not measured: orders of magnitude from the data sheet of an NVIDIA H100 without tensor cores",
)

DEVICES = {rates.kind: rates for rates in (CPU, GPU)}
"""Known kinds; any other is planned for as a CPU."""
