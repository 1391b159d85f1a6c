"""What a person types for a register, a field or a place in memory, and what answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stream_files import captured, packages, target_of
from tests.test_stream_ram import CONTINUE, EOS, PAGE, header
from tests.test_stream_ram_write import stream_of as stream_of_pages
from tests.test_stream_registers import file_of, stream_of
from vmgen.cli import run
from vmgen.stream import Stream
from vmgen.stream.errors import NotFound
from vmgen.stream.memory import Memory
from vmgen.stream.ram_place import RamPlace, dump, pieces, ram_place
from vmgen.stream.registers.numbers import number_of, numbered
from vmgen.stream.registers.table import table

A57, A15 = "aarch64-virt-a57-bare--10.0.2", "arm-virt-a15-bare--10.0.2"
Q35, RISCV = "x86_64-q35-bare--10.0.2", "riscv64-virt-vh-bare--10.0.2"

Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """``vmgen stream`` about a capture: status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(command: str, name: str, *words: str) -> tuple[int, str, str]:
        Path("vm.mig").write_bytes(captured(name))
        codecs = ["--codecs", str(packages()[target_of(name)].folder)]
        status = run(["stream", command, "vm.mig", *words, *codecs])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.mark.parametrize("name", [A57, A15])
def test_every_system_register_has_its_numbers_as_names(name: str) -> None:
    """Each is found by KVM's number and by its encoding, in any case, and reads the value
    that the list has for this number, whether a table names it or not."""
    file = file_of(name)
    keys = [key & (1 << 64) - 1 for key in file.values["cpreg_vmstate_indexes"]]
    values = file.values["cpreg_vmstate_values"]
    assert len(keys) > 200
    for key, value in zip(keys, values, strict=True):
        encoding, bits = numbered(key)
        assert number_of(encoding) == number_of(hex(key)) == key
        for text in (hex(key), hex(key).upper().replace("X", "x"), encoding.upper()):
            found = file.read(text)
            width = min(bits, found.bits)
            assert found.value == value & (1 << width) - 1 & (1 << 64) - 1, text
            assert file.system_number(text) == key


@pytest.mark.parametrize(
    ("name", "typed", "number"),
    [
        (A57, "CPUACTLR_EL1", 0x6030_0000_0013_CF90),
        (A57, "cpuectlr_el1", 0x6030_0000_0013_CF91),
        (A57, "ID_PFR0_EL1", 0x6030_0000_0013_C008),
        (A57, "PAR_EL1", 0x4030_0000_200F_0380),
        (A57, "DACR", 0x4020_0000_200F_1800),
        (A57, "S3_0_C12_C0_0", 0x6030_0000_0013_C600),
        (A15, "MIDR", 0x4020_0000_200F_0000),
        (A15, "IFAR", 0x4020_0000_200F_3002),
        (A15, "HSCTLR", None),
        (A15, "TTBCR", 0x6030_0000_0013_C102),
        (A15, "dfsr", 0x6030_0000_0013_C290),
        (A15, "PMEVCNTR0", 0x6030_0000_0013_DF40),
        (A15, "VBAR_EL1", 0x4020_0000_000F_6000),
    ],
)
def test_a_system_register_by_the_architecture_s_name(
    name: str, typed: str, number: int | None
) -> None:
    """Under whichever name QEMU's C has it, and at whichever place the CPU model has."""
    file = file_of(name)
    assert typed in file
    assert file.system_number(typed) == number
    if number is None:
        with pytest.raises(NotFound, match="this CPU does not send it"):
            file.read(typed)
    else:
        assert file.read(typed).value == file.read(hex(number)).value


def test_parts_of_the_processor_s_state_have_the_architecture_s_names() -> None:
    file = file_of(A57)
    state = file.read("cpsr").value
    assert state == 0x6000_03C5
    found = {name: file.read(name).value for name in ("NZCV", "DAIF", "CurrentEL")}
    assert found == {"NZCV": 0x6000_0000, "DAIF": 0x3C0, "CurrentEL": 4}
    assert file.read("spsel").value == 1
    file.write("daif", 0)
    assert file.read("cpsr").value == 0x6000_0005


@pytest.mark.parametrize(
    ("name", "typed", "why"),
    [
        (A57, "MIDR_EL1", "a property of the CPU model"),
        (A57, "CNTVCT_EL0", "makes when it is read"),
        (A57, "ICC_PMR_EL1", "in the section of the interrupt controller"),
        (A57, "0x603000000013c8ff", "TFSR_EL1|does not send it"),
        (A57, "s3_7_c15_c15_7", "does not send it"),
        (A15, "CNTPCT", "makes when it is read"),
    ],
)
def test_a_register_that_is_not_there_says_why(name: str, typed: str, why: str) -> None:
    with pytest.raises(NotFound, match=why):
        file_of(name).read(typed)


@pytest.mark.parametrize(
    ("qemu_s", "name"),
    [("0x1013c030", "s3_0_c0_c6_0"), ("0x200e0280", "p14_0_c0_c5_0_ns"),
     ("0xf0800", "p15_0_c1_c0_0"), ("0x200F8380", "p15_0_c7_ns")],
)  # fmt: skip
def test_the_numbers_of_qemu_s_messages(qemu_s: str, name: str) -> None:
    """``system register 0x... in the incoming stream but unknown on the destination``."""
    assert number_of(qemu_s) == number_of(name) is not None


def test_a_number_of_the_other_state_has_its_name() -> None:
    """The non-secure copy is the one that has the name, as it is preferred."""
    file = file_of(A57)
    assert file.read("0x40200000200f5101").name == "NMRR"
    assert file.read("p15_0_c13_c0_0").name == "p15_0_c13_c0_0"
    assert file.read("p15_0_c13_c0_0_ns").name == "p15_0_c13_c0_0_ns"
    assert file.read("0x40200000200f6800").name == "FCSEIDR"


@pytest.mark.parametrize(
    "text", ["s4_0_c0_c0_0", "s3_0_c16_c0_0", "p15_8_c0_c0_0", "p15_0_c1_c0", "s3_0_c1",
             "0x603", "0x40800000", "0x80000000", "0x1014c600", "0x7030000000130000", "0x60300000001300000", "x1", ""],
)  # fmt: skip
def test_what_is_no_number_of_a_register(text: str) -> None:
    assert number_of(text) is None


def test_another_name_has_all_places_of_its_register() -> None:
    arm = table("arm")
    assert arm is not None
    alias, row = arm.find("HDFAR"), arm.find("FAR_EL2")
    assert alias is not None
    assert row is not None
    assert len(row.ways) == 2
    assert (alias.ways, alias.bits) == (row.ways, row.bits)


# --- what is not there ------------------------------------------------------------------


def test_the_others_are_shown_where_one_name_is_unknown(shell: Shell) -> None:
    status, out, err = shell("show", A57, "x1", "sctlr_el", "VBAR_EL1", "timer/0")
    assert status == 2
    assert "cpu/0.x1 = 0x1122330000000101\n  cpu/0.VBAR_EL1 = 0x40008000\n" in out
    assert "cpu_ticks_offset" in out
    assert err.count("error:") == 1
    assert "in sctlr_el: no such section in the stream, and no such register" in err
    assert "did you mean SCTLR_EL1 or SCTLR_EL2" in err
    status, out, err = shell("show", A57, "nope", "x1", "--format", "json")
    assert (status, json.loads(out)["values"]) == (2, {"x1": 0x1122330000000101})
    assert "in nope:" in err
    status, out, err = shell("show", A57, "nope", "timer", "--format", "json")
    assert [one["name"] for one in json.loads(out)["sections"]] == ["timer"]
    status, out, err = shell("show", A57, "nope", "--format", "json")
    assert (status, [one["code"] for one in json.loads(out)["errors"]]) == (
        2,
        ["VG708"],
    )


@pytest.mark.parametrize("command", ["show", "edit"])
@pytest.mark.parametrize(
    ("name", "typed", "meant"),
    [
        (A57, "sctlr_el", "SCTLR_EL1"),
        (A57, "cpu/0.x99", "x9"),
        (A57, "cpu/0.env.xreg", "xregs"),
        (A57, "cpu/0.vbar_el", "VBAR_EL1"),
        (A57, "cpuu/0.pc", "cpu/0"),
        (A57, "CPU/0.pc", "cpu/0"),
        (A57, "cpuu", "cpu/0"),
        (A57, "pflash_cfi1/1.cmd", "pflash_cfi01"),
        (Q35, "raxx", "rax"),
        (Q35, "eflag", "eflags"),
        (RISCV, "mstatu", "mstatus"),
        (RISCV, "goldfish_rt.alarm_next", "goldfish_rtc"),
    ],
)
def test_a_wrong_name_has_the_nearest_ones(
    shell: Shell, command: str, name: str, typed: str, meant: str
) -> None:
    words = [typed] if command == "show" else [f"{typed}=1", "-o", "new.mig"]
    status, _, err = shell(command, name, *words)
    assert status == 2
    hint = re.search(r"did you mean (.*)\?", err)
    assert hint is not None, err
    assert any(meant in one for one in hint[1].split(" or ")), hint[1]
    assert not Path("new.mig").exists()


def test_a_name_like_no_other_lists_what_there_is(shell: Shell) -> None:
    status, _, err = shell("show", A57, "qqqqqqq")
    assert status == 2
    assert "there are: timer/0, " in err
    assert "'--registers' of vmgen stream show lists the registers" in err


# --- guest memory -----------------------------------------------------------------------

BLOCK = "riscv_virt_board.ram"


def test_memory_by_address(shell: Shell) -> None:
    with stream_of(RISCV) as stream:
        expected = stream.memory().read(BLOCK, 0x758, 24)
    assert any(expected)
    status, out, _ = shell("show", RISCV, f"ram/{BLOCK}@0x758:24", "pc")
    assert status == 0
    heading, first, second, pc = out.splitlines()
    assert heading == f"ram/{BLOCK}  24 bytes at 0x758"
    shown = re.findall(r"\b[0-9a-f]{2}\b", " ".join((first[16:66], second[16:66])))
    assert bytes.fromhex("".join(shown)) == expected
    assert first.split()[0] == "0x758"
    assert second.split()[0] == "0x768"
    assert pc == "  cpu/0.pc = 0x80000758"
    status, out, _ = shell("show", RISCV, f"ram/{BLOCK}@1880:24", "--format", "json")
    (piece,) = json.loads(out)["values"][f"ram/{BLOCK}@1880:24"]
    assert piece == {"address": 0x758, "size": 24, "bytes": expected.hex()}


def test_without_a_size_it_is_the_rest_of_the_page(shell: Shell) -> None:
    status, out, _ = shell("show", RISCV, f"ram/{BLOCK}@0x1ff0", "--format", "json")
    (piece,) = json.loads(out)["values"][f"ram/{BLOCK}@0x1ff0"]
    assert (status, piece["size"]) == (0, 16)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (f"ram/{BLOCK}", f"ram/{BLOCK}@0x0:64 is its first 64 bytes"),
        (f"ram/{BLOCK}@here", "'here' is not a number"),
        (f"ram/{BLOCK}@0x10:", "'0x10:' is not a number"),
        (f"ram/{BLOCK}@0x10:0", "is not a number"),
        (f"ram/{BLOCK}@0x10:-4", "is not a number"),
        (f"ram/{BLOCK}@0x4000000000", "no 1 bytes at 0x4000000000"),
        (f"ram/{BLOCK}@0x0:0x4000000000", "no 274877906944 bytes at 0x0"),
        ("ram/nothing@0x0", "the blocks are:"),
    ],
)
def test_a_place_that_is_not_there(shell: Shell, typed: str, said: str) -> None:
    status, out, err = shell("show", RISCV, typed)
    assert (status, out) == (2, "")
    assert said in err


def sparse() -> Memory:
    """A block of four pages, of which the first and the third are in the stream."""
    body = header(0, PAGE) + b"\1a" + bytes(4095) + b"!"
    body += header(0x2000, PAGE | CONTINUE) + b"third page".ljust(4096, b"\xff")
    return Stream(stream_of_pages(body), page_size=4096).memory()


def test_what_is_not_in_the_stream_is_said() -> None:
    memory = sparse()
    place = ram_place("ram/a@0xff0:0x1020")
    assert place == RamPlace("a", 0xFF0, 0x1020)
    lines = "".join(dump(memory, place)).splitlines()
    assert lines[0] == "ram/a  4128 bytes at 0xff0"
    assert lines[1].endswith("00 21  |...............!|")
    assert lines[2].split() == ["0x1000", "to", "0x1fff:", "not", "in", "the", "stream"]
    assert lines[3].endswith("|third page......|")
    assert len(lines) == 4
    assert pieces(memory, place) == [
        {"address": 0xFF0, "size": 16, "bytes": "00" * 15 + "21"},
        {"address": 0x1000, "size": 0x1000, "bytes": None},
        {"address": 0x2000, "size": 16, "bytes": b"third page".hex() + "ff" * 6},
    ]
    last = RamPlace("a", 0x3FF8, None)
    (piece,) = pieces(memory, last)
    assert piece == {"address": 0x3FF8, "size": 8, "bytes": None}


def test_rows_that_repeat_are_one_line() -> None:
    text = "".join(dump(sparse(), RamPlace("a", 0, 4096)))
    lines = [line.strip() for line in text.splitlines()]
    assert len(lines) == 4
    assert lines[1].startswith("0x0  00 00")
    assert lines[2] == "*"
    assert lines[3].startswith("0xff0  00 00")
    all_alike = "".join(dump(sparse(), RamPlace("a", 0, 64))).splitlines()
    assert [line.strip() for line in all_alike][2:] == ["*", "0x40"]


def test_the_names_of_blocks_have_an_at_of_their_own() -> None:
    assert ram_place("ram/a@b@1:2") == RamPlace("a@b", 1, 2)
    assert ram_place("ram/0") is None
    assert ram_place("cpu/0.pc") is None


def test_a_block_that_says_it_is_huge_costs_nothing() -> None:
    """What is missing is one piece, however long."""
    from tests.test_stream_ram import memory, sizes

    found = memory(sizes(("a", 1 << 60)) + header(0, EOS))
    place = RamPlace("a", 0, 1 << 60)
    assert pieces(found, place) == [{"address": 0, "size": 1 << 60, "bytes": None}]
    assert len(list(dump(found, place))) == 2


def test_edit_writes_as_many_bytes_as_its_place_has(shell: Shell) -> None:
    words = [f"ram/{BLOCK}@0x1000:4=0badcafe", "-o", "new.mig"]
    assert shell("edit", RISCV, *words)[0] == 0
    status, _, err = shell("edit", RISCV, f"ram/{BLOCK}@0x1000:3=0badcafe", "-o", "x")
    assert (status, "4 bytes do not fill 3" in err) == (2, True)
