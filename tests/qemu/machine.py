"""Runs a real QEMU: paused machines, migrated out to a file and in from one."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.qemu.gdbstub import GdbStub
from tests.qemu.qtest import QTest

PATIENCE = 60.0
"""Seconds that any one step may take."""


FIRMWARE = ("/usr/share/seabios", "/usr/share/qemu")
"""Where the distribution keeps what its packages of both releases need."""

HALT = bytes(65520) + b"\xfa\xf4\xeb\xfd".ljust(16, b"\0")
"""Where an x86 starts, 16 bytes below the end: no interrupts, halt, and halt again."""


class Refusal(Exception):
    """QEMU ended instead of taking the stream; the text is what it said."""


@dataclass(frozen=True)
class Guest:
    """A machine to run: the target, its options and the gdbstub's byte order.

    ``{folder}`` in an option is the machine's own folder, in which ``halt`` is a firmware
    for x86 that does nothing.  With ``qtest`` the machine has a :class:`QTest` too.
    ``release`` is empty for the QEMU in ``PATH``.  ``unpacked`` is a folder into which a
    release's packages were unpacked with all the libraries that they need.
    """

    target: str
    options: tuple[str, ...]
    byte_order: str = "little"
    qtest: bool = False
    release: str = ""
    unpacked: Path | None = None

    @property
    def binary(self) -> str:
        return f"qemu-system-{self.target}"

    def command_line(self) -> tuple[list[str], dict[str, str]]:
        """The words that start the binary, and its environment.

        ``release`` 7.2 is the one that ``VMGEN_QEMU_7_2`` names the folder of; any other
        is in ``PATH``.
        """
        environment = dict(os.environ)
        if self.unpacked is not None:
            return by_own_loader(self.unpacked, self.binary)
        if self.release != "7.2":
            return [self.binary], environment
        root = os.environ.get("VMGEN_QEMU_7_2", "")
        libraries = (f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/lib/x86_64-linux-gnu")
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
        places = (f"{root}/usr/share/qemu", *FIRMWARE)
        firmware = [word for place in places for word in ("-L", place)]
        return [f"{root}/usr/bin/{self.binary}", *firmware], environment

    def absent(self) -> str:
        """Why the release does not run here; empty if it does."""
        words, environment = self.command_line()
        release = self.release or "10.0"
        if shutil.which(words[0]) is None:
            return f"there is no {self.binary} of {release}"
        version = subprocess.run(
            [words[0], "--version"],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        ).stdout.splitlines()[0]
        if f"version {release}." not in version:
            return f"{self.binary} is {version}, not {release}"
        return ""


def by_own_loader(root: Path, binary: str) -> tuple[list[str], dict[str, str]]:
    """The words that start a binary with the loader, libraries, modules and firmware that
    were unpacked with it, and its environment."""
    libraries = root / "usr/lib/x86_64-linux-gnu"
    loader = libraries / "ld-linux-x86-64.so.2"
    words = [
        str(loader),
        "--library-path",
        str(libraries),
        str(root / "usr/bin" / binary),
    ]
    for place in ("share/qemu", "share/seabios", "lib/ipxe/qemu"):
        words += ["-L", str(root / "usr" / place)]
    return words, {**os.environ, "QEMU_MODULE_DIR": str(libraries / "qemu")}


class Machine:
    """One QEMU process that does not run its guest.

    Use it as a context manager; leaving ends the process and removes its folder.
    """

    def __init__(self, guest: Guest, extra: Sequence[str] = ()) -> None:
        self.guest = guest
        self.folder = Path(tempfile.mkdtemp(prefix="vmgen-qemu-"))
        self.log = (self.folder / "log").open("w+")
        (self.folder / "halt").write_bytes(HALT)
        qtest = f"unix:{self.folder}/qtest,server=on,wait=off"
        program, environment = guest.command_line()
        self.process = subprocess.Popen(
            [
                *program,
                *(one.replace("{folder}", str(self.folder)) for one in guest.options),
                *("-display", "none", "-serial", "none", "-monitor", "none", "-S"),
                *("-rtc", "base=2024-01-02T03:04:05,clock=vm"),
                *("-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"),
                *("-gdb", f"unix:{self.folder}/gdb,server=on,wait=off"),
                *(("-qtest", qtest, "-qtest-log", "none") if guest.qtest else ()),
                *extra,
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        self.answers = b""
        try:
            self.socket = self._connect()
            self._answer()
            self.command("qmp_capabilities")
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()
        self._end()

    def _end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder)

    def said(self) -> str:
        self.log.flush()
        return (self.folder / "log").read_text(errors="replace")

    def _connect(self) -> socket.socket:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Refusal(self.said())
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(PATIENCE)
            try:
                connection.connect(str(self.folder / "qmp"))
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                time.sleep(0.02)
            else:
                return connection
        raise TimeoutError(f"no QMP socket after {PATIENCE} s: {self.said()}")

    def _answer(self) -> dict[str, Any]:
        """The next QMP message that is not an event."""
        while True:
            while b"\n" not in self.answers:
                try:
                    received = self.socket.recv(65536)
                except ConnectionResetError:  # it ended with a command unread
                    received = b""
                if not received:
                    self.process.wait(PATIENCE)
                    raise Refusal(self.said())
                self.answers += received
            line, _, self.answers = self.answers.partition(b"\n")
            message: dict[str, Any] = json.loads(line)
            if "event" not in message:
                return message

    def command(self, name: str, **arguments: Any) -> Any:
        """Runs one QMP command and gives its return value; raises :class:`Refusal`."""
        request = {"execute": name, "arguments": arguments}
        try:
            self.socket.sendall(json.dumps(request).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError) as error:
            self.process.wait(PATIENCE)
            raise Refusal(self.said()) from error
        answer = self._answer()
        if "error" in answer:
            raise Refusal(f"{name}: {answer['error']['desc']}")
        return answer["return"]

    def version(self) -> tuple[int, int, int]:
        numbers = self.command("query-version")["qemu"]
        return numbers["major"], numbers["minor"], numbers["micro"]

    def gdb(self) -> GdbStub:
        return GdbStub(self.folder / "gdb", self.guest.byte_order)

    def qtest(self, ram: int = 0) -> QTest:
        """The guest's memory, which begins at ``ram``."""
        return QTest(self.folder / "qtest", ram)

    def capture(self) -> bytes:
        """The machine's migration stream."""
        file = self.folder / "stream"
        self.command("migrate", uri=f"exec:cat > {shlex.quote(str(file))}")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status = self.command("query-migrate")
            if status.get("status") == "completed":
                return file.read_bytes()
            if status.get("status") == "failed":
                raise Refusal(f"migrate: {status} {self.said()}")
            time.sleep(0.02)
        raise TimeoutError(f"migration did not end: {self.said()}")

    @classmethod
    def resumed(cls, guest: Guest, stream: bytes) -> Self:
        """A machine that took the stream; :class:`Refusal` with QEMU's words if not."""
        machine = cls(guest, ("-incoming", "defer"))
        try:
            machine.load(stream)
        except BaseException:
            machine.__exit__(None, None, None)
            raise
        return machine

    def load(self, stream: bytes) -> None:
        """Takes a stream, where the machine waits for one."""
        file = self.folder / "incoming"
        file.write_bytes(stream)
        self.command("migrate-incoming", uri=f"exec:cat {shlex.quote(str(file))}")
        end = time.monotonic() + PATIENCE
        while self.command("query-status")["status"] == "inmigrate":
            if time.monotonic() > end:
                raise TimeoutError(f"still waiting for the stream: {self.said()}")
            time.sleep(0.02)
