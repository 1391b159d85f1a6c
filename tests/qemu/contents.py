"""Captures whose every section is held against the codecs, for tests of what is inside."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.lacking import lacking
from tests.qemu.machine import PATIENCE, Guest, Machine
from tests.qemu.qtest import QTest
from tests.stream_sections import Section, find_sections
from tests.whole_targets import Target, is_described, whole_target

QUIET = ("-nodefaults", "-m", "32", "-bios", "{folder}/halt")


@dataclass
class Contents:
    """The states of a stream, by the last part of their section's name and instance."""

    target: Target
    data: bytes
    sections: dict[tuple[str, int], Section]
    states: dict[tuple[str, int], Any]

    def __getitem__(self, name: str) -> Any:
        (found,) = (state for key, state in self.states.items() if key[0] == name)
        return found

    def of(self, name: str, instance: int) -> Any:
        """The state of one instance."""
        return self.states[name, instance]


def read_all(guest: Guest, data: bytes) -> Contents:
    """Every section, loaded to its exact end and saved to the same bytes; those that load
    without the stream's description too load to the same state."""
    whole = whole_target(guest.target, guest.release or "10.0")
    sections, states = {}, {}
    for section in find_sections(data):
        if not is_described(section):
            continue
        state = whole.load(data, section, described=True)
        assert whole.save(section, state) == data[section.start : section.end]
        with contextlib.suppress(whole.runtime.MissingContext):
            assert whole.load(data, section, described=False) == state, section.name
        key = section.name.rpartition("/")[2], section.instance
        while key in states:
            key = (key[0], key[1] + 1)
        sections[key], states[key] = section, state
    return Contents(whole, data, sections, states)


def started(guest: Guest) -> Machine:
    """A paused machine; no test where QEMU is not here."""
    if reason := guest.absent():
        lacking(reason)
    return Machine(guest)


@contextlib.contextmanager
def driven(guest: Guest, ram: int = 0) -> Iterator[tuple[Machine, QTest]]:
    """A paused machine, and its memory, which begins at ``ram``."""
    with started(guest) as machine, machine.qtest(ram) as qtest:
        yield machine, qtest


def taken_back(guest: Guest, data: bytes) -> bytes:
    """QEMU takes the stream; gives what it says when it saves again."""
    with Machine.resumed(guest, data) as machine:
        return machine.capture()


def wait_for(done: Callable[[], bool]) -> None:
    """Polls for something that QEMU does by itself."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)


def connected(machine: Machine, chardev: str) -> bool:
    """Whether someone is at the other end of a chardev."""
    names = {one["label"]: one["filename"] for one in machine.command("query-chardev")}
    return not names[chardev].startswith("disconnected")
