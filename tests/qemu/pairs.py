"""Two releases of QEMU side by side: a stream that one saves, given to the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.lacking import lacking
from tests.qemu.machine import PATIENCE, Guest, Machine, Refusal


def require(target: str) -> None:
    """Both releases, or no test: skipped here, failed in CI."""
    for release in ("7.2", "10.0"):
        if reason := Guest(target, (), release=release).absent():
            lacking(reason)


class Pair(Machine):
    """One machine of one release."""

    def __init__(
        self, release: str, target: str, options: Sequence[str], *extra: str
    ) -> None:
        super().__init__(Guest(target, tuple(options), release=release), extra)

    def until(self, done: Callable[[], bool]) -> None:
        """Waits."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, "it takes too long"
            time.sleep(0.02)

    def save(self, file: Path) -> None:
        """Migrates out into a file."""
        file.write_bytes(self.capture())

    def registers(self) -> str:
        """What the monitor says of the registers."""
        words = {"command-line": "info registers"}
        text: str = self.command("human-monitor-command", **words)
        return text


def taken(target: str, options: Sequence[str], release: str, file: Path) -> str:
    """Loads a file; empty, or why it was refused."""
    with Pair(release, target, options, "-incoming", "defer") as destination:
        try:
            destination.load(file.read_bytes())
        except Refusal as refusal:
            return str(refusal)
    return ""
