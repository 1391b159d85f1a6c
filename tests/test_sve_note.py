"""The note of SVE registers: only where the length of the vectors is known; tests/qemu/test_guest_export.py
compares it with QEMU's."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from vmgen.export.sve import has_sve, sve_data
from vmgen.guest import Unsupported
from vmgen.guest.cpu import Cpu
from vmgen.imported import sve
from vmgen.imported.core import CoreNote, ElfCore
from vmgen.imported.errors import BadCore
from vmgen.stream.registers import RegisterFile

ZCR_EL1, SVCR = 0x603000000013C090, 0x603000000013DA12
ISAR0, FPCR, FPSR = 0x603000000013C030, 0x603000000013DA20, 0x603000000013DA21


def cpu(longest: int | None, zcr: int, svcr: int = 0, **state: Any) -> Cpu:
    vectors = [[100 * number + word for word in range(16)] for number in range(32)]
    values = {
        "cpsr": 0x3C5,
        "env": {"banked_r13": [0] * 8},
        "cpreg_vmstate_indexes": [ISAR0, ZCR_EL1, FPCR, FPSR, SVCR],
        "cpreg_vmstate_values": [0x10, zcr, 0, 0x1F, svcr],
        "vfp": {"env": {"vfp": {"zregs": [{"d": one[:2]} for one in vectors]}}},
        "sve": {
            "env": {
                "vfp": {
                    "zregs": [{"d": one[2:]} for one in vectors],
                    "pregs": [{"p": [n, n + 50, 0, 0]} for n in range(17)],
                }
            }
        },
        **state,
    }
    return Cpu(0, "aarch64", values, None, lambda name: None, None, longest)


SHORT = {
    "env": {
        "vfp": {
            "zregs": [{"d": [0] * 14}] * 32,
            "pregs": [{"p": [0] * 4}] * 16,
        }
    }
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("zcr", "now"), [(0, 1), (1, 2), (3, 4), (15, 6), (5, 6)])
def test_registers_are_as_long_as_the_level_asks(
    order: str, zcr: int, now: int
) -> None:
    one = cpu(6, zcr)
    assert has_sve(one)
    data = sve_data(one, order)
    size, largest, length, most, flags, rest = struct.unpack_from(
        order + "IIHHHH", data
    )
    assert (length, most, flags, rest) == (16 * now, 96, 1, 0)
    assert size == len(data)
    assert (len(data) - 8) // 16 * 16 <= 16 + now * 546 + 16 + 8
    assert largest == len(sve_data(cpu(6, 15), order))
    words = struct.unpack_from(f"<{2 * now}Q", data, 16 + 3 * 16 * now)
    assert words == tuple(range(300, 300 + 2 * now))
    at = 16 + 32 * 16 * now + 4 * 2 * now
    assert data[at : at + 2 * now][:2] == b"\4\0"
    at = 16 + 32 * 16 * now + 17 * 2 * now
    at += -at % 16
    assert struct.unpack_from(order + "I", data, at) == (0x1F,)


@pytest.mark.parametrize(
    ("longest", "zcr", "svcr", "why"),
    [
        (None, 0, 0, "no stream has how long"),
        (0, 0, 0, "1 to 16"),
        (17, 0, 0, "1 to 16"),
        (4, 2, 0, "of 384 bits"),
        (16, 15, 0, "of 2048 bits QEMU migrates 1024"),
        (4, 0, 1, "streaming"),
    ],
)
def test_what_is_not_known_is_said(
    longest: int | None, zcr: int, svcr: int, why: str
) -> None:
    with pytest.raises(Unsupported, match=why):
        sve_data(cpu(longest, zcr, svcr), "<")


def test_a_register_that_is_not_there_is_said() -> None:
    with pytest.raises(Unsupported, match="'ffr'"):
        sve_data(cpu(4, 0, sve=SHORT), "<")


def test_a_cpu_without_sve_has_no_note() -> None:
    assert not has_sve(cpu(4, 0, sve=None))


def imported(data: bytes, into: Cpu) -> tuple[bool, list[str]]:
    file = RegisterFile(into.state, "aarch64")
    core: ElfCore = SimpleNamespace(order="little")  # type: ignore[assignment]
    return sve.put("cpu/0", file, core, CoreNote("LINUX", 0x405, memoryview(data)))


def test_what_a_note_has_otherwise_arrives() -> None:
    data = bytearray(sve_data(cpu(4, 3), "<"))
    at = 16 + 64 * 5 + 40
    data[at : at + 8] = (77).to_bytes(8, "little")  # z5, word 5
    data[16 + 64 * 32 + 8 * 16] = 99  # ffr
    one = cpu(4, 3)
    assert imported(bytes(data), one) == (True, [])
    assert one.state["sve"]["env"]["vfp"]["zregs"][5]["d"][3] == 77
    assert one.state["sve"]["env"]["vfp"]["pregs"][16]["p"][0] == 99
    assert (
        sve_data(Cpu(0, "aarch64", one.state, None, lambda _: None, None, 4), "<")
        == data
    )
    assert imported(bytes(data), one) == (False, [])


def test_what_of_a_note_does_not_arrive_is_said() -> None:
    data = bytearray(sve_data(cpu(4, 3), "<"))
    assert imported(bytes(data), cpu(4, 3, sve=None)) == (
        False, ["cpu/0: the template has no SVE registers (NT_ARM_SVE)"],
    )  # fmt: skip
    data[16] = 5  # z0, whose lower bits are v0
    assert imported(bytes(data), cpu(4, 3)) == (
        False,
        [
            "cpu/0: z0 begins with 0x10000000000000005 in NT_ARM_SVE and"
            " 0x10000000000000000 in NT_FPREGSET, which counts"
        ],
    )
    long = struct.pack("<IIHHHH", 0, 0, 256, 256, 1, 0).ljust(8800, b"\1")
    changed, lost = imported(long, cpu(4, 3))
    assert changed
    assert lost[0].startswith("cpu/0: z0 has 1024 bits in a stream (0x101")


@pytest.mark.parametrize(
    "data",
    [
        b"", bytes(16), struct.pack("<IIHHHH", 0, 0, 16, 16, 0, 0) + bytes(600),
        struct.pack("<IIHHHH", 0, 0, 8, 16, 1, 0) + bytes(600),
        struct.pack("<IIHHHH", 0, 0, 272, 272, 1, 0) + bytes(99999),
        struct.pack("<IIHHHH", 0, 0, 16, 16, 1, 0) + bytes(545),
    ],
)  # fmt: skip
def test_a_note_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(BadCore, match="NT_ARM_SVE has"):
        imported(data, cpu(4, 3))
