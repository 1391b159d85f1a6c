"""The program that puts a saved RISC-V machine back: machine words, made here one by one.

It is linked to no address.  Every hart enters at its beginning in machine mode; one trap
handler passes over a register that a hart does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ZERO, T0, T1, S0, S1, A0, A1, A2, A3, T6 = 0, 5, 6, 8, 9, 10, 11, 12, 13, 31
_MHARTID, _MSTATUS, _MTVEC, _MEPC, _FCSR = 0xF14, 0x300, 0x305, 0x341, 0x003
_ON = 0x6600
"""mstatus.FS and VS: the registers can be loaded."""

CODE = 0x2000
"""Bytes that are kept for the program; the blocks of the harts come behind."""

_BIAS = 0x400
"""Where in its block a hart's base register points: loads reach 2 KiB in both directions."""


class RestorerCode:
    """Instructions, 4 bytes each, and labels."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self._labels: dict[str, int] = {}
        self._open: list[tuple[int, str]] = []

    def label(self, name: str) -> None:
        """The next instruction has this name."""
        self._labels[name] = 4 * len(self.words)

    def put(self, *words: int) -> None:
        """Add instructions."""
        self.words += words

    def branch(self, kind: int, one: int, other: int, name: str) -> None:
        """A conditional branch (``funct3``) to a label."""
        self._open.append((len(self.words), name))
        self.put(other << 20 | one << 15 | kind << 12 | 0x63)

    def jump(self, name: str) -> None:
        """``j``: the branch that always holds."""
        self.branch(0, ZERO, ZERO, name)

    def offset(self, name: str) -> int:
        """Where a label is, in bytes."""
        return self._labels[name]

    def bytes(self) -> bytes:
        """The program."""
        for place, name in self._open:
            away = self._labels[name] - 4 * place
            self.words[place] |= (
                (away >> 12 & 1) << 31 | (away >> 5 & 0x3F) << 25
                | (away >> 1 & 0xF) << 8 | (away >> 11 & 1) << 7
            )  # fmt: skip
        self._open = []
        return b"".join(word.to_bytes(4, "little") for word in self.words)


def immediate(code: int, kind: int, to: int, source: int, value: int) -> int:
    """An instruction of the I type; ``-2048 <= value < 2048``."""
    assert -2048 <= value < 2048, value
    return (value & 0xFFF) << 20 | source << 15 | kind << 12 | to << 7 | code


def addi(to: int, source: int, value: int) -> int:
    """``addi to, source, value``."""
    return immediate(0x13, 0, to, source, value)


def load(to: int, base: int, offset: int) -> int:
    """``ld to, offset(base)``."""
    return immediate(0x03, 3, to, base, offset)


def store(value: int, base: int, offset: int, kind: int = 3) -> int:
    """``sd value, offset(base)``; with kind 2 ``sw``."""
    low, high = offset & 31, offset >> 5 & 0x7F
    return high << 25 | value << 20 | base << 15 | kind << 12 | low << 7 | 0x23


def write(register: int, source: int) -> int:
    """``csrw register, source``."""
    return register << 20 | source << 15 | 1 << 12 | 0x73


def read(to: int, register: int) -> int:
    """``csrr to, register``."""
    return register << 20 | 2 << 12 | to << 7 | 0x73


def upper(to: int, value: int) -> int:
    """``lui to, value >> 12``."""
    return (value & 0xFFFFF000) | to << 7 | 0x37


_MRET, _SRET, _WFI = 0x30200073, 0x10200073, 0x10500073
_FENCE, _FENCE_I = 0x0FF0000F, 0x0000100F


@dataclass(frozen=True, slots=True)
class SavedHart:
    """One hart.

    ``early`` are control and status registers by number, in the order in which they are
    written, ``late`` those that are written once the machine's clock is right; ``general``
    x0 to x31; ``floats`` f0 to f31 or nothing; ``vectors`` the bytes of v0 to v31 or
    nothing, with ``vl`` and ``vtype``; ``fcsr``, ``vcsr`` and ``vstart`` belong to them.
    ``mstatus`` has in MPP and MPIE what ``mret`` makes of the privilege and MIE, and
    ``mepc`` is where it leads.  ``inside`` says that ``sret`` leaves, into a guest of the hart:
    then SPP and SPIE, SPV of ``hstatus`` and ``sepc`` have that.
    """

    early: Mapping[int, int]
    late: Mapping[int, int]
    general: Sequence[int]
    floats: Sequence[int]
    fcsr: int
    vectors: bytes
    vl: int
    vtype: int
    vstart: int
    vcsr: int
    mstatus: int
    mepc: int
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Restoration:
    """``stores`` are words of 32 bits that devices get, in this order; ``copies`` are
    places in the program's own memory, addresses and sizes (multiples of 8) of what is put back.
    """

    harts: Sequence[SavedHart]
    stores: Sequence[tuple[int, int]]
    copies: Sequence[tuple[bytes, int]]


def program(wanted: Restoration) -> bytes:
    """The program with its data: code, a block for every hart, stores, and copies."""
    first = wanted.harts[0]
    block = _Block(first)
    size = 1 << max(12, (block.size - 1).bit_length())
    blocks = b"".join(block.bytes(hart).ljust(size, b"\0") for hart in wanted.harts)
    data = CODE + len(blocks)
    stores = b"".join(
        address.to_bytes(8, "little") + value.to_bytes(8, "little")
        for address, value in wanted.stores
    )
    tables = data + len(stores)
    at = tables + 24 * len(wanted.copies)
    copies = bodies = b""
    for body, address in wanted.copies:
        copies += b"".join(n.to_bytes(8, "little") for n in (at, address, len(body)))
        bodies += body
        at += len(body)
    code = RestorerCode()
    _enter(code, len(wanted.harts), size)
    _early(code, first, block)
    _together(code, wanted, size, data, tables)
    _leave(code, first, block)
    made = code.bytes()
    assert len(made) <= CODE, len(made)
    return made.ljust(CODE, b"\0") + blocks + stores + copies + bodies


class _Block:
    """Where what is in the block of a hart, from where its base register points."""

    def __init__(self, hart: SavedHart) -> None:
        self._names: list[str] = [
            "ready", "go", *(f"e{n}" for n in range(len(hart.early))),
            *(f"l{n}" for n in range(len(hart.late))), "fcsr", "vl", "vtype", "vstart",
            "vcsr", "mstatus", "mepc", "inside", *(f"x{n}" for n in range(32)),
            *(f"f{n}" for n in range(len(hart.floats))),
        ]  # fmt: skip
        self._places = {name: 8 * n - _BIAS for n, name in enumerate(self._names)}
        self.vectors = 8 * len(self._names)
        self.size = self.vectors + len(hart.vectors)
        assert self.vectors - _BIAS <= 2040

    def at(self, name: str) -> int:
        """The offset that a load has."""
        return self._places[name]

    def bytes(self, hart: SavedHart) -> bytes:
        """The block of a hart."""
        values = [
            0, 0, *hart.early.values(), *hart.late.values(), hart.fcsr, hart.vl,
            hart.vtype, hart.vstart, hart.vcsr, hart.mstatus, hart.mepc,
            int(hart.inside), *hart.general,
            *hart.floats,
        ]  # fmt: skip
        return b"".join(value.to_bytes(8, "little") for value in values) + hart.vectors


def _constant(code: RestorerCode, to: int, value: int) -> None:
    """A number below 2^31."""
    high = value + 0x800 & 0xFFFFF000
    code.put(upper(to, high), addi(to, to, value - high))


def _enter(code: RestorerCode, harts: int, size: int) -> None:
    """S0 is where the program is, S1 where the hart's block is; the others wait."""
    code.put(0x17 | S0 << 7)  # auipc s0, 0
    code.put(read(A0, _MHARTID))
    _constant(code, A1, harts)
    code.branch(6, A0, A1, "ours")  # bltu
    code.label("wait")
    code.put(_WFI)
    code.jump("wait")
    code.label("skip")
    code.put(read(T6, _MEPC), addi(T6, T6, 4), write(_MEPC, T6), _MRET)
    code.label("ours")
    code.put(addi(T0, S0, code.offset("skip")), write(_MTVEC, T0))
    _constant(code, T0, CODE + _BIAS)
    code.put(T0 << 20 | S0 << 15 | S1 << 7 | 0x33)  # add s1, s0, t0
    shift = size.bit_length() - 1
    code.put(immediate(0x13, 1, T1, A0, shift))  # slli t1, a0, shift
    code.put(T1 << 20 | S1 << 15 | S1 << 7 | 0x33)


def _early(code: RestorerCode, hart: SavedHart, block: _Block) -> None:
    _constant(code, T0, _ON)
    code.put(write(_MSTATUS, T0))
    for number in range(len(hart.floats)):
        code.put(immediate(0x07, 3, number, S1, block.at(f"f{number}")))  # fld
    if hart.floats:
        code.put(load(T0, S1, block.at("fcsr")), write(_FCSR, T0))
    if hart.vectors:
        _constant(code, T1, block.vectors - _BIAS)
        code.put(T1 << 20 | S1 << 15 | T1 << 7 | 0x33)
        length = len(hart.vectors) // 4
        for group in range(4):
            if group:
                _constant(code, T0, length)
                code.put(T0 << 20 | T1 << 15 | T1 << 7 | 0x33)
            code.put(0xE2800007 | T1 << 15 | 8 * group << 7)  # vl8re8.v
        code.put(load(T0, S1, block.at("vl")), load(T1, S1, block.at("vtype")))
        code.put(0x80007057 | T1 << 20 | T0 << 15)  # vsetvl zero, t0, t1
        code.put(load(T0, S1, block.at("vcsr")), write(0x00F, T0))
        code.put(load(T0, S1, block.at("vstart")), write(0x008, T0))
    for index, number in enumerate(hart.early):
        code.put(load(T0, S1, block.at(f"e{index}")), write(number, T0))


def _together(
    code: RestorerCode, wanted: Restoration, size: int, data: int, tables: int
) -> None:
    """Once all harts are here, the first one puts back memory and devices; then all go."""
    block = _Block(wanted.harts[0])
    code.put(addi(T0, ZERO, 1), _FENCE, store(T0, S1, block.at("ready")))
    code.put(read(A0, _MHARTID))
    code.branch(1, A0, ZERO, "others")  # bne
    code.put(addi(A1, S1, 0))
    _constant(code, A2, len(wanted.harts))
    _constant(code, A3, size)
    code.label("arrive")
    code.put(load(T0, A1, block.at("ready")))
    code.branch(0, T0, ZERO, "arrive")  # beq
    code.put(A3 << 20 | A1 << 15 | A1 << 7 | 0x33, addi(A2, A2, -1))
    code.branch(1, A2, ZERO, "arrive")
    code.put(_FENCE)
    _copies(code, wanted, tables)
    _stores(code, wanted, data)
    code.put(_FENCE, addi(T0, ZERO, 1), addi(A1, S1, 0))
    _constant(code, A2, len(wanted.harts))
    code.label("send")
    code.put(store(T0, A1, block.at("go")))
    code.put(A3 << 20 | A1 << 15 | A1 << 7 | 0x33, addi(A2, A2, -1))
    code.branch(1, A2, ZERO, "send")
    code.label("others")
    code.put(load(T0, S1, block.at("go")))
    code.branch(0, T0, ZERO, "others")
    code.put(_FENCE, _FENCE_I)


def _copies(code: RestorerCode, wanted: Restoration, tables: int) -> None:
    for index in range(len(wanted.copies)):
        _constant(code, T0, tables + 24 * index)
        code.put(T0 << 20 | S0 << 15 | T0 << 7 | 0x33)
        code.put(load(A0, T0, 0), load(A1, T0, 8), load(A2, T0, 16))
        code.put(A0 << 20 | S0 << 15 | A0 << 7 | 0x33)
        code.label(f"copy{index}")
        code.put(load(T0, A0, 0), store(T0, A1, 0))
        code.put(addi(A0, A0, 8), addi(A1, A1, 8), addi(A2, A2, -8))
        code.branch(1, A2, ZERO, f"copy{index}")


def _stores(code: RestorerCode, wanted: Restoration, data: int) -> None:
    if not wanted.stores:
        return
    _constant(code, A0, data)
    code.put(A0 << 20 | S0 << 15 | A0 << 7 | 0x33)
    _constant(code, A2, len(wanted.stores))
    code.label("store")
    code.put(load(A1, A0, 0), load(T0, A0, 8), store(T0, A1, 0, kind=2))
    code.put(addi(A0, A0, 16), addi(A2, A2, -1))
    code.branch(1, A2, ZERO, "store")


def _leave(code: RestorerCode, hart: SavedHart, block: _Block) -> None:
    for index, number in enumerate(hart.late):
        code.put(load(T0, S1, block.at(f"l{index}")), write(number, T0))
    code.put(load(T0, S1, block.at("mepc")), write(_MEPC, T0))
    code.put(load(T1, S1, block.at("inside")))
    code.put(load(T0, S1, block.at("mstatus")), write(_MSTATUS, T0))
    code.branch(1, T1, ZERO, "inside")  # bne
    _last(code, block, _MRET)
    code.label("inside")
    _last(code, block, _SRET)


def _last(code: RestorerCode, block: _Block, leave: int) -> None:
    """The general registers, the base at the end, and away."""
    for number in range(1, 32):
        if number != S1:
            code.put(load(number, S1, block.at(f"x{number}")))
    code.put(load(S1, S1, block.at(f"x{S1}")), leave)
