"""The machines that the tests run, and recognisable values for their registers."""

from __future__ import annotations

from tests.qemu.gdbstub import GdbStub
from tests.qemu.machine import Guest

GUESTS = {
    "riscv64": Guest(
        "riscv64",
        (
            "-M",
            "virt",
            "-m",
            "16M",
            "-nodefaults",
            "-bios",
            "none",
            "-cpu",
            "rv64,v=true,h=true",
        ),
    ),
    "riscv32": Guest(
        "riscv32",
        (
            "-M",
            "virt",
            "-m",
            "16M",
            "-nodefaults",
            "-bios",
            "none",
            "-cpu",
            "rv32,v=true",
        ),
    ),
    "x86_64": Guest(
        "x86_64", ("-M", "q35", "-m", "8M", "-nodefaults", "-cpu", "qemu64")
    ),
    "i386": Guest(
        "i386", ("-M", "isapc", "-m", "4M", "-nodefaults", "-cpu", "pentium3")
    ),
    "aarch64": Guest(
        "aarch64", ("-M", "virt", "-m", "16M", "-nodefaults", "-cpu", "cortex-a57")
    ),
    "arm": Guest(
        "arm", ("-M", "virt", "-m", "16M", "-nodefaults", "-cpu", "cortex-a15")
    ),
    "ppc64": Guest(
        "ppc64", ("-M", "pseries,x-vof=on", "-m", "256M", "-nodefaults"), "big"
    ),
    "ppc": Guest("ppc", ("-M", "g3beige", "-m", "32M", "-nodefaults"), "big"),
}


def numbered(stem: str, first: int, stop: int) -> list[str]:
    return [f"{stem}{number}" for number in range(first, stop)]


POKED = {
    "riscv64": [
        "ra",
        "sp",
        "gp",
        "a0",
        "a7",
        "s11",
        "t6",
        *numbered("ft", 0, 12),
        *numbered("fs", 0, 12),
        *numbered("v", 0, 32),
    ],
    "riscv32": [
        "ra",
        "sp",
        "gp",
        "a0",
        "a7",
        "s11",
        "t6",
        *numbered("ft", 0, 12),
        *numbered("v", 0, 32),
    ],
    "x86_64": [
        "rax",
        "rbx",
        "rcx",
        "rdx",
        "rsi",
        "rdi",
        "rbp",
        "rsp",
        *numbered("st", 0, 8),
        *numbered("xmm", 0, 16),
    ],
    "i386": [
        "eax",
        "ebx",
        "ecx",
        "edx",
        "esi",
        "edi",
        "ebp",
        "esp",
        *numbered("st", 0, 8),
        *numbered("xmm", 0, 8),
    ],
    "aarch64": [*numbered("x", 0, 31), "sp", *numbered("v", 0, 32)],
    "arm": [*numbered("r", 0, 13), "sp", "lr", *numbered("d", 0, 32)],
    "ppc64": [
        *numbered("r", 0, 32),
        "lr",
        "ctr",
        *numbered("f", 0, 32),
        *numbered("vr", 0, 32),
        *(f"vs{number}h" for number in range(32)),
    ],
    "ppc": [*numbered("r", 0, 32), "lr", "ctr", *numbered("f", 0, 32)],
}
"""By target, the registers that :func:`poke` fills: general, floating point, vector."""


def recognisable(name: str, number: int, size: int) -> int:
    """A value that tells its register and has every byte different from its neighbour."""
    pattern = bytes(
        (0xA0 + 7 * position + 16 * number + len(name)) % 255 + 1
        for position in range(size)
    )
    return int.from_bytes(pattern, "big")


def poke(stub: GdbStub, target: str) -> None:
    """Fills the target's registers and checks that most kept their values.

    Outside 64-bit code x86 keeps 32 bits of a general register.
    """
    kept = 0
    for number, name in enumerate(POKED[target]):
        register = stub.registers[name]
        value = recognisable(name, number, register.size)
        if target == "x86_64" and name.startswith("r"):
            value &= 0xFFFFFFFF
        stub.write(name, value)
        kept += stub.read(name) == value
    assert kept >= len(POKED[target]) * 9 // 10, f"{target}: only {kept} were kept"
