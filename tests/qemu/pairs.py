"""Two releases of QEMU side by side: a stream that one saves, given to the other.

The 10.0 binaries are those in ``PATH``; ``VMGEN_QEMU_7_2`` names a folder into which
packages of 7.2 were unpacked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.lacking import lacking

PATIENCE = 60.0
"""Seconds that a migration may take."""

FIRMWARE = ("/usr/share/seabios", "/usr/share/qemu")


class Refusal(Exception):
    """QEMU ended instead of taking the stream; the text is what it said."""


def command(release: str, target: str) -> tuple[list[str], dict[str, str]] | None:
    """The binary of a release and its environment; None if it is not here."""
    name = f"qemu-system-{target}"
    environment = dict(os.environ)
    places = list(FIRMWARE)
    if release == "7.2":
        root = os.environ.get("VMGEN_QEMU_7_2", "")
        path = shutil.which(name, path=f"{root}/usr/bin") if root else None
        libraries = (f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/lib/x86_64-linux-gnu")
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
        places.insert(0, f"{root}/usr/share/qemu")
    else:
        path = shutil.which(name)
    if path is None:
        return None
    done = subprocess.run(
        [path, "--version"], capture_output=True, text=True, env=environment, check=True
    )
    if f"version {release}." not in done.stdout:
        return None
    firmware = [word for place in places for word in ("-L", place)]
    return [path, *firmware], environment


def require(target: str) -> None:
    """Both releases, or no test: skipped here, failed in CI."""
    for release in ("7.2", "10.0"):
        if command(release, target) is None:
            reason = f"there is no qemu-system-{target} of {release}"
            lacking(reason)


class Pair:
    """One process of one release, driven by QMP over its standard streams."""

    def __init__(
        self, release: str, target: str, options: Sequence[str], *extra: str
    ) -> None:
        found = command(release, target)
        assert found is not None
        line, environment = found
        quiet = ("-display", "none", "-serial", "none", "-monitor", "none", "-S")
        self.process = subprocess.Popen(
            [*line, *options, *quiet, "-qmp", "stdio", *extra],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self._answer()
        self.command("qmp_capabilities")

    def __enter__(self) -> Pair:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            message = json.loads(line)
            if "event" not in message:
                return message.get("return")
        self._refused()
        return None

    def _refused(self) -> None:
        assert self.process.stderr is not None
        self.process.wait(PATIENCE)
        raise Refusal(self.process.stderr.read())

    def command(self, name: str, **arguments: Any) -> Any:
        """Runs one QMP command; Refusal if the process has ended."""
        assert self.process.stdin is not None
        try:
            request = {"execute": name, "arguments": arguments}
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self._refused()
        return self._answer()

    def until(self, done: Callable[[], bool]) -> None:
        """Waits."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, "it takes too long"
            time.sleep(0.02)

    def save(self, file: Path) -> None:
        """Migrates out into a file."""
        self.command("migrate", uri=f"exec:cat > {file}")
        self.until(lambda: self.command("query-migrate").get("status") == "completed")

    def load(self, file: Path) -> None:
        """Migrates in from a file; Refusal with what QEMU said if it does not take it."""
        self.command("migrate-incoming", uri=f"exec:cat {file}")
        self.until(lambda: self.command("query-status")["status"] != "inmigrate")

    def registers(self) -> str:
        """What the monitor says of the registers."""
        words = {"command-line": "info registers"}
        text: str = self.command("human-monitor-command", **words)
        return text


def carried(target: str, options: Sequence[str], old: str, new: str, file: Path) -> str:
    """Saves with one release and loads with the other; empty, or why it was refused."""
    with Pair(old, target, options) as source:
        source.save(file)
    return taken(target, options, new, file)


def taken(target: str, options: Sequence[str], release: str, file: Path) -> str:
    """Loads a file; empty, or why it was refused."""
    with Pair(release, target, options, "-incoming", "defer") as destination:
        try:
            destination.load(file)
        except Refusal as refusal:
            return str(refusal)
    return ""
