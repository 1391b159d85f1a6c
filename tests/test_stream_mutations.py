"""Damaged streams: what real QEMU refused is refused, what it took is taken.

``mutations.json`` is what QEMU 10.0.2 said to each.  Where it needed a device to say no
(a PCI ID that is not the device's own), nothing in the stream can tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.stream_files import FOLDER, packages, target_of, whole
from tests.stream_sections import Section, description_json, find_sections
from vmgen.stream import Stream, StreamError
from vmgen.stream.verify import verify

CASES: list[dict[str, Any]] = json.loads(
    (FOLDER / "streams" / "mutations.json").read_text()
)

NEEDS_THE_DEVICE = (
    "pci config 0000:00:00.0/",  # vendor and device id of the machine's own device
    "int32 equal PCIBUS/0/nirq",  # a number the machine's bus has
    "uint32 equal 0000:00:1f.2/ich9_ahci/0/ahci/ports",
)
"""Refused by QEMU for what it compares with its own machine."""

REASONS = {
    "cut: EOF byte and vmdesc dropped": r"1 bytes are needed and 0 are left",
    "cut: middle of cpu section": r"cpu/0.*(ends|needed)",
    "cut: just before cpu footer": r"cpu/0: 1 bytes are needed and 0 are left",
    "magic changed": r"not a migration stream",
    "file version 2": r"version 2 of the container, an obsolete format",
    "cpu version +1": r"cpu/0: version 1[13], described as 1[02]",
    "cpu version 0": r"cpu/0: version 0, described as 1[02]",
    "cpu version -1": r"cpu/0: version (9|11), described as 1[02]",
    "cpu section renamed cpX": r"cpX/0: not in the description",
    "cpu instance 7": r"cpu/7: not in the description; described are instances 0",
    "cpu footer id changed": r"cpu/0: the footer has section id 0x7fff instead of 0x[45]",
    "cpu footer byte changed": r"cpu/0: no footer behind the section",
    "one extra byte before cpu footer": r"cpu/0: no footer behind the section",
    "one byte missing before cpu footer": r"cpu/0: no footer behind the section",
    "unknown subsection cpu/zzz appended": r"cpu/0.*(zzz|bytes by the codec)",
    "foreign subsection foo/zzz appended": r"cpu/0: no footer behind the section",
    "subsection cpu/pmp version +9": r"cpu/0 cpu/pmp: version 10 is above 1",
    "subsection cpu/poll_control_msr version +9": (
        r"cpu/0 cpu/poll_control_msr: version 10 is above 1"
    ),
    "subsection name's last letter changed": r"cpu/0.*(unknown subsection|no subsection)",
}
"""What is said instead, for everything that is refused."""


def flipped(data: bytes, offset: int, value: int | None = None) -> bytes:
    changed = bytearray(data)
    changed[offset] = changed[offset] ^ 1 if value is None else value
    return bytes(changed)


def place(section: Section, path: str) -> int:
    """The offset of a field by its names in the description, ``a/b[2]/c``."""
    node: dict[str, Any] = section.description
    at = section.start
    for word in path.split("/"):
        match = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", word)
        assert match is not None
        names = [field["name"] for field in node["fields"]]
        name, index = (word, 0) if word in names else (match[1], int(match[2] or 0))
        seen = 0
        for field in node["fields"]:
            if field["name"] == name:
                count = field.get("array_len", 1)
                if index < seen + count:
                    at += (index - seen) * field["size"]
                    break
                seen += count
            at += field["size"] * field.get("array_len", 1)
        else:
            raise LookupError(path)
        node = field.get("struct", field)
    return at


def mutated(data: bytes, mutation: str) -> bytes:
    """The damage that a mutation's name says."""
    sections = find_sections(data)
    cpu = next(section for section in sections if section.name == "cpu")
    end = description_json(data)[0]
    version = cpu.start - 4
    subsection = b"\5\7cpu/zzz\0\0\0\1"
    simple: dict[str, Callable[[], bytes]] = {
        "unchanged": lambda: data,
        "cut: vmdesc dropped (ends after EOF byte)": lambda: data[:end],
        "cut: EOF byte and vmdesc dropped": lambda: data[: end - 1],
        "cut: middle of cpu section": lambda: data[: (cpu.start + cpu.end) // 2],
        "cut: just before cpu footer": lambda: data[: cpu.end],
        "magic changed": lambda: b"QEVN" + data[4:],
        "file version 2": lambda: flipped(data, 7, 2),
        "cpu version +1": lambda: flipped(data, version + 3, cpu.version + 1),
        "cpu version 0": lambda: flipped(data, version + 3, 0),
        "cpu version -1": lambda: flipped(data, version + 3, cpu.version - 1),
        "cpu section renamed cpX": lambda: flipped(data, cpu.header + 8, ord("X")),
        "cpu instance 7": lambda: flipped(data, version - 1, 7),
        "cpu footer id changed": lambda: (
            data[: cpu.end + 1] + b"\0\0\x7f\xff" + data[cpu.end + 5 :]
        ),
        "cpu footer byte changed": lambda: flipped(data, cpu.end, 0x7D),
        "one extra byte before cpu footer": lambda: (
            data[: cpu.end] + b"\0" + data[cpu.end :]
        ),
        "one byte missing before cpu footer": lambda: (
            data[: cpu.end - 1] + data[cpu.end :]
        ),
        "unknown subsection cpu/zzz appended": lambda: (
            data[: cpu.end] + subsection + data[cpu.end :]
        ),
        "foreign subsection foo/zzz appended": lambda: (
            data[: cpu.end] + subsection.replace(b"cpu", b"foo") + data[cpu.end :]
        ),
    }
    if mutation in simple:
        return simple[mutation]()
    if match := re.fullmatch(r"subsection (\S+) version \+9", mutation):
        name = match[1].encode()
        at = data.index(bytes([5, len(name)]) + name, cpu.start) + 2 + len(name) + 3
        return flipped(data, at, data[at] + 9)
    if mutation == "subsection name's last letter changed":
        first = cpu.description["subsections"][0]["vmsd_name"].encode()
        at = data.index(bytes([5, len(first)]) + first, cpu.start) + 1 + len(first)
        return flipped(data, at)
    match = re.match(r"(?:bool|\w[\w ]*?) (\S+/.*?)(?: = 2|: first byte)", mutation)
    assert match is not None, mutation
    for section in sections:
        prefix = f"{section.name}/{section.instance}/"
        if match[1].startswith(prefix):
            at = place(section, match[1].removeprefix(prefix))
            return flipped(data, at, 2 if mutation.endswith("= 2") else None)
    raise LookupError(mutation)


def read(case: dict[str, Any], use_description: bool = True) -> list[Any]:
    capture = case["capture"]
    data = mutated(whole(capture), case["mutation"])
    codecs = packages()[target_of(capture)]
    stream = Stream(data, codecs, use_description=use_description)
    return list(verify(stream))


def name_of(case: dict[str, Any]) -> str:
    return f"{target_of(case['capture'])}: {case['mutation']}"


def test_every_case_is_known() -> None:
    assert len(CASES) == 50
    refused = {case["mutation"] for case in CASES if not case["accepted"]}
    by_device = {one for one in refused if one.startswith(NEEDS_THE_DEVICE)}
    assert refused - by_device == set(REASONS)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["accepted"]], ids=name_of
)
def test_what_qemu_takes_is_taken(case: dict[str, Any]) -> None:
    differences = [one.difference for one in read(case) if one.difference]
    mutation: str = case["mutation"]
    if mutation.startswith(("bool", "unused")):
        # It is taken, and not written again like that, by QEMU neither.
        (found,) = differences
        path = mutation.partition(" ")[2].partition(" = ")[0].partition(":")[0]
        assert found.path.replace(".", "/").startswith(path.rpartition("/")[0])
        assert len(found.old) == len(found.new)
    else:
        assert differences == []


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in CASES
        if not case["accepted"] and not case["mutation"].startswith(NEEDS_THE_DEVICE)
    ],
    ids=name_of,
)
def test_what_qemu_refuses_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(StreamError) as caught:
        read(case)
    assert re.search(REASONS[case["mutation"]], str(caught.value)), caught.value
    mutation = case["mutation"]
    assert (
        caught.value.offset is not None or "instance" in mutation or "cpX" in mutation
    )


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["mutation"].startswith(NEEDS_THE_DEVICE)],
    ids=name_of,
)
def test_what_only_the_device_can_refuse_is_read(case: dict[str, Any]) -> None:
    assert not case["accepted"]
    assert all(one.difference is None for one in read(case))


@pytest.mark.parametrize(
    ("mutation", "reason"),
    [
        ("cpu version +1", r"cpu/0: version 1[13] is above 1[02]"),
        ("cpu version 0", r"cpu/0: version 0 is below the minimum 1[01]"),
        ("unknown subsection cpu/zzz appended", r"cpu/0: unknown subsection 'cpu/zzz'"),
        ("foreign subsection foo/zzz appended", r"cpu/0: no footer behind the section"),
        ("one extra byte before cpu footer", r"cpu/0: no footer behind the section"),
        ("one byte missing before cpu footer", r"cpu/0.*"),
        ("cpu footer byte changed", r"cpu/0: no footer behind the section"),
        ("subsection name's last letter changed", r"cpu/0: unknown subsection 'cpu/"),
    ],
)
@pytest.mark.parametrize("capture", sorted({case["capture"] for case in CASES}))
def test_codecs_refuse_the_same_without_a_description(
    capture: str, mutation: str, reason: str
) -> None:
    with pytest.raises(StreamError) as caught:
        read({"capture": capture, "mutation": mutation}, use_description=False)
    assert re.match(reason, str(caught.value)), caught.value
