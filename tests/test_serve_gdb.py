"""gdb's protocol about a stream: packets, framing, what cannot be done."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from tests.stream_files import packages, whole
from vmgen.guest import Guest
from vmgen.serve.gdb import GdbServer, framed

SPIKE = "riscv64-xbzrle--10.0.2"


@pytest.fixture
def server() -> GdbServer:
    return GdbServer(Guest.open(whole(SPIKE), codecs=packages()["riscv64"]))


def document(server: GdbServer) -> ElementTree.Element:
    text = ""
    while True:
        answer = server.answer(f"qXfer:features:read:target.xml:{len(text):x},7f0")
        text += answer[1:]
        if answer[0] == "l":
            return ElementTree.fromstring(text)


def test_registers_have_the_numbers_of_the_description(server: GdbServer) -> None:
    found = {one.get("name"): one for one in document(server).iter("reg")}
    number = int(found["pc"].get("regnum", ""))
    pc = next(one for one in server.guest.cpus[0].registers() if one.name == "pc")
    assert server.answer(f"p{number:x}") == pc.value.to_bytes(8, "little").hex()
    assert server.answer("pffff") == "E14"
    assert server.answer("g").startswith("00" * 8)


def test_memory_is_read_or_a_fault(server: GdbServer) -> None:
    expected = server.guest.memory.read(0x8000_0000, 16).hex()
    assert server.answer("m80000000,10") == expected
    assert server.answer("m0,1") == "E14"
    assert server.answer("m80000000,ffffff") == "E22"
    assert server.answer("mzz,1") == "E22"
    assert server.answer("Qqemu.PhyMemMode:1") == "OK"
    assert server.answer("qqemu.PhyMemMode") == "1"
    assert server.answer("m80000000,10") == expected


def test_nothing_runs_and_nothing_changes(server: GdbServer) -> None:
    for packet in ("?", "c", "s", "vCont;c", "vCont;s:1"):
        assert server.answer(packet) == "T05thread:01;"
    for packet in ("P0=00", "M0,1:00", "G00", "X0,1:a"):
        assert server.answer(packet) == "E01"
    assert server.answer("vMustReplyEmpty") == ""


def test_threads_are_cpus(server: GdbServer) -> None:
    assert server.answer("qfThreadInfo") == "m01"
    assert server.answer("qsThreadInfo") == "l"
    assert [server.answer(one) for one in ("Hg1", "Hg0", "Hc-1", "Hg9", "T1", "T9", "T")] == [
        "OK", "OK", "OK", "E22", "OK", "E22", "E22",
    ]  # fmt: skip


def test_monitor_commands_print_what_the_stream_has(server: GdbServer) -> None:
    def said(text: str) -> str:
        return bytes.fromhex(server.answer(f"qRcmd,{text.encode().hex()}")).decode()

    assert "cpu/0" in said("sections")
    assert said("show cpu/0.env.priv").startswith("  cpu/0.env.priv = ")
    assert "no such section" in said("show nothing")
    assert "did you mean mstatus" in said("show mstatu")
    assert said("show pc").startswith("  cpu/0.pc = 0x")
    assert said("show ram/riscv.spike.ram@0x0:4").endswith("|....|\n")
    whole_page = said("show ram/riscv.spike.ram@0x0:0x40000")
    assert whole_page.endswith("\n... vmgen stream show prints the rest\n")
    assert said("dance").startswith("sections:")
    assert server.answer("qRcmd,x") == "E22"


def test_packets_may_come_in_pieces_and_bad_sums_are_asked_again(
    server: GdbServer,
) -> None:
    pieces = iter([b"+$", b"?#3", b"f$?#00$QStartNoAckMode#b0", b"\x03$D#44", b"$?#3f"])
    out: list[bytes] = []
    server.run(lambda: next(pieces, b""), out.append)
    stop = framed("T05thread:01;")
    assert b"".join(out) == b"+" + stop + b"-+$OK#9a" + stop + b"$OK#9a"


@pytest.mark.parametrize(
    "data", [b"$" * 9, b"\x03" * 3, b"$" + b"a" * 100_000, b"#00" * 9, b"}\xff$p#70"]
)
def test_any_bytes_are_survived(server: GdbServer, data: bytes) -> None:
    pieces = iter([data])
    out: list[bytes] = []
    server.run(lambda: next(pieces, b""), out.append)
    assert len(b"".join(out)) < 200


def test_what_the_protocol_uses_is_escaped() -> None:
    assert framed("a}b$#*") == b"$a}]b}\x04}\x03}\n#" + b"%02x" % (
        sum(b"a}]b}\x04}\x03}\n") & 0xFF
    )
