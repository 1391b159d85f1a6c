"""What ran in an emulator, put into the CPUs of a template."""

from __future__ import annotations

from collections.abc import Mapping

from vmgen.guest import Guest, Unsupported
from vmgen.imported import x86
from vmgen.stream import Draft
from vmgen.stream.edit import changeable, content
from vmgen.stream.registers import of_section

MADE = {
    "x86_64": {"ftag", "fioff", "fooff"},
    "riscv64": {"sstatus", "zero", "misa", "mhartid", "vcsr", "resetvec"},
    "aarch64": set[str](),
}
"""By target, registers that others make, or that are constants."""

_SD, _FLOATING, _EXTRA, _VECTOR = 1 << 63, 3 << 13, 3 << 15, 3 << 9


def put(
    guest: Guest, draft: Draft, cpu: int, before: Mapping[str, int], now: Mapping[str, int]
) -> tuple[str, ...]:  # fmt: skip
    """Change the bits of a CPU's registers that differ between ``before``, which is what
    the emulator had of the template, and ``now``.

    The names of the registers that changed are returned.  Raises Unsupported, and BadEdit
    for a value that the stream cannot hold.
    """
    section = guest.cpu_sections()[cpu]
    state = changeable(guest.stream, section)
    file = of_section(guest.stream.codecs, section, state)
    if file is None:
        raise Unsupported("codecs know the registers: --codecs, --target", None, "cpu")
    changed = [name for name, value in now.items() if value != before[name]]
    # Some are parts of others: each becomes what it was with what changed.
    values = {
        name: file.read(name).value ^ before[name] ^ now[name] for name in changed
    }
    # Where the x87's registers are follows from its status.
    for name in sorted(changed, key=lambda one: one != "fstat"):
        value = values[name]
        if name == "mstatus":
            dirty = any(value & one == one for one in (_FLOATING, _EXTRA, _VECTOR))
            value = value & ~_SD | _SD * dirty
        file.write(name, value)
    if changed:
        if file.target in x86.TARGETS:
            x86.settle(file)
        draft.replace(section, content(guest.stream, section, state))
    return tuple(changed)
