"""SVE registers out of a core's note (NT_ARM_SVE), put into an AArch64 CPU of a template."""

from __future__ import annotations

import struct

from vmgen.guest.notes import SVE_LONGEST, sve_parts
from vmgen.imported.core import CoreNote, ElfCore
from vmgen.imported.errors import BadCore
from vmgen.stream.errors import NotFound
from vmgen.stream.registers import RegisterFile

_LOW = (1 << 128) - 1
_SVE = 1


def put(
    path: str, file: RegisterFile, core: ElfCore, note: CoreNote
) -> tuple[bool, list[str]]:
    """Put the registers of a note into a CPU: whether one changed, and what of it the stream
    does not have, as sentences.

    The lower 128 bits of z0 to z31 are also in NT_FPREGSET, which counts.  Raises BadCore for
    a note that is none.
    """
    mark = "<" if core.order == "little" else ">"
    if len(note.data) < 16:
        raise BadCore(f"NT_ARM_SVE has {len(note.data)} bytes", None, path)
    _, _, length, _, flags, _ = struct.unpack(mark + "IIHHHH", note.data[:16])
    quadwords = length // 16
    if length % 16 or not 0 < quadwords <= SVE_LONGEST or not flags & _SVE:
        raise BadCore(
            f"NT_ARM_SVE has vectors of {length} bytes and flags {flags:#x}", None, path
        )
    parts = tuple(sve_parts(quadwords))
    if len(note.data) < max(at + count for _, at, count in parts):
        raise BadCore(
            f"NT_ARM_SVE has {len(note.data)} bytes, with vectors of {length}",
            None,
            path,
        )
    lost: list[str] = []
    changed = False
    for name, at, count in parts:
        value = int.from_bytes(note.data[at : at + count], "little")
        try:
            old = file.read(name)
        except NotFound:
            if value:
                return False, [
                    f"{path}: the template has no SVE registers (NT_ARM_SVE)"
                ]
            continue
        mask = (1 << 8 * count) - 1
        if value >> old.bits:
            lost.append(f"{path}: {name} has {old.bits} bits in a stream ({value:#x})")
        if name.startswith("z"):
            if (value ^ old.value) & _LOW:
                lost.append(
                    f"{path}: {name} begins with {value & _LOW:#x} in NT_ARM_SVE and"
                    f" {old.value & _LOW:#x} in NT_FPREGSET, which counts"
                )
            mask &= ~_LOW
        mask &= (1 << old.bits) - 1
        new = old.value & ~mask | value & mask
        if new != old.value:
            file.write(name, new)
            changed = True
    return changed, lost
