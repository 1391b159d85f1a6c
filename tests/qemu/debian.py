"""Debian's kernels, and a first program that runs on each, made here.

CI unpacks the kernels (``VMGEN_LINUX`` lists their folders).
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Literal

from tests.lacking import lacking

Architecture = Literal["amd64", "arm64", "riscv64"]
"""As Debian names them, at the end of a kernel's file name."""

PROGRAM = 0x400000
"""Where the first program is in virtual memory."""

HEADERS = 64 + 56
SAID = b"first program\n"
TURNS = 200
"""How often each process counts between two calls of the kernel, so that it is seen outside
of it."""

WRITE, FORK, GETPPID = 1, 57, 110
"""Calls of x86_64's Linux."""

A64_WRITE, CLONE, A64_GETPPID, SIGCHLD = 64, 220, 173, 17
"""Calls of arm64's and riscv64's Linux, which have no fork."""


def x86_code(text: int) -> bytes:
    def move(register: int, value: int) -> bytes:
        return bytes([0xB8 + register]) + value.to_bytes(4, "little")  # mov r32, imm32

    eax, ecx, edx, esi, edi = 0, 1, 2, 6, 7
    call = b"\x0f\x05"  # syscall
    loop = move(ecx, TURNS)
    loop += b"\xff\xc9\x75\xfc"  # dec ecx; jnz -4
    loop += move(eax, GETPPID) + call
    return b"".join([
        move(eax, WRITE), move(edi, 1), move(esi, text), move(edx, len(SAID)), call,
        move(eax, FORK), call,
        loop, b"\xeb" + bytes([0x100 - len(loop) - 2]),  # jmp loop
    ])  # fmt: skip


def arm_code(text: int) -> bytes:
    def move(register: int, value: int) -> list[int]:
        return [
            0xD2800000 | (value & 0xFFFF) << 5 | register,  # movz xN, low
            0xF2A00000 | (value >> 16) << 5 | register,  # movk xN, high, lsl 16
        ]

    call = 0xD4000001  # svc 0
    loop = [
        *move(1, TURNS),
        0xF1000421,  # subs x1, x1, 1
        0x54FFFFE1,  # b.ne -4
        *move(8, A64_GETPPID), call,
    ]  # fmt: skip
    words = [
        *move(0, 1), *move(1, text), *move(2, len(SAID)), *move(8, A64_WRITE), call,
        *move(0, SIGCHLD), *move(1, 0), *move(2, 0), *move(3, 0), *move(4, 0),
        *move(8, CLONE), call,
        *loop, 0x14000000 | -len(loop) & 0x3FFFFFF,  # b loop
    ]  # fmt: skip
    return struct.pack(f"<{len(words)}I", *words)


def riscv_code(text: int) -> bytes:
    def move(register: int, value: int) -> list[int]:
        high, low = value + 0x800 >> 12, value & 0xFFF
        return [
            high << 12 | register << 7 | 0x37,  # lui xN, high
            low << 20 | register << 15 | register << 7 | 0x1B,  # addiw xN, xN, low
        ]

    a0, a1, a2, a3, a4, a7 = 10, 11, 12, 13, 14, 17
    call = 0x73  # ecall
    loop = [
        *move(a1, TURNS),
        0xFFF58593,  # addi a1, a1, -1
        0xFE059EE3,  # bnez a1, -4
        *move(a7, A64_GETPPID), call,
    ]  # fmt: skip
    back = -4 * len(loop) & 0x1FFFFF
    jump = (
        (back >> 20 & 1) << 31 | (back >> 1 & 0x3FF) << 21 | (back >> 11 & 1) << 20
        | (back >> 12 & 0xFF) << 12 | 0x6F
    )  # fmt: skip
    words = [
        *move(a0, 1), *move(a1, text), *move(a2, len(SAID)), *move(a7, A64_WRITE), call,
        *move(a0, SIGCHLD), *move(a1, 0), *move(a2, 0), *move(a3, 0), *move(a4, 0),
        *move(a7, CLONE), call,
        *loop, jump,  # j loop
    ]  # fmt: skip
    return struct.pack(f"<{len(words)}I", *words)


MACHINES = {
    "amd64": (62, x86_code),
    "arm64": (183, arm_code),
    "riscv64": (243, riscv_code),
}
"""ELF's number of each machine, and its instructions: write, fork, count and call for ever."""


def first_program(architecture: Architecture) -> bytes:
    """An ELF file of one segment: its headers, the instructions and what they write."""
    machine, instructions = MACHINES[architecture]
    code = instructions(PROGRAM + HEADERS)
    code = instructions(PROGRAM + HEADERS + len(code)) + SAID
    size = HEADERS + len(code)
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH",
        *(2, machine, 1, PROGRAM + HEADERS, 64, 0, 0, 64, 56, 1, 64, 0, 0),
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, PROGRAM, PROGRAM, size, size, 0x1000)
    return head + load + code


def archive(program: bytes) -> bytes:
    """A cpio archive (``newc``) of one file, ``init``."""
    made = b""
    for number, (name, mode, data) in enumerate(
        [("init", 0o100755, program), ("TRAILER!!!", 0, b"")]
    ):
        fields = (number + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields)
        head += name.encode() + b"\0"
        made += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return made


def kernel(architecture: Architecture) -> Path:
    """The newest that is there: ``vmlinuz``, or ``vmlinux`` where Debian packs none."""
    folders = os.environ.get("VMGEN_LINUX", "").split(os.pathsep)
    found = sorted(
        file
        for folder in folders
        if folder
        for file in Path(folder).glob(f"vmlinu[xz]-*-{architecture}")
    )
    return found[-1] if found else lacking(f"no Debian kernel of {architecture}")
