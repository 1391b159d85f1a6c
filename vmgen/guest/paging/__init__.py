"""Virtual memory: page tables of every CPU that vmgen knows, by the same few rules.

``of`` gives a CPU's :class:`Mmu`.  The rules are those of QEMU's ``get_phys_page_debug``
of each target, but for access rights: what is mapped can be read here, whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable

from vmgen.guest.errors import Unsupported
from vmgen.guest.fields import SectionFields
from vmgen.guest.paging import arm, mips, ppc, riscv, s390x, x86
from vmgen.guest.paging.mmu import Mmu
from vmgen.guest.paging.tree import Bytes
from vmgen.guest.pci import Sections

_MAKERS: dict[str, Callable[[str, SectionFields, Bytes, Sections], Mmu]] = {
    "i386": x86.mmu, "x86_64": x86.mmu, "arm": arm.mmu, "aarch64": arm.mmu,
    "riscv32": riscv.mmu, "riscv64": riscv.mmu, "ppc": ppc.mmu, "ppc64": ppc.mmu,
    "s390x": s390x.mmu, "mips": mips.mmu, "mipsel": mips.mmu, "mips64": mips.mmu,
    "mips64el": mips.mmu,
}  # fmt: skip


def of(target: str, cpu: SectionFields, memory: Bytes, sections: Sections) -> Mmu:
    """How a CPU of a target finds memory, from the fields of its section.

    Raises Unsupported for a target or a mode whose page tables vmgen does not read.
    """
    if target not in _MAKERS:
        raise Unsupported(
            f"page tables of {target or 'an unknown target'} are not read", None, "paging",
            "physical addresses can be read all the same",
        )  # fmt: skip
    return _MAKERS[target](target, cpu, memory, sections)
