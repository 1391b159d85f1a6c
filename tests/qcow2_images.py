"""Small qcow2 images with the state of a machine, built by the format's documentation."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass
class Image:
    """An image with one snapshot for every state.

    ``bits`` is the exponent of the cluster size, ``compressed`` stores the clusters of a
    state deflated, or by the ``zstd`` that is given, ``scattered`` every other one elsewhere,
    ``holes`` leaves out clusters that are all zero, of ``extended`` images subclusters.
    """

    states: dict[str, bytes]
    bits: int = 9
    disk_size: int = 1 << 16
    version: int = 3
    extended: bool = False
    compressed: bool = False
    scattered: bool = False
    holes: bool = False
    large: bool = True
    zstd: Any = None
    data: bytearray = field(default_factory=bytearray)
    tables: list[tuple[int, int]] = field(default_factory=list)

    def __repr__(self) -> str:
        words = {name: vars(self)[name] for name in ("bits", "disk_size", "version")}
        flags = ("extended", "compressed", "scattered", "holes", "large", "zstd")
        set_ = [name for name in flags if vars(self)[name]]
        return f"{len(self.states)} states {words} {' '.join(set_)}"

    def built(self) -> bytes:
        cluster = 1 << self.bits
        self.data = bytearray(cluster)
        self.tables = [self._table(state) for state in self.states.values()]
        table = self._aligned()
        for number, (name, state) in enumerate(self.states.items(), 1):
            self.data += self._entry(number, name, state)
        self.data[:112] = self._header(table)
        return bytes(self.data)

    def _aligned(self) -> int:
        self.data += bytes(-len(self.data) % (1 << self.bits))
        return len(self.data)

    def _header(self, snapshots: int) -> bytes:
        features = (16 if self.extended else 0) | (8 if self.zstd else 0)
        parts = (
            b"QFI\xfb", self.version.to_bytes(4, "big"), bytes(12), self.bits.to_bytes(4, "big"),
            self.disk_size.to_bytes(8, "big"), bytes(4), bytes(4), bytes(8), bytes(8), bytes(4),
            len(self.states).to_bytes(4, "big"), snapshots.to_bytes(8, "big"),
            features.to_bytes(8, "big") if self.version == 3 else bytes(8), bytes(16),
            (4).to_bytes(4, "big"), (112).to_bytes(4, "big"),
            bytes([1 if self.zstd else 0]), bytes(7),
        )  # fmt: skip
        return b"".join(parts)

    def _entry(self, number: int, name: str, state: bytes) -> bytes:
        offset, size = self.tables[number - 1]
        extra = b""
        if self.large:
            extra = len(state).to_bytes(8, "big") + self.disk_size.to_bytes(8, "big")
        short = 0 if self.large else len(state)
        identity, label = str(number).encode(), name.encode()
        made = b"".join(
            (
                offset.to_bytes(8, "big"), size.to_bytes(4, "big"),
                len(identity).to_bytes(2, "big"), len(label).to_bytes(2, "big"), bytes(16),
                short.to_bytes(4, "big"), len(extra).to_bytes(4, "big"), extra, identity, label,
            )
        )  # fmt: skip
        return made + bytes(-len(made) % 8)

    def _table(self, state: bytes) -> tuple[int, int]:
        cluster, width = 1 << self.bits, 16 if self.extended else 8
        per_table = cluster // width
        chunks = [state[at : at + cluster] for at in range(0, len(state), cluster)]
        places: dict[int, int] = {}
        order = list(range(len(chunks)))
        if self.scattered:
            order = order[::2] + order[1::2]
        for index in order:
            places[index] = self._place(chunks[index])
        first = -(-self.disk_size // (cluster * per_table))
        entries = [0] * first
        for start in range(0, len(chunks), per_table):
            at = self._aligned()
            self.data += bytes(cluster)
            for index in range(start, min(start + per_table, len(chunks))):
                spot = at + width * (index - start)
                self.data[spot : spot + 8] = places[index].to_bytes(8, "big")
                if self.extended and not places[index] >> 62 & 1:
                    bitmap = self._bitmap(chunks[index].ljust(cluster, b"\0"))
                    self.data[spot + 8 : spot + 16] = bitmap.to_bytes(8, "big")
            entries.append(at | 1 << 63)
        at = self._aligned()
        self.data += b"".join(entry.to_bytes(8, "big") for entry in entries)
        self._aligned()
        return at, len(entries)

    def _bitmap(self, chunk: bytes) -> int:
        """Which subclusters are allocated, and which read as zeros."""
        made, size = 0, len(chunk) // 32
        for index in range(32):
            there = any(chunk[index * size : (index + 1) * size]) or not self.holes
            made |= 1 << index if there else 1 << 32 + index
        return made

    def _place(self, chunk: bytes) -> int:
        whole = chunk.ljust(1 << self.bits, b"\0")
        if self.holes and not any(whole):
            return 0
        if not self.compressed:
            at = self._aligned()
            self.data += whole
            if self.holes and self.extended:  # what stands in a hole is nobody's
                size = len(whole) // 32
                for index in range(32):
                    if not any(whole[index * size : (index + 1) * size]):
                        spot = at + index * size
                        self.data[spot : spot + size] = b"\xaa" * size
            return at | 1 << 63
        packed = (self.zstd or deflated)(whole)
        at = len(self.data)
        self.data += packed
        sectors = (at + len(packed) - 1) // 512 - at // 512
        shift = 62 - (self.bits - 8)
        return 1 << 62 | sectors << shift | at
