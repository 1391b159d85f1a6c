"""One CPU of a guest: its registers, and memory as it sees it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from vmgen.guest import paging
from vmgen.guest.errors import Unmapped
from vmgen.guest.fields import SectionFields
from vmgen.guest.memory import LONGEST, GuestMemory
from vmgen.guest.paging.mmu import Mmu
from vmgen.guest.paging.tree import Mapped
from vmgen.guest.pci import Sections
from vmgen.stream.errors import NotFound
from vmgen.stream.registers import Register, RegisterFile


class Cpu:
    """A CPU; ``index`` is its instance in the stream.

    ``state`` are the values of its section: an object of the codec's state class, or dicts
    where the description alone read it.  ``vlen`` is the length of a RISC-V vector register
    in bits, ``sve_max_vq`` that of SVE's longest vectors in 128 bits, which no stream has.
    """

    def __init__(
        self, index: int, target: str, state: Any, memory: GuestMemory | None,
        sections: Sections, vlen: int | None = None, sve_max_vq: int | None = None,
    ) -> None:  # fmt: skip
        self.index = index
        self.target = target
        self.state = state
        self.fields = SectionFields(state, "cpu")
        self._memory = memory
        self._sections = sections
        self._vlen = vlen
        self.sve_max_vq = sve_max_vq

    def __repr__(self) -> str:
        pc = self.register("pc")
        at = "" if pc is None else f" at {pc:#x}"
        return f"<{self.target or 'unnamed'} CPU {self.index}{at}>"

    @cached_property
    def file(self) -> RegisterFile:
        """Its registers by name; a part and another name of one, too."""
        return RegisterFile(self.state, self.target, self._vlen)

    @cached_property
    def _registers(self) -> dict[str, Register]:
        return {one.name: one for one in self.file}

    def described(self) -> tuple[tuple[str, int, str], ...]:
        """Name, width in bits and feature of the registers as a debugger must see them:
        gdb's features whole, whether the stream has all of their registers or not."""
        return tuple(self.file.described())

    def registers(self) -> tuple[Register, ...]:
        """Every register of the CPU that is in the stream: name, value, width in bits and
        gdb's feature, in gdb's order; empty for a target without a table."""
        return tuple(self._registers.values())

    def register(self, name: str) -> int | None:
        """A register's value by any of its names; None if the stream does not have it."""
        found = self._registers.get(name)
        if found is None:
            try:
                found = self.file.read(name)
            except NotFound:
                return None
        return found.value

    @cached_property
    def mmu(self) -> Mmu:
        """How it finds memory; Unsupported for page tables that vmgen does not read."""
        if self._memory is None:
            raise Unmapped("the stream has no RAM", None, "memory")
        return paging.of(self.target, self.fields, self._memory, self._sections)

    def translate(self, address: int) -> int:
        """The guest-physical address of a virtual one; Unmapped if it has none."""
        return self.mmu.translate(address)[0]

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes at a virtual address.

        What is mapped can be read, whatever the CPU's privilege.  Raises Unmapped.
        """
        if size > LONGEST:
            raise Unmapped(f"no {size} bytes are read at once", None, "memory")
        memory = self.mmu.memory
        parts = []
        while size > 0:
            physical, length, _ = self.mmu.translate(address)
            length = min(length, size)
            parts.append(memory.read(physical, length))
            address, size = address + length, size - length
        return b"".join(parts)

    def mappings(self) -> Iterator[Mapped]:
        """What is mapped, ascending, neighbours joined."""
        yield from self.mmu.mappings()
