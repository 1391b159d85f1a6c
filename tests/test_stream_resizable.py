"""Blocks of guest memory that can have another size, and fw_cfg's sizes of them.

What real QEMU 10.0.2 said to each of these streams is beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stream_files import whole
from vmgen.cli import run
from vmgen.stream import Stream, described

CAPTURE = "x86_64-q35-bare--10.0.2"
TABLES, LOADER, RSDP = (
    "/rom@etc/acpi/tables", "/rom@etc/table-loader", "/rom@etc/acpi/rsdp"
)  # fmt: skip


def explained(
    data: bytes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    release: str = "10.0.2",
    own: bool | bytes = True,
) -> dict[str, Any]:
    stream, machine = tmp_path / "a.mig", tmp_path / "own.mig"
    stream.write_bytes(data)
    machine.write_bytes(whole(CAPTURE) if own is True else own or b"")
    more = ["--like", str(machine)] if own else []
    run(
        [
            "stream", "explain", str(stream), "--codecs", release, "-t", "x86_64",
            "--format", "json", *more,
        ]
    )  # fmt: skip
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def numbered(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + value.to_bytes(8, "big") + data[at + 8 :]


def fw_cfg(member: str) -> tuple[int, str]:
    """Where fw_cfg's section has a size, and the path of it."""
    stream = Stream(whole(CAPTURE))
    section = stream.section("fw_cfg")
    leaves = described.leaves(stream.layout(section), section.start)
    return next((at, path) for path, _, at in leaves if path.endswith(member))


@pytest.mark.parametrize(
    ("member", "size", "taken"),
    [
        ("table_mr_size", 0, True),
        ("table_mr_size", 0x1001, True),
        ("table_mr_size", 0x200000, True),
        ("table_mr_size", 0x200001, False),
        ("linker_mr_size", 0x10000, True),
        ("linker_mr_size", 0x10001, False),
        ("rsdp_mr_size", 0x1000, True),
        ("rsdp_mr_size", 0x1001, False),
        ("rsdp_mr_size", (1 << 64) - 1, False),  # no page, once it is aligned
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_a_size_that_fw_cfg_has_fits_its_block(
    member: str,
    size: int,
    taken: bool,
    own: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at, path = fw_cfg(member)
    data = numbered(whole(CAPTURE), at, size)
    found = explained(data, tmp_path, capsys, own=own)
    refused = [] if taken else [("value", "fw_cfg/0", path, at)]
    assert [
        (one["rule"], one["section"], one["member"], one["offset"])
        for one in found["refusals"]
    ] == refused


def length(name: str, value: int) -> tuple[bytes, int]:
    """The stream with another length of a block, and where the block is listed; its
    contents are what they were."""
    data = whole(CAPTURE)
    listed = bytes([len(name)]) + name.encode()
    at = data.index(listed)
    place = at + len(listed)
    more = value - int.from_bytes(data[place : place + 8], "big")
    total = data.index(b"\x03ram") + 4 + 4 + 4
    sum_ = int.from_bytes(data[total : total + 8], "big") + more
    return numbered(numbered(data, place, value), total, sum_), at


@pytest.mark.parametrize(
    ("block", "size", "outcome"),
    [
        ("pc.ram", 0x900000, "refused"),
        ("pc.bios", 0x80000, "refused"),
        ("pc.bios", 0x3F001, "accepted"),  # as many pages
        (TABLES, 0x10000, "accepted"),
        (TABLES, 0x200000, "accepted"),
        (TABLES, 0x201000, "refused"),
        (LOADER, 0x10000, "accepted"),
        (LOADER, 0x20000, "refused"),
        (RSDP, 0x2000, "refused"),
    ],
)
def test_a_block_of_another_size(
    block: str,
    size: int,
    outcome: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, at = length(block, size)
    found = explained(data, tmp_path, capsys)
    of_block = [
        (name, one["offset"])
        for name in ("refusals", "open")
        for one in found[name]
        if one["section"] == "ram/0" and one["member"] == block
    ]
    assert of_block == ([("refusals", at)] if outcome == "refused" else [])


def test_before_6_0_the_loader_s_block_had_no_more_than_it_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at, path = fw_cfg("linker_mr_size")
    data, own = (
        one[:9] + (10).to_bytes(4, "big") + one[13:].replace(b"q35-10.0", b"q35-5.2", 1)
        for one in (numbered(whole(CAPTURE), at, 0x2000), whole(CAPTURE))
    )
    found = explained(data, tmp_path, capsys, "5.2.0", own)
    assert path in [one["member"] for one in found["open"]]
