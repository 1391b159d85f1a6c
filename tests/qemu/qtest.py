"""QEMU's qtest protocol: a machine's memory, ports and clock without any guest code.

``docs/devel/testing/qtest.rst`` of a QEMU tree has the commands: a line of text each,
answered by ``OK`` and a value.  On top of it stand PCI functions behind the ports 0xcf8
and 0xcfc, and virtio devices on PCI and on MMIO, driven as a guest's driver would.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType


class QTest:
    """A connection to a machine with ``-qtest``; its CPUs may be real ones, and stopped.

    Memory of the guest is handed out by :meth:`place`, from 1 MiB above ``ram`` on.
    """

    def __init__(self, path: Path, ram: int = 0, timeout: float = 30.0) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.answers = self.socket.makefile("r", encoding="ascii")
        self.next = ram + 0x100000

    def __enter__(self) -> QTest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.answers.close()
        self.socket.close()

    def ask(self, *words: str | int) -> str:
        """Runs one command and gives what follows ``OK``."""
        line = " ".join(hex(word) if isinstance(word, int) else word for word in words)
        self.socket.sendall(line.encode("ascii") + b"\n")
        answer = self.answers.readline().split()
        if answer[:1] != ["OK"]:
            raise ValueError(f"{line[:80]}: {answer}")
        return answer[1] if len(answer) > 1 else ""

    def read(self, addr: int, size: int) -> bytes:
        """Guest memory."""
        return bytes.fromhex(self.ask("read", addr, size)[2:])

    def write(self, addr: int, data: bytes) -> None:
        """Guest memory, or registers that take any size."""
        for at in range(0, len(data), 0x8000):
            part = data[at : at + 0x8000]
            self.ask("write", addr + at, len(part), "0x" + part.hex())

    def load(self, letter: str, addr: int) -> int:
        """A register in guest memory: ``b``, ``w``, ``l`` or ``q``, in the target's order."""
        return int(self.ask(f"read{letter}", addr), 16)

    def store(self, letter: str, addr: int, value: int) -> None:
        """Sets a register in guest memory."""
        self.ask(f"write{letter}", addr, value)

    def inp(self, letter: str, port: int) -> int:
        """An x86 port: ``b``, ``w`` or ``l``."""
        return int(self.ask(f"in{letter}", port), 16)

    def out(self, letter: str, port: int, value: int) -> None:
        """Sets an x86 port."""
        self.ask(f"out{letter}", port, value)

    def place(self, data: bytes | int, align: int = 16) -> int:
        """Puts bytes (or so many zeros) into fresh guest memory; gives their address."""
        start = -(-self.next // align) * align
        self.next = start + (data if isinstance(data, int) else len(data))
        if not isinstance(data, int):
            self.write(start, data)
        return start


class PCIFunction:
    """A function on bus 0 of a PC."""

    def __init__(self, qtest: QTest, slot: int, function: int = 0) -> None:
        self.qtest = qtest
        self.address = 0x80000000 | slot << 11 | function << 8
        assert self.config("w", 0) != 0xFFFF, f"nothing in slot {slot}"

    def config(self, letter: str, at: int) -> int:
        """A register of the configuration space."""
        self.qtest.out("l", 0xCF8, self.address | at & 0xFC)
        return self.qtest.inp(letter, 0xCFC + at % 4)

    def configure(self, letter: str, at: int, value: int) -> None:
        """Sets a register of the configuration space."""
        self.qtest.out("l", 0xCF8, self.address | at & 0xFC)
        self.qtest.out(letter, 0xCFC + at % 4, value)

    def enable(self, bar: int, base: int) -> int:
        """Gives a BAR its place; memory, ports and bus mastering on.  Gives the base."""
        self.configure("l", 0x10 + 4 * bar, base)
        if self.config("l", 0x10 + 4 * bar) & 7 == 4:
            self.configure("l", 0x14 + 4 * bar, 0)
        self.configure("w", 4, 7)
        return base

    def capabilities(self) -> list[tuple[int, int]]:
        """Ids and places of the capabilities."""
        found = []
        at = self.config("b", 0x34)
        while at:
            found.append((self.config("b", at), at))
            at = self.config("b", at + 1)
        return found


ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK = 1, 2, 4, 8
VERSION_1, RING_PACKED = 1 << 32, 1 << 34
NEXT, WRITE = 1, 2


AVAILABLE = 1 << 7
"""A packed descriptor that the device has not used, which it says in bit 15."""


class VirtQueue:
    """A ring in guest memory, split or packed, which nobody wraps around."""

    def __init__(self, device: VirtIODriver, index: int, size: int) -> None:
        self.device = device
        self.index = index
        self.size = size
        qtest = device.qtest
        self.desc = qtest.place(16 * size)
        self.avail = qtest.place(6 + 2 * size)
        self.used = qtest.place(6 + 8 * size)
        self.free = self.added = 0
        self.heads: list[int] = []

    def add(self, out: Sequence[bytes], into: Sequence[int] = ()) -> list[int]:
        """Puts a request into the ring and tells the device; gives the address of each
        piece: those that the device reads, then those (sizes) that it writes."""
        qtest = self.device.qtest
        pieces = [qtest.place(data) for data in out] + [qtest.place(n) for n in into]
        sizes = [*map(len, out), *into]
        packed = self.device.packed
        head = self.free
        for number, (addr, size) in enumerate(zip(pieces, sizes, strict=True)):
            flags = WRITE * (number >= len(out)) | NEXT * (number + 1 < len(pieces))
            words = (head, flags | AVAILABLE) if packed else (flags, self.free + 1)
            entry = struct.pack("<QIHH", addr, size, *words)
            qtest.write(self.desc + 16 * self.free, entry)
            self.free += 1
        assert self.free < self.size
        self.heads.append(head)
        self.added += 1
        if not packed:
            place = self.avail + 2 + 2 * self.added
            qtest.write(place, struct.pack("<H", head))
            qtest.write(self.avail + 2, struct.pack("<H", self.added))
        self.device.notify(self.index)
        return pieces

    def done(self) -> int:
        """How many requests the device has finished."""
        read = self.device.qtest.read
        if self.device.packed:
            places = (self.desc + 16 * head + 14 for head in self.heads)
            return sum(read(place, 2)[1] >> 7 for place in places)
        (count,) = struct.unpack("<H", read(self.used + 2, 2))
        assert isinstance(count, int)
        return count

    def ask(self, out: Sequence[bytes], into: int) -> bytes:
        """A request that the device finishes at once; gives what it answered."""
        *_, answer = self.add(out, [into])
        assert self.done() == self.added, "the device did not finish the request"
        return self.device.qtest.read(answer, into)


class VirtIODriver:
    """A modern virtio device: features, queues, notifications."""

    def __init__(self, qtest: QTest) -> None:
        self.qtest = qtest
        self.queues: list[VirtQueue] = []
        self.packed = False

    def notify(self, queue: int) -> None:
        raise NotImplementedError

    def status(self, value: int) -> None:
        raise NotImplementedError

    def features(self, wanted: int) -> int:
        """Takes those of ``wanted`` that the device offers; gives them."""
        raise NotImplementedError

    def queue(self, index: int, size: int) -> VirtQueue:
        """Sets up one queue."""
        raise NotImplementedError

    def start(self, wanted: int, queues: int, size: int = 64) -> int:
        """Features and queues, until the driver is ready.  Gives the features."""
        self.status(0)
        self.status(ACKNOWLEDGE)
        self.status(ACKNOWLEDGE | DRIVER)
        taken = self.features(wanted | VERSION_1)
        self.packed = bool(taken & RING_PACKED)
        self.status(ACKNOWLEDGE | DRIVER | FEATURES_OK)
        self.queues = [self.queue(index, size) for index in range(queues)]
        self.status(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK)
        return taken


class VirtIOPCI(VirtIODriver):
    """A virtio device in a slot of bus 0, its registers where ``base`` says."""

    def __init__(self, qtest: QTest, slot: int) -> None:
        super().__init__(qtest)
        self.function = PCIFunction(qtest, slot)
        self.base = self.function.enable(4, 0xE0000000 + slot * 0x100000)
        self.places: dict[int, int] = {}
        for kind, at in self.function.capabilities():
            if kind == 9:
                which = self.function.config("b", at + 3)
                offset = self.function.config("l", at + 8)
                self.places.setdefault(which, self.base + offset)
                if which == 2:
                    self.multiplier = self.function.config("l", at + 16)

    def notify(self, queue: int) -> None:
        self.qtest.store("w", self.places[1] + 22, queue)
        offset = self.qtest.load("w", self.places[1] + 30)
        self.qtest.store("w", self.places[2] + offset * self.multiplier, queue)

    def status(self, value: int) -> None:
        self.qtest.store("b", self.places[1] + 20, value)

    def features(self, wanted: int) -> int:
        taken = 0
        for half in (0, 1):
            self.qtest.store("l", self.places[1], half)
            self.qtest.store("l", self.places[1] + 8, half)
            offered = self.qtest.load("l", self.places[1] + 4)
            word = offered & wanted >> 32 * half & 0xFFFFFFFF
            self.qtest.store("l", self.places[1] + 12, word)
            taken |= word << 32 * half
        return taken

    def queue(self, index: int, size: int) -> VirtQueue:
        made = VirtQueue(self, index, size)
        self.qtest.store("w", self.places[1] + 22, index)
        self.qtest.store("w", self.places[1] + 24, size)
        for at, addr in ((32, made.desc), (40, made.avail), (48, made.used)):
            self.qtest.store("l", self.places[1] + at, addr)
            self.qtest.store("l", self.places[1] + at + 4, 0)
        self.qtest.store("w", self.places[1] + 28, 1)
        return made


class VirtIOMMIO(VirtIODriver):
    """A modern virtio device behind the registers at ``base``."""

    def __init__(self, qtest: QTest, base: int) -> None:
        super().__init__(qtest)
        self.base = base

    def set(self, at: int, value: int) -> None:
        self.qtest.store("l", self.base + at, value)

    def notify(self, queue: int) -> None:
        self.set(0x50, queue)

    def status(self, value: int) -> None:
        self.set(0x70, value)

    def features(self, wanted: int) -> int:
        taken = 0
        for half in (0, 1):
            self.set(0x14, half)
            self.set(0x24, half)
            word = (
                self.qtest.load("l", self.base + 0x10)
                & wanted >> 32 * half
                & 0xFFFFFFFF
            )
            self.set(0x20, word)
            taken |= word << 32 * half
        return taken

    def queue(self, index: int, size: int) -> VirtQueue:
        made = VirtQueue(self, index, size)
        self.set(0x30, index)
        self.set(0x38, size)
        for at, addr in ((0x80, made.desc), (0x90, made.avail), (0xA0, made.used)):
            self.set(at, addr & 0xFFFFFFFF)
            self.set(at + 4, addr >> 32)
        self.set(0x44, 1)
        return made
