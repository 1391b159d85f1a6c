"""What a stream must have in common with the machine that loads it.

Some fields are compared with the device's own value and not loaded.  No table has that
value, but a stream that the same machine saved has: it is the value itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from vmgen import ir
from vmgen.known import register_lists
from vmgen.known.register_lists import RegisterDifference
from vmgen.known.system_registers import DefinedRegisters
from vmgen.lookup import Placed
from vmgen.stream import described, processors, resizable, system_registers, tables
from vmgen.stream.capability_levels import higher
from vmgen.stream.codecs import Codecs
from vmgen.stream.described import Slot
from vmgen.stream.errors import Refused, StreamError
from vmgen.stream.frozen import Frozen
from vmgen.stream.inside import Compared, compared
from vmgen.stream.parts import ANY_INSTANCE, Section
from vmgen.stream.qapi_names import COMPARED
from vmgen.stream.stream import Stream
from vmgen.stream.system_registers import RegisterList
from vmgen.stream.wire import printable

_EQUAL = re.compile(r"u?int(?:8|16|32|64) equal")
_NOT_ABOVE = re.compile(r"u?int(?:8|16|32|64) le")
_PCI_CONFIG = "pci config"

_PCI_FIXED = {
    0x00: 0xFF, 0x01: 0xFF, 0x02: 0xFF, 0x03: 0xFF,  # vendor and device
    0x06: 0x10,  # status: whether there is a list of capabilities
    0x08: 0xFF,  # revision
    0x09: 0xFF, 0x0A: 0xFF, 0x0B: 0xFF,  # class
    0x0E: 0xFF,  # type of the header
    0x34: 0xFF,  # where the list of capabilities begins
}  # fmt: skip
"""The bits of a PCI device's configuration space that must be its own
(``pci_init_cmask`` in ``hw/pci/pci.c``); devices can add others to them."""

_HAS_LIST, _LIST = 0x06, 0x34
_CAPABILITIES = {
    0x01: {2: 0xFF, 3: 0xFF},  # power management: what it can (pci_pm_init)
    0x05: {2: 0x8E, 3: 0x01},  # MSI: how many messages, 64 bits, masks (msi_init)
    # MSI-X: how many vectors, and where its tables are (msix_init)
    0x11: {2: 0xFF, 3: 0x07, **dict.fromkeys(range(4, 12), 0xFF)},
}
"""By number of a capability the bits of it that no guest can write, by place.  All of a
capability is compared (``pci_add_capability`` in ``hw/pci/pci.c``) but what a guest can
write; more than these bits, but these of every device."""


class Unlike(Frozen):
    """Something that the machine has in another way; ``member`` is empty for a section.

    ``certain`` says whether QEMU refuses it for that; otherwise it can.
    """

    section: str
    member: str
    offset: int
    message: str
    certain: bool = True
    hint: str = ""


def unlike(stream: Stream, own: Stream, codecs: Codecs) -> Iterator[Unlike]:
    """What keeps a machine that saved ``own`` from loading ``stream``, in its order.

    Both are read as far as their descriptions describe them, and by the codecs of the
    machine's release inside of what those show as bytes.
    """
    yield from _configuration(stream, own, codecs.page_size)
    yield from _footers(stream, own)
    known = {section.path: section for section in own.sections}
    for section in own.sections:
        known.setdefault(f"{printable(section.name)}/{ANY_INSTANCE}", section)
    for section in stream.sections:
        if section.means == "ram" and section.kind == "start" and section.path in known:
            yield from _blocks(stream, own, codecs)
        elif section.kind == "full" and section.path not in known:
            message = "the machine did not save such a section"
            certain = not _has_an_alias(own, codecs, section) and _is_always_saved(
                codecs, section
            )
            hint = _started_with(stream, codecs, section)
            yield Unlike(section.path, "", section.offset, message, certain, hint)
        elif section.kind == "full":
            mine = known[section.path]
            found = _fields(stream, section, own, mine)
            yield from _registers(stream, section, own, mine, codecs)
            yield from _processor(stream, section, own, mine)
            for one in higher(stream, section, own, mine, _type(own, codecs)):
                yield Unlike(
                    section.path, one.member, one.offset, one.message, one.certain
                )
            if not found:  # the description shows no difference, or not the fields
                found = _inside(stream, section, own, mine, codecs)
            if found is None:
                message = "the fields cannot be compared: nothing says where they are"
                found = [Unlike(section.path, "", section.start, message, False)]
            yield from found


def _type(own: Stream, codecs: Codecs) -> ir.Machine | None:
    """The machine's type, as the release has it; None if it has none of the name."""
    tabled = tables.of(codecs)
    return None if tabled is None else type_in(tabled.lookup.program, own)


def type_in(program: ir.Program, stream: Stream) -> ir.Machine | None:
    """The machine type of a stream as a program has it; None if the stream does not say
    it, or the program has none of the name."""
    if stream.configuration is None:
        return None
    name = printable(stream.configuration.machine)
    machines = program.machines.machines
    return next((one for one in machines if name in (one.name, *one.aliases)), None)


def _has_an_alias(own: Stream, codecs: Codecs, section: Section) -> bool:
    """Whether the machine may have the section under another name or instance: an older
    name, or a device's older instance (``find_se``, ``migration/savevm.c``)."""
    same = False
    for one in own.sections:
        if one.name.endswith(f"/{section.name}"):
            return True
        same |= one.name == section.name
    if not same:
        return False
    tabled = tables.of(codecs)
    roots = () if tabled is None else tabled.lookup.program.roots
    name = section.name.rpartition("/")[2]
    registered = [one for one in roots if one.section in (section.name, name)]
    return not registered or any(one.alias for one in registered)


_CPUS = ("cpu", "cpu_common")
_DEVICES = 3
"""Device types that a hint names."""


def _started_with(stream: Stream, codecs: Codecs, section: Section) -> str:
    """The option that gives a machine the section; empty if no option is known."""
    if section.name in _CPUS:
        count = sum(one.name == section.name for one in stream.sections)
        return f"start the machine with as many CPUs as the stream has: -smp {count}"
    tabled = tables.of(codecs)
    if tabled is None:
        return ""
    path, _, name = printable(section.name).rpartition("/")
    program = tabled.lookup.program
    made = {one.name for one in program.machines.types if one.creatable}
    types = sorted(
        type_
        for root in program.roots
        if root.section == name
        for type_ in root.device_types
        if type_ in made
    )
    if not types:
        return ""
    place = f", at {path}" if path else ""
    more = " or another device of the kind" if len(types) > _DEVICES else ""
    return (
        f"start the machine with -device {' or '.join(types[:_DEVICES])}{more}{place}"
    )


def _is_always_saved(codecs: Codecs, section: Section) -> bool:
    """Whether a machine that registers the section saves it (``vmstate_save``)."""
    placed = _table(codecs, section)
    return placed is not None and not placed.description.needed


def _table(codecs: Codecs, section: Section) -> Placed | None:
    """The release's table of a section; None if it is not known."""
    tabled = tables.of(codecs)
    node = None if section.device is None else section.device.node
    try:
        codec = codecs.get(section.name, node)
    except Refused:  # several devices of one name
        return None
    return None if tabled is None or codec is None else tabled.table(codec)


def _configuration(
    stream: Stream, own: Stream, smallest: int | None
) -> Iterator[Unlike]:
    """``configuration_post_load`` in ``migration/savevm.c``.

    ``smallest`` is the smallest page of the target in bytes: a stream that says nothing
    of the page size is of a machine with that one.
    """
    theirs, ours = stream.configuration, own.configuration
    if theirs is None or ours is None:
        if theirs is not ours:
            message = "the stream has none, and the machine expects one"
            if theirs is not None:
                message = "the stream has one, and the machine expects none"
            yield Unlike("configuration", "", 8, message)
        return
    if not ours.machine.startswith(theirs.machine):  # as far as the received name goes
        machine = printable(theirs.machine)
        message = (
            f"machine type {machine}, and the machine is {printable(ours.machine)}"
        )
        yield Unlike("configuration", "name", theirs.offset, message)
    least = None if smallest is None else smallest.bit_length() - 1
    bits, known = theirs.value("target-page-bits"), ours.value("target-page-bits")
    bits, known = (least if one is None else one for one in (bits, known))
    if isinstance(bits, int) and isinstance(known, int) and bits != known:
        message = f"{bits} bits of an address in a page, and the machine has {known}"
        yield Unlike("configuration", "target-page-bits", theirs.offset, message)
    mine, its = (
        set(found) & COMPARED if isinstance(found, list) else set[str]()
        for found in (ours.value("capabilities"), theirs.value("capabilities"))
    )
    for name in sorted(mine ^ its):
        saved = "with" if name in its else "without"
        message = f"the stream was saved {saved} the migration capability {name}: the machine must have it set alike"
        yield Unlike("configuration", "capabilities", theirs.offset, message, False)


def _footers(stream: Stream, own: Stream) -> Iterator[Unlike]:
    """``check_section_footer`` in ``migration/savevm.c``."""
    first = next(iter(stream.sections), None)
    ours = next(iter(own.sections), None)
    if first is None or ours is None or first.footer == ours.footer:
        return
    message = "no footer, and the machine expects one behind every section"
    if first.footer:
        message = "a footer, and the machine expects none"
    yield Unlike(first.path, "", first.end, message)


def _blocks(stream: Stream, own: Stream, codecs: Codecs) -> Iterator[Unlike]:
    """``parse_ramblocks`` in ``migration/ram.c``."""
    ours = {block.name: block for block in own.memory().blocks}
    for block in stream.memory().blocks:
        name = printable(block.name)
        if block.name not in ours:
            message = "the machine has no block of guest memory of this name"
            yield Unlike("ram/0", name, block.offset, message)
        elif block.used_length != (length := ours[block.name].used_length):
            taken = resizable.takes(block.name, block.used_length, length, codecs)
            if taken is True:
                continue
            message = f"{block.used_length:#x} bytes, and the machine has {length:#x}"
            if taken is None:
                message += ", which QEMU accepts within the bounds of the block"
            yield Unlike("ram/0", name, block.offset, message, taken is False)


def _processor(
    stream: Stream, section: Section, own: Stream, known: Section
) -> Iterator[Unlike]:
    """Another processor than the machine's: surely refused if it is of another family."""
    if section.name != "cpu":
        return
    theirs, ours = (
        processors.of_section(*one) for one in ((stream, section), (own, known))
    )
    if theirs is None or ours is None or theirs.version == ours.version:
        return
    message = f"processor version {theirs.version:#x}, and that of the CPU is {ours.version:#x}"
    sure = bool((theirs.version ^ ours.version) & processors.FAMILY)
    yield Unlike(section.path, processors.REGISTERS, theirs.offset, message, sure)


def _registers(
    stream: Stream, section: Section, own: Stream, known: Section, codecs: Codecs
) -> Iterator[Unlike]:
    """What ``cpu_post_load`` and ``write_list_to_cpustate`` (``target/arm``) refuse."""
    theirs = system_registers.of_section(stream, section)
    ours = system_registers.of_section(own, known)
    tabled, placed = tables.of(codecs), _table(codecs, section)
    premises = () if tabled is None else tabled.lookup.program.premises
    all_ = placed is not None and register_lists.looks_at_all(placed.description)
    for found, mine in zip(theirs, ours, strict=False):
        yield from _register_list(section, found, mine, premises, all_)


def _register_list(
    section: Section,
    found: RegisterList,
    mine: RegisterList,
    premises: Sequence[ir.Premise],
    all_: bool,
) -> Iterator[Unlike]:
    differences = register_lists.differences(
        found.by_number,
        mine.by_number,
        DefinedRegisters(premises),
        all_=all_,
        first=not section.instance_id,
    )
    # Where the description does not say where the values are, only the numbers count.
    yield from of_registers(
        section,
        found,
        (one for one in differences if mine.values or one.kind == "foreign"),
    )


def of_registers(
    section: Section, found: RegisterList, differences: Iterable[RegisterDifference]
) -> Iterator[Unlike]:
    """What a machine has in another way than a list of registers, at its place."""
    for one in differences:
        indexes = section.path, register_lists.INDEXES
        match one.kind:
            case "foreign":
                at = found.offset + 8 * found.numbers.index(one.number)
                yield Unlike(
                    *indexes, at, f"the CPU has no system register {one.number:#x}"
                )
            case "value":
                at = found.values_offset + 8 * found.numbers.index(one.number)
                about = f"system register {one.number:#x} is {one.theirs:#x}"
                own = "" if one.ours is None else f" {one.ours:#x}"
                message = (
                    f"{about}, and that of the CPU, which does not take this,{own}"
                    if one.sure
                    else f"{about}, and that of the CPU{own}: whether it keeps another"
                    " value is up to C"
                )
                yield Unlike(section.path, register_lists.VALUES, at, message, one.sure)
            case "lacking":
                about = (
                    f"the CPU has system register {one.number:#x}, which the stream"
                    " lacks: QEMU writes what its memory held"
                )
                more = (
                    f", and the register always is {one.ours:#x}"
                    if one.sure
                    else ", and refuses a value that does not stay"
                )
                yield Unlike(*indexes, found.offset, about + more, one.sure)
            case other:
                assert_never(other)


def _fields(
    stream: Stream, section: Section, own: Stream, known: Section
) -> list[Unlike] | None:
    """The differences that the two descriptions show; None if they do not show fields."""
    try:
        slots, ours = stream.layout(section), own.layout(known)
    except StreamError:  # which QEMU does not read
        return None
    return list(_differences(stream, section, own, known, slots, ours))


def _differences(
    stream: Stream,
    section: Section,
    own: Stream,
    known: Section,
    slots: Sequence[Slot],
    own_slots: Sequence[Slot],
) -> Iterator[Unlike]:
    mine: dict[str, tuple[Slot, int]] = {}
    for path, slot, at in described.leaves(own_slots, known.start):
        mine.setdefault(path, (slot, at))
    for path, slot, at in described.leaves(slots, section.start):
        if path not in mine:
            continue
        other, place = mine[path]
        if (slot.type, slot.size, slot.count) != (other.type, other.size, other.count):
            continue
        theirs = stream.view[at : at + slot.total].tobytes()
        ours = own.view[place : place + slot.total].tobytes()
        if theirs == ours:
            continue
        if _EQUAL.fullmatch(slot.type):
            message = (
                f"{_number(slot, theirs)}, and the device has {_number(slot, ours)}"
            )
            yield Unlike(section.path, path, at, message)
        elif _NOT_ABOVE.fullmatch(slot.type) and not slot.count:
            if not 0 <= _number(slot, theirs) <= _number(slot, ours):
                message = f"{_number(slot, theirs)}, and the device has {_number(slot, ours)} at most"
                yield Unlike(section.path, path, at, message)
        elif (
            slot.type == _PCI_CONFIG
            and not slot.count
            and (wrong := _config(theirs, ours)) is not None
        ):
            yield Unlike(section.path, path, at + wrong[0], wrong[1])


def _inside(
    stream: Stream, section: Section, own: Stream, known: Section, codecs: Codecs
) -> list[Unlike] | None:
    """The differences inside of devices' own formats; None if a codec is needed to see
    the fields and does not read them."""
    pairs = compared(codecs, stream, section, own, known)
    if pairs is None:
        return None if section.device is None else []
    return list(_unequal(section, pairs))


def _unequal(section: Section, pairs: Iterable[Compared]) -> Iterator[Unlike]:
    for one in pairs:
        match one.check:
            case "equal" if one.theirs != one.ours:
                message = f"{one.theirs}, and the device has {one.ours}"
            case "le" if not 0 <= one.theirs <= one.ours:
                message = f"{one.theirs}, and the device has {one.ours} at most"
            case "pci config" if found := _config(one.theirs, one.ours):
                message = found[1]
            case "beside" if one.theirs != one.ours:
                message = (
                    f"{one.theirs} fields of its elements are there, and {one.ours} in the"
                    " machine's own: QEMU decides by what its memory has beside the array"
                )
            case _:
                continue
        sure = one.check != "beside"
        yield Unlike(section.path, one.path, section.start, message, sure)


def _config(theirs: bytes, ours: bytes) -> tuple[int, str] | None:
    """The first byte of a PCI device's configuration space that must be its own and is
    another, and what to say of it."""
    for index, mask in _fixed(ours).items():
        if index < min(len(theirs), len(ours)) and (theirs[index] ^ ours[index]) & mask:
            return index, (
                f"byte {index:#x} of the configuration space is {theirs[index]:#04x}"
                f", and that of the device {ours[index]:#04x}"
            )
    return None


def _fixed(ours: bytes) -> dict[int, int]:
    """The bits of a device's space that must be its own, by place: those of every device,
    and those of the capabilities that this one has."""
    fixed = dict(_PCI_FIXED)
    if len(ours) < 0x100 or not ours[_HAS_LIST] & 0x10:
        return fixed
    at = ours[_LIST] & ~3
    while 0x40 <= at < 0x100 - 12 and at not in fixed:
        fixed |= {at: 0xFF, at + 1: 0xFF}  # the number, and where the next one is
        bits = _CAPABILITIES.get(ours[at], {})
        fixed |= {at + place: mask for place, mask in bits.items()}
        at = ours[at + 1] & ~3
    return fixed


def _number(slot: Slot, data: bytes) -> int:
    return int.from_bytes(data, "big", signed=not slot.type.startswith("u"))
