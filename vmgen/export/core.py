"""What every kind of core has: memory as ``dump-guest-memory`` takes it, and the note in which
Linux describes itself (dump/dump.c)."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.export.formats import ExportOptions, unplaced
from vmgen.export.sve import has_sve, sve_data
from vmgen.guest import Guest, Region, Unsupported, VmcoreInfo
from vmgen.guest.regions import joined


def core_losses(guest: Guest) -> Iterator[str]:
    """Blocks without an address, and registers that a stream has in part."""
    yield from unplaced(guest)
    reasons: dict[str, None] = {}
    for cpu in guest.cpus:
        if has_sve(cpu):
            try:
                sve_data(cpu, "<")
            except Unsupported as error:
                hint = f"; {error.hint}" if error.hint else ""
                reasons[f"{error.message}{hint}"] = None
        if cpu.fields.get("sme") is not None:
            reasons["the array ZA (SME), which no core has"] = None
    yield from reasons


def ram_regions(guest: Guest) -> tuple[Region, ...]:
    """What ``guest_phys_blocks_append`` takes: RAM and ROM, no flash."""
    return joined(region for region in guest.regions if region.kind != "romd")


def chosen_vmcoreinfo(guest: Guest, options: ExportOptions) -> VmcoreInfo | None:
    """The note that the options ask for; Unsupported for an address without one."""
    match options.vmcoreinfo:
        case "none":
            return None
        case "find":
            return guest.vmcoreinfo()
    try:
        address = int(options.vmcoreinfo, 0)
    except ValueError:
        raise Unsupported(
            f"--vmcoreinfo {options.vmcoreinfo}: it is find, none, or an address"
        ) from None
    info = guest.vmcoreinfo(address)
    if info is None:
        raise Unsupported(f"no VMCOREINFO note at {address:#x}", None, "memory")
    return info
