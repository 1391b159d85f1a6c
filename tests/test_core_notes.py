"""What the header and the notes of a core say, by the manuals of each architecture."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from vmgen.export.notes import CoreKind, core_kind, cpu_notes, note
from vmgen.guest import Unsupported
from vmgen.guest.fields import SectionFields


def guest(
    target: str, values: dict[str, Any], machine: str = "", **registers: Any
) -> Any:
    cpu = SimpleNamespace(
        target=target,
        index=4,
        fields=SectionFields(values, "cpu"),
        register=registers.get,
    )
    return SimpleNamespace(target=target, machine=machine, cpus=[cpu])


@pytest.mark.parametrize(
    ("name", "data", "size"),
    [("CORE", b"", 20), ("CORE", b"1", 24), ("CORE", b"1234", 24), ("QEMU", b"12345", 28),
     ("LINUX", b"12", 24), ("abc", b"", 16)],
)  # fmt: skip
@pytest.mark.parametrize("order", "<>")
def test_a_note_is_padded_to_words(
    order: str, name: str, data: bytes, size: int
) -> None:
    made = note(order, name, 7, data)
    assert len(made) == size
    lengths = struct.unpack_from(f"{order}III", made)
    assert lengths == (len(name) + 1, len(data), 7)
    text = (len(name) + 4) // 4 * 4
    assert made[12 : 12 + text] == name.encode().ljust(text, b"\0")
    assert made[12 + text :] == data.ljust(-(-len(data) // 4) * 4, b"\0")


@pytest.mark.parametrize(
    ("target", "flags", "highest", "kind"),
    [
        ("x86_64", 1 << 14, 1, CoreKind(64, "<", 62)),
        ("x86_64", 0, 0xFFFF_FFFF, CoreKind(32, "<", 3)),
        ("x86_64", 0, 0x1_0000_0000, CoreKind(64, "<", 3)),
        ("i386", 1 << 14, 0xFFFF_FFFF, CoreKind(32, "<", 3)),
        ("i386", 0, 0x1_0000_0000, CoreKind(64, "<", 3)),
    ],
)
def test_a_core_of_x86_is_of_the_mode_and_as_wide_as_its_memory(
    target: str, flags: int, highest: int, kind: CoreKind
) -> None:
    assert core_kind(guest(target, {"env": {"hflags": flags}}), highest) == kind


SCTLR = 0x6030_0000_0013_C080


@pytest.mark.parametrize(
    ("target", "bits", "machine"), [("aarch64", 64, 183), ("arm", 32, 40)]
)
def test_a_core_of_arm_has_the_order_of_its_kernel(
    target: str, bits: int, machine: int
) -> None:
    for value, order in ((1 << 25, ">"), (1 << 24, "<"), (1 << 26, "<"), (0, "<")):
        values = {"cpreg_vmstate_indexes": [SCTLR], "cpreg_vmstate_values": [value]}
        assert core_kind(guest(target, values), 0) == CoreKind(bits, order, machine)


@pytest.mark.parametrize(("target", "bits"), [("riscv64", 64), ("riscv32", 32)])
def test_a_core_of_riscv_has_the_order_of_its_programs(target: str, bits: int) -> None:
    """mstatus.UBE is bit 6."""
    for value, order in ((1 << 6, ">"), (~(1 << 6), "<"), (0, "<")):
        made = guest(target, {"env": {"mstatus": value}})
        assert core_kind(made, 0) == CoreKind(bits, order, 243)


HILE, HILE_POWER9, ILE, MSR_ILE = 1 << 44, 1 << 59, 1 << 25, 1 << 16
G4, POWER7, POWER7P, POWER8E, POWER8, POWER8NVL, POWER9, POWER10, POWER11 = (
    0x000C, 0x003F, 0x004A, 0x004B, 0x004D, 0x004C, 0x004E, 0x0080, 0x0082,
)  # fmt: skip


@pytest.mark.parametrize(
    ("processor", "machine", "bit"),
    [
        (G4, "mac99", "msr"), (0x0039, "powernv", "msr"), (POWER7, "pseries", "lpcr"),
        (POWER7P, "powernv", "lpcr"), (POWER8, "pseries-9.2", "lpcr"),
        (POWER8E, "powernv8", HILE), (POWER8NVL, "powernv8", HILE), (POWER8, "powernv", HILE),
        (POWER9, "powernv9", HILE_POWER9), (POWER10, "powernv10", HILE_POWER9),
        (POWER11, "powernv11", HILE_POWER9), (POWER9, "pseries", "lpcr"),
        (POWER10, "pseries", "lpcr"), (POWER11, "pseries", "lpcr"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("target", "bits", "number"), [("ppc64", 64, 21), ("ppc", 32, 20)]
)
def test_a_core_of_powerpc_has_the_order_of_its_interrupts(
    processor: int, machine: str, bit: str | int, target: str, bits: int, number: int
) -> None:
    """Of a machine without a hypervisor HID0 says it, below one LPCR, before both MSR."""
    little = {"msr": MSR_ILE, "lpcr": ILE, "hid": bit if isinstance(bit, int) else 0}
    asked = bit if isinstance(bit, str) else "hid"
    for set_bits, order in (({asked}, "<"), (set(little) - {asked}, ">"), (set(), ">")):
        values = {name: one if name in set_bits else 0 for name, one in little.items()}
        if asked != "hid" and "hid" in set_bits:
            values["hid"] = HILE | HILE_POWER9
        spr = [0] * 1024
        spr[287] = processor << 16 | 0x0203
        spr[318], spr[1008] = values["lpcr"], values["hid"]
        made = guest(target, {"env": {"spr": spr, "msr": values["msr"]}}, machine)
        assert core_kind(made, 0) == CoreKind(bits, order, number), (set_bits, values)


def test_cores_of_other_targets() -> None:
    assert core_kind(guest("s390x", {}), 1 << 40) == CoreKind(64, ">", 22)
    with pytest.raises(Unsupported, match="a core of avr"):
        core_kind(guest("avr", {}), 0)


USER, FIQ, IRQ, SVC, ABT, HYP, UND, SYS = 0x10, 0x11, 0x12, 0x13, 0x17, 0x1A, 0x1B, 0x1F
BANKS = {USER: 0, SYS: 0, SVC: 1, ABT: 2, UND: 3, IRQ: 4, FIQ: 5, HYP: 6}
NAMES = {USER: "usr", SYS: "usr", SVC: "svc", ABT: "abt", UND: "und", IRQ: "irq", FIQ: "fiq",
         HYP: "hyp"}  # fmt: skip
ORDER = (
    *(f"r{n}_usr" for n in range(13)), "sp_usr", "lr_usr", "sp_hyp",
    *(f"{name}_{mode}" for mode in ("irq", "svc", "abt", "und") for name in ("lr", "sp")),
    *(f"r{n}_fiq" for n in range(8, 13)), "sp_fiq", "lr_fiq",
)  # fmt: skip
"""x0 to x30 by the names of AArch32 (Architecture Reference Manual, "Mapping of the
general-purpose registers between the Execution states")."""


@pytest.mark.parametrize("mode", sorted(BANKS))
def test_registers_of_aarch32_have_their_places_in_aarch64(mode: int) -> None:
    """The registers of the mode that the CPU is in are the current ones; those of the
    others are banked, and what is banked of the own mode is old."""
    numbers = {name: 0x1000_0000 + at for at, name in enumerate(ORDER)}
    fast = mode == FIQ
    current = [
        numbers[f"r{n}_{'fiq' if fast and n >= 8 else 'usr'}"] for n in range(13)
    ]
    # Hyp mode has no link register of its own.
    link = "lr_usr" if mode == HYP else f"lr_{NAMES[mode]}"
    current += [numbers[f"sp_{NAMES[mode]}"], numbers[link], 0x8000_1234]
    stacks, links = [0xDEAD] * 8, [0xBEEF] * 8
    for other, bank in BANKS.items():
        if bank != BANKS[mode]:
            stacks[bank] = numbers[f"sp_{NAMES[other]}"]
            if other != HYP and not (mode == HYP and bank == 0):
                links[bank] = numbers[f"lr_{NAMES[other]}"]
    env = {
        "regs": current, "banked_r13": stacks, "banked_r14": links,
        "usr_regs": [numbers[f"r{n}_usr"] if fast else 0xABAD for n in range(8, 13)],
        "fiq_regs": [0xABAD if fast else numbers[f"r{n}_fiq"] for n in range(8, 13)],
    }  # fmt: skip
    made = guest(
        "aarch64", {"env": env}, cpsr=mode, pc=1, sp=2, pstate=mode,
        **dict[str, Any]((f"x{n}", 3) for n in range(31)),
    )  # fmt: skip
    first = next(cpu_notes(made, CoreKind(64, "<", 183)))
    # struct elf_prstatus of Linux: the registers are behind 112 bytes.
    data = first[20:]
    assert struct.unpack_from("<I", data, 32) == (5,)
    found = struct.unpack_from("<33Q", data, 112)
    assert dict(zip(ORDER, found, strict=False)) == numbers
    assert found[31:] == (0, 0x8000_1234)
