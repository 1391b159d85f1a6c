"""Machines with many devices, for :mod:`tests.test_device_sections` and live captures.

The firmware runs for a moment before the capture, so that it has set up what it boots
from.  Those called ``flight`` have a disk that fails to read, which stops the machine
with the request under way.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from tests.qemu.machine import PATIENCE, Guest, Machine

BASE = ("-m", "32", "-nodefaults")
NET = ("-netdev", "user,id=n0")


def devices(*names: str) -> tuple[str, ...]:
    return tuple(word for name in names for word in ("-device", name))


def disks(*names: str) -> tuple[str, ...]:
    """Disks that read as zeros."""
    return tuple(
        word
        for name in names
        for word in (
            "-blockdev",
            f"driver=null-co,node-name={name},read-zeroes=on,size=16777216",
        )
    )


def failing() -> tuple[str, ...]:
    """A disk called ``bad`` that fails every read."""
    broken = {
        "driver": "blkdebug",
        "node-name": "bad",
        "image": "good",
        "inject-error": [{"event": "none", "iotype": "read", "errno": 5}],
    }
    return (*disks("good"), "-blockdev", json.dumps(broken))


def flight(*names: str) -> Guest:
    return Guest("x86_64", ("-M", "pc", *BASE, *failing(), *devices(*names)))


STOP = "rerror=stop,bootindex=0"

MACHINES = {
    "q35-devices": Guest(
        "x86_64",
        (
            *("-M", "q35"), *BASE, *disks("a", "b"), *NET, "-netdev", "user,id=n1",
            *("-chardev", "null,id=ch"),
            *devices(
                "virtio-net-pci,netdev=n0", "virtio-blk-pci,drive=a", "virtio-scsi-pci,id=s0",
                "scsi-hd,bus=s0.0,drive=b", "virtio-serial-pci,id=vs",
                "virtconsole,chardev=ch,bus=vs.0", "virtio-rng-pci", "virtio-balloon-pci",
                "virtio-gpu-pci", "virtio-keyboard-pci", "virtio-mouse-pci", "virtio-tablet-pci",
                "e1000e,netdev=n1", "qemu-xhci,id=x", "usb-kbd,bus=x.0", "virtio-iommu-pci",
                "pvpanic-pci",
            ),
        ),
    ),
    "q35-ports": Guest(
        "x86_64",
        (
            *("-M", "q35"), *BASE, *disks("a", "b"), *NET, "-audiodev", "none,id=au",
            *devices(
                "pcie-root-port,id=rp1,chassis=1", "pcie-root-port,id=rp2,chassis=2",
                "pcie-root-port,id=rp3,chassis=3",
                "virtio-net-pci,netdev=n0,bus=rp1,mq=on,vectors=10",
                "virtio-blk-pci,drive=a,bus=rp2,num-queues=4", "pcie-pci-bridge,id=pp,bus=rp3",
                "pci-bridge,id=pb,chassis_nr=9,bus=pp", "e1000,bus=pp,addr=3", "vmxnet3,addr=10",
                "megasas,id=ms,addr=11", "scsi-hd,drive=b,bus=ms.0", "ioh3420,id=i1,chassis=7",
                "intel-hda", "hda-duplex,audiodev=au",
            ),
        ),
    ),
    "q35-cards": Guest(
        "x86_64",
        (
            *("-M", "q35"), *BASE, "-object", "can-bus,id=can", *disks("a"),
            *devices(
                "i82550", "i82551", "i82557a", "i82557b", "i82557c", "i82558a", "i82558b",
                "i82559a", "i82559b", "i82559c", "i82559er", "i82562", "i82801",
                "e1000-82544gc", "e1000-82545em", "tulip", "tpci200,id=ip",
                "ipoctal232", "kvaser_pci,canbus=can", "ctucan_pci,canbus0=can,canbus1=can", "vmware-svga",
                "bochs-display", "ati-vga", "sdhci-pci,id=sd", "sd-card,drive=a",
            ),
        ),
    ),
    "pc-devices": Guest(
        "x86_64",
        (
            *("-M", "pc"), "-m", "32M,maxmem=256M", "-nodefaults", *disks("a", "b", "c"), *NET,
            *("-audiodev", "none,id=au", "-object", "memory-backend-ram,id=vm0,size=64M"),
            *devices(
                "virtio-net-pci,netdev=n0,disable-modern=on", "virtio-blk-pci,drive=a,packed=on",
                "lsi53c895a,id=l", "scsi-hd,bus=l.0,drive=b", "usb-ehci,id=e",
                "usb-storage,bus=e.0,drive=c", "pci-bridge,id=pb,chassis_nr=3,shpc=on",
                "rtl8139", "pcnet", "ne2k_pci", "qemu-xhci", "AC97,audiodev=au", "mptsas1068",
                "am53c974", "virtio-mem-pci,memdev=vm0", "nec-usb-xhci", "piix3-usb-uhci",
                "sdhci-pci", "virtio-vga",
            ),
        ),
    ),
    "pc-scsi": Guest(
        "x86_64",
        (
            *("-M", "pc"), *BASE, *disks("a", "b"), "-chardev", "null,id=ch",
            *devices(
                "pvscsi,id=p", "scsi-hd,bus=p.0,drive=a", "megasas-gen2,id=m2", "scsi-cd,bus=m2.0",
                "usb-ehci,id=e", "usb-tablet,bus=e.0", "ich9-ahci,id=ah", "ide-hd,bus=ah.0,drive=b",
                "virtio-serial-pci,max_ports=64,id=vs", "virtserialport,chardev=ch,bus=vs.0,name=q",
            ),
        ),
    ),
    "riscv-mmio": Guest(
        "riscv64",
        (
            *("-M", "virt", "-m", "32"), *disks("a", "b"), *NET,
            *devices(
                "virtio-net-device,netdev=n0", "virtio-blk-device,drive=a",
                "virtio-scsi-device,id=s0", "scsi-hd,bus=s0.0,drive=b", "virtio-rng-device",
                "virtio-balloon-device", "virtio-serial-device", "virtio-gpu-device",
            ),
        ),
    ),
    "riscv-mmio-modern": Guest(
        "riscv64",
        (
            *("-M", "virt", "-m", "32", "-global", "virtio-mmio.force-legacy=false"),
            *disks("a", "b"), *NET,
            *devices(
                "virtio-net-device,netdev=n0,mq=on", "virtio-blk-device,drive=a,num-queues=3",
                "virtio-scsi-device,id=s0", "scsi-hd,bus=s0.0,drive=b", "virtio-rng-device",
                "virtio-balloon-device,free-page-reporting=on,page-poison=on",
                "virtio-gpu-device",
            ),
        ),
    ),
    "aarch64-virt": Guest(
        "aarch64",
        (
            *("-M", "virt", "-cpu", "cortex-a57", "-m", "32"), *disks("a", "b"), *NET,
            *devices(
                "virtio-net-pci,netdev=n0", "virtio-blk-pci,drive=a", "virtio-scsi-pci,id=s0",
                "scsi-hd,bus=s0.0,drive=b", "virtio-gpu-pci", "virtio-balloon-device", "qemu-xhci",
            ),
        ),
    ),
    "pseries": Guest(
        "ppc64",
        (
            *("-M", "pseries", "-m", "256", "-nodefaults"), *disks("a", "b"), *NET,
            *devices(
                "virtio-net-pci,netdev=n0", "virtio-blk-pci,drive=a", "spapr-vscsi,id=s0",
                "scsi-hd,bus=s0.0,drive=b", "virtio-gpu-pci", "qemu-xhci",
            ),
        ),
        "big",
    ),
    "sparc-esp": Guest(
        "sparc",
        ("-M", "SS-5", "-m", "32", *disks("a"), *devices("scsi-hd,bus=scsi.0,drive=a")),
        "big",
    ),
    "s390x-ccw": Guest(
        "s390x",
        (
            "-M", "s390-ccw-virtio", "-m", "64", "-nodefaults", *disks("a", "b"), *NET,
            "-chardev", "null,id=ch",
            *devices(
                "virtio-net-ccw,netdev=n0", "virtio-blk-ccw,drive=a", "virtio-scsi-ccw,id=s0",
                "scsi-hd,bus=s0.0,drive=b", "virtio-rng-ccw", "virtio-balloon-ccw",
                "virtio-serial-ccw", "virtio-gpu-ccw", "virtio-keyboard-ccw",
                "sclpconsole,chardev=ch",
            ),
        ),
        "big",
    ),
    "flight-blk": flight(f"virtio-blk-pci,drive=bad,{STOP}"),
    "flight-blk-packed": flight(f"virtio-blk-pci,drive=bad,{STOP},num-queues=4,packed=on"),
    "flight-virtio-scsi": flight("virtio-scsi-pci,id=s", f"scsi-hd,bus=s.0,drive=bad,{STOP}"),
    "flight-mptsas": flight("mptsas1068,id=s", f"scsi-hd,bus=s.0,drive=bad,{STOP}"),
    "flight-am53c974": flight("am53c974,id=s", f"scsi-hd,bus=s.0,drive=bad,{STOP}"),
    "flight-megasas": flight("megasas,id=s", f"scsi-hd,bus=s.0,drive=bad,{STOP}"),
    "flight-usb-bot": flight(
        "usb-ehci,id=s", "usb-bot,bus=s.0,id=bot", f"scsi-hd,bus=bot.0,drive=bad,{STOP}"
    ),
    "flight-vscsi": Guest(
        "ppc64",
        (
            *("-M", "pseries", "-m", "256", "-nodefaults"), *failing(),
            *devices("spapr-vscsi,id=s", f"scsi-hd,bus=s.0,drive=bad,{STOP}"),
        ),
        "big",
    ),
}  # fmt: skip


PAUSED = {"s390x-ccw"}
"""Machines whose firmware does not get along with the devices: it never runs."""


@dataclass(frozen=True)
class Captured:
    """A stream, and the state that the machine was in before it was stopped."""

    stream: bytes
    status: str


def capture(name: str) -> Captured:
    """Runs a machine for two seconds, or until its disk fails, and saves it."""
    with Machine(MACHINES[name]) as machine:
        if name not in PAUSED:
            machine.command("cont")
        end = time.monotonic() + (PATIENCE if name.startswith("flight") else 2)
        status = "paused" if name in PAUSED else "running"
        while status == "running" and time.monotonic() < end:
            time.sleep(0.1)
            status = machine.command("query-status")["status"]
        if status == "running":
            machine.command("stop")
        return Captured(machine.capture(), status)


def store(folder: Path) -> None:
    """Writes every machine's stream without its RAM, as ``fixtures/devices`` has them."""
    import lzma

    from tests.stream_sections import without_ram

    for name, guest in MACHINES.items():
        data = lzma.compress(without_ram(capture(name).stream), preset=9)
        (folder / f"{guest.target}-{name}--10.0.2.stream.xz").write_bytes(data)
