"""A vhost-user back end: as much of the protocol as a device needs that never starts.

``docs/interop/vhost-user.rst`` of a QEMU tree: a header of request, flags and size, then
the payload, all in the host's byte order.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

from tests.qemu.server import Server

GET_FEATURES, GET_PROTOCOL_FEATURES, GET_QUEUE_NUM = 1, 15, 17
GET_CONFIG, SET_DEVICE_STATE_FD, CHECK_DEVICE_STATE = 24, 42, 43
PROTOCOL_FEATURES, LOG_ALL = 1 << 30, 1 << 26
MULTIQUEUE, LOG_SHMFD, CONFIG, DEVICE_STATE = 1 << 0, 1 << 1, 1 << 9, 1 << 19
VERSION, REPLY, NEED_REPLY = 1, 4, 8
NO_FD = 0x100
SAVE = 0


class BackEnd(Server):
    """Serves every QEMU that connects to a socket, until it is closed.

    ``state`` is what a save is given; ``loaded`` what the last load brought.
    """

    def __init__(
        self,
        path: Path,
        *,
        features: int = 0,
        protocol: int = 0,
        state: bytes = b"",
        config: bytes = b"",
    ) -> None:
        self.features = features | PROTOCOL_FEATURES | LOG_ALL | 1 << 32
        self.protocol = protocol | MULTIQUEUE | LOG_SHMFD
        self.state = state
        self.config = config
        self.loaded = b""
        super().__init__(path)

    def serve(self, connection: socket.socket) -> None:
        while True:
            try:
                head, files, _, _ = socket.recv_fds(connection, 12, 8)
            except ConnectionResetError:
                return
            if len(head) < 12:
                return
            request, flags, size = struct.unpack("=III", head)
            body = connection.recv(size, socket.MSG_WAITALL) if size else b""
            answer = self._answer(request, body, files)
            for file in files:
                os.close(file)
            if answer is None and flags & NEED_REPLY:
                answer = bytes(8)
            if answer is not None:
                header = struct.pack("=III", request, VERSION | REPLY, len(answer))
                connection.sendall(header + answer)
            if request == SET_DEVICE_STATE_FD:
                self._transfer(body)

    def _answer(self, request: int, body: bytes, files: list[int]) -> bytes | None:
        words = {
            GET_FEATURES: self.features,
            GET_PROTOCOL_FEATURES: self.protocol,
            GET_QUEUE_NUM: 8,
            SET_DEVICE_STATE_FD: NO_FD,
            CHECK_DEVICE_STATE: 0,
        }
        if request == SET_DEVICE_STATE_FD:
            self.pipe = os.dup(files[0])
        if request == GET_CONFIG:
            _, size, _ = struct.unpack_from("=III", body)
            return body[:12] + self.config[:size].ljust(size, b"\0")
        return struct.pack("=Q", words[request]) if request in words else None

    def _transfer(self, body: bytes) -> None:
        (direction,) = struct.unpack_from("=I", body)
        with os.fdopen(self.pipe, "wb" if direction == SAVE else "rb") as pipe:
            if direction == SAVE:
                pipe.write(self.state)
            else:
                self.loaded = pipe.read()
