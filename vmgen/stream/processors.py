"""Which processor the CPU of a PowerPC stream is: ``cpu_post_load``
(``target/ppc/machine.c``) refuses a processor other than the machine's (``pvr_match``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from vmgen import ir
from vmgen.stream import described, tables
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import StreamError
from vmgen.stream.objections import Objection
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream

REGISTERS, VERSION = "env.spr", 287
"""The special registers, and the number of the processor version's (``SPR_PVR``)."""

COMPATIBLE = "compat_pvr"
"""A CPU that shows itself as an older one, which is what counts then."""

FAMILY = 0xFFFF_0000
"""The bits that processors of one family have alike: which others a class accepts is up
to it (``CPU_POWERPC_POWER_SERVER_MASK`` in ``target/ppc/cpu-models.h``)."""


MODELS = "CPU models"
"""The premise (``vmgen/premises/premises.toml``) that a release's :class:`Models` are."""

_DEFAULT = re.compile(r'default_cpu_type=POWERPC_CPU_TYPE_NAME\("([^"]+)"\)')
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")


@dataclass(frozen=True)
class Models:
    """The CPU models of a release: ``rows`` are those of the premise, the models' names
    with their enumerators (``POWERPC_DEF``), the enumerators' values, other names for
    models, and what is the model of a machine type that is started without ``-cpu``."""

    rows: tuple[tuple[str, ...], ...]

    @cached_property
    def versions(self) -> dict[str, int]:
        """The processor version of each name whose number is written out."""
        pairs = {row[0]: row[1] for row in self.rows if len(row) == 2}
        found = {}
        for name in pairs:
            value, seen = name, set[str]()
            while value in pairs and value not in seen:
                seen.add(value)
                value = pairs[value]
            if _NUMBER.fullmatch(value):
                found[name] = int(value, 0)
        return found

    @cached_property
    def defaults(self) -> dict[str, frozenset[int | None]]:
        """The processor versions that a function gives the machine types that it fills;
        None for one that is not known."""
        found: dict[str, set[int | None]] = {}
        for row in self.rows:
            if len(row) == 2 and (model := _DEFAULT.fullmatch(row[1])):
                found.setdefault(row[0], set()).add(self.versions.get(model[1]))
        return {name: frozenset(some) for name, some in found.items()}


def models_of(premises: Iterable[ir.Premise]) -> Models | None:
    """The CPU models of a release; None for a target that compares none."""
    return next((Models(one.rows) for one in premises if one.name == MODELS), None)


def stays(version: int, writer: Models, reader: Models) -> bool:
    """Whether a guest of this processor has it in the other release, too, if it is started
    with the same options: by the name of its model, or without ``-cpu``."""
    named = (
        reader.versions.get(name, version) == version
        for name, meant in writer.versions.items()
        if meant == version
    )
    started = (
        version in reader.defaults.get(function, {version})
        for function, meant in writer.defaults.items()
        if version in meant
    )
    return all(named) and all(started)


class Processor(NamedTuple):
    """The processor version of a CPU and the place of its register."""

    version: int
    offset: int


def of_section(stream: Stream, section: Section) -> Processor | None:
    """The processor of a CPU's section; None where nothing shows it or counts on it."""
    found = None
    try:
        for path, slot, at in described.leaves(stream.layout(section), section.start):
            if COMPATIBLE in path:
                return None
            if path == REGISTERS and slot.count is not None and slot.count > VERSION:
                place = at + VERSION * slot.size
                word = bytes(stream.view[place : place + slot.size])
                found = Processor(int.from_bytes(word, "big"), place)
    except StreamError:
        return None
    return found


AlikeModels: TypeAlias = Callable[[int, Models], bool]
"""Whether a guest of a processor version has it in a release with these models, too, if it
is started there with the options that it had where its stream was saved."""


def unsure(
    stream: Stream, section: Section, codecs: Codecs, alike: AlikeModels
) -> Objection | None:
    """A processor that a machine which is started with the same options may not have."""
    known = tables.of(codecs) if section.name == "cpu" else None
    if known is None:
        return None
    models = models_of(known.lookup.program.premises)
    found = None if models is None else of_section(stream, section)
    if models is None or found is None or alike(found.version, models):
        return None
    message = (
        f"processor version {found.version:#x}: with the options that it had, a machine of"
        " this release may have a different one, and QEMU compares them"
    )
    hint = "give a stream that the machine saved with --like"
    return Objection("machine", section.path, REGISTERS, found.offset, message, hint)
