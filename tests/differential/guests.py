"""The machines: at least ten, of at least eight targets, with many devices."""

from __future__ import annotations

import time

from tests.qemu.device_machines import BASE, MACHINES, NET, PAUSED, devices, disks
from tests.qemu.machine import Guest, Machine

GUESTS = {
    **{
        name: MACHINES[name]
        for name in (
            "q35-devices", "q35-ports", "pc-devices", "riscv-mmio", "aarch64-virt",
            "pseries", "sparc-esp", "s390x-ccw",
        )
    },
    "malta": Guest(
        "mips",
        (
            *("-M", "malta"), *BASE, *disks("a"), *NET,
            *devices("pcnet,netdev=n0", "virtio-blk-pci,drive=a", "piix3-usb-uhci"),
        ),
        "big",
    ),
    "m68k-virt": Guest(
        "m68k",
        (
            *("-M", "virt"), *BASE, *disks("a"), *NET,
            *devices("virtio-net-device,netdev=n0", "virtio-blk-device,drive=a"),
        ),
        "big",
    ),
    "arm-virt": Guest(
        "arm",
        (
            *("-M", "virt", "-cpu", "cortex-a15"), *BASE, *disks("a"), *NET,
            *devices("virtio-net-device,netdev=n0", "virtio-blk-pci,drive=a", "e1000"),
        ),
    ),
    "loongarch64-virt": Guest(
        "loongarch64",
        (
            *("-M", "virt", "-m", "256", "-nodefaults"), *disks("a"), *NET,
            *devices("virtio-net-pci,netdev=n0", "virtio-blk-pci,drive=a", "qemu-xhci"),
        ),
    ),
    "mac99": Guest("ppc", ("-M", "mac99", "-m", "64", "-nodefaults"), "big"),
    "isapc": Guest("i386", ("-M", "isapc", "-m", "8", "-nodefaults", "-cpu", "pentium3")),
}  # fmt: skip


def saved(name: str) -> tuple[bytes, bytes]:
    """The stream of a machine that ran for a moment, and that of one that never did."""
    streams = []
    for run in (name not in PAUSED, False):
        with Machine(GUESTS[name]) as machine:
            if run:
                machine.command("cont")
                time.sleep(1.5)
                if machine.command("query-status")["status"] == "running":
                    machine.command("stop")
            streams.append(machine.capture())
    return streams[0], streams[1]
