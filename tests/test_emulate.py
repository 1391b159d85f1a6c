"""A guest in Unicorn and back, without QEMU; tests/qemu/test_emulated.py compares steps."""

from __future__ import annotations

import pytest
import unicorn

from tests.stream_files import packages, stripped, whole
from vmgen.emulate import from_unicorn, to_unicorn
from vmgen.guest import Guest, Unsupported
from vmgen.stream import Draft

SPIKE = "riscv64-xbzrle--10.0.2"
RAM = 0x80000000


def test_memory_and_registers_go_there_and_back() -> None:
    with Guest.open(whole(SPIKE), codecs=packages()["riscv64"]) as guest:
        uc = to_unicorn(guest)
        for region in guest.regions:
            for at in (region.start, region.end - 64):
                assert bytes(uc.mem_read(at, 64)) == guest.memory.read(at, 64)
        assert from_unicorn(uc, Draft(guest.stream), guest) == ()
        uc.mem_write(RAM + 0x5000, bytes.fromhex("13057002"))  # li a0, 39
        uc.emu_start(RAM + 0x5000, 0, count=1)
        draft = Draft(guest.stream)
        assert from_unicorn(uc, draft, guest) == ("a0", "pc")
        made = b"".join(map(bytes, draft.chunks()))
    with (
        Guest.open(whole(SPIKE), codecs=packages()["riscv64"]) as before,
        Guest.open(made, codecs=packages()["riscv64"]) as after,
    ):
        assert after.cpus[0].register("a0") == 39
        assert after.cpus[0].register("pc") == RAM + 0x5004
        size = 0x8000
        old = bytearray(before.memory.read(RAM, size))
        old[0x5000:0x5004] = bytes.fromhex("13057002")
        assert after.memory.read(RAM, size) == bytes(old)


def test_roms_stay_as_they_are() -> None:
    with Guest.open(whole(SPIKE), codecs=packages()["riscv64"]) as guest:
        rom = next(one for one in guest.regions if one.kind == "rom")
        uc = to_unicorn(guest)
        uc.mem_write(RAM, bytes.fromhex("23300500"))  # sd zero, 0(a0)
        uc.reg_write(unicorn.riscv_const.UC_RISCV_REG_A0, rom.start)
        with pytest.raises(unicorn.UcError):
            uc.emu_start(RAM, 0, count=1)


def test_what_is_no_cpu_that_unicorn_has() -> None:
    stream = stripped("i386-isapc-poke--10.0.2")
    with (
        Guest.open(stream, codecs=packages()["i386"]) as guest,
        pytest.raises(Unsupported, match="i386"),
    ):
        to_unicorn(guest)
    with (
        Guest.open(whole(SPIKE)) as guest,
        pytest.raises(Unsupported, match="no codecs"),
    ):
        to_unicorn(guest)
