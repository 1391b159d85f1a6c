"""A message bus with one program on it that has a state to migrate (``org.qemu.VMState1``).

Bus and program are one: what QEMU asks of either is answered on its connection.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from tests.qemu.server import Server

CALL, RETURN = 1, 2
MEMBER, REPLY_SERIAL, SENDER, SIGNATURE = 3, 5, 7, 8


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode() + b"\0"


def aligned(data: bytes, size: int) -> bytes:
    return data + bytes(-len(data) % size)


class Bus(Server):
    """Serves every QEMU that connects to a socket; the program is called ``name``, has
    ``state`` to save and keeps in ``loaded`` what it was given."""

    def __init__(self, path: Path, name: str, state: bytes) -> None:
        self.name = name
        self.state = state
        self.loaded = b""
        super().__init__(path)

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            stream.read(1)
            while not (line := stream.readline()).startswith(b"BEGIN"):
                if not line:
                    return
                if line.startswith(b"AUTH EXTERNAL"):
                    answer = b"OK " + b"0" * 32
                else:
                    answer = (
                        b"REJECTED EXTERNAL" if line.startswith(b"AUTH") else b"ERROR"
                    )
                connection.sendall(answer + b"\r\n")
            while head := stream.read(16):
                kind, size, serial, length = struct.unpack("<xB2xIII", head)
                fields = _fields(stream.read(length + -length % 8), length)
                body = stream.read(size)
                if kind == CALL:
                    signature, answer = self._answer(fields[MEMBER], body)
                    connection.sendall(_reply(serial, signature, answer))

    def _answer(self, member: str, body: bytes) -> tuple[str, bytes]:
        if member == "Hello":
            return "s", text(":1.1")
        if member == "StartServiceByName":
            return "u", struct.pack("<I", 2)
        if member == "GetNameOwner":
            return "s", text(":1.2")
        if member == "ListQueuedOwners":
            names = text(":1.2")
            return "as", struct.pack("<I", len(names)) + names
        if member == "GetAll":
            entry = aligned(text("Id") + b"\1s\0", 4) + text(self.name)
            return "a{sv}", struct.pack("<II", len(entry), 0) + entry
        if member == "Save":
            return "ay", struct.pack("<I", len(self.state)) + self.state
        if member == "Load":
            self.loaded = body[4:]
        return "", b""


def _fields(data: bytes, length: int) -> dict[int, str]:
    """A message's header fields that are text."""
    found = {}
    at = 0
    while at < length:
        at += -at % 8
        code, kind = data[at], data[at + 2 : at + 3]
        at += 4
        if kind == b"g":
            size = data[at]
            at += 1
        elif kind == b"u":
            at += 4
            continue
        else:
            at += -at % 4
            (size,) = struct.unpack_from("<I", data, at)
            at += 4
        found[code] = data[at : at + size].decode()
        at += size + 1
    return found


def _reply(serial: int, signature: str, body: bytes) -> bytes:
    fields = struct.pack("<B3sI", REPLY_SERIAL, b"\1u\0", serial)
    fields += struct.pack("<B3s", SENDER, b"\1s\0") + text(":1.2")
    if signature:
        fields = aligned(fields, 8)
        fields += struct.pack("<B3sB", SIGNATURE, b"\1g\0", len(signature))
        fields += signature.encode() + b"\0"
    head = struct.pack("<cBBBIII", b"l", RETURN, 1, 1, len(body), serial, len(fields))
    return head + aligned(fields, 8) + body
