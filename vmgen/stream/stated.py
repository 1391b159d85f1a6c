"""What QEMU checks in C when it loads a stream, beside its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vmgen.known.registered import instances
from vmgen.stream import described, pci_express, qapi_names, tables
from vmgen.stream.codec import Codec
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import StreamError
from vmgen.stream.objections import Objection
from vmgen.stream.parts import ANY_INSTANCE, Section
from vmgen.stream.ram import PageRun
from vmgen.stream.stream import Stream
from vmgen.stream.wire import printable


def unusual(
    stream: Stream, sections: Sequence[Section], codecs: Codecs
) -> Iterator[Objection]:
    """What only machines accept that write it so themselves (properties of
    ``migration``, set by machine types up to 2.3)."""
    first = sections[0]
    if stream.configuration is None:
        message = (
            "there is none, which only a machine with send-configuration=off takes"
        )
        hint = "devices alone, as xen-save-devices-state writes them, are for xen-load-devices-state"
        yield Objection("container", "configuration", "", 8, message, hint)
    elif isinstance(bits := stream.configuration.value("target-page-bits"), int):
        least = None if codecs.page_size is None else codecs.page_size.bit_length() - 1
        # Arm CPUs of v7 and later choose 12 (arm_cpu_realizefn, target/arm/cpu.c).
        usual = (least, 12) if codecs.target in ("arm", "aarch64") else (least,)
        if least is not None and bits not in usual:
            message = f"{bits} bits of an address in a page, which only a machine with such pages accepts"
            hint = "give a stream that the machine saved with --like"
            at = stream.configuration.offset
            yield Objection(
                "value", "configuration", "target-page-bits", at, message, hint
            )
    if not first.footer:
        message = "no footer, which only a machine with send-section-footer=off takes"
        yield Objection("container", first.path, "", first.end, message)


def capabilities(stream: Stream, codecs: Codecs) -> Iterator[Objection]:
    """Capabilities that the release does not have (``get_capability``)."""
    try:
        configuration = stream.configuration
    except StreamError:
        return
    named = None if configuration is None else configuration.value("capabilities")
    known = tables.of(codecs)
    release = "" if known is None else known.release
    if configuration is None or not isinstance(named, tuple | list):
        return
    for name in named:
        if not qapi_names.is_of(qapi_names.CAPABILITIES, name, release):
            message = f"the release has no migration capability {printable(name)!r}"
            at = configuration.offset
            yield Objection("value", "configuration", "capabilities", at, message)


def filled_page(stream: Stream, codecs: Codecs) -> tuple[Objection, bool] | None:
    """A zero page of another byte than 0, and whether the release surely refuses it: since
    8.2 ``ram_load_precopy`` (``migration/ram.c``) does, before it fills the page with it.
    """
    known = tables.of(codecs)
    number = re.match(
        r"(\d+)\.(\d+)(?:\.(\d+))?", "" if known is None else known.release
    )
    if number is not None and (int(number[1]), int(number[2])) < (8, 1):
        return None
    try:
        filled = next(
            one
            for one in stream.memory().records()
            if isinstance(one, PageRun) and one.kind == "zero" and one.fill
        )
    except (StreamError, StopIteration):
        return None
    sure = number is not None and (int(number[1]), int(number[2])) >= (8, 2)
    if not sure and number is not None and int(number[3] or 0) < 50:
        return None
    message = (
        f"a zero page is filled with {filled.fill:#x}, which QEMU refuses since 8.2"
    )
    name = printable(filled.block.name)
    return Objection("value", "ram/0", name, filled.start, message), sure


def other_instance(section: Section, codecs: Codecs) -> Objection | None:
    """An instance of a section that a machine registers under other numbers only:
    ``find_se`` (``migration/savevm.c``) does not find it.

    What ``register_savevm_live`` registers has 0 as a second number, and RAM and the like
    no other one, except for devices of vfio without a path of their own.
    """
    if section.kind not in ("start", "full") or not section.instance_id:
        return None
    known = tables.of(codecs)
    roots = () if known is None else known.lookup.program.roots
    numbers = instances(roots, section.name)
    if section.instance_id != ANY_INSTANCE and any(
        one.section == section.name and not one.prefix for one in roots
    ):
        if numbers is None or section.instance_id in numbers:
            return None
        listed = " or ".join(map(str, sorted(numbers)))
        message = f"the release registers it as instance {listed} alone"
    elif section.means in ("ram", "old-style") and section.name != "vfio":
        message = (
            f"instance {section.instance_id}, and a machine has this once, as number 0"
        )
    else:
        return None
    return Objection("unknown-section", section.path, "", section.offset, message)


def any_instance(section: Section) -> Objection:
    """An instance that is the first device of its name, but where that has an alias
    (``qdev_set_legacy_instance_id``)."""
    message = (
        "QEMU loads it into the first device of the name, unless that has an alias"
    )
    return Objection("unknown-section", section.path, "", section.offset, message)


def value(
    stream: Stream, section: Section, codecs: Codecs, codec: Codec, machine: str
) -> Objection | None:
    """The first value of a section that C refuses on a machine of this type."""
    return (
        run_state(stream, section, codecs, codec)
        or irq_state(stream, section)
        or pci_express.error_mask(stream, section, codecs, machine)
        or option_rom(stream, section)
    )


def irq_state(stream: Stream, section: Section) -> Objection | None:
    """A pin of a PCI device that is neither up nor down (``get_pci_irq_state`` in
    ``hw/pci/pci.c``), where the description shows the pins."""
    try:
        slots = stream.layout(section)
    except StreamError:
        return None
    for path, slot, at in described.leaves(slots, section.start):
        if slot.type == "pci irq state" and not slot.count and slot.size % 4 == 0:
            data = stream.view[at : at + slot.size]
            for place in range(0, slot.size, 4):
                value = int.from_bytes(data[place : place + 4], "big")
                if value > 1:
                    message = f"{value:#x} is no state of a pin, which is 0 or 1"
                    return Objection("value", section.path, path, at + place, message)
    return None


def option_rom(stream: Stream, section: Section) -> Objection | None:
    """A VAPIC that has no option ROM in guest memory where it says (``vapic_post_load``,
    ``vapic_map_rom_writable`` in ``hw/i386/vapic.c``): the third byte there is the ROM's
    size, and 0 is none.  None where the stream has not that page."""
    if section.name.rpartition("/")[2] != "kvm-tpr-opt":
        return None
    found: dict[str, tuple[int, int]] = {}
    try:
        for path, slot, at in described.leaves(stream.layout(section), section.start):
            value = int.from_bytes(stream.view[at : at + slot.size], "big")
            found[path] = value, at
        memory = stream.memory()
        size = memory.block("pc.ram").used_length
    except StreamError:
        return None
    if "state" not in found or "rom_state_paddr" not in found:
        return None
    address, at = found["rom_state_paddr"]
    if not (address or found["state"][0]):  # VAPIC_INACTIVE
        return None
    byte = (address & ~511) + 2
    message = f"{address:#x} is no address in the RAM of the machine"
    if byte < size:
        page = memory.page("pc.ram", byte)
        if page is None or page[byte % memory.page_size]:
            return None
        message = f"guest memory has no option ROM at {address:#x}"
    return Objection("value", section.path, "rom_state_paddr", at, message)


def run_state(
    stream: Stream, section: Section, codecs: Codecs, codec: Codec
) -> Objection | None:
    """A run state that the release does not have: QEMU looks it up by its name."""
    if section.name != qapi_names.RUN_STATE:
        return None
    known = tables.of(codecs)
    state, _ = codecs.load(
        codec, stream.view[: section.end], section.start, section.version_id, section.path
    )  # fmt: skip
    release = "" if known is None else known.release
    name = qapi_names.run_state(state)
    if name is None or qapi_names.is_of(qapi_names.RUN_STATES, name, release):
        return None
    message = f"{printable(name)!r} is no run state of the release"
    return Objection("value", section.path, "runstate", section.start, message)
