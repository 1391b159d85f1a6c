"""Sections that only a QEMU has that KVM runs, on a host of the target's own architecture.

The tables that vmgen reads are those of a binary built on an x86 host: its s390x has no
file that CONFIG_KVM guards (``meson.build``: ``accelerator_targets``).  A guest of a real
s390x host has these sections, and a release that lacks one in these tables may well take
it.
"""

from __future__ import annotations

from typing import Final

from vmgen.stream.errors import StreamError
from vmgen.stream.stream import Stream
from vmgen.stream.wire import printable

KVM_ONLY: Final = {
    ("s390x", "s390-flic"): "hw/intc/s390_flic_kvm.c",
    ("riscv32", "cpu/kvmtimer"): "target/riscv/machine.c",
    ("riscv64", "cpu/kvmtimer"): "target/riscv/machine.c",
}
"""(target, section or subsection) -> the file whose table is for it."""


def of_kvm(target: str, name: str) -> str:
    """Why the tables of a target say nothing about a section or subsection of this name;
    empty if KVM has nothing to do with it."""
    file = KVM_ONLY.get((target, name), "")
    return (
        f"only a QEMU with KVM, on a host of the target's own architecture, has"
        f" {name} ({file}); what is known of the release is of an x86 host"
        if file
        else ""
    )


def subsection(stream: Stream, refusal: StreamError) -> str:
    """The name of the subsection that a codec did not know; empty for another refusal.

    QEMU: ``vmstate_subsection_load`` (migration/vmstate.c): a mark, a length, the name.
    """
    if refusal.rule != "unknown-subsection" or refusal.offset is None:
        return ""
    start = refusal.offset + 2
    length = int.from_bytes(stream.view[start - 1 : start], "big")
    return printable(bytes(stream.view[start : start + length]).decode("latin-1"))
