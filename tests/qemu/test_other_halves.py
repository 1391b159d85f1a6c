"""Devices whose other half is another program, played by the test."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.qemu import usbredir, vhost_user
from tests.qemu.contents import QUIET, driven, read_all, taken_back, wait_for
from tests.qemu.dbus import Bus
from tests.qemu.device_machines import devices
from tests.qemu.machine import Guest
from tests.qemu.qtest import VirtIOPCI
from tests.qemu.tpm import Emulator
from tests.qemu.usbredir import UHCI, Endpoint, Host
from tests.qemu.vhost_user import BackEnd

# --- vhost-user ------------------------------------------------------------------------------

STATE = bytes(range(256)) * 1000
"""More than a pipe holds, so that it comes in several pieces."""


def machine_with(path: Path, *options: str) -> Guest:
    shared = ("-object", "memory-backend-memfd,id=m,size=32M,share=on")
    return Guest(
        "x86_64",
        (
            *("-M", "q35,memory-backend=m", *QUIET, *shared),
            *("-chardev", f"socket,id=ch,path={path}", *options),
        ),
        qtest=True,
    )


def test_the_state_of_a_file_system(tmp_path: Path) -> None:
    path = tmp_path / "back-end"
    guest = machine_with(path, *devices("vhost-user-fs-pci,chardev=ch,tag=here,addr=5"))
    with BackEnd(path, protocol=vhost_user.DEVICE_STATE, state=STATE) as back_end:
        with driven(guest) as (machine, qtest):
            driver = VirtIOPCI(qtest, 5)
            driver.start(0, 2)
            assert qtest.read(driver.places[4], 5) == b"here\0"
            data = machine.capture()
        held = read_all(guest, data)["vhost-user-fs"]
        chunks = [one.data for one in held.vhost_user_fs_backend.back_end.chunks]
        assert b"".join(chunks) == STATE
        assert len(chunks) > 1
        assert held.virtio.vdev.config.startswith(b"here\0")
        taken_back(guest, data)
        assert back_end.loaded == STATE


def test_a_network_of_several_queues(tmp_path: Path) -> None:
    path = tmp_path / "back-end"
    guest = machine_with(
        path,
        *("-netdev", "vhost-user,id=n,chardev=ch,queues=3"),
        *devices("virtio-net-pci,netdev=n,mq=on,vectors=8,addr=6"),
    )
    features = sum(1 << bit for bit in (17, 18, 22))
    with BackEnd(
        path, features=features, protocol=vhost_user.DEVICE_STATE, state=STATE[:100]
    ) as back_end:
        with driven(guest) as (machine, qtest):
            driver = VirtIOPCI(qtest, 6)
            assert driver.start(features, 7) & features == features
            pairs = [b"\4\0", struct.pack("<H", 2)]
            assert driver.queues[6].ask(pairs, 1) == b"\0"
            data = machine.capture()
        held = read_all(guest, data)["virtio-net"].virtio.device
        assert (held.max_queue_pairs, held.curr_queue_pairs) == (3, 2)
        found = held.backend.backend.chunks
        assert b"".join(one.data for one in found) == STATE[:100]
        taken_back(guest, data)
        assert back_end.loaded == STATE[:100]


def test_a_disk(tmp_path: Path) -> None:
    path = tmp_path / "back-end"
    guest = machine_with(
        path, *devices("vhost-user-blk-pci,chardev=ch,num-queues=2,addr=7")
    )
    config = struct.pack("<Q", 0x123456).ljust(60, b"\0")
    with BackEnd(path, protocol=vhost_user.CONFIG, config=config):
        with driven(guest) as (machine, qtest):
            driver = VirtIOPCI(qtest, 7)
            driver.start(0, 2)
            assert qtest.read(driver.places[4], 8) == config[:8]
            data = machine.capture()
        held = read_all(guest, data)["vhost-user-blk"].virtio
        assert held.vdev.config[:8] == config[:8]
        assert len(held.vdev.vq) == 2
        taken_back(guest, data)


# --- a redirected USB device -----------------------------------------------------------------

ENDPOINTS = {
    0x81: Endpoint(usbredir.INTERRUPT, 1, 0, 8),
    0x82: Endpoint(usbredir.BULK, 0, 0, 64),
    0x83: Endpoint(usbredir.BULK, 0, 0, 64),
    0x84: Endpoint(usbredir.ISO, 1, 0, 96),
}


@pytest.mark.parametrize("release", ["", "7.2"])
def test_a_redirected_device(release: str) -> None:
    """Packets that wait for the guest, one that the guest waits for, one it gave up."""
    guest = Guest(
        "x86_64",
        (
            *("-M", "pc", *QUIET, "-chardev", "socket,id=ch,path={folder}/usb,server=on,wait=off"),
            *devices("piix3-usb-uhci,id=u,addr=4", "usb-redir,chardev=ch,bus=u.0,port=1"),
        ),
        qtest=True,
        release=release,
    )  # fmt: skip
    interrupts = [bytes(range(8)), bytes(range(8, 16))]
    sounds = [bytes([one]) * 96 for one in (1, 2, 3)]
    with driven(guest) as (machine, qtest):
        machine.command("cont")
        host = Host(machine.folder / "usb")
        host.plug(0x1234, 0xABCD, ENDPOINTS)
        controller = UHCI(qtest, 4)
        wait_for(controller.attached)
        controller.start()
        # A message ends with a packet that is not full, and this one does not end.
        controller.transfer(0x81, 64)
        host.expect(usbredir.START_INTERRUPT)
        host.send(usbredir.INTERRUPT_STATUS, bytes([0, 0x81]))
        for number, packet in enumerate(interrupts):
            header = struct.pack("<BBH", 0x81, 0, len(packet))
            host.send(usbredir.INTERRUPT_PACKET, header + packet, number)
        controller.transfer(0x82, 64)
        pending, _ = host.expect(usbredir.BULK_PACKET)
        abandoned = controller.transfer(0x83, 64)
        given_up, _ = host.expect(usbredir.BULK_PACKET)
        controller.deactivate(abandoned)
        cancelled, _ = host.expect(usbredir.CANCEL_DATA)
        assert cancelled == given_up
        # Sound begins once enough of it is there.
        controller.transfer(0x84, 96, isochronous=True)
        host.expect(usbredir.START_ISO)
        host.send(usbredir.ISO_STATUS, bytes([0, 0x84]))
        for number, packet in enumerate(sounds):
            header = struct.pack("<BBH", 0x84, number == 1, len(packet))
            host.send(usbredir.ISO_PACKET, header + packet, number)
        wait_for(lambda: host.unread() == 0)
        machine.command("stop")
        data = machine.capture()
        host.close()
    held = read_all(guest, data)["usb-redir"]
    info = held.device_info
    assert (info.speed, info.vendor_id, info.product_id, info.device_version_bcd) == (
        1, 0x1234, 0xABCD, 0x0102
    )  # fmt: skip
    assert (
        held.interface_info.interface_count,
        held.interface_info.interface_class[0],
    ) == (1, 0xFF)
    assert [held.endpoint[16 + one].type for one in range(1, 5)] == [3, 2, 2, 1]
    assert [held.endpoint[16 + one].max_packet_size for one in range(1, 5)] == [
        8,
        64,
        64,
        96,
    ]
    assert (held.endpoint[17].interrupt_started, held.endpoint[20].iso_started) == (
        1,
        1,
    )
    queued = [(one.status, bytes(one.data)) for one in held.endpoint[17].bufpq.bufpq]
    assert queued == [(0, packet) for packet in interrupts]
    queued = [(one.status, bytes(one.data)) for one in held.endpoint[20].bufpq.bufpq]
    assert queued == [(number == 1, packet) for number, packet in enumerate(sounds)]
    assert list(held.already_in_flight.queue.id) == [pending]
    assert list(held.cancelled.queue.id) == [given_up]
    assert len(held.parser.data) > 0
    taken_back(guest, data)


# --- a TPM, and a program on a message bus -----------------------------------------------------


def test_the_state_of_a_tpm(tmp_path: Path) -> None:
    path = tmp_path / "tpm"
    blobs = {1: bytes(range(200)) * 20, 2: b"volatile" * 9, 3: b""}
    guest = Guest(
        "x86_64",
        (
            *("-M", "q35", *QUIET, "-chardev", f"socket,id=ch,path={path}"),
            *("-tpmdev", "emulator,id=t,chardev=ch", "-device", "tpm-tis,tpmdev=t"),
        ),
        qtest=True,
    )
    with Emulator(path, blobs) as emulator:
        with driven(guest) as (machine, _):
            data = machine.capture()
        contents = read_all(guest, data)
        held = contents["tpm-emulator"].state_blobs
        found = {
            1: (held.permanent_flags, held.permanent),
            2: (held.volatil_flags, held.volatil),
            3: (held.savestate_flags, held.savestate),
        }
        for kind, (flags, blob) in found.items():
            assert (flags, blob.size) == (16 + kind, len(blobs[kind]))
            assert bytes(blob.buffer) == blobs[kind]
        taken_back(guest, data)
        assert emulator.loaded == {1: blobs[1], 2: blobs[2]}


def test_a_program_on_a_message_bus(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    state = bytes(range(256)) * 5
    guest = Guest(
        "x86_64",
        (
            *("-M", "q35", *QUIET),
            *("-object", f"dbus-vmstate,id=d,addr=unix:path={path}"),
        ),
        qtest=True,
    )
    with Bus(path, "a-program", state) as bus:
        with driven(guest) as (machine, _):
            data = machine.capture()
        held = read_all(guest, data)["dbus-vmstate"]
        packed = [struct.pack(">I", 1)]
        for part in (b"a-program", state):
            packed += [struct.pack(">I", len(part)), part]
        assert held.data.startswith(b"".join(packed))  # then what was allocated
        assert held.data_size == len(held.data)
        taken_back(guest, data)
        assert bus.loaded == state
