"""Finds the device sections of a migration stream without decoding any.

Sections carry no length.  The description JSON at the stream's end says how many bytes
every field took, so a section's end is its start plus their sum, and the footer behind
it (0x7e and the section's id) proves that.  Nothing of vmgen is used here.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

MAGIC = b"QEVM\0\0\0\3"
CONFIGURATION = 7
SECTION_FULL = 4
SECTION_FOOTER = 0x7E
DESCRIPTION = 6


@dataclass(frozen=True)
class Section:
    """One QEMU_VM_SECTION_FULL: ``data[start:end]`` is the object itself, between the
    section's header and its footer; ``header`` is where the header begins.

    ``description`` is the section's entry in the description JSON.
    """

    name: str
    instance: int
    version: int
    id: int
    header: int
    start: int
    end: int
    description: dict[str, Any]


def description_json(data: bytes) -> tuple[int, dict[str, Any]]:
    """The position of the description (its 0x06 byte) and the JSON in it.

    The JSON is the stream's last part: a be32 length in front of it reaches exactly to
    the end.
    """
    at = data.rfind(b'{"')
    while at >= 5:
        if (
            data[at - 5] == DESCRIPTION
            and int.from_bytes(data[at - 4 : at], "big") == len(data) - at
        ):
            return at - 5, json.loads(data[at:])
        at = data.rfind(b"{", 0, at)
    raise ValueError("the stream has no description JSON at its end")


def described_size(description: dict[str, Any]) -> int:
    """The bytes of an object: its fields, then its subsections with their headers."""
    total: int = sum(
        field["size"] * field.get("array_len", 1) for field in description["fields"]
    )
    for subsection in description.get("subsections", ()):
        total += 2 + len(subsection["vmsd_name"]) + 4 + described_size(subsection)
    return total


def section_header(name: str, instance: int, version: int) -> bytes:
    """What follows the section's id."""
    return bytes([len(name)]) + name.encode() + struct.pack(">II", instance, version)


def find_sections(data: bytes) -> list[Section]:
    """All described sections, in stream order."""
    if not data.startswith(MAGIC):
        raise ValueError("not a migration stream")
    _, document = description_json(data)
    sections = []
    pos = len(MAGIC)
    for device in document["devices"]:
        name, instance = device["name"], device["instance_id"]
        size = described_size(device) if "fields" in device else device["size"]
        version = device.get("version")
        at = pos
        while True:
            at = data.find(
                bytes([len(name)]) + name.encode() + struct.pack(">I", instance), at
            )
            if at < 0:
                raise ValueError(f"no section {name} {instance} after offset {pos}")
            start = at + 1 + len(name) + 8
            id_ = data[at - 4 : at]
            end = start + size
            if data[at - 5] == SECTION_FULL and data[end : end + 5] == b"\x7e" + id_:
                break
            at += 1
        written = int.from_bytes(data[start - 4 : start], "big")
        if version is not None and version != written:
            raise ValueError(
                f"{name}: version {written} in the stream, {version} described"
            )
        sections.append(
            Section(
                name,
                instance,
                written,
                int.from_bytes(id_, "big"),
                at - 5,
                start,
                end,
                device,
            )
        )
        pos = end + 5
    return sections


def without_ram(data: bytes) -> bytes:
    """The stream with the sections between configuration and the first described device
    left out (RAM, in the streams here); every other byte is the original one."""
    sections = find_sections(data)
    pos = len(MAGIC)
    if data[pos] == CONFIGURATION:
        _, document = description_json(data)
        name_length = int.from_bytes(data[pos + 1 : pos + 5], "big")
        pos += 5 + name_length
        while data[pos] == 5:
            # A subsection of the configuration: its size is the JSON's in 10.0; in 7.2,
            # which does not describe it, it ends where the first section begins.
            described = document.get("configuration", {}).get("subsections")
            if described is None:
                pos = data.index(b"\x01" + bytes(3), pos)
                break
            pos += sum(
                6 + len(subsection["vmsd_name"]) + described_size(subsection)
                for subsection in described
            )
    return data[:pos] + data[sections[0].header :]


def replace(data: bytes, section: Section, body: bytes) -> bytes:
    """The stream with another body for a section; the rest is untouched."""
    return data[: section.start] + body + data[section.end :]
