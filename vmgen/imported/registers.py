"""Registers out of a core's notes, put into the CPUs of a template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vmgen.guest import Guest, Unsupported
from vmgen.guest.notes import SVE, NoteField, NoteLayout, layouts
from vmgen.imported import sve, x86
from vmgen.imported.core import CoreNote, ElfCore
from vmgen.imported.errors import BadCore
from vmgen.stream import Draft
from vmgen.stream.edit import changeable, content
from vmgen.stream.errors import NotFound
from vmgen.stream.parts import Section
from vmgen.stream.registers import RegisterFile, of_section

_STATUS = ("CORE", 1)
_AARCH32 = 0x10


@dataclass(frozen=True, slots=True)
class TakenCpu:
    """A CPU of the template by its path: how many registers the core has, whether one changed,
    and what of it the stream does not have, as sentences."""

    path: str
    count: int
    changed: bool
    lost: tuple[str, ...]


def take(guest: Guest, core: ElfCore, draft: Draft) -> tuple[TakenCpu, ...]:
    """Put the registers of a core into the CPUs of a draft of the template.

    Raises BadCore for a core of another CPU, Unsupported for one whose notes vmgen cannot
    import.
    """
    known = layouts(guest.target, core.machine)
    if not known:
        raise BadCore(
            f"a core of machine {core.machine} (e_machine) is none of the template's CPU,"
            f" {guest.target or 'which no codecs know'}", None, "cpu",
            "" if guest.target else "codecs say the target: --codecs, --target",
        )  # fmt: skip
    groups = _grouped(core, known)
    sections = guest.cpu_sections()
    if len(groups) != len(sections):
        raise BadCore(
            f"the core has {len(groups)} CPUs, the template {len(sections)}",
            None,
            "cpu",
        )
    return tuple(
        _put(guest, core, draft, section, notes, vectors)
        for section, notes, vectors in zip(
            sections, groups, _vectors(core), strict=True
        )
    )


def _put(
    guest: Guest, core: ElfCore, draft: Draft, section: Section,
    notes: Sequence[tuple[NoteLayout, CoreNote]], vectors: CoreNote | None,
) -> TakenCpu:  # fmt: skip
    stream = guest.stream
    state = changeable(stream, section)
    file = of_section(stream.codecs, section, state)
    assert file is not None  # a target that has layouts has a table
    taken = _taken(section.path, file, core, notes)
    if vectors is not None and guest.target == "aarch64":
        changed, lost = sve.put(section.path, file, core, vectors)
        taken = replace(
            taken, changed=taken.changed or changed, lost=(*taken.lost, *lost)
        )
    if taken.changed:
        draft.replace(section, content(stream, section, state))
    return taken


def _vectors(core: ElfCore) -> list[CoreNote | None]:
    """By CPU, its NT_ARM_SVE."""
    found: list[CoreNote | None] = []
    for note in core.notes:
        key = (note.name, note.kind)
        if key == _STATUS:
            found.append(None)
        elif key == SVE and found:
            found[-1] = note
    return found


def _grouped(
    core: ElfCore, known: Sequence[NoteLayout]
) -> list[list[tuple[NoteLayout, CoreNote]]]:
    """By CPU, the notes that have a layout."""
    by_name = {(one.name, one.kind): one for one in known}
    groups: list[list[tuple[NoteLayout, CoreNote]]] = []
    apart: dict[tuple[str, int], int] = {}
    for note in core.notes:
        key = (note.name, note.kind)
        layout = by_name.get(key)
        if layout is None:
            continue
        if len(note.data) < layout.size:
            raise BadCore(
                f"note {note.name} {note.kind:#x} has {len(note.data)} bytes, not"
                f" {layout.size}",
                None,
                "cpu",
            )
        if key == _STATUS:
            groups.append([])
        # QEMU's own notes come behind those of all CPUs, in the same order.
        place = len(groups) - 1
        if layout.apart:
            place = apart.get(key, 0)
            apart[key] = place + 1
        if not 0 <= place < len(groups):
            raise BadCore(f"a note {note.name} is of no CPU", None, "cpu")
        groups[place].append((layout, note))
    return groups


def _taken(
    path: str, file: RegisterFile, core: ElfCore,
    notes: Sequence[tuple[NoteLayout, CoreNote]],
) -> TakenCpu:  # fmt: skip
    # What tools show and change is the status of a process: it counts, where QEMU's note
    # has the same register, so it comes last.
    found = [
        one
        for layout, note in sorted(notes, key=lambda pair: not pair[0].apart)
        for one in _values(core, layout, note)
    ]
    _check_mode(path, file, core, found)
    lost: list[str] = []
    there: list[tuple[NoteField, int]] = []
    changed = False
    for field, value in found:
        try:
            now = _cut(file, field)
        except NotFound:
            if value:
                lost.append(
                    f"{path}: the template has no {field.register} ({value:#x})"
                )
            continue
        there.append((field, value))
        if now != value:
            file.write(field.register, value)
            changed = True
    for field, value in there:
        if (now := _cut(file, field)) != value:
            lost.append(
                f"{path}: {field.register} is {value:#x} in QEMU's note and {now:#x} in"
                " NT_PRSTATUS, which counts"
            )
    if changed and file.target in x86.TARGETS:
        x86.settle(file)
    return TakenCpu(
        path, len({field.register for field, _ in there}), changed, tuple(lost)
    )


def _cut(file: RegisterFile, field: NoteField) -> int:
    """A register as a note can have it."""
    return file.read(field.register).value & (1 << 8 * field.size) - 1


def _values(
    core: ElfCore, layout: NoteLayout, note: CoreNote
) -> Iterator[tuple[NoteField, int]]:
    for field in layout.fields:
        if field.word == "register":
            data = note.data[field.offset : field.offset + field.size]
            yield field, int.from_bytes(data, core.order)


def _check_mode(
    path: str, file: RegisterFile, core: ElfCore, found: Sequence[tuple[NoteField, int]]
) -> None:
    """What decides how the rest is read must be so in the template already."""
    if file.target in x86.TARGETS and x86.is_long(file) != (core.machine == x86.LONG):
        raise BadCore(
            "one of core and template is in long mode, and the other is not: a core has no"
            " EFER", None, path, "take a template in the same mode",
        )  # fmt: skip
    if file.target == "aarch64":
        states = [value for field, value in found if field.register == "cpsr"]
        if any(state & _AARCH32 for state in (*states, file.read("cpsr").value)):
            message = "vmgen does not import the registers of a CPU in AArch32"
            raise Unsupported(message, None, path)
