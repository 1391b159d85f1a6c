"""Which system registers each processor of a release has, as rows of a premise.

``cpu_post_load`` (``target/arm/machine.c``) refuses a register that the machine's CPU
does not have, and ``write_list_to_cpustate`` (``target/arm/helper.c``) one that has
another value there.  Which those are is computed when a CPU is made; the rows have what
came of it for each model, and for each way in which boards and users switch its parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from vmgen import ir

PREMISE = "processors"
"""The name of the premise that has the rows."""

_GROUP, _PROCESSOR, _UNREAD, _BOARD = "registers", "processor", "unread", "board"
_OFF = "switched off"
_SYSTEM = 0x6030_0000_0013
"""``CP_REG_ARM64``, 64 bits, a system register: such a number is written by its last four
digits (``include/standard-headers``, ``target/arm/kvm-consts.h``)."""

Row: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProcessorRegisters:
    """A model of a CPU (``-cpu``) with the parts of it that are switched on.

    ``off`` are the properties of ``toggles`` that are off.  ``registers`` are its system
    registers by their number in a stream, ascending, each with its value if that never
    changes, else None.
    """

    model: str
    off: tuple[str, ...]
    toggles: tuple[str, ...]
    registers: Mapping[int, int | None]


@dataclass(frozen=True, slots=True)
class UnreadProcessor:
    """One whose registers could not be computed, and why."""

    model: str
    off: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Processors:
    """Those of one release and target.  ``boards`` are the models that the machine types
    of a file have without ``-cpu``, ``off`` the properties of CPUs that these switch off
    without options; where a file is not in ``off``, that is not known."""

    every: tuple[ProcessorRegisters, ...]
    unread: tuple[UnreadProcessor, ...] = ()
    boards: Mapping[str, frozenset[str]] = field(default_factory=dict)
    off: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def by_model(self) -> Mapping[str, tuple[ProcessorRegisters, ...]]:
        """The processors of each model."""
        found: dict[str, list[ProcessorRegisters]] = defaultdict(list)
        for one in self.every:
            found[one.model].append(one)
        return {name: tuple(some) for name, some in found.items()}

    def is_read(self, model: str) -> bool:
        """Whether all of a model's processors are known."""
        return model in self.by_model and all(one.model != model for one in self.unread)

    def having(self, values: Mapping[int, int]) -> tuple[ProcessorRegisters, ...]:
        """Those whose CPU saves such a list: these registers, and of those that never
        change these values."""
        return tuple(
            one
            for one in self.every
            if one.registers.keys() == values.keys()
            and all(
                value is None or value == values[number]
                for number, value in one.registers.items()
            )
        )

    def alike(self, other: ProcessorRegisters) -> tuple[ProcessorRegisters, ...]:
        """Those of the other's model that are switched as it is, as far as both have the
        same switches."""
        return tuple(
            one
            for one in self.by_model.get(other.model, ())
            if all(
                (name in one.off) == (name in other.off)
                for name in one.toggles
                if name in other.toggles
            )
        )


def rows_of(found: Processors) -> tuple[Row, ...]:
    """The rows of a premise, sorted.

    Registers that the same processors have are one row, named by its first register.
    """
    having: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(found.every):
        for register, value in one.registers.items():
            having[_register_text(register, value)].append(number)
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for text in sorted(having):
        groups[tuple(having[text])].append(text)
    of: dict[int, list[str]] = defaultdict(list)
    rows: list[Row] = []
    for numbers, texts in groups.items():
        rows.append((_GROUP, *texts))
        for number in numbers:
            of[number].append(texts[0])
    for number, one in enumerate(found.every):
        switches = " ".join(
            f"{name}={'off' if name in one.off else 'on'}" for name in one.toggles
        )
        rows.append((_PROCESSOR, one.model, switches, *sorted(of[number])))
    rows += [(_UNREAD, one.model, " ".join(one.off), one.why) for one in found.unread]
    rows += [(_BOARD, file, *sorted(models)) for file, models in found.boards.items()]
    rows += [(_OFF, file, *sorted(names)) for file, names in found.off.items()]
    return tuple(sorted(rows))


def processors_of(premises: Iterable[ir.Premise]) -> Processors | None:
    """The processors of a program; None where it does not say."""
    rows = next((one.rows for one in premises if one.name == PREMISE), None)
    if rows is None:
        return None
    groups = {row[1]: row[1:] for row in rows if row[:1] == (_GROUP,) and len(row) > 1}
    return Processors(
        tuple(_read(rows, groups)),
        tuple(
            UnreadProcessor(row[1], tuple(row[2].split()), row[3])
            for row in rows
            if row[:1] == (_UNREAD,) and len(row) == 4
        ),
        _of_files(rows, _BOARD),
        _of_files(rows, _OFF),
    )


def _of_files(rows: Iterable[Row], kind: str) -> dict[str, frozenset[str]]:
    return {
        row[1]: frozenset(row[2:])
        for row in rows
        if row[:1] == (kind,) and len(row) > 2
    }


def _read(
    rows: Iterable[Row], groups: Mapping[str, Row]
) -> Iterator[ProcessorRegisters]:
    for row in rows:
        if row[:1] != (_PROCESSOR,) or len(row) < 3:
            continue
        switches = [one.partition("=") for one in row[2].split()]
        registers = dict(
            sorted(_register(text) for name in row[3:] for text in groups.get(name, ()))
        )
        yield ProcessorRegisters(
            row[1],
            tuple(name for name, _, value in switches if value == "off"),
            tuple(name for name, _, _ in switches),
            registers,
        )


def _register_text(number: int, value: int | None) -> str:
    text = f"{number & 0xFFFF:04x}" if number >> 16 == _SYSTEM else f"{number:x}"
    return text if value is None else f"{text}={value:x}"


def _register(text: str) -> tuple[int, int | None]:
    """A register and its value; a lock may be of a stranger, so nothing is raised."""
    name, _, value = text.partition("=")
    try:
        number = int(name, 16)
        known = int(value, 16) if value else None
    except ValueError:
        return 0, None
    return (_SYSTEM << 16 | number) if len(name) == 4 else number, known
