"""What vmgen knows of machine types without sources, against real QEMU: their names on
every target, and what the objects of started machines have."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache

import pytest

from tests.lacking import lacking
from tests.qemu import test_dump_vmstate
from tests.qemu.test_machine_types import Monitor
from vmgen.archive import Archive, shipped
from vmgen.known import MachineFacts, place, read_members

STARTED = {
    "x86_64": (
        "pc-q35-10.0", "pc-q35-9.0", "pc-q35-8.2", "pc-q35-7.2", "pc-q35-5.2",
        "pc-q35-4.0", "pc-q35-2.12", "pc-i440fx-10.0", "pc-i440fx-9.1",
        "pc-i440fx-8.0", "pc-i440fx-6.2", "pc-i440fx-3.1", "pc-i440fx-2.8",
    ),
    "aarch64": (
        "virt-10.0", "virt-9.1", "virt-9.0", "virt-8.2", "virt-7.2", "virt-6.2",
        "virt-5.0", "virt-4.1", "virt-2.12",
    ),
    "ppc64": (
        "pseries-10.0", "pseries-9.0", "pseries-8.1", "pseries-7.2", "pseries-6.0",
        "pseries-4.2", "pseries-3.1",
    ),
    "s390x": (
        "s390-ccw-virtio-10.0", "s390-ccw-virtio-9.0", "s390-ccw-virtio-8.2",
        "s390-ccw-virtio-7.2", "s390-ccw-virtio-5.2", "s390-ccw-virtio-4.0",
        "s390-ccw-virtio-2.12",
    ),
    "m68k": ("virt-10.0", "virt-9.1", "virt-8.2", "virt-7.2", "virt-6.2"),
}  # fmt: skip
DEVICES = {
    "x86_64": (
        "e1000", "e1000e", "virtio-gpu-pci", "virtio-net-pci", "pvscsi", "am53c974",
        "nec-usb-xhci",
    ),
    "aarch64": ("e1000", "e1000e", "virtio-gpu-pci", "virtio-rng-pci"),
    "ppc64": ("e1000", "virtio-gpu-pci", "nec-usb-xhci"),
    "s390x": ("virtio-gpu-ccw", "virtio-net-ccw"),
    "m68k": ("virtio-gpu-device",),
}  # fmt: skip


@cache
def archive() -> Archive:
    found = shipped()
    assert found is not None
    return found


@cache
def facts(release: str, target: str) -> MachineFacts:
    known = archive().find(release)
    assert known is not None
    return MachineFacts(archive().program(known, target))


def targets(release: str) -> tuple[str, ...]:
    known = archive().find(release)
    assert known is not None
    return known.targets


def command(release: str, target: str) -> tuple[list[str], dict[str, str]] | None:
    """The binary of a release and the environment it needs; None if it is not here."""
    return test_dump_vmstate.command(release.rpartition(".")[0], target)


OTHER_BUILDS = {"nitro-enclave"}
"""Machine types that Debian's build leaves out: they need libcbor and gnutls."""


@pytest.mark.parametrize("release", ["10.0.2", "7.2.22"])
def test_every_target_has_the_machine_types_of_its_binary(release: str) -> None:
    compared = 0
    for target in targets(release):
        found = command(release, target)
        if found is None:
            continue  # some targets have no package
        words, environment = found
        listed = subprocess.run(
            [*words, "-machine", "help"],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        real = {
            line.split()[0]
            for line in listed.stdout.splitlines()[1:]
            if line.strip() and "(alias of" not in line
        }
        assert set(facts(release, target).machines) - OTHER_BUILDS == real, target
        compared += 1
    if not compared:
        lacking(f"there is no QEMU of {release}")


# --- what objects have -----------------------------------------------------------------


def objects(monitor: Monitor, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The path and the type of every object below one, as QOM's tree has them."""
    if depth > 8:
        return
    for one in monitor.ask("qom-list", path=path) or []:
        kind = re.fullmatch(r"child<(.+)>", one["type"])
        if kind:
            below = f"{path}/{one['name']}"
            yield below, kind[1]
            yield from objects(monitor, below, depth + 1)


def values(target: str, machine: str) -> tuple[dict[str, tuple[int, object]], int]:
    """Where a known member has another value in real QEMU, and how many were asked."""
    known = facts("10.0.2", target)
    found = known.machine(machine)
    assert found is not None
    read = read_members(known.program)
    started = command("10.0.2", target)
    if started is None:
        lacking(f"there is no qemu-system-{target} of 10.0")
    words, environment = started
    words += ["-machine", machine, "-S", "-nodefaults", "-display", "none"]
    words += ["-qmp", "stdio"]
    for number, device in enumerate(DEVICES[target]):
        words += ["-device", f"{device},id=d{number}"]
    different: dict[str, tuple[int, object]] = {}
    asked = 0
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            monitor = Monitor(process)
            for path, type_ in objects(monitor, "/machine"):
                members = known.known(found, (type_,))
                for property_ in known.properties(type_):
                    value = known.value(found, type_, property_)
                    places = [place(one.type, one.path) for one in property_.places]
                    if value is None or not any(
                        one in read and one in members for one in places
                    ):
                        continue
                    real = monitor.ask("qom-get", path=path, property=property_.name)
                    if real is None or isinstance(real, str):
                        continue
                    asked += 1
                    if int(real) != value:
                        different[f"{path}.{property_.name}"] = value, real
        finally:
            process.kill()
    return different, asked


@pytest.mark.parametrize("target", STARTED)
def test_objects_of_started_machines_have_what_is_known(target: str) -> None:
    asked = 0
    for machine in STARTED[target]:
        different, count = values(target, machine)
        assert different == {}, machine
        asked += count
    assert asked >= len(STARTED[target])
