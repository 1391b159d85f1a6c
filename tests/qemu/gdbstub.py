"""A client of QEMU's gdbstub: registers by name, read and written one by one.

The description of the registers comes from the stub itself (``target.xml`` and what it
includes).  Packets are gdb's remote protocol, ``$data#checksum``; the ``D`` packet is
never sent, as it would resume the guest.
"""

from __future__ import annotations

import re
import socket
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


@dataclass(frozen=True)
class Register:
    """One register of the target description; ``size`` is in bytes."""

    name: str
    number: int
    size: int
    feature: str


class GdbStub:
    """A connection to one stub over a unix socket, speaking for one CPU at a time.

    ``byte_order`` is the target's: registers travel in it.
    """

    def __init__(self, path: Path, byte_order: str, timeout: float = 30.0) -> None:
        self.byte_order = byte_order
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.pending = b""
        self.ask("qSupported:multiprocess+;xmlRegisters=i386")
        self.threads = self.list_threads()
        self.select(0)
        self.registers = self.describe()

    def __enter__(self) -> GdbStub:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def _byte(self) -> bytes:
        if not self.pending:
            self.pending = self.socket.recv(65536)
            if not self.pending:
                raise ConnectionError("the gdbstub closed the connection")
        first, self.pending = self.pending[:1], self.pending[1:]
        return first

    def ask(self, packet: str) -> str:
        """The answer to one packet, escapes undone."""
        raw = packet.encode("latin-1")
        self.socket.sendall(b"$" + raw + b"#%02x" % (sum(raw) % 256))
        while self._byte() != b"$":
            pass
        body = bytearray()
        while (byte := self._byte()) != b"#":
            body += bytes([self._byte()[0] ^ 0x20]) if byte == b"}" else byte
        self._byte()
        self._byte()
        self.socket.sendall(b"+")
        return body.decode("latin-1")

    def list_threads(self) -> list[str]:
        found: list[str] = []
        answer = self.ask("qfThreadInfo")
        while answer.startswith("m"):
            found += answer[1:].split(",")
            answer = self.ask("qsThreadInfo")
        return found

    def select(self, cpu: int) -> None:
        """Makes the ``cpu``-th CPU the one that is read and written."""
        answer = self.ask(f"Hg{self.threads[cpu]}")
        if answer != "OK":
            raise ValueError(f"CPU {cpu} cannot be selected: {answer!r}")

    def document(self, name: str) -> str:
        text = ""
        while True:
            answer = self.ask(f"qXfer:features:read:{name}:{len(text):x},ffb")
            if answer[:1] not in ("m", "l"):
                raise ValueError(f"no target description {name}: {answer!r}")
            text += answer[1:]
            if answer[0] == "l":
                return text

    def describe(self) -> dict[str, Register]:
        """All registers, by name; a name met again is ``name@feature``."""
        registers: dict[str, Register] = {}
        number = 0
        for included in re.findall(r'href="([^"]+)"', self.document("target.xml")):
            feature = ElementTree.fromstring(self.document(included))
            for node in feature.iter("reg"):
                number = int(node.get("regnum", number))
                name = node.get("name", "")
                if name in registers:
                    name = f"{name}@{feature.get('name')}"
                size = int(node.get("bitsize", "0")) // 8
                registers[name] = Register(name, number, size, feature.get("name", ""))
                number += 1
        return registers

    def raw(self, name: str) -> str:
        """A register's bytes in hex, in the target's byte order; empty where the stub
        knows the name but has no value."""
        answer = self.ask(f"p{self.registers[name].number:x}")
        return "" if re.fullmatch("E..", answer) else answer

    def read(self, name: str) -> int:
        raw = bytes.fromhex(self.raw(name))
        if not raw:
            raise ValueError(f"the register {name} has no value")
        return int.from_bytes(raw, "little" if self.byte_order == "little" else "big")

    def write(self, name: str, value: int) -> None:
        register = self.registers[name]
        raw = value.to_bytes(
            register.size, "little" if self.byte_order == "little" else "big"
        )
        answer = self.ask(f"P{register.number:x}={raw.hex()}")
        if answer != "OK":
            raise ValueError(f"the register {name} cannot be written: {answer!r}")

    def all_registers(self) -> dict[str, tuple[str, str]]:
        """Name -> (feature, hex), of every register that has a value."""
        found = {}
        for name, register in self.registers.items():
            raw = self.raw(name)
            if raw:
                found[name] = (register.feature, raw)
        return found
