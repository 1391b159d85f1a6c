"""A guest out of a stream: CPUs, physical memory, what Linux says of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any

from vmgen.guest import vmcoreinfo
from vmgen.guest.cpu import Cpu
from vmgen.guest.errors import NoMap
from vmgen.guest.fields import SectionFields
from vmgen.guest.memory import GuestMemory
from vmgen.guest.paging.arm import SystemRegisters
from vmgen.guest.places import placed
from vmgen.guest.regions import PhysicalMap, Region
from vmgen.stream.codec import Codec
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import NotFound, StreamError
from vmgen.stream.input import Input, Source
from vmgen.stream.memory import Memory
from vmgen.stream.packages import from_folder
from vmgen.stream.parts import Section
from vmgen.stream.registers import is_cpu
from vmgen.stream.stream import Stream
from vmgen.stream.wire import printable


class Guest:
    """What a debugger wants of a stream.

    ``map`` says where RAM blocks are, where the stream does not: the text of
    ``info mtree -f`` in a file, or ``BLOCK=ADDRESS[:SIZE[@OFFSET]]``.  What you ask for is read
    then; of RAM no more than an index of its pages is kept.
    """

    def __init__(self, stream: Stream, map: Sequence[str] = ()) -> None:
        self.stream = stream
        self._map = tuple(map)
        self._fields: dict[str, SectionFields | None] = {}

    @classmethod
    def open(
        cls,
        file: Source,
        *,
        snapshot: str = "",
        map: Sequence[str] | str = (),
        codecs: Codecs | Mapping[str, Codec] | str | os.PathLike[str] | None = None,
        page_size: int | None = None,
    ) -> Guest:
        """A guest out of a file that has a stream, whatever carries it.

        ``codecs`` is the folder of one target in a generated package, or its codecs;
        without, the stream's own description has to do: then registers have no names.
        :func:`vmgen.saved.open_guest` chooses codecs as the command line does, and takes
        the number of a release.  Raises StreamError.
        """
        if isinstance(codecs, (str, os.PathLike)):
            (codecs,) = from_folder(codecs).values()
        source = Input(file, snapshot)
        stream = Stream(source, codecs, page_size=page_size)
        return cls(stream, (map,) if isinstance(map, str) else map)

    def __enter__(self) -> Guest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stream.close()

    def __repr__(self) -> str:
        codecs = self.stream.codecs
        by = "without codecs" if codecs is None else f"codecs of {codecs.target}"
        try:
            machine = printable(self.machine) or "an unnamed machine"
            count = len(self.cpu_sections())
        except StreamError as error:
            return f"<guest that cannot be read: {error}>"
        return f"<guest of {machine}: {count} CPU{'s' * (count != 1)}, {by}>"

    # --- what kind of machine it is ---------------------------------------------------------

    @property
    def machine(self) -> str:
        """The machine type, empty for a stream that does not say it."""
        configuration = self.stream.configuration
        return "" if configuration is None else configuration.machine

    @cached_property
    def target(self) -> str:
        """The target of the CPU; empty where no codecs say it.

        A stream of ``qemu-system-arm`` and one of ``qemu-system-aarch64`` look alike: it
        is the CPU that counts, as for ``cpu_get_dump_info`` (target/arm/arch_dump.c).
        """
        codecs = self.stream.codecs
        if codecs is None:
            return ""
        if codecs.target in ("arm", "aarch64"):
            for section in self.cpu_sections():
                fields = SectionFields(self.stream.values(section), section.name)
                return "aarch64" if SystemRegisters(fields).has_aarch64 else "arm"
        return codecs.target

    @property
    def _targets(self) -> tuple[str, ...]:
        codecs = self.stream.codecs
        if codecs is None:
            return ()
        return (codecs.target, *codecs.alternatives)

    # --- sections -----------------------------------------------------------------------

    @cached_property
    def _named(self) -> dict[str, Section]:
        found: dict[str, Section] = {}
        for section in self.stream.sections:
            if section.kind == "full":
                found.setdefault(section.name, section)
        return found

    def section(self, name: str) -> SectionFields | None:
        """The values of a section by name, with or without the device's path before it;
        None if the stream has none, or if nothing reads it."""
        if name not in self._fields:
            section = self._named.get(name)
            if section is None:
                found = [
                    one
                    for full, one in self._named.items()
                    if full.rpartition("/")[2] == name
                ]
                section = found[0] if len(found) == 1 else None
            self._fields[name] = None if section is None else self._values(section)
        return self._fields[name]

    def _values(self, section: Section) -> SectionFields | None:
        try:
            values = self.stream.values(section)
        except StreamError:
            return None
        return None if values is None else SectionFields(values, section.name)

    # --- CPUs ---------------------------------------------------------------------------

    def cpu_sections(self) -> list[Section]:
        """The sections of :attr:`cpus`, in their order; empty for none."""
        found = [one for one in self.stream.sections if is_cpu(one)]
        return sorted(found, key=lambda one: one.instance_id)

    @cached_property
    def cpus(self) -> tuple[Cpu, ...]:
        """The CPUs in the order of their index; NotFound if the stream has none."""
        sections = self.cpu_sections()
        if not sections:
            raise NotFound("the stream has no section 'cpu'", None, "cpu")
        return tuple(self._cpu(section) for section in sections)

    def _cpu(self, section: Section) -> Cpu:
        state: Any = self.stream.values(section)
        return Cpu(
            section.instance_id, self.target, state,
            self.memory if self._has_memory else None, self.section,
            self._told("vlen"), self._told("ARMCPU.sve_max_vq"),
        )  # fmt: skip

    def _told(self, member: str) -> int | None:
        """A number that no stream has: what ``--member`` says of it."""
        codecs = self.stream.codecs
        found = None if codecs is None else codecs.members.get(member)
        return found if isinstance(found, int) else None

    # --- memory -------------------------------------------------------------------------

    @cached_property
    def _ram(self) -> Memory:
        return self.stream.memory()

    @property
    def _has_memory(self) -> bool:
        try:
            return bool(self.memory)
        except (NotFound, NoMap):
            return False

    @cached_property
    def places(self) -> PhysicalMap:
        """Where RAM blocks are.

        Raises NoMap where neither the stream nor the machine nor ``map`` says it, and
        BadMap for a ``map`` that does not fit.
        """
        blocks = {block.name: block.used_length for block in self._ram.blocks}
        return placed(
            blocks, self.machine, self._targets, list(self._named), self.section,
            self._map,
        )  # fmt: skip

    @cached_property
    def memory(self) -> GuestMemory:
        """Guest-physical memory; NotFound if the stream has no RAM, else as ``places``."""
        return GuestMemory(self._ram, self.places)

    @property
    def ram(self) -> Memory:
        """RAM by block, which needs no map; NotFound if the stream has none."""
        return self._ram

    @property
    def regions(self) -> tuple[Region, ...]:
        """Where memory is in the guest-physical address space."""
        return self.memory.regions

    def vmcoreinfo(self, address: int | None = None) -> vmcoreinfo.VmcoreInfo | None:
        """The note of a Linux guest: the one at an address, the one that the guest told
        its vmcoreinfo device, or the one in RAM; None if there is none.

        Raises Unsupported where RAM has several that differ.
        """
        if address is not None:
            return vmcoreinfo.at(self.memory, address)
        return vmcoreinfo.find(self.memory, self.section)
