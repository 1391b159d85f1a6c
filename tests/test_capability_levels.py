"""The levels of a pseries machine's capabilities: not above those of the machine."""

from __future__ import annotations

from tests.test_stream_read import HEAD, description, device, section
from vmgen import ir
from vmgen.stream import Stream
from vmgen.stream.capability_levels import higher

DEFAULTS = {5: 1, 6: 16}


def stream(**levels: int) -> bytes:
    """A stream of the machine's section with the levels that were set: ``c6=16``."""
    body = b""
    subsections = []
    for name, level in levels.items():
        wire = f"spapr/cap/{name}"
        body += (
            b"\5" + bytes([len(wire)]) + wire.encode() + b"\0\0\0\1" + bytes([level])
        )
        field = {"name": f"mig.caps[0x{int(name[1:]):02x}]", "type": "uint8", "size": 1}
        subsections.append({"vmsd_name": wire, "version": 1, "fields": [field]})
    machine = device("spapr") | {"fields": [], "subsections": subsections}
    return HEAD + section(1, "spapr", body) + b"\0" + description([machine])


def found(
    theirs: bytes, ours: bytes, defaults: dict[int, int] | None = None
) -> list[tuple[str, bool]]:
    members = tuple(
        ir.ClassMember(
            ir.MemberPlace("SpaprMachineClass", f"default_caps.caps[{number}]"), level
        )
        for number, level in (DEFAULTS if defaults is None else defaults).items()
    )
    machine = ir.Machine("pseries-1.0", "pseries-1.0-machine", members=members)
    one, two = Stream(theirs, strict=False), Stream(ours, strict=False)
    (section_of,), (mine,) = one.sections, two.sections
    return [
        (each.member, each.certain)
        for each in higher(one, section_of, two, mine, machine)
    ]


def test_a_level_above_the_machines_is_refused() -> None:
    assert found(stream(c6=20), stream(c6=16)) == [("mig.caps[0x06]", True)]
    assert found(stream(c6=16), stream(c6=16)) == []
    assert found(stream(c6=12), stream(c6=16)) == []


def test_a_machine_without_the_option_has_its_types_level() -> None:
    assert found(stream(c6=20), stream()) == [("mig.caps[0x06]", True)]
    assert found(stream(c6=16), stream()) == []
    assert found(stream(c7=1), stream()) == [("mig.caps[0x07]", False)]


def test_a_machine_with_a_lower_level_than_its_type() -> None:
    """The source has its type's level, or what its CPU lowers that to."""
    assert found(stream(), stream(c6=12)) == [("mig.caps[0x06]", False)]
    assert found(stream(), stream(c6=20)) == []
    assert found(stream(), stream(c6=12), {}) == [("mig.caps[0x06]", False)]


def test_other_sections_have_none() -> None:
    data = HEAD + section(1, "cpu", b"") + b"\0" + description([device("cpu")])
    one = Stream(data, strict=False)
    (cpu,) = one.sections
    assert [*higher(one, cpu, one, cpu, None)] == []
