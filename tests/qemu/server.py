"""What answers on a socket in the place of a program that QEMU talks to."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self


class Server(ABC):
    """Serves every QEMU that connects to a socket, until it is closed."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:  # closed
                return
            threading.Thread(
                target=self._connected, args=(connection,), daemon=True
            ).start()

    def _connected(self, connection: socket.socket) -> None:
        with connection:
            self.serve(connection)

    @abstractmethod
    def serve(self, connection: socket.socket) -> None:
        """Answer what comes over a connection until it ends."""
