"""A guest out of a stream: CPUs with named registers, memory by physical and by virtual
address.  Standard library only; nothing here knows a file format of others.

    with Guest.open("vm.mig", codecs="generated/riscv64") as guest:
        text = guest.cpus[0].read(0xFFFFFFFF80000000, 16)
"""

from __future__ import annotations

from vmgen.guest.cpu import Cpu
from vmgen.guest.errors import BadMap, Lossy, NoMap, Unmapped, Unsupported
from vmgen.guest.guest import Guest
from vmgen.guest.memory import GuestMemory
from vmgen.guest.paging.tree import Mapped
from vmgen.guest.regions import PhysicalMap, Region
from vmgen.guest.vmcoreinfo import VmcoreInfo

__all__ = [
    "BadMap",
    "Cpu",
    "Guest",
    "GuestMemory",
    "Lossy",
    "Mapped",
    "NoMap",
    "PhysicalMap",
    "Region",
    "Unmapped",
    "Unsupported",
    "VmcoreInfo",
]
