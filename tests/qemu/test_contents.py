"""Formats that only have something in them while a guest is at work, filled by a driver.

The machines stay paused; the test plays the guest through QEMU's qtest protocol, and knows
what it asked for.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

import pytest

from tests.qemu.contents import QUIET, connected, driven, read_all, taken_back, wait_for
from tests.qemu.device_machines import devices, disks
from tests.qemu.machine import Guest, Refusal
from tests.qemu.qtest import RING_PACKED, PCIFunction, VirtIOMMIO, VirtIOPCI, VirtQueue


def q35(*options: str, release: str = "") -> Guest:
    return Guest("x86_64", ("-M", "q35", *QUIET, *options), qtest=True, release=release)


def refused(guest: Guest, data: bytes) -> None:
    """QEMU does not take what is under way on a packed ring: it looks for the number of
    descriptors behind the element, in front of which it wrote it."""
    with pytest.raises(Refusal):
        taken_back(guest, data)


def host(data: bytes) -> tuple[int, ...]:
    """Words of the memory of a host that is little-endian."""
    return struct.unpack(f"<{len(data) // 8}Q", data)


def segments(elem: Any) -> tuple[int, int]:
    """How many a request reads and writes."""
    first, second = (
        int.from_bytes(one, "little") for one in (elem.out_num, elem.in_num)
    )
    return first, second


# --- virtio-gpu ---------------------------------------------------------------------------

CREATE_2D, SET_SCANOUT, TRANSFER, ATTACH = 0x101, 0x103, 0x105, 0x106
UPDATE_CURSOR = 0x300


def gpu(queue: VirtQueue, kind: int, *words: int, pieces: bytes = b"") -> None:
    request = struct.pack(f"<IIQII{len(words)}I", kind, 0, 0, 0, 0, *words) + pieces
    (answer,) = struct.unpack_from("<I", queue.ask([request], 24))
    assert answer == 0x1100, hex(answer)


@pytest.mark.parametrize(
    ("outputs", "release"), [(1, ""), (4, ""), (16, ""), (4, "7.2")]
)
def test_gpu_resources_and_outputs(outputs: int, release: str) -> None:
    device = f"virtio-gpu-pci,addr=5,max_outputs={outputs}"
    guest = q35(*devices(device), release=release)
    pixels = bytes(range(256)) * 5
    shown = outputs // 2
    with driven(guest) as (machine, qtest):
        driver = VirtIOPCI(qtest, 5)
        driver.start(0, 2)
        control, cursor = driver.queues
        for ident, form, width, height in ((7, 1, 17, 16), (9, 134, 64, 64)):
            gpu(control, CREATE_2D, ident, form, width, height)
        memory = qtest.place(pixels)
        pieces = struct.pack("<QIIQII", memory, 1000, 0, memory + 1000, 88, 0)
        gpu(control, ATTACH, 7, 2, pieces=pieces)
        gpu(control, TRANSFER, 0, 0, 17, 16, 0, 0, 7, 0)
        gpu(control, SET_SCANOUT, 0, 0, 17, 16, shown, 7)
        # Position (output, x, y), resource and hot spot.
        moved = struct.pack(
            "<IIQII8I", UPDATE_CURSOR, 0, 0, 0, 0, shown, 30, 40, 0, 9, 3, 4, 0
        )
        cursor.ask([moved], 24)
        data = machine.capture()
    held = read_all(guest, data)["virtio-gpu"].virtio_gpu
    resources = held.resources
    first, second = sorted(resources, key=lambda one: one.resource_id)
    assert (first.width, first.height, first.format) == (17, 16, 1)
    assert [piece.addr for piece in first.iov] == [memory, memory + 1000]
    assert [piece.len for piece in first.iov] == [1000, 88]
    assert first.image == pixels[: 17 * 16 * 4]
    assert (second.resource_id, second.width, second.format) == (9, 64, 134)
    assert second.image == bytes(64 * 64 * 4)
    scanouts = held.scanouts.parent_obj.scanout
    assert len(scanouts) == outputs
    for number, one in enumerate(scanouts):
        mine = number == shown
        assert (one.resource_id, one.width, one.height) == (
            (7, 17, 16) if mine else (0, 0, 0)
        )
        if mine:
            at = one.cursor
            assert (at.resource_id, at.hot_x, at.hot_y) == (9, 3, 4)
            assert (at.pos.x, at.pos.y) == (30, 40)
        if mine and not release:
            assert one.fb.width in (17, None)
    if not release:
        assert scanouts[0].fb.width == (17 if outputs == 1 else 0)
    if outputs == 1 or release:  # with more QEMU itself may not find their end
        again = read_all(guest, taken_back(guest, data))["virtio-gpu"].virtio_gpu
        assert again.resources == held.resources[::-1]
        found = again.scanouts.parent_obj.scanout
        # Which output a cursor is on is not saved: the first gets every one.
        found[0].cursor = scanouts[0].cursor
        assert found == scanouts


# --- disks whose requests fail ---------------------------------------------------------------


def failing(kind: str) -> tuple[str, ...]:
    """A disk called ``bad`` that fails every ``write``, or one ``flush``."""
    broken = {
        "driver": "blkdebug",
        "node-name": "bad",
        "image": "good",
        "inject-error": [
            # Whoever migrates flushes, too.
            {"event": "none", "iotype": kind, "errno": 28, "once": kind == "flush"}
        ],
    }
    return (*disks("good"), "-blockdev", json.dumps(broken))


@pytest.mark.parametrize("packed", ["off", "on"])
def test_block_writes_of_several_queues(packed: str) -> None:
    options = failing("write"), devices(
        f"virtio-blk-pci,addr=6,drive=bad,werror=stop,num-queues=3,packed={packed}"
    )
    guest = q35(*options[0], *options[1])
    sectors = {0: 100, 2: 0x1234}
    places = {}
    with driven(guest) as (machine, qtest):
        driver = VirtIOPCI(qtest, 6)
        assert driver.start(RING_PACKED, 3) & RING_PACKED == RING_PACKED * (
            packed == "on"
        )
        for queue, sector in sectors.items():
            header = struct.pack("<IIQ", 1, 0, sector)
            data = bytes([queue + 1]) * 512
            places[queue] = driver.queues[queue].add([header, data, data], [1])
        data = machine.capture()
    held = read_all(guest, data)["virtio-blk"].virtio
    assert len(held.vdev.vq) == 3
    if packed == "on":  # four descriptors on, in the first round
        assert [queue.last_avail_idx for queue in held.vdev.vq] == [4, 0, 4]
        rounds = [
            one.last_avail_wrap_counter for one in held.virtio.packed_virtqueues.vq[:3]
        ]
        assert rounds == [True] * 3
    else:
        assert [queue.last_avail_idx for queue in held.vdev.vq] == [1, 0, 1]
    requests = {one.queue: one.elem for one in held.device.requests}
    assert requests.keys() == sectors.keys()
    for queue, elem in requests.items():
        assert segments(elem) == (3, 1)
        assert elem.ndescs == (4 if packed == "on" else None)
        assert list(host(elem.out_addr)[:3]) == places[queue][:3]
        assert host(elem.in_addr)[0] == places[queue][3]
        assert host(elem.out_sg)[1:6:2] == (16, 512, 512)
    if packed == "off":
        again = read_all(guest, taken_back(guest, data))["virtio-blk"].virtio
        assert {one.queue: one.elem for one in again.device.requests} == requests
    else:
        refused(guest, data)


def scsi_command(target: int, tag: int, cdb: bytes) -> bytes:
    lun = bytes([1, target, 0x40, 0])
    return (
        lun.ljust(8, b"\0") + struct.pack("<QBBB", tag, 0, 0, 0) + cdb.ljust(32, b"\0")
    )


@pytest.mark.parametrize("packed", ["off", "on"])
def test_scsi_writes_on_two_disks(packed: str) -> None:
    """A WRITE(10) of three sectors and a WRITE(16) of one, on different queues."""
    guest = q35(
        *failing("write"), *disks("fine"),
        *devices(
            f"virtio-scsi-pci,id=s,addr=7,num_queues=2,packed={packed}", "scsi-hd,bus=s.0,scsi-id=1,drive=fine",
            "scsi-hd,bus=s.0,scsi-id=2,drive=bad,werror=stop",
        ),
    )  # fmt: skip
    patterns = [bytes([9 + one]) * 512 for one in range(3)]
    with driven(guest) as (machine, qtest):
        driver = VirtIOPCI(qtest, 7)
        driver.start(RING_PACKED, 4)
        first, second = driver.queues[2:]
        for target in (1, 2):  # the first answer is that the power came on
            first.ask([scsi_command(target, 1, bytes(6))], 108)
        cdb = struct.pack(">BBIBHB", 0x2A, 0, 0x111, 0, 3, 0)
        first.add([scsi_command(2, 0x77, cdb), *patterns], [108])
        cdb = struct.pack(">BBQIBB", 0x8A, 0, 0x123, 1, 0, 0)
        second.add([scsi_command(2, 0x88, cdb), patterns[0]], [108])
        data = machine.capture()
    held = read_all(guest, data)
    idle, busy = held.of("scsi-disk", 0), held.of("scsi-disk", 1)
    if idle.qdev.requests.requests:
        idle, busy = busy, idle
    assert idle.qdev.requests.requests == []
    requests = {one.tag: one for one in busy.qdev.requests.requests}
    assert requests.keys() == {0x77, 0x88}
    three, one = requests[0x77], requests[0x88]
    assert (three.cmd[0], three.retry, three.virtio.queue) == (0x2A, 1, 0)
    assert (three.disk.sector, three.disk.sector_count) == (0x111, 3)
    assert three.disk.data is None  # the adapter reads it from the guest
    assert segments(three.virtio.elem) == (4, 1)
    assert three.virtio.elem.ndescs == (5 if packed == "on" else None)
    assert (one.cmd[0], one.retry, one.virtio.queue) == (0x8A, 1, 1)
    assert (one.disk.sector, one.disk.sector_count) == (0x123, 1)
    assert one.disk.data is None
    if packed == "on":
        refused(guest, data)
        return
    again = read_all(guest, taken_back(guest, data))
    found = [
        each
        for number in (0, 1)
        for each in again.of("scsi-disk", number).qdev.requests.requests
    ]
    assert {one.tag: one for one in found} == requests


@pytest.mark.parametrize("saved", ["on", "off"])
def test_a_scsi_flush(saved: str) -> None:
    """What is no transfer of data is saved since 8.2, unless a property says no."""
    disk = (
        f"scsi-hd,bus=s.0,drive=bad,werror=stop,migrate-emulated-scsi-request={saved}"
    )
    guest = q35(*failing("flush"), *devices("virtio-scsi-pci,id=s,addr=7", disk))
    with driven(guest) as (machine, qtest):
        driver = VirtIOPCI(qtest, 7)
        driver.start(0, 3)
        requests = driver.queues[2]
        requests.ask([scsi_command(0, 1, bytes(6))], 108)
        write = struct.pack(">BBIBHB", 0x2A, 0, 0, 0, 1, 0)  # something to flush
        requests.add([scsi_command(0, 2, write), bytes(512)], [108])
        wait_for(lambda: requests.done() == 2)
        requests.add([scsi_command(0, 0x99, bytes([0x35]))], [108])
        data = machine.capture()
    (request,) = read_all(guest, data)["scsi-disk"].qdev.requests.requests
    assert (request.cmd[0], request.tag, request.retry) == (0x35, 0x99, 1)
    if saved == "off":
        assert request.disk is None
    else:
        assert (request.disk.buflen, request.disk.data) == (4096, None)
    (again,) = read_all(guest, taken_back(guest, data))[
        "scsi-disk"
    ].qdev.requests.requests
    assert again == request


# --- the console that nobody reads -----------------------------------------------------------


@pytest.mark.parametrize("packed", ["off", "on"])
def test_a_throttled_port(packed: str) -> None:
    guest = q35(
        *("-chardev", "socket,id=ch,path={folder}/port,server=on,wait=off"),
        *devices(
            f"virtio-serial-pci,id=vs,addr=8,packed={packed}",
            "virtserialport,bus=vs.0,chardev=ch,nr=2,name=p",
        ),
    )
    with driven(guest) as (machine, qtest):
        machine.command("cont")  # nothing reaches a port of a stopped machine
        driver = VirtIOPCI(qtest, 8)
        driver.start(RING_PACKED | 1 << 1, 8)
        into, control = driver.queues[2], driver.queues[3]
        for _ in range(4):
            into.add([], [64])
        control.add([struct.pack("<IHH", 0xFFFFFFFF, 0, 1)])
        control.add([struct.pack("<IHH", 2, 3, 1)])
        control.add([struct.pack("<IHH", 2, 6, 1)])
        with socket.socket(socket.AF_UNIX) as reader:
            reader.connect(str(machine.folder / "port"))
            wait_for(lambda: connected(machine, "ch"))
            size = 0x20000
            pieces = driver.queues[7].add(
                [bytes(size), b"ab" * (size // 2), b"cd" * (size // 2)]
            )
            machine.command("stop")
            data = machine.capture()
    held = read_all(guest, data)["virtio-console"].virtio.device
    assert held.max_nr_ports == 31
    assert list(held.ports_map) == [1 << 2 | 1]
    port = next(one for one in held.ports if one.id == 2)
    assert (port.guest_connected, port.host_connected, port.elem_popped) == (1, 1, 1)
    assert list(host(port.elem.out_addr)[:3]) == pieces
    assert segments(port.elem)[0] == 3
    assert port.elem.ndescs == (3 if packed == "on" else None)
    assert 0 < port.iov_idx * size + port.iov_offset < 3 * size
    if packed == "off":
        taken_back(guest, data)
    else:
        refused(guest, data)


# --- virtio-net: what the guest asks of the filters -----------------------------------------


KEY = bytes(range(100, 140))
"""For the hash that spreads packets over the queues."""


def test_network_filters() -> None:
    guest = q35(
        "-netdev", "user,id=n", *devices("virtio-net-pci,addr=10,netdev=n,rss=on")
    )
    macs = [bytes([2, 0, 0, 0, 1, one]) for one in range(3)]
    multicast = [bytes([0x33, 0x33, 0, 0, 0, one]) for one in range(2)]
    with driven(guest) as (machine, qtest):
        driver = VirtIOPCI(qtest, 0x10)
        wanted = sum(1 << bit for bit in (17, 18, 19, 20, 21, 23, 60))
        driver.start(wanted, 3)
        control = driver.queues[2]

        def ask(group: int, command: int, body: bytes) -> None:
            assert control.ask([bytes([group, command]), body], 1) == b"\0"

        table = b"".join(
            struct.pack("<I", len(each)) + b"".join(each) for each in (macs, multicast)
        )
        ask(0, 0, b"\0")  # not promiscuous
        ask(0, 1, b"\1")  # all multicast
        ask(0, 5, b"\1")  # no broadcast
        ask(1, 0, table)
        ask(1, 1, b"\x52\x54\0\xaa\xbb\xcc")
        for vlan in (5, 4000):
            ask(2, 1, struct.pack("<H", vlan))  # all are let in at first
        table = struct.pack("<IHH8H", 0x3F, 7, 0, *[0] * 8)
        ask(4, 1, table + struct.pack("<HB", 1, len(KEY)) + KEY)
        data = machine.capture()
    held = read_all(guest, data)["virtio-net"].virtio
    net = held.device
    assert (net.rss.rss_data.hash_types, net.rss.rss_data.redirect) == (0x3F, True)
    assert bytes(net.rss.rss_data.key) == KEY
    assert list(net.rss.rss_data.indirections_table) == [0] * 8
    assert net.mac == b"\x52\x54\0\xaa\xbb\xcc"
    assert (net.allmulti, net.nobcast, net.promisc) == (1, 1, 0)
    assert net.mac_table.in_use == 5
    assert bytes(net.mac_table.macs) == b"".join([*macs, *multicast])
    vlans = {word * 32 + bit for word in range(128) for bit in range(32)
             if int.from_bytes(net.vlans[4 * word : 4 * word + 4], "little") >> bit & 1}  # fmt: skip
    assert vlans == set(range(4096)) - {5, 4000}
    assert held.virtio.virtqueues is not None
    again = read_all(guest, taken_back(guest, data))["virtio-net"].virtio
    assert again.device == net


# --- virtio-iommu: trees of mappings ---------------------------------------------------------


def test_iommu_domains_and_mappings() -> None:
    guest = q35(*devices("virtio-iommu-pci,addr=11", "e1000,addr=12", "e1000,addr=13"))
    with driven(guest) as (machine, qtest):
        driver = VirtIOPCI(qtest, 0x11)
        driver.start(0b110111, 2)
        requests = driver.queues[0]

        def ask(kind: int, body: bytes) -> None:
            assert requests.ask([bytes([kind, 0, 0, 0]) + body], 4) == bytes(4)

        ask(1, struct.pack("<IIII", 7, 0x12 << 3, 0, 0))
        ask(1, struct.pack("<IIII", 9, 0x13 << 3, 0, 0))
        for domain, start, end, physical, flags in MAPPINGS:
            ask(3, struct.pack("<IQQQI", domain, start, end, physical, flags))
        data = machine.capture()
    held = read_all(guest, data)["virtio-iommu"].virtio.device
    domains = dict(held.domains)
    assert domains.keys() == {7, 9}
    found = {
        (ident, key.low, key.high, value.phys_addr, value.flags)
        for ident, domain in domains.items()
        for key, value in domain.mappings
    }
    assert found == set(MAPPINGS)
    assert [one.id for one in domains[7].endpoint_list] == [0x12 << 3]
    again = read_all(guest, taken_back(guest, data))["virtio-iommu"].virtio.device
    assert again == held


MAPPINGS = [
    (7, 0x1000, 0x1FFF, 0x40000000, 1),
    (7, 0x10000, 0x2FFFF, 0x50000000, 3),
    (9, 0, 0xFFF, 0x1000, 2),
]


# --- virtio-mem and virtio-balloon -----------------------------------------------------------


@pytest.mark.parametrize("early", ["on", "off"])
def test_plugged_memory(early: str) -> None:
    guest = Guest(
        "x86_64",
        (
            *("-M", "q35", "-nodefaults", "-m", "32M,maxmem=512M"),
            *("-object", "memory-backend-ram,id=vm0,size=128M"),
            *devices("virtio-mem-pci,id=vm,addr=14,memdev=vm0,requested-size=64M,block-size=2M"
                     f",x-early-migration={early}"),
        ),
        qtest=True,
    )  # fmt: skip
    with driven(guest) as (machine, qtest):
        driver = VirtIOPCI(qtest, 0x14)
        driver.start(0b10, 1)
        (base,) = struct.unpack("<Q", qtest.read(driver.places[4] + 16, 8))
        for block, count in ((0, 3), (17, 2)):
            addr = base + block * 0x200000
            plug = struct.pack("<H6xQH6x", 0, addr, count)
            assert driver.queues[0].ask([plug], 10)[:2] == bytes(2)
        data = machine.capture()
    contents = read_all(guest, data)
    if early == "on":
        held = contents["virtio-mem-device-early"]
    else:
        held = contents["virtio-mem"].virtio.device
    assert (held.tmp.addr, held.tmp.region_size, held.tmp.block_size) == (
        base,
        128 << 20,
        2 << 20,
    )
    assert held.size == 5 * 0x200000
    assert list(held.bitmap) == [0b111 | 0b11 << 17]
    again = read_all(guest, taken_back(guest, data))
    assert (
        again.states["virtio-mem", 0].virtio.device
        == contents["virtio-mem"].virtio.device
    )


def test_a_scsi_write_with_its_data() -> None:
    """An adapter that hands the data over by itself: the disk has it, and saves it."""
    guest = Guest(
        "x86_64",
        (
            *("-M", "pc", *QUIET, *failing("write")),
            *devices("am53c974,id=s,addr=5", "scsi-hd,bus=s.0,drive=bad,werror=stop"),
        ),
        qtest=True,
    )
    pattern = bytes(range(256)) * 4
    with driven(guest) as (machine, qtest):
        ports = PCIFunction(qtest, 5).enable(0, 0xC000)

        def put(register: int, *values: int) -> None:
            for value in values:
                qtest.out("l", ports + 4 * register, value)

        for cdb in (bytes(6), struct.pack(">BBIBHB", 0x2A, 0, 0x321, 0, 2, 0)):
            put(FLUSHED, 1)
            put(FIFO, 0x80, *cdb)
            put(COMMAND, SELECT)
            if not cdb[0]:  # the power came on, says the first answer
                put(COMMAND, COMPLETE, ACCEPTED)
        put(DMA_COUNT, len(pattern))
        put(DMA_ADDRESS, qtest.place(pattern))
        put(DMA_COMMAND, 3)
        put(0, len(pattern) & 0xFF)
        put(1, len(pattern) >> 8)
        put(COMMAND, TRANSFER_BY_DMA)
        data = machine.capture()
    (request,) = read_all(guest, data)["scsi-disk"].qdev.requests.requests
    assert (request.cmd[0], request.virtio, request.mptsas) == (0x2A, None, None)
    disk = request.disk
    assert (disk.sector, disk.sector_count) == (0x321, 2)
    assert disk.data == pattern
    (again,) = read_all(guest, taken_back(guest, data))[
        "scsi-disk"
    ].qdev.requests.requests
    assert again == request


FIFO, COMMAND, FLUSHED = 2, 3, 3
SELECT, COMPLETE, ACCEPTED, TRANSFER_BY_DMA = 0x42, 0x11, 0x12, 0x90
DMA_COMMAND, DMA_COUNT, DMA_ADDRESS = 0x10, 0x11, 0x12
"""Registers and commands of the ESP, and those of the DMA engine beside it."""


# --- virtio on MMIO --------------------------------------------------------------------------


def test_a_request_of_a_device_on_mmio() -> None:
    guest = Guest(
        "riscv64",
        (
            *("-M", "virt", "-m", "32", "-nodefaults", "-bios", "none"), *failing("write"),
            *("-global", "virtio-mmio.force-legacy=false"),
            *devices("virtio-blk-device,drive=bad,werror=stop,bus=virtio-mmio-bus.0"),
        ),
        qtest=True,
    )  # fmt: skip
    with driven(guest, 0x80000000) as (machine, qtest):
        driver = VirtIOMMIO(qtest, 0x10001000)
        driver.start(0, 1)
        header = struct.pack("<IIQ", 1, 0, 77)
        places = driver.queues[0].add([header, bytes(512)], [1])
        data = machine.capture()
    held = read_all(guest, data)["virtio-blk"].virtio
    vdev = held.vdev
    assert vdev.status == 15
    assert (vdev.mmio.host_features_sel, vdev.mmio.guest_features_sel) == (1, 1)
    (queue,) = vdev.vq
    assert (queue.num, queue.desc, queue.last_avail_idx) == (
        64,
        driver.queues[0].desc,
        1,
    )
    (request,) = held.device.requests
    assert list(host(request.elem.out_addr)[:2]) == places[:2]
    kept = held.virtio.extra_state.extra_state.mmio.state.vqs[0]
    assert (kept.num, kept.enabled) == (64, True)
    assert list(kept.desc) == [driver.queues[0].desc, 0]
    again = read_all(guest, taken_back(guest, data))["virtio-blk"].virtio
    assert again.device == held.device
