"""The host's end of a USB redirection, and a UHCI controller driven by its registers.

``usbredir``'s protocol (version 0.7): a little-endian header of type, length and id (32
bits until both sides said what they can do, 64 after that), and the message.
"""

from __future__ import annotations

import fcntl
import itertools
import socket
import struct
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.qemu.qtest import PCIFunction, QTest

HELLO, DEVICE_CONNECT, INTERFACE_INFO, EP_INFO = 0, 1, 4, 5
START_ISO, ISO_STATUS, START_INTERRUPT, INTERRUPT_STATUS = 12, 14, 15, 17
CANCEL_DATA = 21
BULK_PACKET, ISO_PACKET, INTERRUPT_PACKET = 101, 102, 103
CAPABILITIES = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6
"""The device's version, the endpoints' packet sizes, ids of 64 bits, bulk of 32 bits."""

CONTROL, ISO, BULK, INTERRUPT, INVALID = 0, 1, 2, 3, 255


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the redirected device."""

    type: int
    interval: int
    interface: int
    packet: int


class Host:
    """A full-speed device with one interface, offered to a QEMU that listens."""

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.narrow = True
        version = b"vmgen's tests".ljust(64, b"\0")
        self.send(HELLO, version + struct.pack("<I", CAPABILITIES))
        self.expect(HELLO)
        self.narrow = False

    def unread(self) -> int:
        """How many bytes QEMU has not taken yet."""
        found = fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(found, sys.byteorder)

    def close(self) -> None:
        self.socket.close()

    def send(self, kind: int, body: bytes, ident: int = 0) -> None:
        """One message."""
        header = struct.pack("<II", kind, len(body))
        header += ident.to_bytes(4 if self.narrow else 8, "little")
        self.socket.sendall(header + body)

    def _take(self, size: int) -> bytes:
        taken = b""
        while len(taken) < size:
            part = self.socket.recv(size - len(taken))
            if not part:
                raise ConnectionError("QEMU closed the redirection")
            taken += part
        return taken

    def receive(self) -> tuple[int, int, bytes]:
        """The next message: its type, id and body."""
        kind, size = struct.unpack("<II", self._take(8))
        ident = int.from_bytes(self._take(4 if self.narrow else 8), "little")
        return kind, ident, self._take(size)

    def expect(self, kind: int) -> tuple[int, bytes]:
        """The next message of a type: its id and body; others are passed over."""
        while True:
            found, ident, body = self.receive()
            if found == kind:
                return ident, body

    def plug(
        self, vendor: int, product: int, endpoints: Mapping[int, Endpoint]
    ) -> None:
        """Says what the device is; ``endpoints`` by their address."""
        columns: list[list[int]] = [[INVALID] * 32, [0] * 32, [0] * 32, [0] * 32]
        columns[0][0] = columns[0][16] = CONTROL
        columns[3][0] = columns[3][16] = 64
        for address, one in endpoints.items():
            place = (address & 0x80) >> 3 | address & 15
            for column, value in zip(
                columns,
                (one.type, one.interval, one.interface, one.packet),
                strict=True,
            ):
                column[place] = value
        self.send(EP_INFO, struct.pack("<96B32H", *itertools.chain(*columns)))
        classes = [bytes([number] + [0] * 31) for number in (0, 0xFF, 1, 2)]
        self.send(INTERFACE_INFO, struct.pack("<I", 1) + b"".join(classes))
        self.send(
            DEVICE_CONNECT, struct.pack("<4B3H", 1, 0, 0, 0, vendor, product, 0x0102)
        )


IN, OUT = 0x69, 0xE1
ACTIVE, ISOCHRONOUS = 1 << 23, 1 << 25


class UHCI:
    """A UHCI controller: one queue head for every transfer, and isochronous transfers in
    front of them."""

    def __init__(self, qtest: QTest, slot: int, ports: int = 0xC100) -> None:
        self.qtest = qtest
        PCIFunction(qtest, slot).enable(4, ports)
        self.ports = ports
        self.frames = qtest.place(4096, 4096)
        self.last = 1
        qtest.write(self.frames, struct.pack("<I", 1) * 1024)

    def start(self) -> None:
        """The controller runs; the device at the first port is reset and enabled."""
        self.qtest.out("l", self.ports + 8, self.frames)
        self.qtest.out("w", self.ports, 1)
        self.qtest.out("w", self.ports + 0x10, 0x200)
        self.qtest.out("w", self.ports + 0x10, 4)

    def attached(self) -> bool:
        """Whether something is at the first port."""
        return bool(self.qtest.inp("w", self.ports + 0x10) & 1)

    def transfer(self, endpoint: int, size: int, *, isochronous: bool = False) -> int:
        """A transfer from (0x80) or to an endpoint of device 0; gives its descriptor."""
        pid = IN if endpoint & 0x80 else OUT
        token = pid | (endpoint & 15) << 15 | (size - 1) << 21
        control = ACTIVE | (ISOCHRONOUS if isochronous else 3 << 27)
        link = self.last if isochronous else 1
        made = self.qtest.place(
            struct.pack("<IIII", link, control, token, self.qtest.place(size)), 32
        )
        if isochronous:
            first = made
        else:
            first = self.qtest.place(struct.pack("<II", self.last, made), 32) | 2
        self.last = first
        self.qtest.write(self.frames, struct.pack("<I", first) * 1024)
        return made

    def deactivate(self, transfer: int) -> None:
        """Takes a transfer back."""
        self.qtest.store("l", transfer + 4, 0)
