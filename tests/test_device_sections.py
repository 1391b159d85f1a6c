"""Every device section of real streams: loaded to its exact end and saved the same.

The streams of ``fixtures/devices`` have no RAM.  Those called ``flight-*`` stopped at a
read error of the disk that the firmware booted from, so that a request is under way;
:mod:`tests.qemu.device_machines` makes such streams anew.
"""

from __future__ import annotations

import copy
import lzma
import struct
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.stream_sections import Section, find_sections
from tests.whole_targets import Target, is_described, whole_target

FOLDER = Path(__file__).parent / "fixtures"


class Count(NamedTuple):
    """Sections that a description stands behind, and those of them that load without the
    stream's own description."""

    sections: int
    alone: int


COUNTS = {
    "aarch64-virt-a57-bare--10.0.2": Count(17, 15),
    "aarch64-virt-devices--10.0.2": Count(23, 19),
    "arm-stm32vldiscovery-poke--10.0.2": Count(9, 8),
    "arm-virt-a15-bare--10.0.2": Count(17, 15),
    "arm-virt-a15-poke-smp2--10.0.2": Count(19, 17),
    "avr-uno-poke--10.0.2": Count(3, 3),
    "i386-isapc-poke--10.0.2": Count(21, 20),
    "m68k-virt-poke--10.0.2": Count(14, 13),
    "mips-malta-bare--10.0.2": Count(28, 18),
    "ppc-g3beige-openbios--10.0.2": Count(20, 17),
    "ppc64-flight-vscsi--10.0.2": Count(19, 16),
    "ppc64-pseries-devices--10.0.2": Count(23, 18),
    "ppc64-pseries-poke--10.0.2": Count(16, 14),
    "riscv32-virt-poke--10.0.2": Count(15, 12),
    "riscv64-virt-max-poke--10.0.2": Count(15, 12),
    "riscv64-virt-mmio--10.0.2": Count(23, 18),
    "riscv64-virt-mmio-modern--10.0.2": Count(22, 17),
    "riscv64-virt-rv64-poke-smp2--10.0.2": Count(17, 14),
    "riscv64-virt-uboot--10.0.2": Count(15, 12),
    "riscv64-virt-vh-bare--10.0.2": Count(15, 12),
    "riscv64-virt-vh-bare--7.2.22": Count(14, 11),
    "riscv64-virt-vh-bare-smp2-shared--10.0.2": Count(17, 14),
    "s390x-ccw--10.0.2": Count(21, 17),
    "sparc-SS-5-esp--10.0.2": Count(22, 19),
    "sparc-SS-5-openbios--10.0.2": Count(22, 19),
    "x86_64-flight-am53c974--10.0.2": Count(32, 24),
    "x86_64-flight-blk--10.0.2": Count(31, 24),
    "x86_64-flight-blk-packed--10.0.2": Count(31, 24),
    "x86_64-flight-megasas--10.0.2": Count(32, 24),
    "x86_64-flight-mptsas--10.0.2": Count(32, 24),
    "x86_64-flight-usb-bot--10.0.2": Count(33, 25),
    "x86_64-flight-virtio-scsi--10.0.2": Count(32, 25),
    "x86_64-pc-devices--10.0.2": Count(40, 30),
    "x86_64-pc-max-seabios--10.0.2": Count(33, 25),
    "x86_64-q35-bare--10.0.2": Count(30, 25),
    "x86_64-q35-bare--7.2.22": Count(30, 25),
    "x86_64-q35-devices--10.0.2": Count(45, 35),
    "x86_64-q35-ports--10.0.2": Count(49, 36),
    "x86_64-q35-usbredir--10.0.2": Count(31, 25),
}
"""By stream.  A machine's own properties, which are not on the wire, keep the others from
being read alone: how many interrupts, how large a FIFO, PCI or PCI Express, which of two
kinds of serial port."""


def path_of(name: str) -> Path:
    place = FOLDER / f"{name}.stream.xz"
    return place if place.exists() else FOLDER / "devices" / f"{name}.stream.xz"


def read(name: str) -> tuple[Target, bytes, list[Section]]:
    target, release = name.split("-")[0], name.rpartition("--")[2]
    whole = whole_target(target, release.rpartition(".")[0])
    data = lzma.decompress(path_of(name).read_bytes())
    return whole, data, [one for one in find_sections(data) if is_described(one)]


def test_every_stream_is_counted() -> None:
    stored = {
        file.name.removesuffix(".stream.xz")
        for folder in (FOLDER, FOLDER / "devices")
        for file in folder.glob("*.stream.xz")
    }
    assert stored == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_device_sections(name: str) -> None:
    whole, data, sections = read(name)
    alone = 0
    for section in sections:
        state = whole.load(data, section, described=True)
        body = data[section.start : section.end]
        assert whole.save(section, state) == body, section.name
        try:
            assert whole.load(data, section, described=False) == state, section.name
        except whole.runtime.MissingContext:
            continue
        alone += 1
    assert Count(len(sections), alone) == COUNTS[name]


def one(name: str, section: str) -> Any:
    whole, data, sections = read(name)
    (found,) = (each for each in sections if each.name.endswith(f"/{section}"))
    return whole.load(data, found, described=True)


def test_a_network_device_by_name() -> None:
    virtio = one("x86_64-q35-devices--10.0.2", "virtio-net").virtio
    assert virtio.vdev.pci.pci_dev.config[:4] == b"\xf4\x1a\x00\x10"
    assert len(virtio.vdev.pci.msix.table) == 4 * 16
    assert [queue.num for queue in virtio.vdev.vq[:2]] == [256, 256]
    assert virtio.device.mac == b"\x52\x54\x00\x12\x34\x56"
    assert len(virtio.virtio.virtqueues.vq) == 1024


def test_what_virtio_load_refuses_is_refused() -> None:
    """``virtio_load`` wants a selected queue that can be, and an address of a queue that
    has been used."""
    whole, data, sections = read("x86_64-q35-devices--10.0.2")
    (section,) = (each for each in sections if each.name.endswith("/virtio-net"))
    state = whole.load(data, section, described=True)
    context = whole.runtime.Context(description=section.description)
    unused = next(at for at, queue in enumerate(state.virtio.vdev.vq) if not queue.desc)
    for change, value, field in (
        ("queue_sel", 1024, "a queue is selected"),
        ("last_avail_idx", 1, rf"vq\[{unused}\]"),
    ):
        changed = copy.deepcopy(state)
        vdev = changed.virtio.vdev
        owner = vdev if change == "queue_sel" else vdev.vq[unused]
        setattr(owner, change, value)
        saved = whole.save(section, changed)
        with pytest.raises(whole.runtime.BadValue, match=field):
            whole.codec(section).load(saved, 0, context=context)


def test_transports() -> None:
    vdev = one("riscv64-virt-mmio--10.0.2", "virtio-blk").virtio.vdev
    assert (vdev.pci, vdev.mmio is None) == (None, False)
    modern = one("riscv64-virt-mmio-modern--10.0.2", "virtio-blk").virtio
    assert modern.vdev.mmio is not None
    assert modern.virtio.extra_state is not None
    assert len(modern.vdev.vq) == 3
    ccw = one("s390x-ccw--10.0.2", "virtio-blk").virtio.vdev
    assert (ccw.pci, ccw.ccw is None) == (None, False)
    assert all(queue.vector is not None for queue in ccw.vq)


def host(data: bytes) -> tuple[int, ...]:
    """Words of the memory of a host that is little-endian."""
    return struct.unpack(f"<{len(data) // 8}Q", data)


def segments(elem: Any) -> tuple[int, int]:
    """How many a request reads and writes."""
    first, second = (
        int.from_bytes(one, "little") for one in (elem.out_num, elem.in_num)
    )
    return first, second


def test_a_block_request_under_way() -> None:
    """The firmware reads the boot sector to 0x7c00."""
    (request,) = one("x86_64-flight-blk--10.0.2", "virtio-blk").virtio.device.requests
    assert (request.queue, segments(request.elem)) == (None, (1, 2))
    assert (host(request.elem.in_addr)[0], host(request.elem.in_sg)[1]) == (0x7C00, 512)
    packed = one("x86_64-flight-blk-packed--10.0.2", "virtio-blk").virtio
    (request,) = packed.device.requests
    assert (request.queue, request.elem.ndescs) == (0, 1)
    assert (host(request.elem.in_addr)[0], host(request.elem.in_sg)[1]) == (0x7C00, 512)
    assert packed.virtio.packed_virtqueues is not None


@pytest.mark.parametrize(
    ("name", "adapter"),
    [
        ("x86_64-flight-virtio-scsi--10.0.2", "virtio"),
        ("x86_64-flight-mptsas--10.0.2", "mptsas"),
        ("x86_64-flight-am53c974--10.0.2", ""),
        ("x86_64-flight-megasas--10.0.2", ""),
        ("x86_64-flight-usb-bot--10.0.2", ""),
    ],
)
def test_a_scsi_request_under_way(name: str, adapter: str) -> None:
    (request,) = one(name, "scsi-disk").qdev.requests.requests
    found = [
        each for each in ("virtio", "mptsas") if getattr(request, each) is not None
    ]
    assert found == ([adapter] if adapter else [])
    assert request.cmd[0] == 0x28, "READ(10)"
    assert (request.disk.sector, request.disk.sector_count) == (0, 1)


def test_a_request_of_a_virtual_adapter() -> None:
    """The firmware looks for a volume descriptor; it asked in its own words."""
    (request,) = one("ppc64-flight-vscsi--10.0.2", "scsi-disk").qdev.requests.requests
    assert (request.vscsi.active, request.vscsi.data_len) == (True, 2048)
    assert request.vscsi.viosrp_iu_buf[32:48] == request.cmd
    assert (request.disk.sector, request.disk.sector_count) == (64, 4)


def test_a_change_is_saved_and_read_again() -> None:
    name = "x86_64-q35-devices--10.0.2"
    whole, data, sections = read(name)
    (section,) = (each for each in sections if each.name.endswith("/virtio-net"))
    state = whole.load(data, section, described=True)
    state.virtio.vdev.vq[0].desc = 0x1234000
    state.virtio.vdev.status = 7
    state.virtio.device.mac[5] = 0x99
    saved = whole.save(section, state)
    before = data[section.start : section.end]
    assert len(saved) == len(before)
    assert sum(map(int.__ne__, saved, before)) <= 8 + 1 + 1
    context = whole.runtime.Context(description=section.description)
    again, end = whole.codec(section).load(saved, 0, context=context)
    assert (again, end) == (state, len(saved))
    state.virtio.vdev.vq[1].vector = None
    with pytest.raises(whole.runtime.BadValue, match=r"vdev\.vq\[1\]\.vector"):
        whole.save(section, state)
