"""What a CPU's table asks of the machine, for the machines in these tests.

The members are properties of the machine or of the CPU model that no stream holds; a
user of the generated code gives them in a ``Context``, or the stream's description JSON
instead.
"""

from __future__ import annotations

PPC_MIGRATION = {
    "PowerPCCPU.pre_2_8_migration": 0,
    "PowerPCCPU.pre_2_10_migration": 0,
    "PowerPCCPU.pre_3_0_migration": 0,
}
"""Compatibility switches of old pseries machine types; off everywhere else."""

CORTEX_M3 = {"ARMCPU.pmsav7_dregion": 8}
"""The MPU has eight regions."""


def members(target: str, machine: str) -> dict[str, int]:
    """The context members for a target and a ``-M`` machine."""
    if target in ("ppc", "ppc64"):
        return PPC_MIGRATION
    if machine == "stm32vldiscovery":
        return CORTEX_M3
    return {}
