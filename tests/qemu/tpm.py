"""A TPM 2 that knows nothing, as QEMU's emulator back end talks to one.

Commands and answers are those of ``backends/tpm/tpm_ioctl.h`` of a QEMU tree, big-endian,
over one socket; the TPM's own commands come over another that QEMU hands over.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.qemu.server import Server

GET_CAPABILITY, INIT, GET_ESTABLISHED, SET_LOCALITY = 1, 2, 4, 5
RESET_ESTABLISHED, GET_STATE, SET_STATE, SET_DATA_FD, SET_BUFFER_SIZE = (
    0x0B, 0x0C, 0x0D, 0x10, 0x11,
)  # fmt: skip
REQUESTS = {
    INIT: 4, SET_LOCALITY: 4, RESET_ESTABLISHED: 4, GET_STATE: 12, SET_STATE: 12,
    SET_BUFFER_SIZE: 4,
}  # fmt: skip
"""Bytes behind a command's number, where there are any."""
CAPABILITIES = 0xFFFF
NO_SESSIONS = 0x8001


class Emulator(Server):
    """Serves every QEMU that connects to a socket; ``blobs`` are what it is asked to save,
    by type (1 permanent, 2 volatile, 3 saved), and ``loaded`` what it was given."""

    def __init__(self, path: Path, blobs: Mapping[int, bytes]) -> None:
        self.blobs = blobs
        self.loaded: dict[int, bytes] = {}
        super().__init__(path)

    def serve(self, connection: socket.socket) -> None:
        while True:
            try:
                head, files, _, _ = socket.recv_fds(connection, 4, 1)
            except ConnectionResetError:
                return
            if len(head) < 4:
                return
            (command,) = struct.unpack(">I", head)
            for file in files:
                data = socket.socket(fileno=os.dup(file))
                os.close(file)
                threading.Thread(target=_commands, args=(data,), daemon=True).start()
            connection.sendall(self._answer(connection, command))

    def _answer(self, connection: socket.socket, command: int) -> bytes:
        size = REQUESTS.get(command, 0)
        body = connection.recv(size, socket.MSG_WAITALL) if size else b""
        if command == GET_CAPABILITY:
            return struct.pack(">II", 0, CAPABILITIES)
        if command == GET_ESTABLISHED:
            return bytes(8)
        if command == SET_BUFFER_SIZE:
            return struct.pack(">4I", 0, 4096, 4096, 4096)
        if command == GET_STATE:
            _, kind, _ = struct.unpack(">III", body)
            blob = self.blobs[kind]
            return struct.pack(">4I", 0, 16 + kind, len(blob), len(blob)) + blob
        if command == SET_STATE:
            _, kind, length = struct.unpack(">III", body)
            self.loaded[kind] = connection.recv(length, socket.MSG_WAITALL)
        return bytes(4)


def _commands(connection: socket.socket) -> None:
    """Every command of the TPM itself is done, and there is nothing to say about it."""
    with connection:
        while connection.recv(4096):
            connection.sendall(struct.pack(">HII", NO_SESSIONS, 10, 0))
